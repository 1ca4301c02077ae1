//! What can go wrong between a question and its answer.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use sigv4_core::EventError;

/// Says why there is no answer, or not all of it.
///
/// `Display` says it on this level, [`source`](StdError::source) says why; [`ServiceError`] is in
/// AWS's own words. Neither they nor `Debug` hold a key, a token or what was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The client cannot be set up as it is configured.
    Configuration(BoxError),
    /// The request cannot be made. Nothing was sent.
    Request(&'static str),
    /// The request was not signed, for want of credentials most likely. Nothing was sent.
    Signing(BoxError),
    /// There is no answer: no connection, or one that ended too early.
    Transport(BoxError),
    /// No answer began for so long.
    NoAnswer(Duration),
    /// AWS refuses, or gives up in the midst of a stream.
    Service(Box<ServiceError>),
    /// The answer is not what it should be.
    Answer(BoxError),
    /// The stream broke off: in the midst of a frame, or with its connection; or it is damaged.
    Stream(EventError),
    /// The stream ended with a frame, and before the answer did.
    Incomplete,
    /// Nothing more came of an answer for so long.
    Idle(Duration),
}

/// An error of whatever kind.
pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

impl Error {
    /// Returns what AWS said, where it said something.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceError> {
        match self {
            Self::Service(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configuration(_) => "the client cannot be set up",
            Self::Request(message) => message,
            Self::Signing(_) => "the request was not sent",
            Self::Transport(_) => "the connection failed",
            Self::Service(error) => return error.fmt(f),
            Self::Answer(_) => "the answer cannot be read",
            Self::Stream(_) => "the answer broke off",
            Self::Incomplete => "the answer broke off: its stream ended before it did",
            Self::NoAnswer(time) => return write!(f, "no answer came for {time:?}"),
            Self::Idle(time) => {
                return write!(f, "the answer broke off: nothing came for {time:?}");
            }
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Configuration(error)
            | Self::Signing(error)
            | Self::Transport(error)
            | Self::Answer(error) => Some(&**error),
            Self::Stream(error) => Some(error),
            Self::Request(_)
            | Self::NoAnswer(_)
            | Self::Service(_)
            | Self::Incomplete
            | Self::Idle(_) => None,
        }
    }
}

/// What AWS said.
///
/// `Display` is the code and the message, as AWS worded it; the status, where it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) status: StatusCode,
    pub(super) request_id: Option<String>,
    pub(super) in_stream: bool,
}

impl ServiceError {
    /// Returns the code, such as `AccessDeniedException`: without what AWS decorates it with, and the
    /// same whether it came as an answer or as a frame, where it begins with a small letter.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the message, as AWS worded it. Only the canonical request, which it recites where a
    /// signature is wrong, is left out: a session token may be in it.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns the status of the answer: 200 for one that broke off.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the id under which AWS's support finds the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Tells whether AWS said it in the midst of a stream.
    #[must_use]
    pub const fn is_in_stream(&self) -> bool {
        self.in_stream
    }

    /// Tells whether the same request may succeed a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        // The status is enough: who is in between, a proxy or a load balancer, knows no codes, and
        // AWS has more than one for the same. In a stream there is the code alone.
        let status = self.status.as_u16();
        matches!(status, 429 | 500 | 502 | 503 | 504)
            || self.code().is_some_and(|code| TRANSIENT.contains(&code))
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => write!(f, "{code}: {message}"),
            (Some(code), None) => f.write_str(code),
            (None, Some(message)) => write!(f, "HTTP {}: {message}", self.status),
            (None, None) => write!(f, "HTTP {}", self.status),
        }
    }
}

impl StdError for ServiceError {}

/// <https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html>
const TRANSIENT: [&str; 7] = [
    "ThrottlingException",
    "TooManyRequestsException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "InternalServerException",
    "InternalFailure",
    "ModelNotReadyException",
];
