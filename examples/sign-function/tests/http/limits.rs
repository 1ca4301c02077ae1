//! What is answered to requests that are too long, too late, or no requests.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use http::Method;
use http::StatusCode;
use serde_json::Value;
use serde_json::json;
use sigv4_tests::patience::soon;
use sigv4_tests::time;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::fixture::KEY;
use crate::fixture::Served;
use crate::fixture::config;
use crate::fixture::request;
use crate::fixture::send;
use crate::fixture::with;
use sign_function::config::Config;
use sign_function::server;
use sign_function::server::Front;
use sign_function::server::Patience;

#[tokio::test]
async fn names_the_field_that_is_at_fault() {
    let served = Served::start(&config()).await;
    let minutes = |minutes: i64| {
        let now = SystemTime::now();
        let distance = Duration::from_secs(minutes.unsigned_abs() * 60);
        let then = if minutes < 0 {
            now - distance
        } else {
            now + distance
        };
        with(json!({"time": time::format(then)}))
    };
    let link = |seconds: u64| with(json!({"placement": "query", "expires_in": seconds}));
    let own = json!({"access_key_id": "AKIDOWN", "secret_access_key": "own secret"});
    let (fine, bad) = (StatusCode::OK, StatusCode::BAD_REQUEST);
    for (name, request, status, field) in [
        ("a little early", minutes(-14), fine, ""),
        ("a little late", minutes(14), fine, ""),
        ("too early", minutes(-16), bad, "time"),
        ("too late", minutes(16), bad, "time"),
        ("a link", link(900), fine, ""),
        ("a long link", link(901), bad, "expires_in"),
        (
            "own credentials",
            with(json!({"credentials": own})),
            bad,
            "credentials",
        ),
        ("an unknown field", with(json!({"hosts": []})), bad, "hosts"),
        (
            "a wrong type",
            with(json!({"headers": {"a": "b"}})),
            bad,
            "headers",
        ),
        (
            "a wrong word",
            with(json!({"placement": "body"})),
            bad,
            "placement",
        ),
        (
            "two bodies",
            with(json!({"body": "", "body_base64": ""})),
            bad,
            "body_base64",
        ),
    ] {
        let answer = served.sign(&request).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.json);
        if status == bad {
            assert_eq!(answer.json["field"], field, "{name}: {}", answer.json);
            assert_eq!(answer.json["id"], "1", "{name}");
            assert!(answer.json["error"].is_string(), "{name}");
        }
        assert_eq!(answer.headers["content-type"], "application/json", "{name}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{name}");
    }
}

#[tokio::test]
async fn allows_what_is_configured() {
    let more = format!(
        "{}limits:
  time_window_seconds: 7200
  longest_link_seconds: 7200
  credentials_in_request: true
",
        config()
    );
    let served = Served::start(&more).await;
    let own = json!({"access_key_id": "AKIDOWN", "secret_access_key": "own secret"});
    let an_hour_ago = time::format(SystemTime::now() - Duration::from_secs(3600));
    for (name, request) in [
        ("time", with(json!({"time": an_hour_ago}))),
        (
            "a link",
            with(json!({"placement": "query", "expires_in": 7200})),
        ),
    ] {
        let answer = served.sign(&request).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.json);
    }
    let answer = served.sign(&with(json!({"credentials": own}))).await;
    let text = answer.json["headers"].to_string();
    assert!(text.contains("Credential=AKIDOWN/"), "{text}");
    let elsewhere = with(json!({"credentials": own, "url": "https://evil.example/"}));
    let answer = served.sign(&elsewhere).await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "the list holds all the same"
    );
}

#[tokio::test]
async fn answers_only_what_it_knows() {
    let small = format!("{}limits: {{ body_bytes: 1000 }}\n", config());
    let served = Served::start(&small).await;
    let long = with(json!({"body": "x".repeat(1001)}));
    let longer = with(json!({"body": "x".repeat(100_000)}));
    let text = request().to_string();
    for (name, method, path, kind, body, status, field) in [
        (
            "a request",
            Method::POST,
            "/sign",
            "application/json",
            &*text,
            200,
            "",
        ),
        (
            "with a charset",
            Method::POST,
            "/sign",
            "application/json; charset=utf-8",
            &*text,
            200,
            "",
        ),
        (
            "a form",
            Method::POST,
            "/sign",
            "application/x-www-form-urlencoded",
            &*text,
            415,
            "content-type",
        ),
        (
            "plain text",
            Method::POST,
            "/sign",
            "text/plain",
            &*text,
            415,
            "content-type",
        ),
        (
            "no JSON",
            Method::POST,
            "/sign",
            "application/json",
            "{",
            400,
            "request",
        ),
        (
            "nothing",
            Method::POST,
            "/sign",
            "application/json",
            "",
            400,
            "request",
        ),
        (
            "too long a body",
            Method::POST,
            "/sign",
            "application/json",
            &long.to_string(),
            400,
            "body",
        ),
        (
            "too long a request",
            Method::POST,
            "/sign",
            "application/json",
            &longer.to_string(),
            413,
            "body",
        ),
        (
            "another method",
            Method::GET,
            "/sign",
            "application/json",
            &*text,
            405,
            "method",
        ),
        (
            "another path",
            Method::POST,
            "/",
            "application/json",
            &*text,
            404,
            "path",
        ),
        (
            "the path of a function",
            Method::POST,
            "/api/sign",
            "application/json",
            &*text,
            404,
            "path",
        ),
    ] {
        let url = format!("http://{}{path}", served.address());
        let asked = crate::fixture::client().request(method, url);
        let asked = asked.bearer_auth(KEY).header("content-type", kind);
        let answer = send(asked.body(body.to_owned())).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.json);
        if !field.is_empty() {
            assert_eq!(answer.json["field"], field, "{name}: {}", answer.json);
        }
    }
    let health = send(served.get("/healthz")).await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(health.json, json!({"status": "ok"}));
}

