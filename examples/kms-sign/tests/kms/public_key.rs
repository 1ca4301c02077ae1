//! Signatures that others made.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kms_sign::Algorithm;
use kms_sign::ErrorKind;
use kms_sign::PublicKey;

use crate::vectors::MESSAGE;
use crate::vectors::SIGNATURES;

fn decode(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).unwrap()
}

#[test]
fn accepts_the_signature_and_no_other() {
    for (name, key, signature) in SIGNATURES {
        let algorithm: Algorithm = name.parse().unwrap();
        let (key, signature) = (PublicKey::from_der(decode(key)), decode(signature));
        key.verify(algorithm, MESSAGE, &signature).unwrap();

        let wrong = |message: &[u8], signature: &[u8], what: &str| {
            let error = key.verify(algorithm, message, signature).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WrongSignature, "{name}: {what}");
        };
        wrong(b"an Order", &signature, "another message");
        wrong(b"", &signature, "no message");
        wrong(MESSAGE, b"", "no signature");
        wrong(MESSAGE, &signature[..signature.len() - 1], "half of it");
        let mut changed = signature.clone();
        *changed.last_mut().unwrap() ^= 1;
        wrong(MESSAGE, &changed, "another signature");
    }
}

#[test]
fn accepts_it_for_its_own_algorithm_only() {
    for (name, key, signature) in SIGNATURES {
        let (key, signature) = (PublicKey::from_der(decode(key)), decode(signature));
        for algorithm in Algorithm::ALL {
            let verified = key.verify(algorithm, MESSAGE, &signature);
            assert_eq!(verified.is_ok(), algorithm.as_str() == name, "{name}");
        }
    }
}

#[test]
fn says_when_the_key_is_not_one_for_the_algorithm() {
    let (name, p256, signature) = SIGNATURES[0];
    let algorithm: Algorithm = name.parse().unwrap();
    let (_, p384, _) = SIGNATURES[1];
    let (_, rsa, _) = SIGNATURES[2];
    let cut = &decode(p256)[..80];
    for (what, key) in [
        ("P-384", decode(p384)),
        ("RSA", decode(rsa)),
        ("none", Vec::new()),
        ("cut off", cut.to_vec()),
    ] {
        let key = PublicKey::from_der(key);
        let verified = key.verify(algorithm, MESSAGE, &decode(signature));
        let kind = verified.unwrap_err().kind();
        assert_eq!(kind, ErrorKind::UnsuitableKey, "{what}");
    }
}
