//! What is said to a request whose signature does not do, in the words and the form of each service.

use std::fmt;
use std::time::SystemTime;

use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use serde_json::json;
use sigv4_tests::time;

use crate::server::respond;

/// Why a request is refused before any service sees it.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    code: &'static str,
    message: String,
    /// What is not said to the client.
    detail: String,
}

impl Refusal {
    pub(crate) fn unsigned() -> Self {
        let code = "MissingAuthenticationTokenException";
        Self::new(code, "Missing Authentication Token", String::new())
    }

    pub(crate) fn unknown_key() -> Self {
        let code = "UnrecognizedClientException";
        let message = "The security token included in the request is invalid.";
        Self::new(code, message, String::new())
    }

    pub(crate) fn mismatch(detail: String) -> Self {
        let message = "The request signature we calculated does not match the signature you \
                       provided. Check your AWS Secret Access Key and signing method. Consult the \
                       service documentation for details.";
        Self::new("InvalidSignatureException", message, detail)
    }

    pub(crate) fn stale(date: &str, now: SystemTime) -> Self {
        // Of two dates in this form the later one is the greater text.
        let (tolerance, today) = (super::server::TOLERANCE, basic(now));
        let message = if date < today.as_str() {
            let bound = basic(now - tolerance);
            format!("Signature expired: {date} is now earlier than {bound} ({today} - 5 min.)")
        } else {
            let bound = basic(now + tolerance);
            format!(
                "Signature not yet current: {date} is still later than {bound} ({today} + 5 min.)"
            )
        };
        Self::new("InvalidSignatureException", &message, String::new())
    }

    pub(crate) fn unreadable(detail: &str) -> Self {
        let code = "ValidationException";
        Self::new(code, "The request could not be read", detail.to_owned())
    }

    pub(crate) fn unknown_service(service: Option<&str>) -> Self {
        let code = "UnknownOperationException";
        let message = format!("there is no {} here", service.unwrap_or("such service"));
        Self::new(code, &message, String::new())
    }

    fn new(code: &'static str, message: &str, detail: String) -> Self {
        Self {
            code,
            message: message.to_owned(),
            detail,
        }
    }

    /// Says it as this service would.
    pub(crate) fn answer(&self, service: &str) -> Response {
        let (status, content_type, body) = if service == "kms" {
            let body = json!({"__type": self.code, "message": self.message});
            (StatusCode::BAD_REQUEST, "application/x-amz-json-1.1", body)
        } else {
            let body = json!({"message": self.message});
            (StatusCode::FORBIDDEN, "application/json", body)
        };
        let mut response = respond(status, content_type, body.to_string());
        if service != "kms" {
            let code = HeaderValue::from_static(self.code);
            response.headers_mut().insert("x-amzn-errortype", code);
        }
        response
    }
}

/// Writes a time as `X-Amz-Date` does.
fn basic(time: SystemTime) -> String {
    time::format(time).replace(['-', ':'], "")
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.detail.is_empty() {
            &self.message
        } else {
            &self.detail
        })
    }
}