/// A stream says no length before it is there.
#[tokio::test]
async fn stops_reading_what_grows_too_long() {
    let small = format!("{}limits: {{ body_bytes: 10 }}\n", config());
    let served = Served::start(&small).await;
    let mut stream = TcpStream::connect(served.address()).await.unwrap();
    let head = head("transfer-encoding: chunked");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let (mut read, mut write) = stream.split();
    let writing = async {
        // It ends as soon as nobody reads.
        while write.write_all(chunk.as_bytes()).await.is_ok() {}
        std::future::pending().await
    };
    let mut answer = vec![0; 12];
    let answered = async {
        tokio::select! {
            answered = read.read_exact(&mut answer) => answered,
            never = writing => never,
        }
    };
    soon("an answer comes", answered).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
}

fn head(more: &str) -> String {
    format!(
        "POST /sign HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/json\r\n{more}\r\n\r\n"
    )
}

#[tokio::test]
async fn does_not_wait_for_slow_clients() {
    let config = Config::parse(&config(), "test.yaml").unwrap();
    let mut patience = Patience::default();
    patience.head = Duration::from_millis(200);
    patience.body = Duration::from_millis(200);
    let running = server::start(&config, Front::Nobody, patience)
        .await
        .unwrap();
    let half = head("content-length: 100") + "{";
    for (name, sent, status) in [
        ("nothing is sent", String::new(), ""),
        ("half a head", head("x: y")[..30].to_owned(), ""),
        ("half a body", half, "HTTP/1.1 408"),
    ] {
        let mut stream = TcpStream::connect(running.address()).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let reading = stream.read_to_string(&mut answer);
        let ends = format!("{name}: the connection ends");
        soon(ends, reading).await.unwrap();
        assert!(answer.starts_with(status), "{name}: {answer}");
    }
}

/// Who asks again and again and reads nothing would hold his connection for ever.
#[tokio::test]
async fn does_not_wait_for_who_does_not_read() {
    let config = Config::parse(&config(), "test.yaml").unwrap();
    let mut patience = Patience::default();
    patience.answer = Duration::from_millis(200);
    let running = server::start(&config, Front::Nobody, patience)
        .await
        .unwrap();
    let mut stream = TcpStream::connect(running.address()).await.unwrap();
    let many = "GET /openapi.json HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".repeat(100);
    let writing = async { while stream.write_all(many.as_bytes()).await.is_ok() {} };
    soon("the connection ends", writing).await;
}

/// Each header held against each of many names would take dozens of times as long as the same names
/// beside a few headers, on whatever machine.
#[tokio::test(flavor = "multi_thread")]
async fn is_not_kept_busy_by_a_list_of_names() {
    let served = Served::start(&config()).await;
    let headers = |number| -> Vec<_> { (0..number).map(|at| (format!("h{at}"), "x")).collect() };
    for (name, listed, status) in [
        ("repeated", "host".to_owned(), StatusCode::OK),
        ("unknown", "h-".to_owned(), StatusCode::BAD_REQUEST),
    ] {
        let names = vec![listed; 100_000];
        // What else runs makes either of them longer, and never shorter: the shortest one counts.
        let mut times = [Duration::MAX; 2];
        for _ in 0..5 {
            for (shortest, number) in times.iter_mut().zip([3, 3000]) {
                let request = with(json!({"headers": headers(number), "sign_headers": names}));
                let begin = Instant::now();
                let answer = served.sign(&request).await;
                *shortest = begin.elapsed().min(*shortest);
                assert_eq!(answer.status, status, "{name}: {}", answer.json["error"]);
            }
        }
        assert!(times[1] < 5 * times[0], "{name}: {times:?}");
    }
}

#[tokio::test]
async fn signs_nothing_without_credentials() {
    let none = config();
    let end = none.find("credentials:").unwrap();
    let none = format!(
        "{}credentials:
  type: profile
  name: nobody
  config_file: /nonexistent/config
  credentials_file: /nonexistent/credentials
",
        &none[..end]
    );
    let served = Served::start(&none).await;
    let answer = served.sign(&request()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let wait: u64 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(wait > 0);
    assert_eq!(answer.json["field"], "request");
    let Value::Object(fields) = answer.json else {
        panic!("no object");
    };
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    assert_eq!(names, ["error", "field", "id"]);
}
