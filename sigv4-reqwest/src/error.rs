//! What can go wrong between a reqwest request and its signature.

use std::error::Error as StdError;
use std::fmt;

use reqwest::Url;

/// Says why a request was not signed, or why its answer is not to be used.
///
/// Where signing itself failed, [`source`](StdError::source) is the [`sigv4_core::Error`], which
/// says why: print the chain of sources, as `anyhow` does with `{:#}`. `Display` names hosts and
/// paths, never a query.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    place: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn signing(source: sigv4_core::Error) -> Self {
        let kind = ErrorKind::Signing(source.kind());
        Self {
            kind,
            place: String::new(),
            source: Some(Box::new(source)),
        }
    }

    pub(crate) fn url(url: &Url) -> Self {
        Self {
            kind: ErrorKind::Url,
            place: place(url),
            source: None,
        }
    }

    pub(crate) fn redirected(url: &Url) -> Self {
        Self {
            kind: ErrorKind::Redirected,
            place: place(url),
            source: None,
        }
    }

    /// Returns what kind of error it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Tells whether the same request may succeed a little later: where the error of signing
    /// [says so](sigv4_core::Error::is_retryable), which it does of a source of credentials that is
    /// away.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        let cause = self.source().and_then(|cause| cause.downcast_ref());
        cause.is_some_and(sigv4_core::Error::is_retryable)
    }
}

/// A URL as far as it may be shown: without userinfo, query and fragment.
fn place(url: &Url) -> String {
    // What follows the scheme of `data:` and its kin is no place.
    if !url.has_authority() {
        return format!("{}:", url.scheme());
    }
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!(
        "{}://{}{port}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.path()
    )
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = &self.place;
        match self.kind {
            ErrorKind::Signing(_) => f.write_str("the request was not signed and not sent"),
            ErrorKind::Url => {
                write!(
                    f,
                    "the URL {place} has no canonical form that reqwest can send unchanged"
                )
            }
            ErrorKind::Redirected => write!(
                f,
                "the answer comes from {place}, which is not what was signed; \
                 build the client with sigv4_reqwest::redirect_policy()"
            ),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// Says why [`execute`](crate::execute) has no answer: `Display` and
/// [`source`](StdError::source) are those of the error inside.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The request was not signed, and was not sent. Or, with the kind
    /// [`Redirected`](ErrorKind::Redirected), it was sent and the answer comes from elsewhere.
    Signing(Error),
    /// The client could not send it, or lost the connection before there was an answer.
    Client(reqwest::Error),
}

impl ExecuteError {
    /// Tells whether the same request may succeed a little later, because it was not sent: the
    /// source of credentials [is away](Error::is_retryable), or there was no connection.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Signing(error) => error.is_retryable(),
            Self::Client(error) => error.is_connect(),
        }
    }
}

impl fmt::Display for ExecuteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signing(error) => error.fmt(f),
            Self::Client(error) => error.fmt(f),
        }
    }
}

impl StdError for ExecuteError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Signing(error) => error.source(),
            Self::Client(error) => error.source(),
        }
    }
}

impl From<Error> for ExecuteError {
    fn from(error: Error) -> Self {
        Self::Signing(error)
    }
}

/// Tells whether the same request may succeed a little later, because all that failed is that the
/// source of credentials [is away](Error::is_retryable).
///
/// It sees through whatever others have wrapped an error of ours into: `reqwest-retry` has an error
/// of its own, through which `downcast_ref` does not see. For a retry layer:
///
/// ```
/// use reqwest_retry::{Retryable, RetryableStrategy};
/// use reqwest_retry::{default_on_request_failure, default_on_request_success};
///
/// struct Strategy;
///
/// impl RetryableStrategy for Strategy {
///     fn handle(
///         &self,
///         result: &reqwest_middleware::Result<reqwest::Response>,
///     ) -> Option<Retryable> {
///         match result {
///             Ok(answer) => default_on_request_success(answer),
///             Err(error) if sigv4_reqwest::is_retryable(error) => Some(Retryable::Transient),
///             Err(error) => default_on_request_failure(error),
///         }
///     }
/// }
/// ```
#[cfg(feature = "middleware")]
#[must_use]
pub fn is_retryable(error: &reqwest_middleware::Error) -> bool {
    let reqwest_middleware::Error::Middleware(error) = error else {
        return false;
    };
    // A wrapper that shows the message of what it wraps also shows the causes of that, and not the
    // error itself. The cause of ours can be seen wherever it is.
    let outermost: &(dyn StdError + 'static) = &**error;
    std::iter::successors(Some(outermost), |&error| error.source())
        .find_map(|error| error.downcast_ref::<sigv4_core::Error>())
        .is_some_and(sigv4_core::Error::is_retryable)
}

/// Tells the kinds of an [`Error`] apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Signing failed, for this reason. Nothing was sent.
    Signing(sigv4_core::ErrorKind),
    /// The URL cannot be signed and then sent exactly as it was signed. Nothing was sent.
    Url,
    /// The client followed a redirect: the answer is not that of the host that was signed for.
    Redirected,
}
