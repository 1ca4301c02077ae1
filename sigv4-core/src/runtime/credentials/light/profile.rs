//! Credentials of a profile in the shared configuration files.

use std::path::PathBuf;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use http::Uri;

use super::assume_role;
use super::container::Container;
use super::context::Context;
use super::environment::Environment;
use super::error::FetchError;
use super::files::Selection;
use super::files::SharedConfig;
use super::imds::InstanceMetadata;
use super::ini::Properties;
use super::sts::By;
use super::sts::Role;
use super::sts::Sts;
use super::web_identity;

/// Provides the credentials of a profile in `~/.aws/config` and `~/.aws/credentials`.
///
/// The files are those of `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` where these are set,
/// the profile is that of `AWS_PROFILE` or `default`. They are read at each fetch, so that a change
/// is noticed at the next refresh.
///
/// A profile may hold keys (`aws_access_key_id`, `aws_secret_access_key`, `aws_session_token`,
/// `aws_account_id`), or a `role_arn` with a `source_profile`, a `credential_source`
/// (`Environment`, `Ec2InstanceMetadata`, `EcsContainer`) or a `web_identity_token_file`, and with
/// it `role_session_name`, `external_id` and `duration_seconds`. Sources may have sources. `region`
/// and `endpoint_url` say where STS is. What needs a program or a browser (`credential_process`,
/// `sso_session` and its kin, `login_session`) is refused with an error that says so: that is for
/// `aws-config`.
///
/// Other than in the SDKs, a profile that is asked for by name and is not in the files is an error,
/// and no reason to go on under another identity. So is a file that is there and cannot be read,
/// unless it is in the home directory, and one that is not UTF-8.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>,
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>
#[derive(Clone, Debug)]
pub struct Profile {
    context: Context,
    selection: Selection,
    sts: Sts,
    instance: InstanceMetadata,
    container: Container,
}

impl Profile {
    /// Makes a provider of the profile that the environment says.
    #[must_use]
    pub fn new(context: impl Into<Context>) -> Self {
        let context = context.into();
        Self {
            instance: InstanceMetadata::new(context.clone()),
            container: Container::new(context.clone()),
            selection: Selection::default(),
            sts: Sts::default(),
            context,
        }
    }

    /// Sets the name of the profile.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        self.selecting(|selection| selection.profile = Some(name.into()))
    }

    /// Sets the path of the configuration file, which has to be there.
    #[must_use]
    pub fn config_file(self, path: impl Into<PathBuf>) -> Self {
        self.selecting(|selection| selection.config_file = Some(path.into()))
    }

    /// Sets the path of the credentials file, which has to be there.
    #[must_use]
    pub fn credentials_file(self, path: impl Into<PathBuf>) -> Self {
        self.selecting(|selection| selection.credentials_file = Some(path.into()))
    }

    /// Sets the region whose STS is asked for roles, whatever the profile says.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.sts.region = Some(region.into());
        self
    }

    /// Sets the address of STS, whatever the profile says. Plain http goes to loopback addresses
    /// only.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Uri) -> Self {
        self.sts.endpoint = Some(endpoint);
        self
    }

    fn selecting(mut self, select: impl FnOnce(&mut Selection)) -> Self {
        select(&mut self.selection);
        // The profile also says where the metadata service is.
        self.instance = InstanceMetadata::reading(self.context.clone(), self.selection.clone());
        self
    }

    async fn fetch(&self) -> provider::Result {
        let shared = SharedConfig::load(NAME, &self.context, &self.selection)?;
        let plan = Plan::make(&shared)?;
        let mut credentials = self.base(&shared, plan.base).await?;
        for role in &plan.roles {
            let by = By::Credentials(&credentials);
            let assumed = self.sts.assume(
                assume_role::NAME,
                &self.context,
                &shared,
                &self.selection,
                role,
                by,
            );
            credentials = assumed.await?;
        }
        Ok(credentials)
    }

    async fn base(&self, shared: &SharedConfig, base: Base) -> provider::Result {
        let answer = match base {
            Base::Keys(credentials) => return Ok(credentials),
            Base::WebIdentity(role, file) => {
                let assumed = web_identity::assume(
                    &self.context,
                    &self.sts,
                    shared,
                    &self.selection,
                    &role,
                    &file,
                );
                return Ok(assumed.await?);
            }
            Base::Environment => {
                let environment = Environment::of(self.context.variables().clone());
                environment.provide_credentials().await
            }
            Base::Container => self.container.provide_credentials().await,
            Base::InstanceMetadata => self.instance.provide_credentials().await,
        };
        answer.map_err(|error| match error {
            // The profile asks for it, so that this is no reason to go on to another source.
            error @ CredentialsError::CredentialsNotLoaded(_) => {
                let message = "the `credential_source` of the profile has no credentials";
                FetchError::configuration(NAME, message)
                    .because(error)
                    .into()
            }
            error => error,
        })
    }
}

