//! The chain of signatures over the chunks and the trailers of a body.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;

use crate::canonical::sink::Sink;
use crate::credentials::Credentials;
use crate::date::Timestamp;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::hash;
use crate::hash::Hasher;
use crate::key::DerivedKey;
use crate::key::Text;
use crate::payload::EMPTY_SHA256;
use crate::signature::Signature;
use crate::signer::Signer;

/// Signs the chunks of a body, each together with the signature before it.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
///
/// The first goes with the signature of the request. Time, region, service and credentials are
/// those of the request for the whole body, however long it takes.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use sigv4_core::{ChunkSigner, Credentials, Signer};
///
/// // The example of the documentation of S3. The seed is the signature of the request.
/// let signer = Signer::builder("s3", "us-east-1").build()?;
/// let credentials =
///     Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?;
/// let time = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
/// let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
/// let mut chunks = ChunkSigner::new(&signer, &credentials, time, seed)?;
///
/// // The SHA-256 of 65,536 times the letter a.
/// let sha256 = [
///     0xbf, 0x71, 0x8b, 0x6f, 0x65, 0x3b, 0xeb, 0xc1, 0x84, 0xe1, 0x47, 0x9f, 0x19, 0x35, 0xb8,
///     0xda, 0x97, 0x4d, 0x70, 0x1b, 0x89, 0x3a, 0xfc, 0xf4, 0x9e, 0x70, 0x1f, 0x3e, 0x2f, 0x9f,
///     0x9c, 0x5a,
/// ];
/// assert_eq!(
///     chunks.sign_chunk(&sha256)?.as_str(),
///     "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ChunkSigner {
    key: Arc<DerivedKey>,
    time: Timestamp,
    previous: Signature,
}

impl ChunkSigner {
    /// Begins a chain behind a request that was signed at `time`.
    ///
    /// `seed` is the [signature](crate::Signed::signature) of the request; all else must be what
    /// it was signed with.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Time`] when the time is out of range, [`ErrorKind::Payload`] when the seed is
    /// not a signature in hex.
    pub fn new(
        signer: &Signer,
        credentials: &Credentials,
        time: SystemTime,
        seed: &str,
    ) -> Result<Self, Error> {
        let previous = Signature::of_text(signer.algorithm(), seed).ok_or(NO_SEED)?;
        let time = Timestamp::new(time)?;
        let scope = signer.scope(None)?;
        credentials.with_key(&time, scope.key(), |key| {
            Ok(Self::with_key(Arc::clone(key), time, previous))
        })
    }

    pub(crate) const fn with_key(key: Arc<DerivedKey>, time: Timestamp, seed: Signature) -> Self {
        Self {
            key,
            time,
            previous: seed,
        }
    }

    /// Signs the next chunk by the SHA-256 of its data. The last chunk is empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ecdsa`] when SigV4A could not make a signature. SigV4 always can.
    pub fn sign_chunk(&mut self, data_sha256: &[u8; 32]) -> Result<ChunkSignature, Error> {
        let hash = hash::hex_of(data_sha256);
        // The first hash is for headers of the chunk, of which there are none.
        self.sign("-PAYLOAD", &[EMPTY_SHA256.as_bytes(), &hash])
    }

    /// Signs the trailers, whatever their order, behind the last chunk. White space around a value
    /// does not count.
    ///
    /// # Errors
    ///
    /// Those of [`sign_chunk`](Self::sign_chunk).
    pub fn sign_trailers(&mut self, trailers: &HeaderMap) -> Result<ChunkSignature, Error> {
        let mut lines: Vec<_> = trailers.iter().collect();
        lines.sort_by_key(|&(name, _)| name.as_str());
        let mut canonical = Hasher::<TRAILER_BLOCKS>::new();
        for (name, value) in lines {
            canonical.put_str(name.as_str());
            canonical.put(b":");
            canonical.put(value.as_bytes().trim_ascii());
            canonical.put(b"\n");
        }
        let hash = canonical.finish().to_hex();
        self.sign("-TRAILER", &[&hash])
    }

    /// How many characters a signature has on the wire.
    pub(crate) fn signature_length(&self) -> usize {
        self.key.algorithm().signature_length()
    }

