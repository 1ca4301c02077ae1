//! What a client sends to a proxy does not reach the upstream, as far as it could matter there.

use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_tests::patience::soon;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::UpstreamLayer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

use crate::fixture::REGION;
use crate::fixture::authorizer;
use crate::fixture::builder_with;
use crate::fixture::verified;
use crate::gateway::Gateway;

/// Sends a request through a proxy, which is at `/sqs`, and returns it as it arrived.
async fn forwarded(request: &str) -> WireRequest {
    forwarded_by(request, |upstream| upstream).await
}

async fn forwarded_by(
    request: &str,
    change: impl FnOnce(UpstreamLayer) -> UpstreamLayer,
) -> WireRequest {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let upstream = UpstreamLayer::new(&server.url())
        .unwrap()
        .strip_path_prefix("/sqs");
    let authorizer = authorizer("sqs", &server.authority());
    let gateway = Gateway::start(change(upstream), authorizer).await;
    let answer = gateway.exchange(request).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let request = server.only_request();
    assert_eq!(
        request.header("host").as_deref(),
        Some(&*server.authority())
    );
    request
}

/// The names of the headers that arrived, sorted.
fn names(request: &WireRequest) -> Vec<String> {
    let lines = request.header_lines().iter();
    let mut names: Vec<_> = lines
        .map(|line| {
            String::from_utf8_lossy(line)
                .split(':')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    names.sort();
    names
}

#[track_caller]
fn assert_nowhere(request: &WireRequest, text: &str) {
    let mut octets = request.request_line_bytes().to_vec();
    octets.extend(request.header_lines().concat());
    let all = String::from_utf8(octets).unwrap();
    assert!(
        !all.to_ascii_lowercase().contains(text),
        "{text} arrived: {all}"
    );
}

#[tokio::test]
async fn nothing_that_authenticates() {
    let request = forwarded(
        "POST /sqs/queue?x=1&X-Amz-Signature=evil&x-amz-security-token=evil\
         &X%2dAmz-Credential=evil&%58-AMZN-y=evil HTTP/1.1\r\n\
         Host: gateway.example.com\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=evil\r\n\
         X-Amz-Security-Token: evil\r\n\
         x-amz-date: 19990101T000000Z\r\n\
         X-AMZ-CONTENT-SHA256: evil\r\n\
         x-amz-target: evil\r\n\
         x-amz-acl: evil\r\n\
         x-amzn-oidc-data: evil\r\n\
         Content-Type: application/json\r\n\
         X-Custom: kept\r\n\
         Content-Length: 4\r\n\
         Connection: close\r\n\r\nbody",
    )
    .await;
    let verified = verified(&request, b"body");
    assert_eq!(
        verified.signed_headers,
        ["content-type", "host", "x-amz-date"]
    );
    assert_eq!(request.target(), "/queue?x=1");
    assert_nowhere(&request, "evil");
    assert_nowhere(&request, "1999");
    let expected = [
        "authorization",
        "content-length",
        "content-type",
        "host",
        "x-amz-date",
        "x-custom",
    ];
    assert_eq!(names(&request), expected);
}

#[tokio::test]
async fn the_token_is_that_of_the_proxy() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let provider = secrets::temporary_credentials();
    let authorizer = builder_with(provider, "sqs", &server.authority()).build();
    // Even where the client may send the header.
    let upstream = UpstreamLayer::new(&server.url())
        .unwrap()
        .allow_amz_headers(["x-amz-security-token", "x-amz-date", "authorization"]);
    let gateway = Gateway::start(upstream, authorizer).await;
    let answer = gateway
        .exchange(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Amz-Security-Token: evil\r\nX-Amz-Date: evil\r\n\
             Authorization: Bearer evil\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let request = server.only_request();
    let verified = verified(&request, b"");
    assert_eq!(verified.token.as_deref(), Some(secrets::SESSION_TOKEN));
    assert_nowhere(&request, "evil");
}

#[tokio::test]
async fn nothing_of_the_connection() {
    let request = forwarded(
        "POST /sqs/ HTTP/1.1\r\n\
         Host: gateway.example.com\r\n\
         Connection: close, X-Hop, keep-alive\r\n\
         X-Hop: evil\r\n\
         Keep-Alive: timeout=evil\r\n\
         Proxy-Connection: evil\r\n\
         Proxy-Authorization: Basic evil\r\n\
         Proxy-Authenticate: evil\r\n\
         TE: trailers, evil\r\n\
         Trailer: evil\r\n\
         Upgrade: evil\r\n\
         Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    )
    .await;
    assert_nowhere(&request, "evil");
    verified(&request, b"body");
    assert_eq!(request.header("content-length").as_deref(), Some("4"));
    let expected = ["authorization", "content-length", "host", "x-amz-date"];
    assert_eq!(names(&request), expected);
}

#[tokio::test]
async fn no_websocket_which_is_refused_by_name() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let upstream = UpstreamLayer::new(&server.url()).unwrap();
    let gateway = Gateway::start(upstream, authorizer("bedrock", &server.authority())).await;
    let answer = gateway
        .exchange(
            "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close, Upgrade\r\n\
             Upgrade: h2c, WebSocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await;
    assert_eq!(answer.status(), 501, "{answer:?}");
    assert!(answer.0.contains("WebSocket"), "{answer:?}");
    assert_eq!(server.requests(), []);

    let offer = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\
                 Upgrade: h2c\r\nHTTP2-Settings: evil\r\n\r\n";
    let answer = gateway.exchange(offer).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let request = server.only_request();
    verified(&request, b"");
    assert_eq!(names(&request), ["authorization", "host", "x-amz-date"]);
}

#[tokio::test]
async fn no_value_that_is_not_ascii_and_no_second_type_or_length() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let upstream = UpstreamLayer::new(&server.url()).unwrap();
    let gateway = Gateway::start(upstream, authorizer("sqs", &server.authority())).await;
    for (header, text) in [
        (&b"X-Name: J\xfcrgen"[..], "`x-name`"),
        ("X-Name: Jürgen".as_bytes(), "`x-name`"),
        (b"Content-Type: a/b\r\nContent-Type: a/b", "Content-Type"),
        // These two the server in front refuses by itself.
        (b"X-Name: \x01", ""),
        (b"Content-Length: 5", ""),
    ] {
        let mut request = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n".to_vec();
        request.extend_from_slice(b"Content-Length: 4\r\n");
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n\r\nbody");
        let answer = gateway.exchange(request).await;
        assert_eq!(answer.status(), 400, "{answer:?}");
        assert!(answer.0.contains(text), "{answer:?}");
        assert!(!answer.0.contains("rgen"), "{answer:?}");
    }
    assert_eq!(server.requests(), []);

    let twice = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\
                 Connection: close\r\n\r\nbody";
    let answer = gateway.exchange(twice).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(server.only_request().values("content-length"), ["4"]);
}

#[tokio::test]
async fn expect_is_met_by_the_proxy() {
    let request = forwarded(
        "PUT /sqs/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n",
    )
    .await;
    assert_eq!(request.values("expect"), [""; 0]);
    assert_eq!(request.header("content-length").as_deref(), Some("0"));
}

#[tokio::test]
async fn not_the_host_that_the_client_named() {
    for host in ["evil.example.com", "evil.example.com:1", "169.254.169.254"] {
        let request = format!("GET /sqs/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let request = forwarded(&request).await;
        assert_nowhere(&request, host);
        verified(&request, b"");
    }
    // HTTP/1.0 names none.
    let request = forwarded("GET /sqs/ HTTP/1.0\r\n\r\n").await;
    assert_eq!(request.request_line(), "GET / HTTP/1.1");
    verified(&request, b"");
}

#[tokio::test]
async fn what_is_allowed_by_name_arrives_and_is_signed() {
    let request = forwarded_by(
        "POST /sqs/?X-Amz-Expected=1&X-Amz-Other=evil HTTP/1.1\r\nHost: a\r\n\
         X-Amz-Target: AmazonSQS.Send\r\nX-Amz-Acl: evil\r\nConnection: close\r\n\r\n",
        |upstream| {
            upstream
                .allow_amz_headers(["X-Amz-Target"])
                .allow_amz_parameters(["x-amz-expected"])
        },
    )
    .await;
    let verified = verified(&request, b"");
    assert_eq!(
        verified.signed_headers,
        ["host", "x-amz-date", "x-amz-target"]
    );
    assert_eq!(request.target(), "/?X-Amz-Expected=1");
    assert_nowhere(&request, "evil");
}

#[tokio::test]
async fn what_begins_as_is_allowed_arrives_but_nothing_of_a_signature() {
    let request = forwarded_by(
        "POST /sqs/?X-Amz-Meta=1&X-Amz-Signature=evil&X-Amz-Credential=evil HTTP/1.1\r\n\
         Host: a\r\nX-Amz-Meta-B: 2\r\nx-amz-meta-a: 1\r\nX-Amz-Date: evil\r\n\
         X-Amz-Security-Token: evil\r\nX-Amz-Content-Sha256: evil\r\nX-Amzn-Trace: evil\r\n\
         Connection: close\r\n\r\n",
        |upstream| {
            upstream
                .allow_amz_headers(["X-Amz-*"])
                .allow_amz_parameters(["x-amz-*"])
        },
    )
    .await;
    let verified = verified(&request, b"");
    let signed = [
        "host",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-meta-a",
        "x-amz-meta-b",
    ];
    assert_eq!(verified.signed_headers, signed);
    assert_eq!(request.target(), "/?X-Amz-Meta=1");
    assert_nowhere(&request, "evil");
}

#[tokio::test]
async fn what_is_removed_does_not_arrive_and_what_is_set_is_signed() {
    let request = forwarded_by(
        "POST /sqs/ HTTP/1.1\r\nHost: a\r\nOcp-Apim-Subscription-Key: evil\r\nApi-Key: evil\r\n\
         Cookie: evil\r\nX-Forwarded-For: evil\r\nX-Amz-Target: evil\r\nX-Kept: 1\r\n\
         Content-Length: 4\r\nConnection: close\r\n\r\nbody",
        |upstream| {
            upstream
                .allow_amz_headers(["x-amz-target"])
                .remove_headers([
                    "ocp-apim-subscription-key",
                    "api-key",
                    "cookie",
                    "x-forwarded-*",
                ])
                .and_then(|upstream| upstream.set_header("X-Amz-Target", "AmazonSQS.Send"))
                .unwrap()
        },
    )
    .await;
    let verified = verified(&request, b"body");
    let signed = ["host", "x-amz-date", "x-amz-target"];
    assert_eq!(verified.signed_headers, signed);
    assert_eq!(request.values("x-amz-target"), ["AmazonSQS.Send"]);
    assert_nowhere(&request, "evil");
    let expected = [
        "authorization",
        "content-length",
        "host",
        "x-amz-date",
        "x-amz-target",
        "x-kept",
    ];
    assert_eq!(names(&request), expected);
}

#[tokio::test]
async fn what_is_removed_of_an_answer_does_not_reach_the_client() {
    let server = WireServer::start(|_| {
        WireResponse::new(200)
            .header("x-amz-id-2", "evil")
            .header("x-amzn-requestid", "evil")
            .header("server", "kept")
            .body("body")
    })
    .await;
    let upstream = UpstreamLayer::new(&server.url())
        .and_then(|upstream| upstream.remove_answer_headers(["x-amz-*", "x-amzn-*", "c*"]))
        .unwrap();
    let gateway = Gateway::start(upstream, authorizer("sqs", &server.authority())).await;
    let answer = gateway
        .exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(!answer.0.contains("evil"), "{answer:?}");
    assert!(answer.0.contains("\r\nserver: kept\r\n"), "{answer:?}");
    assert!(answer.0.contains("\r\ncontent-length: 4\r\n"), "{answer:?}");
}

#[tokio::test]
async fn another_host_is_sent_and_signed_where_the_proxy_says_so() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let scope = HostScope::exact(["search.example.com"])
        .and_then(|scope| scope.dialling(&server.authority(), "search.example.com"))
        .unwrap();
    let signer = Signer::builder("es", REGION).build().unwrap();
    let cache = CredentialsCache::new(secrets::credentials());
    let authorizer = Authorizer::builder(signer, cache, scope).build();
    let upstream = UpstreamLayer::new(&server.url())
        .and_then(|upstream| upstream.host("search.example.com"))
        .unwrap();
    let gateway = Gateway::start(upstream, authorizer).await;
    let answer = gateway
        .exchange("GET /_search HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let request = server.only_request();
    assert_eq!(
        request.header("host").as_deref(),
        Some("search.example.com")
    );
    verified(&request, b"");
}

#[tokio::test]
async fn no_body_with_trailers_and_none_that_is_broken_off() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let upstream = UpstreamLayer::new(&server.url()).unwrap();
    let gateway = Gateway::start(upstream, authorizer("sqs", &server.authority())).await;
    let answer = gateway
        .exchange(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
             4\r\nbody\r\n0\r\nX-Amz-Trailer: evil\r\n\r\n",
        )
        .await;
    assert_eq!(answer.status(), 400, "{answer:?}");
    assert!(answer.0.contains("trailers"), "{answer:?}");

    let mut stream = gateway.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nbody";
    stream.write_all(head).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    soon("the connection ends", read).await.unwrap();
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn nothing_of_the_connection_of_the_upstream_reaches_the_client() {
    let server = WireServer::start(|_| {
        WireResponse::new(200)
            .header("connection", "X-Hop")
            .header("x-hop", "evil")
            .header("keep-alive", "evil")
            .header("upgrade", "evil")
            .header("proxy-authenticate", "evil")
            .header("x-amzn-requestid", "kept")
            .body("body")
            .close()
    })
    .await;
    let upstream = UpstreamLayer::new(&server.url()).unwrap();
    let gateway = Gateway::start(upstream, authorizer("sqs", &server.authority())).await;
    let two = "GET / HTTP/1.1\r\nHost: a\r\n\r\n\
               GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answers = gateway.exchange(two).await.0;
    assert!(!answers.contains("evil"), "{answers}");
    assert_eq!(
        answers.matches("x-amzn-requestid: kept").count(),
        2,
        "{answers}"
    );
    // The upstream ended each of its connections, the client only the second time its own.
    assert_eq!(answers.matches("connection: close").count(), 1, "{answers}");
}
