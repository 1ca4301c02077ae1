//! [`CredentialSource`]: where credentials come from, as a configuration says it.

mod check;
#[cfg(feature = "serde")]
mod de;
mod display;
#[cfg(feature = "light-credentials")]
mod light;
mod local;
pub(in crate::runtime) mod providers;
pub(in crate::runtime) mod settings;
pub(in crate::runtime) mod value;

use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;

use self::check::Check;
use self::providers::Providers;
use self::settings::AssumeRoleSource;
use self::settings::ChainSource;
use self::settings::ProfileSource;
use self::settings::StaticKeys;
use self::settings::WebIdentitySource;
use crate::error::ConfigError;
use crate::runtime::credentials::builder::CredentialsCacheBuilder;
use crate::runtime::credentials::cache::CredentialsCache;

/// Says where credentials come from. Made in code, or out of a configuration file (feature
/// `serde`).
///
/// `Display` says in one line what it is, for people: role, profile, region, and where keys are kept.
/// It never shows a key.
///
/// It is plain data: nothing is read and nobody is asked before [`load`](Self::load) makes a
/// provider of it. Which code then fetches is chosen there, by [`Providers`].
///
/// ```
/// use std::time::Duration;
///
/// use sigv4_core::runtime::{AssumeRoleSource, CredentialSource, Providers, StaticKeys};
///
/// let keys = StaticKeys::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
/// let source = CredentialSource::from(keys);
/// let credentials = source.cache(&Providers::local())?.build();
///
/// // The same for a role. Only providers with an HTTP client can assume it.
/// let role = AssumeRoleSource::new("arn:aws:iam::123456789012:role/gateway")
///     .external_id("tenant-7")
///     .duration(Duration::from_secs(900))
///     .source(source);
/// let error = CredentialSource::from(role).load(&Providers::local()).unwrap_err();
/// assert!(error.to_string().contains("light-credentials"));
/// # Ok::<(), sigv4_core::ConfigError>(())
/// ```
///
/// # In a configuration file
///
/// The field `type` says which source it is, and what other fields there may be. Unknown types and
/// fields are errors that name them.
///
/// ```json
/// {
///   "type": "chain",
///   "sources": [
///     { "type": "static", "access_key_id": "env:MY_ID",
///       "secret_access_key": "file:/run/secrets/key" },
///     { "type": "profile", "name": "dev", "config_file": "~/work/aws-config" },
///     { "type": "assume_role", "account_id": "123456789012", "role_name": "gateway",
///       "external_id": "tenant-7", "duration_seconds": 3600, "region": "eu-central-1",
///       "source": { "type": "web_identity" } },
///     { "type": "default" }
///   ]
/// }
/// ```
///
/// - `default`: the default chain of the SDKs, which is environment, profile, web identity,
///   container, instance.
/// - `profile`: [a profile](ProfileSource) in the shared configuration files. `name`,
///   `config_file`, `credentials_file`.
/// - `static`: [keys that are given](StaticKeys), as they are, as `env:NAME` or as `file:PATH`.
///   `access_key_id`, `secret_access_key`, `session_token`.
/// - `environment`: `AWS_ACCESS_KEY_ID` and its kin.
/// - `assume_role`: [a role](AssumeRoleSource), through STS. `role_arn`, or `account_id`,
///   `role_name` and `partition`; `session_name`, `external_id`, `duration_seconds`, `region`,
///   `endpoint`, and `source`, which is another source and `default` if it is left out.
/// - `web_identity`: [a role](WebIdentitySource) for the token in a file. `token_file`, `role_arn`,
///   `session_name`, `region`; all may be left out.
/// - `container`: the role of the container (ECS, EKS Pod Identity).
/// - `instance_metadata`: the role of the EC2 instance (IMDSv2).
/// - `chain`: [the first](ChainSource) of several sources that has any. `sources`, `sticky`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CredentialSource {
    /// The default chain of the SDKs.
    Default,
    /// A profile in the shared configuration files.
    Profile(ProfileSource),
    /// Keys that are given.
    Static(StaticKeys),
    /// The environment variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`.
    Environment,
    /// A role that is assumed with other credentials.
    AssumeRole(Box<AssumeRoleSource>),
    /// A role that is assumed with a token in a file.
    WebIdentity(WebIdentitySource),
    /// The credential service of the container.
    Container,
    /// The metadata service of the EC2 instance.
    InstanceMetadata,
    /// The first of several that has credentials.
    Chain(ChainSource),
}

