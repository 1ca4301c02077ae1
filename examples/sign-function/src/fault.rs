//! What is wrong with a request for a signature.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// Says which field of a request is at fault, and the remedy.
///
/// Neither holds the value of the field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fault {
    /// The field: `url`, `headers[2].value`, `path.normalize`; `request` for all of it.
    pub field: Cow<'static, str>,
    /// What is wrong with it, to be read behind its name.
    pub message: String,
}

impl Fault {
    /// Says what is wrong with a field.
    pub fn new(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for Fault {}
