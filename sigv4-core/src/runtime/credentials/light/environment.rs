//! Credentials out of environment variables.

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use zeroize::Zeroizing;

use super::env::Env;
use super::error::FetchError;

/// Provides credentials out of `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` (or
/// `SECRET_ACCESS_KEY`), `AWS_SESSION_TOKEN` and `AWS_ACCOUNT_ID`.
///
/// The variables are read at each fetch. One that is empty or blank counts as not set. Half of a
/// pair is an error that names the other half: to pass it over would mean another identity.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html>
///
/// ```
/// use sigv4_core::runtime::{CredentialsCache, light};
///
/// let credentials = CredentialsCache::new(light::Environment::new());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Environment {
    env: Env,
}

impl Environment {
    /// Makes a provider that reads the environment of the process.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) const fn of(env: Env) -> Self {
        Self { env }
    }

    fn fetch(&self) -> Result<Credentials, FetchError> {
        let get = |name| self.env.get(NAME, name);
        let id = get(ID)?;
        let secret = match get(SECRET)? {
            None => get("SECRET_ACCESS_KEY")?,
            secret => secret,
        };
        let half = |there, missing| {
            let message = format!("the variable `{there}` is set, but `{missing}` is not");
            FetchError::configuration(NAME, message)
        };
        let (id, secret) = match (id, secret.map(Zeroizing::new)) {
            (Some(id), Some(secret)) => (id, secret),
            (Some(_), None) => return Err(half(ID, SECRET)),
            (None, Some(_)) => return Err(half(SECRET, ID)),
            (None, None) => {
                let message = format!("neither `{ID}` nor `{SECRET}` is set");
                return Err(FetchError::not_configured(NAME, message));
            }
        };
        let trimmed = |value: String| value.trim().to_owned();
        let mut builder = Credentials::builder()
            .access_key_id(id)
            .secret_access_key(secret.as_str())
            .provider_name(NAME);
        builder.set_session_token(get("AWS_SESSION_TOKEN")?.map(trimmed));
        builder.set_account_id(get("AWS_ACCOUNT_ID")?.map(|id| trimmed(id).into()));
        Ok(builder.build())
    }
}

impl ProvideCredentials for Environment {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(self.fetch().map_err(Into::into))
    }
}

/// The name that `aws-config` gives this source.
const NAME: &str = "EnvironmentVariable";
const ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";

#[cfg(test)]
mod tests {
    use super::super::error::FetchErrorKind;
    use super::*;

    fn fetch(variables: &[(&str, &str)]) -> Result<Credentials, FetchError> {
        Environment::of(Env::of(variables)).fetch()
    }

    #[test]
    fn reads_the_variables() {
        for (name, variables, token, account) in [
            (
                "a pair",
                &[(ID, "AKID"), (SECRET, "s3cr3t")][..],
                None,
                None,
            ),
            (
                "the other name of the secret",
                &[(ID, "AKID"), ("SECRET_ACCESS_KEY", "s3cr3t"), (SECRET, " ")],
                None,
                None,
            ),
            (
                "all",
                &[
                    (ID, "AKID"),
                    (SECRET, "s3cr3t"),
                    ("SECRET_ACCESS_KEY", "another"),
                    ("AWS_SESSION_TOKEN", " token "),
                    ("AWS_ACCOUNT_ID", "1234"),
                ],
                Some("token"),
                Some("1234"),
            ),
            (
                "an empty token",
                &[(ID, "AKID"), (SECRET, "s3cr3t"), ("AWS_SESSION_TOKEN", "")],
                None,
                None,
            ),
        ] {
            let credentials = fetch(variables).expect(name);
            assert_eq!(credentials.access_key_id(), "AKID", "{name}");
            assert_eq!(credentials.secret_access_key(), "s3cr3t", "{name}");
            assert_eq!(credentials.session_token(), token, "{name}");
            assert_eq!(
                credentials.account_id().map(|id| id.as_str()),
                account,
                "{name}"
            );
            assert_eq!(credentials.expiry(), None, "{name}");
        }
    }

    #[test]
    fn names_the_half_that_is_missing() {
        for (name, variables, kind, missing) in [
            ("nothing", &[][..], FetchErrorKind::NotConfigured, ID),
            (
                "a token alone",
                &[("AWS_SESSION_TOKEN", "t")],
                FetchErrorKind::NotConfigured,
                ID,
            ),
            (
                "an id",
                &[(ID, "AKID"), (SECRET, " ")],
                FetchErrorKind::Configuration,
                "`AWS_SECRET_ACCESS_KEY` is not",
            ),
            (
                "a secret",
                &[(SECRET, "s3cr3t")],
                FetchErrorKind::Configuration,
                "`AWS_ACCESS_KEY_ID` is not",
            ),
        ] {
            let error = fetch(variables).unwrap_err();
            let text = error.to_string();
            assert_eq!(error.kind(), kind, "{name}");
            assert!(text.contains(missing), "{name}: {text}");
            assert!(!text.contains("s3cr3t"), "{name}: {text}");
        }
    }
}
