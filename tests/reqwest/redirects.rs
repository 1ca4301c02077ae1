//! reqwest follows redirects below the signer. With our policy it follows none; without, the answer
//! is an error.

use std::error::Error as _;

use reqwest::Client;
use reqwest::redirect::Policy;
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::ClientWithMiddleware;
use sigv4_core::SigningOverrides;
use sigv4_reqwest::ErrorKind;
use sigv4_reqwest::SigV4Middleware;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::WAYS;
use crate::fixture::builder_with;
use crate::fixture::get;
use crate::fixture::our_error;

/// A server that sends whoever asks for `/moved` to another place.
async fn redirecting(status: u16, location: String) -> WireServer {
    WireServer::start(move |request: &WireRequest| match &*request.path() {
        "/moved" => WireResponse::new(status).header("location", location.clone()),
        _ => WireResponse::new(200),
    })
    .await
}

/// A client for a server, which follows redirects as it is told.
fn following(policy: Option<Policy>, server: &WireServer) -> ClientWithMiddleware {
    let mut client = Client::builder().no_proxy();
    if let Some(policy) = policy {
        client = client.redirect(policy);
    }
    let provider = secrets::temporary_credentials();
    let authorizer = builder_with(provider, "s3", &server.authority()).build();
    ClientBuilder::new(client.build().unwrap())
        .with(SigV4Middleware::new(authorizer))
        .build()
}

#[tokio::test]
async fn are_not_followed_by_our_policy() {
    for status in [301, 302, 303, 307, 308] {
        let foreign = WireServer::start(|_| WireResponse::new(200)).await;
        for location in [format!("{}/stolen", foreign.url()), "/elsewhere".to_owned()] {
            let server = redirecting(status, location.clone()).await;
            let policy = Some(sigv4_reqwest::redirect_policy());
            let moved = format!("{}/moved", server.url());
            let response = following(policy, &server).get(&moved).send().await.unwrap();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["location"], location);

            let provider = secrets::temporary_credentials();
            let authorizer = builder_with(provider, "s3", &server.authority()).build();
            for way in WAYS {
                let response = way.send(&authorizer, get(&moved), None).await.unwrap();
                assert_eq!(response.status(), status);
            }
            assert_eq!(server.requests().len(), 3, "{status} {location}");
        }
        assert_eq!(foreign.requests(), []);
    }
}

#[tokio::test]
async fn that_were_followed_are_an_error() {
    let foreign = WireServer::start(|_| WireResponse::new(200)).await;
    let to = foreign.authority();
    for (location, place) in [
        (
            format!("http://{to}/stolen?secret=1"),
            format!("http://{to}/stolen"),
        ),
        (
            format!("http://user:pass@{to}/stolen#secret"),
            format!("http://{to}/stolen"),
        ),
        ("/elsewhere?secret=1".to_owned(), "/elsewhere".to_owned()),
        // The same but for one part of it.
        ("/elsewhere?a=1".to_owned(), "/elsewhere".to_owned()),
        (
            format!("http://{to}/moved?a=1"),
            format!("http://{to}/moved"),
        ),
        ("/moved/?secret=1".to_owned(), "/moved/".to_owned()),
    ] {
        let server = redirecting(307, location.clone()).await;
        let client = following(None, &server);
        let moved = format!("{}/moved?a=1", server.url());
        let error = client.get(moved).send().await.unwrap_err();
        let error = our_error(&error);
        assert_eq!(error.kind(), ErrorKind::Redirected, "{location}");
        assert!(!error.is_retryable());
        assert!(error.source().is_none());
        let text = format!("{error} {error:?}");
        assert!(text.contains(&place), "{text} names {place}");
        for secret in ["secret", "user", "pass"] {
            assert!(!text.contains(secret), "{text}");
        }
        secrets::assert_no_secret(&text);
    }
}

#[tokio::test]
async fn of_requests_that_are_not_signed_are_followed() {
    let server = redirecting(307, "/elsewhere".to_owned()).await;
    let request = following(None, &server).get(format!("{}/moved", server.url()));
    let overrides = SigningOverrides::new().do_not_sign();
    let response = request.with_extension(overrides).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.url().path(), "/elsewhere");
}

#[tokio::test]
async fn are_no_error_where_there_was_none() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    // The URL of the answer is the one that was signed, not the one that was given.
    let given = format!("{}/a/../b@c?z=1&a=%7e#fragment", server.url());
    let response = following(None, &server).get(given).send().await.unwrap();
    assert_eq!(
        response.url().as_str(),
        format!("{}/b%40c?a=~&z=1", server.url())
    );
}
