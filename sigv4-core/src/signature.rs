//! What the mathematics of a signature comes to: text in hex.

use crate::hash::Sha256Digest;

/// A signature in hex: 64 characters of an HMAC, or up to [`MAX`](Self::MAX) of an ECDSA signature
/// in DER.
#[derive(Clone, Copy)]
pub(crate) struct Signature {
    text: [u8; Self::MAX],
    length: u8,
}

impl Signature {
    /// Two integers of 33 octets and the DER around them, in hex.
    pub(crate) const MAX: usize = 144;
    /// What is behind the text.
    const FILL: u8 = b'*';

    pub(crate) fn of_mac(mac: Sha256Digest) -> Self {
        let mut text = [Self::FILL; Self::MAX];
        text[..64].copy_from_slice(&mac.to_hex());
        Self { text, length: 64 }
    }

    /// Takes a signature in DER. Longer ones than [`MAX`](Self::MAX) allows there are none.
    #[cfg(feature = "sigv4a")]
    pub(crate) fn of_der(der: &[u8]) -> Option<Self> {
        let mut text = [Self::FILL; Self::MAX];
        let length = der.len() * 2;
        hex::encode_to_slice(der, text.get_mut(..length)?).ok()?;
        let length = u8::try_from(length).ok()?;
        Some(Self { text, length })
    }

    /// Takes a signature in hex, of whichever algorithm.
    pub(crate) fn of_text(hex: &str) -> Option<Self> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_signature =
            hex.len() >= 64 && hex.len().is_multiple_of(2) && hex.bytes().all(is_hex);
        let length = u8::try_from(hex.len()).ok().filter(|_| is_signature)?;
        let mut text = [Self::FILL; Self::MAX];
        text.get_mut(..hex.len())?.copy_from_slice(hex.as_bytes());
        Some(Self { text, length })
    }

    /// Returns it filled up with asterisks to a length of at most [`MAX`](Self::MAX).
    pub(crate) fn padded(&self, length: usize) -> &[u8] {
        &self.text[..length]
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.length)]
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("a signature is written in hex")
    }
}
