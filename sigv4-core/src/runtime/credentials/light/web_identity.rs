//! Credentials of a role that is assumed with the token of another identity provider.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use http::Uri;

use super::context::Context;
use super::error::FetchError;
use super::files;
use super::files::Selection;
use super::files::SharedConfig;
use super::sts::By;
use super::sts::Role;
use super::sts::Sts;

/// Provides the credentials of a role, which it assumes at STS with a token out of a file, as in
/// EKS with roles for service accounts.
///
/// [`new`](Self::new) takes the file from `AWS_WEB_IDENTITY_TOKEN_FILE`, the role from
/// `AWS_ROLE_ARN` and the name of the session from `AWS_ROLE_SESSION_NAME`. The file is read at
/// each fetch, for it is replaced from time to time. The request is not signed; where it goes to is
/// found as by [`AssumeRole`](crate::runtime::light::AssumeRole).
///
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
#[derive(Clone, Debug)]
pub struct WebIdentity {
    context: Context,
    sts: Sts,
    given: Option<(Role, PathBuf)>,
    session_name: Option<String>,
    duration: Option<Duration>,
}

impl WebIdentity {
    /// Makes a provider that finds its configuration in the environment.
    #[must_use]
    pub fn new(context: impl Into<Context>) -> Self {
        Self {
            context: context.into(),
            sts: Sts::default(),
            given: None,
            session_name: None,
            duration: None,
        }
    }

    /// Makes a provider of a role, by its ARN, and of a file with a token, whatever the environment
    /// says.
    #[must_use]
    pub fn with_role(
        context: impl Into<Context>,
        role_arn: impl Into<String>,
        token_file: impl Into<PathBuf>,
    ) -> Self {
        Self {
            given: Some((Role::new(role_arn), token_file.into())),
            ..Self::new(context)
        }
    }

    /// Sets the name of the session, under which CloudTrail lists it. Default: `sigv4-` and the
    /// time.
    #[must_use]
    pub fn session_name(mut self, name: impl Into<String>) -> Self {
        self.session_name = Some(name.into());
        self
    }

    /// Sets how long the credentials are to be good, in whole seconds: from 15 minutes up to what the
    /// role allows, 12 hours at most. Default: an hour.
    #[must_use]
    pub const fn duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
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

    async fn fetch(&self) -> Result<Credentials, FetchError> {
        let (mut role, file) = match &self.given {
            Some(given) => given.clone(),
            None => self.of_variables()?,
        };
        if let Some(name) = &self.session_name {
            role.session_name = Some(name.clone());
        }
        role.duration = self.duration.or(role.duration);
        let selection = Selection::default();
        let shared = SharedConfig::load(NAME, &self.context, &selection)?;
        assume(&self.context, &self.sts, &shared, &selection, &role, &file).await
    }

    fn of_variables(&self) -> Result<(Role, PathBuf), FetchError> {
        let get = |name| self.context.variables().get(NAME, name);
        let Some(file) = get(FILE)? else {
            let message = format!("the variable `{FILE}` is not set");
            return Err(FetchError::not_configured(NAME, message));
        };
        let Some(arn) = get(ROLE)? else {
            let message = format!("the variable `{FILE}` is set, but `{ROLE}` is not");
            return Err(FetchError::configuration(NAME, message));
        };
        let mut role = Role::new(arn.trim());
        role.session_name = get("AWS_ROLE_SESSION_NAME")?;
        Ok((role, file.into()))
    }
}

/// Assumes a role with the token that is in the file now.
pub(super) async fn assume(
    context: &Context,
    sts: &Sts,
    shared: &SharedConfig,
    selection: &Selection,
    role: &Role,
    file: &Path,
) -> Result<Credentials, FetchError> {
    let token = files::read_token(NAME, file)?;
    let token = token.trim();
    if token.is_empty() {
        // Whoever replaces it may not be done yet.
        let message = format!("there is no token in {}", file.display());
        return Err(FetchError::malformed(NAME, message));
    }
    let by = By::WebIdentity(token);
    sts.assume(NAME, context, shared, selection, role, by).await
}

impl ProvideCredentials for WebIdentity {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { Ok(self.fetch().await?) })
    }
}

/// The name that `aws-config` gives this source.
const NAME: &str = "WebIdentityToken";
const FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE: &str = "AWS_ROLE_ARN";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::error::FetchErrorKind;
    use super::super::fake::Fake;
    use super::super::xml::tests::error;
    use super::super::xml::tests::whole;
    use super::*;

    const ACTION: &str = "AssumeRoleWithWebIdentity";
    const REGION: (&str, &str) = ("AWS_REGION", "us-east-1");

    #[tokio::test]
    async fn reads_the_token_file_at_each_fetch() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let fake = Fake::new()
            .answer(200, &whole(ACTION))
            .answer(200, &whole(ACTION));
        let provider = WebIdentity::new(fake.context(&[
            REGION,
            (FILE, file.to_str().unwrap()),
            (ROLE, "arn"),
            ("AWS_ROLE_SESSION_NAME", "name"),
        ]));
        for token in ["one", "two"] {
            fs::write(&file, format!("{token}\n")).unwrap();
            let credentials = provider.fetch().await.unwrap();
            assert_eq!(credentials.access_key_id(), "ASIAEXAMPLE");
            let request = fake.requests().pop().unwrap();
            let expected = format!("&RoleArn=arn&RoleSessionName=name&WebIdentityToken={token}");
            let body = str::from_utf8(request.body()).unwrap();
            assert!(body.ends_with(&expected), "{body}");
        }
        fs::write(&file, "\n").unwrap();
        let error = provider.fetch().await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::Malformed);
    }

    #[tokio::test]
    async fn tells_what_is_not_configured_from_what_is_wrong() {
        for (name, variables, kind) in [
            ("nothing", &[][..], FetchErrorKind::NotConfigured),
            ("a role", &[(ROLE, "arn")], FetchErrorKind::NotConfigured),
            ("a file", &[(FILE, "/x")], FetchErrorKind::Configuration),
            (
                "a file that is not there",
                &[(ROLE, "arn"), (FILE, "/does/not/exist")],
                FetchErrorKind::Configuration,
            ),
        ] {
            let fake = Fake::new();
            let error = WebIdentity::new(fake.context(variables)).fetch().await;
            assert_eq!(error.unwrap_err().kind(), kind, "{name}");
            assert_eq!(fake.sent(), [""; 0], "{name}");
        }
    }

    #[tokio::test]
    async fn keeps_the_token_out_of_errors() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "jwt-in-confidence").unwrap();
        let says = error("InvalidIdentityToken", "bad jwt-in-confidence");
        let fake = Fake::new().answer(400, &says);
        let provider = WebIdentity::with_role(fake.context(&[REGION]), "arn", &file)
            .session_name("name")
            .duration(Duration::from_secs(900))
            .region("us-west-2");
        let error = provider.fetch().await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::Refused);
        assert!(
            error
                .to_string()
                .ends_with("InvalidIdentityToken: bad (redacted)")
        );
        assert_eq!(fake.sent(), ["POST https://sts.us-west-2.amazonaws.com/"]);
    }
}
