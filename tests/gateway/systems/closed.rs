//! What cannot be signed is not sent, in no form.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use tokio::io::AsyncWriteExt;

use super::config;
use super::route;
use super::send;
use super::serve_with;
use super::with_body;
use crate::fixture::connect;
use crate::fixture::start;
use crate::fixture::upstream;

/// Has none.
#[derive(Debug, Default)]
struct Empty(Arc<AtomicUsize>);

impl ProvideCredentials for Empty {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.fetch_add(1, Ordering::SeqCst);
        let error = CredentialsError::provider_error("the service is away");
        future::ProvideCredentials::ready(Err(error))
    }
}

#[tokio::test]
async fn without_credentials_nothing_goes_out_whatever_the_client_brings_and_the_route_says() {
    let server = upstream("never").await;
    let modes = [
        "",
        "payload: unsigned",
        "payload: client",
        "payload: aws_chunked",
        "placement: query",
        "headers: { sign: all, allow: ['x-amz-*'] }, query: { allow: ['x-amz-*'] }",
    ];
    for settings in modes {
        let asked = Arc::default();
        let cache = CredentialsCache::new(Empty(Arc::clone(&asked)));
        let gateway = serve_with(&route("s3", &server.url(), settings), cache).await;
        for (target, lines) in [
            ("/s3/key", ""),
            (
                "/s3/key",
                "Authorization: AWS4-HMAC-SHA256 Credential=CLIENT/20150830/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00\r\nX-Amz-Date: 20150830T123600Z\r\nX-Amz-Security-Token: client\r\n",
            ),
            ("/s3/key", "Authorization: Bearer client\r\n"),
            (
                "/s3/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=client&X-Amz-Signature=00",
                "",
            ),
        ] {
            let request = with_body(&format!("PUT {target}"), lines, b"body");
            let answer = send(&gateway, request).await;
            assert_eq!(
                answer.status(),
                503,
                "{settings}: {target} {lines} {answer:?}"
            );
            assert!(
                answer.header("retry-after").is_some(),
                "{settings}: {answer:?}"
            );
            assert!(!answer.0.contains("client"), "{settings}: {answer:?}");
        }
        assert!(asked.load(Ordering::SeqCst) > 0);
    }
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn a_host_that_is_not_signed_for_is_not_sent_to() {
    let server = upstream("never").await;
    let mut config = config(&route("sqs", &server.url(), ""));
    config.routes[0].scope = HostScope::exact(["sqs.us-east-1.amazonaws.com"]).unwrap();
    let gateway = start(config).await;
    let answer = send(&gateway, with_body("POST /sqs", "", b"body")).await;
    assert_eq!(answer.status(), 403, "{answer:?}");
    assert_eq!(server.requests(), []);
}

/// The head of an upload is out by then, but never its end.
#[tokio::test]
async fn a_body_that_ends_early_never_arrives_whole() {
    for settings in ["", "payload: unsigned", "payload: aws_chunked"] {
        let server = upstream("never").await;
        let gateway = super::serve(&route("s3", &server.url(), settings)).await;
        let head = "PUT /s3/key HTTP/1.1\r\nHost: localhost\r\n";
        for rest in [
            "Content-Length: 10\r\n\r\nhello",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx",
        ] {
            let mut stream = connect(&gateway).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(rest.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            drop(stream);
            crate::fixture::until(|| gateway.state().stats.connections() == 0).await;
        }
        crate::fixture::until(|| gateway.state().stats.requests_in_flight() == 0).await;
        // What has arrived is there once a later one is, on the same upstream.
        let answer = send(&gateway, with_body("PUT /s3/last", "", b"body")).await;
        assert_eq!(answer.status(), 200, "{settings}: {answer:?}");
        let whole = server
            .requests()
            .into_iter()
            .filter(|request| request.is_whole());
        let paths: Vec<_> = whole.map(|request| request.path()).collect();
        assert_eq!(paths, ["/last"], "{settings}");
    }
}
