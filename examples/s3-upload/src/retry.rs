//! Repeats what may succeed a little later.

use std::future::Future;
use std::time::Duration;

use tokio::time::sleep;

use crate::error::Chain;
use crate::error::Error;

/// How often a request is sent, and how long it is waited in between.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    attempts: u32,
    base: Duration,
}

impl Retry {
    /// Sends a request so many times at most, at least once.
    #[must_use]
    pub const fn attempts(attempts: u32) -> Self {
        Self {
            attempts,
            base: BASE,
        }
    }

    /// Sets how long is waited at most after the first attempt. It doubles with each, up to 20 s.
    #[must_use]
    pub const fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Does something until it succeeds, fails for good, or was tried often enough.
    pub(crate) async fn run<T, F>(
        self,
        what: &str,
        mut attempt: impl FnMut() -> F,
        notify: impl Fn(&str),
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut tried = 1;
        loop {
            let error = match attempt().await {
                Ok(done) => return Ok(done),
                Err(error) if error.is_retryable() && tried < self.attempts => error,
                Err(error) => return Err(error),
            };
            let pause = self.pause(tried, fastrand::f64());
            notify(&format!(
                "{what}: {}; attempt {} of {} in {:.1} s",
                Chain::of(&error),
                tried + 1,
                self.attempts,
                pause.as_secs_f64()
            ));
            sleep(pause).await;
            tried += 1;
        }
    }

    /// Returns how long to wait: anything up to a bound that doubles, so that parts that failed
    /// together do not come back together.
    fn pause(self, tried: u32, chance: f64) -> Duration {
        let bound = self
            .base
            .saturating_mul(1 << tried.clamp(1, 16).saturating_sub(1));
        bound.min(LONGEST).mul_f64(chance)
    }
}

const BASE: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use http::StatusCode;

    use super::*;
    use crate::error::Refusal;

    fn refusal(status: u16, code: &str) -> Error {
        Error::S3(Box::new(Refusal {
            status: StatusCode::from_u16(status).unwrap(),
            code: code.to_owned(),
            message: String::new(),
            region: None,
            endpoint: None,
            request_id: None,
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn repeats_what_may_succeed_and_nothing_else() {
        for (status, code, attempts) in [
            (503, "SlowDown", 3),
            (500, "InternalError", 3),
            (502, "", 3),
            (429, "TooManyRequests", 3),
            (200, "InternalError", 3),
            (400, "RequestTimeout", 3),
            (400, "ExpiredToken", 3),
            (403, "RequestTimeTooSkewed", 3),
            (400, "BadDigest", 1),
            (403, "AccessDenied", 1),
            (403, "SignatureDoesNotMatch", 1),
            (404, "NoSuchBucket", 1),
            (404, "NoSuchUpload", 1),
            (301, "PermanentRedirect", 1),
        ] {
            let (seen, said) = (RefCell::new(0), RefCell::new(Vec::new()));
            let attempt = async || {
                *seen.borrow_mut() += 1;
                Err::<(), _>(refusal(status, code))
            };
            let retry = Retry::attempts(3);
            let notify = |text: &str| said.borrow_mut().push(text.to_owned());
            let error = retry.run("part 7", attempt, notify).await.unwrap_err();
            assert_eq!(error.code(), Some(code));
            assert_eq!(*seen.borrow(), attempts, "{status} {code}");
            assert_eq!(said.borrow().len(), attempts - 1, "{status} {code}");
        }
    }

    #[test]
    fn waits_longer_each_time() {
        let retry = Retry::attempts(9).base(Duration::from_secs(1));
        let longest = |tried| retry.pause(tried, 1.0).as_secs();
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 99].map(longest),
            [1, 2, 4, 8, 16, 20, 20]
        );
        assert_eq!(retry.pause(5, 0.0), Duration::ZERO);
    }
}
