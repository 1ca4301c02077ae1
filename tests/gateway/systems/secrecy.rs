//! Nothing that people read holds a secret, a signature or a URL that is one.

use std::fmt;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::Mutex;

use axum_gateway::callers::Callers;
use axum_gateway::config::Config;
use axum_gateway::stats::Stats;
use sha2::Digest;
use sha2::Sha256;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use tracing::Metadata;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing::span;

use super::send_only;
use super::with_body;
use crate::fixture::Answer;
use crate::fixture::Nobody;
use crate::fixture::exchange;
use crate::fixture::start;

const API_KEY: &str = "ApiKeyOfTheCallerThatMustNotLeak";
const BEARER: &str = "BearerOfTheCallerThatMustNotLeak";
const ADMIN: &str = "TokenOfTheAdminThatMustNotLeak";
const SET: &str = "ValueOfASetHeaderThatMustNotLeak";
const OF_CLIENT: &str = "TextOfTheClientThatMustNotLeak";

/// Writes down what `tracing` is told on every level, by the gateway and by the libraries below it.
#[derive(Clone, Debug, Default)]
struct Scribe {
    text: Arc<Mutex<String>>,
}

impl Subscriber for Scribe {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // What others say does not get into the log of the program.
        metadata.target() == "gateway" || metadata.target().starts_with("sigv4")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Pen(&mut self.text.lock().unwrap()));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Pen(&mut self.text.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Pen(&mut self.text.lock().unwrap()));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Pen<'a>(&'a mut String);

impl Visit for Pen<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        writeln!(self.0, "{field}={value:?}").unwrap();
    }
}

fn config(upstream: &str, nowhere: &str) -> Config {
    let text = format!(
        "listeners: [{{ tcp: '127.0.0.1:0', anonymous: true }}]
admin: {{ tcp: '127.0.0.1:0', token: {ADMIN} }}
callers:
  - {{ name: apim, header: {{ name: x-key, value: {API_KEY} }} }}
  - {{ name: batch, bearer: {BEARER} }}
credentials:
  main: {{ type: static, access_key_id: {id}, secret_access_key: '{key}', session_token: '{token}' }}
log: {{ requests: all }}
routes:
  - {{ name: headers, match: /headers, upstream: '{upstream}', service: s3, region: us-east-1, credentials: main, headers: {{ set: {{ x-origin-key: {SET} }} }} }}
  - {{ name: query, match: /query, upstream: '{upstream}', service: s3, region: us-east-1, credentials: main, placement: query }}
  - {{ name: away, match: /away, upstream: '{nowhere}', service: s3, region: us-east-1, credentials: main, placement: query }}
  - {{ name: inline, match: /inline, upstream: '{upstream}', region: us-east-1, service: s3, credentials: {{ type: static, access_key_id: {id}, secret_access_key: '{key}' }} }}
",
        id = secrets::ACCESS_KEY_ID,
        key = secrets::SECRET_ACCESS_KEY,
        token = secrets::SESSION_TOKEN,
    );
    Config::parse(&text, "gateway.yaml").unwrap_or_else(|errors| panic!("{errors}"))
}

/// Says no to what ends so, and repeats all that it knows.
fn answer(request: &sigv4_tests::wire::WireRequest) -> WireResponse {
    let path = request.path();
    if path.ends_with("/refused") {
        let body = format!(
            "<Error><Code>SignatureDoesNotMatch</Code><Message>{}</Message></Error>",
            request.target().replace('&', "&amp;")
        );
        return WireResponse::new(403)
            .header("content-type", "application/xml")
            .body(body);
    }
    if path.ends_with("/json") {
        let body = format!("{{\"__type\":\"a#SomeException\",\"message\":\"{OF_CLIENT}\"}}");
        return WireResponse::new(400).body(body);
    }
    WireResponse::new(200)
}

#[track_caller]
fn assert_clean(name: &str, text: &str, signatures: &[String]) {
    let signatures: Vec<&str> = signatures.iter().map(String::as_str).collect();
    secrets::assert_no_secret_nor(text, &signatures);
    for secret in [API_KEY, BEARER, ADMIN, SET, OF_CLIENT] {
        assert!(!text.contains(secret), "{name} shows {secret}:\n{text}");
        // As a derived `Debug` shows bytes.
        let octets: Vec<_> = secret
            .bytes()
            .take(8)
            .map(|octet| octet.to_string())
            .collect();
        assert!(
            !text.contains(&octets.join(", ")),
            "{name} shows {secret}:\n{text}"
        );
    }
    for part in [
        "X-Amz-Signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "Signature=",
    ] {
        assert!(!text.contains(part), "{name} shows {part}:\n{text}");
    }
}

