//! What is on the list of a caller is signed, and nothing else.

use http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::fixture::KEY;
use crate::fixture::OTHER_KEY;
use crate::fixture::Served;
use crate::fixture::config;
use crate::fixture::request;
use crate::fixture::send;
use crate::fixture::with;

#[tokio::test]
async fn signs_what_is_on_the_list_and_nothing_else() {
    let served = Served::start(&config()).await;
    let fine = "";
    for (name, request, field) in [
        ("all as it may be", request(), fine),
        ("another service", with(json!({"service": "sqs"})), fine),
        (
            "a label",
            url("https://a1.execute-api.eu-west-1.amazonaws.com/x"),
            fine,
        ),
        (
            "loopback with its port",
            url("http://127.0.0.1:8443/x"),
            fine,
        ),
        (
            "the default port",
            url("https://api.example.com:443/x"),
            fine,
        ),
        (
            "capitals in the host",
            url("https://API.Example.COM/x"),
            fine,
        ),
        (
            "capitals in the scheme",
            url("HTTPS://api.example.com:443/x"),
            fine,
        ),
        (
            "a service that is not there",
            with(json!({"service": "s3"})),
            "service",
        ),
        (
            "a service that is longer",
            with(json!({"service": "execute-apis"})),
            "service",
        ),
        (
            "another case",
            with(json!({"service": "Execute-Api"})),
            "service",
        ),
        (
            "another region",
            with(json!({"region": "eu-west-2"})),
            "region",
        ),
        (
            "all regions",
            with(json!({"region": "*", "algorithm": "sigv4a"})),
            "region",
        ),
        (
            "another method",
            with(json!({"method": "DELETE"})),
            "method",
        ),
        (
            "a method in another case",
            with(json!({"method": "get"})),
            "method",
        ),
        ("another host", url("https://api.example.org/prod"), "url"),
        ("a host below", url("https://x.api.example.com/prod"), "url"),
        (
            "two labels for one",
            url("https://a.b.execute-api.eu-west-1.amazonaws.com/"),
            "url",
        ),
        (
            "no label for one",
            url("https://execute-api.eu-west-1.amazonaws.com/"),
            "url",
        ),
        (
            "another port",
            url("https://api.example.com:8443/prod"),
            "url",
        ),
        ("plain http", url("http://api.example.com/prod"), "url"),
        (
            "a user that looks like a host",
            url("https://api.example.com@evil.example/"),
            "url",
        ),
        (
            "a user before the host",
            url("https://evil@api.example.com/"),
            "url",
        ),
        (
            "a host behind a backslash",
            url("https://evil.example\\.api.example.com/"),
            "url",
        ),
        (
            "a host behind a question mark",
            url("https://evil.example?.api.example.com/"),
            "url",
        ),
        (
            "a host behind a hash",
            url("https://evil.example#.api.example.com/"),
            "url",
        ),
        (
            "a dot behind the host",
            url("https://api.example.com./prod"),
            "url",
        ),
        (
            "the host in the path",
            url("https://evil.example/https://api.example.com/"),
            "url",
        ),
        ("another scheme", url("ftp://api.example.com/"), "url"),
        ("no scheme", url("//api.example.com/"), "url"),
        ("a path alone", url("/prod/orders"), "url"),
        (
            "a header with the same host",
            host("host", "api.example.com"),
            fine,
        ),
        (
            "a header with another that is allowed",
            host("Host", "127.0.0.1:8443"),
            fine,
        ),
        (
            "a header with another host",
            host("host", "evil.example"),
            "headers[0].value",
        ),
        (
            "in capitals",
            host("HOST", "evil.example"),
            "headers[0].value",
        ),
        (
            "with a port",
            host("host", "api.example.com:1"),
            "headers[0].value",
        ),
        (
            "two hosts in one",
            host("host", "api.example.com,evil.example"),
            "headers[0].value",
        ),
        (
            "two lines in one",
            host("x-a", "1\nhost:evil.example"),
            "headers[0].value",
        ),
        (
            "a second header",
            with(json!({"headers": [["host", "api.example.com"], ["host", "evil.example"]]})),
            "headers[1].value",
        ),
    ] {
        let answer = served.sign(&request).await;
        if field.is_empty() {
            assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.json);
            assert!(answer.json["signature"].is_string(), "{name}");
        } else {
            // What is no request at all is nobody's to allow.
            let status = match name {
                "two lines in one"
                | "a method in another case"
                | "a user that looks like a host"
                | "a user before the host"
                | "a host behind a backslash"
                | "another scheme"
                | "no scheme"
                | "a path alone" => StatusCode::BAD_REQUEST,
                _ => StatusCode::FORBIDDEN,
            };
            assert_eq!(answer.status, status, "{name}: {}", answer.json);
            assert_eq!(answer.json["field"], field, "{name}: {}", answer.json);
            assert_eq!(answer.json["id"], "1", "{name}");
            assert!(answer.json.get("signature").is_none(), "{name}");
            assert!(!answer.json.to_string().contains("evil"), "{name}: a value");
        }
    }
}

