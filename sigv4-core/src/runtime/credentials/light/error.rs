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
    /// Whether it was not seen that there is nothing: there was no answer, or nothing there yet.
    is_in_doubt: bool,
}

/// Tells what to do about a [`FetchError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// Nothing points to this source, or nothing is there that could be seen. A chain goes on to the
    /// next.
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
            is_in_doubt: false,
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

    /// Takes the source for one that is not there, so that a chain goes on, though it may be.
    pub(super) const fn in_doubt(mut self) -> Self {
        self.kind = FetchErrorKind::NotConfigured;
        self.is_in_doubt = true;
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
    ///
    /// Instance metadata that gives no answer, or has no role yet, is
    /// [`NotConfigured`](FetchErrorKind::NotConfigured) to a chain, and may work all the same.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.is_in_doubt
            || matches!(
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

    use aws_credential_types::provider::ProvideCredentials;
    use aws_credential_types::provider::SharedCredentialsProvider;

    use super::super::assume_role::AssumeRole;
    use super::super::default_chain::DefaultChain;
    use super::super::fake::Fake;
    use super::super::imds::InstanceMetadata;
    use super::super::profile::Profile;
    use crate::error::Error;
    use crate::error::ErrorKind;
    use crate::runtime::CredentialsOutage;
    use crate::runtime::credentials::outage::State;

    use super::*;

    /// What a cache says whose source never provided anything but this.
    fn outage(error: impl Into<CredentialsError>) -> Error {
        let cause = Error::new(ErrorKind::Credentials, "the provider failed").because(error.into());
        let (state, pause) = (State::NeverLoaded, Duration::ZERO);
        CredentialsOutage::new("test".into(), state, 1, pause, Some(cause)).into_error()
    }

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
            assert_eq!(outage(error).is_retryable(), expected, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn an_instance_that_is_meant_may_be_late_and_one_that_is_not_is_none() {
        let silent = || Fake::new().hang().hang().hang();
        let no_role_yet = || Fake::new().answer(200, "TOKEN").answer(404, "");
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        let role = "[default]\nrole_arn = arn\ncredential_source = Ec2InstanceMetadata\n";
        std::fs::write(&config, role).unwrap();
        let config = config.display().to_string();
        let variables = [("AWS_CONFIG_FILE", &*config), ("AWS_REGION", "us-east-1")];
        let off = [("AWS_EC2_METADATA_DISABLED", "true")];

        let instance = |fake: Fake| InstanceMetadata::new(fake.context(&[]));
        let assumed = AssumeRole::new(Fake::new().context(&variables[1..]), "arn", {
            instance(silent())
        });
        let unset = InstanceMetadata::new(Fake::new().context(&off));
        let assumed_by_nobody = AssumeRole::new(Fake::new().context(&variables[1..]), "arn", unset);
        let sources: [(_, SharedCredentialsProvider, _); 7] = [
            ("no answer", shared(instance(silent())), true),
            ("no role yet", shared(instance(no_role_yet())), true),
            (
                "of a profile",
                shared(Profile::new(silent().context(&variables))),
                true,
            ),
            ("behind a role", shared(assumed), true),
            (
                "switched off",
                shared(InstanceMetadata::new(Fake::new().context(&off))),
                false,
            ),
            (
                "switched off behind a role",
                shared(assumed_by_nobody),
                false,
            ),
            (
                "the last of a chain",
                shared(DefaultChain::new(silent().context(&[]))),
                false,
            ),
        ];
        for (name, source, expected) in sources {
            let error = source.provide_credentials().await.unwrap_err();
            let error = outage(error);
            assert_eq!(error.is_retryable(), expected, "{name}: {error:?}");
        }
    }

    fn shared(provider: impl ProvideCredentials + 'static) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(provider)
    }
}
