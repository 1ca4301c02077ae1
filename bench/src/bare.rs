//! What no signer of SigV4A can do without: the signature of its backend, by a key that is ready,
//! over a string to sign that was written beforehand.

use std::hint::black_box;
use std::time::SystemTime;

use aws_sigv4::sign::v4a::generate_signing_key;
use p256::ecdsa::DerSignature;
use p256::ecdsa::Signature;
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use ring::rand::SystemRandom;
use ring::signature::ECDSA_P256_SHA256_ASN1;
use ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
use ring::signature::EcdsaKeyPair;
use ring::signature::KeyPair;
use ring::signature::UnparsedPublicKey;
use sigv4_core::EcdsaBackend;

use crate::case::Case;
use crate::contender::Contender;
use crate::ours::Ours;

/// ECDSA by `p256`, with the nonces of RFC 6979.
#[derive(Debug)]
pub struct BareP256 {
    key: SigningKey,
    string_to_sign: String,
}

impl BareP256 {
    /// Prepares the text as of a time.
    #[must_use]
    pub fn new(case: &Case, now: SystemTime) -> Self {
        Self {
            key: signing_key(),
            string_to_sign: string_to_sign(case, now),
        }
    }
}

impl Contender for BareP256 {
    type Input = ();
    type Output = DerSignature;

    const NAME: &'static str = "bare p256";

    fn input(&self) -> Self::Input {}

    fn sign(&self, (): &mut Self::Input) -> Self::Output {
        let signature: Signature = self.key.sign(black_box(self.string_to_sign.as_bytes()));
        signature.to_der()
    }
}

/// ECDSA by `ring`, with random nonces.
#[derive(Debug)]
pub struct BareRing {
    key: EcdsaKeyPair,
    random: SystemRandom,
    string_to_sign: String,
}

impl BareRing {
    /// Prepares the text as of a time.
    #[must_use]
    pub fn new(case: &Case, now: SystemTime) -> Self {
        let (key, random) = (signing_key(), SystemRandom::new());
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            &key.to_bytes(),
            key.verifying_key().to_sec1_point(false).as_bytes(),
            &random,
        );
        Self {
            key: pair.expect("the two are a pair"),
            random,
            string_to_sign: string_to_sign(case, now),
        }
    }

    /// Tells whether a signature, in hex, is one over the text.
    #[must_use]
    pub fn verifies(&self, signature: &str) -> bool {
        let der: Option<Vec<u8>> = (0..signature.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(signature.get(at..at + 2)?, 16).ok())
            .collect();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.key.public_key());
        der.is_some_and(|der| key.verify(self.string_to_sign.as_bytes(), &der).is_ok())
    }
}

impl Contender for BareRing {
    type Input = ();
    type Output = ring::signature::Signature;

    const NAME: &'static str = "bare ring";

    fn input(&self) -> Self::Input {}

    fn sign(&self, (): &mut Self::Input) -> Self::Output {
        let text = black_box(self.string_to_sign.as_bytes());
        let signature = self.key.sign(&self.random, text);
        signature.expect("the system has randomness")
    }
}

fn signing_key() -> SigningKey {
    let key = generate_signing_key(Case::ACCESS_KEY_ID, Case::SECRET_ACCESS_KEY);
    SigningKey::from_slice(key.as_ref()).expect("aws-sigv4 derives keys")
}

fn string_to_sign(case: &Case, now: SystemTime) -> String {
    let trace = Ours::sigv4a(case, EcdsaBackend::P256).trace_at(now);
    trace.string_to_sign().to_owned()
}
