//! What there is to say about each source.

use std::path::PathBuf;
use std::time::Duration;

use super::CredentialSource;
use super::value::SecretText;
#[cfg(any(feature = "aws-config", feature = "light-credentials"))]
use super::value::expand_home;
#[cfg(any(feature = "aws-config", feature = "light-credentials"))]
use crate::error::ConfigError;

/// A profile in the shared configuration files.
///
/// What is not said is as the environment has it: `AWS_PROFILE`, `AWS_CONFIG_FILE` and
/// `AWS_SHARED_CREDENTIALS_FILE`, or else `default`, `~/.aws/config` and `~/.aws/credentials`. The
/// files are looked at again at every fetch, so that a change counts from the next one on. The cache
/// of [`CredentialSource::cache`](crate::runtime::CredentialSource::cache) fetches keys that have no
/// end once a minute; others do so where they are told to
/// [recheck](crate::runtime::CredentialsCacheBuilder::recheck).
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, default))]
pub struct ProfileSource {
    pub(in crate::runtime::credentials) name: Option<String>,
    pub(in crate::runtime::credentials) config_file: Option<PathBuf>,
    pub(in crate::runtime::credentials) credentials_file: Option<PathBuf>,
}

impl ProfileSource {
    /// Begins with the profile that the environment selects.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name of the profile.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the configuration file. `~/` is the home directory.
    #[must_use]
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.config_file = Some(path.into());
        self
    }

    /// Sets the credentials file. `~/` is the home directory.
    #[must_use]
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials_file = Some(path.into());
        self
    }
}

#[cfg(any(feature = "aws-config", feature = "light-credentials"))]
impl ProfileSource {
    /// Returns the same with the home directory in its paths.
    pub(in crate::runtime::credentials) fn expanded(&self) -> Result<Self, ConfigError> {
        let expand = |field, path: &Option<PathBuf>| {
            let path = path.as_deref().map(|path| expand_home(field, path));
            path.transpose()
        };
        Ok(Self {
            name: self.name.clone(),
            config_file: expand("config_file", &self.config_file)?,
            credentials_file: expand("credentials_file", &self.credentials_file)?,
        })
    }
}

/// Keys that are given.
///
/// Each value is taken as it is, or from somewhere else: `env:NAME` is the value of an environment
/// variable, `file:PATH` is the content of a file (`~/` is the home directory) without the line
/// break at its end. They are read at each fetch.
///
/// `Debug` shows where values are from, never the values. They are never serialized, and errors
/// do not hold them.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html>
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct StaticKeys {
    pub(super) access_key_id: SecretText,
    pub(super) secret_access_key: SecretText,
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) session_token: Option<SecretText>,
}

impl StaticKeys {
    /// Begins with an access key.
    #[must_use]
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self {
            access_key_id: SecretText::new(access_key_id),
            secret_access_key: SecretText::new(secret_access_key),
            session_token: None,
        }
    }

    /// Sets the session token of temporary credentials. Without one they are those of a user.
    #[must_use]
    pub fn session_token(mut self, session_token: impl Into<String>) -> Self {
        self.session_token = Some(SecretText::new(session_token));
        self
    }
}

/// A role that is assumed with the credentials of another source.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, default))]
pub struct AssumeRoleSource {
    pub(super) role_arn: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) role_name: Option<String>,
    pub(super) partition: Option<String>,
    pub(in crate::runtime::credentials) session_name: Option<String>,
    pub(in crate::runtime::credentials) external_id: Option<String>,
    pub(in crate::runtime::credentials) duration_seconds: Option<u64>,
    pub(in crate::runtime::credentials) region: Option<String>,
    pub(in crate::runtime::credentials) endpoint: Option<String>,
    pub(in crate::runtime::credentials) source: CredentialSource,
}

impl AssumeRoleSource {
    /// Begins with the ARN of a role: `arn:aws:iam::123456789012:role/gateway`.
    #[must_use]
    pub fn new(role_arn: impl Into<String>) -> Self {
        Self {
            role_arn: Some(role_arn.into()),
            ..Self::default()
        }
    }

    /// Begins with an account and the name of a role in it, which may have a path.
    #[must_use]
    pub fn in_account(account_id: impl Into<String>, role_name: impl Into<String>) -> Self {
        Self {
            account_id: Some(account_id.into()),
            role_name: Some(role_name.into()),
            ..Self::default()
        }
    }

