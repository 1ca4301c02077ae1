//! Keys are derived from one secret and never used for another: rotated secrets, tenants that
//! share an access key id, regions and services of single requests.

use std::thread;
use std::time::Duration;
use std::time::SystemTime;

use http::Request;
use sigv4_core::Credentials;
use sigv4_core::Payload;
use sigv4_core::RequestHead;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::SigningRules;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Verified;
use sigv4_tests::secrets;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::fixture::REGION;
use crate::fixture::get;
use crate::fixture::now;
use crate::fixture::signer;

const URL: &str = "https://host.amazonaws.com/b//a?x=1";
const DAY: Duration = Duration::from_secs(86_400);

#[track_caller]
fn sign_and_verify(
    signer: &Signer,
    credentials: &Credentials,
    secret: &str,
    time: SystemTime,
    overrides: &SigningOverrides,
) -> Verified {
    let mut request = get(URL);
    signer
        .sign_with(&mut request, Payload::EMPTY, credentials, time, overrides)
        .unwrap();
    oracle::verify(&request, b"", secret).unwrap()
}

fn tenant(secret: &str) -> Credentials {
    Credentials::new(secrets::ACCESS_KEY_ID, secret).unwrap()
}

#[test]
fn a_new_secret_of_the_same_access_key_gives_a_new_signature() {
    let signer = signer("sqs");
    let none = SigningOverrides::new();
    let (old, new) = (tenant("old secret"), tenant("new secret"));
    for _ in 0..3 {
        let before = sign_and_verify(&signer, &old, "old secret", now(), &none);
        let after = sign_and_verify(&signer, &new, "new secret", now(), &none);
        assert_ne!(before.signature, after.signature);
        assert_eq!(before.access_key_id, after.access_key_id);
    }
    let mut request = get(URL);
    signer
        .sign(&mut request, Payload::EMPTY, &new, now())
        .unwrap();
    assert!(oracle::verify(&request, b"", "old secret").is_err());
}

#[test]
fn tenants_take_turns_with_one_signer() {
    let signer = signer("s3");
    let none = SigningOverrides::new();
    let names: Vec<String> = (0..50).map(|number| format!("secret {number}")).collect();
    let tenants: Vec<Credentials> = names.iter().map(|secret| tenant(secret)).collect();
    for round in 0..2 {
        for (secret, tenant) in names.iter().zip(&tenants) {
            sign_and_verify(&signer, tenant, secret, now() + round * DAY, &none);
        }
    }
}

#[test]
fn days_regions_and_services_each_have_their_key() {
    let credentials = credentials();
    let secret = secrets::SECRET_ACCESS_KEY;
    // More than are kept at a time, and each of them twice.
    for _ in 0..2 {
        for day in [0, 1, 400] {
            for region in ["us-east-1", "eu-central-1", "us", "cn-north-1"] {
                for service in ["sqs", "s3", "bedrock", "s3express"] {
                    let signer = Signer::builder(service, region).build().unwrap();
                    let time = now() + day * DAY;
                    let none = SigningOverrides::new();
                    let verified = sign_and_verify(&signer, &credentials, secret, time, &none);
                    assert_eq!((&*verified.region, &*verified.service), (region, service));
                    assert_eq!(verified.time, time);
                }
            }
        }
    }
}

#[test]
fn the_day_changes_at_midnight_and_back() {
    let midnight = now() + Duration::from_secs(11 * 3600 + 24 * 60);
    let none = SigningOverrides::new();
    let credentials = credentials();
    let secret = secrets::SECRET_ACCESS_KEY;
    for time in [
        midnight - Duration::from_secs(1),
        midnight,
        midnight - Duration::from_nanos(1),
        midnight + Duration::from_secs(1),
    ] {
        sign_and_verify(&signer("sqs"), &credentials, secret, time, &none);
    }
}

#[test]
fn overrides_change_service_and_region_of_one_request() {
    let overrides = SigningOverrides::new;
    let secret = secrets::SECRET_ACCESS_KEY;
    let credentials = temporary_credentials();
    for (name, configured, overrides, expected) in [
        ("nothing", "bedrock", overrides(), ("bedrock", REGION)),
        (
            "the service",
            "bedrock",
            overrides().service("s3").unwrap(),
            ("s3", REGION),
        ),
        (
            "and back",
            "s3",
            overrides().service("bedrock").unwrap(),
            ("bedrock", REGION),
        ),
        (
            "the region",
            "bedrock",
            overrides().region("eu-west-1").unwrap(),
            ("bedrock", "eu-west-1"),
        ),
        (
            "both",
            "bedrock",
            overrides()
                .region("eu-west-1")
                .unwrap()
                .service("s3express")
                .unwrap(),
            ("s3express", "eu-west-1"),
        ),
    ] {
        // Twice: the first request leaves the derived key behind.
        for _ in 0..2 {
            let signer = signer(configured);
            let verified = sign_and_verify(&signer, &credentials, secret, now(), &overrides);
            let trace = signer
                .trace_with(&get(URL), Payload::EMPTY, &credentials, now(), &overrides)
                .unwrap();
            let expected_scope = format!("\n20150830/{}/{}/aws4_request\n", expected.1, expected.0);
            assert!(trace.string_to_sign().contains(&expected_scope), "{name}");
            assert_eq!((&*verified.service, &*verified.region), expected, "{name}");
            assert_eq!(
                verified.token.as_deref(),
                Some(secrets::SESSION_TOKEN),
                "{name}"
            );
            // The rules follow the service.
            let sends_hash = verified
                .signed_headers
                .contains(&"x-amz-content-sha256".to_owned());
            assert_eq!(sends_hash, expected.0.starts_with("s3"), "{name}");
        }
    }
}

