//! What every body goes through that passes as a stream.

#![cfg_attr(
    all(feature = "body", not(feature = "runtime")),
    expect(unreachable_pub, reason = "the adapters reach it through the runtime")
)]

#[cfg(feature = "body")]
use bytes::Buf;
#[cfg(feature = "body")]
use bytes::Bytes;

use crate::error::Error;
use crate::error::ErrorKind;

/// The error of a body that another one is made of.
#[cfg(feature = "body")]
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Takes the data of a frame. It costs nothing where they are `Bytes` already.
#[cfg(feature = "body")]
#[must_use]
pub fn into_bytes<D: Buf>(mut data: D) -> Bytes {
    data.copy_to_bytes(data.remaining())
}

/// Returns the error for a body that ends in trailers, which no hash of it covers.
#[cfg(feature = "body")]
#[must_use]
pub fn trailers_refused() -> Error {
    Error::new(
        ErrorKind::Trailers,
        "the body ends in trailers, which the signature cannot cover; send it without",
    )
}

/// Returns the error for a body that is not as long as it should be.
#[must_use]
pub(crate) fn length_mismatch() -> Error {
    DIFFERENT
}

const DIFFERENT: Error = Error::new(
    ErrorKind::BodyLength,
    "the body is not as long as it declared; correct Content-Length or leave it out",
);