    /// Sets the partition of the account: `aws-cn`, `aws-us-gov`. Default: `aws`.
    #[must_use]
    pub fn partition(mut self, partition: impl Into<String>) -> Self {
        self.partition = Some(partition.into());
        self
    }

    /// Sets the name of the session, which CloudTrail shows. Default: one of the time.
    #[must_use]
    pub fn session_name(mut self, session_name: impl Into<String>) -> Self {
        self.session_name = Some(session_name.into());
        self
    }

    /// Sets the external id that the owner of the role asks for.
    #[must_use]
    pub fn external_id(mut self, external_id: impl Into<String>) -> Self {
        self.external_id = Some(external_id.into());
        self
    }

    /// Sets how long the credentials live, in whole seconds, from 15 minutes to 12 hours. Default:
    /// an hour. A role that was assumed with that of another lives an hour at most.
    #[must_use]
    pub const fn duration(mut self, duration: Duration) -> Self {
        self.duration_seconds = Some(duration.as_secs());
        self
    }

    /// Sets the region whose STS is asked. Default: the one that the environment says, or the
    /// profile, or the instance.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets the address at which STS is asked, for example that of a VPC endpoint.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets whose credentials the role is assumed with. Default: those of the default chain.
    #[must_use]
    pub fn source(mut self, source: impl Into<CredentialSource>) -> Self {
        self.source = source.into();
        self
    }
}

#[cfg(any(feature = "aws-config", feature = "light-credentials"))]
impl AssumeRoleSource {
    pub(in crate::runtime::credentials) const fn inner(&self) -> &CredentialSource {
        &self.source
    }

    pub(in crate::runtime::credentials) fn life(&self) -> Option<Duration> {
        self.duration_seconds.map(Duration::from_secs)
    }
}

/// A role that is assumed with a web identity token, for example that of a Kubernetes service
/// account.
///
/// What is not said is as the environment has it: `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN` and
/// `AWS_ROLE_SESSION_NAME`. The file is read at each fetch.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, default))]
pub struct WebIdentitySource {
    pub(in crate::runtime::credentials) token_file: Option<PathBuf>,
    pub(in crate::runtime::credentials) role_arn: Option<String>,
    pub(in crate::runtime::credentials) session_name: Option<String>,
    pub(in crate::runtime::credentials) region: Option<String>,
}

impl WebIdentitySource {
    /// Begins with what the environment says.
    #[must_use]
    pub fn from_env() -> Self {
        Self::default()
    }

    /// Begins with the file of the token, where `~/` is the home directory, and the ARN of the
    /// role.
    #[must_use]
    pub fn new(token_file: impl Into<PathBuf>, role_arn: impl Into<String>) -> Self {
        Self {
            token_file: Some(token_file.into()),
            role_arn: Some(role_arn.into()),
            ..Self::default()
        }
    }

    /// Sets the name of the session, which CloudTrail shows. Default: one of the time.
    #[must_use]
    pub fn session_name(mut self, session_name: impl Into<String>) -> Self {
        self.session_name = Some(session_name.into());
        self
    }

    /// Sets the region whose STS is asked. Default: the one that the environment says, or the
    /// profile, or the instance.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }
}

#[cfg(any(feature = "aws-config", feature = "light-credentials"))]
impl WebIdentitySource {
    /// Returns the same with the home directory in its path.
    pub(in crate::runtime::credentials) fn expanded(&self) -> Result<Self, ConfigError> {
        let path = self.token_file.as_deref();
        let path = path.map(|path| expand_home("token_file", path));
        Ok(Self {
            token_file: path.transpose()?,
            ..self.clone()
        })
    }
}

/// Several sources, of which the first that is configured has the credentials.
///
/// A source that is configured and fails ends the chain. See
/// [`StickyChain`](crate::runtime::StickyChain).
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ChainSource {
    pub(super) sources: Vec<CredentialSource>,
    #[cfg_attr(feature = "serde", serde(default = "sticky"))]
    pub(super) sticky: bool,
}

impl ChainSource {
    /// Makes a chain of sources, in this order.
    #[must_use]
    pub fn new(sources: impl IntoIterator<Item = CredentialSource>) -> Self {
        Self {
            sources: sources.into_iter().collect(),
            sticky: true,
        }
    }

    /// Sets whether the source that first had credentials is the only one asked afterwards.
    /// Default: yes, so that a failure never changes the identity.
    #[must_use]
    pub const fn sticky(mut self, sticky: bool) -> Self {
        self.sticky = sticky;
        self
    }
}

#[cfg(feature = "serde")]
const fn sticky() -> bool {
    true
}
