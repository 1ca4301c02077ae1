//! A request that was not signed is as it was before.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use reqwest::Body;
use reqwest::Request;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::PlusPolicy;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_tests::oracle;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::authorizer;
use crate::fixture::builder_with;
use crate::fixture::client;
use crate::fixture::verified;
use crate::shared::body::Pieces;
use crate::shared::credentials::Failing;

const HOST: &str = "s3.us-east-1.amazonaws.com";

fn request() -> Request {
    client()
        .put(format!(
            "https://{HOST}/a/../b@c?z=1+1&a=%7e&X-Amz-Signature=stale"
        ))
        .header("transfer-encoding", "chunked")
        .header("x-amz-security-token", "stale")
        .header("x-amz-meta-a", " 1  2 ")
        .body("body")
        .build()
        .unwrap()
}

fn with(name: &'static str, value: &'static str) -> Request {
    let mut request = request();
    request
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    request
}

/// What can be seen of a request.
fn seen(request: &Request) -> (String, String, HeaderMap, Option<Vec<u8>>) {
    let body = request.body().and_then(Body::as_bytes);
    (
        request.method().to_string(),
        request.url().to_string(),
        request.headers().clone(),
        body.map(<[u8]>::to_vec),
    )
}

#[tokio::test]
async fn whatever_was_wrong() {
    let s3 = || authorizer("s3", HOST);
    let sqs = || authorizer("sqs", HOST);
    let none = SigningOverrides::new;
    for (name, authorizer, mut request, overrides, kind) in [
        (
            "another host",
            authorizer("s3", "other.com"),
            request(),
            none(),
            ErrorKind::OutOfScope,
        ),
        (
            "another Host header",
            s3(),
            with("host", "evil.com"),
            none(),
            ErrorKind::OutOfScope,
        ),
        (
            "no credentials",
            builder_with(Failing::always(), "s3", HOST).build(),
            request(),
            none(),
            ErrorKind::Credentials,
        ),
        (
            "another length",
            s3(),
            with("content-length", "5"),
            none(),
            ErrorKind::BodyLength,
        ),
        (
            "an authorization",
            s3(),
            with("authorization", "Basic dXNlcjpwYXNz"),
            none(),
            ErrorKind::ExistingAuthorization,
        ),
        (
            "a plus",
            s3(),
            request(),
            none().plus(PlusPolicy::Reject),
            ErrorKind::AmbiguousPlus,
        ),
        (
            "an unsigned payload",
            sqs(),
            request(),
            none().payload(PayloadMode::Unsigned),
            ErrorKind::Payload,
        ),
    ] {
        let before = seen(&request);
        let error = sign(&authorizer, &mut request, &overrides)
            .await
            .unwrap_err();
        assert_eq!(error, kind, "{name}");
        assert_eq!(seen(&request), before, "{name}");
    }
}

#[tokio::test]
async fn whatever_was_not_to_be_signed() {
    let mut request = request();
    let before = seen(&request);
    let overrides = SigningOverrides::new().do_not_sign();
    let elsewhere = authorizer("s3", "elsewhere.example.com");
    sign(&elsewhere, &mut request, &overrides).await.unwrap();
    assert_eq!(seen(&request), before);
}

async fn sign(
    authorizer: &Authorizer,
    request: &mut Request,
    overrides: &SigningOverrides,
) -> Result<(), ErrorKind> {
    let signed = sigv4_reqwest::sign(authorizer, request, Some(overrides)).await;
    signed.map(drop).map_err(|error| match error.kind() {
        sigv4_reqwest::ErrorKind::Signing(kind) => kind,
        kind => panic!("{kind:?} is none of signing"),
    })
}

#[tokio::test]
async fn a_stream_that_was_not_read_can_be_sent_later() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = builder_with(Failing::times(3), "s3", &server.authority()).build();
    let pieces: Vec<Bytes> = (0..50).map(|at| Bytes::from(vec![at; 1000])).collect();
    let body = Body::wrap(Pieces::of(pieces.clone()));
    let url = format!("{}/bucket/key", server.url());
    let request = client()
        .put(url)
        .header("content-length", "50000")
        .body(body);
    let mut request = request.build().unwrap();
    let headers = request.headers().clone();

    let overrides = SigningOverrides::new().payload(PayloadMode::Unsigned);
    for _ in 0..3 {
        let error = sign(&authorizer, &mut request, &overrides).await;
        assert_eq!(error, Err(ErrorKind::Credentials));
        assert_eq!(request.headers(), &headers);
    }
    sign(&authorizer, &mut request, &overrides).await.unwrap();
    client().execute(request).await.unwrap();
    let arrived = server.only_request();
    assert_eq!(arrived.body(), pieces.concat());
    verified(&arrived, oracle::Body::Unsigned);
}
