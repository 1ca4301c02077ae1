//! Behind the host of Azure Functions: what it sends in both of its forms, and what it reads.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use http::StatusCode;
use serde_json::Value;
use serde_json::json;
use sign_function::server::Front;

use crate::fixture::Answer;
use crate::fixture::KEY;
use crate::fixture::OTHER_KEY;
use crate::fixture::Served;
use crate::fixture::config;
use crate::fixture::request;
use crate::fixture::send;
use crate::fixture::with;

/// A free port is as good as one that the host names.
const FUNCTIONS: Front = Front::Functions { port: 0 };

/// What the host of version 4 posts to the name of a function whose requests it wraps: the names in
/// capitals, each header with a list of values, the body as a text.
fn wrapped(headers: Value, body: &str) -> Value {
    let mut all = json!({
        "Accept": ["*/*"],
        "Content-Type": ["application/json"],
        "Content-Length": [body.len().to_string()],
        "Host": ["signer.azurewebsites.net"],
        "User-Agent": ["azure-logic-apps/1.0"],
        "x-functions-key": ["the key of the function"],
        "X-Forwarded-Proto": ["https"],
    });
    let (Value::Object(all), Value::Object(headers)) = (&mut all, headers) else {
        unreachable!("both are objects");
    };
    all.extend(headers);
    json!({
        "Data": {
            "req": {
                "Url": "https://signer.azurewebsites.net/api/sign",
                "Method": "POST",
                "Query": {},
                "Headers": all,
                "Params": {},
                "Identities": [{
                    "AuthenticationType": null, "IsAuthenticated": false, "Actor": null,
                    "BootstrapContext": null, "Claims": [], "Label": null, "Name": null,
                    "NameClaimType": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
                    "RoleClaimType": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
                }],
                "Body": body,
            }
        },
        "Metadata": {
            "Headers": {"Host": "signer.azurewebsites.net"},
            "sys": {"MethodName": "sign", "UtcNow": "2026-11-22T10:00:00Z", "RandGuid": "x"},
        },
    })
}

/// Posts as the host does.
async fn invoke(served: &Served, function: &str, invocation: &Value) -> Answer {
    let asked = served
        .post(function)
        .header("x-azure-functions-hostversion", "4.1037.0")
        .header(
            "x-azure-functions-invocationid",
            "00000000-0000-0000-0000-000000000000",
        )
        .header("user-agent", "azure-functions-httpworker/4.1037.0")
        .header("content-type", "application/json; charset=utf-8");
    send(asked.body(invocation.to_string())).await
}

/// Reads the answer as the host does: four texts, and the body is what the caller gets.
fn unwrap(answer: &Answer) -> (u16, Value) {
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "else the caller gets a 500: {}",
        answer.json
    );
    assert_eq!(answer.headers["content-type"], "application/json");
    let res = &answer.json["Outputs"]["res"];
    for name in ["statusCode", "status", "body"] {
        assert!(res[name].is_string(), "{name}: {res}");
    }
    assert_eq!(res["headers"]["content-type"], "application/json");
    assert!(answer.json["Logs"].is_array());
    assert_eq!(answer.json["ReturnValue"], Value::Null);
    let status = res["statusCode"].as_str().unwrap().parse().unwrap();
    (
        status,
        serde_json::from_str(res["body"].as_str().unwrap()).unwrap(),
    )
}

