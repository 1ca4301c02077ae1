//! The asymmetric algorithm: ECDSA over P-256, with a key that is derived from the secret and holds
//! in every region.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer;
#[cfg(feature = "sigv4a-ring")]
use ring::rand::SystemRandom;
#[cfg(feature = "sigv4a-ring")]
use ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
#[cfg(feature = "sigv4a-ring")]
use ring::signature::EcdsaKeyPair;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::signature::Signature;

/// What computes the signatures of SigV4A: ECDSA over the curve P-256, with SHA-256.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>
///
/// The choice is made in code, by [`SignerBuilder::sigv4a`](crate::SignerBuilder::sigv4a): that
/// some crate turns a feature on makes a backend available and changes nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EcdsaBackend {
    /// The crate `p256`, in pure Rust. Its nonces are those of
    /// [RFC 6979](https://www.rfc-editor.org/rfc/rfc6979), so that the same request gets the same
    /// signature every time. The key is wiped from memory with the credentials.
    #[default]
    P256,
    /// The crate `ring`, three to four times as fast. Its nonces are random, and so are the
    /// signatures; its copy of the key is not wiped from memory.
    #[cfg(feature = "sigv4a-ring")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sigv4a-ring")))]
    Ring,
}

/// A private key, ready to sign with.
pub(crate) enum EcdsaKey {
    P256(Box<SigningKey>),
    #[cfg(feature = "sigv4a-ring")]
    Ring(Box<EcdsaKeyPair>),
}

impl EcdsaKey {
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature, Error> {
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key
                    .try_sign(message)
                    .map_err(|error| FAILED.because(error))?;
                Ok(Signature::of_der(signature.to_der().as_bytes()))
            }
            #[cfg(feature = "sigv4a-ring")]
            Self::Ring(key) => {
                let signature = key.sign(&SystemRandom::new(), message);
                // It does not say why.
                let signature = signature.map_err(|_| FAILED)?;
                Ok(Signature::of_der(signature.as_ref()))
            }
        }
    }
}

impl EcdsaKey {
    pub(crate) fn derive(backend: EcdsaBackend, id: &str, secret: &str) -> Result<Self, Error> {
        let key = derive(id, secret)?;
        match backend {
            EcdsaBackend::P256 => Ok(Self::P256(Box::new(key))),
            #[cfg(feature = "sigv4a-ring")]
            EcdsaBackend::Ring => {
                let private = Zeroizing::new(key.to_bytes());
                let public = key.verifying_key().to_sec1_point(false);
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_ASN1_SIGNING,
                    private.as_slice(),
                    public.as_bytes(),
                    &SystemRandom::new(),
                );
                let pair = pair.map_err(|_| FAILED)?;
                Ok(Self::Ring(Box::new(pair)))
            }
        }
    }
}

/// Derives the private key: the first of 254 candidates that, plus one, is one.
fn derive(id: &str, secret: &str) -> Result<SigningKey, Error> {
    let mut start = Zeroizing::new(Vec::with_capacity("AWS4A".len() + secret.len()));
    start.extend_from_slice(b"AWS4A");
    start.extend_from_slice(secret.as_bytes());
    let keyed = <Hmac<Sha256>>::new_from_slice(&start).expect("HMAC takes keys of any length");
    (1..=254_u8)
        .find_map(|counter| {
            let candidate = keyed
                .clone()
                .chain_update(1_u32.to_be_bytes())
                .chain_update("AWS4-ECDSA-P256-SHA256")
                .chain_update([0])
                .chain_update(id)
                .chain_update([counter])
                .chain_update(256_u32.to_be_bytes());
            let mut candidate = Zeroizing::new(candidate.finalize().into_bytes());
            key_after(&mut candidate)
        })
        .ok_or(NO_KEY)
}

/// Makes a key of a candidate plus one.
///
/// What is out of range, as one in four billion is, `SigningKey` refuses, in constant time: it
/// takes 1 to N - 1, and so a candidate of at most N - 2.
fn key_after(candidate: &mut [u8]) -> Option<SigningKey> {
    increment(candidate)?;
    SigningKey::from_slice(candidate).ok()
}

/// Adds one to a number in big-endian order, in the same time whatever it is.
fn increment(number: &mut [u8]) -> Option<()> {
    let mut carry = 1;
    for octet in number.iter_mut().rev() {
        let sum = u16::from(*octet) + carry;
        [_, *octet] = sum.to_be_bytes();
        carry = sum >> 8;
    }
    (carry == 0).then_some(())
}

const FAILED: Error = Error::new(
    ErrorKind::Ecdsa,
    "no ECDSA signature could be made; with random nonces that is for lack of randomness",
);
const NO_KEY: Error = Error::new(
    ErrorKind::Ecdsa,
    "no key of SigV4A can be derived from the access key; use another one",
);

#[cfg(test)]
mod tests {
    use super::*;

    fn hex_of(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The published pair of `tests/key_derivation_tests.c` of aws-c-auth.
    #[test]
    fn derives_the_key_that_is_published() {
        let key = derive(
            "AKISORANDOMAASORANDOM",
            "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom",
        )
        .unwrap();
        assert_eq!(
            hex_of(&key.to_bytes()),
            "7fd3bd010c0d9c292141c2b77bfbde1042c92e6836fff749d1269ec890fca1bd"
        );
        let public = hex_of(key.verifying_key().to_sec1_point(false).as_bytes());
        assert_eq!(
            public,
            "04\
             15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb\
             0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0"
        );
    }

    /// N is the order of the curve (SP 800-186, 3.2.1.3). No access key is known whose first
    /// candidate is out of range.
    #[test]
    fn takes_candidates_up_to_n_minus_2() {
        const HIGH: &str = "ffffffff00000000ffffffffffffffff";
        let key_after = |candidate: &str| {
            let mut candidate: Vec<u8> = (0..64)
                .step_by(2)
                .map(|at| u8::from_str_radix(&candidate[at..at + 2], 16).unwrap())
                .collect();
            key_after(&mut candidate).map(|key| hex_of(&key.to_bytes()))
        };
        for (name, candidate, key) in [
            ("0", "0".repeat(64), Some(format!("{:064x}", 1))),
            (
                "N - 3",
                format!("{HIGH}bce6faada7179e84f3b9cac2fc63254e"),
                Some(format!("{HIGH}bce6faada7179e84f3b9cac2fc63254f")),
            ),
            (
                "N - 2",
                format!("{HIGH}bce6faada7179e84f3b9cac2fc63254f"),
                Some(format!("{HIGH}bce6faada7179e84f3b9cac2fc632550")),
            ),
            (
                "N - 1",
                format!("{HIGH}bce6faada7179e84f3b9cac2fc632550"),
                None,
            ),
            ("N", format!("{HIGH}bce6faada7179e84f3b9cac2fc632551"), None),
            ("the largest", "f".repeat(64), None),
        ] {
            assert_eq!(key_after(&candidate), key, "{name}");
        }
    }

    #[test]
    fn adds_one() {
        for (before, after) in [
            (&[0, 0][..], Some(&[0, 1][..])),
            (&[0, 255], Some(&[1, 0])),
            (&[1, 254], Some(&[1, 255])),
            (&[255, 255], None),
        ] {
            let mut number = before.to_vec();
            let sum = increment(&mut number).map(|()| &number[..]);
            assert_eq!(sum, after, "{before:?}");
        }
    }
}
