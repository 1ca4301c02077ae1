//! The keys of SigV4A: those that `aws-sigv4` derives, and none that is used for anything else.

use std::thread;
use std::time::Duration;

use aws_sigv4::sign::v4a::calculate_signature;
use aws_sigv4::sign::v4a::generate_signing_key;
use sigv4_core::Credentials;
use sigv4_core::EcdsaBackend;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_tests::oracle;
use sigv4_tests::oracle_v4a;
use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::secrets;
use sigv4_tests::secrets::credentials;

use crate::fixture::BACKENDS;
use crate::fixture::REGION;
use crate::fixture::get;
use crate::fixture::now;
use crate::fixture::sigv4a;

const URL: &str = "https://host.amazonaws.com/a?b=1";
const DAY: Duration = Duration::from_secs(86_400);

/// What ours signs, and what it says.
fn text_and_signature(signer: &Signer, credentials: &Credentials) -> (String, String) {
    let mut request = get(URL);
    let trace = signer.trace(&request, Payload::EMPTY, credentials, now());
    let signed = signer.sign(&mut request, Payload::EMPTY, credentials, now());
    let signature = signed.unwrap().signature().unwrap().to_owned();
    (trace.unwrap().string_to_sign().to_owned(), signature)
}

/// Numbers that are the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Makes a text of at least one character.
    fn text(&mut self, alphabet: &[u8], longest: u64) -> String {
        let length = 1 + self.next() % longest;
        let mut letter = || {
            let at = self.next() % alphabet.len() as u64;
            char::from(alphabet[usize::try_from(at).unwrap()])
        };
        (0..length).map(|_| letter()).collect()
    }
}

/// Same key, same nonce, same text: the same octets. Each of the two integers of a signature is an
/// octet longer in every other one, so that all usual lengths are among them.
#[test]
fn derives_the_keys_that_aws_sigv4_derives() {
    const ID: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const SECRET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_.";
    let signer = sigv4a("s3", "*", EcdsaBackend::P256);
    let mut random = Random(42);
    let mut lengths = [0; 145];
    for _ in 0..2_000 {
        let id = random.text(ID, 128);
        // Also longer than a block of the hash, from where on HMAC hashes its key first.
        let secret = random.text(SECRET, 100);
        let credentials = Credentials::new(&*id, &*secret).unwrap();
        let (text, signature) = text_and_signature(&signer, &credentials);
        let key = generate_signing_key(&id, &secret);
        let expected = calculate_signature(key, text.as_bytes());
        assert_eq!(signature, expected, "{id} {secret}");
        lengths[signature.len()] += 1;
    }
    for length in [140, 142, 144] {
        assert!(lengths[length] > 200, "{length}: {}", lengths[length]);
    }
}

#[test]
fn hands_ring_the_keys_that_aws_sigv4_derives() {
    let signer = sigv4a("s3", "*", EcdsaBackend::Ring);
    for number in 0..200 {
        let (id, secret) = (format!("AKID{number}"), format!("secret {number}"));
        let credentials = Credentials::new(&*id, &*secret).unwrap();
        let (text, signature) = text_and_signature(&signer, &credentials);
        let key = PublicKey::of(&id, &secret);
        key.verify(text.as_bytes(), &signature).unwrap();
    }
}

/// The access key id is part of what the key is derived from, unlike with SigV4.
#[test]
fn another_access_key_id_gives_another_key() {
    for backend in BACKENDS {
        let signer = sigv4a("s3", "*", backend);
        let credentials = Credentials::new("AKIDOTHER", secrets::SECRET_ACCESS_KEY).unwrap();
        let (text, signature) = text_and_signature(&signer, &credentials);
        let key = PublicKey::of("AKIDOTHER", secrets::SECRET_ACCESS_KEY);
        key.verify(text.as_bytes(), &signature).unwrap();
        let verdict = PublicKey::of_the_fixture().verify(text.as_bytes(), &signature);
        assert!(verdict.is_err());
    }
}

/// One set of credentials for both algorithms and both backends, in turns and from threads: more
/// keys than are kept at a time.
#[test]
fn keys_are_not_mixed() {
    let credentials = credentials();
    let key = PublicKey::of_the_fixture();
    let all = |rounds: u32| {
        for round in 0..rounds {
            for day in [0, 1, 400] {
                let time = now() + day * DAY;
                for service in ["sqs", "s3", "events"] {
                    for regions in ["*", REGION, "eu-*"] {
                        let mut tags = Vec::new();
                        for backend in BACKENDS {
                            let mut request = get(URL);
                            sigv4a(service, regions, backend)
                                .sign(&mut request, Payload::EMPTY, &credentials, time)
                                .unwrap();
                            let verified = oracle_v4a::verify(&request, b"", &key).unwrap();
                            assert_eq!(verified.service, service, "round {round}");
                            assert_eq!(verified.region_set, regions);
                            tags.push(verified.signature);
                        }
                        assert_ne!(tags[0], tags[1]);
                    }
                    for region in [REGION, "eu-west-1"] {
                        let signer = Signer::builder(service, region).build().unwrap();
                        let mut request = get(URL);
                        signer
                            .sign(&mut request, Payload::EMPTY, &credentials, time)
                            .unwrap();
                        let secret = secrets::SECRET_ACCESS_KEY;
                        let verified = oracle::verify(&request, b"", secret).unwrap();
                        assert_eq!((&*verified.service, &*verified.region), (service, region));
                        assert_eq!(verified.time, time);
                    }
                }
            }
        }
    };
    all(2);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| all(1));
        }
    });
}

#[test]
fn tenants_take_turns_with_one_signer() {
    for backend in BACKENDS {
        let signer = sigv4a("s3", "*", backend);
        let names: Vec<String> = (0..20).map(|number| format!("secret {number}")).collect();
        let tenants: Vec<_> = names
            .iter()
            .map(|secret| Credentials::new(secrets::ACCESS_KEY_ID, &**secret).unwrap())
            .collect();
        let keys: Vec<_> = names
            .iter()
            .map(|secret| PublicKey::of(secrets::ACCESS_KEY_ID, secret))
            .collect();
        for _ in 0..2 {
            for (tenant, key) in tenants.iter().zip(&keys) {
                let (text, signature) = text_and_signature(&signer, tenant);
                key.verify(text.as_bytes(), &signature).unwrap();
            }
        }
    }
}

/// The choice of a backend is that of one signer: the same key is never handed to the other.
#[test]
fn each_backend_signs_for_itself() {
    let credentials = credentials();
    let (p256, ring) = (
        sigv4a("s3", "*", EcdsaBackend::P256),
        sigv4a("s3", "*", EcdsaBackend::Ring),
    );
    let (text, expected) = text_and_signature(&p256, &credentials);
    let key = generate_signing_key(secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
    assert_eq!(expected, calculate_signature(key, text.as_bytes()));
    let mut random = Vec::new();
    for _ in 0..5 {
        random.push(text_and_signature(&ring, &credentials).1);
        assert_eq!(text_and_signature(&p256, &credentials).1, expected);
    }
    random.push(expected);
    random.sort();
    random.dedup();
    assert_eq!(random.len(), 6);
}