#[tokio::test]
async fn no_text_for_people_shows_a_secret_or_a_signed_url() {
    let scribe = Scribe::default();
    let guard = tracing::subscriber::set_default(scribe.clone());
    let server = WireServer::start(answer).await;
    let nobody = Nobody::new();
    let nowhere = nobody.url();
    let config = config(&server.url(), &nowhere);
    let shown = config.to_string();
    let debugged = format!("{config:?}\n{config:#?}");
    let gateway = start(config).await;
    let lines = [
        String::new(),
        format!("X-Key: {API_KEY}\r\n"),
        format!("Authorization: Bearer {BEARER}\r\n"),
        format!("Authorization: Bearer {OF_CLIENT}\r\n"),
        format!("X-Key: {OF_CLIENT}\r\n"),
        format!("Cookie: a={OF_CLIENT}\r\nX-Amz-Security-Token: {OF_CLIENT}\r\n"),
        format!("X-Bad: {OF_CLIENT}\u{e9}\r\n"),
        format!("Content-Type: {OF_CLIENT}\r\nContent-Type: {OF_CLIENT}\r\n"),
        format!("X-Amz-Content-Sha256: STREAMING-{OF_CLIENT}\r\n"),
        format!("X-Request-Id: {OF_CLIENT}/\r\n"),
    ];
    let mut answers = Vec::new();
    for route in ["headers", "query", "away", "inline", "nowhere"] {
        for path in ["fine", "refused", "json", OF_CLIENT, "a//b", "a/../b"] {
            for lines in &lines {
                let line =
                    format!("POST /{route}/{path}?q={OF_CLIENT}&X-Amz-Signature={OF_CLIENT}");
                let body = format!("body {OF_CLIENT}");
                answers.push(send_only(&gateway, with_body(&line, lines, body.as_bytes())).await);
            }
        }
    }
    let line = format!("{OF_CLIENT} /headers/x");
    answers.push(send_only(&gateway, with_body(&line, "", b"")).await);
    gateway.reload_failed("gateway.yaml:1:1: no");
    let signatures: Vec<String> = server
        .requests()
        .iter()
        .map(super::head)
        .filter_map(|head| {
            let place = head.find("Signature=")? + "Signature=".len();
            head.get(place..place + 64).map(str::to_owned)
        })
        .collect();
    assert!(signatures.len() > 50, "{}", signatures.len());

    let state = gateway.state();
    assert_clean("check-config", &shown, &signatures);
    assert_clean("Debug of the configuration", &debugged, &signatures);
    assert_clean(
        "Debug of the state",
        &format!("{state:?}\n{state:#?}"),
        &signatures,
    );
    assert_clean(
        "Debug of the gateway",
        &format!("{gateway:?}\n{gateway:#?}"),
        &signatures,
    );
    let stats: &Stats = &state.stats;
    assert_clean(
        "Debug of the counters",
        &format!("{stats:?}{:?}", stats.latest()),
        &signatures,
    );
    assert_clean("metrics", &stats.encode().unwrap(), &signatures);
    let serving = state.serving.load();
    let callers = Callers::new(&serving.config.callers, &serving.config.routes);
    let shown = format!("{callers:?}");
    assert_clean("Debug of the callers", &shown, &signatures);
    // Nor what a short key could be guessed by.
    let digest = Sha256::digest(API_KEY);
    let octets: Vec<_> = digest.iter().take(4).map(u8::to_string).collect();
    assert!(!shown.contains(&octets.join(", ")), "{shown}");
    for route in &serving.config.routes {
        assert_clean("Debug of a route", &format!("{route:?}"), &signatures);
    }
    for cache in &serving.credentials {
        assert_clean("Debug of credentials", &format!("{cache:?}"), &signatures);
    }
    for path in ["/", "/healthz", "/readyz", "/metrics", "/nowhere"] {
        let answer = admin(&gateway, path).await;
        assert_clean(path, &answer.0, &signatures);
    }
    assert!(
        admin(&gateway, "/")
            .await
            .0
            .contains("SignatureDoesNotMatch")
    );
    // What the gateway itself answers; what an upstream says passes unchanged.
    let own = answers
        .iter()
        .filter(|answer| answer.header("content-type") == Some("text/plain; charset=utf-8"));
    let mut count = 0;
    for answer in own {
        assert_clean("an answer", &answer.0, &signatures);
        count += 1;
    }
    assert!(count > 50, "{count}");
    drop(gateway);
    drop(guard);
    let log = scribe.text.lock().unwrap().clone();
    assert!(
        log.contains("route=\"query\"") && log.contains("SignatureDoesNotMatch"),
        "{log}"
    );
    assert!(log.contains("reason=\"upstream_unreachable\""), "{log}");
    assert_clean("the log", &log, &signatures);
}

async fn admin(gateway: &axum_gateway::server::Running, path: &str) -> Answer {
    let address = gateway.admin_address().unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN}\r\n\
         Connection: close\r\n\r\n"
    );
    exchange(stream, &request).await
}
