//! The checksums that S3 takes at the end of a body.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;
use http::HeaderName;
use http::HeaderValue;
use sha1::Sha1;
use sha2::Digest;
use sha2::Sha256;

/// A checksum over a whole body, which S3 compares with what has arrived.
///
/// It goes into a trailer, so that the body has to be read only once.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>
///
/// ```
/// use sigv4_core::Checksum;
///
/// assert_eq!(Checksum::Crc64Nvme.header_name(), "x-amz-checksum-crc64nvme");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Checksum {
    /// CRC-32, as in zip files and Ethernet.
    Crc32,
    /// CRC-32C, also called Castagnoli or iSCSI.
    Crc32c,
    /// CRC-64/NVME, what S3 computes by itself where nothing was sent.
    Crc64Nvme,
    /// SHA-1. It finds accidents, but can be forged.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Checksum {
    /// Returns the name of the header, or trailer, that holds this checksum.
    #[must_use]
    pub const fn header_name(self) -> HeaderName {
        HeaderName::from_static(self.name())
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The length of the trailer with its name, before the end of the line.
    pub(crate) const fn line_length(self) -> usize {
        self.name().len() + ":".len() + self.octets().div_ceil(3) * 4
    }

    const fn octets(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    pub(crate) fn hasher(self) -> ChecksumHasher {
        let crc = |algorithm| State::Crc(Box::new(crc_fast::Digest::new(algorithm)));
        let state = match self {
            Self::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => crc(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 => State::Sha1(Sha1::new()),
            Self::Sha256 => State::Sha256(Sha256::new()),
        };
        ChecksumHasher {
            checksum: self,
            state,
        }
    }
}

/// Computes a checksum over a body that comes in pieces.
pub(crate) struct ChecksumHasher {
    checksum: Checksum,
    state: State,
}

enum State {
    // Boxed, because it keeps tables in itself.
    Crc(Box<crc_fast::Digest>),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl ChecksumHasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(crc) => crc.update(bytes),
            State::Sha1(sha1) => sha1.update(bytes),
            State::Sha256(sha256) => sha256.update(bytes),
        }
    }

    /// Returns the trailer: its name, and the checksum in base64.
    pub(crate) fn finish(self) -> (HeaderName, HeaderValue) {
        let text = match self.state {
            // Big endian, and as wide as the checksum is.
            State::Crc(crc) => {
                let octets = crc.finalize().to_be_bytes();
                BASE64_STANDARD.encode(&octets[octets.len() - self.checksum.octets()..])
            }
            State::Sha1(sha1) => BASE64_STANDARD.encode(sha1.finalize()),
            State::Sha256(sha256) => BASE64_STANDARD.encode(sha256.finalize()),
        };
        let value = HeaderValue::try_from(text).expect("base64 is a header value");
        (self.checksum.header_name(), value)
    }
}

impl fmt::Debug for ChecksumHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChecksumHasher")
            .field(&self.checksum)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Checksum; 5] = [
        Checksum::Crc32,
        Checksum::Crc32c,
        Checksum::Crc64Nvme,
        Checksum::Sha1,
        Checksum::Sha256,
    ];

    /// Of `123456789`: the check values of the CRC catalogue (cbf43926, e3069283,
    /// ae8b14860a799888), and what GNU `sha1sum` and `sha256sum` say.
    #[test]
    fn are_those_of_the_catalogue() {
        for (checksum, expected) in ALL.into_iter().zip([
            "y/Q5Jg==",
            "4waSgw==",
            "rosUhgp5mIg=",
            "98O8HYCOBHMq32eZZczDTKeuNEE=",
            "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
        ]) {
            for piece in 1..=9 {
                let mut hasher = checksum.hasher();
                b"123456789"
                    .chunks(piece)
                    .for_each(|piece| hasher.update(piece));
                let (name, value) = hasher.finish();
                assert_eq!(value, expected, "{checksum:?}");
                assert_eq!(
                    name.as_str().len() + 1 + value.len(),
                    checksum.line_length(),
                    "{checksum:?}"
                );
            }
        }
    }
}