impl ProvideCredentials for Profile {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fetch())
    }
}

/// What a profile comes to: credentials to begin with, and roles to assume one with the other.
#[derive(Debug)]
struct Plan {
    base: Base,
    roles: Vec<Role>,
}

#[derive(Debug)]
enum Base {
    Keys(Credentials),
    Environment,
    Container,
    InstanceMetadata,
    WebIdentity(Role, PathBuf),
}

impl Plan {
    fn make(shared: &SharedConfig) -> Result<Self, FetchError> {
        let selected = shared.profile.as_str();
        if shared.selected().is_none() && !shared.is_named {
            if !shared.sections.has_profiles() {
                let message = "there are no profiles in the shared configuration files";
                return Err(FetchError::not_configured(NAME, message));
            }
            if selected == "default" {
                let message = "there is no default profile";
                return Err(FetchError::not_configured(NAME, message));
            }
        }
        let mut roles = Vec::new();
        let mut visited = Vec::new();
        let mut name = selected;
        let base = loop {
            let Some(properties) = shared.sections.profile(name) else {
                let message = format!("there is no profile `{name}`");
                return Err(FetchError::configuration(NAME, message));
            };
            if visited.contains(&name) {
                let message = format!(
                    "the profiles refer to each other in a circle: {} -> {name}",
                    visited.join(" -> ")
                );
                return Err(FetchError::configuration(NAME, message));
            }
            visited.push(name);
            let profile = Section { name, properties };
            // A source that has keys is used for these, even if it is a role too.
            if visited.len() > 1
                && let Ok(Some(keys)) = profile.keys()
            {
                break Base::Keys(keys);
            }
            match profile.role()? {
                None => break profile.base(visited.len() > 1)?,
                Some((role, source)) => {
                    roles.push(role);
                    match source {
                        Some(source) => name = source,
                        None => break profile.base(true)?,
                    }
                }
            }
        };
        roles.reverse();
        Ok(Self { base, roles })
    }
}

/// A profile, as one is read.
#[derive(Clone, Copy)]
struct Section<'a> {
    name: &'a str,
    properties: &'a Properties,
}

