//! [`Providers`]: the code that fetches credentials.

use std::env;

use aws_credential_types::provider::SharedCredentialsProvider;

use super::CredentialSource;
use super::check::within_link;
#[cfg(any(feature = "aws-config", feature = "light-credentials"))]
use super::check::within_source;
#[cfg(feature = "light-credentials")]
use super::light;
use super::local::Given;
use super::local::Variables;
use super::settings::ChainSource;
use super::settings::ProfileSource;
use crate::error::ConfigError;
#[cfg(feature = "aws-config")]
use crate::runtime::credentials::aws_config::AwsConfig;
use crate::runtime::credentials::chain::StickyChain;
#[cfg(feature = "light-credentials")]
use crate::runtime::credentials::light::Context;
#[cfg(feature = "aws-config")]
use crate::runtime::http_send::HttpSend;
use crate::scope::Region;

/// The code that fetches what a [`CredentialSource`] says.
///
/// It is chosen here, in code: a feature makes a choice available and changes no other.
///
/// - [`local`](Self::local) has static keys, the environment, and chains of them. It knows the
///   region of the environment.
/// - `light`, feature `light-credentials`, has all sources. It knows the region of the environment,
///   of a profile and of the instance. It brings five small crates along.
/// - `aws_config`, feature `aws-config`, has the same, and `credential_process` in profiles; with
///   the feature `aws-config-sso` also IAM Identity Center. It brings `aws-config` along and the
///   SDK for STS, some fifty crates.
///
/// The last two send their requests through an [`HttpSend`](crate::runtime::HttpSend), which
/// `sigv4-reqwest` and `sigv4-tower` implement over the HTTP library of the program.
#[derive(Clone, Debug)]
pub struct Providers {
    engine: Engine,
}

#[derive(Clone, Debug)]
enum Engine {
    Local,
    #[cfg(feature = "light-credentials")]
    Light(Context),
    #[cfg(feature = "aws-config")]
    AwsConfig(AwsConfig),
}

impl Providers {
    /// Fetches nothing over HTTP: static keys and the environment.
    #[must_use]
    pub const fn local() -> Self {
        Self {
            engine: Engine::Local,
        }
    }

    /// Fetches with the providers of this crate, over this HTTP client, or with a
    /// [context](Context) of it and a clock.
    #[cfg(feature = "light-credentials")]
    #[cfg_attr(docsrs, doc(cfg(feature = "light-credentials")))]
    #[must_use]
    pub fn light(http: impl Into<Context>) -> Self {
        Self {
            engine: Engine::Light(http.into()),
        }
    }

    /// Fetches with the providers of `aws-config`, over this HTTP client.
    ///
    /// The requests of `aws-config` bring retries and timeouts of their own. Their read timeout is
    /// taken as the limit of a whole exchange, since an [`HttpSend`] has no other.
    #[cfg(feature = "aws-config")]
    #[cfg_attr(docsrs, doc(cfg(feature = "aws-config")))]
    #[must_use]
    pub fn aws_config(http: impl HttpSend) -> Self {
        Self {
            engine: Engine::AwsConfig(AwsConfig::new(http)),
        }
    }

    /// Looks up the region: in `AWS_REGION` and `AWS_DEFAULT_REGION`, in the profile that the
    /// environment selects, and in the metadata of the instance, as far as these providers read
    /// them.
    ///
    /// # Errors
    ///
    /// When none of them says one, or says one that cannot be.
    ///
    /// # Cancel safety
    ///
    /// The future can be dropped at any time.
    pub async fn region(&self) -> Result<String, ConfigError> {
        self.region_of(&ProfileSource::new()).await
    }

    /// Looks up the region, in this profile instead of the one that the environment selects.
    pub(super) async fn region_of(&self, profile: &ProfileSource) -> Result<String, ConfigError> {
        let found = match &self.engine {
            Engine::Local => {
                let _ = profile;
                region_of_environment()
            }
            #[cfg(feature = "light-credentials")]
            Engine::Light(context) => light::region(context, &profile.expanded()?).await?,
            #[cfg(feature = "aws-config")]
            Engine::AwsConfig(engine) => engine.region(&profile.expanded()?).await,
        };
        let remedy = match &self.engine {
            Engine::Local => "is set nowhere; set `AWS_REGION`",
            #[cfg(any(feature = "aws-config", feature = "light-credentials"))]
            _ => "is set nowhere; set `AWS_REGION`, or `region` in the profile",
        };
        let region = found.ok_or_else(|| ConfigError::new("region", remedy))?;
        Region::new(&region)?;
        Ok(region)
    }

    /// Makes a provider of a source that has been checked.
    pub(super) fn load(
        &self,
        source: &CredentialSource,
    ) -> Result<SharedCredentialsProvider, ConfigError> {
        match source {
            CredentialSource::Static(keys) => Ok(SharedCredentialsProvider::new(Given::new(keys)?)),
            CredentialSource::Chain(chain) => self.load_chain(chain),
            _ => match &self.engine {
                Engine::Local => load_local(source),
                #[cfg(feature = "light-credentials")]
                Engine::Light(context) => light::load(context, source, |inner| {
                    self.load(inner).map_err(within_source)
                }),
                #[cfg(feature = "aws-config")]
                Engine::AwsConfig(engine) => {
                    engine.load(source, |inner| self.load(inner).map_err(within_source))
                }
            },
        }
    }

    fn load_chain(&self, chain: &ChainSource) -> Result<SharedCredentialsProvider, ConfigError> {
        let links = chain.sources.iter().enumerate();
        let links: Result<Vec<_>, _> = links
            .map(|(index, source)| match self.load(source) {
                Ok(provider) => Ok((source.kind(), provider)),
                Err(error) => Err(within_link(index, error)),
            })
            .collect();
        let chain = StickyChain::new(links?).sticky(chain.sticky);
        Ok(SharedCredentialsProvider::new(chain))
    }
}

fn load_local(source: &CredentialSource) -> Result<SharedCredentialsProvider, ConfigError> {
    match source {
        CredentialSource::Environment => Ok(SharedCredentialsProvider::new(Variables)),
        _ => Err(ConfigError::new(
            source.kind(),
            "needs the feature `light-credentials` or `aws-config` of sigv4-core, \
             and `Providers::light` or `Providers::aws_config` in place of `Providers::local`",
        )),
    }
}

fn region_of_environment() -> Option<String> {
    let mut names = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter();
    names.find_map(|name| {
        env::var(name)
            .ok()
            .filter(|region| !region.trim().is_empty())
    })
}
