//! An `Authorization` header, or authentication in the query, that is there before signing.

use http::Request;
use sigv4_core::ErrorKind;
use sigv4_core::ExistingAuthorization;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::WireForm;
use sigv4_tests::secrets::credentials;

use crate::fixture::REGION;
use crate::fixture::get;
use crate::fixture::hour;
use crate::fixture::now;
use crate::fixture::sent;
use crate::fixture::signer;
use crate::fixture::verified;

const URL: &str = "https://sqs.us-east-1.amazonaws.com/queue";
const STALE: &str = "AWS4-HMAC-SHA256 Credential=AKIDSTALE/20100101/us-east-1/sqs/aws4_request, \
    SignedHeaders=host, Signature=00";

fn with_authorization(values: &[&str]) -> Request<()> {
    let mut request = get(URL);
    for value in values {
        request
            .headers_mut()
            .append("authorization", value.parse().unwrap());
    }
    request
}

#[test]
fn replaces_an_earlier_aws_signature() {
    for (name, values) in [
        ("SigV4", &[STALE][..]),
        ("SigV4A", &["AWS4-ECDSA-P256-SHA256 Credential=AKIDSTALE/…"]),
        ("two of them", &[STALE, STALE]),
    ] {
        let mut request = with_authorization(values);
        signer("sqs")
            .sign(&mut request, Payload::EMPTY, &credentials(), now())
            .unwrap();
        let values = request.headers().get_all("authorization");
        assert_eq!(values.iter().count(), 1, "{name}");
        assert_eq!(verified(&request).access_key_id, "AKIDEXAMPLE", "{name}");
    }
}

#[test]
fn refuses_any_other_and_changes_nothing() {
    for (name, values) in [
        ("userinfo of a URL", &["Basic dXNlcjpwYXNz"][..]),
        ("a bearer token", &["Bearer abc"]),
        ("an empty one", &[""]),
        ("SigV2", &["AWS AKIDSTALE:abc="]),
        ("one that AWS did not write", &["aws4-hmac-sha256 …"]),
        ("a foreign one behind an own one", &[STALE, "Bearer abc"]),
        ("an own one behind a foreign one", &["Bearer abc", STALE]),
    ] {
        let mut request = with_authorization(values);
        let before = request.headers().clone();
        let error = signer("sqs")
            .sign(&mut request, Payload::EMPTY, &credentials(), now())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ExistingAuthorization, "{name}");
        assert!(!error.is_retryable(), "{name}");
        assert_eq!(*request.headers(), before, "{name}");
        assert_eq!(request.uri().to_string(), URL, "{name}");

        let presigned = signer("sqs").presign(&request, hour(), &credentials(), now());
        let error = presigned.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ExistingAuthorization, "{name}");
    }
}

#[test]
fn keeps_one_where_it_is_told_to() {
    let signer = Signer::builder("sqs", REGION)
        .existing_authorization(ExistingAuthorization::DangerKeep)
        .build()
        .unwrap();
    for value in ["Bearer abc", STALE] {
        let mut request = with_authorization(&[value]);
        let before = request.headers().clone();
        let signed = signer
            .sign(&mut request, Payload::EMPTY, &credentials(), now())
            .unwrap();
        assert_eq!(signed.signature(), None);
        assert_eq!(*request.headers(), before);
    }

    let mut request = get(URL);
    let signed = signer
        .sign(&mut request, Payload::EMPTY, &credentials(), now())
        .unwrap();
    assert_eq!(signed.signature(), Some(&*verified(&request).signature));
}

#[test]
fn is_never_signed_itself() {
    let rules =
        HeaderRules::all_but_never_signed().include(HeaderMatch::exact("authorization").unwrap());
    let signer = Signer::builder("sqs", REGION)
        .headers(rules)
        .build()
        .unwrap();

    let mut request = with_authorization(&[STALE]);
    signer
        .sign(&mut request, Payload::EMPTY, &credentials(), now())
        .unwrap();
    assert_eq!(verified(&request).signed_headers, ["host", "x-amz-date"]);

    let request = with_authorization(&[STALE]);
    let presigned = signer
        .presign(&request, hour(), &credentials(), now())
        .unwrap();
    assert!(presigned.headers().is_empty());
    assert_eq!(verified(&sent(&presigned)).signed_headers, ["host"]);
}

#[test]
fn in_the_query_is_taken_away_where_the_uri_may_change() {
    let url = format!("{URL}?b=2&x-amz-credential=a&X-Amz-Signature=00&X%2DAmz-Date=d&a=1");
    let mut request = get(&url);
    signer("sqs")
        .sign(&mut request, Payload::EMPTY, &credentials(), now())
        .unwrap();
    assert_eq!(request.uri().to_string(), format!("{URL}?a=1&b=2"));
    verified(&request);

    for wire in [WireForm::AsGiven, WireForm::RefuseIfDifferent] {
        let signer = Signer::builder("sqs", REGION)
            .wire_form(wire)
            .build()
            .unwrap();
        let mut request = get(&url);
        let error = signer
            .sign(&mut request, Payload::EMPTY, &credentials(), now())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ExistingAuthorization, "{wire:?}");
        assert_eq!(request.uri().to_string(), url, "{wire:?}");
        assert!(request.headers().is_empty(), "{wire:?}");
    }
}