impl<'a> Section<'a> {
    fn get(self, name: &str) -> Option<&'a str> {
        self.properties.get(name)
    }

    fn wrong(self, message: &str) -> FetchError {
        FetchError::configuration(NAME, format!("the profile `{}` {message}", self.name))
    }

    /// Returns the role of the profile, if it has one, and the profile with whose credentials it is
    /// assumed; none for those that this one has.
    fn role(self) -> Result<Option<(Role, Option<&'a str>)>, FetchError> {
        let Some(arn) = self.get(ROLE_ARN) else {
            return Ok(None);
        };
        // A role for a token is assumed without credentials.
        if self.get(TOKEN_FILE).is_some() {
            return Ok(None);
        }
        let source = match (self.get(SOURCE_PROFILE), self.get(CREDENTIAL_SOURCE)) {
            (Some(_), Some(_)) => {
                return Err(self.wrong("has both `source_profile` and `credential_source`"));
            }
            (None, None) => {
                let message =
                    "has a `role_arn`, but neither `source_profile` nor `credential_source`";
                return Err(self.wrong(message));
            }
            (Some(source), None) if source == self.name => None,
            (source, _) => source,
        };
        let mut role = self.role_of(arn)?;
        role.external_id = self.get("external_id").map(str::to_owned);
        Ok(Some((role, source)))
    }

    fn role_of(self, arn: &str) -> Result<Role, FetchError> {
        let mut role = Role::new(arn);
        role.session_name = self.get("role_session_name").map(str::to_owned);
        if let Some(seconds) = self.get("duration_seconds") {
            let seconds: u32 = seconds
                .parse()
                .map_err(|_| self.wrong("has a `duration_seconds` that is not a number"))?;
            role.duration = Some(Duration::from_secs(seconds.into()));
        }
        Ok(role)
    }

    /// Returns the credentials of the profile itself.
    fn base(self, is_needed: bool) -> Result<Base, FetchError> {
        if let Some(source) = self.get(CREDENTIAL_SOURCE) {
            return match source.to_ascii_lowercase().as_str() {
                "environment" => Ok(Base::Environment),
                "ecscontainer" => Ok(Base::Container),
                "ec2instancemetadata" => Ok(Base::InstanceMetadata),
                _ => Err(self.wrong(
                    "has a `credential_source` that is none of `Environment`, `EcsContainer` and \
                     `Ec2InstanceMetadata`",
                )),
            };
        }
        if let Some(file) = self.get(TOKEN_FILE) {
            let Some(arn) = self.get(ROLE_ARN) else {
                return Err(self.wrong("has a `web_identity_token_file`, but no `role_arn`"));
            };
            return Ok(Base::WebIdentity(self.role_of(arn)?, file.into()));
        }
        // An `sso_session` alone is for tokens of other services.
        for property in [
            "sso_account_id",
            "sso_role_name",
            "sso_start_url",
            "sso_region",
            "login_session",
            "credential_process",
        ] {
            if self.get(property).is_some() {
                return Err(self.wrong(&format!(
                    "has `{property}`, which is not supported here: use a provider of `aws-config`, \
                     or put into the environment what `aws configure export-credentials` prints"
                )));
            }
        }
        match self.keys()? {
            Some(keys) => Ok(Base::Keys(keys)),
            None if is_needed => Err(self.wrong("is a source of credentials, but has none")),
            None => {
                let message = format!("the profile `{}` has no credentials", self.name);
                Err(FetchError::not_configured(NAME, message))
            }
        }
    }

    fn keys(self) -> Result<Option<Credentials>, FetchError> {
        let id = self.get("aws_access_key_id");
        let secret = self.get("aws_secret_access_key");
        let token = self.get("aws_session_token");
        let (id, secret) = match (id, secret) {
            (None, None) if token.is_none() => return Ok(None),
            (Some(id), Some(secret)) => (id, secret),
            (None, _) => return Err(self.wrong("has no `aws_access_key_id` beside its other keys")),
            (_, None) => {
                return Err(self.wrong("has no `aws_secret_access_key` beside its other keys"));
            }
        };
        let mut builder = Credentials::builder()
            .access_key_id(id)
            .secret_access_key(secret)
            .provider_name(NAME);
        builder.set_session_token(token.map(str::to_owned));
        builder.set_account_id(self.get("aws_account_id").map(Into::into));
        Ok(Some(builder.build()))
    }
}

