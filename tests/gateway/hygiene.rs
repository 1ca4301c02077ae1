//! What a client cannot make the gateway do.

use std::borrow::Cow;
use std::time::Duration;

use sigv4_tests::oracle;
use sigv4_tests::oracle::Reference;
use sigv4_tests::secrets;
use sigv4_tests::time;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::exchange;
use crate::fixture::get;
use crate::fixture::route_at;
use crate::fixture::start;
use crate::fixture::upstream;
use crate::fixture::verified;

#[tokio::test]
async fn web_pages_and_names_that_are_not_ours_are_kept_out() {
    let server = upstream("fine").await;
    let mut config = config(vec![route_at("all", "/", &server.url())]);
    config.listeners[0].hosts = vec!["gateway.internal".to_owned()];
    let gateway = start(config).await;
    for (lines, status) in [
        ("", 200),
        ("Host: 127.0.0.1:8080\r\n", 200),
        ("Host: [::1]\r\n", 200),
        ("Host: Gateway.internal\r\n", 200),
        ("Sec-Fetch-Site: none\r\n", 200),
        ("Host: evil.example\r\n", 421),
        ("Host: 127.0.0.1.evil.example\r\n", 421),
        ("Host: u@localhost\r\n", 421),
        ("Host:\r\n", 421),
        ("Origin: http://localhost\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Sec-Fetch-Site: same-origin\r\n", 403),
        ("Sec-Fetch-Site: cross-site\r\n", 403),
    ] {
        let answer = get(&gateway, "/", lines).await;
        assert_eq!(answer.status(), status, "{lines}{answer:?}");
    }
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn requests_that_contradict_themselves_go_nowhere() {
    let server = upstream("never").await;
    let gateway = start(config(vec![route_at("all", "/", &server.url())])).await;
    for (name, request) in [
        (
            "two hosts",
            "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
        ),
        (
            "two other hosts",
            "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n",
        ),
        (
            "a target and a host",
            "GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n",
        ),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
        ),
        (
            "a length that is none",
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n",
        ),
        (
            "a tunnel",
            "CONNECT evil:443 HTTP/1.1\r\nHost: localhost\r\n",
        ),
        (
            "all of the server",
            "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n",
        ),
        ("no request line", "GET\r\nHost: localhost\r\n"),
    ] {
        let request = format!("{request}Connection: close\r\n\r\n");
        let answer = exchange(connect(&gateway).await, &request).await;
        assert_eq!(answer.status(), 400, "{name}: {answer:?}");
    }
    let request = "TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = exchange(connect(&gateway).await, request).await;
    assert_eq!(answer.status(), 405, "{answer:?}");
    let long = "x".repeat(100 * 1024);
    let answer = get(&gateway, "/", &format!("X-Long: {long}\r\n")).await;
    assert_eq!(answer.status(), 431);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn one_length_said_twice_is_sent_once() {
    let server = upstream("fine").await;
    let gateway = start(config(vec![route_at("all", "/", &server.url())])).await;
    let request = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 4\r\n\
                   Connection: close\r\n\r\nbody";
    let answer = exchange(connect(&gateway).await, request).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let request = server.only_request();
    assert_eq!(request.values("content-length"), ["4"]);
    verified(&request, b"body");
}

#[tokio::test]
async fn a_signature_in_the_query_does_not_come_back() {
    let server = WireServer::start(|request| {
        let url = format!("https://a.example{}", request.target());
        WireResponse::new(302)
            .header("location", &url)
            .header("x-asked-for", url.replace('?', "%3F").replace('&', "%26"))
    })
    .await;
    let mut route = route_at("all", "/", &server.url());
    route.in_query = Some(Duration::from_secs(60));
    let gateway = start(config(vec![route])).await;
    let answer = get(&gateway, "/x?b=1", "").await;
    assert_eq!(answer.status(), 302, "{answer:?}");
    let sent = server.only_request();
    assert!(sent.target().contains("X-Amz-Signature="), "{sent:?}");
    assert_eq!(answer.header("location"), Some("https://a.example/x?b=1"));
    assert_eq!(answer.header("x-asked-for"), None);
    let octets = answer.0.to_ascii_lowercase();
    assert!(!octets.contains("x-amz-"), "{answer:?}");
}

#[tokio::test]
async fn where_a_request_goes_is_not_for_its_client_to_say() {
    let server = upstream("fine").await;
    let other = upstream("never").await;
    let mut config = config(vec![route_at("all", "/", &server.url())]);
    config.listeners[0].hosts = vec!["127.0.0.1".to_owned()];
    let gateway = start(config).await;
    let authority = other.authority();
    for (target, host) in [
        (format!("http://{authority}/x"), authority.clone()),
        ("/x".to_owned(), authority.clone()),
        (format!("/x?url=http://{authority}"), authority.clone()),
        (format!("/x@{authority}"), "localhost".to_owned()),
    ] {
        let lines = format!("Host: {host}\r\nX-Forwarded-Host: {authority}\r\n");
        let answer = get(&gateway, &target, &lines).await;
        assert_eq!(answer.status(), 200, "{target} {host}: {answer:?}");
    }
    assert!(other.requests().is_empty());
    for request in server.requests() {
        assert_eq!(request.header("host").unwrap(), server.authority());
        verified(&request, b"");
    }
}

#[tokio::test]
async fn a_request_that_was_signed_with_other_keys_is_signed_anew() {
    let server = upstream("fine").await;
    let gateway = start(config(vec![route_at("all", "/", &server.url())])).await;
    let authority = gateway.addresses()[0].to_string();
    let now = time::of_the_suite();
    let body = r#"{"QueueUrl":"x"}"#;
    let mut reference = Reference::new("sqs", "eu-central-1", now);
    reference.method = "POST";
    reference.uri = Cow::Owned(format!("http://{authority}/"));
    reference.headers = vec![
        (Cow::Borrowed("host"), Cow::Borrowed(&*authority)),
        (
            Cow::Borrowed("x-amz-security-token"),
            Cow::Borrowed("dummy"),
        ),
    ];
    reference.body = oracle::Body::Bytes(body.as_bytes());
    reference.access_key_id = "dummy";
    reference.secret = "dummy";
    let signature = reference.signature().unwrap();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Length: {}\r\n\
         X-Amz-Date: 20150830T123600Z\r\nX-Amz-Security-Token: dummy\r\n\
         Authorization: AWS4-HMAC-SHA256 \
         Credential=dummy/20150830/eu-central-1/sqs/aws4_request, \
         SignedHeaders=host;x-amz-date;x-amz-security-token, Signature={signature}\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(connect(&gateway).await, &request).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let arrived = server.only_request();
    let verified = verified(&arrived, body.as_bytes());
    assert_eq!(verified.access_key_id, secrets::ACCESS_KEY_ID);
    assert_eq!(verified.region, "us-east-1");
    assert_eq!(verified.token, None);
    let lines = String::from_utf8_lossy(&arrived.header_lines().concat()).into_owned();
    assert!(!lines.contains("dummy"), "{lines}");
}

#[tokio::test]
async fn cookies_of_strangers_stay_here() {
    let server = upstream("fine").await;
    let gateway = start(config(vec![route_at("all", "/", &server.url())])).await;
    assert_eq!(get(&gateway, "/", "Cookie: a=b\r\n").await.status(), 200);
    assert_eq!(server.only_request().header("cookie"), None);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let server = upstream("never").await;
    let mut route = route_at("all", "/", &server.url());
    route.body_limit = 10;
    let gateway = start(config(vec![route])).await;
    let request = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\
                   Connection: close\r\n\r\n12345678901";
    let answer = exchange(connect(&gateway).await, request).await;
    assert_eq!(answer.status(), 413, "{answer:?}");
    assert!(server.requests().is_empty());
}
