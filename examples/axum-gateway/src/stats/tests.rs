use std::time::Duration;

use http::HeaderMap;
use sigv4_core::runtime::AwsRefusal;
use sigv4_core::runtime::CredentialsCache;

use super::*;

#[test]
fn counts_what_becomes_of_requests() {
    let stats = Stats::new();
    let route = stats.route("bedrock");
    let id = RequestId::random();
    route.forwarded(StatusCode::OK);
    route.forwarded(StatusCode::CREATED);
    route.forwarded(StatusCode::FORBIDDEN);
    route.rejected("body_too_large", StatusCode::PAYLOAD_TOO_LARGE, &id);
    route.refused(&refusal("ExpiredTokenException"), &id);
    route.signing_took(Duration::from_micros(7));
    route.signing_took(Duration::from_secs(3));
    route.request_bytes(10);
    route.answer_bytes(20);
    stats.rejected(Rejection {
        reason: "no_route",
        status: StatusCode::NOT_FOUND,
        request_id: id,
    });
    stats.reload(false);

    let metrics = stats.encode().unwrap();
    for line in [
        r#"sigv4_requests_total{route="bedrock",outcome="signed",reason="",status="2xx"} 2"#,
        r#"sigv4_requests_total{route="bedrock",outcome="signed",reason="",status="4xx"} 1"#,
        r#"sigv4_requests_total{route="bedrock",outcome="rejected",reason="body_too_large",status="4xx"} 1"#,
        r#"sigv4_requests_total{route="",outcome="rejected",reason="no_route",status="4xx"} 1"#,
        r#"sigv4_upstream_refusals_total{route="bedrock",cause="expired_credentials",code="ExpiredTokenException"} 1"#,
        r#"sigv4_sign_seconds_bucket{le="0.000005",route="bedrock"} 0"#,
        r#"sigv4_sign_seconds_bucket{le="0.00001",route="bedrock"} 1"#,
        r#"sigv4_sign_seconds_bucket{le="+Inf",route="bedrock"} 2"#,
        r#"sigv4_sign_seconds_count{route="bedrock"} 2"#,
        r#"sigv4_sign_seconds_sum{route="bedrock"} 3.000007"#,
        r#"sigv4_request_body_bytes_total{route="bedrock"} 10"#,
        r#"sigv4_answer_body_bytes_total{route="bedrock"} 20"#,
        r#"sigv4_gateway_reloads_total{outcome="failed"} 1"#,
        r#"sigv4_gateway_reloads_total{outcome="succeeded"} 0"#,
        "sigv4_gateway_reload_failed 1",
        "# EOF",
    ] {
        assert!(
            metrics.lines().any(|there| there == line),
            "{line}\n{metrics}"
        );
    }
    let counts = route.counts();
    assert_eq!(counts.signed, [0, 2, 0, 1, 0]);
    assert_eq!(counts.rejected, [("body_too_large", 1)]);
    let refused = [("expired_credentials", "ExpiredTokenException", 1)];
    assert_eq!(counts.refused, refused);
    assert_eq!(stats.without_route().all_rejected(), 1);
    assert_eq!(stats.latest().len(), 3);
}

#[test]
fn counts_go_on_over_reloads() {
    let stats = Stats::new();
    stats.route("a").forwarded(StatusCode::OK);
    stats.route("a").forwarded(StatusCode::OK);
    assert_eq!(stats.route("a").counts().signed[1], 2);
}

#[test]
fn an_upstream_cannot_make_up_labels() {
    let stats = Stats::new();
    let route = stats.route("a");
    for number in 0..500 {
        let refusal = refusal(&format!("Code{number}"));
        route.refused(&refusal, &RequestId::random());
    }
    let metrics = stats.encode().unwrap();
    let lines = metrics.lines();
    let series = lines.filter(|line| line.starts_with("sigv4_upstream_refusals_total{"));
    assert_eq!(series.count(), 1, "{metrics}");
    assert_eq!(route.counts().all_refused(), 500);
}

#[test]
fn reasons_beyond_the_bound_are_counted_together() {
    let stats = Stats::new();
    let route = stats.route("a");
    for number in 0..100 {
        let reason = Box::leak(format!("reason{number}").into_boxed_str());
        route.rejected(reason, StatusCode::BAD_REQUEST, &RequestId::random());
    }
    let counts = route.counts();
    assert_eq!(counts.rejected.len(), 65);
    assert_eq!(counts.rejected.last(), Some(&("other", 36)));
    assert_eq!(counts.all_rejected(), 100);
}

#[test]
fn names_are_escaped_in_labels() {
    let stats = Stats::new();
    stats.route("a\"} 1\nb\\").forwarded(StatusCode::OK);
    let metrics = stats.encode().unwrap();
    assert!(metrics.contains(r#"route="a\"} 1\nb\\""#), "{metrics}");
}

#[test]
fn guards_count_as_long_as_they_live() {
    let stats = Stats::new();
    let connection = stats.connection();
    let requests = [stats.request(), stats.request()];
    assert_eq!((stats.connections(), stats.requests_in_flight()), (1, 2));
    drop((connection, requests));
    assert_eq!((stats.connections(), stats.requests_in_flight()), (0, 0));
}

#[tokio::test]
async fn tells_how_many_tasks_there_are() {
    let task = tokio::spawn(std::future::pending::<()>());
    let metrics = Stats::new().encode().unwrap();
    assert!(metrics.contains("\nsigv4_gateway_tasks 1\n"), "{metrics}");
    task.abort();
}

#[tokio::test]
async fn tells_how_refreshes_go_and_when_credentials_end() {
    let stats = Stats::new();
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let keys = sigv4_core::Credentials::new("AKIDEXAMPLE", "secret").unwrap();
    let cache = CredentialsCache::builder(keys.with_expiry(end))
        .on_event(stats.credentials("main"))
        .build();
    cache.get().await.unwrap();
    let metrics = stats.encode().unwrap();
    for line in [
        r#"sigv4_credentials_refresh_total{credentials="main",outcome="succeeded"} 1"#,
        r#"sigv4_credentials_refresh_total{credentials="main",outcome="failed"} 0"#,
        r#"sigv4_credentials_expires_at_seconds{credentials="main"} 4000000000.0"#,
    ] {
        assert!(
            metrics.lines().any(|there| there == line),
            "{line}\n{metrics}"
        );
    }
    assert!(metrics.contains("sigv4_credentials_age_seconds{credentials=\"main\"} 0."));

    stats.keep_credentials(|name| name != "main");
    let metrics = stats.encode().unwrap();
    assert!(
        !metrics.contains("sigv4_credentials_expires_at_seconds{"),
        "{metrics}"
    );
}

fn refusal(code: &str) -> AwsRefusal {
    let mut headers = HeaderMap::new();
    headers.insert("x-amzn-errortype", code.parse().unwrap());
    AwsRefusal::read(StatusCode::FORBIDDEN, &headers, b"").unwrap()
}
