//! The gateway is no way to anywhere but its upstreams, and for nobody but its callers.

use axum_gateway::config::Address;
use axum_gateway::config::Config;
use bytes::Bytes;
use http::Request;
use http::StatusCode;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use super::config;
use super::route;
use super::send;
use super::serve;
use super::verified;
use crate::fixture::bearer;
use crate::fixture::caller;
use crate::fixture::connect;
use crate::fixture::exchange_and_stay;
use crate::fixture::header;
use crate::fixture::start;
use crate::fixture::upstream;

#[tokio::test]
async fn no_target_and_no_host_of_the_client_leads_elsewhere() {
    let (server, other) = (upstream("fine").await, upstream("never").await);
    let gateway = serve(&route("sqs", &server.url(), "")).await;
    let away = other.authority();
    for (name, target, host, status) in [
        ("absolute form", format!("http://{away}/sqs/x"), &*away, 200),
        ("https", format!("https://{away}/sqs/x"), &*away, 200),
        ("host", "/sqs/x".to_owned(), &*away, 200),
        ("at sign", format!("/sqs/@{away}/x"), "localhost", 200),
        (
            "a URL below",
            format!("/sqs/http:%2F%2F{away}/x"),
            "localhost",
            200,
        ),
        ("userinfo", format!("http://u:p@{away}/sqs/x"), &*away, 400),
        (
            "two names",
            format!("http://{away}/sqs/x"),
            "localhost",
            400,
        ),
        (
            "a joined authority",
            format!("/sqs@{away}/x"),
            "localhost",
            404,
        ),
        ("a joined port", format!("/sqs:{away}/x"), "localhost", 404),
        (
            "a network path",
            format!("//{away}/sqs/x"),
            "localhost",
            404,
        ),
        (
            "a network path below",
            format!("/sqs//{away}/x"),
            "localhost",
            400,
        ),
        ("a tunnel", away.clone(), &*away, 400),
    ] {
        let lines = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: {away}\r\n\
             Forwarded: host={away}\r\nX-Original-URL: http://{away}/\r\nConnection: close\r\n\r\n"
        );
        let answer = send(&gateway, lines).await;
        assert_eq!(answer.status(), status, "{name}: {answer:?}");
    }
    assert_eq!(other.requests(), []);
    assert_eq!(server.requests().len(), 5);
    for request in server.requests() {
        assert_eq!(request.header("host").unwrap(), server.authority());
        verified(&request, b"");
    }
}

#[tokio::test]
async fn over_http2_no_authority_of_the_client_leads_elsewhere() {
    let (server, other) = (upstream("fine").await, upstream("never").await);
    let gateway = serve(&route("sqs", &server.url(), "")).await;
    let io = TokioIo::new(connect(&gateway).await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let away = other.authority();
    for (uri, host, status) in [
        (format!("http://{away}/sqs/x"), None, StatusCode::OK),
        (format!("https://{away}/sqs/x"), None, StatusCode::OK),
        (format!("http://{away}/sqs/x"), Some(&*away), StatusCode::OK),
        (
            format!("http://{away}/sqs/x"),
            Some("localhost"),
            StatusCode::BAD_REQUEST,
        ),
        (
            "http://localhost/sqs/x".to_owned(),
            Some(&*away),
            StatusCode::BAD_REQUEST,
        ),
        (
            "http://evil.example/sqs/x".to_owned(),
            None,
            StatusCode::MISDIRECTED_REQUEST,
        ),
    ] {
        let mut request = Request::get(&uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), status, "{uri} {host:?}");
    }
    assert_eq!(other.requests(), []);
    assert_eq!(server.requests().len(), 3);
    for request in server.requests() {
        assert_eq!(request.header("host").unwrap(), server.authority());
        verified(&request, b"");
    }
}

/// Where one right key warms something up that lets the next one pass, whatever it is.
#[tokio::test]
async fn a_wrong_key_after_a_right_one_is_never_signed() {
    let server = upstream("fine").await;
    let mut config = config(&route("sqs", &server.url(), ""));
    config.callers = vec![
        caller("batch", bearer("of-batch"), None),
        caller("apim", header("api-key", "of-apim"), None),
    ];
    config.listeners[0].anonymous = false;
    let gateway = start(config).await;
    let mut stream = connect(&gateway).await;
    let rows = [
        ("Authorization: Bearer of-batch", 200),
        ("Authorization: Bearer of-apim", 401),
        ("Authorization: Bearer of-batch ", 200),
        ("Authorization: Bearer of-batc", 401),
        ("Authorization: Bearer", 401),
        ("Authorization: Basic of-batch", 401),
        ("Authorization: AWS4-HMAC-SHA256 Credential=of-batch", 401),
        ("Api-Key: of-apim", 200),
        ("Api-Key: of-batch", 401),
        ("Api-Key: OF-APIM", 401),
        ("X-Sts-Refresh: 1", 401),
        ("Cookie: key=of-apim", 401),
    ];
    for round in 0..3 {
        for (line, status) in rows {
            let request = format!("GET /sqs HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n");
            let answer = exchange_and_stay(&mut stream, &request).await;
            assert_eq!(answer.status(), status, "{round} {line}: {answer:?}");
        }
    }
    assert_eq!(server.requests().len(), 9);
    for request in server.requests() {
        assert!(!super::head(&request).contains("of-"), "{request:?}");
        verified(&request, b"");
    }
}

#[tokio::test]
async fn a_redirect_of_an_upstream_is_not_followed() {
    let other = upstream("never").await;
    let to = format!("{}/x", other.url());
    let server = WireServer::start({
        let to = to.clone();
        move |_| WireResponse::new(307).header("location", to.clone())
    })
    .await;
    let gateway = serve(&route("s3", &server.url(), "")).await;
    let answer = send(&gateway, super::with_body("PUT /s3/key", "", b"body")).await;
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.header("location"), Some(&*to));
    assert_eq!(other.requests(), []);
}

/// Whoever can reach a gateway without callers has requests signed.
#[test]
fn without_callers_nobody_outside_of_the_machine_can_reach_it() {
    let callers = "callers: [{ name: a, bearer: token-of-a-caller }]";
    for (listener, callers, is_good) in [
        ("tcp: '127.0.0.1:8080'", "", true),
        ("tcp: '[::1]:8080'", "", true),
        ("unix: /run/gateway.sock", "", true),
        ("tcp: '0.0.0.0:8080'", "", false),
        ("tcp: '[::]:8080'", "", false),
        ("tcp: '10.0.0.1:8080'", "", false),
        ("tcp: '0.0.0.0:8080'", callers, true),
        ("tcp: '0.0.0.0:8080', anonymous: true", callers, false),
        ("tcp: '127.0.0.1:8080', anonymous: true", callers, true),
    ] {
        let text = format!(
            "listeners: [{{ {listener} }}]\n{callers}\n\
             routes: [{{ upstream: 'https://a.example', service: s3, region: r }}]"
        );
        let result = Config::parse(&text, "gateway.yaml");
        assert_eq!(result.is_ok(), is_good, "{listener} {callers}");
    }
    let unsaid = "routes: [{ upstream: 'https://a.example', service: s3, region: r }]";
    let config = Config::parse(unsaid, "gateway.yaml").unwrap();
    let loopback = Address::Tcp("127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.listeners[0].address, loopback);
}
