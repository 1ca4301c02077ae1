//! Credentials and region of an EC2 instance, from its metadata service.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::Uri;

use super::answer;
use super::context::Context;
use super::error::FetchError;
use super::error::FetchErrorKind;
use super::exchange;
use super::exchange::Exchange;
use super::exchange::PlainHttp;
use super::files::Selection;
use super::files::SharedConfig;

/// Provides the credentials of the role of an EC2 instance, from its metadata service (IMDSv2).
///
/// There is no way back to IMDSv1, which asks for no token. `AWS_EC2_METADATA_DISABLED`,
/// `AWS_EC2_METADATA_SERVICE_ENDPOINT` and `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` (`IPv4` or
/// `IPv6`) are heeded, and after them the properties `ec2_metadata_service_endpoint` and
/// `ec2_metadata_service_endpoint_mode` of the profile. Plain http goes to the addresses of the
/// service and to loopback addresses only.
///
/// An attempt may take one second, and there are three. Where the service cannot be reached at all
/// it counts as not configured: that is how a program finds out that it is not on EC2.
///
/// Other than in the SDKs, credentials that have expired already are handed on as such, and the
/// last ones are not repeated when the service fails: a
/// [`CredentialsCache`](crate::runtime::CredentialsCache) decides about both.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>
#[derive(Clone, Debug)]
pub struct InstanceMetadata {
    client: Client,
}

impl InstanceMetadata {
    /// Makes a provider that finds its configuration in the environment and the shared files.
    #[must_use]
    pub fn new(context: impl Into<Context>) -> Self {
        Self::reading(context.into(), Selection::default())
    }

    pub(super) fn reading(context: Context, selection: Selection) -> Self {
        Self {
            client: Client::new(context, selection),
        }
    }

    /// Sets where the metadata service is, whatever the environment says.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Uri) -> Self {
        self.client.endpoint = Some(endpoint);
        self
    }

    async fn fetch(&self) -> Result<Credentials, FetchError> {
        let client = &self.client;
        client.check_enabled()?;
        let role = client.get(ROLES, text).await.map_err(|error| {
            // The token came, so that this is EC2; it just has no role.
            if error.status() == Some(404) {
                let message = "the instance has no role, or none whose credentials are there yet";
                let no_role = FetchError::not_configured(NAME, message);
                return no_role.in_doubt().because(error);
            }
            error
        })?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if !role.bytes().all(allowed) || matches!(role.as_str(), "." | "..") {
            let message = "the name of the role is not one that IAM allows";
            return Err(FetchError::malformed(NAME, message));
        }
        let judge = |answer: &_| answer::credentials(NAME, answer, &[]);
        let mut credentials = client.get(&format!("{ROLES}{role}"), judge).await?;
        // By this a cache knows that they may be used beyond their end.
        credentials.set_property(vec![AwsCredentialFeature::CredentialsImds]);
        Ok(credentials)
    }
}

impl ProvideCredentials for InstanceMetadata {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { Ok(self.fetch().await?) })
    }
}

/// Asks the metadata service, with a token that is kept.
#[derive(Clone)]
pub(super) struct Client {
    context: Context,
    selection: Selection,
    endpoint: Option<Uri>,
    token: Arc<Mutex<Option<Token>>>,
}

#[derive(Clone)]
struct Token {
    header: HeaderValue,
    /// Until when it is used, by the monotonic clock. Should that stand still while the machine
    /// sleeps, the service refuses the token, and it is replaced.
    until: Duration,
}

impl Client {
    pub(super) fn new(context: Context, selection: Selection) -> Self {
        Self {
            context,
            selection,
            endpoint: None,
            token: Arc::default(),
        }
    }

    /// Returns the region of the instance.
    pub(super) async fn region(&self) -> Result<String, FetchError> {
        self.check_enabled()?;
        self.get("/latest/meta-data/placement/region", text).await
    }

    fn check_enabled(&self) -> Result<(), FetchError> {
        const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
        if self.context.variables().is_true(NAME, DISABLED)? {
            let message = format!("it is switched off by `{DISABLED}`");
            return Err(FetchError::not_configured(NAME, message));
        }
        Ok(())
    }

    /// Gets a path. A token that is refused is replaced once.
    async fn get<T>(
        &self,
        path: &str,
        mut judge: impl FnMut(&Response<Bytes>) -> Result<T, FetchError> + Send,
    ) -> Result<T, FetchError> {
        let endpoint = self.endpoint()?;
        let uri = exchange::joined(NAME, &endpoint, path)?;
        let mut answered = self.attempt(&endpoint, &uri, &mut judge).await;
        if let Err(error) = &answered
            && error.status() == Some(401)
        {
            *self.kept() = None;
            answered = self.attempt(&endpoint, &uri, &mut judge).await;
        }
        answered
    }

