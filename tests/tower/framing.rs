//! The length that goes out is the one of the body that was signed, whatever came in.

use bytes::Bytes;
use http::Method;
use http::Request;
use http_body_util::Empty;
use http_body_util::Full;
use sigv4_core::PayloadMode;
use sigv4_core::SigningOverrides;
use sigv4_tests::oracle;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::BoxError;
use tower::ServiceExt;

use crate::fixture::authorizer;
use crate::fixture::signing;
use crate::fixture::verified;
use crate::shared::body::Pieces;
use crate::shared::body::Step;

const UNSIGNED: PayloadMode = PayloadMode::Unsigned;

/// Sends a request to S3 and returns it as it arrived.
async fn arrived<B>(request: http::request::Builder, mode: PayloadMode, body: B) -> WireRequest
where
    B: hyper::body::Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let request = request
        .uri(format!("{}/bucket/key", server.url()))
        .extension(SigningOverrides::new().payload(mode))
        .body(body)
        .unwrap();
    let client = signing(authorizer("s3", &server.authority()));
    client.oneshot(request).await.unwrap();
    server.only_request()
}

/// Returns the framing headers of a request.
fn framing(request: &WireRequest) -> (Option<String>, Option<String>) {
    let value = |name| request.header(name).map(|value| value.into_owned());
    (value("content-length"), value("transfer-encoding"))
}

fn length(length: &str) -> (Option<String>, Option<String>) {
    (Some(length.to_owned()), None)
}

#[tokio::test]
async fn a_body_that_was_read_has_a_length() {
    for (name, request) in [
        ("nothing was said", Request::put("/")),
        (
            "chunks were",
            Request::put("/").header("transfer-encoding", "chunked"),
        ),
        (
            "chunks and a length were",
            Request::put("/")
                .header("transfer-encoding", "chunked")
                .header("content-length", "7"),
        ),
        (
            "the length was",
            Request::put("/").header("content-length", "7"),
        ),
        (
            "the length was, twice",
            Request::put("/")
                .header("content-length", "7")
                .header("content-length", "7"),
        ),
        (
            "the length was, in a list",
            Request::put("/").header("content-length", "7, 7"),
        ),
        ("the method is DELETE", Request::delete("/")),
    ] {
        let request = arrived(request, PayloadMode::Hashed, Pieces::of(["one ", "two"])).await;
        assert_eq!(framing(&request), length("7"), "{name}");
        assert_eq!(request.body(), b"one two", "{name}");
        verified(&request, request.body());
    }
}

#[tokio::test]
async fn a_stream_keeps_the_length_that_it_has() {
    for (name, request, body) in [
        (
            "of its header",
            Request::put("/").header("content-length", "7"),
            Pieces::of(["one ", "two"]),
        ),
        (
            "of its hint",
            Request::put("/"),
            Pieces::of(["one ", "two"]).announcing(7),
        ),
        (
            "of both",
            Request::put("/")
                .header("content-length", "7")
                .header("transfer-encoding", "chunked"),
            Pieces::of(["one ", "two"]).announcing(7),
        ),
    ] {
        let request = arrived(request, UNSIGNED, body).await;
        assert_eq!(framing(&request), length("7"), "{name}");
        assert_eq!(request.body(), b"one two", "{name}");
        verified(&request, oracle::Body::Unsigned);
    }
}

#[tokio::test]
async fn a_stream_of_unknown_length_goes_out_in_chunks() {
    for request in [
        Request::put("/"),
        Request::put("/").header("transfer-encoding", "chunked"),
    ] {
        let request = arrived(request, UNSIGNED, Pieces::of(["one ", "two"])).await;
        assert_eq!(framing(&request), (None, Some("chunked".to_owned())));
        assert_eq!(request.body(), b"one two");
        assert!(request.is_whole());
        verified(&request, oracle::Body::Unsigned);
    }
}

#[tokio::test]
async fn an_empty_body_has_a_length_where_the_method_suggests_one() {
    for (method, expected) in [
        (Method::PUT, length("0")),
        (Method::POST, length("0")),
        (Method::PATCH, length("0")),
        (Method::GET, (None, None)),
        (Method::HEAD, (None, None)),
        (Method::DELETE, (None, None)),
        (Method::OPTIONS, (None, None)),
    ] {
        for mode in [PayloadMode::Hashed, UNSIGNED] {
            let request = Request::builder().method(&method);
            let request = arrived(request, mode, Empty::<Bytes>::new()).await;
            assert_eq!(framing(&request), expected, "{method} {mode:?}");

            let chunked = Request::builder()
                .method(&method)
                .header("transfer-encoding", "chunked");
            let request = arrived(chunked, mode, Full::<Bytes>::default()).await;
            assert_eq!(
                framing(&request),
                expected,
                "{method} {mode:?}, with chunks"
            );
        }
        // A stream of which this is said, and is true.
        let empty = Request::builder()
            .method(&method)
            .header("content-length", "0");
        let request = arrived(empty, UNSIGNED, Pieces::of([""]).then(Step::Pause)).await;
        assert_eq!(framing(&request), expected, "{method}, declared");
        verified(&request, oracle::Body::Unsigned);
        // A stream that turns out to be empty.
        let request = Request::builder().method(&method);
        let request = arrived(request, PayloadMode::Hashed, Pieces::of(["", ""])).await;
        assert_eq!(framing(&request), expected, "{method}, after it was read");
        verified(&request, b"");
    }
}

#[tokio::test]
async fn a_request_that_is_not_signed_keeps_its_framing() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let request = Request::put(format!("{}/", server.url()))
        .header("transfer-encoding", "chunked")
        .extension(SigningOverrides::new().do_not_sign())
        .body(Full::<Bytes>::from("one two"))
        .unwrap();
    let client = signing(authorizer("s3", &server.authority()));
    client.oneshot(request).await.unwrap();
    let request = server.only_request();
    assert_eq!(framing(&request), (None, Some("chunked".to_owned())));
    assert_eq!(request.body(), b"one two");
}
