//! The canonical request and the string to sign.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use crate::canonical::headers::SignedHeaders;
use crate::canonical::path::CanonicalPath;
use crate::canonical::sink::Sink;
use crate::date::Timestamp;
use crate::error::Error;
use crate::hash::Hasher;
use crate::key::DerivedKey;
use crate::key::Text;
use crate::payload::PayloadDigest;
use crate::signature::Signature;

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
    pub(crate) fn string_to_sign<'a>(
        &'a self,
        time: &'a Timestamp,
        key: &'a DerivedKey,
    ) -> StringToSign<'a> {
        StringToSign {
            canonical: self,
            time,
            key,
        }
    }

    /// Returns the signature. With SigV4 neither text is ever written down.
    pub(crate) fn sign(&self, time: &Timestamp, key: &DerivedKey) -> Result<Signature, Error> {
        key.sign::<BLOCKS_TO_SIGN>(&self.string_to_sign(time, key))
    }

    fn digest(&self) -> [u8; 64] {
        let mut text = Hasher::<BLOCKS>::new();
        self.write_to(&mut text);
        text.finish().to_hex()
    }
}

/// What is signed: the algorithm, the time, the scope, and the digest of the canonical request.
pub(crate) struct StringToSign<'a> {
    canonical: &'a CanonicalRequest<'a>,
    time: &'a Timestamp,
    key: &'a DerivedKey,
}

impl Text for StringToSign<'_> {
    fn write_to(&self, sink: &mut impl Sink) {
        sink.put_str(self.key.algorithm().name());
        sink.put(b"\n");
        sink.put(self.time.as_bytes());
        sink.put(b"\n");
        sink.put_str(self.key.scope());
        sink.put(b"\n");
        // Computed before the rest was written, the processor would have to wait: reading blocks
        // of what was just written in pieces takes long.
        sink.put(&self.canonical.digest());
    }
}

/// Enough for most canonical requests.
const BLOCKS: usize = 10;
/// Enough for a region and a service with names of usual length.
const BLOCKS_TO_SIGN: usize = 4;
