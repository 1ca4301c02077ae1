use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;

use aws_credential_types::Credentials as Provided;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use http::HeaderMap;
use http::HeaderValue;
use serde_json::Value;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::secrets;

use super::*;
use crate::config::Config;

#[tokio::test]
async fn lines_hold_their_fields_and_no_secret() {
    let json = captured(true, every_line).await;
    let known = BTreeSet::from([
        "address",
        "advice",
        "cause",
        "code",
        "connections",
        "credentials",
        "error",
        "failures",
        "generation",
        "level",
        "message",
        "method",
        "reason",
        "request_id",
        "route",
        "routes",
        "status",
        "timestamp",
        "took_ms",
    ]);
    let mut seen = BTreeSet::new();
    for line in json.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        seen.extend(line.as_object().unwrap().keys().cloned());
    }
    let seen: BTreeSet<&str> = seen.iter().map(String::as_str).collect();
    assert_eq!(seen, known);
    secrets::assert_no_secret(&json);

    let text = captured(false, every_line).await;
    assert!(text.lines().count() == 12, "{text}");
    secrets::assert_no_secret(&text);
}

#[tokio::test]
async fn a_line_stays_a_line() {
    let hostile = Hostile("a\nb\u{1b}[31mc\r\n2026-01-01 INFO forged".to_owned());
    for is_json in [true, false] {
        let lines = captured(is_json, async || {
            connection_failed("127.0.0.1:8080", "tls", &hostile);
            reload_failed(&hostile.0);
        });
        let lines = lines.await;
        assert_eq!(lines.lines().count(), 2, "{lines}");
        assert!(!lines.contains('\u{1b}'), "{lines}");
    }
    let long = Hostile("é".repeat(5000));
    assert_eq!(chain(&long).chars().count(), LONGEST_ERROR);
}

#[tokio::test]
async fn what_libraries_say_is_left_out() {
    let lines = captured(false, async || {
        tracing::error!(target: "hyper::proto", "GET /?X-Amz-Signature=abc");
        tracing::error!(target: "gateway_of_somebody_else", "x");
        draining(1);
    });
    let lines = lines.await;
    assert_eq!(lines.lines().count(), 1, "{lines}");
}

#[tokio::test]
async fn requests_have_the_lines_that_were_asked_for() {
    for (which, expected) in [
        (LogRequests::All, 3),
        (LogRequests::Refused, 2),
        (LogRequests::None, 0),
    ] {
        let lines = captured(true, async || three_requests(which)).await;
        assert_eq!(lines.lines().count(), expected, "{which:?}: {lines}");
    }
}

#[tokio::test]
async fn a_method_that_is_a_text_of_the_client_is_not_written() {
    let method = Method::from_bytes(b"AKIDEXAMPLE").unwrap();
    let lines = captured(true, async || {
        forwarded(LogRequests::All, &answered(&RequestId::random(), &method));
    });
    assert!(lines.await.contains("\"method\":\"other\""));
}

/// Has every line written, about requests that are as secret as they can be.
async fn every_line() {
    three_requests(LogRequests::All);
    for source in [Source::Once, Source::Never] {
        let hook = |event: &CredentialsEvent| credentials("main", event);
        let cache = CredentialsCache::builder(source).on_event(hook).build();
        let _ = cache.get().await;
    }
    listening("127.0.0.1:8080");
    connection_failed(
        "127.0.0.1:8080",
        "tls",
        &Hostile("bad certificate".to_owned()),
    );
    reloaded(3, Some("log.format changes with a restart only"));
    reload_failed("gateway.yaml:3:5: routes[0].upstream: must be a URL");
    draining(2);
    ended(0);
    let plain = "admin: { tcp: '0.0.0.0:1', token: 0123456789abcdef }\n\
                 routes: [{ upstream: 'https://a.example', service: s, region: r }]";
    let config = Config::parse(plain, "gateway.yaml").unwrap();
    config.warnings().iter().for_each(warned);
    // Those of refused credentials and of another identity have nothing but fixed words in them.
}

fn three_requests(which: LogRequests) {
    let mut headers = HeaderMap::new();
    let secret = HeaderValue::from_static(secrets::SECRET_ACCESS_KEY);
    headers.insert(RequestId::HEADER, secret);
    let id = RequestId::of(&headers);
    let line = answered(&id, &Method::GET);
    forwarded(which, &line);
    rejected(
        which,
        &line,
        "no_route",
        Some(&Hostile("no route".to_owned())),
    );
    // The message of AWS repeats the token and the canonical request.
    let body = format!(
        "<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>x-amz-security-token:{}\
         </CanonicalRequest></Error>",
        secrets::SESSION_TOKEN
    );
    let refusal = AwsRefusal::read(StatusCode::FORBIDDEN, &HeaderMap::new(), body.as_bytes());
    refused(which, &id, "bedrock", &refusal.unwrap());
}

fn answered<'a>(request_id: &'a RequestId, method: &'a Method) -> Answered<'a> {
    Answered {
        request_id,
        route: "bedrock",
        method,
        status: StatusCode::OK,
        took: Duration::from_millis(12),
    }
}

/// Runs something, and returns the lines that it wrote.
async fn captured(is_json: bool, run: impl AsyncFnOnce()) -> String {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let writer = move || Lines(sink.clone());
    let guard = if is_json {
        tracing::subscriber::set_default(json(writer))
    } else {
        tracing::subscriber::set_default(text(writer))
    };
    run().await;
    // What runs in tasks has happened before the runtime of the test is idle.
    tokio::task::yield_now().await;
    drop(guard);
    let lines = lines.lock().unwrap();
    String::from_utf8(lines.clone()).unwrap()
}

struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct Hostile(String);

impl Display for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Hostile {}

#[derive(Debug)]
enum Source {
    Once,
    Never,
}

impl ProvideCredentials for Source {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(match self {
            Self::Once => Ok(Provided::new(
                secrets::ACCESS_KEY_ID,
                secrets::SECRET_ACCESS_KEY,
                Some(secrets::SESSION_TOKEN.to_owned()),
                None,
                "test",
            )),
            Self::Never => Err(CredentialsError::provider_error("STS answered 503")),
        })
    }
}
