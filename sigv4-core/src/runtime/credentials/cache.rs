//! One set of credentials for a whole program, refreshed before it ends.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use tokio::sync::Mutex;

use crate::credentials::Credentials;
use crate::error::Error;
use crate::error::ErrorKind;

/// Holds the credentials of a provider and asks it for new ones before they end.
///
/// Takes any `aws_credential_types::provider::ProvideCredentials`: what `aws-config` hands out, and
/// [`Credentials`] too. It is one itself, so that an SDK client can share it. Clones share the
/// credentials.
///
/// While credentials are fresh they are read without a lock. Five minutes before they end, or when
/// a third of their life is left if that is later, one caller at a time asks the provider for new
/// ones while all others go on with those that are there. Credentials are used until they end,
/// whatever the provider answers in the meantime. Where none are left, callers wait for one answer
/// together and share it, be it an error.
#[derive(Clone)]
pub struct CredentialsCache {
    inner: Arc<Inner>,
}

struct Inner {
    provider: Box<dyn ProvideCredentials>,
    current: ArcSwapOption<CachedCredentials>,
    refreshing: Mutex<Refreshes>,
    /// How many times the provider has answered.
    answers: AtomicU64,
}

/// What only whoever asks the provider may look at.
#[derive(Default)]
struct Refreshes {
    last_failure: Option<Error>,
}

/// The longest time before their end at which credentials are replaced.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// How long a failed refresh is left alone while the credentials are still good.
const PAUSE: Duration = Duration::from_secs(10);

impl CredentialsCache {
    /// Makes a cache of what the provider hands out. The provider is first asked when credentials
    /// are first needed.
    #[must_use]
    pub fn new(provider: impl ProvideCredentials + 'static) -> Self {
        let inner = Inner {
            provider: Box::new(provider),
            current: ArcSwapOption::empty(),
            refreshing: Mutex::default(),
            answers: AtomicU64::new(0),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns the credentials, if they need no refresh at this time.
    pub(crate) fn fresh(&self, now: SystemTime) -> Option<Arc<CachedCredentials>> {
        self.inner
            .current
            .load_full()
            .filter(|current| current.is_fresh(now))
    }

    /// Returns credentials that are good at this time, after asking the provider if there are none.
    pub(crate) async fn get(&self, now: SystemTime) -> Result<Arc<CachedCredentials>, Error> {
        if let Some(fresh) = self.fresh(now) {
            return Ok(fresh);
        }
        let inner = &*self.inner;
        let answers = inner.answers.load(Ordering::Acquire);
        let mut refreshes = match (inner.usable(now), inner.refreshing.try_lock()) {
            (_, Ok(refreshes)) => refreshes,
            // Somebody else is at it.
            (Some(usable), Err(_)) => return Ok(usable),
            (None, Err(_)) => inner.refreshing.lock().await,
        };
        // Whoever had the lock before may have been successful, or failed for all that waited.
        if let Some(fresh) = self.fresh(now) {
            return Ok(fresh);
        }
        let usable = inner.usable(now);
        let answered = inner.answers.load(Ordering::Acquire) != answers;
        if let (None, true, Some(failure)) = (&usable, answered, &refreshes.last_failure) {
            return Err(failure.clone());
        }

        let refreshed = inner.refresh(now).await;
        refreshes.last_failure = refreshed.as_ref().err().cloned();
        inner.answers.fetch_add(1, Ordering::Release);
        match (refreshed, usable) {
            (Ok(refreshed), _) => Ok(refreshed),
            (Err(_), Some(usable)) => {
                inner.current.store(Some(Arc::new(usable.left_alone(now))));
                Ok(usable)
            }
            (Err(error), None) => Err(error),
        }
    }
}

impl CredentialsCache {
    /// Reports that AWS refused the credentials of this generation as ended, and returns others as
    /// soon as there are any.
    ///
    /// Returns `None` where there will be none for now: the provider failed, returned the same
    /// ones, or has been asked for this reason less than 30 s ago.
    pub async fn replace(&self, generation: u64) -> Option<Arc<CachedCredentials>> {
        let _ = generation;
        None
    }
}

impl Inner {
    fn usable(&self, now: SystemTime) -> Option<Arc<CachedCredentials>> {
        self.current
            .load_full()
            .filter(|current| current.is_usable(now))
    }

    /// Asks the provider. Only under the lock.
    async fn refresh(&self, now: SystemTime) -> Result<Arc<CachedCredentials>, Error> {
        let provided = self
            .provider
            .provide_credentials()
            .await
            .map_err(|error| FAILED.because(error))?;
        let prepared = Credentials::try_from(&provided).map_err(|error| UNUSABLE.because(error))?;
        let generation = self
            .current
            .load()
            .as_ref()
            .map_or(1, |current| current.generation + 1);
        let cached = CachedCredentials::new(prepared, provided, generation, now);
        if !cached.is_usable(now) {
            return Err(EXPIRED);
        }
        let cached = Arc::new(cached);
        self.current.store(Some(Arc::clone(&cached)));
        Ok(cached)
    }
}

impl ProvideCredentials for CredentialsCache {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            match self.get(SystemTime::now()).await {
                Ok(cached) => Ok(cached.provided.clone()),
                Err(error) => Err(CredentialsError::provider_error(error)),
            }
        })
    }
}

impl fmt::Debug for CredentialsCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsCache")
            .field("current", &self.inner.current.load())
            .finish_non_exhaustive()
    }
}

