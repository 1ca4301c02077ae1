//! What this crate itself finds wrong with a request.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// Says why [`Upstream`](crate::Upstream) did not let a request through.
///
/// `Display` names the part that is at fault and never its value.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind, message: &'static str) -> Self {
        Self {
            kind,
            message: Cow::Borrowed(message),
        }
    }

    pub(crate) const fn with_message(kind: ErrorKind, message: String) -> Self {
        Self {
            kind,
            message: Cow::Owned(message),
        }
    }

    /// Returns what kind of fault it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {}

/// Tells the kinds of an [`Error`] apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The path is not below the prefix that leads to the upstream.
    NoRoute,
    /// The target is not a path, or one that two servers may read differently: with dot segments or
    /// empty segments.
    AmbiguousTarget,
    /// The target does not fit into a URI together with the upstream's path.
    TargetTooLong,
    /// The request has more headers than can be forwarded.
    TooManyHeaders,
    /// The value of a header has octets that are not ASCII, or control characters other than tabs.
    HeaderValue,
    /// A header that may be there once is repeated: `Content-Type`.
    RepeatedHeader,
    /// `Content-Length` is no number, or repeated with another one.
    ContentLength,
    /// The method is not forwarded: `TRACE`.
    Method,
    /// The body has a transfer coding other than `chunked`.
    TransferCoding,
    /// The body is in the encoding of another signature (aws-chunked), which would become a part of
    /// what is stored.
    EncodedBody,
    /// The request asks for another protocol on its connection: a WebSocket.
    Upgrade,
    /// The request names its host more than once, or differently.
    AmbiguousHost,
}
