//! Signatures in URLs: each such URL is a credential for as long as it holds.

use std::time::Duration;

use axum_gateway::config::Config;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use super::config;
use super::route;
use super::send;
use super::serve;
use super::verified;
use super::with_body;
use crate::fixture::Nobody;
use crate::fixture::get;
use crate::fixture::start;
use crate::fixture::upstream;

#[tokio::test]
async fn a_url_holds_for_a_minute_unless_the_route_says_otherwise() {
    let server = upstream("fine").await;
    for (placement, seconds) in [
        ("query", 60),
        ("{ query: {} }", 60),
        ("{ query: { expires_in: 5s } }", 5),
        ("{ query: { expires_in: 5m } }", 300),
    ] {
        let gateway = serve(&route(
            "sqs",
            &server.url(),
            &format!("placement: {placement}"),
        ))
        .await;
        // Not even for a client that would like it to.
        let answer = get(
            &gateway,
            "/sqs?X-Amz-Expires=604800&a=1",
            "X-Amz-Expires: 604800\r\n",
        )
        .await;
        assert_eq!(answer.status(), 200, "{placement}: {answer:?}");
        let request = server.requests().pop().unwrap();
        let expected = Some(Duration::from_secs(seconds));
        assert_eq!(verified(&request, b"").expires_in, expected, "{placement}");
        assert_eq!(request.header("authorization"), None);
    }
}

#[tokio::test]
async fn what_cannot_be_signed_is_refused() {
    for (name, text, field) in [
        ("a set of regions", "region: us-*", "region"),
        (
            "a list of regions",
            "region: 'us-east-1,us-west-2'",
            "region",
        ),
        ("all regions", "region: '*'", "region"),
        (
            "a set for SigV4",
            "region_set: '*', algorithm: sigv4",
            "region_set",
        ),
        (
            "over seven days",
            "region: r, placement: { query: { expires_in: 604801s } }",
            "expires_in",
        ),
        (
            "a moment",
            "region: r, placement: { query: { expires_in: 0s } }",
            "expires_in",
        ),
    ] {
        let text = format!("routes: [{{ upstream: 'https://a.example', service: s3, {text} }}]");
        let errors = Config::parse(&text, "gateway.yaml").unwrap_err();
        let fields: Vec<_> = errors
            .errors()
            .iter()
            .map(|error| error.field().to_owned())
            .collect();
        assert!(
            fields.iter().any(|found| found.ends_with(field)),
            "{name}: {errors}"
        );
        assert_eq!(fields.len(), 1, "{name}: {errors}");
    }
    let week = "routes: [{ upstream: 'https://a.example', service: s3, region: r, \
                placement: { query: { expires_in: 7d } } }]";
    assert!(Config::parse(week, "gateway.yaml").is_ok());
    // Nor by a program that puts the parts together itself.
    let server = upstream("never").await;
    let mut config = config(&route("sqs", &server.url(), "placement: query"));
    config.routes[0].in_query = Some(Duration::from_secs(7 * 86400 + 1));
    let gateway = start(config).await;
    let answer = get(&gateway, "/sqs", "").await;
    assert!(answer.status() >= 400, "{answer:?}");
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn no_answer_of_the_gateway_repeats_the_url() {
    let nobody = Nobody::new();
    let nowhere = nobody.url();
    let gateway = serve(&route("s3", &nowhere, "placement: query")).await;
    let answer = get(&gateway, "/s3/key?a=1", "").await;
    assert_eq!(answer.status(), 502);
    assert!(
        !answer.0.contains("X-Amz-") && !answer.0.contains("a=1"),
        "{answer:?}"
    );
    // An answer that is none.
    let garbage = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", garbage.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = garbage.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"\0\0\0\r\n\r\n").await;
        }
    });
    let gateway = serve(&route("s3", &url, "placement: query")).await;
    let answer = get(&gateway, "/s3/key?a=1", "").await;
    assert_eq!(answer.status(), 502);
    assert!(
        !answer.0.contains("X-Amz-") && !answer.0.contains("a=1"),
        "{answer:?}"
    );
}

/// Servers that send a client on, or say where its object is, begin with the URL that they were
/// asked for.
#[tokio::test]
async fn no_header_of_an_answer_repeats_the_url() {
    let server = WireServer::start(|request| {
        let target = request.target().into_owned();
        let encoded = target
            .replace('?', "%3F")
            .replace('=', "%3D")
            .replace('&', "%26");
        WireResponse::new(307)
            .header("location", format!("https://other.example{target}"))
            .header("content-location", target.clone())
            .header("link", format!("<{target}>; rel=self"))
            .header("refresh", format!("0; url={target}"))
            .header("x-request-url", target.to_lowercase())
            .header("x-sign-in", format!("/in?to={encoded}"))
            .header("etag", "kept")
    })
    .await;
    let gateway = serve(&route("s3", &server.url(), "placement: query")).await;
    let answer = send(&gateway, with_body("GET /s3/key", "", b"")).await;
    assert_eq!(answer.status(), 307);
    let signature = verified(&server.only_request(), b"").signature;
    assert!(!answer.0.contains(&signature), "{answer:?}");
    assert!(
        !answer.0.to_lowercase().contains("x-amz-signature"),
        "{answer:?}"
    );
    assert_eq!(answer.header("etag"), Some("kept"));

    // Where the signature is not in the URL, this is nobody's secret.
    let gateway = serve(&route("s3", &server.url(), "")).await;
    let answer = get(&gateway, "/s3/key?a=1", "").await;
    assert_eq!(
        answer.header("location"),
        Some("https://other.example/key?a=1")
    );
    assert_eq!(answer.header("content-location"), Some("/key?a=1"));
}
