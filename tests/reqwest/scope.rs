//! A request that goes elsewhere than it may is not sent.

use http::HeaderValue;
use reqwest::Request;
use sigv4_core::ErrorKind;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::WAYS;
use crate::fixture::authorizer;
use crate::fixture::get;
use crate::fixture::signing_kind;

/// Returns why a request was refused, both ways, after a look that nothing has arrived.
async fn refusal(authorized: &str, request: impl Fn(&str) -> Request) -> ErrorKind {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authority = server.authority();
    let host = authorized.replace("SERVER", &authority);
    let mut kinds = Vec::new();
    for way in WAYS {
        let request = request(&authority);
        let error = way
            .send(&authorizer("s3", &host), request, None)
            .await
            .unwrap_err();
        kinds.push(signing_kind(&error));
    }
    assert_eq!(server.requests(), []);
    assert_eq!(kinds[0], kinds[1]);
    kinds[0]
}

fn with_host(url: String, host: &str) -> Request {
    let mut request = get(url);
    request
        .headers_mut()
        .insert("host", HeaderValue::from_str(host).unwrap());
    request
}

#[tokio::test]
async fn another_host() {
    for authorized in [
        "s3.us-east-1.amazonaws.com",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
    ] {
        let kind = refusal(authorized, |server| get(format!("http://{server}/"))).await;
        assert_eq!(kind, ErrorKind::OutOfScope, "{authorized}");
    }
    let behind_userinfo = |server: &str| get(format!("http://s3.amazonaws.com@{server}/"));
    // What is before the `@` is a Basic authorization to reqwest; the host is looked at first.
    assert_eq!(
        refusal("s3.amazonaws.com", behind_userinfo).await,
        ErrorKind::OutOfScope
    );
}

#[tokio::test]
async fn another_host_header() {
    let foreign = |server: &str| with_host(format!("http://{server}/"), "evil.example.com");
    assert_eq!(refusal("SERVER", foreign).await, ErrorKind::OutOfScope);
    let hidden = |server: &str| with_host(format!("http://{server}/"), "s3.amazonaws.com");
    assert_eq!(
        refusal("s3.amazonaws.com", hidden).await,
        ErrorKind::OutOfScope
    );
    let twice = |server: &str| {
        let mut request = with_host(format!("http://{server}/"), server);
        let host = HeaderValue::from_str(server).unwrap();
        request.headers_mut().append("host", host);
        request
    };
    assert_eq!(refusal("SERVER", twice).await, ErrorKind::InvalidHost);
}

#[tokio::test]
async fn plain_http_beyond_loopback() {
    let request = |_: &str| get("http://s3.us-east-1.amazonaws.com/");
    let kind = refusal("s3.us-east-1.amazonaws.com", request).await;
    assert_eq!(kind, ErrorKind::OutOfScope);
}
