//! A workflow that cannot sign calls an API behind AWS_IAM: with the credentials of a role that it
//! never sees.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use http::StatusCode;
use local_aws::LocalAws;
use serde_json::json;
use sigv4_tests::fake_aws::Handout;
use sigv4_tests::secrets;

use crate::fixture::KEY;
use crate::fixture::Served;
use crate::fixture::client;
use crate::fixture::send;

fn config(aws: &LocalAws) -> String {
    format!(
        "listen: 127.0.0.1:0
callers:
  - name: orders-workflow
    key: {KEY}
    allow:
      services: [execute-api]
      regions: [eu-west-1]
      hosts: ['{host}']
      methods: [GET, POST]
credentials:
  type: assume_role
  account_id: '123456789012'
  role_name: orders-caller
  session_name: sign-function
  region: eu-west-1
  endpoint: {sts}
  source:
    type: static
    access_key_id: {id}
    secret_access_key: {secret}
",
        host = aws.url().trim_start_matches("http://"),
        sts = aws.sts().url(),
        id = secrets::ACCESS_KEY_ID,
        secret = secrets::SECRET_ACCESS_KEY,
    )
}

/// The two actions of a workflow: *HTTP + Swagger*, whose fields come from the description, and
/// *HTTP*, with the URL and the headers of the first one's answer.
async fn call(served: &Served, method: &str, url: &str, body: &str) -> (StatusCode, String) {
    let mut request = json!({
        "method": method, "url": url, "service": "execute-api", "region": "eu-west-1",
    });
    if !body.is_empty() {
        request["body"] = json!(body);
        request["headers"] = json!([["content-type", "application/json"]]);
    }
    let signed = send(served.post("/sign").header("x-api-key", KEY).json(&request)).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.json);
    let mut action = client().request(
        method.parse().unwrap(),
        signed.json["url"].as_str().unwrap(),
    );
    for (name, value) in signed.json["headers_by_name"].as_object().unwrap() {
        action = action.header(name, value.as_str().unwrap());
    }
    if !body.is_empty() {
        action = action.header("content-type", "application/json");
    }
    let answer = action.body(body.to_owned()).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn calls_an_api_with_the_credentials_of_a_role() {
    let aws = LocalAws::start().await.unwrap();
    aws.trust(&Handout::new("orders-caller"));
    let served = Served::start(&config(&aws)).await;
    let orders = format!("{}/prod/orders", aws.url());
    for (name, method, url, body) in [
        (
            "a query",
            "GET",
            format!("{orders}?limit=2&after=a%2Fb&empty="),
            "",
        ),
        ("a path", "GET", format!("{orders}/a%20b/%C3%BC"), ""),
        (
            "a body",
            "POST",
            orders.clone(),
            r#"{"item": "pen", "count": 2}"#,
        ),
    ] {
        let (status, text) = call(&served, method, &url, body).await;
        assert!(status.is_success(), "{name}: {status} {text}");
        let seen = aws.seen().pop().unwrap();
        assert_eq!(seen.refused, None, "{name}");
        let authorization = seen.headers["authorization"].to_str().unwrap();
        let id = Handout::new("orders-caller").access_key_id().to_owned();
        assert!(
            authorization.contains(&format!("Credential={id}/")),
            "{name}"
        );
        assert!(seen.headers.contains_key("x-amz-security-token"), "{name}");
    }
    assert_eq!(aws.sts().requests().len(), 1, "the role is assumed once");
    let assumed = aws.sts().requests().remove(0);
    assert_eq!(
        assumed.form("RoleArn").unwrap(),
        "arn:aws:iam::123456789012:role/orders-caller"
    );
}

#[tokio::test]
async fn says_when_the_role_cannot_be_assumed() {
    let aws = LocalAws::start().await.unwrap();
    aws.sts().require_external_id("tenant-7");
    let served = Served::start(&config(&aws)).await;
    let request = json!({
        "method": "GET", "url": format!("{}/x", aws.url()), "service": "execute-api",
        "region": "eu-west-1",
    });
    let answer = send(served.post("/sign").header("x-api-key", KEY).json(&request)).await;
    assert_eq!(
        answer.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{}",
        answer.json
    );
    assert!(answer.headers.contains_key("retry-after"));
}
