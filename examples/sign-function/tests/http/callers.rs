//! Who may call.

use http::StatusCode;
use serde_json::json;
use sign_function::config::Config;
use sign_function::server;
use sign_function::server::Front;
use sign_function::server::Patience;

use crate::fixture::KEY;
use crate::fixture::OTHER_KEY;
use crate::fixture::Served;
use crate::fixture::config;
use crate::fixture::credentials;
use crate::fixture::request;
use crate::fixture::send;

#[tokio::test]
async fn knows_callers_by_their_keys() {
    let served = Served::start(&config()).await;
    let (known, unknown) = (StatusCode::OK, StatusCode::UNAUTHORIZED);
    let bearer = format!("Bearer {KEY}");
    let half = format!("Bearer {}", &KEY[..KEY.len() - 1]);
    let more = format!("Bearer {KEY}x");
    for (name, headers, status) in [
        ("nothing", &[][..], unknown),
        ("a token", &[("authorization", &*bearer)], known),
        ("a key", &[("x-api-key", KEY)], known),
        (
            "a key with blanks",
            &[("x-api-key", " the-key-of-the-workflow ")],
            known,
        ),
        ("half of it", &[("authorization", &*half)], unknown),
        ("more than it", &[("authorization", &*more)], unknown),
        ("nobody's", &[("x-api-key", "the-key-of-nobody")], unknown),
        ("an empty one", &[("x-api-key", "")], unknown),
        ("an empty token", &[("authorization", "Bearer ")], unknown),
        (
            "the key without a scheme",
            &[("authorization", KEY)],
            unknown,
        ),
        (
            "another scheme",
            &[("authorization", "Basic dGhlOmtleQ==")],
            unknown,
        ),
        (
            "a key beside somebody's token",
            &[("authorization", "Bearer x"), ("x-api-key", KEY)],
            known,
        ),
        (
            "a wrong key beside a token",
            &[("authorization", &*bearer), ("x-api-key", "x")],
            unknown,
        ),
        (
            "two keys",
            &[("x-api-key", KEY), ("x-api-key", KEY)],
            unknown,
        ),
        (
            "two tokens",
            &[("authorization", &*bearer), ("authorization", &*bearer)],
            unknown,
        ),
        (
            "a key in the body of others",
            &[("x-functions-key", KEY)],
            unknown,
        ),
    ] {
        let mut asked = served.post("/sign").json(&request());
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        let answer = send(asked).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.json);
        if status == unknown {
            assert_eq!(answer.headers["www-authenticate"], "Bearer", "{name}");
            assert_eq!(answer.json["field"], "authorization", "{name}");
            assert!(!answer.json.to_string().contains(KEY), "{name}");
        }
    }
}

#[tokio::test]
async fn refuses_who_is_unknown_before_reading_what_he_sends() {
    let served = Served::start(&config()).await;
    let stranger = send(served.post("/sign").body("{")).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn lets_anyone_of_this_machine_call_where_that_is_configured() {
    let anyone = format!(
        "listen: 127.0.0.1:0
anyone:
  services: [execute-api]
  regions: [eu-west-1]
  hosts: [api.example.com]
  methods: [GET]
callers:
  - name: other
    key: {OTHER_KEY}
    allow: {{ services: [s3], regions: ['*'], hosts: [s3.amazonaws.com], methods: ['*'] }}
{}",
        credentials()
    );
    let served = Served::start(&anyone).await;
    let there = format!("rebound.example:{}", served.address().port());
    for (name, headers, status) in [
        ("without a key", &[][..], StatusCode::OK),
        (
            "with his own key",
            &[("x-api-key", OTHER_KEY)],
            StatusCode::FORBIDDEN,
        ),
        (
            "with nobody's key",
            &[("x-api-key", "x")],
            StatusCode::UNAUTHORIZED,
        ),
        (
            "a page",
            &[("origin", "https://page.example")],
            StatusCode::FORBIDDEN,
        ),
        (
            "a page of its own",
            &[("sec-fetch-site", "same-origin")],
            StatusCode::FORBIDDEN,
        ),
        (
            "another name for this machine",
            &[("host", &*there)],
            StatusCode::MISDIRECTED_REQUEST,
        ),
    ] {
        let mut asked = served.post("/sign").json(&request());
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        let answer = send(asked).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.json);
    }
    let mut other = request();
    other["method"] = json!("POST");
    let answer = send(served.post("/sign").json(&other)).await;
    assert_eq!(answer.json["field"], "method", "anyone has a list, too");
}

#[tokio::test]
async fn keeps_pages_out_that_know_a_key() {
    let served = Served::start(&config()).await;
    let asked = served.post("/sign").bearer_auth(KEY).json(&request());
    let answer = send(asked.header("origin", "https://page.example")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.json["field"], "origin");
}

#[tokio::test]
async fn asks_for_keys_beyond_this_machine() {
    let text = "listen: 0.0.0.0:0
anyone: { services: ['*'], regions: ['*'], hosts: [api.example.com], methods: ['*'] }";
    let config = Config::parse(text, "test.yaml").unwrap();
    let error = server::start(&config, Front::Nobody, Patience::default()).await;
    let error = std::error::Error::source(&error.unwrap_err())
        .unwrap()
        .to_string();
    assert!(error.contains("give each caller a key"), "{error}");
}
