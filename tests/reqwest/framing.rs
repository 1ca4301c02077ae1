//! The length that goes out is the one of the body that was signed, whatever the headers said.

use reqwest::Body;
use reqwest::Method;
use reqwest::Request;
use sigv4_core::PayloadMode;
use sigv4_core::SigningOverrides;
use sigv4_tests::oracle;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::WAYS;
use crate::fixture::Way;
use crate::fixture::authorizer;
use crate::fixture::client;
use crate::fixture::verified;
use crate::shared::body::Pieces;
use crate::shared::body::Step;

async fn arrived(
    way: Way,
    mode: PayloadMode,
    request: impl FnOnce(String) -> Request,
) -> WireRequest {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let request = request(format!("{}/bucket/key", server.url()));
    let overrides = SigningOverrides::new().payload(mode);
    let s3 = authorizer("s3", &server.authority());
    way.send(&s3, request, Some(overrides)).await.unwrap();
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
async fn no_body_has_a_length_where_the_method_suggests_one() {
    for (method, expected) in [
        (Method::PUT, length("0")),
        (Method::POST, length("0")),
        (Method::PATCH, length("0")),
        (Method::GET, (None, None)),
        (Method::HEAD, (None, None)),
        (Method::DELETE, (None, None)),
    ] {
        for way in WAYS {
            for mode in [PayloadMode::Hashed, PayloadMode::Unsigned] {
                let none = |url| client().request(method.clone(), url).build().unwrap();
                let request = arrived(way, mode, none).await;
                assert_eq!(framing(&request), expected, "{method} {mode:?}");

                let empty = |url| {
                    client()
                        .request(method.clone(), url)
                        .body("")
                        .build()
                        .unwrap()
                };
                let request = arrived(way, mode, empty).await;
                assert_eq!(framing(&request), expected, "{method} {mode:?}, empty");
            }
        }
    }
}

#[tokio::test]
async fn a_stream_of_which_it_is_said_that_it_is_empty_is_what_it_was_to_be() {
    for way in WAYS {
        let request = |url| {
            let body = Body::wrap(Pieces::of([""]).then(Step::Pause));
            let request = client().put(url).header("content-length", "0");
            request.body(body).build().unwrap()
        };
        let request = arrived(way, PayloadMode::Unsigned, request).await;
        assert_eq!(framing(&request), length("0"));
        verified(&request, oracle::Body::Unsigned);
    }
}

#[tokio::test]
async fn what_the_headers_say_of_chunks_is_dropped() {
    for way in WAYS {
        for streams in [false, true] {
            let request = |url| {
                let body = if streams {
                    Body::wrap(Pieces::of(["one ", "two"]))
                } else {
                    Body::from("one two")
                };
                let request = client().put(url).header("transfer-encoding", "chunked");
                request.body(body).build().unwrap()
            };
            let request = arrived(way, PayloadMode::Hashed, request).await;
            assert_eq!(framing(&request), length("7"));
            verified(&request, b"one two");
        }
    }
}

#[tokio::test]
async fn a_stream_keeps_the_length_that_was_declared() {
    for way in WAYS {
        let request = |url| {
            let body = Body::wrap(Pieces::of(["one ", "two"]));
            let request = client().put(url).header("content-length", "7");
            request.body(body).build().unwrap()
        };
        for mode in [PayloadMode::Hashed, PayloadMode::Unsigned] {
            let request = arrived(way, mode, request).await;
            assert_eq!(framing(&request), length("7"), "{mode:?}");
            assert_eq!(request.body(), b"one two");
        }
        let unknown = |url| {
            let body = Body::wrap(Pieces::of(["one ", "two"]));
            client().put(url).body(body).build().unwrap()
        };
        let request = arrived(way, PayloadMode::Unsigned, unknown).await;
        assert_eq!(framing(&request), (None, Some("chunked".to_owned())));
        verified(&request, oracle::Body::Unsigned);
    }
}
