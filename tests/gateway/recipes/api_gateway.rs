//! A client with a fixed header, and an API behind API Gateway.

use axum_gateway::server::Running;
use sigv4_tests::fake_aws::FakeSts;
use sigv4_tests::fake_aws::Handout;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireServer;
use tokio_rustls::TlsConnector;

use crate::fixture::Answer;
use crate::fixture::exchange;
use crate::fixture::start;
use crate::recipes::page::Recipe;
use crate::recipes::page::assert_none_arrived;
use crate::recipes::page::judge_of;
use crate::recipes::page::verify;
use crate::tls::certificate;
use crate::tls::client;
use crate::tls::dial;
use crate::tls::issuer;

const PAGE: &str = include_str!("../../../docs/recipes/api-gateway.md");
const TOKEN: &str = "token-of-the-logic-app";

struct Recited {
    gateway: Running,
    client: TlsConnector,
    api: WireServer,
    sts: FakeSts,
    role: Handout,
    _recipe: Recipe,
}

async fn recited() -> Recited {
    let (sts, role) = (FakeSts::start().await, Handout::new("orders-caller"));
    let api = judge_of(role.secret_access_key()).await;
    let ca = issuer("ca");
    let (chain, key) = certificate(&ca, "gateway.internal");
    let upstream = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com";
    let recipe = Recipe::of_page(PAGE, 0)
        .with("0.0.0.0:8443", "127.0.0.1:0")
        .with_file("/etc/gateway/tls.pem", &chain)
        .with_file("/etc/gateway/tls.key", &key)
        .with_secret("env:LOGIC_APP_TOKEN", TOKEN)
        .with_secret("env:AWS_ID", secrets::ACCESS_KEY_ID)
        .with_secret("env:AWS_SECRET", secrets::SECRET_ACCESS_KEY)
        .with(
            "session_name: gateway",
            &format!("session_name: gateway\n    endpoint: {}", sts.url()),
        )
        .with(upstream, &api.url());
    Recited {
        gateway: start(recipe.config()).await,
        client: client(&ca, None, &[]),
        api,
        sts,
        role,
        _recipe: recipe,
    }
}

impl Recited {
    async fn send(&self, request: &str) -> Answer {
        exchange(dial(&self.gateway, &self.client).await.unwrap(), request).await
    }
}

/// As the action *HTTP* of a Logic App sends it.
fn request(path: &str, authorization: &str) -> String {
    let body = r#"{"id":"4711","note":"für Anna"}"#;
    format!(
        "POST {path} HTTP/1.1\r\n\
         Host: gateway.example.com:8443\r\n\
         Connection: close\r\n\
         {authorization}\
         User-Agent: azure-logic-apps/1.0,(workflow 0123456789abcdef0123456789abcdef; version 08585)\r\n\
         x-ms-workflow-id: 0123456789abcdef0123456789abcdef\r\n\
         x-ms-client-tracking-id: 08585000000000000000\r\n\
         Content-Type: application/json; charset=utf-8\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn the_role_signs_for_the_stage_and_the_token_stays() {
    let it = recited().await;
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    for (path, sent) in [
        ("/orders/4711", "/prod/4711"),
        ("/orders/a%20b/c?x=1&x=%2B", "/prod/a%20b/c?x=%2B&x=1"),
        ("/orders", "/prod"),
    ] {
        let answer = it.send(&request(path, &bearer)).await;
        assert_eq!(
            (answer.status(), answer.body()),
            (200, "verified"),
            "{path}"
        );
        let arrived = it.api.requests().pop().unwrap();
        assert_eq!(arrived.target(), sent);
        let verified = verify(&arrived, it.role.secret_access_key()).unwrap();
        let scope = (&*verified.service, &*verified.region);
        assert_eq!(scope, ("execute-api", "eu-west-1"));
        assert_eq!(verified.access_key_id, it.role.access_key_id());
        assert_eq!(verified.token.as_deref(), Some(it.role.session_token()));
    }
    assert_none_arrived(&it.api, &[TOKEN, "bearer"]);

    let asked = it.sts.requests();
    assert_eq!(asked.len(), 1, "the role is assumed once");
    let form = |name| asked[0].form(name);
    let role = "arn:aws:iam::123456789012:role/orders-caller";
    assert_eq!(form("RoleArn").as_deref(), Some(role));
    assert_eq!(form("RoleSessionName").as_deref(), Some("gateway"));
    let authorization = asked[0].header("authorization").unwrap();
    assert!(
        authorization.contains("/eu-west-1/sts/aws4_request"),
        "{authorization}"
    );
}

#[tokio::test]
async fn others_are_refused() {
    let it = recited().await;
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    for (name, path, authorization, expected) in [
        ("no token", "/orders/1", "", 401),
        (
            "another token",
            "/orders/1",
            "Authorization: Bearer other\r\n",
            401,
        ),
        (
            "another scheme",
            "/orders/1",
            "Authorization: Basic dXNlcjpwYXNz\r\n",
            401,
        ),
        ("another path", "/invoices/1", &bearer, 404),
    ] {
        let answer = it.send(&request(path, authorization)).await;
        assert_eq!(answer.status(), expected, "{name}: {answer:?}");
    }
    assert!(it.api.requests().is_empty());
}
