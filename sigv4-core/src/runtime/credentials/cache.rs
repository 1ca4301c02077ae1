//! One set of credentials for a whole program, replaced before it ends.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;

use crate::error::Error;
use crate::runtime::Clock;
use crate::runtime::CredentialsCacheBuilder;
use crate::runtime::Runtime;
use crate::runtime::credentials::cached::CachedCredentials;
use crate::runtime::credentials::cached::CredentialsGuard;
use crate::runtime::credentials::cached::millis;
use crate::runtime::credentials::keeper::Decided;
use crate::runtime::credentials::keeper::Keeper;
use crate::runtime::credentials::keeper::Waiting;
use crate::runtime::credentials::policy::Caller;
use crate::runtime::credentials::policy::Standing;

/// Holds the credentials of a provider and replaces them before they end.
///
/// Takes any `aws_credential_types::provider::ProvideCredentials`: what `aws-config` hands out, and
/// [`Credentials`](crate::Credentials) too. It is one itself, so that an SDK client can share it.
/// Clones share the credentials: one cache serves any number of layers, clients and tasks.
///
/// - **Fresh credentials** are read without a lock, an await or an allocation.
/// - **The refresh** runs in a task of its own, one at a time, some time before the credentials
///   end; requests go on with those that are there. It is nobody's: whoever caused it may be
///   dropped.
/// - **A refresh that fails** takes nothing away. It is tried again after 1 s, and then less often,
///   down to once a minute, but several times in what is left of the credentials' life.
/// - **Only where nothing usable is left** do requests wait, together and each for
///   [so long](CredentialsCacheBuilder::wait_at_most) at most. While the source fails they get an
///   error at once, except for one a second, which asks again. So it recovers by itself.
/// - **When the time of day is set**, or the machine slept, the credentials are replaced, and used
///   until both clocks say that they have ended.
///
/// What happens at each minute of the life of credentials is told in the
/// [guide](crate::guide::credentials).
#[derive(Clone)]
pub struct CredentialsCache {
    keeper: Arc<Keeper>,
}

impl CredentialsCache {
    /// Makes a cache of what a provider hands out, with the defaults.
    #[must_use]
    pub fn new(provider: impl ProvideCredentials + 'static) -> Self {
        Self::builder(provider).build()
    }

    /// Begins a cache of what a provider hands out.
    pub fn builder(provider: impl ProvideCredentials + 'static) -> CredentialsCacheBuilder {
        CredentialsCacheBuilder::new(provider)
    }

    pub(super) fn from_builder(settings: CredentialsCacheBuilder) -> Self {
        Self {
            keeper: Arc::new(Keeper::new(settings)),
        }
    }

    /// Returns the credentials if there are any to go on with and nothing is to be decided.
    ///
    /// `now` is what the [clock](CredentialsCacheBuilder::clock) of this cache says. Takes no lock
    /// and allocates nothing. Where it returns `None`, [`get`](Self::get) knows more.
    #[must_use]
    pub fn peek(&self, now: SystemTime) -> Option<CredentialsGuard> {
        let keeper = &*self.keeper;
        let cached = CredentialsGuard::new(keeper.current.load())?;
        let at = millis(now);
        if !cached.window().contains(at) && !keeper.looks_at_the_clocks(&cached, now) {
            return None;
        }
        if keeper.settings.on_event.is_some() {
            keeper.tell_of_hit(&cached, now);
        }
        Some(cached)
    }

    /// Returns credentials to sign with, after asking the provider if there are none. That takes
    /// [10 s at most](CredentialsCacheBuilder::wait_at_most), unless set otherwise.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](crate::ErrorKind::Credentials) when there are none, with a
    /// [`CredentialsOutage`](crate::runtime::CredentialsOutage) that says why and until when.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a refresh that was begun goes on.
    pub async fn get(&self) -> Result<Arc<CachedCredentials>, Error> {
        let mut waiting: Option<Waiting> = None;
        let mut caller = Caller {
            since: self.keeper.moment().monotonic,
            is_late: false,
            is_background: false,
        };
        let result = loop {
            let decided = self.keeper.decide(caller);
            match decided {
                Decided::Served(cached) => break Ok(cached),
                Decided::Refused(error) => break Err(error),
                Decided::Waits(flight) => {
                    let waiting = waiting.get_or_insert_with(|| Waiting::new(&self.keeper));
                    caller.is_late = !waiting.wait_for(&self.keeper, flight).await;
                }
            }
        };
        if waiting.is_some() {
            self.keeper.tell_of_wait(caller.since);
        }
        result
    }

