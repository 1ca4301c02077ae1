//! [`Signed`]: what signing a request gave.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::date::Timestamp;
use crate::payload::Payload;
#[cfg(doc)]
use crate::rules::ExistingAuthorization;
use crate::signature::Signature;
use crate::stream::chunked::ChunkEncoder;
use crate::stream::chunked::ChunkSigner;
use crate::stream::event::signer::EventSigner;
use crate::stream::seed::StreamSeed;

/// What signing a request gave, beside the headers that are in it now.
#[derive(Clone)]
pub struct Signed {
    pub(crate) signature: Option<Signature>,
    pub(crate) time: Timestamp,
    pub(crate) seed: Option<Arc<StreamSeed>>,
}

impl Signed {
    /// Returns the signature in hex, which is the seed for signing what comes after the head.
    ///
    /// `None` where the request kept an `Authorization` header of its own, as
    /// [`ExistingAuthorization::DangerKeep`] allows, and was not signed.
    #[must_use]
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_ref().map(Signature::as_str)
    }

    /// Tells whether there is a signature, without looking at it.
    #[cfg(feature = "runtime")]
    pub(crate) const fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// Returns what encodes the body, of a request that was signed with
    /// [`Payload::AwsChunked`]; else `None`.
    ///
    /// It holds the credentials and the time of the request, by which all of the body is signed.
    #[must_use]
    pub fn chunk_encoder(&self) -> Option<ChunkEncoder> {
        let (signature, seed) = (self.signature.as_ref()?, self.seed.as_deref()?);
        let Payload::AwsChunked { encoding, length } = seed.payload else {
            return None;
        };
        let chain = || ChunkSigner::with_key(Arc::clone(&seed.key), self.time, signature.clone());
        let chain = encoding.is_signed().then(chain);
        // The length was looked at before the request was signed.
        ChunkEncoder::new(encoding, chain, length).ok()
    }

    /// Returns what signs the events, of a request that was signed with [`Payload::Events`]; else
    /// `None`.
    #[must_use]
    pub fn event_signer(&self) -> Option<EventSigner> {
        let (signature, seed) = (self.signature.as_ref()?, self.seed.as_deref()?);
        if !matches!(seed.payload, Payload::Events) {
            return None;
        }
        let to = seed.key.to();
        // A signature in hex is a seed.
        EventSigner::for_scope(to.region, to.service, &seed.credentials, signature.as_str()).ok()
    }

    /// Returns the time that the signature names: the given one without its fraction of a second.
    #[must_use]
    pub fn signing_time(&self) -> SystemTime {
        self.time.time()
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed")
            .field("time", &self.time.as_str())
            .finish_non_exhaustive()
    }
}
