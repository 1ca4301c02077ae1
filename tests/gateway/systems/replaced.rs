//! What a client says of signatures and connections goes no further.

use sigv4_tests::wire::WireRequest;

use super::head;
use super::route;
use super::send;
use super::serve;
use super::verified;
use super::with_body;
use crate::fixture::upstream;

const CLAIMS: &str = "\
    Authorization: AWS4-HMAC-SHA256 Credential=evil/20150830/evil/evil/aws4_request, SignedHeaders=evil, Signature=evil\r\n\
    x-amz-security-token: evil\r\nX-Amz-Security-Token: evil2\r\nX-AMZ-S3Session-Token: evil\r\n\
    X-Amz-Date: 19990101T000000Z\r\nX-Amz-Region-Set: evil\r\n\
    X-Amz-Algorithm: evil\r\nX-Amz-Credential: evil\r\nX-Amz-Signature: evil\r\n\
    X-Amz-Expires: 1999\r\nX-Amz-SignedHeaders: evil\r\nX-Amz-Acl: evil\r\nX-Amzn-Trace-Id: evil\r\n";
const HASH: &str = "X-Amz-Content-Sha256: \
    deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef\r\n";
const QUERY: &str = "a=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=evil&X-Amz-Date=1999&\
    X-Amz-Expires=1999&X-Amz-SignedHeaders=evil&X-Amz-Signature=evil&X-Amz-Security-Token=evil&\
    x-amz-signature=evil&X%2DAmz%2DSignature=evil&%58-amz-date=1999&X-Amz-Content-Sha256=evil&\
    X-Amz-Region-Set=evil&X-Amz-Anything=evil&X-Amzn-Trace=evil&b=2";

fn assert_ours(request: &WireRequest) {
    let head = head(request);
    for text in ["evil", "1999", "deadbeef"] {
        assert!(!head.to_ascii_lowercase().contains(text), "{text}: {head}");
    }
    for name in [
        "authorization",
        "x-amz-date",
        "x-amz-content-sha256",
        "x-amz-security-token",
    ] {
        let values = request.values(name);
        assert!(values.len() <= 1, "{name} is joined: {head}");
        assert!(
            values
                .iter()
                .filter(|_| name != "authorization")
                .all(|value| !value.contains(','))
        );
    }
}

#[tokio::test]
async fn what_a_client_says_of_a_signature_is_replaced_and_not_joined() {
    for service in ["s3", "execute-api"] {
        for settings in [
            "",
            "headers: { sign: all }",
            "placement: query",
            "payload: unsigned",
        ] {
            if (service, settings) == ("execute-api", "payload: unsigned") {
                continue;
            }
            let server = upstream("fine").await;
            let gateway = serve(&route(service, &server.url(), settings)).await;
            let lines = format!("{CLAIMS}{HASH}");
            let request = with_body(&format!("POST /{service}/key?{QUERY}"), &lines, b"body");
            let answer = send(&gateway, request).await;
            assert_eq!(answer.status(), 200, "{service} {settings}: {answer:?}");
            let request = server.only_request();
            assert_ours(&request);
            if settings.contains("unsigned") {
                verified(&request, sigv4_tests::oracle::Body::Unsigned);
            } else {
                verified(&request, b"body");
            }
            if settings == "placement: query" {
                let query = request.query().unwrap();
                for name in [
                    "Algorithm",
                    "Credential",
                    "Date",
                    "Expires",
                    "SignedHeaders",
                    "Signature",
                    "Security-Token",
                ] {
                    let name = format!("X-Amz-{name}=");
                    assert_eq!(query.matches(&name).count(), 1, "{service}: {query}");
                }
                assert!(query.contains("X-Amz-Expires=60"), "{query}");
            } else {
                assert_eq!(
                    request.query().as_deref(),
                    Some("a=1&b=2"),
                    "{service} {settings}"
                );
            }
        }
    }
}

/// A list of what may pass that names too much does not open this up.
#[tokio::test]
async fn no_list_of_what_may_pass_lets_a_signature_through() {
    let server = upstream("fine").await;
    let settings =
        "headers: { allow: ['x-amz-*', x-amz-date, x-amz-security-token, x-amz-content-sha256] }";
    let gateway = serve(&route("s3", &server.url(), settings)).await;
    let lines = "Authorization: AWS4-HMAC-SHA256 Credential=evil/x, SignedHeaders=x, Signature=evil\r\n\
                 X-Amz-Security-Token: evil\r\nX-Amz-Security-Token: evil\r\nX-Amz-Date: 1999\r\n\
                 X-Amz-Content-Sha256: deadbeef\r\nX-Amz-Meta-A: kept\r\n";
    let answer = send(&gateway, with_body("PUT /s3/key", lines, b"body")).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let request = server.only_request();
    assert_ours(&request);
    assert_eq!(request.header("x-amz-meta-a").as_deref(), Some("kept"));
    let signed = verified(&request, b"body").signed_headers;
    assert!(
        signed.iter().any(|name| name == "x-amz-meta-a"),
        "{signed:?}"
    );
}

#[tokio::test]
async fn what_connection_names_is_neither_signed_nor_sent() {
    for sign in ["minimal", "all"] {
        let server = upstream("fine").await;
        let settings = format!("headers: {{ sign: {sign}, include: [x-foo], allow: [x-amz-foo] }}");
        let gateway = serve(&route("sqs", &server.url(), &settings)).await;
        let request = "POST /sqs HTTP/1.1\r\nHost: localhost\r\nConnection: close, x-foo\r\n\
                       Connection: X-AMZ-Foo ,,\tx-bar\r\nX-Foo: hop\r\nX-Foo: hop\r\nx-bar: hop\r\n\
                       X-Amz-Foo: hop\r\nKeep-Alive: hop\r\nProxy-Connection: hop\r\n\
                       Proxy-Authorization: hop\r\nTE: trailers\r\nTrailer: hop\r\nUpgrade: hop\r\n\
                       X-Kept: 1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
        let answer = send(&gateway, request).await;
        assert_eq!(answer.status(), 200, "{sign}: {answer:?}");
        let request = server.only_request();
        let head = head(&request);
        for text in ["hop", "trailers"] {
            assert!(!head.contains(text), "{sign}: {head}");
        }
        for name in [
            "x-foo",
            "x-bar",
            "x-amz-foo",
            "te",
            "keep-alive",
            "transfer-encoding",
        ] {
            assert_eq!(request.header(name), None, "{sign} {name}");
        }
        assert_eq!(request.header("content-length").as_deref(), Some("4"));
        let signed = verified(&request, b"body").signed_headers;
        let is_all = signed.iter().any(|name| name == "x-kept");
        assert_eq!(is_all, sign == "all", "{signed:?}");
        assert!(
            !signed
                .iter()
                .any(|name| name == "connection" || name.starts_with("x-foo"))
        );
    }
}
