//! [`ServiceError`] out of what AWS answers.

use http::HeaderMap;
use http::StatusCode;
use reqwest::Response;
use serde_json::Value;
use sigv4_core::EventError;
use tokio::time::timeout;

use super::error::ServiceError;
use super::send::request_id;

/// Reads a refusal: an answer with another status than 2xx.
pub(super) async fn read(mut answer: Response) -> ServiceError {
    let status = answer.status();
    let headers = std::mem::take(answer.headers_mut());
    let mut body = Vec::new();
    let reading = async {
        while let Ok(Some(piece)) = answer.chunk().await {
            let room = MOST - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if body.len() == MOST {
                break;
            }
        }
    };
    // What has come by then has to do: the status alone says enough.
    let _ = timeout(PATIENCE, reading).await;
    of(status, &headers, &body)
}

/// Reads a frame that ended a stream. `None` where it is the stream that failed and not the service.
pub(super) fn of_frame(error: &EventError, id: Option<&str>) -> Option<ServiceError> {
    error.frame()?;
    let payload = error
        .payload()
        .map(|payload| json(payload))
        .unwrap_or_default();
    let code = error.exception_type().or_else(|| error.error_code());
    let message = error.error_message().map(str::to_owned);
    Some(ServiceError {
        code: code.map(plain_code),
        message: message.or_else(|| message_in(&payload)),
        status: StatusCode::OK,
        request_id: id.map(str::to_owned),
        in_stream: true,
    })
}

fn of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ServiceError {
    let body = json(body);
    let header = headers.get("x-amzn-errortype");
    let header = header.and_then(|value| value.to_str().ok());
    let text = |name| body.get(name).and_then(Value::as_str);
    let code = header.or_else(|| text("__type")).or_else(|| text("code"));
    ServiceError {
        code: code.map(plain_code).filter(|code| !code.is_empty()),
        message: message_in(&body),
        status,
        request_id: request_id(headers).map(str::to_owned),
        in_stream: false,
    }
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}

fn message_in(body: &Value) -> Option<String> {
    let mut names = ["message", "Message"].into_iter();
    let message = names.find_map(|name| body.get(name)?.as_str())?;
    let message = message.split(RECITAL).next().unwrap_or_default().trim();
    (!message.is_empty()).then(|| message.to_owned())
}

/// Takes the code out of `namespace#Code:url`.
/// <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization>
fn plain_code(text: &str) -> String {
    let text = text.split(':').next().unwrap_or_default();
    let text = text.rsplit('#').next().unwrap_or_default().trim();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + letters.as_str(),
        None => String::new(),
    }
}

/// How much of a refusal is read.
const MOST: usize = 64 * 1024;
/// How long.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// What the canonical request begins with that AWS recites.
const RECITAL: &str = "The Canonical String for this request";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: Option<&str>, body: &str) -> ServiceError {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert("x-amzn-errortype", header.parse().unwrap());
        }
        headers.insert("x-amzn-requestid", "id-1".parse().unwrap());
        of(StatusCode::BAD_REQUEST, &headers, body.as_bytes())
    }

    #[test]
    fn reads_the_code_without_its_decorations() {
        for (name, header, body) in [
            ("header", Some("ValidationException"), "{}"),
            (
                "url",
                Some("ValidationException:http://internal.amazon.com/coral/"),
                "{}",
            ),
            ("type", None, r#"{"__type":"ValidationException"}"#),
            (
                "namespace",
                None,
                r#"{"__type":"com.amazon.coral.validate#ValidationException"}"#,
            ),
            ("code", None, r#"{"code":"ValidationException"}"#),
            (
                "header first",
                Some("ValidationException"),
                r#"{"__type":"Other"}"#,
            ),
        ] {
            assert_eq!(
                read(header, body).code(),
                Some("ValidationException"),
                "{name}"
            );
        }
        for body in [
            "",
            "<html>",
            "[]",
            "null",
            r#"{"__type":7}"#,
            r#"{"__type":""}"#,
        ] {
            assert_eq!(read(None, body).code(), None, "{body}");
        }
    }

    #[test]
    fn says_it_as_aws_worded_it() {
        for (body, expected) in [
            (
                r#"{"message":"The model is not known."}"#,
                "V: The model is not known.",
            ),
            (r#"{"Message":"Not you."}"#, "V: Not you."),
            (r#"{"message":null}"#, "V"),
            ("<html>", "V"),
        ] {
            let error = read(Some("V"), body);
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.request_id(), Some("id-1"));
        }
        assert_eq!(read(None, "<html>").to_string(), "HTTP 400 Bad Request");
    }

    #[test]
    fn recites_no_canonical_request() {
        let body = r#"{"message":"The signature does not match.\n\nThe Canonical String for this request should have been\n'POST\nx-amz-security-token:s3cr3t'"}"#;
        let error = read(Some("InvalidSignatureException"), body);
        assert_eq!(error.message(), Some("The signature does not match."));
        assert!(!format!("{error:?} {error}").contains("s3cr3t"));
    }
}