    async fn attempt<T>(
        &self,
        endpoint: &Uri,
        uri: &Uri,
        judge: impl FnMut(&Response<Bytes>) -> Result<T, FetchError> + Send,
    ) -> Result<T, FetchError> {
        let token = self.token(endpoint).await?;
        let make = || {
            let request = Request::get(uri.clone()).header(TOKEN, token.clone());
            EXCHANGE.ready(request, Bytes::new())
        };
        EXCHANGE.run(&self.context, make, judge).await
    }

    async fn token(&self, endpoint: &Uri) -> Result<HeaderValue, FetchError> {
        let now = self.context.monotonic();
        let kept = self.kept().clone();
        if let Some(token) = kept.filter(|token| now < token.until) {
            return Ok(token.header);
        }
        let uri = exchange::joined(NAME, endpoint, "/latest/api/token")?;
        let make = || {
            let request = Request::put(uri.clone())
                .header(TOKEN_TTL, TTL.as_secs())
                // Some emulators refuse a PUT without it, and clients leave it out.
                .header(http::header::CONTENT_LENGTH, 0);
            EXCHANGE.ready(request, Bytes::new())
        };
        let fetched = EXCHANGE.run(&self.context, make, |answer| {
            let header = token_header(answer)?;
            let ttl = answer.headers().get(TOKEN_TTL);
            let ttl = ttl.and_then(|ttl| ttl.to_str().ok()?.parse().ok());
            Ok((header, ttl.map_or(TTL, Duration::from_secs)))
        });
        let (header, ttl) = fetched.await.map_err(|error| {
            // Without any answer this is not EC2, as far as can be known.
            if error.kind() == FetchErrorKind::Unavailable && error.status().is_none() {
                return error.in_doubt();
            }
            error
        })?;
        let token = Token {
            header: header.clone(),
            until: now.saturating_add(ttl.min(TTL).saturating_sub(EARLY)),
        };
        *self.kept() = Some(token);
        Ok(header)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Token>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn endpoint(&self) -> Result<Uri, FetchError> {
        if let Some(endpoint) = &self.endpoint {
            return Ok(endpoint.clone());
        }
        let get = |name| self.context.variables().get(NAME, name);
        let endpoint = get(ENDPOINT)?;
        let mode = get(MODE)?;
        // What the variables say in full needs no file.
        let shared = match (&endpoint, &mode) {
            (None, None) => Some(SharedConfig::load(NAME, &self.context, &self.selection)?),
            _ => None,
        };
        let property = |name| {
            let shared = shared.as_ref()?;
            shared.get(name).map(str::to_owned)
        };
        if let Some(endpoint) = endpoint.or_else(|| property("ec2_metadata_service_endpoint")) {
            return endpoint.trim().parse().map_err(|error| {
                let message = format!("the endpoint, from `{ENDPOINT}` or the profile, is no URI");
                FetchError::configuration(NAME, message).because(error)
            });
        }
        match mode.or_else(|| property("ec2_metadata_service_endpoint_mode")) {
            None => Ok(Uri::from_static(IPV4)),
            Some(mode) if mode.trim().eq_ignore_ascii_case("ipv4") => Ok(Uri::from_static(IPV4)),
            Some(mode) if mode.trim().eq_ignore_ascii_case("ipv6") => Ok(Uri::from_static(IPV6)),
            Some(_) => {
                let message = format!(
                    "the mode of the endpoint, from `{MODE}` or the profile, is neither `IPv4` \
                     nor `IPv6`"
                );
                Err(FetchError::configuration(NAME, message))
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("context", &self.context)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Reads an answer that is one line of text.
fn text(answer: &Response<Bytes>) -> Result<String, FetchError> {
    if !answer.status().is_success() {
        return Err(exchange::refusal(NAME, "a request", answer, None));
    }
    let text = str::from_utf8(answer.body()).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() || line.len() > 256 || line.contains('<') {
        let message = "the answer is not a line of text";
        return Err(FetchError::malformed(NAME, message));
    }
    Ok(line.to_owned())
}

fn token_header(answer: &Response<Bytes>) -> Result<HeaderValue, FetchError> {
    if !answer.status().is_success() {
        return Err(exchange::refusal(
            NAME,
            "the request for a token",
            answer,
            None,
        ));
    }
    let body = answer.body().trim_ascii();
    let is_token = !body.is_empty() && body.iter().all(u8::is_ascii_graphic);
    let header = is_token
        .then(|| HeaderValue::from_bytes(body).ok())
        .flatten();
    let Some(mut header) = header.filter(|_| !body.contains(&b'<')) else {
        let message = "the answer to the request for a token is not a token";
        return Err(FetchError::malformed(NAME, message));
    };
    header.set_sensitive(true);
    Ok(header)
}

/// The name that `aws-config` gives this source.
const NAME: &str = "IMDSv2";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
const MODE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const TOKEN_TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
/// The longest time that the service grants a token.
const TTL: Duration = Duration::from_secs(6 * 60 * 60);
/// How long before its end a token is replaced.
const EARLY: Duration = Duration::from_secs(2 * 60);
const EXCHANGE: Exchange = Exchange {
    provider: NAME,
    plain: PlainHttp::Metadata,
    attempt: Duration::from_secs(1),
};

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::runtime::credentials::light::fake::Fake;

    const WHOLE: &str = r#"{"Code": "Success", "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": "s3cr3t", "Token": "t0ken", "Expiration": "2025-07-01T18:00:00Z"}"#;
    const BASE: &str = "http://169.254.169.254/latest";

    fn provider(fake: &Fake, variables: &[(&str, &str)]) -> InstanceMetadata {
        InstanceMetadata::new(fake.context(variables))
    }

    #[tokio::test]
    async fn asks_for_a_token_a_role_and_its_credentials() {
        let fake = Fake::new()
            .answer(200, "TOKEN==")
            .answer(200, "my-role\n")
            .answer(200, WHOLE);
        let credentials = provider(&fake, &[]).fetch().await.unwrap();
        assert_eq!(credentials.access_key_id(), "ASIAEXAMPLE");
        assert!(credentials.expiry().is_some());
        let sent = [
            format!("PUT {BASE}/api/token"),
            format!("GET {BASE}/meta-data/iam/security-credentials/"),
            format!("GET {BASE}/meta-data/iam/security-credentials/my-role"),
        ];
        assert_eq!(fake.sent(), sent);
        let requests = fake.requests();
        assert_eq!(requests[0].headers()[TOKEN_TTL], "21600");
        for request in &requests[1..] {
            assert_eq!(request.headers()[TOKEN], "TOKEN==");
            assert!(request.headers()[TOKEN].is_sensitive());
        }
    }

    #[tokio::test]
    async fn keeps_no_token_longer_than_it_asked_for() {
        let fake = Fake::new()
            .answer_with(TOKEN_TTL.as_str(), "18446744073709551615", "ONE")
            .answer(200, "eu-west-1")
            .answer_with(TOKEN_TTL.as_str(), "600", "TWO")
            .answer(200, "eu-west-1");
        let client = Client::new(fake.context(&[]), Selection::default());
        client.region().await.unwrap();
        fake.pass(TTL);
        client.region().await.unwrap();
        assert_eq!(fake.requests()[3].headers()[TOKEN], "TWO");
    }

    #[tokio::test]
    async fn keeps_the_token_until_it_ends() {
        let token = |token| move |fake: Fake| fake.answer_with(TOKEN_TTL.as_str(), "600", token);
        let fake = token("ONE")(Fake::new())
            .answer(200, "eu-west-1")
            .answer(200, "eu-west-1");
        let fake = token("TWO")(fake).answer(200, "eu-west-1");
        let client = Client::new(fake.context(&[]), Selection::default());
        for (passes, expected) in [(0, "ONE"), (470, "ONE"), (20, "TWO")] {
            fake.pass(Duration::from_secs(passes));
            assert_eq!(client.region().await.unwrap(), "eu-west-1");
            let last = fake.requests().pop().unwrap();
            assert_eq!(last.headers()[TOKEN], expected);
            assert_eq!(last.uri().path(), "/latest/meta-data/placement/region");
        }
    }

    #[tokio::test]
    async fn replaces_a_token_that_is_refused_once() {
        let fake = Fake::new()
            .answer(200, "ONE")
            .answer(401, "")
            .answer(200, "TWO")
            .answer(200, "role")
            .answer(200, WHOLE);
        assert!(provider(&fake, &[]).fetch().await.is_ok());
        assert_eq!(fake.requests()[3].headers()[TOKEN], "TWO");

        let fake = Fake::new()
            .answer(200, "ONE")
            .answer(401, "")
            .answer(200, "TWO")
            .answer(401, "");
        let error = provider(&fake, &[]).fetch().await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::Refused);
    }

    #[tokio::test]
    async fn tells_what_is_not_ec2_from_what_fails() {
        let token = || Fake::new().answer(200, "TOKEN");
        use FetchErrorKind::Malformed;
        use FetchErrorKind::NotConfigured;
        use FetchErrorKind::Refused;
        use FetchErrorKind::Unavailable;
        for (name, fake, kind) in [
            (
                "nobody there",
                Fake::new().refuse().refuse().refuse(),
                NotConfigured,
            ),
            ("no answer", Fake::new().hang().hang().hang(), NotConfigured),
            ("no role", token().answer(404, ""), NotConfigured),
            ("switched off", Fake::new().answer(403, ""), Refused),
            (
                "token fails",
                Fake::new().answer(500, "").answer(500, "").answer(500, ""),
                Unavailable,
            ),
            ("role fails", token().hang().hang().hang(), Unavailable),
            (
                "a portal instead of a token",
                Fake::new()
                    .answer(200, "<html>")
                    .answer(200, "<p>")
                    .answer(200, "a b"),
                Malformed,
            ),
            ("no role name", token().answer(200, "../x"), Malformed),
            (
                "credentials fail",
                token()
                    .answer(200, "role")
                    .answer(500, "")
                    .answer(503, "")
                    .answer(502, ""),
                Unavailable,
            ),
            (
                "half credentials",
                token()
                    .answer(200, "role")
                    .answer(200, &WHOLE[..50])
                    .answer(200, "{}")
                    .answer(200, "<html>"),
                Malformed,
            ),
            (
                "credentials refused",
                token()
                    .answer(200, "role")
                    .answer(200, r#"{"Code": "Failed", "Message": "no"}"#),
                Refused,
            ),
        ] {
            let error = provider(&fake, &[]).fetch().await.unwrap_err();
            assert_eq!(error.kind(), kind, "{name}: {error}");
            assert!(!format!("{error:?}").contains("s3cr3t"), "{name}");
        }
    }

    #[tokio::test]
    async fn is_switched_off_by_the_environment() {
        let fake = Fake::new();
        let switched_off = provider(&fake, &[("AWS_EC2_METADATA_DISABLED", "True")]);
        let error = switched_off.fetch().await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::NotConfigured);
        let error = switched_off.client.region().await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::NotConfigured);
        assert_eq!(fake.sent(), [""; 0]);
    }

    #[tokio::test]
    async fn finds_the_endpoint() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let config = ("AWS_CONFIG_FILE", file.to_str().unwrap());
        let endpoint = "ec2_metadata_service_endpoint";
        let mode = format!("{endpoint}_mode");
        for (name, variables, profile, expected) in [
            ("by default", vec![], String::new(), Ok(IPV4)),
            (
                "of a variable",
                vec![(ENDPOINT, "http://127.0.0.1:1338/base/"), (MODE, "IPv6")],
                format!("{endpoint} = http://localhost"),
                Ok("http://127.0.0.1:1338/base"),
            ),
            (
                "by the mode of a variable",
                vec![(MODE, "ipv6")],
                String::new(),
                Ok(IPV6),
            ),
            (
                "of the profile",
                vec![],
                format!("{endpoint} = http://localhost"),
                Ok("http://localhost"),
            ),
            (
                "by the mode of the profile",
                vec![],
                format!("{mode} = IPv6"),
                Ok(IPV6),
            ),
            (
                "elsewhere",
                vec![(ENDPOINT, "http://10.0.0.1/")],
                String::new(),
                Err(()),
            ),
            ("of no mode", vec![(MODE, "IPv5")], String::new(), Err(())),
            (
                "that is none",
                vec![(ENDPOINT, "::")],
                String::new(),
                Err(()),
            ),
        ] {
            fs::write(&file, format!("[default]\n{profile}")).unwrap();
            let fake = Fake::new().answer(200, "TOKEN").answer(200, "us-east-1");
            let variables = [variables, vec![config]].concat();
            let client = Client::new(fake.context(&variables), Selection::default());
            let region = client.region().await;
            match expected {
                Ok(base) => {
                    assert!(region.is_ok(), "{name}: {region:?}");
                    let uri = format!("PUT {base}/latest/api/token");
                    assert_eq!(fake.sent()[0], uri, "{name}");
                }
                Err(()) => {
                    let kind = region.unwrap_err().kind();
                    assert_eq!(kind, FetchErrorKind::Configuration, "{name}");
                    assert_eq!(fake.sent(), [""; 0], "{name}");
                }
            }
        }
    }
}