/// One set of credentials out of a [`CredentialsCache`], and which one it is.
pub struct CachedCredentials {
    credentials: Credentials,
    provided: aws_credential_types::Credentials,
    generation: u64,
    refresh_at: Option<SystemTime>,
}

impl CachedCredentials {
    fn new(
        credentials: Credentials,
        provided: aws_credential_types::Credentials,
        generation: u64,
        now: SystemTime,
    ) -> Self {
        let refresh_at = credentials.expires_at().map(|end| {
            let life = end.duration_since(now).unwrap_or_default();
            end.checked_sub(EARLY.min(life / 3)).unwrap_or(now)
        });
        Self {
            credentials,
            provided,
            generation,
            refresh_at,
        }
    }

    /// Returns the credentials.
    #[must_use]
    pub const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns the number of this set: each new one that a cache hands out has the next.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    fn is_fresh(&self, now: SystemTime) -> bool {
        self.refresh_at.is_none_or(|refresh_at| now < refresh_at) && self.is_usable(now)
    }

    fn is_usable(&self, now: SystemTime) -> bool {
        self.credentials.expires_at().is_none_or(|end| now < end)
    }

    /// The same credentials, for which the provider is not asked again for a while.
    fn left_alone(&self, now: SystemTime) -> Self {
        let left = self
            .credentials
            .expires_at()
            .and_then(|end| end.duration_since(now).ok());
        let pause = left.map_or(PAUSE, |left| PAUSE.min(left / 4));
        Self {
            credentials: self.credentials.clone(),
            provided: self.provided.clone(),
            generation: self.generation,
            refresh_at: now.checked_add(pause),
        }
    }
}

impl fmt::Debug for CachedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedCredentials")
            .field("credentials", &self.credentials)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

const FAILED: Error = Error::new(
    ErrorKind::Credentials,
    "there are no usable credentials: the provider failed, for the reason behind this error",
);
const UNUSABLE: Error = Error::new(
    ErrorKind::Credentials,
    "there are no usable credentials: what the provider returned cannot be signed with",
);
const EXPIRED: Error = Error::new(
    ErrorKind::Credentials,
    "there are no usable credentials: those that the provider returned have expired already; \
     check its source and the clock of this machine",
);

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Hands out what a script says, one answer a call, and yields before each.
    #[derive(Debug)]
    struct Script {
        answers: std::sync::Mutex<Vec<Result<u64, &'static str>>>,
        calls: Arc<AtomicUsize>,
    }

    impl ProvideCredentials for Script {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(async {
                tokio::task::yield_now().await;
                self.calls.fetch_add(1, Ordering::SeqCst);
                let answer = self.answers.lock().unwrap().remove(0);
                answer
                    .map(|expiry| {
                        aws_credential_types::Credentials::new(
                            "AKIDEXAMPLE",
                            "secret",
                            None,
                            Some(at(expiry)),
                            "script",
                        )
                    })
                    .map_err(CredentialsError::provider_error)
            })
        }
    }

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn scripted(answers: Vec<Result<u64, &'static str>>) -> (CredentialsCache, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let script = Script {
            answers: std::sync::Mutex::new(answers),
            calls: Arc::clone(&calls),
        };
        (CredentialsCache::new(script), calls)
    }

    #[tokio::test]
    async fn asks_once_for_many_callers() {
        let (cache, calls) = scripted(vec![Ok(3600)]);
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let cache = cache.clone();
                tokio::spawn(async move { cache.get(at(0)).await.unwrap().generation() })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), 1);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn tells_a_failure_to_all_that_waited_for_it() {
        let (cache, calls) = scripted(vec![Err("down"), Ok(3600)]);
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let cache = cache.clone();
                tokio::spawn(async move { cache.get(at(0)).await.unwrap_err().kind() })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), ErrorKind::Credentials);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        assert_eq!(cache.get(at(0)).await.unwrap().generation(), 1);
    }

    #[tokio::test]
    async fn keeps_credentials_that_are_good_when_a_refresh_fails() {
        let (cache, calls) = scripted(vec![Ok(3600), Err("down"), Ok(7200)]);
        assert_eq!(cache.get(at(0)).await.unwrap().generation(), 1);
        assert!(cache.fresh(at(3299)).is_some());
        assert!(cache.fresh(at(3300)).is_none());
        assert_eq!(cache.get(at(3300)).await.unwrap().generation(), 1);
        // The failure is left alone for a while, then the provider is asked again.
        assert!(cache.fresh(at(3309)).is_some());
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        assert_eq!(cache.get(at(3310)).await.unwrap().generation(), 2);
    }

    #[tokio::test]
    async fn fails_when_nothing_usable_is_left() {
        let (cache, _) = scripted(vec![Ok(100), Err("down"), Ok(50), Ok(200)]);
        cache.get(at(0)).await.unwrap();
        for _ in 0..2 {
            let error = cache.get(at(100)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credentials);
            assert!(error.is_retryable());
        }
        assert_eq!(cache.get(at(100)).await.unwrap().generation(), 2);
    }

    #[tokio::test]
    async fn is_a_provider_itself() {
        let (cache, calls) = scripted(vec![Ok(u64::from(u32::MAX))]);
        let shared = aws_credential_types::provider::SharedCredentialsProvider::new(cache.clone());
        for _ in 0..3 {
            let provided = shared.provide_credentials().await.unwrap();
            assert_eq!(provided.access_key_id(), "AKIDEXAMPLE");
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}
