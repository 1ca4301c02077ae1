//! What most of these tests begin with: an authorizer, the two ways to sign, a verdict.

use std::error::Error as StdError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use http::Extensions;
use reqwest::Client;
use reqwest::Request;
use reqwest::Response;
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::ClientWithMiddleware;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::AuthorizerBuilder;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_reqwest::SigV4Middleware;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Verified;
use sigv4_tests::secrets;
use sigv4_tests::time;
use sigv4_tests::wire::WireRequest;

use crate::shared::clock::TestClock;

pub(crate) const REGION: &str = "us-east-1";

/// Makes an authorizer for one host, with the credentials of a user and a clock that stands still.
pub(crate) fn authorizer(service: &str, host: &str) -> Authorizer {
    builder(service, host).build()
}

pub(crate) fn builder(service: &str, host: &str) -> AuthorizerBuilder {
    builder_with(secrets::credentials(), service, host)
}

pub(crate) fn builder_with(
    provider: impl ProvideCredentials + 'static,
    service: &str,
    host: &str,
) -> AuthorizerBuilder {
    let signer = Signer::builder(service, REGION).build().unwrap();
    signed_by(signer, provider, host)
}

pub(crate) fn signed_by(
    signer: Signer,
    provider: impl ProvideCredentials + 'static,
    host: &str,
) -> AuthorizerBuilder {
    let credentials = CredentialsCache::builder(provider).clock(HastyClock::default());
    let scope = HostScope::exact([host]).unwrap();
    Authorizer::builder(signer, credentials.build(), scope).clock(TestClock::new())
}

/// A clock on which two seconds pass each time that somebody looks at it, so that no cache remembers
/// a failure for longer than that.
#[derive(Debug, Default)]
struct HastyClock {
    looks: AtomicU64,
}

impl Clock for HastyClock {
    fn now(&self) -> SystemTime {
        time::of_the_suite()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(2 * self.looks.fetch_add(1, Ordering::Relaxed))
    }
}

/// A client as the documentation wants it: it follows no redirects.
pub(crate) fn client() -> Client {
    let client = Client::builder().redirect(sigv4_reqwest::redirect_policy());
    client.no_proxy().build().unwrap()
}

/// A client that signs.
pub(crate) fn signing(authorizer: Authorizer) -> ClientWithMiddleware {
    ClientBuilder::new(client())
        .with(SigV4Middleware::new(authorizer))
        .build()
}

/// The two ways to have a request signed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Middleware,
    Function,
}

pub(crate) const WAYS: [Way; 2] = [Way::Middleware, Way::Function];

impl Way {
    /// Signs a request this way and sends it.
    pub(crate) async fn send(
        self,
        authorizer: &Authorizer,
        mut request: Request,
        overrides: Option<SigningOverrides>,
    ) -> Result<Response, reqwest_middleware::Error> {
        match self {
            Self::Middleware => {
                let mut extensions = Extensions::new();
                if let Some(overrides) = overrides {
                    extensions.insert(overrides);
                }
                signing(authorizer.clone())
                    .execute_with_extensions(request, &mut extensions)
                    .await
            }
            Self::Function => {
                sigv4_reqwest::sign(authorizer, &mut request, overrides.as_ref())
                    .await
                    .map_err(reqwest_middleware::Error::middleware)?;
                Ok(client().execute(request).await?)
            }
        }
    }
}

/// Makes a GET request without a body.
#[track_caller]
pub(crate) fn get(url: impl AsRef<str>) -> Request {
    client().get(url.as_ref()).build().unwrap()
}

/// Has a request judged as it arrived, with a body that the signature is to cover.
#[track_caller]
pub(crate) fn verified<'a>(request: &WireRequest, body: impl Into<oracle::Body<'a>>) -> Verified {
    let head = request.head();
    let body: oracle::Body<'a> = body.into();
    oracle::verify(&head, body, secrets::SECRET_ACCESS_KEY).unwrap()
}

/// Finds an error in what others have wrapped it into.
pub(crate) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    std::iter::successors(Some(error), |&error| error.source())
        .find_map(|error| error.downcast_ref())
}

/// Returns our error out of what the middleware crate makes of it.
#[track_caller]
pub(crate) fn our_error(error: &reqwest_middleware::Error) -> &sigv4_reqwest::Error {
    let reqwest_middleware::Error::Middleware(inner) = error else {
        panic!("{error:?} is not of a middleware");
    };
    inner
        .downcast_ref()
        .unwrap_or_else(|| panic!("{error:?} is not ours"))
}

/// Returns why signing failed.
#[track_caller]
pub(crate) fn signing_kind(error: &reqwest_middleware::Error) -> sigv4_core::ErrorKind {
    find::<sigv4_core::Error>(error)
        .unwrap_or_else(|| panic!("{error:?} holds no error of sigv4-core"))
        .kind()
}