#[tokio::test]
async fn asks_for_each_region_of_a_set() {
    let served = Served::start(&config()).await;
    for (name, region, status) in [
        ("one", "eu-west-1", StatusCode::OK),
        ("both", "eu-west-1,us-east-1", StatusCode::OK),
        (
            "one that is not allowed",
            "eu-west-1,us-west-2",
            StatusCode::FORBIDDEN,
        ),
        ("all", "*", StatusCode::FORBIDDEN),
        ("all behind one", "eu-west-1,*", StatusCode::FORBIDDEN),
        ("many", "eu-*", StatusCode::FORBIDDEN),
        ("nothing behind one", "eu-west-1,", StatusCode::FORBIDDEN),
    ] {
        let request = with(json!({"region": region, "algorithm": "sigv4a"}));
        let answer = served.sign(&request).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.json);
    }
    let everywhere = json!({
        "method": "PUT", "url": "https://bucket.s3.us-east-1.amazonaws.com/key", "service": "s3",
        "region": "*", "algorithm": "sigv4a",
    });
    let other = served.post("/sign").header("x-api-key", OTHER_KEY);
    let answer = send(other.json(&everywhere)).await;
    assert_eq!(answer.status, StatusCode::OK, "by name: {}", answer.json);
}

/// A signature in headers is also that of a link, if the URL has the parameters of one and they are
/// signed with it: and then it holds for as long as those say.
#[tokio::test]
async fn hands_out_no_signature_of_a_longer_link() {
    let served = Served::start(&config()).await;
    let prepared = "https://api.example.com/x?X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Feu-west-1%2Fexecute-api%2Faws4_request\
        &X-Amz-Date=20261122T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host%3Bx-amz-date";
    let link = |url: &str| with(json!({"url": url, "placement": "query", "expires_in": 60}));
    for (name, request) in [
        ("all of them", url(prepared)),
        (
            "with exact headers",
            with(json!({"url": prepared, "sign_headers": []})),
        ),
        (
            "one of them",
            url("https://api.example.com/x?X-Amz-Expires=604800"),
        ),
        (
            "encoded",
            url("https://api.example.com/x?X%2DAmz%2dExpires=604800"),
        ),
        (
            "in another case",
            url("https://api.example.com/x?x-amz-expires=604800"),
        ),
        (
            "a link with another's",
            link("https://api.example.com/x?X-Amz-Expires=604800"),
        ),
        (
            "a link, encoded",
            link("https://api.example.com/x?X%2DAmz-Expires=604800"),
        ),
        (
            "a link, in another case",
            link("https://api.example.com/x?x-amz-expires=604800"),
        ),
    ] {
        let answer = served.sign(&request).await;
        let is_replaced = answer.json["canonical_request"]
            .as_str()
            .is_some_and(|text| {
                request["placement"] == "query" && !text.to_lowercase().contains("604800")
            });
        let is_refused = answer.status.is_client_error() && answer.json["field"] == "url";
        assert!(is_refused || is_replaced, "{name}: {}", answer.json);
    }
}

/// What the signature itself brings is not the caller's to say.
#[tokio::test]
async fn takes_neither_date_nor_regions_from_headers() {
    let served = Served::start(&config()).await;
    let headers = json!([
        ["x-amz-date", "20200101T000000Z"],
        ["date", "Wed, 01 Jan 2020 00:00:00 GMT"],
        ["x-amz-region-set", "*"],
        ["authorization", "AWS4-HMAC-SHA256 Credential=x"],
    ]);
    for algorithm in ["sigv4", "sigv4a"] {
        for index in 0..4 {
            let one = json!([headers[index]]);
            let request = with(json!({"headers": one, "algorithm": algorithm}));
            let answer = served.sign(&request).await;
            let name = format!("{algorithm} {one}");
            if answer.status != StatusCode::OK {
                assert!(answer.status.is_client_error(), "{name}: {}", answer.json);
                continue;
            }
            let to_sign = answer.json["string_to_sign"].as_str().unwrap();
            let date = to_sign.split('\n').nth(1).unwrap();
            assert!(!date.starts_with("2020"), "{name}: {to_sign}");
            let canonical = answer.json["canonical_request"].as_str().unwrap();
            let mut lines = canonical.split('\n');
            let set = lines.find_map(|line| line.strip_prefix("x-amz-region-set:"));
            assert!(
                set.is_none_or(|set| set == "eu-west-1"),
                "{name}: {canonical}"
            );
            assert!(!canonical.contains("Credential=x"), "{name}");
        }
    }
}

#[tokio::test]
async fn gives_each_caller_his_own_list() {
    let served = Served::start(&config()).await;
    for (name, key, status) in [
        ("his", KEY, StatusCode::OK),
        ("another's", OTHER_KEY, StatusCode::FORBIDDEN),
    ] {
        let asked = served.post("/sign").bearer_auth(key).json(&request());
        assert_eq!(send(asked).await.status, status, "{name}");
    }
}

fn url(url: &str) -> Value {
    with(json!({"url": url}))
}

fn host(name: &str, value: &str) -> Value {
    with(json!({"headers": [[name, value]]}))
}
