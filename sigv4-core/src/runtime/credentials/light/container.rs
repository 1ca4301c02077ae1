//! Credentials of a container, from the agent of ECS or EKS beside it.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::Uri;
use http::header::ACCEPT;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use super::answer;
use super::context::Context;
use super::error::FetchError;
use super::exchange::Exchange;
use super::exchange::PlainHttp;
use super::files;

/// Provides the credentials of the role of a container: an ECS task, an EKS pod identity, or
/// whatever else answers over HTTP as they do.
///
/// Where to ask says `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` (a path, at `http://169.254.170.2`)
/// or else `AWS_CONTAINER_CREDENTIALS_FULL_URI`. Plain http goes to loopback addresses and to those
/// of the agents (169.254.170.2, 169.254.170.23, fd00:ec2::23) only. Other than in the SDKs a name
/// is not resolved in order to find out whether it is one of these: with plain http, `localhost` is
/// the only name that is taken.
///
/// The `Authorization` header is the content of the file that
/// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` names, read at each fetch because it is replaced from
/// time to time, or else `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
#[derive(Clone, Debug)]
pub struct Container {
    context: Context,
    endpoint: Option<Uri>,
    token_file: Option<PathBuf>,
}

impl Container {
    /// Makes a provider that finds its configuration in the environment.
    #[must_use]
    pub fn new(context: impl Into<Context>) -> Self {
        Self {
            context: context.into(),
            endpoint: None,
            token_file: None,
        }
    }

    /// Sets where to ask, whatever the environment says. The token is then sent only if its file is
    /// [set](Self::token_file) too: that of the environment is meant for another.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Uri) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Sets which file holds the `Authorization` header, whatever the environment says.
    #[must_use]
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token_file = Some(path.into());
        self
    }

    async fn fetch(&self) -> Result<Credentials, FetchError> {
        let uri = self.uri()?;
        // Refused destinations are refused before a token is read for them.
        EXCHANGE.plain.check(NAME, &uri)?;
        let token = self.token()?;
        let header = token.as_ref().map(|token| header(token)).transpose()?;
        let sent = token.as_ref().map_or("", |token| token.as_str());
        let make = || {
            let mut request = Request::get(uri.clone()).header(ACCEPT, "application/json");
            if let Some(header) = &header {
                request = request.header(AUTHORIZATION, header);
            }
            EXCHANGE.ready(request, Bytes::new())
        };
        let judge = |answer: &_| answer::credentials(NAME, answer, &[sent]);
        EXCHANGE.run(&self.context, make, judge).await
    }

    fn uri(&self) -> Result<Uri, FetchError> {
        if let Some(endpoint) = &self.endpoint {
            return Ok(endpoint.clone());
        }
        let get = |name| self.context.variables().get(NAME, name);
        // What stands in the variables may be a secret path.
        let invalid = |name, what| {
            FetchError::configuration(NAME, format!("the variable `{name}` is not {what}"))
        };
        if let Some(path) = get(RELATIVE)? {
            let path = path.trim();
            // Without the slash it could lengthen the address into another host.
            let uri = path.starts_with('/').then(|| format!("{AGENT}{path}"));
            return uri
                .and_then(|uri| uri.parse().ok())
                .ok_or_else(|| invalid(RELATIVE, "a path that begins with `/`"));
        }
        let Some(uri) = get(FULL)? else {
            let message = format!("neither `{RELATIVE}` nor `{FULL}` is set");
            return Err(FetchError::not_configured(NAME, message));
        };
        uri.trim().parse().map_err(|_| invalid(FULL, "a URI"))
    }

    fn token(&self) -> Result<Option<Zeroizing<String>>, FetchError> {
        if let Some(path) = &self.token_file {
            return files::read_token(NAME, path).map(Some);
        }
        if self.endpoint.is_some() {
            return Ok(None);
        }
        let get = |name| self.context.variables().get(NAME, name);
        if let Some(path) = get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")? {
            return files::read_token(NAME, Path::new(&path)).map(Some);
        }
        Ok(get("AWS_CONTAINER_AUTHORIZATION_TOKEN")?.map(Zeroizing::new))
    }
}

fn header(token: &str) -> Result<HeaderValue, FetchError> {
    // A line break would begin another header; that it is at the end makes it no better.
    let mut header = HeaderValue::from_str(token).map_err(|_| {
        FetchError::configuration(
            NAME,
            "the authorization token is not a header value; look for a line break at its end",
        )
    })?;
    header.set_sensitive(true);
    Ok(header)
}

impl ProvideCredentials for Container {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { Ok(self.fetch().await?) })
    }
}

