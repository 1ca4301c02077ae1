//! [`Message`]: what of a message is sent to KMS.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::Algorithm;

/// A message as KMS takes it: whole where it is short enough, else its digest, which is computed
/// here. Either way the signature is one of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    bytes: Vec<u8>,
    is_digest: bool,
}

impl Message {
    /// How many bytes KMS takes whole. It takes no message without any.
    pub const LONGEST_RAW: usize = 4096;

    /// Makes what is sent of a message, to be signed with this algorithm.
    #[must_use]
    pub fn new(message: &[u8], algorithm: Algorithm) -> Self {
        let is_digest = message.is_empty() || message.len() > Self::LONGEST_RAW;
        let bytes = if is_digest {
            algorithm.digest(message)
        } else {
            message.to_vec()
        };
        Self { bytes, is_digest }
    }

    /// Returns `RAW` or `DIGEST`.
    #[must_use]
    pub const fn message_type(&self) -> &'static str {
        if self.is_digest { "DIGEST" } else { "RAW" }
    }

    pub(crate) fn encoded(&self) -> String {
        BASE64_STANDARD.encode(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_the_digest_of_what_kms_does_not_take_whole() {
        for (length, message_type, sent) in [
            (0, "DIGEST", 32),
            (1, "RAW", 1),
            (4096, "RAW", 4096),
            (4097, "DIGEST", 32),
        ] {
            let message = Message::new(&vec![7; length], Algorithm::EcdsaSha256);
            assert_eq!(message.message_type(), message_type, "{length}");
            assert_eq!(message.bytes.len(), sent, "{length}");
        }
        let message = Message::new(&[], Algorithm::RsaPssSha512);
        assert_eq!(message.bytes.len(), 64);
    }
}
