//! Which upstream a request goes to.

use axum_gateway::config::Route;
use http::Method;
use sigv4_core::Signer;

use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::exchange;
use crate::fixture::get;
use crate::fixture::route;
use crate::fixture::route_at;
use crate::fixture::start;
use crate::fixture::upstream;
use crate::fixture::verified;
use crate::fixture::with_hosts;
use crate::fixture::with_methods;

#[tokio::test]
async fn a_request_goes_to_the_first_route_that_takes_it() {
    let (keys, agents, models) = (
        upstream("keys").await,
        upstream("agents").await,
        upstream("models").await,
    );
    let mut listener = crate::fixture::listener();
    listener.hosts = vec!["keys.internal".to_owned()];
    let mut config = config(vec![
        with_hosts(route_at("keys", "/", &keys.url()), &["keys.internal"]),
        route_at("agents", "/bedrock/agent", &agents.url()),
        with_methods(
            route("bedrock", &models.url()),
            &[Method::GET, Method::POST],
        ),
    ]);
    config.listeners = vec![listener];
    let gateway = start(config).await;
    for (method, host, target, status, expected) in [
        (
            "GET",
            "localhost",
            "/bedrock/model/a%3A0?x=1",
            200,
            "models",
        ),
        ("GET", "localhost:80", "/bedrock", 200, "models"),
        ("GET", "keys.internal", "/anything", 200, "keys"),
        ("GET", "KEYS.internal:8080", "/bedrock", 200, "keys"),
        ("DELETE", "localhost", "/bedrock/agent/x", 200, "agents"),
        ("GET", "localhost", "/bedrock/agents", 200, "models"),
        (
            "DELETE",
            "localhost",
            "/bedrock/x",
            405,
            "no route takes this method\n",
        ),
        (
            "GET",
            "localhost",
            "/bedrockx",
            404,
            "the path leads to no upstream\n",
        ),
        (
            "GET",
            "localhost",
            "/",
            404,
            "the path leads to no upstream\n",
        ),
    ] {
        let request =
            format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = exchange(connect(&gateway).await, &request).await;
        let name = format!("{method} {host} {target}");
        assert_eq!(
            (answer.status(), answer.body()),
            (status, expected),
            "{name}"
        );
        let allowed = (status == 405).then_some("GET, POST");
        assert_eq!(answer.header("allow"), allowed, "{name}");
    }
    for server in [&keys, &agents, &models] {
        for request in server.requests() {
            verified(&request, b"");
            assert_eq!(request.header("host").unwrap(), server.authority());
        }
    }
    assert_eq!(models.requests()[0].target(), "/model/a%3A0?x=1");
}

#[tokio::test]
async fn paths_that_servers_read_differently_are_refused_wherever_they_lead() {
    let server = upstream("never").await;
    let s3 = route_at("s3", "/", &server.url());
    let layer = s3.layer.clone().allow_empty_segments();
    let signer = Signer::builder("s3", "us-east-1").build().unwrap();
    let s3 = Route {
        layer,
        signer,
        ..s3
    };
    let gateway = start(config(vec![
        route("bedrock", &server.url()),
        with_methods(with_hosts(s3, &["127.0.0.1"]), &[Method::GET]),
    ]))
    .await;
    for (lines, target) in [
        ("", "/bedrock/../x"),
        ("", "/bedrock/%2e%2e/x"),
        ("", "/bedrock//x"),
        ("", "//bedrock"),
        ("", "/nowhere/../bedrock"),
        ("", "/x/..;/bedrock"),
        ("Host: 127.0.0.1\r\n", "//bedrock/x"),
        ("Host: 127.0.0.1\r\n", "/x/../bedrock"),
    ] {
        let answer = get(&gateway, target, lines).await;
        assert_eq!(answer.status(), 400, "{lines}{target}: {answer:?}");
    }
    assert!(server.requests().is_empty());
    let answer = get(&gateway, "/a//key", "Host: 127.0.0.1\r\n").await;
    assert_eq!(
        answer.status(),
        200,
        "what is a key to S3 is one: {answer:?}"
    );
    assert_eq!(server.only_request().target(), "/a//key");
}

#[tokio::test]
async fn an_answer_names_its_request() {
    let server = upstream("fine").await;
    let gateway = start(config(vec![route("sqs", &server.url())])).await;
    let lines = "X-Request-Id: abc-1\r\n";
    let answer = get(&gateway, "/sqs", lines).await;
    assert_eq!(answer.header("x-request-id"), Some("abc-1"));
    let answer = get(&gateway, "/nowhere", lines).await;
    assert_eq!(answer.header("x-request-id"), Some("abc-1"));
    let answer = get(&gateway, "/nowhere", "").await;
    assert_eq!(answer.header("x-request-id").map(str::len), Some(32));
}
