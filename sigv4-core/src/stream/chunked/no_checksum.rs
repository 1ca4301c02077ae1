//! The checksums that there are without the feature `checksums`: none.

use http::HeaderName;
use http::HeaderValue;

/// A checksum over a whole body. There is none without the feature `checksums`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Checksum {}

impl Checksum {
    /// Returns the name of the header, or trailer, that holds this checksum.
    #[must_use]
    pub const fn header_name(self) -> HeaderName {
        match self {}
    }

    pub(crate) const fn line_length(self) -> usize {
        match self {}
    }

    pub(crate) const fn hasher(self) -> ChecksumHasher {
        match self {}
    }
}

#[derive(Debug)]
pub(crate) enum ChecksumHasher {}

impl ChecksumHasher {
    pub(crate) fn update(&mut self, _bytes: &[u8]) {
        match *self {}
    }

    pub(crate) fn finish(self) -> (HeaderName, HeaderValue) {
        match self {}
    }
}
