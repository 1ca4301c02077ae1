//! CRC-64/NVME, the checksum that S3 computes over whole objects.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;
use serde::Deserialize;
use serde::Serialize;

const ALGORITHM: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;

/// A CRC-64/NVME, which S3 writes in base64.
///
/// That of an object can be computed from those of its parts, so that S3 and the program can agree
/// on the whole of it though nobody has seen all of it in one piece.
///
/// ```
/// use s3_upload::Crc64;
///
/// let (one, other) = (Crc64::of(b"1234"), Crc64::of(b"56789"));
/// assert_eq!(one.followed_by(other, 5), Crc64::of(b"123456789"));
/// assert_eq!(Crc64::of(b"123456789").to_string(), "rosUhgp5mIg=");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Crc64(u64);

impl Crc64 {
    /// Computes that of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(crc_fast::checksum(ALGORITHM, bytes))
    }

    /// Reads what S3 writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let octets = BASE64_STANDARD.decode(text).ok()?;
        Some(Self(u64::from_be_bytes(octets.try_into().ok()?)))
    }

    /// Returns that of what this is the checksum of, followed by `length` bytes with another.
    #[must_use]
    pub fn followed_by(self, next: Self, length: u64) -> Self {
        Self(crc_fast::checksum_combine(
            ALGORITHM, self.0, next.0, length,
        ))
    }
}

impl fmt::Display for Crc64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0.to_be_bytes()))
    }
}

impl From<Crc64> for String {
    fn from(checksum: Crc64) -> Self {
        checksum.to_string()
    }
}

impl TryFrom<String> for Crc64 {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("is not a CRC-64 in base64")
    }
}

/// Computes a checksum over what comes in pieces.
pub(crate) struct Hasher(Box<crc_fast::Digest>);

impl Hasher {
    pub(crate) fn new() -> Self {
        Self(Box::new(crc_fast::Digest::new(ALGORITHM)))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(&self) -> Crc64 {
        Crc64(self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_parts_make_that_of_the_whole() {
        let data: Vec<u8> = (0..100_000_u32)
            .map(|at| (at ^ (at >> 7)).to_le_bytes()[0])
            .collect();
        for size in [1, 7, 1000, 65_536, 99_999, 100_000] {
            let mut sum = Crc64::default();
            for part in data.chunks(size) {
                sum = sum.followed_by(Crc64::of(part), part.len() as u64);
            }
            assert_eq!(sum, Crc64::of(&data), "{size}");
        }
        assert_eq!(Crc64::of(b""), Crc64::default());
        assert_eq!(
            Crc64::of(&data).followed_by(Crc64::of(b""), 0),
            Crc64::of(&data)
        );
    }

    #[test]
    fn are_read_as_they_are_written() {
        let sum = Crc64::of(b"123456789");
        assert_eq!(Crc64::parse(&sum.to_string()), Some(sum));
        for wrong in ["", "rosUhgp5mIg", "y/Q5Jg==", "not base64!!"] {
            assert_eq!(Crc64::parse(wrong), None, "{wrong}");
        }
    }
}
