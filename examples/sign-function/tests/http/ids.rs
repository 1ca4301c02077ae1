//! What an answer is recognised by comes back in the same letters and digits, and on one line.

use http::StatusCode;
use serde_json::Value;
use serde_json::json;
use sign_function::server::Front;

use crate::fixture::KEY;
use crate::fixture::Served;
use crate::fixture::config;
use crate::fixture::request;

const IDS: [&str; 5] = [
    "123456789012345678901234567890",
    "-1.50e+3",
    "1e999",
    r#""caf\u00e9\n""#,
    // Not the end of a list, a text, or a line of the log.
    r#""\"}]\r\nstatus=200""#,
];

/// Returns a request with this id, with as much space around it as JSON lets one have.
fn asked(service: &str, id: &str) -> String {
    let mut request = request();
    request["service"] = json!(service);
    request["id"] = json!("the id");
    let text = request.to_string();
    text.replace(r#""the id""#, &format!("\r\n \t{id}\n\n"))
}

#[tokio::test]
async fn come_back_as_they_were() {
    let served = Served::start(&config()).await;
    for id in IDS {
        for (service, status) in [
            ("execute-api", StatusCode::OK),
            ("iam", StatusCode::FORBIDDEN),
        ] {
            let post = served.post("/sign").bearer_auth(KEY);
            let post = post.header("content-type", "application/json");
            let answer = post.body(asked(service, id)).send().await.unwrap();
            assert_eq!(answer.status(), status, "{id}");
            let text = answer.text().await.unwrap();
            assert!(text.starts_with(&format!(r#"{{"id":{id},""#)), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    }
}

#[tokio::test]
async fn come_back_through_the_host_of_azure_functions() {
    let served = Served::start_behind(&config(), Front::Functions { port: 0 }).await;
    for id in IDS {
        let invocation = json!({
            "Data": {"req": {
                "Url": "https://signer.azurewebsites.net/api/sign",
                "Method": "POST",
                "Headers": {"content-type": ["application/json"], "x-api-key": [KEY]},
                "Body": asked("execute-api", id),
            }},
            "Metadata": {},
        });
        let answer = served.post("/sign").json(&invocation).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let text = answer["Outputs"]["res"]["body"].as_str().unwrap();
        assert!(text.starts_with(&format!(r#"{{"id":{id},""#)), "{text}");
        let log = answer["Logs"].as_array().unwrap();
        assert_eq!(log.len(), 1, "{log:?}");
        assert!(log[0].as_str().unwrap().lines().count() == 1, "{log:?}");
    }
}
