//! What can go wrong: [`Error`] while signing, [`ConfigError`] while configuring.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

type Source = Arc<dyn StdError + Send + Sync>;

/// Says why a request was not signed.
///
/// The request is exactly as it was before the call, and nothing has been sent; except where a body
/// that passes as a stream turns out to be another than it declared, which breaks the request off.
///
/// `Display` names the part of the request that is at fault and the remedy. It never holds the
/// value of a header, a query string, or anything else that may be secret. The cause, where there
/// is one, is in [`source`](StdError::source).
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Source>,
}

impl Error {
    /// Makes an error that says what is wrong and what to do about it.
    #[cfg_attr(
        not(any(feature = "runtime", feature = "tokens")),
        expect(
            dead_code,
            reason = "only the runtime and the tokens make errors with a computed text"
        )
    )]
    pub(crate) fn with_message(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) const fn new(kind: ErrorKind, message: &'static str) -> Self {
        Self {
            kind,
            message: Cow::Borrowed(message),
            source: None,
        }
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// Returns which part of signing failed.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns which source of credentials fails, since when, and when there is the next attempt,
    /// where that is why the request was not signed.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    #[must_use]
    pub fn credentials_outage(&self) -> Option<&crate::runtime::CredentialsOutage> {
        self.source.as_deref()?.downcast_ref()
    }

    /// Tells whether the same request may succeed a little later, without any change to it.
    ///
    /// Only a lack of credentials passes by itself: the source of credentials may recover. Where
    /// there never were any, because no source is configured, or one is wrongly, or it refuses, there
    /// will be none until somebody changes that. A provider that is not of this crate may call it a
    /// failure, which may pass, that it was told no. Instance metadata that gives no answer is no
    /// source to a chain that asks it last, since it gives none on all other machines; nor is it to
    /// the providers of `aws-config`.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        #[cfg(feature = "runtime")]
        if let Some(outage) = self.credentials_outage()
            && outage.is_definite()
        {
            return false;
        }
        self.kind == ErrorKind::Credentials
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// Names the part of a request, or of its circumstances, that kept it from being signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request target is not one that AWS serves (`CONNECT`, `*`), or the canonical one does
    /// not fit into a URI.
    RequestTarget,
    /// There is no host to sign: neither a Host header nor an authority in the URI.
    MissingHost,
    /// The Host header is repeated, empty, or not a host.
    InvalidHost,
    /// The query holds a raw `+`, which [`PlusPolicy::Reject`](crate::PlusPolicy::Reject) refuses.
    AmbiguousPlus,
    /// The URI is not in canonical form, which
    /// [`WireForm::RefuseIfDifferent`](crate::WireForm::RefuseIfDifferent) refuses.
    NotCanonical,
    /// The request carries an `Authorization` header, or authentication in its query, that this
    /// signer did not make or may not take away.
    ExistingAuthorization,
    /// The request has so many headers that the signature's do not fit beside them.
    TooManyHeaders,
    /// The payload mode is one that the service does not accept.
    Payload,
    /// The body has another SHA-256 than was said of it.
    PayloadHash,
    /// The service wants to know the length of the body beforehand.
    LengthRequired,
    /// The signing time is before 1970 or after 9999.
    Time,
    /// The lifetime of a presigned URL is out of range, or longer than that of the credentials.
    Expiry,
    /// There are no usable credentials.
    Credentials,
    /// A set of regions was given to SigV4, which signs for one region.
    RegionSet,
    /// The backend of SigV4A could not make a signature.
    Ecdsa,
    /// What is to be signed as events of a stream is none, or too long for one.
    EventStream,
    /// The destination is not within the [host scope](crate::runtime::HostScope).
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    OutOfScope,
    /// The body is longer than the limit up to which it is held for hashing.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    BodyTooLarge,
    /// The body could not be read to its end.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    BodyRead,
    /// The body is not as long as its `Content-Length` says, or that header cannot be read.
    BodyLength,
    /// The body ends in trailers, which a signature over the payload cannot cover.
    #[cfg(feature = "body")]
    #[cfg_attr(docsrs, doc(cfg(feature = "body")))]
    Trailers,
}

impl ErrorKind {
    /// Returns a name that stays as it is, for logs and the labels of metrics: `missing_host`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestTarget => "request_target",
            Self::MissingHost => "missing_host",
            Self::InvalidHost => "invalid_host",
            Self::AmbiguousPlus => "ambiguous_plus",
            Self::NotCanonical => "not_canonical",
            Self::ExistingAuthorization => "existing_authorization",
            Self::TooManyHeaders => "too_many_headers",
            Self::Payload => "payload",
            Self::PayloadHash => "payload_hash",
            Self::LengthRequired => "length_required",
            Self::Time => "time",
            Self::Expiry => "expiry",
            Self::Credentials => "credentials",
            Self::RegionSet => "region_set",
            Self::Ecdsa => "ecdsa",
            Self::EventStream => "event_stream",
            #[cfg(feature = "runtime")]
            Self::OutOfScope => "out_of_scope",
            #[cfg(feature = "runtime")]
            Self::BodyTooLarge => "body_too_large",
            #[cfg(feature = "runtime")]
            Self::BodyRead => "body_read",
            Self::BodyLength => "body_length",
            #[cfg(feature = "body")]
            Self::Trailers => "trailers",
        }
    }
}

/// Says why a configuration value was refused. No request is involved yet.
#[derive(Debug)]
pub struct ConfigError {
    field: &'static str,
    message: Cow<'static, str>,
    source: Option<Source>,
}

impl ConfigError {
    pub(crate) fn new(field: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// Returns the name of the value that was refused, for example `region`.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl StdError for ConfigError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dashboards depend on these.
    #[test]
    fn kinds_have_names_that_stay() {
        for (kind, name) in [
            (ErrorKind::RequestTarget, "request_target"),
            (ErrorKind::MissingHost, "missing_host"),
            (ErrorKind::InvalidHost, "invalid_host"),
            (ErrorKind::AmbiguousPlus, "ambiguous_plus"),
            (ErrorKind::NotCanonical, "not_canonical"),
            (ErrorKind::ExistingAuthorization, "existing_authorization"),
            (ErrorKind::TooManyHeaders, "too_many_headers"),
            (ErrorKind::Payload, "payload"),
            (ErrorKind::PayloadHash, "payload_hash"),
            (ErrorKind::LengthRequired, "length_required"),
            (ErrorKind::Time, "time"),
            (ErrorKind::Expiry, "expiry"),
            (ErrorKind::Credentials, "credentials"),
            (ErrorKind::RegionSet, "region_set"),
            (ErrorKind::Ecdsa, "ecdsa"),
            (ErrorKind::EventStream, "event_stream"),
            (ErrorKind::BodyLength, "body_length"),
            #[cfg(feature = "runtime")]
            (ErrorKind::OutOfScope, "out_of_scope"),
            #[cfg(feature = "runtime")]
            (ErrorKind::BodyTooLarge, "body_too_large"),
            #[cfg(feature = "runtime")]
            (ErrorKind::BodyRead, "body_read"),
            #[cfg(feature = "body")]
            (ErrorKind::Trailers, "trailers"),
        ] {
            assert_eq!(kind.as_str(), name);
        }
    }
}