    /// Returns credentials that do not end before this time: for a presigned URL, or a stream that
    /// is signed as it goes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Expiry`](crate::ErrorKind::Expiry) when there are only some that end earlier.
    /// The provider is asked for longer ones, unless those that are there have more than two thirds
    /// of their life left: then it has none.
    /// [`ErrorKind::Credentials`](crate::ErrorKind::Credentials) as with [`get`](Self::get).
    ///
    /// # Cancel safety
    ///
    /// As with [`get`](Self::get).
    pub async fn get_valid_until(
        &self,
        until: SystemTime,
    ) -> Result<Arc<CachedCredentials>, Error> {
        let keeper = &self.keeper;
        let lasts = |cached: &CachedCredentials| {
            let end = cached.credentials().expires_at();
            end.is_none_or(|end| end >= until)
        };
        let cached = self.get().await?;
        if lasts(&cached) {
            return Ok(cached);
        }
        if let Some(flight) = keeper.refresh_for_longer(&cached) {
            Waiting::new(keeper).wait_for(keeper, flight).await;
            let cached = self.get().await?;
            if lasts(&cached) {
                return Ok(cached);
            }
        }
        Err(keeper.too_short())
    }

    /// Reports that AWS refused the credentials of this generation as ended.
    ///
    /// They are replaced as soon as possible, and stay in use until then. If there are newer ones
    /// already nothing happens, so that a late answer never evicts them. However often this is
    /// called, the provider is asked for this reason once for each generation, and once in 30 s.
    pub fn invalidate(&self, generation: u64) {
        let _ = self.keeper.invalidate(generation);
    }

    /// Reports the same as [`invalidate`](Self::invalidate), and returns other credentials as soon
    /// as there are any.
    ///
    /// Returns `None` where there are none for now: the provider failed, returned the same ones,
    /// has been asked for this reason less than 30 s ago, or takes too long.
    ///
    /// # Cancel safety
    ///
    /// As with [`get`](Self::get).
    pub async fn replace(&self, generation: u64) -> Option<Arc<CachedCredentials>> {
        if let Some(flight) = self.keeper.invalidate(generation) {
            let mut waiting = Waiting::new(&self.keeper);
            waiting.wait_for(&self.keeper, flight).await;
        }
        let current = self.keeper.current.load_full()?;
        let is_usable = || {
            let now = self.keeper.moment();
            let standing = current.lifetime().standing(now, false, Duration::ZERO);
            standing != Standing::Ended
        };
        (current.generation() != generation && is_usable()).then_some(current)
    }

    /// Has the provider asked again, because what it reads was changed: a file, for example.
    ///
    /// This waits for nothing. What is there stays in use until there are others, and also where the
    /// provider fails, which is then tried again. A provider that need not wait for anything has
    /// answered when this returns. It is asked once a second at most; where that is too early, the
    /// next request after it has it asked.
    pub fn refresh(&self) {
        self.keeper.refresh();
    }

    /// Returns the last credentials that the provider returned, whether they have ended or not.
    #[must_use]
    pub fn last(&self) -> Option<Arc<CachedCredentials>> {
        self.keeper.current.load_full()
    }

    /// Tells whether requests can be signed, without asking the provider.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.keeper.readiness()
    }

    /// Keeps the credentials fresh while there are no requests, so that the first one after a pause
    /// need not wait. Spawn it; it ends when no clone of this cache is left.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends that, and nothing else: a refresh that was begun goes on.
    ///
    /// ```
    /// # use sigv4_core::Credentials;
    /// # use sigv4_core::runtime::CredentialsCache;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let provider = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
    /// let credentials = CredentialsCache::new(provider);
    /// tokio::spawn(credentials.keep_warm());
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep_warm(&self) -> impl Future<Output = ()> + Send + use<> {
        let weak = Arc::downgrade(&self.keeper);
        async move {
            while let Some(pause) = weak.upgrade().map(|keeper| keeper.keep_warm()) {
                pause.await;
            }
        }
    }

    /// Has credentials fetched, if it is time, without waiting for them.
    #[cfg(feature = "light-credentials")]
    pub(crate) fn begin(&self) {
        let caller = Caller {
            since: Duration::ZERO,
            is_late: false,
            is_background: true,
        };
        self.keeper.decide(caller);
    }

    /// Returns where its refreshes run.
    pub(crate) fn runtime(&self) -> &dyn Runtime {
        &*self.keeper.settings.runtime
    }

    /// Returns what this cache takes for the time of day.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.keeper.settings.clock
    }
}

/// Tells whether a cache can sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Readiness {
    /// There are credentials, and nothing is wrong.
    Ready,
    /// There are credentials, but the last refresh failed, the clocks disagree about their end, or
    /// they are used [beyond it](CredentialsCacheBuilder::grace).
    Degraded,
    /// The provider was not asked yet.
    NotLoaded,
    /// There are no usable credentials.
    Unavailable,
}

impl Readiness {
    /// Tells whether requests are signed.
    #[must_use]
    pub const fn can_sign(self) -> bool {
        matches!(self, Self::Ready | Self::Degraded)
    }
}

impl ProvideCredentials for CredentialsCache {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            match self.get().await {
                Ok(cached) => Ok(cached.provided().clone()),
                Err(error) => Err(CredentialsError::provider_error(error)),
            }
        })
    }
}

impl fmt::Debug for CredentialsCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsCache")
            .field("name", &self.keeper.settings.name)
            .field("current", &self.keeper.current.load())
            .finish_non_exhaustive()
    }
}
