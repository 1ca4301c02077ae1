//! The canonical request and the string to sign.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use crate::canonical::headers::SignedHeaders;
use crate::canonical::path::CanonicalPath;
use crate::canonical::sink::Sink;
use crate::date::Timestamp;
use crate::hash::Hasher;
use crate::key::DerivedKey;
use crate::names;
use crate::payload::PayloadDigest;

/// Everything that a signature covers.
pub(crate) struct CanonicalRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a CanonicalPath<'a>,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a SignedHeaders<'a>,
    /// The names of the headers, with semicolons between them.
    pub(crate) signed_headers: &'a [u8],
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
        sink.put(self.signed_headers);
        sink.put(b"\n");
        sink.put(self.payload.as_bytes());
    }

    /// Returns the string to sign.
    pub(crate) fn string_to_sign(&self, time: &Timestamp, scope: &str) -> Vec<u8> {
        let mut text = Vec::new();
        begin_string_to_sign(time, scope, &mut text);
        text.put(&self.digest());
        text
    }

    /// Returns the signature in hex. Neither text is ever written down.
    pub(crate) fn sign(&self, time: &Timestamp, key: &DerivedKey) -> [u8; 64] {
        // The other way round, the processor would have to wait: reading blocks of what was just
        // written in pieces takes long.
        let mut text = key.mac().begin::<BLOCKS_TO_SIGN>();
        begin_string_to_sign(time, key.scope(), &mut text);
        text.put(&self.digest());
        key.mac().finish(&mut text).to_hex()
    }

    fn digest(&self) -> [u8; 64] {
        let mut text = Hasher::<BLOCKS>::new();
        self.write_to(&mut text);
        text.finish().to_hex()
    }
}

/// Writes all of the string to sign but its end, the digest of the canonical request.
fn begin_string_to_sign(time: &Timestamp, scope: &str, sink: &mut impl Sink) {
    sink.put_str(names::ALGORITHM);
    sink.put(b"\n");
    sink.put(time.as_bytes());
    sink.put(b"\n");
    sink.put_str(scope);
    sink.put(b"\n");
}

/// Enough for most canonical requests.
const BLOCKS: usize = 10;
/// Enough for a region and a service with names of usual length.
const BLOCKS_TO_SIGN: usize = 4;
