//! The five documented configurations of MuleSoft's policy.

use axum_gateway::config::Config;
use sigv4_tests::oracle;
use sigv4_tests::oracle_v4a;
use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::Answer;
use crate::fixture::connect;
use crate::fixture::exchange;
use crate::fixture::start;
use crate::recipes::page::Recipe;
use crate::recipes::page::judge;
use crate::recipes::page::judge_of;
use crate::recipes::page::signed_headers;
use crate::recipes::page::with_keys_of_the_environment;

const PAGE: &str = include_str!("../../../docs/recipes/mulesoft-flex-gateway.md");
const SQS: &str = "https://sqs.us-east-1.amazonaws.com";

/// What comes through Flex Gateway from a client with many headers.
const REQUEST: &str = "POST /orders/123456789012/queue HTTP/1.1\r\n\
    Host: localhost:8080\r\n\
    Connection: close, x-hop\r\n\
    X-Hop: 1\r\n\
    Accept: */*\r\n\
    Accept-Encoding: gzip\r\n\
    User-Agent: curl/8.5.0\r\n\
    Content-Type: application/x-www-form-urlencoded\r\n\
    Content-Length: 18\r\n\
    Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/r/s/aws4_request, SignedHeaders=host, Signature=0\r\n\
    X-Amz-Security-Token: of-the-client\r\n\
    X-Amz-Acl: public-read\r\n\
    X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678\r\n\
    X-Forwarded-For: 203.0.113.7\r\n\
    X-Forwarded-Proto: https\r\n\
    X-Forwarded-Host: api.example.com\r\n\
    X-Request-Id: 4bf92f35\r\n\
    X-Envoy-Internal: true\r\n\
    X-Envoy-Expected-Rq-Timeout-Ms: 15000\r\n\
    X-Team-Internal: blue\r\n\
    X-My-Trace-Context: 1\r\n\
    Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\
    X-B3-Traceid: 4bf92f35\r\n\
    X-Tenant: acme\r\n\
    \r\n\
    Action=SendMessage";

async fn exchanged(config: Config, request: &str) -> Answer {
    let gateway = start(config).await;
    exchange(connect(&gateway).await, request).await
}

fn recipe(index: usize, upstream: &WireServer) -> Recipe {
    Recipe::of_page(PAGE, index).with(SQS, &upstream.url())
}

