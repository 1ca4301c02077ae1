//! The two algorithms of AWS's signatures, as far as they differ outside of the mathematics.

#[cfg(feature = "sigv4a")]
use crate::sigv4a::EcdsaBackend;

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// HMAC with a key for one day, region and service.
    V4,
    /// ECDSA with a key that holds everywhere.
    #[cfg(feature = "sigv4a")]
    V4a(EcdsaBackend),
}

impl Algorithm {
    /// Returns the name in `Authorization` and in the string to sign.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V4 => "AWS4-HMAC-SHA256",
            #[cfg(feature = "sigv4a")]
            Self::V4a(_) => "AWS4-ECDSA-P256-SHA256",
        }
    }

    /// Tells whether the region is part of the credential scope. Where it is not, the signature
    /// names a set of regions beside it.
    pub(crate) const fn is_regional(self) -> bool {
        matches!(self, Self::V4)
    }
}
