//! Signing with SigV4A: what is added, what it replaces, and what the signature covers.
//!
//! AWS's suite is in `official_suite` and `published_vectors`, random requests are in `property`.

use std::time::Duration;
use std::time::UNIX_EPOCH;

use http::HeaderMap;
use http::Method;
use http::Request;
use sigv4_core::Credentials;
use sigv4_core::EcdsaBackend;
use sigv4_core::Payload;
use sigv4_core::PresignOptions;
use sigv4_core::Signer;
use sigv4_core::WireForm;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Body;
use sigv4_tests::oracle_v4a;
use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::oracle_v4a::Verified;
use sigv4_tests::secrets::SECRET_ACCESS_KEY;
use sigv4_tests::secrets::SESSION_TOKEN;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::fixture::BACKENDS;
use crate::fixture::get;
use crate::fixture::hour;
use crate::fixture::now;
use crate::fixture::sent;
use crate::fixture::signer;
use crate::fixture::sigv4a;
use crate::fixture::verified;

/// A multi-region access point, as `tests/sigv4a_mrap.rs` of `aws-sigv4` has it.
const MRAP: &str = "https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com/object";

fn sign(signer: &Signer, request: &mut Request<()>, credentials: &Credentials) -> String {
    let signed = signer.sign(request, Payload::Bytes(b"body"), credentials, now());
    signed.unwrap().signature().unwrap().to_owned()
}

/// Has a request judged, with the published key, whose body is `body`.
#[track_caller]
fn judged(request: &Request<()>) -> Verified {
    oracle_v4a::verify(request, b"body", &PublicKey::of_the_fixture()).unwrap()
}

fn state(request: &Request<()>) -> (String, HeaderMap) {
    (request.uri().to_string(), request.headers().clone())
}

#[test]
fn signs_for_a_multi_region_access_point() {
    let time = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    for backend in BACKENDS {
        let signer = sigv4a("s3", "us-east-1,us-west-2", backend);
        let mut request = get(MRAP);
        let signed = signer
            .sign(&mut request, Payload::EMPTY, &credentials(), time)
            .unwrap();
        let authorization = request.headers()["authorization"].to_str().unwrap();
        assert_eq!(
            authorization,
            format!(
                "AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20260101/s3/aws4_request, \
                 SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-region-set, \
                 Signature={}",
                signed.signature().unwrap()
            )
        );
        assert!(request.headers()["authorization"].is_sensitive());
        assert_eq!(request.headers()["x-amz-region-set"], "us-east-1,us-west-2");
        assert_eq!(request.headers()["x-amz-date"], "20260101T000000Z");
        assert_eq!(request.uri(), MRAP);
        let key = PublicKey::of_the_fixture();
        oracle_v4a::verify(&request, b"", &key).unwrap();
    }
}

#[test]
fn presigns_for_a_multi_region_access_point() {
    let time = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    for backend in BACKENDS {
        let signer = sigv4a("s3", "us-east-1,us-west-2", backend);
        let presigned = signer
            .presign(&get(MRAP), Duration::from_secs(900), &credentials(), time)
            .unwrap();
        let url = presigned.uri().to_string();
        let (text, signature) = url.split_once("&X-Amz-Signature=").unwrap();
        assert_eq!(
            text,
            format!(
                "{MRAP}?X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256\
                 &X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Fs3%2Faws4_request\
                 &X-Amz-Date=20260101T000000Z&X-Amz-Expires=900\
                 &X-Amz-Region-Set=us-east-1%2Cus-west-2&X-Amz-SignedHeaders=host"
            )
        );
        assert!(presigned.headers().is_empty());
        let sent = sent(&presigned);
        let key = PublicKey::of_the_fixture();
        let verified = oracle_v4a::verify(&sent, Body::Unsigned, &key).unwrap();
        assert_eq!(verified.signature, signature);
        assert_eq!(verified.expires_in, Some(Duration::from_secs(900)));
        assert_eq!(verified.region_set, "us-east-1,us-west-2");
        assert!(oracle_v4a::verify(&sent, b"", &key).is_err());
    }
}

