//! One refresh: asking the provider, in the background and not for ever.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use futures_util::FutureExt;
use futures_util::future::Shared;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::runtime::CredentialsCacheBuilder;
use crate::runtime::Task;
use crate::runtime::task::within;

/// A refresh that is running. Whoever polls a clone drives it.
#[derive(Clone)]
pub(super) struct Flight {
    pub(super) number: u64,
    pub(super) started: Duration,
    pub(super) end: Shared<Task>,
}

/// What a provider returned, or why it did not.
pub(super) type Provided = Result<aws_credential_types::Credentials, Error>;

/// Asks the provider once. Keeps it alive, and nothing else of the cache.
pub(super) fn ask(
    settings: &CredentialsCacheBuilder,
) -> impl Future<Output = Provided> + Send + use<> {
    let provider = Arc::clone(&settings.provider);
    let runtime = Arc::clone(&settings.runtime);
    let timeout = settings.refresh_timeout;
    let name = Arc::clone(&settings.name);
    let ask = async move {
        let provided = pin!(provider.provide_credentials());
        match within(provided, || runtime.sleep(timeout)).await {
            Some(provided) => provided.map_err(|error| FAILED.because(error)),
            None => Err(TIMED_OUT.because(CredentialsError::provider_timed_out(timeout))),
        }
    };
    AssertUnwindSafe(traced(ask, name))
        .catch_unwind()
        .map(|provided| provided.unwrap_or(Err(PANICKED)))
}

/// Puts a span around a refresh. It is nobody's child: the request that happens to cause the
/// refresh does not wait for its end.
#[cfg(feature = "tracing")]
async fn traced<F: Future>(future: F, name: Arc<str>) -> F::Output {
    use tracing::Instrument;
    let span = tracing::debug_span!(parent: None, "refresh_credentials", source = &*name);
    future.instrument(span).await
}

#[cfg(not(feature = "tracing"))]
fn traced<F: Future>(future: F, _: Arc<str>) -> F {
    future
}

const FAILED: Error = Error::new(
    ErrorKind::Credentials,
    "the provider failed, for the reason behind this error",
);
const TIMED_OUT: Error = Error::new(ErrorKind::Credentials, "the provider took too long");
const PANICKED: Error = Error::new(ErrorKind::Credentials, "the provider panicked");
