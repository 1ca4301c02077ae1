//! A clock that stands still until it is moved.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::SystemTime;

use sigv4_core::runtime::Clock;
use sigv4_tests::time;

/// A clock that begins at 2015-08-30, 12:36:00 UTC. Clones show the same time.
#[derive(Clone, Debug)]
pub(crate) struct TestClock {
    now: Arc<Mutex<SystemTime>>,
}

/// What `x-amz-date` says while the clock has not been moved.
pub(crate) const DATE: &str = "20150830T123600Z";

impl TestClock {
    pub(crate) fn new() -> Self {
        Self {
            now: Arc::new(Mutex::new(time::of_the_suite())),
        }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        *self.now.lock().unwrap() += Duration::from_secs(seconds);
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        *self.now.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        let since = self.now().duration_since(SystemTime::UNIX_EPOCH);
        since.expect("the tests are after 1970")
    }
}
