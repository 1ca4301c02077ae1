//! Where the session token of temporary credentials goes.

use http::Request;
use sigv4_core::Payload;
use sigv4_core::SessionTokenMode;
use sigv4_core::Signer;
use sigv4_tests::oracle::Body;
use sigv4_tests::secrets::SESSION_TOKEN;
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

const URL: &str = "https://host.us-east-1.amazonaws.com/";
const TOKEN: &str = "x-amz-security-token";

fn signed(signer: &Signer) -> Request<()> {
    let mut request = get(URL);
    signer
        .sign(
            &mut request,
            Payload::EMPTY,
            &temporary_credentials(),
            now(),
        )
        .unwrap();
    request
}

fn in_mode(service: &str, mode: SessionTokenMode) -> Signer {
    Signer::builder(service, REGION)
        .session_token(mode)
        .build()
        .unwrap()
}

#[test]
fn is_signed_by_default() {
    let request = signed(&signer("sqs"));
    let verified = verified(&request);
    assert_eq!(verified.signed_headers, ["host", "x-amz-date", TOKEN]);
    assert_eq!(verified.token.as_deref(), Some(SESSION_TOKEN));
    assert!(request.headers()[TOKEN].is_sensitive());
}

#[test]
fn is_appended_where_that_is_asked_for_or_the_service_wants_it() {
    let appended = SessionTokenMode::Appended;
    for signer in [in_mode("sqs", appended), signer("iotdevicegateway")] {
        let request = signed(&signer);
        let verified = verified(&request);
        assert_eq!(
            verified.signed_headers,
            ["host", "x-amz-date"],
            "{signer:?}"
        );
        assert_eq!(verified.token.as_deref(), Some(SESSION_TOKEN), "{signer:?}");
        assert!(request.headers()[TOKEN].is_sensitive(), "{signer:?}");
    }
}

#[test]
fn is_left_out_where_that_is_asked_for() {
    let request = signed(&in_mode("sqs", SessionTokenMode::Omitted));
    assert_eq!(verified(&request).token, None);
    assert!(!request.headers().contains_key(TOKEN));
}

#[test]
fn of_an_s3_express_session_has_a_header_of_its_own() {
    let request = signed(&signer("s3express"));
    let verified = verified(&request);
    assert_eq!(
        verified.signed_headers,
        [
            "host",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-s3session-token"
        ]
    );
    assert!(!request.headers().contains_key(TOKEN));
    assert!(request.headers()["x-amz-s3session-token"].is_sensitive());
}

/// The token of a request belongs to the credentials that signed it last.
#[test]
fn of_earlier_credentials_is_taken_away() {
    for service in ["sqs", "s3express"] {
        let signer = signer(service);
        let mut request = signed(&signer);
        request
            .headers_mut()
            .append(TOKEN, "another".parse().unwrap());
        signer
            .sign(&mut request, Payload::EMPTY, &credentials(), now())
            .unwrap();
        let verified = verified(&request);
        assert_eq!(verified.token, None, "{service}");
        assert!(verified.unsigned_amz_headers.is_empty(), "{service}");
    }
}

#[test]
fn goes_into_the_query_of_a_presigned_url() {
    for (name, service, signer, expected) in [
        ("signed", "s3", signer("s3"), Some("X-Amz-Security-Token")),
        (
            "S3 Express",
            "s3express",
            signer("s3express"),
            Some("X-Amz-S3session-Token"),
        ),
        (
            "appended",
            "iotdevicegateway",
            signer("iotdevicegateway"),
            Some("X-Amz-Security-Token"),
        ),
        (
            "omitted",
            "s3",
            in_mode("s3", SessionTokenMode::Omitted),
            None,
        ),
    ] {
        let presigned = signer
            .presign(&get(URL), hour(), &temporary_credentials(), now())
            .unwrap();
        let body = match service {
            "iotdevicegateway" => Body::Bytes(b""),
            _ => Body::Unsigned,
        };
        // Of an appended token too: the judge leaves it out for the service that does.
        let verified = verified_with(&sent(&presigned), body);
        let token = expected.map(|_| SESSION_TOKEN);
        assert_eq!(verified.token.as_deref(), token, "{name}");
        assert_eq!(verified.signed_headers, ["host"], "{name}");
        let query = presigned.uri().query().unwrap();
        let names: Vec<&str> = query
            .split('&')
            .filter_map(|pair| Some(pair.split_once('=')?.0))
            .filter(|name| name.ends_with("Token"))
            .collect();
        assert_eq!(names, expected.into_iter().collect::<Vec<_>>(), "{name}");
    }
}
