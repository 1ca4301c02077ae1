//! What can go wrong, told apart as far as somebody acts on it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

/// Says why an upload did not come about.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// What was asked for cannot be done. Nothing was sent.
    Usage(String),
    /// A file, or the state of an upload, could not be read or written.
    Io {
        /// What was to be done.
        what: String,
        /// Why it was not.
        source: std::io::Error,
    },
    /// The file is not what it was when the upload began.
    Changed(String),
    /// S3 answered, and refused.
    S3(Box<Refusal>),
    /// The request was not signed, or there is no answer of S3 to it.
    Request(reqwest_middleware::Error),
    /// No byte was taken, and no answer came, for so long.
    Stalled(Duration),
    /// S3 answered with something that it does not answer.
    Answer(String),
    /// Somebody asked to stop.
    Interrupted,
}

/// What S3 said, in its words.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The status. It can be 200: S3 may fail after it has begun to answer.
    pub status: StatusCode,
    /// The code: `AccessDenied`.
    pub code: String,
    /// The message.
    pub message: String,
    /// The region of the bucket, where S3 tells it.
    pub region: Option<String>,
    /// The host to be used instead, where S3 tells it.
    pub endpoint: Option<String>,
    /// What to tell the support of AWS.
    pub request_id: Option<String>,
}

impl Error {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io {
            what: what.into(),
            source,
        }
    }

    /// Returns the code of S3, if S3 has refused.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::S3(refusal) => Some(&refusal.code),
            _ => None,
        }
    }

    /// Tells whether the same request, signed anew, may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::S3(refusal) => refusal.is_retryable(),
            Self::Stalled(_) => true,
            Self::Request(reqwest_middleware::Error::Reqwest(error)) => !error.is_builder(),
            // A source of credentials that is away will have some again.
            Self::Request(error) => sigv4_reqwest::is_retryable(error),
            _ => false,
        }
    }
}

impl Refusal {
    fn is_retryable(&self) -> bool {
        // The middleware has fetched other credentials, or corrected the clock, by then; it cannot
        // send a stream again by itself.
        let is_learnt = ["ExpiredToken", "RequestTimeTooSkewed"].contains(&self.code.as_str());
        let is_busy = ["SlowDown", "RequestTimeout", "InternalError"].contains(&self.code.as_str());
        is_learnt
            || is_busy
            || self.status.is_server_error()
            || self.status == StatusCode::TOO_MANY_REQUESTS
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Answer(text) => f.write_str(text),
            Self::Io { what, .. } => write!(f, "cannot {what}"),
            Self::Changed(what) => write!(
                f,
                "{what} has changed while it was uploaded, and nothing was stored; \
                 run the same command again when nobody writes to it"
            ),
            Self::S3(refusal) => refusal.fmt(f),
            Self::Request(_) => f.write_str("the request did not get through"),
            Self::Stalled(time) => {
                write!(f, "nothing moved for {} s", time.as_secs())
            }
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3 says {}", self.status.as_u16())?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(region) = &self.region {
            write!(f, " (the bucket is in {region}: set AWS_REGION={region})")?;
        } else if let Some(endpoint) = &self.endpoint {
            write!(f, " (the bucket is at {endpoint})")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " [request {id}]")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Request(reqwest_middleware::Error::Reqwest(error)) => Some(error),
            Self::Request(reqwest_middleware::Error::Middleware(error)) => Some(error.as_ref()),
            _ => None,
        }
    }
}

/// Says an error and all its causes in one line.
#[derive(Debug)]
pub struct Chain<'a>(&'a (dyn StdError + 'static));

impl<'a> Chain<'a> {
    /// Takes the error.
    #[must_use]
    pub const fn of(error: &'a (dyn StdError + 'static)) -> Self {
        Self(error)
    }
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        for cause in std::iter::successors(self.0.source(), |&error| error.source()) {
            // Some errors say what their causes say.
            let text = cause.to_string();
            if !said.contains(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
        }
        Ok(())
    }
}