/// The name that `aws-config` gives this source.
const NAME: &str = "ProfileFile";
const ROLE_ARN: &str = "role_arn";
const SOURCE_PROFILE: &str = "source_profile";
const CREDENTIAL_SOURCE: &str = "credential_source";
const TOKEN_FILE: &str = "web_identity_token_file";

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fs;

    use tempfile::TempDir;

    use super::super::error::FetchErrorKind;
    use super::super::fake::Fake;
    use super::super::xml::tests::whole;
    use super::*;

    /// A configuration file, and the variables that point to it.
    struct Home(TempDir);

    impl Home {
        fn new(config: &str) -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            home.write(config);
            home
        }

        fn write(&self, config: &str) {
            fs::create_dir_all(self.0.path().join(".aws")).unwrap();
            fs::write(self.0.path().join(".aws/config"), config).unwrap();
        }

        fn variables<'a>(&'a self, others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
            let home = ("HOME", self.0.path().to_str().unwrap());
            [&[home, ("AWS_EC2_METADATA_DISABLED", "true")], others].concat()
        }
    }

    fn provider(fake: &Fake, home: &Home, others: &[(&str, &str)]) -> Profile {
        Profile::new(fake.context(&home.variables(others)))
    }

    async fn refusal(config: &str, others: &[(&str, &str)]) -> (FetchErrorKind, String) {
        let fake = Fake::new();
        let home = Home::new(config);
        let error = provider(&fake, &home, others).fetch().await.unwrap_err();
        let error: &FetchError = error.source().unwrap().downcast_ref().unwrap();
        let all = format!("{error} {error:?}");
        assert!(!all.contains("s3cr3t"), "{all}");
        assert_eq!(fake.sent(), [""; 0]);
        (error.kind(), error.to_string())
    }

    const KEYS: &str = "aws_access_key_id = AKID\naws_secret_access_key = s3cr3t";

    #[tokio::test]
    async fn provides_keys() {
        let config = format!(
            "[default]\n{KEYS}\n[profile p]\naws_access_key_id = P\naws_secret_access_key = x\n\
             aws_session_token = token\naws_account_id = 1234"
        );
        let home = Home::new(&config);
        let fake = Fake::new();
        let credentials = provider(&fake, &home, &[]).fetch().await.unwrap();
        assert_eq!(credentials.access_key_id(), "AKID");
        assert_eq!(credentials.secret_access_key(), "s3cr3t");
        assert_eq!(credentials.session_token(), None);
        for named in [
            provider(&fake, &home, &[("AWS_PROFILE", "p")]),
            provider(&fake, &home, &[("AWS_PROFILE", "q")]).name("p"),
        ] {
            let credentials = named.fetch().await.unwrap();
            assert_eq!(credentials.access_key_id(), "P");
            assert_eq!(credentials.session_token(), Some("token"));
            assert_eq!(credentials.account_id().unwrap().as_str(), "1234");
        }
    }

    #[tokio::test]
    async fn notices_a_change_at_the_next_fetch() {
        let home = Home::new("[default]");
        let provider = provider(&Fake::new(), &home, &[]);
        let error = provider.fetch().await.unwrap_err();
        assert!(matches!(error, CredentialsError::CredentialsNotLoaded(_)));
        for id in ["ONE", "TWO"] {
            home.write(&format!("[default]\n{}", KEYS.replace("AKID", id)));
            assert_eq!(provider.fetch().await.unwrap().access_key_id(), id);
        }
    }

    #[tokio::test]
    async fn reads_the_files_it_is_given() {
        let home = Home::new(&format!("[profile p]\n{KEYS}"));
        let path = home.0.path().join(".aws/config");
        let given = Profile::new(Fake::new().context(&[])).name("p");
        assert!(given.clone().config_file(&path).fetch().await.is_ok());
        // As a credentials file it has no profile of this name.
        assert!(given.credentials_file(&path).fetch().await.is_err());
    }

    #[tokio::test]
    async fn follows_sources_to_their_end() {
        let config = format!(
            "[default]\nrole_arn = arn:3\nsource_profile = two\nregion = eu-west-1\n\
             external_id = id\nrole_session_name = name\nduration_seconds = 1800\n\
             [profile two]\nrole_arn = arn:2\nsource_profile = one\n\
             [profile one]\n{KEYS}\nrole_arn = arn:ignored\nsource_profile = none\n"
        );
        let home = Home::new(&config);
        let second = whole("AssumeRole").replace("ASIAEXAMPLE", "ASIASECOND");
        let fake = Fake::new()
            .answer(200, &second)
            .answer(200, &whole("AssumeRole"));
        let credentials = provider(&fake, &home, &[]).fetch().await.unwrap();
        assert_eq!(credentials.access_key_id(), "ASIAEXAMPLE");
        for (request, (arn, by)) in fake
            .requests()
            .iter()
            .zip([("arn%3A2", "=AKID/"), ("arn%3A3", "=ASIASECOND/")])
        {
            assert_eq!(request.uri(), "https://sts.eu-west-1.amazonaws.com/");
            let body = str::from_utf8(request.body()).unwrap();
            assert!(body.contains(&format!("&RoleArn={arn}&")), "{body}");
            let authorization = request.headers()["authorization"].to_str().unwrap();
            assert!(authorization.contains(by), "{authorization}");
        }
        let last = fake.requests().pop().unwrap();
        let last = str::from_utf8(last.body()).unwrap();
        let rest = "&RoleSessionName=name&DurationSeconds=1800&ExternalId=id";
        assert!(last.ends_with(rest), "{last}");
    }

    #[tokio::test]
    async fn takes_named_sources() {
        let region = ("AWS_REGION", "us-east-1");
        let container = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/");
        let answer = r#"{"AccessKeyId": "SOURCE", "SecretAccessKey": "s3cr3t",
            "Token": "t0ken", "Expiration": "2025-07-01T18:00:00Z"}"#;
        let instance = Fake::new().answer(200, "TOKEN").answer(200, "role");
        for (name, source, variables, fake) in [
            (
                "environment",
                "environment",
                vec![
                    region,
                    ("AWS_ACCESS_KEY_ID", "SOURCE"),
                    ("AWS_SECRET_ACCESS_KEY", "s3cr3t"),
                ],
                Fake::new(),
            ),
            (
                "container",
                "EcsContainer",
                vec![region, container],
                Fake::new().answer(200, answer),
            ),
            (
                "instance",
                "Ec2InstanceMetadata",
                vec![region, ("AWS_EC2_METADATA_DISABLED", "false")],
                instance.answer(200, answer),
            ),
        ] {
            let config = format!("[default]\nrole_arn = arn\ncredential_source = {source}");
            let home = Home::new(&config);
            let fake = fake.answer(200, &whole("AssumeRole"));
            let credentials = provider(&fake, &home, &variables).fetch().await;
            assert_eq!(
                credentials.unwrap().access_key_id(),
                "ASIAEXAMPLE",
                "{name}"
            );
            let request = fake.requests().pop().unwrap();
            let authorization = request.headers()["authorization"].to_str().unwrap();
            assert!(
                authorization.contains("=SOURCE/"),
                "{name}: {authorization}"
            );
        }
        // A source that is asked for and not there is no reason to go on to another.
        let config = "[default]\nrole_arn = arn\ncredential_source = Environment";
        let (kind, text) = refusal(config, &[region]).await;
        assert_eq!(kind, FetchErrorKind::Configuration, "{text}");
    }

    #[tokio::test]
    async fn takes_a_web_identity() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "jwt").unwrap();
        let config = format!(
            "[default]\nrole_arn = arn:2\nsource_profile = web\nregion = us-east-1\n\
             [profile web]\nrole_arn = arn:1\nweb_identity_token_file = {}\n\
             role_session_name = name",
            file.display()
        );
        let home = Home::new(&config);
        let fake = Fake::new()
            .answer(200, &whole("AssumeRoleWithWebIdentity"))
            .answer(200, &whole("AssumeRole"));
        provider(&fake, &home, &[]).fetch().await.unwrap();
        let body = fake.requests()[0].body().clone();
        let body = str::from_utf8(&body).unwrap();
        let rest = "&RoleArn=arn%3A1&RoleSessionName=name&WebIdentityToken=jwt";
        assert!(body.ends_with(rest), "{body}");
    }

    #[tokio::test]
    async fn may_be_its_own_source() {
        let config =
            format!("[default]\nrole_arn = arn\nsource_profile = default\nregion = x-1\n{KEYS}");
        let fake = Fake::new().answer(200, &whole("AssumeRole"));
        let home = Home::new(&config);
        assert!(provider(&fake, &home, &[]).fetch().await.is_ok());
    }

    #[tokio::test]
    async fn says_what_is_wrong_with_a_profile() {
        use FetchErrorKind::Configuration;
        use FetchErrorKind::NotConfigured;
        let chosen = ("AWS_PROFILE", "p");
        for (name, config, variables, kind, says) in [
            ("no profiles", "", &[][..], NotConfigured, "no profiles"),
            (
                "no profiles, one chosen",
                "",
                &[chosen],
                NotConfigured,
                "no profiles",
            ),
            (
                "no default",
                "[profile x]",
                &[],
                NotConfigured,
                "no default profile",
            ),
            (
                "not there",
                "[profile x]",
                &[chosen],
                Configuration,
                "no profile `p`",
            ),
            (
                "no credentials",
                "[default]\nregion = x",
                &[],
                NotConfigured,
                "no credentials",
            ),
            (
                "half a pair",
                "[default]\naws_access_key_id = A",
                &[],
                Configuration,
                "`default` has no `aws_secret_access_key`",
            ),
            (
                "the other half",
                "[default]\naws_secret_access_key = s3cr3t",
                &[],
                Configuration,
                "`default` has no `aws_access_key_id`",
            ),
            (
                "a token",
                "[default]\naws_session_token = s3cr3t",
                &[],
                Configuration,
                "`default` has no `aws_access_key_id`",
            ),
            (
                "no source",
                "[default]\nrole_arn = a",
                &[],
                Configuration,
                "neither",
            ),
            (
                "two sources",
                "[default]\nrole_arn = a\nsource_profile = b\ncredential_source = Environment",
                &[],
                Configuration,
                "both",
            ),
            (
                "a source that is not there",
                "[default]\nrole_arn = a\nsource_profile = b",
                &[],
                Configuration,
                "no profile `b`",
            ),
            (
                "a source without credentials",
                "[default]\nrole_arn = a\nsource_profile = b\n[profile b]\nregion = x",
                &[],
                Configuration,
                "`b` is a source of credentials, but has none",
            ),
            (
                "itself without credentials",
                "[default]\nrole_arn = a\nsource_profile = default",
                &[],
                Configuration,
                "`default` is a source of credentials, but has none",
            ),
            (
                "a circle",
                "[default]\nrole_arn = a\nsource_profile = b\n\
                 [profile b]\nrole_arn = b\nsource_profile = c\n\
                 [profile c]\nrole_arn = c\nsource_profile = b",
                &[],
                Configuration,
                "default -> b -> c -> b",
            ),
            (
                "an unknown source",
                "[default]\nrole_arn = a\ncredential_source = Cloud",
                &[],
                Configuration,
                "none of `Environment`",
            ),
            (
                "a token without a role",
                "[default]\nweb_identity_token_file = /x",
                &[],
                Configuration,
                "no `role_arn`",
            ),
            (
                "no duration",
                "[default]\nrole_arn = a\ncredential_source = Environment\nduration_seconds = 1h",
                &[],
                Configuration,
                "`duration_seconds`",
            ),
            (
                "a program",
                "[default]\ncredential_process = /bin/x s3cr3t",
                &[],
                Configuration,
                "`credential_process`, which is not supported here: use a provider of `aws-config`",
            ),
            (
                "SSO",
                "[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r",
                &[],
                Configuration,
                "`sso_account_id`, which is not supported",
            ),
            (
                "a login",
                "[default]\nlogin_session = arn",
                &[],
                Configuration,
                "`login_session`, which is not supported",
            ),
            (
                "a session for other tokens",
                "[default]\nsso_session = s",
                &[],
                NotConfigured,
                "no credentials",
            ),
        ] {
            let (found, text) = refusal(config, variables).await;
            assert_eq!(found, kind, "{name}: {text}");
            assert!(text.contains(says), "{name}: {text}");
            if name == "a circle" {
                assert!(text.ends_with(says), "{name} is noticed at once: {text}");
            }
        }
    }

    #[tokio::test]
    async fn asks_the_metadata_service_of_the_profile() {
        let config = "[profile p]\nrole_arn = arn\ncredential_source = Ec2InstanceMetadata\n\
                      ec2_metadata_service_endpoint = http://localhost:1338";
        let home = Home::new(config);
        let answer = r#"{"AccessKeyId": "SOURCE", "SecretAccessKey": "s3cr3t",
            "Token": "t0ken", "Expiration": "2025-07-01T18:00:00Z"}"#;
        let fake = Fake::new()
            .answer(200, "TOKEN")
            .answer(200, "role")
            .answer(200, answer)
            .answer(200, "TOKEN")
            .answer(200, "eu-south-2")
            .answer(200, &whole("AssumeRole"));
        let on = ("AWS_EC2_METADATA_DISABLED", "false");
        let named = provider(&fake, &home, &[on]).name("p");
        named.fetch().await.unwrap();
        let mut sent = fake.sent();
        assert_eq!(
            sent.pop().unwrap(),
            "POST https://sts.eu-south-2.amazonaws.com/"
        );
        assert_eq!(sent.len(), 5);
        for line in sent {
            assert!(line.contains(" http://localhost:1338/latest/"), "{line}");
        }
    }
}
