//! Who may call.

use axum_gateway::config::Config;
use sigv4_tests::wire::WireServer;

use crate::fixture::bearer;
use crate::fixture::caller;
use crate::fixture::config;
use crate::fixture::get;
use crate::fixture::header;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::upstream;
use crate::fixture::verified;

const KEY: &str = "ocp-apim-subscription-key";

fn with_callers(server: &WireServer) -> Config {
    let mut config = config(vec![
        route("bedrock", &server.url()),
        route("sqs", &server.url()),
    ]);
    config.callers = vec![
        caller("apim", header(KEY, "of-apim"), Some(&["bedrock"])),
        caller("batch", bearer("of-batch"), None),
        caller("other", header("x-other-key", "of-other"), Some(&[])),
    ];
    config
}

#[tokio::test]
async fn a_caller_gets_where_it_may_go_and_nobody_else_gets_anywhere() {
    let server = upstream("fine").await;
    let gateway = start(with_callers(&server)).await;
    for (name, lines, target, status) in [
        ("no key", "", "/sqs", 401),
        ("no key, nowhere", "", "/nowhere", 401),
        ("a token", "Authorization: Bearer of-batch\r\n", "/sqs", 200),
        (
            "its scheme in lower case",
            "Authorization: bearer of-batch\r\n",
            "/sqs",
            200,
        ),
        (
            "a wrong token",
            "Authorization: Bearer of-batcH\r\n",
            "/sqs",
            401,
        ),
        (
            "a longer token",
            "Authorization: Bearer of-batch1\r\n",
            "/sqs",
            401,
        ),
        (
            "a key in place of a token",
            "Authorization: Bearer of-apim\r\n",
            "/bedrock",
            401,
        ),
        (
            "a key",
            "Ocp-Apim-Subscription-Key: of-apim\r\n",
            "/bedrock",
            200,
        ),
        (
            "a wrong key",
            "Ocp-Apim-Subscription-Key: of-batch\r\n",
            "/bedrock",
            401,
        ),
        (
            "an empty key",
            "Ocp-Apim-Subscription-Key:\r\n",
            "/bedrock",
            401,
        ),
        (
            "a key, another route",
            "Ocp-Apim-Subscription-Key: of-apim\r\n",
            "/sqs",
            403,
        ),
        (
            "a key, no route",
            "Ocp-Apim-Subscription-Key: of-apim\r\n",
            "/nowhere",
            404,
        ),
        (
            "a key for nothing",
            "X-Other-Key: of-other\r\n",
            "/sqs",
            403,
        ),
        (
            "a key twice",
            "Ocp-Apim-Subscription-Key: of-apim\r\nOcp-Apim-Subscription-Key: of-apim\r\n",
            "/bedrock",
            401,
        ),
        (
            "a right key and a wrong token",
            "Ocp-Apim-Subscription-Key: of-apim\r\nAuthorization: Bearer x\r\n",
            "/bedrock",
            401,
        ),
        (
            "a host that is not ours, with a key",
            "Host: gateway.example.com\r\nAuthorization: Bearer of-batch\r\n",
            "/sqs",
            200,
        ),
        (
            "a web page with a key",
            "Origin: https://evil.example\r\nAuthorization: Bearer of-batch\r\n",
            "/sqs",
            403,
        ),
    ] {
        let answer = get(&gateway, target, lines).await;
        assert_eq!(answer.status(), status, "{name}: {answer:?}");
        let is_challenged = answer.header("www-authenticate").is_some();
        assert_eq!(is_challenged, status == 401, "{name}");
    }
    for request in server.requests() {
        verified(&request, b"");
    }
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn no_key_of_any_caller_gets_to_an_upstream() {
    let server = upstream("fine").await;
    let mut config = with_callers(&server);
    // Even where it proves nothing.
    config.listeners[0].anonymous = true;
    let gateway = start(config).await;
    for lines in [
        "Ocp-Apim-Subscription-Key: of-apim\r\n",
        "Authorization: Bearer of-batch\r\n",
    ] {
        assert_eq!(get(&gateway, "/bedrock", lines).await.status(), 200);
    }
    for request in server.requests() {
        let lines = request.header_lines().concat();
        let lines = String::from_utf8_lossy(&lines).to_ascii_lowercase();
        for trace in [KEY, "of-apim", "of-batch", "bearer"] {
            assert!(!lines.contains(trace), "{trace}: {lines}");
        }
        verified(&request, b"");
    }
}

#[tokio::test]
async fn strangers_are_let_in_where_the_listener_says_so() {
    let server = upstream("fine").await;
    let mut config = with_callers(&server);
    config.listeners[0].anonymous = true;
    let gateway = start(config).await;
    for (name, lines, status) in [
        ("nothing", "", 200),
        (
            "a wrong key all the same",
            "Authorization: Bearer x\r\n",
            401,
        ),
        ("another host", "Host: gateway.example.com\r\n", 421),
    ] {
        let answer = get(&gateway, "/sqs", lines).await;
        assert_eq!(answer.status(), status, "{name}: {answer:?}");
    }
}
