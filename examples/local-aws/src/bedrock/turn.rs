//! What a test can ask for.

use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde_json::json;

use crate::server::respond;

/// What becomes of a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Turn {
    /// It is answered as every other.
    Answers,
    /// It is answered with this text.
    Says(String),
    /// It is refused.
    Refuses(Refusal),
    /// Its stream ends after so many frames, in this way. An answer in one piece is as every other.
    Breaks {
        /// How many frames come before.
        after: usize,
        /// How it ends.
        how: Break,
    },
    /// Each frame waits until it is [released](super::Bedrock::release).
    Held,
}

/// How a stream ends before its time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Break {
    /// With an exception of the model of the service.
    Exception {
        /// Its name, such as `throttlingException`.
        name: String,
        /// What it says.
        message: String,
    },
    /// With an error that is not in that model.
    Error {
        /// Its code.
        code: String,
        /// What it says.
        message: String,
    },
    /// In the midst of a frame, as if that were its end.
    Truncated,
    /// Behind a frame, as if that were its end.
    Ended,
    /// With its connection.
    Cut,
    /// With a frame that has not its checksum.
    Damaged,
}

/// What is said to a request that is refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
    retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            retry_after: None,
        }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationException", message)
    }

    pub(super) fn answer(&self) -> Response {
        let body = json!({"message": self.message}).to_string();
        let mut answer = respond(self.status, "application/json", body);
        // AWS decorates the code with where its documentation once was.
        let url = "http://internal.amazon.com/coral/com.amazon.bedrock/";
        if let Ok(code) = HeaderValue::try_from(format!("{}:{url}", self.code)) {
            answer.headers_mut().insert("x-amzn-errortype", code);
        }
        if let Some(seconds) = self.retry_after {
            answer
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}

impl Turn {
    /// There are too many requests.
    #[must_use]
    pub fn throttled() -> Self {
        let message = "Too many requests, please wait before trying again.";
        Self::refused(429, "ThrottlingException", message)
    }

    /// There are too many requests, and it is said for how many seconds.
    #[must_use]
    pub fn throttled_for(seconds: u64) -> Self {
        match Self::throttled() {
            Self::Refuses(refusal) => Self::Refuses(Refusal {
                retry_after: Some(seconds),
                ..refusal
            }),
            turn => turn,
        }
    }

    /// The account may not use the model.
    #[must_use]
    pub fn access_denied() -> Self {
        let message = "You don't have access to the model with the specified model ID.";
        Self::refused(403, "AccessDeniedException", message)
    }

    /// The request is refused with this status, code and message.
    #[must_use]
    pub fn refused(status: u16, code: &str, message: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self::Refuses(Refusal::new(status, code, message))
    }
}