impl CredentialSource {
    /// Makes a provider, for a [`CredentialsCache`](crate::runtime::CredentialsCache).
    ///
    /// The configuration is checked as a whole, with all sources inside this one. Values of
    /// [`StaticKeys`] are read, so that one that is missing is found out at the start. No service
    /// is asked yet.
    ///
    /// # Errors
    ///
    /// When a value cannot be right, with its field and the remedy, or when these providers do not
    /// have this source, with the feature that does. Where the fault is in a source inside this
    /// one, the error says in which, and has the reason in its
    /// [`source`](std::error::Error::source).
    pub fn load(&self, providers: &Providers) -> Result<SharedCredentialsProvider, ConfigError> {
        self.check()?;
        providers.load(self)
    }

    /// Begins a cache of what [`load`](Self::load) makes a provider of.
    ///
    /// It has the name of this [`kind`](Self::kind), for errors. Where the credentials may come out
    /// of a file that somebody edits, they are [looked up again](CredentialsCacheBuilder::recheck)
    /// once a minute.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn cache(&self, providers: &Providers) -> Result<CredentialsCacheBuilder, ConfigError> {
        let cache = CredentialsCache::builder(self.load(providers)?).name(self.kind());
        Ok(match self {
            Self::Default | Self::Profile(_) | Self::Static(_) | Self::Chain(_) => {
                cache.recheck(RECHECK_OF_FILES)
            }
            _ => cache,
        })
    }

    /// Looks up the region that the environment says, or else the profile, or else the instance.
    ///
    /// The profile is that of a [`ProfileSource`], and the one that the environment selects for
    /// all other sources. [`Providers::region`] says which places are looked at.
    ///
    /// # Errors
    ///
    /// When none of them says one.
    ///
    /// # Cancel safety
    ///
    /// The future can be dropped at any time.
    pub async fn region(&self, providers: &Providers) -> Result<String, ConfigError> {
        match self {
            Self::Profile(profile) => providers.region_of(profile).await,
            _ => providers.region().await,
        }
    }

    /// Returns the `type` of this source.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Profile(_) => "profile",
            Self::Static(_) => "static",
            Self::Environment => "environment",
            Self::AssumeRole(_) => "assume_role",
            Self::WebIdentity(_) => "web_identity",
            Self::Container => "container",
            Self::InstanceMetadata => "instance_metadata",
            Self::Chain(_) => "chain",
        }
    }
}

/// The default chain.
impl Default for CredentialSource {
    fn default() -> Self {
        Self::Default
    }
}

impl From<ProfileSource> for CredentialSource {
    fn from(profile: ProfileSource) -> Self {
        Self::Profile(profile)
    }
}

impl From<StaticKeys> for CredentialSource {
    fn from(keys: StaticKeys) -> Self {
        Self::Static(keys)
    }
}

impl From<AssumeRoleSource> for CredentialSource {
    fn from(role: AssumeRoleSource) -> Self {
        Self::AssumeRole(Box::new(role))
    }
}

impl From<WebIdentitySource> for CredentialSource {
    fn from(identity: WebIdentitySource) -> Self {
        Self::WebIdentity(identity)
    }
}

impl From<ChainSource> for CredentialSource {
    fn from(chain: ChainSource) -> Self {
        Self::Chain(chain)
    }
}

/// How often files are looked at that somebody may edit.
const RECHECK_OF_FILES: Duration = Duration::from_secs(60);
