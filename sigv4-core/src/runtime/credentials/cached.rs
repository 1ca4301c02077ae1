//! One set of credentials out of a cache.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use crate::credentials::Credentials;
use crate::runtime::credentials::policy::Lifetime;
use crate::runtime::credentials::policy::Moment;

/// One set of credentials out of a [`CredentialsCache`](crate::runtime::CredentialsCache), and
/// which one it is.
pub struct CachedCredentials {
    credentials: Credentials,
    provided: aws_credential_types::Credentials,
    generation: u64,
    lifetime: Lifetime,
    window: Window,
}

impl CachedCredentials {
    pub(super) fn new(
        credentials: Credentials,
        provided: aws_credential_types::Credentials,
        generation: u64,
        lifetime: Lifetime,
    ) -> Self {
        Self {
            credentials,
            provided,
            generation,
            lifetime,
            window: Window::default(),
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

    /// Returns when they came from the source, or were last confirmed by it.
    #[must_use]
    pub const fn fetched_at(&self) -> SystemTime {
        self.lifetime.fetched.wall
    }

    pub(in crate::runtime) const fn provided(&self) -> &aws_credential_types::Credentials {
        &self.provided
    }

    pub(super) const fn lifetime(&self) -> &Lifetime {
        &self.lifetime
    }

    pub(super) const fn window(&self) -> &Window {
        &self.window
    }

    /// The same credentials, with a new look at the clocks.
    pub(super) fn confirmed(&self, lifetime: Lifetime) -> Self {
        Self::new(
            self.credentials.clone(),
            self.provided.clone(),
            self.generation,
            lifetime,
        )
    }

    /// Tells whether the source has returned these very credentials again.
    pub(super) fn is_same_as(&self, other: &aws_credential_types::Credentials) -> bool {
        let own = &self.provided;
        own.access_key_id() == other.access_key_id()
            && own.secret_access_key() == other.secret_access_key()
            && own.session_token() == other.session_token()
            && own.expiry() == other.expiry()
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

/// Credentials, borrowed from their cache without a lock. Give them back soon: do not hold them
/// across an await.
pub struct CredentialsGuard {
    /// Never `None`: it is looked at before it gets in here.
    guard: arc_swap::Guard<Option<Arc<CachedCredentials>>>,
}

impl CredentialsGuard {
    pub(super) fn new(guard: arc_swap::Guard<Option<Arc<CachedCredentials>>>) -> Option<Self> {
        guard.is_some().then_some(Self { guard })
    }
}

impl Deref for CredentialsGuard {
    type Target = CachedCredentials;

    fn deref(&self) -> &CachedCredentials {
        self.guard
            .as_deref()
            .expect("a guard is made of credentials only")
    }
}

impl fmt::Debug for CredentialsGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// While the time of day is within it, credentials are handed out without another look at anything.
///
/// It ends with the second it was made in, so that once a second somebody compares the clocks.
/// Whoever reads it while it changes sees an earlier beginning or end, which is harmless: what is
/// decided by it holds a second longer at most. Times are milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Window {
    from: AtomicU64,
    until: AtomicU64,
    /// When there is the next thing to decide, under the lock.
    decide_at: AtomicU64,
}

impl Window {
    pub(super) fn contains(&self, now: u64) -> bool {
        self.from.load(Ordering::Relaxed) <= now && now < self.until.load(Ordering::Relaxed)
    }

    /// Opens it for the rest of this second, unless there is something to decide.
    pub(super) fn open(&self, now: u64) -> bool {
        let decide_at = self.decide_at.load(Ordering::Relaxed);
        let second = now - now % 1000;
        self.from.store(second, Ordering::Relaxed);
        self.until.store(
            decide_at.min(second.saturating_add(1000)),
            Ordering::Relaxed,
        );
        now < decide_at
    }

    /// Opens it for good: the credentials do not end.
    pub(super) fn open_for_good(&self) {
        self.decide_at.store(u64::MAX, Ordering::Relaxed);
        self.from.store(0, Ordering::Relaxed);
        self.until.store(u64::MAX, Ordering::Relaxed);
    }

    /// Closes it until somebody has decided.
    pub(super) fn close(&self) {
        self.decide_at_time(0);
        self.until.store(0, Ordering::Relaxed);
    }

    pub(super) fn decide_at(&self, at: SystemTime) {
        self.decide_at_time(millis(at));
    }

    fn decide_at_time(&self, at: u64) {
        self.decide_at.store(at, Ordering::Relaxed);
    }
}

/// Milliseconds since 1970; 0 before.
pub(super) fn millis(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = since.as_secs().saturating_mul(1000);
    seconds.saturating_add(u64::from(since.subsec_millis()))
}

impl Moment {
    pub(super) fn millis(self) -> u64 {
        millis(self.wall)
    }
}
