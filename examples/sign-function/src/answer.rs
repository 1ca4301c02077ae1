//! What is answered.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::fault::Fault;
use crate::request::Id;

/// A signature, and what goes with it.
///
/// Most of it is a credential: `Debug` shows the names of the signed headers and nothing else.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Signed {
    /// That of the request, as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// The headers to add to those that the request has, by name and value.
    pub headers: Vec<(String, String)>,
    /// The URL as it was given; with the signature in its query where it was asked for there.
    pub url: String,
    /// The names of all headers that are signed, in lower case and sorted.
    pub signed_headers: Vec<String>,
    /// The canonical request as it was hashed, with the session token if that is signed.
    pub canonical_request: String,
    /// The string to sign.
    pub string_to_sign: String,
    /// The signature in hex.
    pub signature: String,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed")
            .field("id", &self.id)
            .field("signed_headers", &self.signed_headers)
            .finish_non_exhaustive()
    }
}

/// Why there is no signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Refused {
    /// That of the request, if it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// What is wrong, the name of the field included.
    pub error: String,
    /// The field that is at fault: `url`, `headers[2].value`, `path.normalize`.
    pub field: Cow<'static, str>,
}

impl Refused {
    /// Answers a request with what is wrong with it.
    #[must_use]
    pub fn new(id: Option<Id>, fault: Fault) -> Self {
        Self {
            id,
            error: fault.to_string(),
            field: fault.field,
        }
    }
}
