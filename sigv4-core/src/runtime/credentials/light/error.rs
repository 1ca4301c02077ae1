//! Why credentials could not be fetched.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;

/// Says why a source of credentials, or of a region, provided none.
///
/// The providers put it into the
/// [`CredentialsError`](aws_credential_types::provider::error::CredentialsError) that their trait
/// asks for, as its source. `Display` names the source and what is wrong with it: the variable, the
/// file, the field of an answer, but never a value that could be secret.
#[derive(Debug)]
pub struct FetchError {
    kind: FetchErrorKind,
    provider: &'static str,
    message: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    status: Option<u16>,
}

/// Tells what to do about a [`FetchError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// Nothing points to this source. A chain goes on to the next.
    NotConfigured,
    /// The configuration of this source is wrong, and has to be changed.
    Configuration,
    /// The source did not answer in time, or said that it cannot now.
    Unavailable,
    /// The source said no.
    Refused,
    /// The source answered what cannot be understood.
    Malformed,
}

impl FetchError {
    pub(super) fn new(
        kind: FetchErrorKind,
        provider: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            provider,
            message: message.into(),
            source: None,
            status: None,
        }
    }

    pub(super) fn not_configured(
        provider: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(FetchErrorKind::NotConfigured, provider, message)
    }

    pub(super) fn configuration(
        provider: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(FetchErrorKind::Configuration, provider, message)
    }

    pub(super) fn malformed(provider: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FetchErrorKind::Malformed, provider, message)
    }

    pub(super) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(super) const fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    pub(super) fn with_kind(mut self, kind: FetchErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Returns the status of the answer, where the source answered an error.
    pub(super) const fn status(&self) -> Option<u16> {
        self.status
    }

    /// Returns what to do about it.
    #[must_use]
    pub const fn kind(&self) -> FetchErrorKind {
        self.kind
    }

    /// Returns the name of the source, such as `IMDSv2`.
    #[must_use]
    pub const fn provider(&self) -> &'static str {
        self.provider
    }

    /// Tells whether the same may work a little later, without any change.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            FetchErrorKind::Unavailable | FetchErrorKind::Malformed
        )
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.provider, self.message)
    }
}

impl StdError for FetchError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<FetchError> for CredentialsError {
    fn from(error: FetchError) -> Self {
        match error.kind {
            FetchErrorKind::NotConfigured => Self::not_loaded(error),
            FetchErrorKind::Configuration => Self::invalid_configuration(error),
            FetchErrorKind::Malformed => Self::unhandled(error),
            FetchErrorKind::Unavailable | FetchErrorKind::Refused => Self::provider_error(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::error::Error;
    use crate::error::ErrorKind;
    use crate::runtime::CredentialsOutage;
    use crate::runtime::credentials::outage::State;

    use super::*;

    #[test]
    fn an_outage_is_retryable_as_its_cause_is() {
        for (kind, expected) in [
            (FetchErrorKind::NotConfigured, false),
            (FetchErrorKind::Configuration, false),
            (FetchErrorKind::Unavailable, true),
            (FetchErrorKind::Refused, false),
            (FetchErrorKind::Malformed, true),
        ] {
            let error = FetchError::new(kind, "test", "not now");
            assert_eq!(error.is_retryable(), expected, "{kind:?}");
            let cause = Error::new(ErrorKind::Credentials, "the provider failed")
                .because(CredentialsError::from(error));
            let (state, pause) = (State::NeverLoaded, Duration::ZERO);
            let outage = CredentialsOutage::new("test".into(), state, 1, pause, Some(cause));
            assert_eq!(outage.into_error().is_retryable(), expected, "{kind:?}");
        }
    }
}
