//! [`Refusal`]: what KMS says instead of an answer.

use std::fmt;

use http::HeaderMap;
use http::StatusCode;
use serde_json::Value;
use sigv4_core::runtime::AwsRefusal;
use sigv4_core::runtime::RefusalCause;

/// An answer that is an error, as AWS worded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
    cause: Option<RefusalCause>,
}

impl Refusal {
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        // `com.amazonaws.kms#NotFoundException` is another way to say it.
        let code = text("__type").map(|code| match code.rsplit_once('#') {
            Some((_, code)) => code.to_owned(),
            None => code,
        });
        // What does not come from KMS is shown as it is.
        let whole = || code.is_none().then(|| String::from_utf8_lossy(body).into());
        let message = text("message").or_else(|| text("Message")).or_else(whole);
        let request_id = headers
            .get("x-amzn-requestid")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        Self {
            status,
            message: message.map(|message| shorten(&message)),
            code,
            request_id,
            cause: AwsRefusal::read(status, headers, body).map(|refusal| refusal.cause()),
        }
    }

    /// Returns the status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the code, such as `NotFoundException`. There is none where somebody else than KMS
    /// answered.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the message. Some errors have none.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns the id of the request, by which AWS finds it.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Returns what the usual reason is, and what to do about it, where the message does not say it.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        let cause = self.cause.filter(|&cause| cause != RefusalCause::Request);
        cause.map(RefusalCause::advice)
    }
}

/// Leaves away what AWS adds to the message about a signature: the canonical request, in which the
/// session token stands. And no page of HTML is of use here.
fn shorten(message: &str) -> String {
    let end = message.find("The Canonical String for this request");
    let message = message[..end.unwrap_or(message.len())].trim();
    message.chars().take(LONGEST).collect()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status.as_u16())?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        match self.message.as_deref() {
            None | Some("") => Ok(()),
            Some(message) => write!(f, ": {message}"),
        }
    }
}

const LONGEST: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_form_of_an_error() {
        let long = format!("<html>{}", "x".repeat(5000));
        for (name, body, code, shown) in [
            (
                "plain",
                r#"{"__type":"NotFoundException","message":"Alias x is not found."}"#,
                Some("NotFoundException"),
                "400 NotFoundException: Alias x is not found.",
            ),
            (
                "with a namespace",
                r#"{"__type":"com.amazonaws.kms#DisabledException","Message":"off"}"#,
                Some("DisabledException"),
                "400 DisabledException: off",
            ),
            (
                "without a message",
                r#"{"__type":"SerializationException"}"#,
                Some("SerializationException"),
                "400 SerializationException",
            ),
            (
                "with a canonical request",
                r#"{"__type":"InvalidSignatureException","message":"It does not match.\n\nThe Canonical String for this request should have been\n'POST\nx-amz-security-token:secret'"}"#,
                Some("InvalidSignatureException"),
                "400 InvalidSignatureException: It does not match.",
            ),
            ("of another", "no way", None, "400: no way"),
            ("of nobody", "", None, "400"),
            (
                "of a web server",
                &long,
                None,
                &format!("400: {}", &long[..LONGEST]),
            ),
        ] {
            let refusal =
                Refusal::read(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes());
            assert_eq!(refusal.code(), code, "{name}");
            assert_eq!(refusal.to_string(), shown, "{name}");
            assert!(!format!("{refusal:?}").contains("secret"), "{name}");
        }
    }
    #[test]
    fn keeps_the_id_of_the_request_and_gives_advice_where_it_helps() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-requestid", "a1b2".parse().unwrap());
        for (body, helps) in [
            (
                r#"{"__type":"NotFoundException","message":"no key"}"#,
                false,
            ),
            (
                r#"{"__type":"ExpiredTokenException","message":"over"}"#,
                true,
            ),
        ] {
            let refusal = Refusal::read(StatusCode::BAD_REQUEST, &headers, body.as_bytes());
            assert_eq!(refusal.request_id(), Some("a1b2"), "{body}");
            assert_eq!(refusal.advice().is_some(), helps, "{body}");
        }
        let failed = Refusal::read(StatusCode::INTERNAL_SERVER_ERROR, &headers, b"");
        assert_eq!(failed.advice(), None);
    }
}
