//! A provider that is made anew when its files change.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use aws_credential_types::Credentials;
use aws_credential_types::provider;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;

use super::files::Contents;
use super::files::Files;
use super::http::SdkHttpClient;
use super::recipe::Recipe;

/// Makes a provider when it is first asked, and another one after its files have changed or it has
/// failed.
///
/// The providers of `aws-config` look up the region, read files and check addresses once, and keep
/// what came of it, be it an error, for as long as they live. Only one that works is worth keeping,
/// for what it remembers: session tokens of IMDS and SSO, the last credentials of the instance.
#[derive(Debug)]
pub(super) struct Rebuilt {
    recipe: Recipe,
    http: SdkHttpClient,
    files: Files,
    built: Mutex<Option<Built>>,
}

#[derive(Clone, Debug)]
struct Built {
    provider: SharedCredentialsProvider,
    /// What the files held before it was made.
    contents: Contents,
}

impl Rebuilt {
    pub(super) fn new(recipe: Recipe, http: SdkHttpClient) -> Self {
        Self {
            files: recipe.files(),
            recipe,
            http,
            built: Mutex::new(None),
        }
    }

    async fn fetch(&self) -> provider::Result {
        let contents = self.files.contents();
        let built = self.built().clone();
        let provider = match built.filter(|built| built.contents == contents) {
            Some(built) => built.provider,
            None => self.recipe.build(&self.http).await,
        };
        let answer = checked(provider.provide_credentials().await);
        *self.built() = match answer {
            Ok(_) => Some(Built { provider, contents }),
            Err(_) => None,
        };
        answer
    }

    fn built(&self) -> MutexGuard<'_, Option<Built>> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses what nobody can sign with, and hides what nobody should read.
fn checked(answer: provider::Result) -> provider::Result {
    let credentials = answer.map_err(Failure::hide)?;
    // `aws-config` takes a field that is missing in an answer of STS for an empty one.
    match crate::Credentials::try_from(&credentials) {
        Ok(_) => Ok(credentials),
        Err(error) => Err(CredentialsError::unhandled(error)),
    }
}

/// What an error of `aws-config` says, without what it holds.
///
/// The errors of the SDK carry the answer that they are about, and show it in `Debug`: one that was
/// understood by half has a secret in it.
#[derive(Debug)]
struct Failure {
    text: String,
}

impl Failure {
    fn hide(error: CredentialsError) -> CredentialsError {
        let failure = Self {
            text: error.source().map(text).unwrap_or_default(),
        };
        match error {
            CredentialsError::CredentialsNotLoaded(_) => CredentialsError::not_loaded(failure),
            CredentialsError::InvalidConfiguration(_) => {
                CredentialsError::invalid_configuration(failure)
            }
            CredentialsError::ProviderError(_) => CredentialsError::provider_error(failure),
            // A timeout has no cause.
            CredentialsError::ProviderTimedOut(_) => error,
            _ => CredentialsError::unhandled(failure),
        }
    }
}

fn text(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    // Here the token itself is in the text.
    if text.contains("could not be used as a header value for the auth token") {
        return "the authorization token of the container cannot be a header value; \
                look for a line break at its end"
            .to_owned();
    }
    text
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Failure {}

impl ProvideCredentials for Rebuilt {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fetch())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        let built = self.built().clone();
        built?.provider.fallback_on_interrupt()
    }
}
