//! [`Error`]: why there is no signature, or none that is to be used.

use std::error::Error as StdError;
use std::fmt;

use crate::Refusal;

/// Says why there is no signature, or none that is to be used.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    refusal: Option<Box<Refusal>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Tells the kinds of an [`Error`] apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The region or the endpoint is none.
    Config,
    /// The request was not signed, not sent, or not answered.
    Transport,
    /// KMS refused it: see [`Error::refusal`].
    Refused,
    /// The answer is not one of KMS.
    Answer,
    /// The signature is not that of this message by this key.
    WrongSignature,
    /// The key is not one for this algorithm.
    UnsuitableKey,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            refusal: None,
            source: None,
        }
    }

    pub(crate) fn caused(
        kind: ErrorKind,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(kind)
        }
    }

    pub(crate) fn refused(refusal: Refusal) -> Self {
        Self {
            refusal: Some(Box::new(refusal)),
            ..Self::new(ErrorKind::Refused)
        }
    }

    /// Returns what kind of error it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns what KMS said, where it refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(refusal) = &self.refusal {
            return write!(f, "KMS says {refusal}");
        }
        f.write_str(match self.kind {
            ErrorKind::Config => "the region or the endpoint of KMS is not one",
            ErrorKind::Transport => "KMS gave no answer",
            ErrorKind::Refused => "KMS refused the request",
            ErrorKind::Answer => "the answer is not one of KMS",
            ErrorKind::WrongSignature => {
                "the signature is not that of this message by this key: do not use it"
            }
            ErrorKind::UnsuitableKey => {
                "the signature cannot be checked here: the public key is not one for this \
                 algorithm"
            }
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
