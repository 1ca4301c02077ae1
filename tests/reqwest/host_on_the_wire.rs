//! The Host header that arrives is the one that was signed: without userinfo and default port.

use reqwest::Client;
use reqwest::Method;
use reqwest::Request;
use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::REGION;
use crate::fixture::verified;

/// Sends a request for a host that no name server knows, and returns it as it arrived.
async fn arrived(url: &str, host: Option<&str>) -> WireRequest {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    // A URL that names no port leads to that of the server.
    let client = Client::builder()
        .redirect(sigv4_reqwest::redirect_policy())
        .resolve("bucket.s3.example.com", server.address())
        .no_proxy()
        .build()
        .unwrap();
    let signer = Signer::builder("s3", REGION).build().unwrap();
    let credentials = CredentialsCache::new(secrets::credentials());
    let scope = HostScope::exact(["bucket.s3.example.com"])
        .unwrap()
        .danger_allow_http();
    let authorizer = Authorizer::builder(signer, credentials, scope).build();

    let mut request = Request::new(Method::GET, url.parse().unwrap());
    if let Some(host) = host {
        request.headers_mut().insert("host", host.parse().unwrap());
    }
    sigv4_reqwest::sign(&authorizer, &mut request, None)
        .await
        .unwrap();
    client.execute(request).await.unwrap();
    server.only_request()
}

#[tokio::test]
async fn is_the_authority_in_normal_form() {
    for url in [
        "http://bucket.s3.example.com/key",
        "http://bucket.s3.example.com:80/key",
        "http://BUCKET.s3.Example.com/key",
        "http://user:pass@bucket.s3.example.com/key",
        "http://user@bucket.s3.example.com:80/key",
    ] {
        let request = arrived(url, None).await;
        assert_eq!(
            request.header("host").as_deref(),
            Some("bucket.s3.example.com"),
            "{url}"
        );
        verified(&request, b"");
        let text = request.header_lines().concat();
        let text = String::from_utf8(text).unwrap().to_ascii_lowercase();
        for part in ["user:", "user@", "pass", "basic"] {
            assert!(!text.contains(part), "{url} sent {part}");
        }
    }
}

#[tokio::test]
async fn is_that_of_the_caller_where_there_is_one() {
    for host in ["bucket.s3.example.com", "bucket.s3.example.com:80"] {
        let request = arrived("http://bucket.s3.example.com/key", Some(host)).await;
        assert_eq!(request.header("host").as_deref(), Some(host));
        verified(&request, b"");
    }
}
