//! What the mathematics of a signature comes to: text in hex.

use crate::algorithm::Algorithm;
use crate::hash::Hex;
use crate::hash::Sha256Digest;
#[cfg(feature = "sigv4a")]
use crate::hash::to_hex;

/// A signature in hex.
#[derive(Clone)]
pub(crate) enum Signature {
    Mac(Hex),
    /// Up to [`MAX`](Self::MAX) characters of DER. On the heap, so that the others, which are made
    /// a hundred times as fast, need not carry the room for it.
    #[cfg(feature = "sigv4a")]
    Ecdsa(Box<[u8]>),
}

impl Signature {
    /// Two integers of 33 octets and the DER around them, in hex.
    #[cfg(feature = "sigv4a")]
    pub(crate) const MAX: usize = 144;

    #[inline]
    pub(crate) fn of_mac(mac: Sha256Digest) -> Self {
        Self::Mac(Hex(mac.to_hex()))
    }

    /// Takes a signature in DER.
    #[cfg(feature = "sigv4a")]
    pub(crate) fn of_der(der: &[u8]) -> Self {
        Self::Ecdsa(to_hex(der))
    }

    /// Takes a signature in hex.
    pub(crate) fn of_text(algorithm: Algorithm, hex: &str) -> Option<Self> {
        let hex = hex.as_bytes();
        let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if !hex.iter().all(is_hex) {
            return None;
        }
        match algorithm {
            Algorithm::V4 => hex.try_into().ok().map(|hex| Self::Mac(Hex(hex))),
            #[cfg(feature = "sigv4a")]
            Algorithm::V4a(_) => {
                // A sequence (30) of two integers (02), the least of them of one octet.
                let is_der = (16..=Self::MAX).contains(&hex.len()) && hex.starts_with(b"30");
                is_der.then(|| Self::Ecdsa(hex.into()))
            }
        }
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Mac(Hex(text)) => text,
            #[cfg(feature = "sigv4a")]
            Self::Ecdsa(text) => text,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("a signature is written in hex")
    }
}
