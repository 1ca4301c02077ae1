//! Credentials of a role that is assumed with other credentials.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use http::Uri;

use super::context::Context;
use super::error::FetchError;
use super::files::Selection;
use super::files::SharedConfig;
use super::sts::By;
use super::sts::Role;
use super::sts::Sts;

/// Provides the credentials of a role, which it assumes at STS with credentials of another
/// provider.
///
/// The request goes to the STS of the region: that which is [set](Self::region), else that of
/// `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, or the EC2 instance. `AWS_ENDPOINT_URL_STS`,
/// `AWS_ENDPOINT_URL` and the same in the profile change the address,
/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` does not let them, `AWS_USE_FIPS_ENDPOINT` takes the
/// validated one.
///
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>,
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>
///
/// ```
/// # use std::sync::Arc;
/// # use sigv4_core::runtime::HttpSend;
/// use sigv4_core::runtime::{CredentialsCache, light};
///
/// # fn example(http: Arc<dyn HttpSend>) {
/// let context = light::Context::new(http);
/// // The source is asked at each refresh; a cache of its own spares it that.
/// let source = CredentialsCache::new(light::DefaultChain::new(context.clone()));
/// let role = light::AssumeRole::new(context, "arn:aws:iam::123456789012:role/reader", source)
///     .session_name("nightly-report");
/// let credentials = CredentialsCache::new(role);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AssumeRole {
    context: Context,
    source: SharedCredentialsProvider,
    sts: Sts,
    role: Role,
}

impl AssumeRole {
    /// Makes a provider of a role, by its ARN, and of the credentials to assume it with.
    #[must_use]
    pub fn new(
        context: impl Into<Context>,
        role_arn: impl Into<String>,
        source: impl ProvideCredentials + 'static,
    ) -> Self {
        Self {
            context: context.into(),
            source: SharedCredentialsProvider::new(source),
            sts: Sts::default(),
            role: Role::new(role_arn),
        }
    }

    /// Sets the name of the session, under which CloudTrail lists it. Default: `sigv4-` and the
    /// time.
    #[must_use]
    pub fn session_name(mut self, name: impl Into<String>) -> Self {
        self.role.session_name = Some(name.into());
        self
    }

    /// Sets the external id, which the owner of a role in another account may ask for. Default: none.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.role.external_id = Some(id.into());
        self
    }

    /// Sets how long the credentials are to be good, in whole seconds: from 15 minutes up to what the
    /// role allows, 12 hours at most, and an hour for a role that assumes another. STS refuses what is
    /// out of that range. Default: an hour.
    #[must_use]
    pub const fn duration(mut self, duration: Duration) -> Self {
        self.role.duration = Some(duration);
        self
    }

    /// Sets the region whose STS is asked. Default: that of the environment, the profile or the
    /// instance.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.sts.region = Some(region.into());
        self
    }

    /// Sets the address of STS, whatever the environment says. Plain http goes to loopback
    /// addresses only.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Uri) -> Self {
        self.sts.endpoint = Some(endpoint);
        self
    }

    async fn fetch(&self) -> provider::Result {
        let source = self.source.provide_credentials().await.map_err(|error| {
            // The role is configured, so that this is no reason to go on to another source.
            match error {
                error @ CredentialsError::CredentialsNotLoaded(_) => {
                    let message = "there are no credentials to assume the role with";
                    FetchError::configuration(NAME, message)
                        .because(error)
                        .into()
                }
                error => error,
            }
        })?;
        Ok(self.assume(&source).await?)
    }

    async fn assume(&self, source: &Credentials) -> Result<Credentials, FetchError> {
        let selection = Selection::default();
        let shared = SharedConfig::load(NAME, &self.context, &selection)?;
        let by = By::Credentials(source);
        self.sts
            .assume(NAME, &self.context, &shared, &selection, &self.role, by)
            .await
    }
}

impl ProvideCredentials for AssumeRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fetch())
    }
}

/// The name that `aws-config` gives this source.
pub(super) const NAME: &str = "AssumeRoleProvider";

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::super::environment::Environment;
    use super::super::error::FetchErrorKind;
    use super::super::fake::Fake;
    use super::super::xml::tests::error;
    use super::super::xml::tests::whole;
    use super::*;

    const ARN: &str = "arn:aws:iam::123456789012:role/reader";
    const REGION: (&str, &str) = ("AWS_REGION", "us-east-1");

    fn source() -> Credentials {
        Credentials::new(
            "AKIDEXAMPLE",
            "s3cr3t-source",
            Some("t0ken-source".into()),
            None,
            "test",
        )
    }

    fn cause(error: &CredentialsError) -> &FetchError {
        error.source().unwrap().downcast_ref().unwrap()
    }

    #[tokio::test]
    async fn assumes_the_role() {
        let fake = Fake::new().answer(200, &whole("AssumeRole"));
        let role = AssumeRole::new(fake.context(&[REGION]), ARN, source())
            .session_name("name")
            .external_id("id")
            .duration(Duration::from_secs(1800))
            .region("eu-central-1");
        let credentials = role.provide_credentials().await.unwrap();
        assert_eq!(credentials.access_key_id(), "ASIAEXAMPLE");
        assert_eq!(credentials.account_id().unwrap().as_str(), "123456789012");
        assert_eq!(
            fake.sent(),
            ["POST https://sts.eu-central-1.amazonaws.com/"]
        );
        let request = &fake.requests()[0];
        let body = str::from_utf8(request.body()).unwrap();
        let rest = "&RoleSessionName=name&DurationSeconds=1800&ExternalId=id";
        assert!(body.ends_with(rest), "{body}");
    }

    #[tokio::test]
    async fn passes_on_what_sts_says_without_the_secrets() {
        let says = error(
            "SignatureDoesNotMatch",
            "it does not match for t0ken-source and s3cr3t-source\nPOST\n/\n",
        );
        let fake = Fake::new().answer(403, &says);
        let role = AssumeRole::new(fake.context(&[REGION]), ARN, source());
        let error = role.provide_credentials().await.unwrap_err();
        assert!(matches!(error, CredentialsError::ProviderError(_)));
        assert_eq!(
            cause(&error).to_string(),
            "AssumeRoleProvider: `AssumeRole` was answered with status 403: \
             SignatureDoesNotMatch: it does not match for (redacted) and (redacted)"
        );
        let all = format!("{error:?} {role:?}");
        assert!(
            !all.contains("0ken-source") && !all.contains("3cr3t-source"),
            "{all}"
        );
    }

    #[tokio::test]
    async fn without_a_source_there_is_no_other_identity() {
        let fake = Fake::new();
        let unset = Environment::of(fake.context(&[]).variables().clone());
        let role = AssumeRole::new(fake.context(&[REGION]), ARN, unset);
        let error = role.provide_credentials().await.unwrap_err();
        assert!(matches!(error, CredentialsError::InvalidConfiguration(_)));
        assert_eq!(cause(&error).kind(), FetchErrorKind::Configuration);
        assert_eq!(fake.sent(), [""; 0]);
    }
}
