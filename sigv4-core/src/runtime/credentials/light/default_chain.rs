//! Where AWS programs look for credentials, one place after the other.

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::future;

use super::container::Container;
use super::context::Context;
use super::environment::Environment;
use super::files::Selection;
use super::imds::InstanceMetadata;
use super::profile::Profile;
use super::web_identity::WebIdentity;
use crate::runtime::credentials::chain::StickyChain;

/// Provides credentials from where the SDKs look for them, in their order: the
/// [environment](Environment), the [profile](Profile), a [web identity](WebIdentity), the
/// [container](Container), the [EC2 instance](InstanceMetadata).
///
/// It goes on only where a source is not configured at all; one that is configured and fails ends
/// the search with its error. Once one has provided, it is the only one that is asked: see
/// [`StickyChain`].
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
///
/// ```
/// # use std::sync::Arc;
/// # use sigv4_core::runtime::HttpSend;
/// use sigv4_core::runtime::{CredentialsCache, light};
///
/// # fn example(http: Arc<dyn HttpSend>) {
/// let credentials = CredentialsCache::new(light::DefaultChain::new(http));
/// # }
/// ```
#[derive(Debug)]
pub struct DefaultChain {
    context: Context,
    selection: Selection,
    region: Option<String>,
    sticky: bool,
    chain: StickyChain,
}

impl DefaultChain {
    /// Makes the chain.
    #[must_use]
    pub fn new(context: impl Into<Context>) -> Self {
        let context = context.into();
        Self {
            chain: StickyChain::new::<&str>([]),
            selection: Selection::default(),
            region: None,
            sticky: true,
            context,
        }
        .linked()
    }

    /// Sets the name of the profile, whatever `AWS_PROFILE` says.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.selection.profile = Some(name.into());
        self.linked()
    }

    /// Sets the region whose STS is asked for roles, whatever the environment says.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self.linked()
    }

    /// Sets whether the first source that provides is the only one asked afterwards. Default: yes.
    #[must_use]
    pub fn sticky(mut self, sticky: bool) -> Self {
        self.sticky = sticky;
        self.linked()
    }

    /// Returns the name of the source that is asked from now on, once there is one.
    #[must_use]
    pub fn chosen(&self) -> Option<&str> {
        self.chain.chosen()
    }

    fn linked(mut self) -> Self {
        let context = || self.context.clone();
        let mut profile = Profile::new(context());
        if let Some(name) = &self.selection.profile {
            profile = profile.name(name);
        }
        let mut web_identity = WebIdentity::new(context());
        if let Some(region) = &self.region {
            profile = profile.region(region);
            web_identity = web_identity.region(region);
        }
        let environment = Environment::of(self.context.variables().clone());
        let instance = InstanceMetadata::reading(context(), self.selection.clone());
        // The names are those of `aws-config`.
        let links = [
            ("Environment", SharedCredentialsProvider::new(environment)),
            ("Profile", SharedCredentialsProvider::new(profile)),
            (
                "WebIdentityToken",
                SharedCredentialsProvider::new(web_identity),
            ),
            (
                "EcsContainer",
                SharedCredentialsProvider::new(Container::new(context())),
            ),
            (
                "Ec2InstanceMetadata",
                SharedCredentialsProvider::new(instance),
            ),
        ];
        self.chain = StickyChain::new(links).sticky(self.sticky);
        self
    }
}

