//! Every kind of body that reqwest can make arrives whole and is what was signed.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::Empty;
use http_body_util::Full;
use reqwest::Body;
use reqwest::RequestBuilder;
use sha2::Digest;
use sha2::Sha256;
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
use crate::fixture::signing;
use crate::fixture::verified;
use crate::shared::body::Pieces;
use crate::shared::body::Step;

async fn arrived(
    way: Way,
    mode: PayloadMode,
    body: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> WireRequest {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let request = client().put(format!("{}/bucket/key", server.url()));
    let request = body(request).build().unwrap();
    let overrides = SigningOverrides::new().payload(mode);
    let s3 = authorizer("s3", &server.authority());
    way.send(&s3, request, Some(overrides)).await.unwrap();
    server.only_request()
}

type Make = fn(RequestBuilder) -> RequestBuilder;

#[tokio::test]
async fn are_hashed() {
    let text = || BTreeMap::from([("a", "1 2"), ("b", "&")]);
    for (name, make, body) in [
        (
            "text",
            (|request| request.body("one two")) as Make,
            "one two",
        ),
        (
            "bytes",
            |request| request.body(Bytes::from_static(b"one two")),
            "one two",
        ),
        (
            "a vector",
            |request| request.body(b"one two".to_vec()),
            "one two",
        ),
        ("nothing", |request| request, ""),
        ("an empty text", |request| request.body(""), ""),
        (
            "a stream of pieces",
            |request| request.body(Body::wrap(Pieces::of(["one ", "", "two"]))),
            "one two",
        ),
        (
            "a slow stream",
            |request| {
                let body = Pieces::of(["one "])
                    .then(Step::Pause)
                    .then(Step::Data("two".into()));
                request.body(Body::wrap(body))
            },
            "one two",
        ),
        (
            "a stream that knows its length",
            |request| request.body(Body::wrap(Full::<Bytes>::from("one two"))),
            "one two",
        ),
        (
            "an empty stream",
            |request| request.body(Body::wrap(Pieces::default().then(Step::Pause))),
            "",
        ),
        (
            "no stream",
            |request| request.body(Body::wrap(Empty::<Bytes>::new())),
            "",
        ),
    ] {
        for way in WAYS {
            let request = arrived(way, PayloadMode::Hashed, make).await;
            assert_eq!(request.body(), body.as_bytes(), "{name}");
            assert_eq!(request.header("transfer-encoding"), None, "{name}");
            let length = body.len().to_string();
            assert_eq!(
                request.header("content-length").as_deref(),
                Some(&*length),
                "{name}"
            );
            verified(&request, body);
        }
    }
    for way in WAYS {
        let json = arrived(way, PayloadMode::Hashed, |request| request.json(&text())).await;
        assert_eq!(
            json.header("content-type").as_deref(),
            Some("application/json")
        );
        assert_eq!(json.body(), br#"{"a":"1 2","b":"&"}"#);
        let signed = verified(&json, json.body()).signed_headers;
        assert!(signed.iter().any(|name| name == "content-type"));

        let form = arrived(way, PayloadMode::Hashed, |request| request.form(&text())).await;
        assert_eq!(form.body(), b"a=1+2&b=%26");
        let signed = verified(&form, form.body()).signed_headers;
        assert!(signed.iter().any(|name| name == "content-type"));
    }
}

#[tokio::test]
async fn the_builder_of_the_middleware_makes_the_same() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let client = signing(authorizer("sqs", &server.authority()));
    let json = client.post(server.url()).json(&BTreeMap::from([("a", 1)]));
    json.send().await.unwrap();
    let form = client.post(server.url()).form(&[("Action", "ListQueues")]);
    form.send().await.unwrap();
    let [json, form] = &server.requests()[..] else {
        panic!("two requests were sent");
    };
    verified(json, br#"{"a":1}"#);
    verified(form, b"Action=ListQueues");
}

#[tokio::test]
async fn pass_unsigned() {
    for way in WAYS {
        for (name, make) in [
            ("text", (|request| request.body("one two")) as Make),
            ("a stream of pieces", |request| {
                request.body(Body::wrap(Pieces::of(["one ", "two"])))
            }),
            ("a stream that knows its length", |request| {
                request.body(Body::wrap(Full::<Bytes>::from("one two")))
            }),
        ] {
            let request = arrived(way, PayloadMode::Unsigned, make).await;
            assert_eq!(request.body(), b"one two", "{name}");
            assert!(request.is_whole(), "{name}");
            verified(&request, oracle::Body::Unsigned);
        }
    }
}

#[tokio::test]
async fn pass_with_a_hash_that_is_known() {
    let mode = PayloadMode::Sha256(Sha256::digest(b"one two").into());
    for way in WAYS {
        let bytes = arrived(way, mode, |request| request.body("one two")).await;
        verified(&bytes, b"one two");
        let pieces = Body::wrap(Pieces::of(["one ", "two"]));
        let stream = arrived(way, mode, |request| request.body(pieces)).await;
        verified(&stream, b"one two");
    }
}

#[tokio::test]
async fn a_stream_that_was_hashed_can_be_sent_again() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let body = Body::wrap(Pieces::of(["one ", "two"]));
    let mut request = client().post(server.url()).body(body).build().unwrap();
    assert!(request.try_clone().is_none());
    let authorizer = authorizer("sqs", &server.authority());
    sigv4_reqwest::sign(&authorizer, &mut request, None)
        .await
        .unwrap();
    let again = request.try_clone().unwrap();
    for request in [request, again] {
        client().execute(request).await.unwrap();
        verified(&server.requests().pop().unwrap(), b"one two");
    }
}
