//! What of a body the signature covers.

use std::fmt;

use http::HeaderValue;
use sha2::Digest;
use sha2::Sha256;

/// The body of a request, as far as its signature is concerned.
///
/// The signer never sees the body itself, only what is said of it here. What is sent must be what
/// was said.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// The whole body. It is hashed; the bytes are not kept.
    Bytes(&'a [u8]),
    /// The SHA-256 of the body, for one that was hashed as it was read.
    Sha256([u8; 32]),
    /// The body is not covered by the signature (`UNSIGNED-PAYLOAD`). Transport security alone
    /// protects it; only few services accept it.
    Unsigned,
}

impl Payload<'_> {
    /// The body of a request that has none.
    pub const EMPTY: Self = Payload::Bytes(b"");

    /// Returns the last line of the canonical request.
    pub(crate) fn digest(self) -> PayloadDigest {
        match self {
            Payload::Bytes([]) => PayloadDigest::Literal(EMPTY_SHA256),
            Payload::Bytes(bytes) => PayloadDigest::from_hash(Sha256::digest(bytes).as_ref()),
            Payload::Sha256(hash) => PayloadDigest::from_hash(&hash),
            Payload::Unsigned => PayloadDigest::Literal(UNSIGNED_PAYLOAD),
        }
    }
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payload::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Payload::Sha256(_) => f.write_str("Sha256"),
            Payload::Unsigned => f.write_str("Unsigned"),
        }
    }
}

/// The value of `x-amz-content-sha256`.
#[derive(Clone, Copy)]
pub(crate) enum PayloadDigest {
    Literal(&'static str),
    Hex([u8; 64]),
}

impl PayloadDigest {
    fn from_hash(hash: &[u8]) -> Self {
        let mut text = [0; 64];
        hex::encode_to_slice(hash, &mut text).expect("SHA-256 has 32 bytes, twice that in hex");
        Self::Hex(text)
    }

    pub(crate) fn header_value(&self) -> HeaderValue {
        match self {
            Self::Literal(text) => HeaderValue::from_static(text),
            Self::Hex(text) => HeaderValue::from_bytes(text).expect("hex is a header value"),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Literal(text) => text.as_bytes(),
            Self::Hex(text) => text,
        }
    }
}

/// The SHA-256 of nothing.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