    fn sign(&mut self, what: &str, hashes: &[&[u8]]) -> Result<ChunkSignature, Error> {
        let text = StringToSign {
            chain: self,
            what,
            hashes,
        };
        self.previous = self.key.sign::<BLOCKS_TO_SIGN>(&text)?;
        Ok(ChunkSignature(self.previous.clone()))
    }
}

/// What is signed for one link of the chain.
struct StringToSign<'a> {
    chain: &'a ChunkSigner,
    /// What the name of the algorithm ends in.
    what: &'a str,
    hashes: &'a [&'a [u8]],
}

impl Text for StringToSign<'_> {
    fn write_to(&self, sink: &mut impl Sink) {
        let ChunkSigner {
            key,
            time,
            previous,
        } = self.chain;
        sink.put_str(key.algorithm().name());
        sink.put_str(self.what);
        for line in [time.as_bytes(), key.scope().as_bytes(), previous.as_bytes()]
            .iter()
            .chain(self.hashes)
        {
            sink.put(b"\n");
            sink.put(line);
        }
    }
}

impl fmt::Debug for ChunkSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkSigner")
            .field("scope", &self.key.scope())
            .field("time", &self.time.as_str())
            .finish_non_exhaustive()
    }
}

/// The signature of one chunk, or of the trailers.
///
/// `Debug` does not show it.
#[derive(Clone)]
pub struct ChunkSignature(Signature);

impl ChunkSignature {
    /// Returns the signature in hex: 64 characters for SigV4; for SigV4A up to 144, without the
    /// `*` that fill it up on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Writes it as long as it has to be on the wire. Signatures of variable length are filled up
    /// with asterisks, so that the length of the body is known before there is any.
    pub(crate) fn write_padded(&self, length: usize, out: &mut Vec<u8>) {
        let end = out.len() + length;
        out.extend_from_slice(self.0.as_bytes());
        out.resize(end, b'*');
    }
}

impl fmt::Debug for ChunkSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkSignature").finish_non_exhaustive()
    }
}

/// Enough for a region and a service with names of usual length.
const BLOCKS_TO_SIGN: usize = 6;
/// Enough for one checksum.
const TRAILER_BLOCKS: usize = 3;

const NO_SEED: Error = Error::new(
    ErrorKind::Payload,
    "the seed of the chunks is not a signature; sign the request in its header first",
);

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn begin(seed: &str) -> Result<ChunkSigner, Error> {
        let signer = Signer::builder("s3", "us-east-1").build().unwrap();
        let credentials = Credentials::new("AKIDEXAMPLE", "secret").unwrap();
        ChunkSigner::new(&signer, &credentials, UNIX_EPOCH, seed)
    }

    #[test]
    fn refuses_a_seed_that_is_no_signature() {
        let seed = "0a".repeat(32);
        begin(&seed).unwrap();
        for wrong in [
            "",
            &seed[1..],
            &format!("{seed}0"),
            &seed.replace('a', "A"),
            &seed.replace('a', "g"),
        ] {
            assert_eq!(begin(wrong).unwrap_err().kind(), ErrorKind::Payload);
        }
    }

    #[test]
    fn debug_shows_no_signature() {
        let seed = "0a".repeat(32);
        let mut signer = begin(&seed).unwrap();
        let signature = signer.sign_chunk(&[0; 32]).unwrap();
        for text in [format!("{signer:?}"), format!("{signature:?}")] {
            assert!(!text.contains("0a0a") && !text.contains(signature.as_str()));
        }
    }

    #[test]
    fn what_is_filled_up_begins_with_the_signature() {
        let signature = begin(&"0a".repeat(32))
            .unwrap()
            .sign_chunk(&[0; 32])
            .unwrap();
        for length in [64, 144] {
            let mut text = b"before".to_vec();
            signature.write_padded(length, &mut text);
            let text = text.strip_prefix(b"before").unwrap();
            assert_eq!(text[..64], *signature.as_str().as_bytes());
            assert_eq!(text[64..], [b'*'; 80][..length - 64]);
        }
    }
}