/// Rules that were given are those of the configured service, not of another.
#[test]
fn overrides_of_the_service_bring_their_own_rules() {
    let signer = Signer::builder("storage", REGION)
        .rules(SigningRules::for_service("s3"))
        .build()
        .unwrap();
    let mut request = get("https://host.amazonaws.com/a//b@c");
    let overrides = SigningOverrides::new().service("execute-api").unwrap();
    signer
        .sign_with(
            &mut request,
            Payload::EMPTY,
            &credentials(),
            now(),
            &overrides,
        )
        .unwrap();
    assert_eq!(request.uri().path(), "/a/b@c");
    let verified = oracle::verify(&request, b"", secrets::SECRET_ACCESS_KEY).unwrap();
    assert_eq!(verified.service, "execute-api");

    let overrides = SigningOverrides::new().region("eu-west-1").unwrap();
    let mut request = get("https://host.amazonaws.com/a//b@c");
    signer
        .sign_with(
            &mut request,
            Payload::EMPTY,
            &credentials(),
            now(),
            &overrides,
        )
        .unwrap();
    assert_eq!(request.uri().path(), "/a//b%40c");
}

#[test]
fn clones_and_variants_sign_as_their_origin_does() {
    let origin = credentials();
    let none = SigningOverrides::new();
    let secret = secrets::SECRET_ACCESS_KEY;
    let expected = sign_and_verify(&signer("sqs"), &origin, secret, now(), &none);

    let clone = origin.clone();
    let expiring = origin.clone().with_expiry(now() + DAY);
    drop(origin);
    for (name, credentials) in [("clone", &clone), ("expiring", &expiring)] {
        let verified = sign_and_verify(&signer("sqs"), credentials, secret, now(), &none);
        assert_eq!(verified, expected, "{name}");
    }
    assert_eq!(clone.expires_at(), None);
    assert_eq!(expiring.expires_at(), Some(now() + DAY));

    let with_token = clone
        .clone()
        .with_session_token(secrets::SESSION_TOKEN)
        .unwrap();
    let other_token = with_token.clone().with_session_token("other").unwrap();
    for (credentials, token) in [
        (&with_token, Some(secrets::SESSION_TOKEN)),
        (&other_token, Some("other")),
        (&clone, None),
    ] {
        let verified = sign_and_verify(&signer("sqs"), credentials, secret, now(), &none);
        assert_eq!(verified.token.as_deref(), token);
    }
}

#[test]
fn threads_share_credentials() {
    let credentials = credentials();
    let secret = secrets::SECRET_ACCESS_KEY;
    thread::scope(|scope| {
        for offset in 0..4 {
            let credentials = &credentials;
            scope.spawn(move || {
                for number in 0..20 {
                    let region = format!("region-{}", (number + offset) % 5);
                    let signer = Signer::builder("sqs", region).build().unwrap();
                    let time = now() + (number % 3) * DAY;
                    let none = SigningOverrides::new();
                    sign_and_verify(&signer, credentials, secret, time, &none);
                }
            });
        }
    });
}

#[test]
fn every_kind_of_request_is_signed_alike() {
    let request = Request::put(URL)
        .header("content-type", "text/plain")
        .body("body")
        .unwrap();
    let payload = Payload::Bytes(b"body");
    let (signer, credentials) = (signer("bedrock"), temporary_credentials());

    let mut whole = request.clone();
    signer
        .sign(&mut whole, payload, &credentials, now())
        .unwrap();

    let (mut parts, _) = request.clone().into_parts();
    signer
        .sign(&mut parts, payload, &credentials, now())
        .unwrap();
    assert_eq!((&parts.uri, &parts.headers), (whole.uri(), whole.headers()));

    let (parts, _) = request.into_parts();
    let (mut uri, mut headers) = (parts.uri, parts.headers);
    let mut head = RequestHead::new(&parts.method, &mut uri, &mut headers);
    signer
        .sign(&mut head, payload, &credentials, now())
        .unwrap();
    assert_eq!((&uri, &headers), (whole.uri(), whole.headers()));
}
