//! Where the time comes from.

use std::fmt;
use std::time::SystemTime;

/// Tells the time. Implement it to sign at a time of your own; a [`SystemTime`] is a clock that stands
/// still.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> SystemTime;
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
}

/// A clock that stands still, for tests.
impl Clock for SystemTime {
    fn now(&self) -> SystemTime {
        *self
    }
}
