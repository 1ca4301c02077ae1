//! The sources that need neither files of AWS nor an HTTP client.

use std::env;
use std::env::VarError;
use std::fmt;

use aws_credential_types::Credentials;
use aws_credential_types::provider;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use zeroize::Zeroizing;

use super::settings::StaticKeys;
use crate::error::ConfigError;

/// Provides keys that are given.
#[derive(Debug)]
pub(super) struct Given(StaticKeys);

impl Given {
    /// Reads the values once, so that what is missing is found out now.
    pub(super) fn new(keys: &StaticKeys) -> Result<Self, ConfigError> {
        let given = Self(keys.clone());
        crate::Credentials::try_from(&given.read()?)?;
        Ok(given)
    }

    fn read(&self) -> Result<Credentials, ConfigError> {
        let keys = &self.0;
        let id = keys.access_key_id.fetch("access_key_id")?;
        let secret = keys.secret_access_key.fetch("secret_access_key")?;
        let token = keys
            .session_token
            .as_ref()
            .map(|token| token.fetch("session_token"))
            .transpose()?;
        let mut credentials = Credentials::builder()
            .access_key_id(id.as_str())
            .secret_access_key(secret.as_str())
            .provider_name("Static");
        // An empty variable is how many environments spell "none".
        let token = token.filter(|token| !token.is_empty());
        credentials.set_session_token(token.map(|token| token.to_string()));
        Ok(credentials.build())
    }
}

impl ProvideCredentials for Given {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(
            self.read().map_err(CredentialsError::invalid_configuration),
        )
    }
}

/// Provides what the environment variables say, as the providers of `aws-config` and of the feature
/// `light-credentials` do. This one is for those who have neither.
#[derive(Debug)]
pub(super) struct Variables;

impl Variables {
    fn read() -> provider::Result {
        let id = variable("AWS_ACCESS_KEY_ID")?;
        let secret = variable("AWS_SECRET_ACCESS_KEY")?;
        let (id, secret) = match (id, secret) {
            (Some(id), Some(secret)) => (id, secret),
            (None, None) => return Err(CredentialsError::not_loaded(Unset("AWS_ACCESS_KEY_ID"))),
            // To pass over half a pair would mean another identity.
            (Some(_), None) => return Err(half("AWS_SECRET_ACCESS_KEY")),
            (None, Some(_)) => return Err(half("AWS_ACCESS_KEY_ID")),
        };
        let mut credentials = Credentials::builder()
            .access_key_id(id.as_str())
            .secret_access_key(secret.as_str())
            .provider_name("EnvironmentVariable");
        let token = variable("AWS_SESSION_TOKEN")?;
        credentials.set_session_token(token.map(|token| token.trim().to_owned()));
        let account = variable("AWS_ACCOUNT_ID")?;
        credentials.set_account_id(account.map(|account| account.trim().into()));
        Ok(credentials.build())
    }
}

impl ProvideCredentials for Variables {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Self::read())
    }
}

/// Reads a variable. One that is blank counts as not set.
pub(super) fn variable(name: &'static str) -> Result<Option<Zeroizing<String>>, CredentialsError> {
    match env::var(name).map(Zeroizing::new) {
        Ok(value) if value.trim().is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        // The error has the value in it.
        Err(VarError::NotUnicode(_)) => Err(CredentialsError::invalid_configuration(NotText(name))),
    }
}

fn half(missing: &'static str) -> CredentialsError {
    CredentialsError::invalid_configuration(Unset(missing))
}

#[derive(Debug)]
struct Unset(&'static str);

impl fmt::Display for Unset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the environment variable `{}` is not set", self.0)
    }
}

impl std::error::Error for Unset {}

#[derive(Debug)]
struct NotText(&'static str);

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the environment variable `{}` is not text", self.0)
    }
}

impl std::error::Error for NotText {}