#[tokio::test]
async fn answers_what_the_host_forwards() {
    let served = Served::start_behind(&config(), FUNCTIONS).await;
    for path in ["/api/sign", "/sign"] {
        let asked = served
            .post(path)
            .header("host", "signer.azurewebsites.net")
            .header("x-functions-key", "the key of the function")
            .header(
                "x-azure-functions-invocationid",
                "00000000-0000-0000-0000-000000000000",
            );
        let answer = send(asked.header("x-api-key", KEY).json(&request())).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.json);
        assert!(answer.json["signature"].is_string(), "{path}");
        let stranger = send(served.post(path).json(&request())).await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn answers_what_the_host_wraps() {
    let served = Served::start_behind(&config(), FUNCTIONS).await;
    let text = request().to_string();
    let forbidden = with(json!({"service": "iam"})).to_string();
    let key = || json!({"x-api-key": [KEY]});
    let form = json!({"x-api-key": [KEY], "Content-Type": ["text/plain"]});
    let page = json!({"x-api-key": [KEY], "Origin": ["https://page.example"]});
    for (name, headers, body, status, field) in [
        ("a key", key(), &*text, 200, ""),
        (
            "a token",
            json!({"Authorization": [format!("Bearer {KEY}")]}),
            &*text,
            200,
            "",
        ),
        ("no key", json!({}), &*text, 401, "authorization"),
        (
            "two keys",
            json!({"x-api-key": [KEY, KEY]}),
            &*text,
            401,
            "authorization",
        ),
        (
            "another's key",
            json!({"x-api-key": [OTHER_KEY]}),
            &*text,
            403,
            "service",
        ),
        ("another service", key(), &*forbidden, 403, "service"),
        ("no JSON", key(), "{", 400, "request"),
        ("a form", form, &*text, 415, "content-type"),
        ("a page", page, &*text, 403, "origin"),
    ] {
        let answer = invoke(&served, "/sign", &wrapped(headers, body)).await;
        let (found, body) = unwrap(&answer);
        assert_eq!(found, status, "{name}: {body}");
        match field {
            "" => assert!(body["signature"].is_string(), "{name}: {body}"),
            field => assert_eq!(body["field"], field, "{name}: {body}"),
        }
        let log = answer.json["Logs"][0].as_str().unwrap();
        assert!(log.contains(&format!("status={status}")), "{name}: {log}");
        assert!(!log.contains(KEY), "{name}: {log}");
    }
}

/// Version 3 and before had query and identities as texts, and left out what was empty.
#[tokio::test]
async fn reads_what_older_hosts_wrap() {
    let served = Served::start_behind(&config(), FUNCTIONS).await;
    let mut older = wrapped(json!({"x-api-key": [KEY]}), &request().to_string());
    older["Data"]["req"]["Query"] = json!("{}");
    older["Data"]["req"]["Identities"] = json!("[]");
    older["Data"]["req"]["Params"] = json!([]);
    let (status, _) = unwrap(&invoke(&served, "/sign", &older).await);
    assert_eq!(status, 200);
    let request = older["Data"]["req"].as_object_mut().unwrap();
    request.remove("Body");
    let (status, body) = unwrap(&invoke(&served, "/sign", &older).await);
    assert_eq!((status, &body["field"]), (400, &json!("request")));
}

/// A caller who wraps his own request, where the host forwards, gains nothing by it.
#[tokio::test]
async fn asks_for_the_same_key_whichever_form_it_is() {
    let text = request().to_string();
    let other = wrapped(json!({"x-api-key": [OTHER_KEY]}), &text);
    let none = wrapped(json!({}), &text);
    let his = wrapped(json!({"x-api-key": [KEY]}), &text);
    let served = Served::start_behind(&config(), FUNCTIONS).await;
    for (name, path, invocation, key) in [
        (
            "without a key inside, the key outside does not count",
            "/sign",
            &none,
            KEY,
        ),
        ("the key inside has its own list", "/sign", &other, KEY),
        ("what is forwarded is never wrapped", "/api/sign", &his, KEY),
        ("nor with another key", "/api/sign", &his, OTHER_KEY),
    ] {
        let asked = served.post(path).header("x-api-key", key).json(invocation);
        let text = send(asked).await.json.to_string();
        assert!(!text.contains("signature"), "{name}: {text}");
    }
    // Where there is no such host, nothing is wrapped.
    let served = Served::start(&config()).await;
    let asked = served.post("/sign").header("x-api-key", KEY).json(&his);
    let answer = send(asked).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.json);
}

/// The files that the host reads are those of which the tests speak.
#[test]
fn the_files_for_the_host_fit() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("azure");
    let read = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
    };
    let handler = &read("host.json")["customHandler"];
    assert_eq!(handler["enableForwardingHttpRequest"], json!(true));
    assert_eq!(
        handler["description"]["defaultExecutablePath"],
        "sign-function"
    );
    for (function, methods, level) in [
        ("sign", json!(["post"]), "function"),
        ("openapi", json!(["get"]), "anonymous"),
    ] {
        let bindings = &read(&format!("{function}/function.json"))["bindings"];
        assert_eq!(bindings[0]["type"], "httpTrigger", "{function}");
        assert_eq!(bindings[0]["name"], "req", "{function}");
        assert_eq!(bindings[0]["methods"], methods, "{function}");
        assert_eq!(bindings[0]["authLevel"], level, "{function}");
        assert_eq!(bindings[1]["name"], "res", "{function}");
    }
}

#[tokio::test]
async fn describes_itself_through_the_host() {
    let served = Served::start_behind(&config(), FUNCTIONS).await;
    let asked = served
        .get("/api/openapi.json")
        .header("host", "signer.azurewebsites.net");
    let forwarded = send(asked).await.json;
    assert_eq!(forwarded["host"], "signer.azurewebsites.net");
    assert_eq!(forwarded["basePath"], "/api");
    assert_eq!(forwarded["schemes"], json!(["https"]));
    // Whether the key of the host is wanted is for the host to say: see `authLevel`.
    let parameters = forwarded["paths"]["/sign"]["post"]["parameters"].as_array();
    let named = |name: &str| {
        let mut all = parameters.unwrap().iter();
        all.find(|parameter| parameter["name"] == name).unwrap()
    };
    for key in ["x-functions-key", "x-api-key"] {
        assert_eq!(named(key)["in"], "header", "{key}");
        assert_eq!(named(key)["required"], false, "{key}");
    }
    assert_eq!(forwarded["paths"].get("/healthz"), None);
    let mut invocation = wrapped(json!({}), "");
    invocation["Data"]["req"]["Method"] = json!("GET");
    let url = "https://signer.azurewebsites.net/api/openapi.json";
    invocation["Data"]["req"]["Url"] = json!(url);
    let (status, document) = unwrap(&invoke(&served, "/openapi", &invocation).await);
    assert_eq!((status, document), (200, forwarded));

    // Where `routePrefix` is another one, or none.
    for (path, base) in [
        ("/openapi.json", "/"),
        ("/tools/aws/openapi.json", "/tools/aws"),
    ] {
        let url = format!("https://signer.azurewebsites.net{path}");
        invocation["Data"]["req"]["Url"] = json!(url);
        let (_, document) = unwrap(&invoke(&served, "/openapi", &invocation).await);
        assert_eq!(document["basePath"], base, "{path}");
    }
    let asked = served.get("/openapi.json");
    assert_eq!(send(asked).await.json["basePath"], "/");
}
