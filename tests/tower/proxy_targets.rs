//! Targets that one server may read otherwise than another do not get past a proxy.

use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::UpstreamLayer;

use crate::fixture::authorizer;
use crate::fixture::verified;
use crate::gateway::Gateway;

async fn proxy(service: &str, server: &WireServer) -> Gateway {
    let upstream = UpstreamLayer::new(&server.url())
        .unwrap()
        .strip_path_prefix("/bedrock");
    let upstream = if service == "s3" {
        upstream.allow_empty_segments()
    } else {
        upstream
    };
    Gateway::start(upstream, authorizer(service, &server.authority())).await
}

fn request(line: &str, host: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn are_forwarded_below_the_prefix() {
    for (service, given, sent) in [
        ("bedrock", "/bedrock", "/"),
        ("bedrock", "/bedrock/", "/"),
        ("bedrock", "/bedrock?a=1", "/?a=1"),
        (
            "bedrock",
            "/bedrock/model/a:0/converse",
            "/model/a:0/converse",
        ),
        (
            "bedrock",
            "/bedrock/model/a%3A0/converse",
            "/model/a%3A0/converse",
        ),
        (
            "bedrock",
            "/bedrock/model/arn%3Aaws%2Fid/x?b=&a",
            "/model/arn%3Aaws%2Fid/x?a=&b=",
        ),
        (
            "bedrock",
            "/bedrock/bedrock/..x/y../...",
            "/bedrock/..x/y../...",
        ),
        ("bedrock", "/bedrock/@evil", "/@evil"),
        ("bedrock", "/bedrock/http:%2F%2Fevil", "/http:%2F%2Fevil"),
        ("s3", "/bedrock/bucket//key", "/bucket//key"),
        ("s3", "/bedrock//evil/x", "//evil/x"),
    ] {
        let server = WireServer::start(|_| WireResponse::new(200)).await;
        let gateway = proxy(service, &server).await;
        let answer = gateway
            .exchange(request(&format!("GET {given}"), "gateway"))
            .await;
        assert_eq!(answer.status(), 200, "{given}: {answer:?}");
        let arrived = server.only_request();
        assert_eq!(arrived.target(), sent, "{given}");
        assert_eq!(
            arrived.header("host").as_deref(),
            Some(&*server.authority()),
            "{given}"
        );
        verified(&arrived, b"");
    }
}

#[tokio::test]
async fn are_what_the_proxy_makes_of_them_and_signed_so() {
    for (given, sent) in [("/bedrock/a?b=1", "/v1/kms/?b=1"), ("/bedrock", "/v1/kms/")] {
        let server = WireServer::start(|_| WireResponse::new(200)).await;
        let upstream = UpstreamLayer::new(&format!("{}/v1", server.url()))
            .and_then(|upstream| upstream.strip_path_prefix("/bedrock").path("/kms"))
            .unwrap()
            .ensure_trailing_slash();
        let gateway = Gateway::start(upstream, authorizer("kms", &server.authority())).await;
        let answer = gateway
            .exchange(request(&format!("POST {given}"), "a"))
            .await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        let arrived = server.only_request();
        assert_eq!(arrived.target(), sent);
        verified(&arrived, b"");
    }
}

#[tokio::test]
async fn are_refused_where_they_are_ambiguous() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let gateway = proxy("bedrock", &server).await;
    for (line, status) in [
        ("GET /bedrock@evil", 404),
        ("GET /bedrock@evil/x", 404),
        ("GET /bedrock:80/x", 404),
        ("GET /bedrockx", 404),
        ("GET /bedrock%2Fx", 404),
        ("GET /%62edrock/x", 404),
        ("GET /Bedrock/x", 404),
        ("GET /", 404),
        ("GET /other/bedrock/x", 404),
        ("GET /bedrock//evil/x", 400),
        ("GET //evil/bedrock/x", 400),
        ("GET /bedrock/x//", 400),
        ("GET /bedrock/../x", 400),
        ("GET /bedrock/./x", 400),
        ("GET /bedrock/..", 400),
        ("GET /bedrock/%2e%2e/x", 400),
        ("GET /bedrock/%2E./x", 400),
        ("GET /bedrock/x/%2e", 400),
        ("GET /bedrock/x%2F..%2Fy", 400),
        ("GET /bedrock/..%5Cx", 400),
        ("GET /bedrock/x\\..\\y", 400),
        ("GET /../bedrock/x", 400),
        ("OPTIONS *", 400),
    ] {
        let answer = gateway.exchange(request(line, "gateway")).await;
        assert_eq!(answer.status(), status, "{line}: {answer:?}");
    }
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn in_absolute_form_say_nothing_of_where_the_request_goes() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let gateway = proxy("bedrock", &server).await;
    let host = gateway.authority();

    // What a client sends that takes the gateway for a forward proxy.
    for (line, host) in [
        ("GET http://evil.example.com/bedrock/x", &*host),
        ("GET https://evil.example.com/bedrock/x", &*host),
        ("GET http://gateway/bedrock/x", "evil.example.com"),
        ("GET http://evil@gateway/bedrock/x", "gateway"),
    ] {
        let answer = gateway.exchange(request(line, host)).await;
        assert_eq!(answer.status(), 400, "{line}: {answer:?}");
    }
    assert_eq!(server.requests(), []);

    for host in ["gateway", "evil.example.com"] {
        let line = format!("GET http://{host}/bedrock/x?q=1");
        let answer = gateway.exchange(request(&line, host)).await;
        assert_eq!(answer.status(), 200, "{line}: {answer:?}");
        let arrived = server.requests().pop().unwrap();
        assert_eq!(arrived.request_line(), "GET /x?q=1 HTTP/1.1");
        assert_eq!(
            arrived.header("host").as_deref(),
            Some(&*server.authority())
        );
        verified(&arrived, b"");
    }
}

#[tokio::test]
async fn of_a_tunnel_are_refused() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let gateway = proxy("bedrock", &server).await;
    let line = format!("CONNECT {}", server.authority());
    let answer = gateway.exchange(request(&line, &server.authority())).await;
    assert!((400..500).contains(&answer.status()), "{answer:?}");
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn are_not_traced() {
    // The answer to TRACE is the request as it arrived, with signature and token.
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let gateway = proxy("bedrock", &server).await;
    let answer = gateway
        .exchange(request("TRACE /bedrock/x", "gateway"))
        .await;
    assert_eq!(answer.status(), 405, "{answer:?}");
    assert_eq!(server.requests(), []);
}
