//! Providers of credentials that do not provide at once.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use sigv4_tests::secrets;
use tokio::sync::Semaphore;

/// A provider that fails so many times and has credentials from then on.
#[derive(Clone, Debug)]
pub(crate) struct Failing {
    failures_left: Arc<AtomicUsize>,
}

impl Failing {
    pub(crate) fn always() -> Self {
        Self::times(usize::MAX)
    }

    pub(crate) fn times(failures: usize) -> Self {
        Self {
            failures_left: Arc::new(AtomicUsize::new(failures)),
        }
    }
}

impl ProvideCredentials for Failing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let fails = |left: usize| left.checked_sub(1);
        let failed = self
            .failures_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails);
        future::ProvideCredentials::ready(match failed {
            Ok(_) => Err(CredentialsError::provider_error(
                "the metadata service is away",
            )),
            Err(_) => Ok(provided()),
        })
    }
}

/// A provider that has nothing to say until it is opened.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    permits: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn closed() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(0)),
        }
    }

    pub(crate) fn open(&self) {
        self.permits.close();
    }
}

impl ProvideCredentials for Gate {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            // A closed semaphore answers everybody who waits, now and later.
            let _ = self.permits.acquire().await;
            Ok(provided())
        })
    }
}

/// The credentials of the fixtures, as providers hand them out.
fn provided() -> aws_credential_types::Credentials {
    aws_credential_types::Credentials::new(
        secrets::ACCESS_KEY_ID,
        secrets::SECRET_ACCESS_KEY,
        None,
        None,
        "fixture",
    )
}
