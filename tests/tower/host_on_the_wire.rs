//! The Host header that arrives is the one that was signed: without userinfo and default port.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::SigV4;
use tower::ServiceExt;

use crate::fixture::Dial;
use crate::fixture::REGION;
use crate::fixture::verified;
use crate::shared::clock::TestClock;

/// Sends a request to where no name server would lead, and returns it as it arrived.
async fn arrived(scope: HostScope, uri: &str, host: Option<&str>) -> WireRequest {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let signer = Signer::builder("sqs", REGION).build().unwrap();
    let credentials = CredentialsCache::new(secrets::credentials());
    let authorizer = Authorizer::builder(signer, credentials, scope).clock(TestClock::new());
    let client = Client::builder(TokioExecutor::new()).build(Dial(server.address()));

    let mut request = Request::get(uri);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    SigV4::new(client, authorizer.build())
        .oneshot(request)
        .await
        .unwrap();
    server.only_request()
}

#[tokio::test]
async fn is_the_authority_in_normal_form() {
    for (uri, host) in [
        (
            "https://sqs.us-east-1.amazonaws.com/",
            "sqs.us-east-1.amazonaws.com",
        ),
        (
            "https://sqs.us-east-1.amazonaws.com:443/",
            "sqs.us-east-1.amazonaws.com",
        ),
        (
            "https://SQS.us-east-1.AmazonAWS.com/",
            "sqs.us-east-1.amazonaws.com",
        ),
        (
            "https://user:pass@sqs.us-east-1.amazonaws.com/",
            "sqs.us-east-1.amazonaws.com",
        ),
        (
            "https://sqs.us-east-1.amazonaws.com:8443/",
            "sqs.us-east-1.amazonaws.com:8443",
        ),
        (
            "https://user@sqs.us-east-1.amazonaws.com:8443/",
            "sqs.us-east-1.amazonaws.com:8443",
        ),
        ("https://localhost:80/", "localhost:80"),
        ("http://localhost:80/", "localhost"),
        ("http://localhost:443/", "localhost:443"),
        ("https://localhost:0080/", "localhost:80"),
        ("http://localhost:/", "localhost"),
        ("http://[::1]/", "[::1]"),
        ("http://[::1]:80/", "[::1]"),
        ("http://user:pass@[::1]:9000/", "[::1]:9000"),
    ] {
        let hosts = [
            "sqs.us-east-1.amazonaws.com",
            "sqs.us-east-1.amazonaws.com:8443",
            "localhost:80",
            "localhost:443",
            "[::1]",
            "[::1]:9000",
        ];
        let request = arrived(HostScope::exact(hosts).unwrap(), uri, None).await;
        assert_eq!(request.header("host").as_deref(), Some(host), "{uri}");
        verified(&request, b"");

        let mut octets = request.request_line_bytes().to_vec();
        octets.extend(request.header_lines().concat());
        let text = String::from_utf8(octets).unwrap().to_ascii_lowercase();
        for part in ["user:", "user@", "pass", "basic", "dxnlcjpwyxnz"] {
            assert!(!text.contains(part), "{uri} sent {part}");
        }
    }
}

#[tokio::test]
async fn is_that_of_the_caller_where_there_is_one() {
    let scope = HostScope::exact(["sqs.us-east-1.amazonaws.com"]).unwrap();
    let uri = "https://sqs.us-east-1.amazonaws.com/";
    for host in [
        "sqs.us-east-1.amazonaws.com",
        "sqs.us-east-1.amazonaws.com:443",
    ] {
        let request = arrived(scope.clone(), uri, Some(host)).await;
        assert_eq!(request.header("host").as_deref(), Some(host));
        verified(&request, b"");
    }
}

#[tokio::test]
async fn may_be_another_than_the_one_dialled_where_the_pair_is_configured() {
    let scope = HostScope::exact(["search.example.com"])
        .and_then(|scope| scope.dialling("127.0.0.1:9200", "search.example.com"))
        .unwrap();
    let uri = "http://127.0.0.1:9200/_search";
    let request = arrived(scope, uri, Some("search.example.com")).await;
    assert_eq!(
        request.header("host").as_deref(),
        Some("search.example.com")
    );
    verified(&request, b"");
}
