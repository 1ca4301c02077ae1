//! The chain of signatures over the chunks and the trailers of a body.

use std::fmt;
use std::time::SystemTime;

use http::HeaderMap;

use crate::canonical::sink::Sink;
use crate::credentials::Credentials;
use crate::date::Timestamp;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::hash::Hasher;
use crate::key::DerivedKey;
use crate::signer::Signer;

/// Signs the chunks of a body, each together with the signature before it.
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
    credentials: Credentials,
    time: Timestamp,
    region: Box<str>,
    service: Box<str>,
    previous: ChunkSignature,
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
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let seed = <[u8; 64]>::try_from(seed.as_bytes())
            .ok()
            .filter(|hex| hex.iter().copied().all(is_hex))
            .ok_or(NO_SEED)?;
        Ok(Self {
            credentials: credentials.clone(),
            time: Timestamp::new(time)?,
            region: signer.region().into(),
            service: signer.service().into(),
            previous: ChunkSignature::of_hex(&seed),
        })
    }

    /// Signs the next chunk by the SHA-256 of its data. The last chunk is empty.
    ///
    /// # Errors
    ///
    /// When the algorithm of the signature fails. That of SigV4 does not.
    pub fn sign_chunk(&mut self, data_sha256: &[u8; 32]) -> Result<ChunkSignature, Error> {
        self.sign(CHUNK_ALGORITHM, |text| {
            // For headers of the chunk, of which there are none.
            text.put_str(EMPTY_SHA256);
            text.put(b"\n");
            text.put(&hex_of(data_sha256));
        })
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
        self.sign(TRAILER_ALGORITHM, |text| text.put(&hash))
    }

    /// How many characters a signature has on the wire.
    pub(crate) const fn signature_length(&self) -> usize {
        HMAC_LENGTH
    }

    fn sign(
        &mut self,
        algorithm: &str,
        write_hashes: impl FnOnce(&mut Hasher<BLOCKS_TO_SIGN>),
    ) -> Result<ChunkSignature, Error> {
        let (region, service) = (&*self.region, &*self.service);
        let sign = |key: &DerivedKey| {
            let mut text = key.mac().begin::<BLOCKS_TO_SIGN>();
            for line in [
                algorithm,
                self.time.as_str(),
                key.scope(),
                self.previous.as_str(),
            ] {
                text.put_str(line);
                text.put(b"\n");
            }
            write_hashes(&mut text);
            key.mac().finish(&mut text).to_hex()
        };
        let hex = self.credentials.with_key(&self.time, region, service, sign);
        self.previous = ChunkSignature::of_hex(&hex);
        Ok(self.previous)
    }
}

impl fmt::Debug for ChunkSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkSigner")
            .field("service", &self.service)
            .field("region", &self.region)
            .field("time", &self.time.as_str())
            .finish_non_exhaustive()
    }
}

/// The signature of one chunk, or of the trailers.
///
/// `Debug` does not show it.
#[derive(Clone, Copy)]
pub struct ChunkSignature {
    text: [u8; MAX_LENGTH],
    length: usize,
}

impl ChunkSignature {
    /// Returns the signature in hex.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..self.length]).unwrap_or_default()
    }

    /// Returns it as long as it has to be on the wire. Signatures of variable length are filled
    /// with asterisks, so that the length of the body is known before there is any.
    pub(crate) fn padded(&self, length: usize) -> &[u8] {
        &self.text[..length]
    }

    fn of_hex(hex: &[u8; HMAC_LENGTH]) -> Self {
        let mut text = [b'*'; MAX_LENGTH];
        text[..HMAC_LENGTH].copy_from_slice(hex);
        Self {
            text,
            length: HMAC_LENGTH,
        }
    }
}

impl fmt::Debug for ChunkSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkSignature").finish_non_exhaustive()
    }
}

fn hex_of(hash: &[u8; 32]) -> [u8; 64] {
    let mut text = [0; 64];
    hex::encode_to_slice(hash, &mut text).expect("SHA-256 has 32 bytes, twice that in hex");
    text
}

const CHUNK_ALGORITHM: &str = "AWS4-HMAC-SHA256-PAYLOAD";
const TRAILER_ALGORITHM: &str = "AWS4-HMAC-SHA256-TRAILER";
/// The SHA-256 of nothing.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// The length of an HMAC-SHA-256 in hex.
const HMAC_LENGTH: usize = 64;
/// The length of the longest signature: one of ECDSA with P-256, in DER, in hex.
const MAX_LENGTH: usize = 144;
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
    fn what_is_padded_begins_with_the_signature() {
        let signature = begin(&"0a".repeat(32))
            .unwrap()
            .sign_chunk(&[0; 32])
            .unwrap();
        assert_eq!(signature.padded(64), signature.as_str().as_bytes());
        assert_eq!(signature.padded(144)[64..], [b'*'; 80]);
    }
}
