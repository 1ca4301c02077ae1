//! What AWS says when it refuses, counted and told, while its answer passes.

use axum_gateway::stats::RefusedBy;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::config;
use crate::fixture::get;
use crate::fixture::route;
use crate::fixture::start;

#[tokio::test]
async fn a_refusal_of_aws_is_counted_and_passes_unchanged() {
    let body = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#;
    let server = WireServer::start(move |_| WireResponse::new(403).body(body)).await;
    let gateway = start(config(vec![route("sqs", &server.url())])).await;
    let answer = get(&gateway, "/sqs", "X-Request-Id: abc\r\n").await;
    assert_eq!((answer.status(), answer.body()), (403, body));

    let latest = gateway.state().stats.latest();
    let [refused] = &latest[..] else {
        panic!("one was refused: {latest:?}");
    };
    assert_eq!((&*refused.route, refused.status.as_u16()), ("sqs", 403));
    assert_eq!(refused.request_id.as_str(), "abc");
    let RefusedBy::Aws { code, cause, .. } = &refused.by else {
        panic!("AWS refused it: {refused:?}");
    };
    let code = code.as_ref().map(|code| code.as_str().to_owned());
    assert_eq!(code.as_deref(), Some("AccessDeniedException"));
    assert_eq!(*cause, "permission");
}

#[tokio::test]
async fn what_happens_is_in_the_metrics() {
    let server = WireServer::start(|request| match &*request.target() {
        "/missing" => WireResponse::new(404),
        _ => WireResponse::new(200).body("12345"),
    })
    .await;
    let mut sqs = route("sqs", &server.url());
    sqs.body_limit = 4;
    let gateway = start(config(vec![sqs, route("other", &server.url())])).await;
    for target in ["/sqs", "/sqs", "/sqs/missing", "/sqs/../x", "/nowhere"] {
        get(&gateway, target, "").await;
    }
    let request = "POST /sqs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\
                   Connection: close\r\n\r\n12345";
    let stream = crate::fixture::connect(&gateway).await;
    crate::fixture::exchange(stream, request).await;
    let request = request
        .replace("Content-Length: 5", "Content-Length: 3")
        .replace("12345", "123");
    let stream = crate::fixture::connect(&gateway).await;
    crate::fixture::exchange(stream, &request).await;

    let metrics = gateway.state().stats.encode().unwrap();
    let has = |start: &str, end: &str| {
        let mut lines = metrics.lines();
        lines.any(|line| line.starts_with(start) && line.ends_with(end))
    };
    for (labels, count) in [
        (
            r#"route="sqs",outcome="signed",reason="",status="2xx""#,
            " 3",
        ),
        (
            r#"route="sqs",outcome="signed",reason="",status="4xx""#,
            " 1",
        ),
        (
            r#"route="sqs",outcome="rejected",reason="body_too_large",status="4xx""#,
            " 1",
        ),
        (
            r#"route="sqs",outcome="rejected",reason="ambiguous_target",status="4xx""#,
            " 1",
        ),
        (
            r#"route="",outcome="rejected",reason="no_route",status="4xx""#,
            " 1",
        ),
    ] {
        let start = format!("sigv4_requests_total{{{labels}}}");
        assert!(has(&start, count), "{labels}\n{metrics}");
    }
    for (start, end) in [
        ("sigv4_sign_seconds_count{route=\"sqs\"}", " 4"),
        ("sigv4_request_body_bytes_total{route=\"sqs\"}", " 3"),
        ("sigv4_answer_body_bytes_total{route=\"sqs\"}", " 15"),
        ("sigv4_gateway_requests_in_flight", " 0"),
    ] {
        assert!(has(start, end), "{start}\n{metrics}");
    }
}
