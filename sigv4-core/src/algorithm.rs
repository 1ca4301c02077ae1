//! The two algorithms of AWS's signatures, as far as they differ outside of the mathematics.

#[cfg(feature = "sigv4a")]
use crate::signature::Signature;
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

    /// Returns the length of the longest signature, in hex.
    pub(crate) const fn signature_length(self) -> usize {
        match self {
            Self::V4 => 64,
            #[cfg(feature = "sigv4a")]
            Self::V4a(_) => Signature::MAX,
        }
    }

    /// Returns what stands for the hash of a body that is signed chunk by chunk.
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html>
    pub(crate) const fn chunked_payload(self, has_trailer: bool) -> &'static str {
        match (self, has_trailer) {
            (Self::V4, false) => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            (Self::V4, true) => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            #[cfg(feature = "sigv4a")]
            (Self::V4a(_), false) => "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
            #[cfg(feature = "sigv4a")]
            (Self::V4a(_), true) => "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
        }
    }

    /// Tells whether the region is part of the credential scope. Where it is not, the signature
    /// names a set of regions beside it.
    pub(crate) const fn is_regional(self) -> bool {
        matches!(self, Self::V4)
    }
}
