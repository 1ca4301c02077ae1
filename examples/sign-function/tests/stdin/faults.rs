//! What is wrong with a request is said with the field that it is wrong in, and without its value.

use serde_json::Value;
use serde_json::json;
use sigv4_tests::secrets;

use crate::program::answers;
use crate::program::output_of;

/// A request that is signed as it is.
fn request() -> Value {
    json!({
        "id": "the id",
        "method": "PUT",
        "url": "https://bucket.s3.amazonaws.com/key?list-type=2",
        "headers": [["Content-Type", "text/plain"], ["x-amz-acl", "private"]],
        "service": "s3",
        "region": "us-east-1",
        "credentials": {
            "access_key_id": secrets::ACCESS_KEY_ID,
            "secret_access_key": secrets::SECRET_ACCESS_KEY,
            "session_token": secrets::SESSION_TOKEN,
        },
    })
}

fn with(changes: &Value) -> String {
    let mut request = request();
    for (name, value) in changes.as_object().unwrap() {
        request[name] = value.clone();
    }
    request.to_string()
}

#[test]
fn the_request_of_the_rows_below_is_signed() {
    let answers = answers(&[request().to_string()]);
    assert_eq!(answers[0].get("error"), None, "{}", answers[0]);
}

#[test]
fn a_bad_value_is_named_by_its_field() {
    let secret = secrets::SECRET_ACCESS_KEY;
    let rows = [
        ("id that is an object", json!({"id": {"a": 1}}), "id"),
        ("id that is a list", json!({"id": [1]}), "id"),
        ("id that is a truth", json!({"id": true}), "id"),
        ("method that is missing", json!({"method": null}), "method"),
        ("method with a blank", json!({"method": "GET /"}), "method"),
        (
            "method in small letters",
            json!({"method": "get"}),
            "method",
        ),
        ("method of a tunnel", json!({"method": "CONNECT"}), "method"),
        ("url that is a list", json!({"url": []}), "url"),
        (
            "url without a scheme",
            json!({"url": "host.amazonaws.com/key"}),
            "url",
        ),
        ("url without a host", json!({"url": "https:///key"}), "url"),
        ("url that is a path", json!({"url": "/key"}), "url"),
        (
            "url of another scheme",
            json!({"url": "ftp://host/"}),
            "url",
        ),
        (
            "url with a blank",
            json!({"url": "https://host/a b"}),
            "url",
        ),
        (
            "url with a line break in its fragment",
            json!({"url": "https://host/#\r\nx: y"}),
            "url",
        ),
        (
            "url with a line break",
            json!({"url": "https://host/\n"}),
            "url",
        ),
        (
            "url with angle brackets",
            json!({"url": "https://host/<id>"}),
            "url",
        ),
        (
            "url with a user",
            json!({"url": format!("https://user:{secret}@host/")}),
            "url",
        ),
        (
            "url with a port that is none",
            json!({"url": "https://host:99999/"}),
            "url",
        ),
        (
            "url with an odd host",
            json!({"url": "https://host%2f/"}),
            "url",
        ),
        (
            "url with a backslash",
            json!({"url": "https://host\\@other/"}),
            "url",
        ),
        (
            "url with a host that is not ASCII",
            json!({"url": "https://höst/"}),
            "url",
        ),
        (
            "url that is signed",
            json!({"url": "https://host/?a=1&x-amz-signature=1"}),
            "url",
        ),
        (
            "url that is signed, in disguise",
            json!({"url": "https://host/?X%2dAmz-Date"}),
            "url",
        ),
        (
            "url that is signed, for a link",
            json!({"url": "https://host/?X-Amz-Expires=1", "placement": "query"}),
            "url",
        ),
        (
            "url that is too long",
            json!({"url": format!("https://host/{}", "a".repeat(65_535))}),
            "url",
        ),
        (
            "headers that are an object",
            json!({"headers": {"a": secret}}),
            "headers",
        ),
        (
            "header that is a string",
            json!({"headers": [["a", "b"], secret]}),
            "headers[1]",
        ),
        (
            "header without a value",
            json!({"headers": [["a"]]}),
            "headers[0]",
        ),
        (
            "header with two values",
            json!({"headers": [["a", "b", secret]]}),
            "headers[0]",
        ),
        (
            "name of a header that is null",
            json!({"headers": [[null, "b"]]}),
            "headers[0].name",
        ),
        (
            "name of a header with a colon",
            json!({"headers": [[":path", "b"]]}),
            "headers[0].name",
        ),
        (
            "name of a header that is empty",
            json!({"headers": [["a", "b"], ["", "b"]]}),
            "headers[1].name",
        ),
        (
            "value of a header that is a number",
            json!({"headers": [["a", 1]]}),
            "headers[0].value",
        ),
        (
            "value of a header with a line break",
            json!({"headers": [["a", "b\r\nc: d"]]}),
            "headers[0].value",
        ),
        (
            "authorization",
            json!({"headers": [["Authorization", secret]]}),
            "headers[0].name",
        ),
        (
            "date of a signature",
            json!({"headers": [["a", "b"], ["X-Amz-Date", "1"]]}),
            "headers[1].name",
        ),
        (
            "hash of a body",
            json!({"headers": [["x-amz-content-sha256", "1"]]}),
            "headers[0].name",
        ),
        (
            "token in a header",
            json!({"headers": [["X-Amz-Security-Token", secret]]}),
            "headers[0].name",
        ),
        (
            "token of a session",
            json!({"headers": [["x-amz-s3session-token", secret]]}),
            "headers[0].name",
        ),
        (
            "regions in a header",
            json!({"headers": [["x-amz-region-set", "*"]]}),
            "headers[0].name",
        ),
        (
            "host twice",
            json!({"headers": [["host", "a"], ["Host", "a"]]}),
            "headers[1].name",
        ),
        (
            "host that is none",
            json!({"headers": [["a", "b"], ["host", "a/b"]]}),
            "headers[1].value",
        ),
        (
            "body that is an object",
            json!({"body": {"secret": secret}}),
            "body",
        ),
        (
            "body twice",
            json!({"body": "a", "body_base64": "YQ=="}),
            "body_base64",
        ),
        (
            "body that is no base64",
            json!({"body_base64": "not base64"}),
            "body_base64",
        ),
        (
            "body without its padding",
            json!({"body_base64": "YQ"}),
            "body_base64",
        ),
        (
            "service that is missing",
            json!({"service": null}),
            "service",
        ),
        ("service in capitals", json!({"service": "S3"}), "service"),
        ("service with a slash", json!({"service": "a/b"}), "service"),
        ("region that is empty", json!({"region": ""}), "region"),
        (
            "regions with SigV4",
            json!({"region": "us-east-1,eu-west-1"}),
            "region",
        ),
        ("any region with SigV4", json!({"region": "*"}), "region"),
        (
            "regions that are none",
            json!({"region": "a/b", "algorithm": "sigv4a"}),
            "region",
        ),
        (
            "algorithm that is unknown",
            json!({"algorithm": "sigv2"}),
            "algorithm",
        ),
        (
            "algorithm in capitals",
            json!({"algorithm": "SigV4"}),
            "algorithm",
        ),
        (
            "placement that is unknown",
            json!({"placement": "body"}),
            "placement",
        ),
        (
            "lifetime with headers",
            json!({"expires_in": 60}),
            "expires_in",
        ),
        (
            "lifetime of nothing",
            json!({"expires_in": 0, "placement": "query"}),
            "expires_in",
        ),
        (
            "lifetime of eight days",
            json!({"expires_in": 691_200, "placement": "query"}),
            "expires_in",
        ),
        (
            "lifetime that is negative",
            json!({"expires_in": -1, "placement": "query"}),
            "expires_in",
        ),
        (
            "lifetime with a fraction",
            json!({"expires_in": 1.5, "placement": "query"}),
            "expires_in",
        ),
        (
            "lifetime that is a string",
            json!({"expires_in": "60"}),
            "expires_in",
        ),
        (
            "payload that is unknown",
            json!({"payload": "STREAMING"}),
            "payload",
        ),
        (
            "payload in capitals",
            json!({"payload": "A".repeat(64)}),
            "payload",
        ),
        (
            "payload of another body",
            json!({"payload": "a".repeat(64), "body": "a"}),
            "payload",
        ),
        (
            "payload that must be signed",
            json!({"payload": "unsigned", "service": "sqs"}),
            "payload",
        ),
        (
            "content_sha256 that is true",
            json!({"content_sha256": true}),
            "content_sha256",
        ),
        (
            "sign_headers that is unknown",
            json!({"sign_headers": "most"}),
            "sign_headers",
        ),
        (
            "sign_headers with a number",
            json!({"sign_headers": ["host", 1]}),
            "sign_headers[1]",
        ),
        (
            "sign_headers that are not there",
            json!({"sign_headers": ["x-amz-acl", "range"]}),
            "sign_headers[1]",
        ),
        (
            "sign_headers that are no names",
            json!({"sign_headers": ["a b"]}),
            "sign_headers[0]",
        ),
        ("path that is a list", json!({"path": [true, true]}), "path"),
        (
            "path with a string",
            json!({"path": {"normalize": "no"}}),
            "path.normalize",
        ),
        (
            "path with a number",
            json!({"path": {"double_encode": 1}}),
            "path.double_encode",
        ),
        (
            "path with more",
            json!({"path": {"normalise": true}}),
            "path.normalise",
        ),
        (
            "session_token that is a token",
            json!({"session_token": secret}),
            "session_token",
        ),
        (
            "time without an offset",
            json!({"time": "2015-08-30T12:36:00"}),
            "time",
        ),
        (
            "time that is a number",
            json!({"time": 1_440_938_160}),
            "time",
        ),
        (
            "time before 1970",
            json!({"time": "1969-12-31T23:59:59Z"}),
            "time",
        ),
        (
            "time that is no day",
            json!({"time": "2015-02-30T12:36:00Z"}),
            "time",
        ),
        (
            "credentials that are a string",
            json!({"credentials": secret}),
            "credentials",
        ),
        (
            "credentials that are a list",
            json!({"credentials": ["a", secret]}),
            "credentials",
        ),
        (
            "credentials without a secret",
            json!({"credentials": {"access_key_id": "A"}}),
            "credentials.secret_access_key",
        ),
        (
            "credentials with more",
            json!({"credentials": {"key": secret}}),
            "credentials.key",
        ),
        (
            "key id with a blank",
            json!({"credentials": {"access_key_id": "A B", "secret_access_key": secret}}),
            "credentials.access_key_id",
        ),
        (
            "secret with a line break",
            json!({"credentials": {"access_key_id": "A", "secret_access_key": format!("{secret}\n")}}),
            "credentials.secret_access_key",
        ),
        (
            "secret that is a number",
            json!({"credentials": {"access_key_id": "A", "secret_access_key": 1}}),
            "credentials.secret_access_key",
        ),
        (
            "token with a blank",
            json!({"credentials": {"access_key_id": "A", "secret_access_key": secret, "session_token": "a b"}}),
            "credentials.session_token",
        ),
        ("field that is unknown", json!({"Method": "PUT"}), "Method"),
    ];
    let lines: Vec<String> = rows.iter().map(|(_, changes, _)| with(changes)).collect();
    for ((name, changes, field), answer) in rows.iter().zip(answers(&lines)) {
        assert_eq!(answer["field"], *field, "{name}: {answer}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.starts_with(&format!("{field}: ")), "{name}: {error}");
        if changes.get("id").is_none() {
            assert_eq!(answer["id"], "the id", "{name}");
        }
        assert_eq!(answer.get("signature"), None, "{name}");
        secrets::assert_no_secret(&answer.to_string());
    }
}

#[test]
fn what_is_no_request_is_named_too() {
    let rows = [
        ("no JSON", "GET https://host/", "request", None),
        ("a list", "[1]", "request", None),
        ("a string", "\"GET\"", "request", None),
        (
            "half an object",
            r#"{"id":"1","method":"GET""#,
            "request",
            Some("1"),
        ),
        (
            "two objects",
            r#"{"id":"1"}{"id":"2"}"#,
            "request",
            Some("1"),
        ),
        ("nothing in it", "{}", "method", None),
        (
            "an octet that is not UTF-8",
            "{\"id\":\"\u{1}\"}",
            "request",
            None,
        ),
        (
            "a field twice",
            r#"{"id":"1","method":"GET","method":"PUT"}"#,
            "method",
            Some("1"),
        ),
        (
            "a field of an object twice",
            r#"{"id":"1","path":{"normalize":true,"normalize":false}}"#,
            "path.normalize",
            Some("1"),
        ),
        (
            "an id behind the fault",
            r#"{"method":7,"id":"1"}"#,
            "method",
            Some("1"),
        ),
        ("half a surrogate pair", r#"{"id":"\ud800"}"#, "id", None),
        ("a number that is none", r#"{"id":01}"#, "request", None),
        ("a number that may go on", r#"{"id":12"#, "request", None),
        (
            "a name of many letters",
            &format!(r#"{{"{}":1}}"#, "n".repeat(999)),
            &"n".repeat(64),
            None,
        ),
    ];
    let lines: Vec<String> = rows
        .iter()
        .map(|(_, line, ..)| (*line).to_owned())
        .collect();
    for ((name, _, field, id), answer) in rows.iter().zip(answers(&lines)) {
        assert_eq!(answer["field"], *field, "{name}: {answer}");
        let expected = id.map(Value::from);
        assert_eq!(answer.get("id"), expected.as_ref(), "{name}: {answer}");
    }
}

#[test]
fn no_secret_is_written_anywhere_but_where_it_is_asked_for() {
    let omitted = with(&json!({"session_token": "omit"}));
    let unsigned = with(&json!({"session_token": "append", "placement": "query"}));
    let wrong = with(&json!({"url": "https://host/ "}));
    let input = [omitted, unsigned, wrong].join("\n");
    let (stdout, stderr) = output_of(
        input.into_bytes(),
        &[("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")],
    );
    assert_eq!(stderr, "");
    let lines: Vec<&str> = stdout.lines().collect();
    secrets::assert_no_secret(lines[0]);
    secrets::assert_no_secret(lines[2]);
    let unsigned: Value = serde_json::from_str(lines[1]).unwrap();
    assert!(
        unsigned["url"]
            .as_str()
            .unwrap()
            .contains("X-Amz-Security-Token=")
    );
    secrets::assert_no_secret(unsigned["canonical_request"].as_str().unwrap());
}