#[test]
fn covers_what_a_request_is() {
    for backend in BACKENDS {
        let mut request = Request::post("https://host.amazonaws.com:8443/a/b%2Fc?z=1&a=%20")
            .header("content-type", "text/plain")
            .header("x-amz-meta-a", "  1  2 ")
            .header("user-agent", "test/1")
            .body(())
            .unwrap();
        let signer = sigv4a("events", "*", backend);
        sign(&signer, &mut request, &credentials());
        let verified = judged(&request);
        assert_eq!(
            verified.signed_headers,
            [
                "content-type",
                "host",
                "x-amz-date",
                "x-amz-meta-a",
                "x-amz-region-set",
            ]
        );
        assert_eq!(verified.service, "events");
        assert_eq!(verified.access_key_id, "AKIDEXAMPLE");

        let key = PublicKey::of_the_fixture();
        type Edit = fn(&mut Request<()>);
        let edits: [(&str, Edit); 7] = [
            ("the method", |request| *request.method_mut() = Method::PUT),
            ("the path", |request| {
                *request.uri_mut() = "https://host.amazonaws.com:8443/a?a=%20&z=1"
                    .parse()
                    .unwrap();
            }),
            ("the query", |request| {
                *request.uri_mut() = "https://host.amazonaws.com:8443/a/b%2Fc".parse().unwrap();
            }),
            ("the host", |request| {
                *request.uri_mut() = "https://evil.com/a/b%2Fc?a=%20&z=1".parse().unwrap();
            }),
            ("the content type", |request| {
                let html = "text/html".parse().unwrap();
                request.headers_mut().insert("content-type", html);
            }),
            ("the set of regions", |request| {
                let other = "us-east-1".parse().unwrap();
                request.headers_mut().insert("x-amz-region-set", other);
            }),
            ("the date", |request| {
                let later = "20150830T123601Z".parse().unwrap();
                request.headers_mut().insert("x-amz-date", later);
            }),
        ];
        for (name, edit) in edits {
            let mut other = request.clone();
            edit(&mut other);
            let verdict = oracle_v4a::verify(&other, b"body", &key);
            assert!(verdict.is_err(), "{name}");
        }
        assert!(oracle_v4a::verify(&request, b"other", &key).is_err());
        let other = PublicKey::of("AKIDEXAMPLE", "another secret");
        assert!(oracle_v4a::verify(&request, b"body", &other).is_err());
    }
}

#[test]
fn signs_the_session_token() {
    for backend in BACKENDS {
        for service in ["s3", "sqs"] {
            let signer = sigv4a(service, "*", backend);
            let mut request = get(MRAP);
            sign(&signer, &mut request, &temporary_credentials());
            let verified = judged(&request);
            assert_eq!(verified.token.as_deref(), Some(SESSION_TOKEN));
            assert!(request.headers()["x-amz-security-token"].is_sensitive());

            let presigned = signer
                .presign(&get(MRAP), hour(), &temporary_credentials(), now())
                .unwrap();
            let body = if service == "s3" {
                Body::Unsigned
            } else {
                Body::Bytes(b"")
            };
            let key = PublicKey::of_the_fixture();
            let verified = oracle_v4a::verify(&sent(&presigned), body, &key).unwrap();
            assert_eq!(verified.token.as_deref(), Some(SESSION_TOKEN));
        }
    }
}

#[test]
fn p256_is_deterministic_and_ring_is_not() {
    let of = |backend| {
        let signer = sigv4a("s3", "*", backend);
        [(); 2].map(|()| {
            let mut request = get(MRAP);
            let signature = sign(&signer, &mut request, &credentials());
            judged(&request);
            signature
        })
    };
    let [first, second] = of(EcdsaBackend::P256);
    assert_eq!(first, second);
    // Also out of a key that was derived anew.
    assert_eq!(of(EcdsaBackend::P256), [first, second]);
    let [first, second] = of(EcdsaBackend::Ring);
    assert_ne!(first, second);
    assert_eq!(EcdsaBackend::default(), EcdsaBackend::P256);
}

#[test]
fn the_trace_is_of_what_is_signed() {
    for backend in BACKENDS {
        let signer = sigv4a("s3", "*", backend);
        let request = get(MRAP);
        let trace = signer
            .trace(&request, Payload::EMPTY, &credentials(), now())
            .unwrap();
        let text = trace.string_to_sign();
        assert!(
            text.starts_with(
                "AWS4-ECDSA-P256-SHA256\n20150830T123600Z\n20150830/s3/aws4_request\n"
            ),
            "{text}"
        );
        assert!(trace.canonical_request().contains("\nx-amz-region-set:*\n"));
        let mut signed = request.clone();
        let signed = signer
            .sign(&mut signed, Payload::EMPTY, &credentials(), now())
            .unwrap();
        PublicKey::of_the_fixture()
            .verify(text.as_bytes(), signed.signature().unwrap())
            .unwrap();
    }
}