#[tokio::test]
async fn default_credentials_sign_all_headers_but_the_three_that_envoy_leaves_out() {
    let server = judge().await;
    let config = recipe(0, &server).config_without_listener();
    let answer = exchanged(with_keys_of_the_environment(config), REQUEST).await;
    assert_eq!((answer.status(), answer.body()), (200, "verified"));
    let arrived = server.only_request();
    assert_eq!(arrived.target(), "/123456789012/queue");
    assert_eq!(arrived.body(), b"Action=SendMessage");
    assert_eq!(
        signed_headers(&server),
        [
            "accept",
            "accept-encoding",
            "content-length",
            "content-type",
            "host",
            "traceparent",
            "user-agent",
            "x-amz-date",
            "x-b3-traceid",
            "x-envoy-expected-rq-timeout-ms",
            "x-envoy-internal",
            "x-forwarded-host",
            "x-my-trace-context",
            "x-request-id",
            "x-team-internal",
            "x-tenant",
        ]
    );
    // Sent, though not signed.
    for name in ["x-forwarded-for", "x-forwarded-proto"] {
        assert!(arrived.header(name).is_some(), "{name}");
    }
    for name in [
        "x-hop",
        "x-amz-acl",
        "x-amz-security-token",
        "x-amzn-trace-id",
    ] {
        assert_eq!(arrived.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn keys_that_are_given_sign() {
    let server = judge().await;
    let config = recipe(1, &server).config_without_listener();
    let answer = exchanged(config, REQUEST).await;
    assert_eq!((answer.status(), answer.body()), (200, "verified"));
    let arrived = server.only_request();
    let token = arrived.header("x-amz-security-token").unwrap();
    assert!(
        token.starts_with("AQoDYXdzEPT//////////wEXAMPLE"),
        "{token}"
    );
    let signed = signed_headers(&server);
    assert!(
        signed.contains(&"x-amz-security-token".to_owned()),
        "{signed:?}"
    );
}

#[tokio::test]
async fn a_profile_of_a_file_signs() {
    let server = judge_of("secret-of-the-profile").await;
    let file = "[default]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = other\n\n\
                [orders]\naws_access_key_id = AKIDORDERS\n\
                aws_secret_access_key = secret-of-the-profile\n";
    let recipe = recipe(2, &server).with_file("~/.aws/credentials", file);
    let answer = exchanged(recipe.config_without_listener(), REQUEST).await;
    assert_eq!((answer.status(), answer.body()), (200, "verified"));
    let arrived = server.only_request();
    let authorization = arrived.header("authorization").unwrap();
    assert!(
        authorization.contains("Credential=AKIDORDERS/"),
        "{authorization}"
    );
}

#[tokio::test]
async fn all_regions_are_signed_for_and_bodies_are_not() {
    let server = WireServer::start(|request| {
        let key = PublicKey::of_the_fixture();
        match oracle_v4a::verify(&request.head(), oracle::Body::Unsigned, &key) {
            Ok(verified) if verified.region_set == "*" && verified.service == "s3" => {
                WireResponse::new(200).body("verified")
            }
            Ok(verified) => WireResponse::new(403).body(verified.region_set),
            Err(reason) => WireResponse::new(403).body(reason),
        }
    })
    .await;
    let upstream = "https://example-mrap.accesspoint.s3-global.amazonaws.com";
    let recipe = Recipe::of_page(PAGE, 3).with(upstream, &server.url());
    let config = with_keys_of_the_environment(recipe.config_without_listener());
    let request = REQUEST.replace("POST /orders/123456789012/queue", "PUT /files/a//b%20c@d");
    let answer = exchanged(config, &request).await;
    assert_eq!((answer.status(), answer.body()), (200, "verified"));
    let arrived = server.only_request();
    assert_eq!(arrived.target(), "/a//b%20c%40d");
    let hash = arrived.header("x-amz-content-sha256");
    assert_eq!(hash.as_deref(), Some("UNSIGNED-PAYLOAD"));
    let key = PublicKey::of_the_fixture();
    let verified = oracle_v4a::verify(&arrived.head(), oracle::Body::Unsigned, &key).unwrap();
    assert_eq!(
        verified.signed_headers,
        [
            "accept",
            "accept-encoding",
            "content-length",
            "content-type",
            "host",
            "traceparent",
            "user-agent",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-region-set",
            "x-b3-traceid",
            "x-envoy-expected-rq-timeout-ms",
            "x-envoy-internal",
            "x-forwarded-host",
            "x-my-trace-context",
            "x-request-id",
            "x-team-internal",
            "x-tenant",
        ]
    );
}

#[tokio::test]
async fn headers_that_are_excluded_are_sent_and_not_signed() {
    let server = judge().await;
    let config = recipe(4, &server).config_without_listener();
    let answer = exchanged(with_keys_of_the_environment(config), REQUEST).await;
    assert_eq!((answer.status(), answer.body()), (200, "verified"));
    assert_eq!(
        signed_headers(&server),
        [
            "accept",
            "accept-encoding",
            "content-length",
            "content-type",
            "host",
            "x-amz-date",
            "x-forwarded-host",
            "x-tenant",
        ]
    );
    let arrived = server.only_request();
    for name in [
        "user-agent",
        "traceparent",
        "x-request-id",
        "x-envoy-internal",
        "x-team-internal",
        "x-my-trace-context",
        "x-b3-traceid",
        "x-forwarded-for",
    ] {
        assert!(arrived.header(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn what_is_different_is_so() {
    // Without credentials: the file is there, the profile is not.
    let server = judge().await;
    let without = recipe(2, &server).with_file("~/.aws/credentials", "[orders]\n");
    let refused = axum_gateway::server::start(
        without.config_without_listener(),
        axum_gateway::stats::Stats::new(),
    )
    .await;
    assert!(refused.is_err(), "what can never sign is said at the start");
    assert!(server.requests().is_empty());

    // A body over the limit.
    let limited = recipe(1, &server).with(
        "  - match: /orders\n",
        "  - match: /orders\n    body_limit: 17\n",
    );
    let answer = exchanged(limited.config_without_listener(), REQUEST).await;
    assert_eq!(answer.status(), 413);
    assert!(server.requests().is_empty());

    // An x-amz-* header that is allowed by name.
    let allowed = recipe(1, &server).with(
        "  - match: /orders\n",
        "  - match: /orders\n    headers: { allow: [x-amz-acl] }\n",
    );
    let answer = exchanged(allowed.config_without_listener(), REQUEST).await;
    assert_eq!((answer.status(), answer.body()), (200, "verified"));
    let signed = signed_headers(&server);
    assert!(signed.contains(&"x-amz-acl".to_owned()), "{signed:?}");
    secrets::assert_no_secret(&format!(
        "{:?}",
        recipe(1, &server).config_without_listener()
    ));
}
