//! A layer that follows redirects, outside of the signer: it does not decide who gets a signature.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use sigv4_core::ErrorKind;
use sigv4_core::runtime::Authorizer;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::BoxError;
use sigv4_tower::SigV4Layer;
use tower::ServiceBuilder;
use tower::ServiceExt;
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::fixture::builder_with;
use crate::fixture::hyper_client;
use crate::fixture::signing_error;
use crate::fixture::verified;

/// A server that sends whoever asks for `/moved` to another place.
async fn redirecting(status: u16, location: String) -> WireServer {
    WireServer::start(move |request: &WireRequest| match &*request.path() {
        "/moved" => WireResponse::new(status).header("location", location.clone()),
        _ => WireResponse::new(200),
    })
    .await
}

fn authorizer(host: &str) -> Authorizer {
    builder_with(secrets::temporary_credentials(), "s3", host).build()
}

async fn follow(authorizer: Authorizer, request: http::request::Builder) -> Result<u16, BoxError> {
    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(SigV4Layer::new(authorizer))
        .service(hyper_client());
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    client
        .oneshot(request)
        .await
        .map(|response| response.status().as_u16())
}

#[tokio::test]
async fn nothing_is_sent_to_a_host_that_was_not_configured() {
    for status in [301, 302, 303, 307, 308] {
        let foreign = WireServer::start(|_| WireResponse::new(200)).await;
        for location in [
            format!("{}/stolen", foreign.url()),
            format!("//{}/stolen", foreign.authority()),
            format!("http://user@{}/stolen", foreign.authority()),
        ] {
            let server = redirecting(status, location.clone()).await;
            let host = server.authority();
            let named = || Request::get(format!("{}/moved", server.url()));
            // With a Host header of the caller the foreign request would still name the first host.
            for request in [named(), named().header("host", &host)] {
                let error = follow(authorizer(&host), request).await.unwrap_err();
                let kind = signing_error(&error).kind();
                assert_eq!(kind, ErrorKind::OutOfScope, "{status} {location}");
            }
            assert_eq!(server.requests().len(), 2);
            assert_eq!(foreign.requests(), []);
        }
    }
}

#[tokio::test]
async fn a_place_in_scope_gets_a_signature_of_its_own() {
    let server = redirecting(307, "/new?b=2&a=1".to_owned()).await;
    let request = Request::get(format!("{}/moved?a=1", server.url()));
    let status = follow(authorizer(&server.authority()), request)
        .await
        .unwrap();
    assert_eq!(status, 200);

    let [moved, new] = &server.requests()[..] else {
        panic!("two requests were sent");
    };
    assert_eq!(
        (&*moved.target(), &*new.target()),
        ("/moved?a=1", "/new?a=1&b=2")
    );
    assert_ne!(verified(moved, b"").signature, verified(new, b"").signature);
}
