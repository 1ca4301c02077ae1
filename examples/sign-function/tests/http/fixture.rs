//! A server, and a client without any knowledge of signatures.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use serde_json::json;
use sign_function::config::Config;
use sign_function::server;
use sign_function::server::Front;
use sign_function::server::Patience;
use sign_function::server::Running;
use sigv4_tests::secrets;

pub(crate) const KEY: &str = "the-key-of-the-workflow";
pub(crate) const OTHER_KEY: &str = "the-key-of-somebody-else";

/// Two callers, and what is signed with.
pub(crate) fn config() -> String {
    format!(
        "listen: 127.0.0.1:0
callers:
  - name: workflow
    key: {KEY}
    allow:
      services: [execute-api, sqs]
      regions: [eu-west-1, us-east-1]
      hosts: [api.example.com, '*.execute-api.eu-west-1.amazonaws.com', '127.0.0.1:8443']
      methods: [GET, POST]
  - name: other
    key: {OTHER_KEY}
    allow:
      services: [s3]
      regions: ['*']
      hosts: ['*.s3.us-east-1.amazonaws.com']
      methods: ['*']
{}",
        credentials()
    )
}

pub(crate) fn credentials() -> String {
    format!(
        "credentials:
  type: static
  access_key_id: {}
  secret_access_key: {}
",
        secrets::ACCESS_KEY_ID,
        secrets::SECRET_ACCESS_KEY
    )
}

/// What the workflow may have signed.
pub(crate) fn request() -> Value {
    json!({
        "id": "1",
        "method": "GET",
        "url": "https://api.example.com/prod/orders?limit=2",
        "service": "execute-api",
        "region": "eu-west-1",
    })
}

pub(crate) struct Served {
    pub(crate) running: Running,
    client: reqwest::Client,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) json: Value,
}

impl Served {
    pub(crate) async fn start(config: &str) -> Self {
        Self::start_behind(config, Front::Nobody).await
    }

    pub(crate) async fn start_behind(config: &str, front: Front) -> Self {
        let config = Config::parse(config, "test.yaml").unwrap();
        // Tests of its patience have their own; for all others it has as much as they need.
        let long = Duration::from_secs(600);
        let mut patience = Patience::default();
        (patience.head, patience.body, patience.answer) = (long, long, long);
        let running = server::start(&config, front, patience);
        let running = running.await.unwrap();
        let client = client();
        Self { running, client }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.address());
        self.client.post(url)
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.address());
        self.client.get(url)
    }

    /// Has a request signed with the key of the workflow.
    pub(crate) async fn sign(&self, request: &Value) -> Answer {
        send(self.post("/sign").bearer_auth(KEY).json(request)).await
    }
}

/// Makes a client like that of anybody.
pub(crate) fn client() -> reqwest::Client {
    // Fails where another test has done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let headers = answer.headers().clone();
    let text = answer.text().await.unwrap();
    let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer {
        status,
        headers,
        json,
    }
}

/// Returns a request in which some fields are others.
pub(crate) fn with(changes: Value) -> Value {
    let mut request = request();
    let (Value::Object(fields), Value::Object(changes)) = (&mut request, changes) else {
        unreachable!("both are objects");
    };
    fields.extend(changes);
    request
}