impl ProvideCredentials for DefaultChain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.chain.provide_credentials()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_credential_types::provider::error::CredentialsError;

    use super::super::fake::Fake;
    use super::super::xml::tests::whole;
    use super::*;

    const ANSWER: &str = r#"{"Code": "Success", "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": "s3cr3t", "Token": "t0ken", "Expiration": "2025-07-01T18:00:00Z"}"#;
    const ID: (&str, &str) = ("AWS_ACCESS_KEY_ID", "AKID");
    const SECRET: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "s3cr3t");
    const CONTAINER: (&str, &str) = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/");

    #[tokio::test]
    async fn finds_the_first_that_is_configured() {
        let folder = tempfile::tempdir().unwrap();
        let keys = "[default]\naws_access_key_id = A\naws_secret_access_key = s3cr3t";
        fs::write(folder.path().join("config"), keys).unwrap();
        fs::write(folder.path().join("token"), "jwt").unwrap();
        let config = folder.path().join("config");
        let config = ("AWS_CONFIG_FILE", config.to_str().unwrap());
        let token = folder.path().join("token");
        let token = ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap());
        let role = ("AWS_ROLE_ARN", "arn");
        let region = ("AWS_REGION", "us-east-1");
        let all = [ID, SECRET, config, token, role, region, CONTAINER];
        let web_identity = Fake::new().answer(200, &whole("AssumeRoleWithWebIdentity"));
        let container = Fake::new().answer(200, ANSWER);
        let instance = Fake::new().answer(200, "TOKEN").answer(200, "role");
        for (skipped, fake, chosen, provider) in [
            (0, Fake::new(), "Environment", "EnvironmentVariable"),
            (2, Fake::new(), "Profile", "ProfileFile"),
            (3, web_identity, "WebIdentityToken", "WebIdentityToken"),
            (6, container, "EcsContainer", "EcsContainer"),
            (
                7,
                instance.answer(200, ANSWER),
                "Ec2InstanceMetadata",
                "IMDSv2",
            ),
        ] {
            let chain = DefaultChain::new(fake.context(&all[skipped..]));
            let credentials = chain.provide_credentials().await.expect(chosen);
            assert_eq!(chain.chosen(), Some(chosen));
            let shown = format!("{credentials:?}");
            assert!(shown.contains(&format!("{provider:?}")), "{shown}");
        }
    }

    #[tokio::test]
    async fn ends_at_one_that_is_configured_and_fails() {
        // Half a pair, and a container that could provide.
        let fake = Fake::new();
        let chain = DefaultChain::new(fake.context(&[ID, CONTAINER]));
        let error = chain.provide_credentials().await.unwrap_err();
        assert!(matches!(error, CredentialsError::InvalidConfiguration(_)));
        assert_eq!(fake.sent(), [""; 0]);

        // A container that fails, and an instance that could provide.
        let fake = Fake::new().answer(500, "").answer(500, "").answer(500, "");
        let chain = DefaultChain::new(fake.context(&[CONTAINER]));
        let error = chain.provide_credentials().await.unwrap_err();
        assert!(matches!(error, CredentialsError::ProviderError(_)));
        assert_eq!(chain.chosen(), None);
    }

    #[tokio::test]
    async fn stays_with_the_one_that_provided() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let keys = "[default]\naws_access_key_id = A\naws_secret_access_key = s3cr3t";
        let config = ("AWS_CONFIG_FILE", file.to_str().unwrap());
        for sticky in [true, false] {
            fs::write(&file, keys).unwrap();
            let fake = Fake::new().answer(200, ANSWER);
            let chain = DefaultChain::new(fake.context(&[config, CONTAINER])).sticky(sticky);
            chain.provide_credentials().await.unwrap();
            fs::remove_file(&file).unwrap();
            let next = chain.provide_credentials().await;
            assert_eq!(next.is_err(), sticky);
            assert_eq!(fake.sent().is_empty(), sticky);
        }
    }

    #[tokio::test]
    async fn says_that_nothing_is_configured() {
        let off = [("AWS_EC2_METADATA_DISABLED", "true")];
        let chain = DefaultChain::new(Fake::new().context(&off)).region("x-1");
        let error = chain.provide_credentials().await.unwrap_err();
        assert!(matches!(error, CredentialsError::CredentialsNotLoaded(_)));
        // A profile that the program asks for is configured.
        let error = chain.profile("p").provide_credentials().await.unwrap_err();
        assert!(matches!(error, CredentialsError::InvalidConfiguration(_)));
    }
}
