//! Which request a line is about.

use std::fmt;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

/// Names a request in logs and in its answer: what the client sent as `x-request-id`, if that is 1
/// to 64 letters, digits, `.`, `_` and `-`, or else a random number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    bytes: [u8; Self::MAX],
    length: u8,
}

impl RequestId {
    /// The header in which it comes and goes.
    pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
    const MAX: usize = 64;

    /// Takes that of the client, or makes one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(Self::HEADER).iter();
        let value = values.next().filter(|_| values.next().is_none());
        value
            .and_then(|value| Self::parse(value.as_bytes()))
            .unwrap_or_else(Self::random)
    }

    /// Makes one.
    #[must_use]
    pub fn random() -> Self {
        Self::from_number(fastrand::u128(..))
    }

    /// Returns it.
    ///
    /// # Panics
    ///
    /// Never: it was checked to be ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length.into()]).expect("it was checked to be ASCII")
    }

    /// Returns it as a header of the answer.
    ///
    /// # Panics
    ///
    /// Never: its characters are those of headers.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(self.as_str()).expect("its characters are those of headers")
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let is_fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        if value.is_empty() || value.len() > Self::MAX || !value.iter().all(is_fine) {
            return None;
        }
        let mut bytes = [0; Self::MAX];
        bytes[..value.len()].copy_from_slice(value);
        let length = u8::try_from(value.len()).ok()?;
        Some(Self { bytes, length })
    }

    fn from_number(number: u128) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = [0; Self::MAX];
        for (pair, byte) in bytes.chunks_exact_mut(2).zip(number.to_be_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self { bytes, length: 32 }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_that_of_the_client_only_where_it_is_harmless() {
        let longest = "a".repeat(64);
        let longer = "a".repeat(65);
        for (name, values, is_taken) in [
            ("plain", &["Root=1"][..], false),
            ("letters, digits and marks", &["aZ09._-"], true),
            ("64 characters", &[&longest], true),
            ("65 characters", &[&longer], false),
            ("empty", &[""], false),
            ("a space", &["a b"], false),
            ("markup", &["<b>"], false),
            ("not ASCII", &["\u{e9}"], false),
            ("two", &["a", "b"], false),
            ("none", &[], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append(RequestId::HEADER, value);
            }
            let id = RequestId::of(&headers);
            if is_taken {
                assert_eq!(id.as_str(), values[0], "{name}");
            } else {
                assert_eq!(id.as_str().len(), 32, "{name}");
            }
            assert_eq!(id.header_value(), *id.as_str(), "{name}");
        }
    }

    #[test]
    fn random_ones_are_numbers_of_16_bytes() {
        let id = RequestId::from_number(0x0123_4567_89ab_cdef);
        assert_eq!(id.as_str(), "00000000000000000123456789abcdef");
        assert_ne!(RequestId::random(), RequestId::random());
    }
}
