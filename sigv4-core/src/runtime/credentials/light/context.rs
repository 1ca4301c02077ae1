//! What all providers need.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use super::env::Env;
use crate::runtime::clock::Clock;
use crate::runtime::clock::SystemClock;
use crate::runtime::http_send::HttpSend;
use crate::runtime::task::Runtime;
use crate::runtime::task::Task;
use crate::runtime::task::TokioRuntime;

/// The HTTP client, the clock and the runtime that providers share. Cheap to clone.
///
/// Wherever a provider asks for one, an [`HttpSend`] will do.
///
/// ```
/// # use std::sync::Arc;
/// # use sigv4_core::runtime::{HttpSend, SystemClock};
/// use sigv4_core::runtime::light;
///
/// # fn example(http: Arc<dyn HttpSend>) {
/// let context = light::Context::new(http).clock(SystemClock::new());
/// let container = light::Container::new(context.clone());
/// let instance = light::InstanceMetadata::new(context);
/// # }
/// ```
#[derive(Clone)]
pub struct Context {
    http: Arc<dyn HttpSend>,
    clock: Arc<dyn Clock>,
    runtime: Arc<dyn Runtime>,
    env: Env,
    random: Random,
}

/// Returns a number from 0 up to, not including, 1.
type Random = Arc<dyn Fn() -> f64 + Send + Sync>;

impl Context {
    /// Makes a context of an HTTP client, with the clock of the system and the runtime of tokio.
    #[must_use]
    pub fn new(http: impl HttpSend) -> Self {
        Self {
            http: Arc::new(http),
            clock: Arc::new(SystemClock::new()),
            runtime: Arc::new(TokioRuntime::new()),
            env: Env::default(),
            random: Arc::new(fastrand::f64),
        }
    }

    /// Sets where the time comes from, by which requests to STS are signed. Default:
    /// [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets what waits. Default: [`TokioRuntime`].
    ///
    /// Timeouts, and the pauses between attempts, are as good as its
    /// [`sleep`](Runtime::sleep): a program without tokio has to set one of its own.
    #[must_use]
    pub fn runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Arc::new(runtime);
        self
    }

    #[cfg(test)]
    pub(super) fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    #[cfg(test)]
    pub(super) fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Arc::new(random);
        self
    }

    pub(super) fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(super) fn shared_runtime(&self) -> Arc<dyn Runtime> {
        Arc::clone(&self.runtime)
    }

    pub(super) fn http(&self) -> &dyn HttpSend {
        &*self.http
    }

    pub(super) const fn variables(&self) -> &Env {
        &self.env
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub(super) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    pub(super) fn sleep(&self, duration: Duration) -> Task {
        self.runtime.sleep(duration)
    }

    /// Returns a number from 0 up to, not including, 1.
    pub(super) fn chance(&self) -> f64 {
        (self.random)()
    }
}

impl<T: HttpSend> From<T> for Context {
    fn from(http: T) -> Self {
        Self::new(http)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("http", &self.http)
            .field("clock", &self.clock)
            .field("runtime", &self.runtime)
            .finish_non_exhaustive()
    }
}
