//! What the signature of a request leaves for the signatures of its body.

use std::sync::Arc;

use crate::credentials::Credentials;
use crate::key::DerivedKey;
use crate::payload::Payload;

/// Everything that a chain of signatures goes on with, beside the signature it begins with.
pub(crate) struct StreamSeed {
    pub(crate) credentials: Credentials,
    pub(crate) key: Arc<DerivedKey>,
    pub(crate) payload: Payload<'static>,
}

impl StreamSeed {
    /// Out of line, since most requests have none.
    #[cold]
    pub(crate) fn new(
        credentials: &Credentials,
        key: &Arc<DerivedKey>,
        payload: Payload<'static>,
    ) -> Arc<Self> {
        Arc::new(Self {
            credentials: credentials.clone(),
            key: Arc::clone(key),
            payload,
        })
    }
}
