//! What a body in chunks looks like, and how long it is.

use crate::error::ConfigError;
use crate::stream::chunked::CRLF;
use crate::stream::chunked::SIGNATURE_EXTENSION;
use crate::stream::chunked::SIGNATURE_TRAILER;
use crate::stream::chunked::checksum::Checksum;

/// Says how a body is encoded as `aws-chunked`, which S3 takes instead of a hash over all of it.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>
///
/// Either every chunk is signed, or none is and a checksum stands behind them. How a body is
/// divided depends on the size of the chunks alone, never on the pieces in which it comes.
///
/// ```
/// # #[cfg(feature = "checksums")]
/// # {
/// use sigv4_core::{AwsChunked, Checksum};
///
/// // The example of the documentation of S3: 65 KiB in chunks of 64 KiB.
/// let chunked = AwsChunked::signed();
/// assert_eq!(chunked.encoded_length(66_560), Some(66_824));
/// assert_eq!(chunked.trailer(Checksum::Crc32c).encoded_length(66_560), Some(66_946));
///
/// let unsigned = AwsChunked::unsigned(Checksum::Crc64Nvme).chunk_size(1024 * 1024)?;
/// # }
/// # Ok::<(), sigv4_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct AwsChunked {
    chunk_size: u32,
    signed: bool,
    trailer: Option<Checksum>,
}

impl AwsChunked {
    /// Signs every chunk.
    pub const fn signed() -> Self {
        Self {
            chunk_size: DEFAULT_CHUNK_SIZE,
            signed: true,
            trailer: None,
        }
    }

    /// Signs no chunk and sends a checksum behind the body, which transport security alone
    /// protects from forgery.
    ///
    /// S3 takes such a body for `PutObject` and `UploadPart` only.
    pub const fn unsigned(checksum: Checksum) -> Self {
        Self {
            chunk_size: DEFAULT_CHUNK_SIZE,
            signed: false,
            trailer: Some(checksum),
        }
    }

    /// Sends a checksum behind the body. It is signed where the chunks are. Default for signed
    /// chunks: none.
    pub const fn trailer(mut self, checksum: Checksum) -> Self {
        self.trailer = Some(checksum);
        self
    }

    /// Sets how many bytes of the body go into one chunk; only the last may have fewer. As much is
    /// kept in memory while the body passes. Default: 64 KiB.
    ///
    /// # Errors
    ///
    /// When it is less than 8 KiB (8192 bytes), which S3 refuses.
    pub fn chunk_size(mut self, bytes: u32) -> Result<Self, ConfigError> {
        if bytes < MIN_CHUNK_SIZE {
            return Err(ConfigError::new(
                "chunk_size",
                "must be at least 8192 bytes, which S3 wants of every chunk but the last",
            ));
        }
        self.chunk_size = bytes;
        Ok(self)
    }

    /// Tells whether every chunk is signed.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        self.signed
    }

    /// Returns the checksum behind the body, if there is one.
    #[must_use]
    pub const fn checksum(self) -> Option<Checksum> {
        self.trailer
    }

    /// Returns how long the encoded body is of one of `decoded` bytes, with signatures of SigV4: the
    /// `Content-Length` of its request. `None` where no number of 64 bits can say that.
    #[must_use]
    pub fn encoded_length(self, decoded: u64) -> Option<u64> {
        self.encoded_length_by(decoded, HMAC_LENGTH)
    }

    /// The same for signatures of another length on the wire.
    pub(crate) fn encoded_length_by(self, decoded: u64, signature_length: usize) -> Option<u64> {
        let signature = |name: &str| match self.signed {
            true => name.len() + signature_length,
            false => 0,
        };
        let extension = signature(SIGNATURE_EXTENSION);
        let around = |size: u64| hex_digits(size) + (extension + 2 * CRLF.len()) as u64;

        let size = u64::from(self.chunk_size);
        let (whole, rest) = (decoded / size, decoded % size);
        let rest = if rest > 0 { around(rest) } else { 0 };
        let trailers = self.trailer.map_or(0, |checksum| {
            let signature = match self.signed {
                true => signature(SIGNATURE_TRAILER) + ":".len() + CRLF.len(),
                false => 0,
            };
            checksum.line_length() + CRLF.len() + signature
        });
        let end = "0".len() + extension + CRLF.len() + trailers + CRLF.len();
        whole
            .checked_mul(around(size))?
            .checked_add(decoded)?
            .checked_add(rest + end as u64)
    }

    pub(crate) const fn bytes_per_chunk(self) -> usize {
        self.chunk_size as usize
    }
}

