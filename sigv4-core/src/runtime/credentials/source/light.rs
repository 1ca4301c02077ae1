//! The sources as the feature `light-credentials` fetches them.

use aws_credential_types::provider::SharedCredentialsProvider;
use http::Uri;

use super::CredentialSource;
use super::settings::AssumeRoleSource;
use super::settings::ProfileSource;
use super::settings::WebIdentitySource;
use crate::error::ConfigError;
use crate::runtime::credentials::light;
use crate::runtime::credentials::light::Context;

/// Makes a provider of a source that has been checked, and is neither static nor a chain.
///
/// `load` makes the one of the source inside a role.
pub(super) fn load(
    context: &Context,
    source: &CredentialSource,
    load: impl FnOnce(&CredentialSource) -> Result<SharedCredentialsProvider, ConfigError>,
) -> Result<SharedCredentialsProvider, ConfigError> {
    let context = context.clone();
    Ok(match source {
        CredentialSource::Default => {
            SharedCredentialsProvider::new(light::DefaultChain::new(context))
        }
        CredentialSource::Profile(settings) => {
            SharedCredentialsProvider::new(profile(context, &settings.expanded()?))
        }
        CredentialSource::Environment => SharedCredentialsProvider::new(light::Environment::new()),
        CredentialSource::AssumeRole(settings) => {
            let source = load(settings.inner())?;
            SharedCredentialsProvider::new(role(context, settings, source)?)
        }
        CredentialSource::WebIdentity(settings) => {
            SharedCredentialsProvider::new(web_identity(context, &settings.expanded()?))
        }
        CredentialSource::Container => {
            SharedCredentialsProvider::new(light::Container::new(context))
        }
        CredentialSource::InstanceMetadata => {
            SharedCredentialsProvider::new(light::InstanceMetadata::new(context))
        }
        CredentialSource::Static(_) | CredentialSource::Chain(_) => {
            return Err(ConfigError::new(source.kind(), "is fetched from nowhere"));
        }
    })
}

fn profile(context: Context, settings: &ProfileSource) -> light::Profile {
    let mut provider = light::Profile::new(context);
    if let Some(name) = &settings.name {
        provider = provider.name(name);
    }
    if let Some(path) = &settings.config_file {
        provider = provider.config_file(path);
    }
    if let Some(path) = &settings.credentials_file {
        provider = provider.credentials_file(path);
    }
    provider
}

fn role(
    context: Context,
    settings: &AssumeRoleSource,
    source: SharedCredentialsProvider,
) -> Result<light::AssumeRole, ConfigError> {
    let mut provider = light::AssumeRole::new(context, settings.arn()?, source);
    if let Some(name) = &settings.session_name {
        provider = provider.session_name(name);
    }
    if let Some(external_id) = &settings.external_id {
        provider = provider.external_id(external_id);
    }
    if let Some(duration) = settings.life() {
        provider = provider.duration(duration);
    }
    if let Some(region) = &settings.region {
        provider = provider.region(region);
    }
    if let Some(endpoint) = &settings.endpoint {
        let endpoint: Uri = endpoint
            .parse()
            .map_err(|error| ConfigError::new("endpoint", "must be an address").because(error))?;
        provider = provider.endpoint(endpoint);
    }
    Ok(provider)
}

fn web_identity(context: Context, settings: &WebIdentitySource) -> light::WebIdentity {
    let mut provider = match (&settings.token_file, &settings.role_arn) {
        (Some(file), Some(role_arn)) => light::WebIdentity::with_role(context, role_arn, file),
        _ => light::WebIdentity::new(context),
    };
    if let Some(name) = &settings.session_name {
        provider = provider.session_name(name);
    }
    if let Some(region) = &settings.region {
        provider = provider.region(region);
    }
    provider
}

/// Looks up the region, in a profile whose paths have been expanded.
pub(super) async fn region(
    context: &Context,
    profile: &ProfileSource,
) -> Result<Option<String>, ConfigError> {
    let mut chain = light::RegionChain::new(context.clone());
    if let Some(name) = &profile.name {
        chain = chain.profile(name);
    }
    if let Some(path) = &profile.config_file {
        chain = chain.config_file(path);
    }
    if let Some(path) = &profile.credentials_file {
        chain = chain.credentials_file(path);
    }
    chain.region().await.map_err(|error| {
        ConfigError::new(
            "region",
            "could not be looked up, for the reason behind this error",
        )
        .because(error)
    })
}
