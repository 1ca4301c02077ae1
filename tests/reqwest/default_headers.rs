//! Default headers of the client are added behind the signer: they arrive and are not signed.

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use reqwest::Client;
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::ClientWithMiddleware;
use sigv4_reqwest::SigV4Middleware;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::authorizer;
use crate::fixture::verified;

fn client(server: &WireServer, headers: &[(&'static str, &'static str)]) -> ClientWithMiddleware {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        })
        .collect();
    let client = Client::builder()
        .redirect(sigv4_reqwest::redirect_policy())
        .default_headers(headers)
        .user_agent("a-program/1.0")
        .no_proxy()
        .build()
        .unwrap();
    let signer = SigV4Middleware::new(authorizer("s3", &server.authority()));
    ClientBuilder::new(client).with(signer).build()
}

#[tokio::test]
async fn do_no_harm_to_the_signature() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let headers = [
        ("content-type", "text/plain"),
        ("x-amz-meta-a", "1"),
        ("accept", "text/xml"),
    ];
    client(&server, &headers)
        .put(server.url())
        .body("body")
        .send()
        .await
        .unwrap();

    let arrived = server.only_request();
    for (name, value) in headers {
        assert_eq!(arrived.header(name).as_deref(), Some(value));
    }
    assert_eq!(
        arrived.header("user-agent").as_deref(),
        Some("a-program/1.0")
    );
    let verified = verified(&arrived, b"body");
    assert_eq!(
        verified.signed_headers,
        ["host", "x-amz-content-sha256", "x-amz-date"]
    );
    // This is what S3 would refuse, and why the documentation says to set it on the request.
    assert_eq!(verified.unsigned_amz_headers, ["x-amz-meta-a"]);
}

#[tokio::test]
async fn are_signed_where_the_request_has_them_itself() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let client = client(&server, &[("x-amz-meta-a", "default")]);
    let request = client
        .put(server.url())
        .header("x-amz-meta-a", "1")
        .body("body");
    request.send().await.unwrap();
    let arrived = server.only_request();
    assert_eq!(arrived.header("x-amz-meta-a").as_deref(), Some("1"));
    let verified = verified(&arrived, b"body");
    assert!(verified.unsigned_amz_headers.is_empty());
}

#[tokio::test]
async fn do_not_take_the_place_of_the_signature() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let headers = [
        ("authorization", "Bearer default"),
        ("x-amz-date", "19990101T000000Z"),
        ("x-amz-content-sha256", "default"),
    ];
    let client = client(&server, &headers);
    client.put(server.url()).body("body").send().await.unwrap();
    verified(&server.only_request(), b"body");
}