/// The name that `aws-config` gives this source.
const NAME: &str = "EcsContainer";
const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
/// The agent of ECS.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>
const AGENT: &str = "http://169.254.170.2";
const EXCHANGE: Exchange = Exchange {
    provider: NAME,
    plain: PlainHttp::Container,
    attempt: Duration::from_secs(5),
};

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::error::FetchErrorKind;
    use super::super::fake::Fake;
    use super::*;

    const WHOLE: &str = r#"{"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "s3cr3t",
        "Token": "t0ken", "Expiration": "2025-07-01T18:00:00Z", "RoleArn": "arn"}"#;

    async fn fetch(fake: &Fake, variables: &[(&str, &str)]) -> Result<Credentials, FetchError> {
        Container::new(fake.context(variables)).fetch().await
    }

    #[tokio::test]
    async fn asks_where_the_variables_say() {
        for (name, variables, uri) in [
            (
                "a path",
                &[(RELATIVE, "/v2/credentials?id=1")][..],
                "http://169.254.170.2/v2/credentials?id=1",
            ),
            (
                "a path wins",
                &[(RELATIVE, "/path"), (FULL, "http://localhost/")],
                "http://169.254.170.2/path",
            ),
            (
                "an empty path does not",
                &[(RELATIVE, ""), (FULL, "http://localhost:8080/a?b=c")],
                "http://localhost:8080/a?b=c",
            ),
            (
                "the agent of EKS",
                &[(FULL, "http://169.254.170.23/v1/credentials")],
                "http://169.254.170.23/v1/credentials",
            ),
            (
                "https",
                &[(FULL, "https://example.com/x")],
                "https://example.com/x",
            ),
        ] {
            let fake = Fake::new().answer(200, WHOLE);
            let credentials = fetch(&fake, variables).await.expect(name);
            assert_eq!(credentials.access_key_id(), "ASIAEXAMPLE", "{name}");
            assert_eq!(fake.sent(), [format!("GET {uri}")], "{name}");
            let request = &fake.requests()[0];
            assert_eq!(request.headers()["accept"], "application/json", "{name}");
            assert!(!request.headers().contains_key("authorization"), "{name}");
        }
    }

    #[tokio::test]
    async fn refuses_where_credentials_must_not_come_from() {
        for (name, variables) in [
            ("plain http", (FULL, "http://example.com/credentials")),
            (
                "the metadata service",
                (FULL, "http://169.254.169.254/credentials"),
            ),
            ("no URI", (FULL, "http://[")),
            ("no host", (FULL, "/credentials")),
            (
                "another host behind the agent's",
                (RELATIVE, "@example.com/credentials"),
            ),
            ("digits behind the agent's", (RELATIVE, "3/credentials")),
        ] {
            let fake = Fake::new();
            let token = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/does/not/exist");
            let error = fetch(&fake, &[variables, token]).await.unwrap_err();
            assert_eq!(error.kind(), FetchErrorKind::Configuration, "{name}");
            assert!(
                !error.to_string().contains("cannot read"),
                "{name}: {error}"
            );
            assert_eq!(fake.sent(), [""; 0], "{name}");
        }
        let error = fetch(&Fake::new(), &[(RELATIVE, " ")]).await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::NotConfigured);
    }

    #[tokio::test]
    async fn reads_the_token_file_at_each_fetch() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let fake = Fake::new().answer(200, WHOLE).answer(200, WHOLE);
        let container = Container::new(fake.context(&[
            (RELATIVE, "/"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-variable"),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                file.to_str().unwrap(),
            ),
        ]));
        for token in ["Bearer one", "Bearer two"] {
            fs::write(&file, token).unwrap();
            container.fetch().await.unwrap();
            let request = fake.requests().pop().unwrap();
            let header = &request.headers()["authorization"];
            assert_eq!(header, token);
            assert!(header.is_sensitive());
        }
        fs::remove_file(&file).unwrap();
        let error = container.fetch().await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::Configuration);
    }

    #[tokio::test]
    async fn refuses_a_token_with_a_line_break() {
        for token in ["s3cr3t\r\nx-header: x", "s3cr3t\n"] {
            let fake = Fake::new();
            let variables = [
                (RELATIVE, "/"),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token),
            ];
            let error = fetch(&fake, &variables).await.unwrap_err();
            assert_eq!(error.kind(), FetchErrorKind::Configuration);
            assert!(!format!("{error}{error:?}").contains("s3cr3t"));
            assert_eq!(fake.sent(), [""; 0]);
        }
    }

    #[tokio::test]
    async fn does_not_send_the_token_of_the_environment_elsewhere() {
        let fake = Fake::new().answer(200, WHOLE);
        let context = fake.context(&[("AWS_CONTAINER_AUTHORIZATION_TOKEN", "t")]);
        let container = Container::new(context).endpoint(Uri::from_static("https://example.com"));
        container.fetch().await.unwrap();
        assert!(!fake.requests()[0].headers().contains_key("authorization"));
    }

    #[tokio::test]
    async fn asks_again_after_half_an_answer() {
        let fake = Fake::new()
            .answer(200, &WHOLE[..40])
            .hang()
            .answer(200, WHOLE);
        assert!(fetch(&fake, &[(RELATIVE, "/")]).await.is_ok());
        let fake = Fake::new().answer(200, "").answer(200, "").answer(200, "");
        let error = fetch(&fake, &[(RELATIVE, "/")]).await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::Malformed);
    }

    #[tokio::test]
    async fn hands_expired_credentials_on_as_expired() {
        let fake = Fake::new().answer(200, &WHOLE.replace("2025", "2024"));
        let credentials = fetch(&fake, &[(RELATIVE, "/")]).await.unwrap();
        assert!(credentials.expiry().unwrap() < fake.context(&[]).now());
    }
}
