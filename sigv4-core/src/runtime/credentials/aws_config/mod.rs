//! The providers of `aws-config`, over an injected HTTP client.

mod files;
pub(in crate::runtime) mod http;
mod rebuilt;
mod recipe;

use aws_credential_types::provider::SharedCredentialsProvider;

use self::http::SdkHttpClient;
use self::rebuilt::Rebuilt;
use self::recipe::Recipe;
use super::source::CredentialSource;
use super::source::settings::ProfileSource;
use crate::error::ConfigError;
use crate::runtime::http_send::HttpSend;

/// Makes providers of `aws-config` that share an HTTP client.
#[derive(Clone, Debug)]
pub(super) struct AwsConfig {
    http: SdkHttpClient,
}

impl AwsConfig {
    pub(super) fn new(http: impl HttpSend) -> Self {
        Self {
            http: SdkHttpClient::new(http),
        }
    }

    /// Makes a provider of a source that has been checked, and is neither static nor a chain.
    ///
    /// `load` makes the one of the source inside a role.
    pub(super) fn load(
        &self,
        source: &CredentialSource,
        load: impl FnOnce(&CredentialSource) -> Result<SharedCredentialsProvider, ConfigError>,
    ) -> Result<SharedCredentialsProvider, ConfigError> {
        let recipe = match source {
            CredentialSource::Default => Recipe::Default,
            CredentialSource::Profile(profile) => Recipe::Profile(profile.expanded()?),
            CredentialSource::Environment => Recipe::Environment,
            CredentialSource::AssumeRole(role) => Recipe::assume_role(role, load(role.inner())?)?,
            CredentialSource::WebIdentity(identity) => Recipe::WebIdentity(identity.expanded()?),
            CredentialSource::Container => Recipe::Container,
            CredentialSource::InstanceMetadata => Recipe::InstanceMetadata,
            CredentialSource::Static(_) | CredentialSource::Chain(_) => {
                return Err(ConfigError::new(source.kind(), "is not of `aws-config`"));
            }
        };
        Ok(SharedCredentialsProvider::new(Rebuilt::new(
            recipe,
            self.http.clone(),
        )))
    }

    /// Looks up the region, in a profile whose paths have been expanded.
    pub(super) async fn region(&self, profile: &ProfileSource) -> Option<String> {
        let region = recipe::region(&self.http, profile).await?;
        Some(region.as_ref().to_owned())
    }
}
