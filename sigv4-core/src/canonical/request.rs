//! The canonical request and the string to sign.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use hmac::Mac;
use sha2::Digest;
use sha2::Sha256;

use crate::canonical::headers::SignedHeaders;
use crate::canonical::path::CanonicalPath;
use crate::canonical::sink::Buffered;
use crate::canonical::sink::Sink;
use crate::date::Timestamp;
use crate::key::DerivedKey;
use crate::names;
use crate::payload::PayloadDigest;

/// Everything that a signature covers.
pub(crate) struct CanonicalRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a CanonicalPath<'a>,
    pub(crate) query: &'a str,
    pub(crate) headers: SignedHeaders<'a>,
    pub(crate) payload: &'a PayloadDigest,
}

impl CanonicalRequest<'_> {
    pub(crate) fn write_to(&self, sink: &mut impl Sink) {
        sink.put_str(self.method);
        sink.put(b"\n");
        self.path.write_to(sink);
        sink.put(b"\n");
        sink.put_str(self.query);
        sink.put(b"\n");
        self.headers.write_to(sink);
        sink.put(b"\n");
        self.headers.write_names_to(sink);
        sink.put(b"\n");
        sink.put(self.payload.as_bytes());
    }

    /// Hashes the canonical request without ever writing it down.
    pub(crate) fn digest(&self) -> [u8; 64] {
        let mut sink = Buffered::new(Sha256::new());
        self.write_to(&mut sink);
        to_hex(&sink.finish().finalize())
    }
}

/// What the signing key is applied to.
pub(crate) struct StringToSign<'a> {
    pub(crate) time: &'a Timestamp,
    pub(crate) scope: &'a str,
    pub(crate) request_digest: [u8; 64],
}

impl StringToSign<'_> {
    pub(crate) fn write_to(&self, sink: &mut impl Sink) {
        sink.put_str(names::ALGORITHM);
        sink.put(b"\n");
        sink.put(self.time.as_bytes());
        sink.put(b"\n");
        sink.put_str(self.scope);
        sink.put(b"\n");
        sink.put(&self.request_digest);
    }

    /// Returns the signature in hex.
    pub(crate) fn sign(&self, key: &DerivedKey) -> [u8; 64] {
        let mut sink = Buffered::new(key.mac());
        self.write_to(&mut sink);
        to_hex(&sink.finish().finalize().into_bytes())
    }
}

fn to_hex(digest: &[u8]) -> [u8; 64] {
    let mut text = [0; 64];
    hex::encode_to_slice(digest, &mut text).expect("SHA-256 has 32 bytes, twice that in hex");
    text
}
