//! HTTP/2 on either side of a signer, over real connections.

use std::convert::Infallible;

use bytes::Bytes;
use http::Request;
use http::Version;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sigv4_core::PayloadMode;
use sigv4_core::SigningOverrides;
use sigv4_tests::oracle;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::AnswerErrorsLayer;
use sigv4_tower::SigV4;
use sigv4_tower::SigV4Layer;
use sigv4_tower::UpstreamLayer;
use tower::ServiceBuilder;
use tower::ServiceExt;

use crate::fixture::Dial;
use crate::fixture::authorizer;
use crate::fixture::hyper_client;
use crate::fixture::send;
use crate::fixture::verified;
use crate::shared::body::Pieces;
use crate::shared::http2;

/// Sends a request to a proxy over HTTP/2 and returns the status.
async fn status(upstream: &WireServer, request: Request<Full<Bytes>>) -> u16 {
    let proxy = ServiceBuilder::new()
        .layer(AnswerErrorsLayer::new())
        .layer(UpstreamLayer::new(&upstream.url()).unwrap())
        .layer(SigV4Layer::new(authorizer("sqs", &upstream.authority())))
        .service(hyper_client());
    let (client, server) = tokio::io::duplex(64 * 1024);
    let answer = service_fn(move |request: Request<Incoming>| {
        assert_eq!(request.version(), Version::HTTP_2);
        let proxy = proxy.clone();
        async move { Ok::<_, Infallible>(proxy.oneshot(request).await.unwrap()) }
    });
    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(server), answer);
    tokio::spawn(server);

    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(client))
            .await
            .unwrap();
    tokio::spawn(connection);
    sender
        .send_request(request)
        .await
        .unwrap()
        .status()
        .as_u16()
}

fn post(authority: &str, host: Option<&str>) -> Request<Full<Bytes>> {
    let mut request = Request::post(format!("http://{authority}/queue?b=2&a=1"));
    if let Some(host) = host {
        request = request.header("host", host);
    }
    request.body(Full::from("body")).unwrap()
}

#[tokio::test]
async fn forwards_what_names_one_host() {
    for host in [
        None,
        Some("gateway.example.com"),
        Some("GATEWAY.example.com"),
    ] {
        let upstream = WireServer::start(|_| WireResponse::new(200)).await;
        assert_eq!(
            status(&upstream, post("gateway.example.com", host)).await,
            200
        );
        let arrived = upstream.only_request();
        assert_eq!(arrived.request_line(), "POST /queue?a=1&b=2 HTTP/1.1");
        assert_eq!(
            arrived.header("host").as_deref(),
            Some(&*upstream.authority())
        );
        verified(&arrived, b"body");
    }
}

#[tokio::test]
async fn refuses_an_authority_unlike_the_host_header() {
    let upstream = WireServer::start(|_| WireResponse::new(200)).await;
    let inner = upstream.authority();
    for (authority, host) in [
        ("gateway.example.com", "evil.example.com"),
        ("gateway.example.com", "gateway.example.com:8443"),
        ("gateway.example.com", &inner),
        (&inner, "gateway.example.com"),
        ("gateway.example.com", ""),
    ] {
        assert_eq!(
            status(&upstream, post(authority, Some(host))).await,
            400,
            "{authority} {host}"
        );
    }
    assert_eq!(upstream.requests(), []);
}

#[tokio::test]
async fn the_authority_that_is_sent_is_the_one_that_is_signed() {
    let host = "bedrock-runtime.us-east-1.amazonaws.com";
    for (authority, mode) in [
        (host.to_owned(), PayloadMode::Hashed),
        (format!("{host}:443"), PayloadMode::Hashed),
        (format!("user:pass@{host}:443"), PayloadMode::Hashed),
        (host.to_uppercase(), PayloadMode::Unsigned),
    ] {
        let (address, mut told) = http2::server().await;
        let client = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build(Dial(address));
        let request = Request::post(format!("https://{authority}/a/../b:c?q=1+1"))
            .header("transfer-encoding", "chunked")
            .extension(SigningOverrides::new().service("s3").unwrap().payload(mode))
            .body(Pieces::of(["one ", "two"]))
            .unwrap();
        let signer = SigV4::new(client, authorizer("bedrock", host));
        assert_eq!(signer.oneshot(request).await.unwrap().status(), 200);

        let arrived = told.recv().await.unwrap();
        assert_eq!(arrived.version(), Version::HTTP_2);
        assert_eq!(arrived.uri().authority().unwrap(), host, "{authority}");
        assert_eq!(arrived.headers().get("host"), None, "{authority}");
        assert_eq!(arrived.uri().path(), "/a/../b%3Ac");
        assert_eq!(arrived.body(), "one two");
        let covered = match mode {
            PayloadMode::Unsigned => oracle::Body::Unsigned,
            _ => arrived.body().into(),
        };
        oracle::verify(&arrived, covered, secrets::SECRET_ACCESS_KEY).unwrap();
    }
}

#[tokio::test]
async fn a_stream_of_another_length_is_broken_off() {
    let (address, mut told) = http2::server().await;
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build(Dial(address));
    let mut signer = SigV4::new(client, authorizer("s3", "localhost"));
    let put = |length, body: &'static str| {
        Request::put("http://localhost/key")
            .header("content-length", length)
            .extension(SigningOverrides::new().payload(PayloadMode::Unsigned))
            .body(Pieces::of([body]))
            .unwrap()
    };
    send(&mut signer, put("5", "hello")).await.unwrap();
    for (length, body) in [("5", "hell"), ("5", "hello!"), ("0", "hello")] {
        // Which reset it was is all that hyper tells of it: the error of a body stays inside.
        send(&mut signer, put(length, body)).await.unwrap_err();
    }
    // The server tells of whole requests only, and of no more when the connection is closed.
    drop(signer);
    assert_eq!(told.recv().await.unwrap().body(), "hello");
    assert!(told.recv().await.is_none());
}