const fn hex_digits(number: u64) -> u64 {
    (u64::BITS - number.leading_zeros()).div_ceil(4) as u64
}

const DEFAULT_CHUNK_SIZE: u32 = 64 * 1024;
const MIN_CHUNK_SIZE: u32 = 8 * 1024;
/// The length of an HMAC-SHA-256 in hex.
const HMAC_LENGTH: usize = 64;

#[cfg(all(test, feature = "checksums"))]
mod tests {
    use super::*;

    /// The length on the wire of a signature of ECDSA.
    const ECDSA_LENGTH: usize = 144;

    /// Written out, each part as in the documentation.
    fn example(decoded: u64, extension: &str, trailers: &str) -> u64 {
        let head = |size: u64| format!("{size:x}{extension}\r\n\r\n").len() as u64;
        let mut length = 0;
        for start in (0..decoded).step_by(8192) {
            let size = (decoded - start).min(8192);
            length += head(size) + size;
        }
        length + format!("0{extension}\r\n{trailers}\r\n").len() as u64
    }

    #[test]
    fn the_length_is_that_of_all_parts() {
        for signature_length in [HMAC_LENGTH, ECDSA_LENGTH] {
            let signature = "f".repeat(signature_length);
            let extension = format!(";chunk-signature={signature}");
            let signed = AwsChunked::signed().chunk_size(8192).unwrap();
            let sha256 = Checksum::Sha256;
            let checksum = format!("x-amz-checksum-sha256:{}\r\n", "=".repeat(44));
            let all = format!("{checksum}x-amz-trailer-signature:{signature}\r\n");
            let unsigned = AwsChunked::unsigned(sha256).chunk_size(8192).unwrap();
            for (name, config, extension, trailers) in [
                ("signed", signed, &*extension, ""),
                ("with a trailer", signed.trailer(sha256), &*extension, &*all),
                ("unsigned", unsigned, "", &*checksum),
            ] {
                for decoded in [
                    0, 1, 15, 16, 255, 256, 4095, 4096, 8191, 8192, 8193, 16_384, 99_999,
                ] {
                    assert_eq!(
                        config.encoded_length_by(decoded, signature_length),
                        Some(example(decoded, extension, trailers)),
                        "{name}: {decoded} bytes, signatures of {signature_length}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_length_beyond_64_bits_is_none() {
        let chunked = AwsChunked::signed();
        assert_eq!(chunked.encoded_length(u64::MAX), None);
        let (mut fits, mut too_long) = (0, u64::MAX);
        while too_long - fits > 1 {
            let middle = fits + (too_long - fits) / 2;
            match chunked.encoded_length(middle) {
                Some(length) => {
                    assert!(length > middle);
                    fits = middle;
                }
                None => too_long = middle,
            }
        }
        assert!(chunked.encoded_length(fits) > Some(u64::MAX - 200));
        let largest = chunked.chunk_size(u32::MAX).unwrap();
        assert!(largest.encoded_length(u64::from(u32::MAX)).is_some());
        assert_eq!(largest.encoded_length(u64::MAX - 10), None);
    }

    #[test]
    fn refuses_chunks_that_s3_refuses() {
        for bytes in [0, 1, 8191] {
            let error = AwsChunked::signed().chunk_size(bytes).unwrap_err();
            assert_eq!(error.field(), "chunk_size");
        }
        let least = AwsChunked::signed().chunk_size(8192).unwrap();
        assert_eq!(least.bytes_per_chunk(), 8192);
    }
}
