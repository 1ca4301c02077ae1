//! What this crate itself finds wrong with a request.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// Says why [`Upstream`](crate::Upstream) or [`BrowserGuard`](crate::BrowserGuard) did not let a
/// request through.
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
    /// `x-amz-content-sha256` is neither a hash nor anything else that can be
    /// [followed](crate::UpstreamLayer::follow_client_payload).
    PayloadHash,
    /// The request names its host more than once, or differently.
    AmbiguousHost,
    /// The request names a host that the proxy is not asked under.
    UnknownHost,
    /// A browser says that a web page has made the request.
    WebPage,
}

impl ErrorKind {
    /// Returns a name that stays as it is, for logs and the labels of metrics: `no_route`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoRoute => "no_route",
            Self::AmbiguousTarget => "ambiguous_target",
            Self::TargetTooLong => "target_too_long",
            Self::TooManyHeaders => "too_many_headers",
            Self::HeaderValue => "header_value",
            Self::RepeatedHeader => "repeated_header",
            Self::ContentLength => "content_length",
            Self::Method => "method",
            Self::TransferCoding => "transfer_coding",
            Self::EncodedBody => "encoded_body",
            Self::Upgrade => "upgrade",
            Self::PayloadHash => "payload_hash",
            Self::AmbiguousHost => "ambiguous_host",
            Self::UnknownHost => "unknown_host",
            Self::WebPage => "web_page",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dashboards depend on these.
    #[test]
    fn kinds_have_names_that_stay() {
        for (kind, name) in [
            (ErrorKind::NoRoute, "no_route"),
            (ErrorKind::AmbiguousTarget, "ambiguous_target"),
            (ErrorKind::TargetTooLong, "target_too_long"),
            (ErrorKind::TooManyHeaders, "too_many_headers"),
            (ErrorKind::HeaderValue, "header_value"),
            (ErrorKind::RepeatedHeader, "repeated_header"),
            (ErrorKind::ContentLength, "content_length"),
            (ErrorKind::Method, "method"),
            (ErrorKind::TransferCoding, "transfer_coding"),
            (ErrorKind::EncodedBody, "encoded_body"),
            (ErrorKind::Upgrade, "upgrade"),
            (ErrorKind::PayloadHash, "payload_hash"),
            (ErrorKind::AmbiguousHost, "ambiguous_host"),
            (ErrorKind::UnknownHost, "unknown_host"),
            (ErrorKind::WebPage, "web_page"),
        ] {
            assert_eq!(kind.as_str(), name);
        }
    }
}
