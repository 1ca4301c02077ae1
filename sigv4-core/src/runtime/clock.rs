//! Where the time comes from.

use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

/// Tells the time. Implement it to sign at a time of your own; a [`SystemTime`] is a clock that
/// stands still.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time, as AWS is told it.
    fn now(&self) -> SystemTime;

    /// Returns how much time has passed since some moment in the past that never changes.
    ///
    /// Other than [`now`](Self::now) it is never set, forward or back. By comparing the two a
    /// [`CredentialsCache`](crate::runtime::CredentialsCache) notices that the time of day was
    /// changed, or that the machine slept.
    fn monotonic(&self) -> Duration;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// Returns the clock.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }
}

/// A clock that stands still, for tests.
impl Clock for SystemTime {
    fn now(&self) -> SystemTime {
        *self
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}
