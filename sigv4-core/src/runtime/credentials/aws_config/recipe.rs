//! How each source is made of what `aws-config` has.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::web_identity_token::StaticConfiguration;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::provider::SharedCredentialsProvider;

use super::files::Files;
use super::files::profile_files;
use super::http::SdkHttpClient;
use crate::error::ConfigError;
use crate::runtime::credentials::source::settings::AssumeRoleSource;
use crate::runtime::credentials::source::settings::ProfileSource;
use crate::runtime::credentials::source::settings::WebIdentitySource;

/// A source that has been checked, with all paths expanded.
#[derive(Debug)]
pub(super) enum Recipe {
    Default,
    Profile(ProfileSource),
    Environment,
    AssumeRole(Box<Role>),
    WebIdentity(WebIdentitySource),
    Container,
    InstanceMetadata,
}

/// A role, and whose credentials it is assumed with.
#[derive(Debug)]
pub(super) struct Role {
    arn: String,
    settings: AssumeRoleSource,
    source: SharedCredentialsProvider,
}

impl Recipe {
    pub(super) fn assume_role(
        role: &AssumeRoleSource,
        source: SharedCredentialsProvider,
    ) -> Result<Self, ConfigError> {
        Ok(Self::AssumeRole(Box::new(Role {
            arn: role.arn()?,
            settings: role.clone(),
            source,
        })))
    }

    /// Returns the files that the provider reads once and for all.
    pub(super) fn files(&self) -> Files {
        match self {
            Self::Profile(profile) => Files::of(profile),
            Self::Environment | Self::Container => Files::none(),
            // These take the region, the endpoint and other settings out of the profile.
            Self::Default | Self::AssumeRole(_) | Self::WebIdentity(_) | Self::InstanceMetadata => {
                Files::of(&ProfileSource::new())
            }
        }
    }

    pub(super) async fn build(&self, http: &SdkHttpClient) -> SharedCredentialsProvider {
        let config = config(http);
        match self {
            Self::Default => {
                let chain = DefaultCredentialsChain::builder().configure(config);
                SharedCredentialsProvider::new(chain.build().await)
            }
            Self::Profile(profile) => {
                let config = config.with_region(region(http, profile).await);
                let mut builder = ProfileFileCredentialsProvider::builder().configure(&config);
                if let Some(name) = &profile.name {
                    builder = builder.profile_name(name);
                }
                if let Some(files) = profile_files(profile) {
                    builder = builder.profile_files(files);
                }
                SharedCredentialsProvider::new(builder.build())
            }
            Self::Environment => {
                SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new())
            }
            Self::AssumeRole(role) => role.build(http).await,
            Self::WebIdentity(identity) => {
                let region = match &identity.region {
                    Some(region) => Some(Region::new(region.clone())),
                    None => region(http, &ProfileSource::new()).await,
                };
                let config = config.with_region(region);
                let mut builder = WebIdentityTokenCredentialsProvider::builder().configure(&config);
                if let (Some(file), Some(role_arn)) = (&identity.token_file, &identity.role_arn) {
                    let session_name = identity.session_name.clone();
                    builder = builder.static_configuration(StaticConfiguration {
                        web_identity_token_file: file.clone(),
                        role_arn: role_arn.clone(),
                        session_name: session_name.unwrap_or_else(session_name_of_the_time),
                    });
                }
                SharedCredentialsProvider::new(builder.build())
            }
            Self::Container => {
                let builder = EcsCredentialsProvider::builder().configure(&config);
                SharedCredentialsProvider::new(builder.build())
            }
            Self::InstanceMetadata => {
                let builder = ImdsCredentialsProvider::builder().configure(&config);
                SharedCredentialsProvider::new(builder.build())
            }
        }
    }
}

impl Role {
    async fn build(&self, http: &SdkHttpClient) -> SharedCredentialsProvider {
        let settings = &self.settings;
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .credentials_provider(self.source.clone());
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &settings.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let config = loader.load().await;

        let mut builder = AssumeRoleProvider::builder(&self.arn)
            .configure(&config)
            .session_name(match &settings.session_name {
                Some(name) => name.clone(),
                None => session_name_of_the_time(),
            });
        if let Some(external_id) = &settings.external_id {
            builder = builder.external_id(external_id);
        }
        if let Some(duration) = settings.life() {
            builder = builder.session_length(duration);
        }
        let provider = builder.build_from_provider(self.source.clone()).await;
        SharedCredentialsProvider::new(provider)
    }
}

/// Looks up the region: in the environment, in the profile, in the metadata of the instance.
pub(super) async fn region(http: &SdkHttpClient, profile: &ProfileSource) -> Option<Region> {
    let config = config(http);
    let mut of_profile = ProfileFileRegionProvider::builder().configure(&config);
    if let Some(name) = &profile.name {
        of_profile = of_profile.profile_name(name);
    }
    if let Some(files) = profile_files(profile) {
        of_profile = of_profile.profile_files(files);
    }
    let of_instance = ImdsRegionProvider::builder().configure(&config);
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(of_profile.build())
        .or_else(of_instance.build())
        .region()
        .await
}

fn config(http: &SdkHttpClient) -> ProviderConfig {
    ProviderConfig::without_region().with_http_client(http.clone())
}

fn session_name_of_the_time() -> String {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    format!("sigv4-{}", time.unwrap_or_default().as_millis())
}
