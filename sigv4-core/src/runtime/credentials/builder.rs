//! [`CredentialsCacheBuilder`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::ProvideCredentials;

use crate::runtime::Clock;
use crate::runtime::CredentialsCache;
use crate::runtime::CredentialsEvent;
use crate::runtime::Runtime;
use crate::runtime::SystemClock;
use crate::runtime::TokioRuntime;

/// Decides how a [`CredentialsCache`] refreshes. Everything has a default.
#[must_use]
pub struct CredentialsCacheBuilder {
    pub(super) provider: Arc<dyn ProvideCredentials>,
    pub(super) name: Arc<str>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) random: Box<dyn Fn() -> f64 + Send + Sync>,
    pub(super) on_event: Option<Hook>,
    pub(super) refresh_timeout: Duration,
    pub(super) wait_at_most: Duration,
    grace: Option<Duration>,
    pub(super) recheck: Option<Duration>,
    pub(super) identity: IdentityPolicy,
}

type Hook = Box<dyn Fn(&CredentialsEvent) + Send + Sync>;

impl CredentialsCacheBuilder {
    pub(super) fn new(provider: impl ProvideCredentials + 'static) -> Self {
        Self {
            provider: Arc::new(provider),
            name: "the credentials provider".into(),
            clock: Arc::new(SystemClock::new()),
            runtime: Arc::new(TokioRuntime::new()),
            random: Box::new(fastrand::f64),
            on_event: None,
            refresh_timeout: Duration::from_secs(30),
            wait_at_most: Duration::from_secs(10),
            grace: None,
            recheck: None,
            identity: IdentityPolicy::Sticky,
        }
    }

    /// Names the source of the credentials, for errors. Default: "the credentials provider".
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets how long the source may take to answer. Default: 30 s.
    ///
    /// Whoever waits for it may give up earlier; the refresh goes on without them.
    pub const fn refresh_timeout(mut self, timeout: Duration) -> Self {
        self.refresh_timeout = timeout;
        self
    }

    /// Sets how long each request waits for credentials, where there are none to sign with.
    /// Default: 10 s.
    pub const fn wait_at_most(mut self, timeout: Duration) -> Self {
        self.wait_at_most = timeout;
        self
    }

    /// Goes on signing for this long with credentials that have ended, while the source fails.
    /// Default: six hours for those of an EC2 instance, be they out of a chain or not; none for all
    /// others.
    ///
    /// Where AWS cannot renew the credentials of an instance, it goes on to hand out, and to
    /// accept, those that have ended. Elsewhere a signature of such credentials is refused.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// Asks the source again after this time for credentials that have no end: those of a file that
    /// somebody may edit. Default: never.
    pub const fn recheck(mut self, interval: Duration) -> Self {
        self.recheck = Some(interval);
        self
    }

    /// Says what to do when the source returns credentials of somebody else. Default:
    /// [`IdentityPolicy::Sticky`].
    pub const fn identity(mut self, policy: IdentityPolicy) -> Self {
        self.identity = policy;
        self
    }

    /// Tells a function what happens in the cache, for metrics and logs.
    ///
    /// It is called where it happens, for a hit on the way of the request: it must be quick. A
    /// panic in it is not passed on, and what it does with a cache itself is not told.
    pub fn on_event(mut self, hook: impl Fn(&CredentialsEvent) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Box::new(hook));
        self
    }

    /// Sets where the time comes from. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets where refreshes run. Default: [`TokioRuntime`].
    pub fn runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Arc::new(runtime);
        self
    }

    /// Sets where chance comes from, a number from 0 to 1 each time: it spreads refreshes and
    /// attempts over time. Default: a generator seeded by the operating system.
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Box::new(random);
        self
    }

    pub(super) fn grace_of(&self, credentials: &aws_credential_types::Credentials) -> Duration {
        let features = credentials.get_property::<Vec<AwsCredentialFeature>>();
        let is_of_instance = features
            .is_some_and(|features| features.contains(&AwsCredentialFeature::CredentialsImds));
        match self.grace {
            Some(grace) => grace,
            None if is_of_instance => GRACE_OF_INSTANCES,
            None => Duration::ZERO,
        }
    }

    /// Makes the cache. The source is first asked when credentials are first needed.
    #[must_use]
    pub fn build(self) -> CredentialsCache {
        CredentialsCache::from_builder(self)
    }
}

/// How long the credentials of an instance live.
const GRACE_OF_INSTANCES: Duration = Duration::from_secs(6 * 60 * 60);

impl fmt::Debug for CredentialsCacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsCacheBuilder")
            .field("name", &self.name)
            .field("clock", &self.clock)
            .field("runtime", &self.runtime)
            .field("refresh_timeout", &self.refresh_timeout)
            .field("wait_at_most", &self.wait_at_most)
            .field("grace", &self.grace)
            .field("recheck", &self.recheck)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Says what becomes of credentials that are somebody else's than those before.
///
/// A chain of sources may fall through to another source when the usual one fails: to the role of
/// the machine, for example, in place of the role of the program. Every request is then refused, or
/// worse, allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityPolicy {
    /// They are not used. The refresh counts as failed until the source returns what it used to:
    /// credentials of the same account and from the same kind of source, as far as it tells.
    #[default]
    Sticky,
    /// They are used.
    Follow,
}
