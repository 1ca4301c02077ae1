//! What can go wrong on the way that is neither a fault of the request nor of its signature: time, and
//! room.

use std::error::Error;
use std::fmt;

use http::StatusCode;

/// Somebody took too long, or there was no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The upstream, to take a connection.
    ConnectTimeout,
    /// The upstream, to begin its answer.
    AnswerTimeout,
    /// The upstream, in the middle of its answer.
    AnswerStalled,
    /// The client, in the middle of its body.
    UploadStalled,
    /// The client, with its body as a whole.
    UploadTimeout,
    /// There is no room to hold more of the bodies of requests.
    TooManyBytes,
}

impl Fault {
    /// Finds it among the causes of an error.
    #[must_use]
    pub fn among_causes(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut causes = std::iter::successors(Some(error), |&error| error.source());
        causes.find_map(|cause| {
            // A client hands the error of a body on in a box, and `io` one of a connection in another.
            let inner = cause
                .downcast_ref::<std::io::Error>()
                .and_then(|io| io.get_ref());
            let inner = inner.and_then(|inner| inner.downcast_ref::<Self>());
            cause.downcast_ref::<Self>().or(inner).copied()
        })
    }

    /// Returns what a client is answered, if no answer has begun.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::UploadStalled | Self::UploadTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooManyBytes => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Returns its name, for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectTimeout => "connect_timeout",
            Self::AnswerTimeout => "answer_timeout",
            Self::AnswerStalled => "answer_stalled",
            Self::UploadStalled => "upload_stalled",
            Self::UploadTimeout => "upload_timeout",
            Self::TooManyBytes => "too_many_bytes",
        }
    }

    /// Returns what a client is told.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::ConnectTimeout => "the upstream took no connection in time; nothing was sent",
            Self::AnswerTimeout => {
                "the upstream did not begin its answer in time; what was asked for may still be \
                 carried out"
            }
            Self::AnswerStalled => "the upstream stopped in the middle of its answer",
            Self::UploadStalled => "the body of the request did not come on in time",
            Self::UploadTimeout => "the body of the request did not come to its end in time",
            Self::TooManyBytes => {
                "the gateway is holding as much of the bodies of requests as it may; try again"
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Error for Fault {}
