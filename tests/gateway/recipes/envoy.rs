//! What `import-envoy` makes of Envoy's filter, and what is other than there.

use axum_gateway::config::Config;
use axum_gateway::config::envoy;
use axum_gateway::stats::RefusedBy;
use sigv4_tests::fake_aws::FakeSts;
use sigv4_tests::fake_aws::Script;
use sigv4_tests::fake_aws::Step;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::Answer;
use crate::fixture::connect;
use crate::fixture::exchange;
use crate::fixture::get;
use crate::fixture::listener;
use crate::fixture::start;
use crate::recipes::page::Recipe;
use crate::recipes::page::blocks;
use crate::recipes::page::judge;
use crate::recipes::page::signed_headers;
use crate::recipes::page::with_keys_of_the_environment;

const PAGE: &str = include_str!("../../../docs/recipes/envoy.md");

/// What the command of the page prints, with another upstream.
fn imported(upstream: &str) -> Recipe {
    let text = blocks(PAGE, "yaml")[0];
    assert!(text.starts_with("# envoy.yaml\n"));
    let imported = envoy::import_text(text, "envoy.yaml", Some(upstream)).unwrap();
    // What is said on standard error.
    let warnings = imported.warnings.join("\n");
    assert_eq!(imported.warnings.len(), 1, "{warnings}");
    assert!(warnings.contains("headers.allow"), "{warnings}");
    Recipe::of_text(&imported.yaml)
}

fn config(recipe: &Recipe) -> Config {
    with_keys_of_the_environment(recipe.config_without_listener())
}

const LINES: &str = "Authorization: Bearer of-the-client\r\n\
    X-Amz-Security-Token: of-the-client\r\n\
    X-Amz-Acl: public-read\r\n\
    X-Amzn-Trace-Id: Root=1\r\n\
    X-Envoy-Internal: true\r\n\
    X-Forwarded-For: 203.0.113.7\r\n\
    X-Forwarded-Client-Cert: By=x\r\n\
    X-Tenant: acme\r\n";

async fn answered(recipe: &Recipe, target: &str) -> Answer {
    get(&start(config(recipe)).await, target, LINES).await
}

#[tokio::test]
async fn what_is_imported_runs() {
    let server = judge().await;
    let recipe = imported(&server.url());
    let gateway = start(config(&recipe)).await;
    let request = format!(
        "PUT /a%20b@c HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{LINES}\
         Content-Length: 5\r\n\r\nhello"
    );
    let answer = exchange(connect(&gateway).await, &request).await;
    assert_eq!((answer.status(), answer.body()), (200, "verified"));
    let arrived = server.only_request();
    // Sent and signed in one form.
    assert_eq!(arrived.target(), "/a%20b%40c");
    let hash = arrived.header("x-amz-content-sha256");
    assert_eq!(hash.as_deref(), Some("UNSIGNED-PAYLOAD"));
    // Not what is excluded, by the message or by Envoy.
    assert_eq!(
        signed_headers(&server),
        ["host", "x-amz-content-sha256", "x-amz-date", "x-tenant"]
    );
    for name in ["x-amz-acl", "x-amz-security-token"] {
        assert_eq!(arrived.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn parameters_of_a_client_are_replaced() {
    let server = judge().await;
    let target = "/key?X-Amz-Expires=99999&X-Amz-Date=20200101T000000Z&versionId=1";
    assert_eq!(
        answered(&imported(&server.url()), target).await.status(),
        200
    );
    assert_eq!(server.only_request().target(), "/key?versionId=1");
}

#[tokio::test]
async fn headers_are_allowed_by_name() {
    let server = judge().await;
    let recipe =
        imported(&server.url()).with("    sign: all\n", "    sign: all\n    allow: [x-amz-acl]\n");
    assert_eq!(answered(&recipe, "/key").await.status(), 200);
    assert_eq!(
        signed_headers(&server),
        [
            "host",
            "x-amz-acl",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-tenant"
        ]
    );
}

#[tokio::test]
async fn fewer_headers_are_signed_without_that_line() {
    let server = judge().await;
    let recipe = imported(&server.url()).with("    sign: all\n", "");
    assert_eq!(answered(&recipe, "/key").await.status(), 200);
    let signed = signed_headers(&server);
    assert_eq!(signed, ["host", "x-amz-content-sha256", "x-amz-date"]);
}

#[tokio::test]
async fn signatures_in_the_query_hold_as_long_as_is_said() {
    let server = judge().await;
    let recipe = imported(&server.url());
    let in_query = recipe.with("  headers:\n", "  placement: query\n  headers:\n");
    assert_eq!(answered(&in_query, "/key").await.status(), 200);
    let query = server.only_request().query().unwrap();
    assert!(query.contains("X-Amz-Expires=60&"), "{query}");

    // Envoy's own five seconds are kept where its message is imported.
    let message = "service_name: s3\nregion: us-west-2\nquery_string: {}\n";
    let imported = envoy::import_text(message, "envoy.yaml", Some(&server.url())).unwrap();
    let recipe = Recipe::of_text(&imported.yaml);
    assert_eq!(answered(&recipe, "/key").await.status(), 200);
    let query = server.requests()[1].query().unwrap();
    assert!(query.contains("X-Amz-Expires=5&"), "{query}");
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let (server, sts) = (judge().await, FakeSts::start().await);
    sts.answer_with(Script::always(Step::SERVER_ERROR));
    let source = format!(
        "  credentials:\n    type: assume_role\n    role_arn: arn:aws:iam::123456789012:role/a\n    \
         region: us-west-2\n    endpoint: {}\n    source: {{ type: static, access_key_id: \
         AKIDEXAMPLE, secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY }}\n  headers:\n",
        sts.url()
    );
    let recipe = imported(&server.url()).with("  headers:\n", &source);
    let mut config = recipe.config();
    config.listeners = vec![listener()];
    let answer = get(&start(config).await, "/key", LINES).await;
    assert_eq!(answer.status(), 503, "{answer:?}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_signature_that_aws_refuses_is_counted_with_its_cause() {
    let body = "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code></Error>";
    let server = WireServer::start(move |_| WireResponse::new(403).body(body)).await;
    let gateway = start(config(&imported(&server.url()))).await;
    let answer = get(&gateway, "/key", LINES).await;
    assert_eq!((answer.status(), answer.body()), (403, body));
    let latest = gateway.state().stats.latest();
    let RefusedBy::Aws { code, cause, .. } = &latest[0].by else {
        unreachable!("AWS refused it: {latest:?}");
    };
    let code = code.as_ref().map(|code| code.as_str().to_owned());
    assert_eq!(code.as_deref(), Some("SignatureDoesNotMatch"));
    assert_eq!(*cause, "signature");
    let metrics = gateway.state().stats.encode().unwrap();
    assert!(
        metrics.contains("code=\"SignatureDoesNotMatch\"} 1"),
        "{metrics}"
    );
}
