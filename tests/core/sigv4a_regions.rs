//! Sets of regions: what is one, and that SigV4 does not take any.

use sigv4_core::Error;
use sigv4_core::ErrorKind;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_tests::oracle_v4a;
use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::secrets::credentials;

use crate::fixture::BACKENDS;
use crate::fixture::get;
use crate::fixture::hour;
use crate::fixture::now;
use crate::fixture::sent;
use crate::fixture::signer;
use crate::fixture::sigv4a;

const URL: &str = "https://host.amazonaws.com/a?b=1";

/// Signs in both places, and returns the set that both signatures name.
#[track_caller]
fn signed_set(signer: &Signer, overrides: &SigningOverrides) -> String {
    let key = PublicKey::of_the_fixture();
    let mut request = get(URL);
    signer
        .sign_with(
            &mut request,
            Payload::EMPTY,
            &credentials(),
            now(),
            overrides,
        )
        .unwrap();
    oracle_v4a::verify(&request, b"", &key).unwrap().region_set
}

#[test]
fn takes_lists_and_wildcards() {
    for (given, named) in [
        ("us-east-1", "us-east-1"),
        ("us-east-1,eu-west-1", "us-east-1,eu-west-1"),
        (" us-east-1 ,\teu-west-1 ", "us-east-1,eu-west-1"),
        ("*", "*"),
        ("us-*", "us-*"),
        ("us-*,eu-west-1", "us-*,eu-west-1"),
        // In the order in which they were given.
        ("b,a,b", "b,a,b"),
    ] {
        for backend in BACKENDS {
            let signer = sigv4a("sqs", given, backend);
            assert_eq!(signer.region(), named);
            assert_eq!(signed_set(&signer, &SigningOverrides::new()), named);
            let presigned = signer
                .presign(&get(URL), hour(), &credentials(), now())
                .unwrap();
            let key = PublicKey::of_the_fixture();
            let verified = oracle_v4a::verify(&sent(&presigned), b"", &key).unwrap();
            assert_eq!(verified.region_set, named);
        }
    }
}

#[test]
fn takes_a_set_for_one_request() {
    let overrides = SigningOverrides::new;
    for backend in BACKENDS {
        let signer = sigv4a("sqs", "us-east-1", backend);
        for (overrides, named) in [
            (overrides(), "us-east-1"),
            (overrides().region("eu-west-1").unwrap(), "eu-west-1"),
            (overrides().region_set("*").unwrap(), "*"),
            (overrides().region_set("a, b").unwrap(), "a,b"),
            (overrides().service("sqs").unwrap(), "us-east-1"),
        ] {
            assert_eq!(signed_set(&signer, &overrides), named);
        }
        // Those of one request are not those of the next.
        assert_eq!(signed_set(&signer, &overrides()), "us-east-1");
    }
}

#[test]
fn refuses_what_is_no_set() {
    let long = vec!["us-east-1"; 300].join(",");
    for given in [
        "",
        " ",
        ",",
        "us-east-1,",
        ",us-east-1",
        "us-east-1,,eu-west-1",
        "us east-1",
        "us-east-1;eu-west-1",
        "us-east-1/eu-west-1",
        "us-east-1\nx-amz-acl: public",
        "é",
        "?",
        &long,
    ] {
        for backend in BACKENDS {
            let error = Signer::builder("sqs", given).sigv4a(backend).build();
            assert_eq!(error.unwrap_err().field(), "region", "{given}");
        }
        let error = SigningOverrides::new().region_set(given).unwrap_err();
        assert_eq!(error.field(), "region", "{given}");
    }
    // A name that is too long for a region is so in a set.
    let region = "a".repeat(128);
    SigningOverrides::new().region_set(&region).unwrap();
    SigningOverrides::new()
        .region_set(&format!("{region}a"))
        .unwrap_err();
}

#[test]
fn sigv4_takes_no_set() {
    for given in ["*", "us-*", "us-east-1,eu-west-1", ","] {
        let from_signer = Signer::builder("s3", given).build().unwrap_err();
        let from_overrides = SigningOverrides::new().region(given).unwrap_err();
        for error in [from_signer, from_overrides] {
            assert_eq!(error.field(), "region", "{given}");
            assert!(error.to_string().contains("SigV4A"), "{error}");
        }
    }
    // Whatever it says, a set of one region is a region.
    let overrides = SigningOverrides::new().region_set("eu-west-1").unwrap();
    let mut request = get(URL);
    signer("sqs")
        .sign_with(
            &mut request,
            Payload::EMPTY,
            &credentials(),
            now(),
            &overrides,
        )
        .unwrap();
    let authorization = request.headers()["authorization"].to_str().unwrap();
    assert!(authorization.contains("/20150830/eu-west-1/sqs/aws4_request,"));
    assert!(!request.headers().contains_key("x-amz-region-set"));
}

#[test]
fn sigv4_refuses_a_set_for_one_request_and_changes_nothing() {
    for given in ["*", "us-*", "us-east-1,eu-west-1"] {
        let overrides = SigningOverrides::new().region_set(given).unwrap();
        let mut request = get(URL);
        let stale = "stale".parse().unwrap();
        request.headers_mut().insert("x-amz-region-set", stale);
        let before = (request.uri().clone(), request.headers().clone());
        let (signer, credentials) = (signer("sqs"), credentials());
        let payload = Payload::EMPTY;
        let signed = signer.sign_with(&mut request, payload, &credentials, now(), &overrides);
        let traced = signer.trace_with(&request, payload, &credentials, now(), &overrides);
        let errors: [Error; 2] = [signed.unwrap_err(), traced.unwrap_err()];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::RegionSet, "{given}");
            assert!(error.to_string().contains("SigV4A"), "{error}");
            assert!(!error.is_retryable());
        }
        assert_eq!((request.uri(), request.headers()), (&before.0, &before.1));
    }
}
