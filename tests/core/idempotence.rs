//! Signing again: what an earlier signature added is replaced, and nothing piles up.

use std::time::Duration;

use http::HeaderMap;
use http::Request;
use sigv4_core::Credentials;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::WireForm;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Body;
use sigv4_tests::secrets::SECRET_ACCESS_KEY;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::fixture::REGION;
use crate::fixture::get;
use crate::fixture::hour;
use crate::fixture::now;
use crate::fixture::sent;
use crate::fixture::signer;
use crate::fixture::verified;
use crate::fixture::verified_with;

const URL: &str = "https://user@Host.amazonaws.com:443/b//a@b/../{c}?z=+&a=%7e&a";

/// As text, since `Uri` compares authorities without regard to case.
type State = (String, HeaderMap);

fn state(request: &Request<()>) -> State {
    (request.uri().to_string(), request.headers().clone())
}

fn sign(signer: &Signer, request: &mut Request<()>, credentials: &Credentials, after: u64) {
    let time = now() + Duration::from_secs(after);
    signer
        .sign(request, Payload::Bytes(b"body"), credentials, time)
        .unwrap();
}

#[test]
fn signing_again_later_is_signing_once_later() {
    for service in [
        "s3",
        "s3express",
        "bedrock",
        "iotdevicegateway",
        "vpc-lattice-svcs",
    ] {
        for wire in [WireForm::Canonical, WireForm::AsGiven] {
            let signer = Signer::builder(service, REGION)
                .wire_form(wire)
                .build()
                .unwrap();
            for (first, second) in [
                (credentials(), credentials()),
                (temporary_credentials(), temporary_credentials()),
                (temporary_credentials(), credentials()),
                (credentials(), temporary_credentials()),
            ] {
                let mut again = get(URL);
                sign(&signer, &mut again, &first, 0);
                sign(&signer, &mut again, &second, 86_400);
                let mut once = get(URL);
                sign(&signer, &mut once, &second, 86_400);
                assert_eq!(state(&again), state(&once), "{service} {wire:?}");
            }
        }
    }
}

#[test]
fn nothing_piles_up() {
    let mut request = get(URL);
    sign(&signer("s3"), &mut request, &temporary_credentials(), 0);
    let first = state(&request);
    for attempt in 1..20 {
        sign(
            &signer("s3"),
            &mut request,
            &temporary_credentials(),
            attempt,
        );
        assert_eq!(request.headers().len(), first.1.len());
        assert_eq!(request.uri().to_string(), first.0);
        assert_eq!(
            verified_with(&request, b"body").time,
            now() + Duration::from_secs(attempt)
        );
    }
}

#[test]
fn what_was_signed_for_one_service_can_be_signed_for_another() {
    let mut request = get(URL);
    sign(
        &signer("s3express"),
        &mut request,
        &temporary_credentials(),
        0,
    );
    let overrides = SigningOverrides::new().service("sqs").unwrap();
    signer("s3express")
        .sign_with(
            &mut request,
            Payload::EMPTY,
            &temporary_credentials(),
            now(),
            &overrides,
        )
        .unwrap();
    let verified = verified(&request);
    assert_eq!(verified.service, "sqs");
    assert_eq!(
        verified.signed_headers,
        [
            "host",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-security-token"
        ]
    );
}

#[test]
fn another_payload_replaces_the_hash_of_the_earlier_one() {
    let mut request = get("https://b.s3.amazonaws.com/k");
    for (payload, covered) in [
        (Payload::Bytes(b"one"), Body::Bytes(b"one")),
        (Payload::Unsigned, Body::Unsigned),
        (Payload::Bytes(b"two"), Body::Bytes(b"two")),
        (Payload::EMPTY, Body::Bytes(b"")),
    ] {
        signer("s3")
            .sign(&mut request, payload, &credentials(), now())
            .unwrap();
        verified_with(&request, covered);
    }
}

#[test]
fn a_presigned_url_can_be_signed_in_its_headers() {
    let presigned = signer("s3")
        .presign(
            &get("https://b.s3.amazonaws.com/k?a=1"),
            hour(),
            &temporary_credentials(),
            now(),
        )
        .unwrap();
    let mut request = sent(&presigned);
    signer("s3")
        .sign(&mut request, Payload::EMPTY, &credentials(), now())
        .unwrap();
    assert_eq!(
        request.uri().to_string(),
        "https://b.s3.amazonaws.com/k?a=1"
    );
    assert_eq!(verified(&request).token, None);
}

#[test]
fn a_signed_request_can_be_presigned() {
    let mut request = get("https://b.s3.amazonaws.com/k?a=1");
    let expected = signer("s3")
        .presign(&request, hour(), &credentials(), now())
        .unwrap();
    sign(&signer("s3"), &mut request, &temporary_credentials(), 0);
    let presigned = signer("s3")
        .presign(&request, hour(), &credentials(), now())
        .unwrap();
    assert_eq!(presigned.uri(), expected.uri());
    assert!(presigned.headers().is_empty());
}

#[test]
fn the_trace_is_of_what_is_signed_and_changes_nothing() {
    let mut request = get(URL);
    sign(&signer("s3"), &mut request, &temporary_credentials(), 0);
    let before = state(&request);
    let trace = signer("s3")
        .trace(
            &request,
            Payload::Bytes(b"body"),
            &temporary_credentials(),
            now(),
        )
        .unwrap();
    assert_eq!(state(&request), before);

    let expected = oracle::signature_of_canonical_request(
        trace.canonical_request_bytes(),
        SECRET_ACCESS_KEY,
        ("20150830", "123600"),
        REGION,
        "s3",
    );
    assert_eq!(verified_with(&request, b"body").signature, expected);
}