#[test]
fn signing_again_replaces_what_was_signed() {
    for backend in BACKENDS {
        for wire in [WireForm::Canonical, WireForm::AsGiven] {
            let build = |regions| {
                let builder = Signer::builder("sqs", regions).sigv4a(backend);
                builder.wire_form(wire).build().unwrap()
            };
            let mut request = get("https://host.amazonaws.com/a?b=1");
            sign(
                &build("eu-*,us-east-1"),
                &mut request,
                &temporary_credentials(),
            );
            sign(&build("us-west-2"), &mut request, &credentials());
            let mut once = get("https://host.amazonaws.com/a?b=1");
            sign(&build("us-west-2"), &mut once, &credentials());
            let verified = judged(&request);
            assert_eq!(verified.region_set, "us-west-2");
            assert_eq!(verified.token, None);
            let [mut again, mut once] = [state(&request), state(&once)];
            for (_, headers) in [&mut again, &mut once] {
                headers.remove("authorization");
            }
            assert_eq!(again, once);
        }
    }
}

/// The set is part of one algorithm only: left behind it would say something that is not so.
#[test]
fn sigv4_and_sigv4a_replace_each_other() {
    let url = "https://host.amazonaws.com/a?b=1";
    for backend in BACKENDS {
        let asymmetric = sigv4a("sqs", "*", backend);
        let mut request = get(url);
        sign(&asymmetric, &mut request, &temporary_credentials());
        sign(&signer("sqs"), &mut request, &credentials());
        let mut once = get(url);
        sign(&signer("sqs"), &mut once, &credentials());
        assert_eq!(state(&request), state(&once));
        assert!(!request.headers().contains_key("x-amz-region-set"));
        oracle::verify(&request, b"body", SECRET_ACCESS_KEY).unwrap();

        sign(&asymmetric, &mut request, &credentials());
        judged(&request);

        // Presigned by either, and signed in the header by the other.
        let presigned = asymmetric
            .presign(&get(url), hour(), &temporary_credentials(), now())
            .unwrap();
        let mut request = sent(&presigned);
        sign(&signer("sqs"), &mut request, &credentials());
        assert_eq!(request.uri(), url);
        let presigned = signer("sqs")
            .presign(&get(url), hour(), &credentials(), now())
            .unwrap();
        let mut request = sent(&presigned);
        sign(&asymmetric, &mut request, &credentials());
        assert_eq!(request.uri(), url);
        judged(&request);
    }
}

#[test]
fn a_set_of_regions_that_a_client_sent_is_not_trusted() {
    let with_set = || {
        let mut request = get("https://host.amazonaws.com/?X-Amz-Region-Set=*&a=1");
        for value in ["eu-west-1", "*"] {
            let value = value.parse().unwrap();
            request.headers_mut().append("x-amz-region-set", value);
        }
        request
    };
    for backend in BACKENDS {
        let signer = sigv4a("sqs", "us-east-1", backend);
        let mut request = with_set();
        sign(&signer, &mut request, &credentials());
        assert_eq!(judged(&request).region_set, "us-east-1");
        let values = request.headers().get_all("x-amz-region-set");
        assert_eq!(values.iter().collect::<Vec<_>>(), ["us-east-1"]);
        assert_eq!(request.uri().query(), Some("a=1"));

        for hoists in [false, true] {
            let mut options = PresignOptions::expires_in(hour());
            if hoists {
                options = options.hoist_headers();
            }
            let presigned = signer
                .presign(&with_set(), options, &credentials(), now())
                .unwrap();
            let query = presigned.uri().query().unwrap();
            assert_eq!(query.matches("X-Amz-Region-Set=").count(), 1, "{query}");
            assert!(presigned.headers().is_empty());
            let key = PublicKey::of_the_fixture();
            let verified = oracle_v4a::verify(&sent(&presigned), b"", &key).unwrap();
            assert_eq!(verified.region_set, "us-east-1");
        }
    }

    let mut request = with_set();
    signer("sqs")
        .sign(&mut request, Payload::EMPTY, &credentials(), now())
        .unwrap();
    assert!(!request.headers().contains_key("x-amz-region-set"));
    assert_eq!(verified(&request).signed_headers, ["host", "x-amz-date"]);
}
