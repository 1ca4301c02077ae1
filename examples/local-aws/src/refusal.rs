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
    /// What S3 calls it, with its status.
    of_s3: (StatusCode, &'static str),
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
        Self {
            of_s3: (StatusCode::FORBIDDEN, "InvalidAccessKeyId"),
            ..Self::new(UNRECOGNIZED, INVALID_TOKEN, String::new())
        }
    }

    pub(crate) fn wrong_token() -> Self {
        Self {
            of_s3: (StatusCode::BAD_REQUEST, "InvalidToken"),
            ..Self::new(UNRECOGNIZED, INVALID_TOKEN, String::new())
        }
    }

    pub(crate) fn mismatch(detail: String) -> Self {
        let message = "The request signature we calculated does not match the signature you \
                       provided. Check your AWS Secret Access Key and signing method. Consult the \
                       service documentation for details.";
        Self {
            of_s3: (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
            ..Self::new(INVALID_SIGNATURE, message, detail)
        }
    }

    /// S3 does so, and all others are documented to want these headers signed.
    pub(crate) fn unsigned_header(name: &str) -> Self {
        let message = "There were headers present in the request which were not signed";
        Self::new(INVALID_SIGNATURE, message, format!("{name} is not signed"))
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
        Self::new(INVALID_SIGNATURE, &message, String::new())
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
            of_s3: (StatusCode::FORBIDDEN, "AccessDenied"),
            message: message.to_owned(),
            detail,
        }
    }

    /// Says it as this service would.
    pub(crate) fn answer(&self, service: &str) -> Response {
        let Self { code, message, .. } = self;
        match service {
            "s3" => {
                let (status, code) = self.of_s3;
                let body = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                     <Error><Code>{code}</Code><Message>{message}</Message></Error>"
                );
                respond(status, "application/xml", body)
            }
            "kms" => {
                let body = json!({"__type": code, "message": message}).to_string();
                let content_type = "application/x-amz-json-1.1";
                respond(StatusCode::BAD_REQUEST, content_type, body)
            }
            _ => {
                let body = json!({"message": message}).to_string();
                let mut response = respond(StatusCode::FORBIDDEN, "application/json", body);
                let code = HeaderValue::from_static(code);
                response.headers_mut().insert("x-amzn-errortype", code);
                response
            }
        }
    }
}

const INVALID_SIGNATURE: &str = "InvalidSignatureException";
const UNRECOGNIZED: &str = "UnrecognizedClientException";
const INVALID_TOKEN: &str = "The security token included in the request is invalid.";

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
