//! When a request is sent again, and after how long.

use std::error::Error as StdError;
use std::iter;
use std::time::Duration;

use http::HeaderMap;
use http::header;
use sigv4_core::runtime::CredentialsOutage;

use super::error::Error;

/// How often a request is sent, and how long is waited in between.
///
/// Before the second attempt a random time up to the base is waited, before the third up to twice as
/// long, and so on up to the cap: that spreads the clients which were throttled together.
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/> (full jitter)
///
/// An answer with a `Retry-After` in seconds is taken at its word. One that asks for more than the
/// [longest wait](Self::longest_wait) is the last.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RetryPolicy {
    attempts: u32,
    base: Duration,
    cap: Duration,
    longest_wait: Duration,
}

impl RetryPolicy {
    /// Makes a policy of four attempts, after up to half a second, one second and two.
    pub const fn new() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(20),
            longest_wait: Duration::from_secs(60),
        }
    }

    /// Sets how often a request is sent at most, the first time included.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets how long is waited at most before the second attempt.
    pub const fn base(mut self, time: Duration) -> Self {
        self.base = time;
        self
    }

    /// Sets how long is waited at most before any attempt, unless the answer asks for more.
    pub const fn cap(mut self, time: Duration) -> Self {
        self.cap = time;
        self
    }

    /// Sets how long is waited at most where an answer asks for it.
    pub const fn longest_wait(mut self, time: Duration) -> Self {
        self.longest_wait = time;
        self
    }

    /// Returns how long to wait after this attempt, the first of which is 1, or `None` where it was
    /// the last. `chance` is from 0 to 1.
    pub(super) fn pause(
        &self,
        attempt: u32,
        chance: f64,
        asked_for: Option<Duration>,
    ) -> Option<Duration> {
        let asked_for = asked_for.unwrap_or_default();
        if attempt >= self.attempts || asked_for > self.longest_wait {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let most = self.base.saturating_mul(doubled).min(self.cap);
        Some(most.mul_f64(chance.clamp(0.0, 1.0)).max(asked_for))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// A request that is about to be sent again.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Retry<'a> {
    /// Why.
    pub error: &'a Error,
    /// How many attempts have failed.
    pub attempt: u32,
    /// How long is waited first.
    pub pause: Duration,
}

/// Tells whether the same request may succeed a little later. For errors from before the answer.
pub(super) fn is_worthwhile(error: &Error) -> bool {
    match error {
        Error::Service(error) => error.is_transient(),
        Error::Transport(_) | Error::NoAnswer(_) => true,
        Error::Signing(_) => {
            cause::<sigv4_core::Error>(error).is_some_and(|error| error.is_retryable())
        }
        _ => false,
    }
}

/// Returns why there are no credentials, where that is the error.
pub(super) fn outage(error: &Error) -> Option<&CredentialsOutage> {
    cause(error)
}

/// Finds the first cause of a type. Those behind it know less.
fn cause<E: StdError + 'static>(error: &Error) -> Option<&E> {
    let mut causes = iter::successors(error.source(), |&error| error.source());
    causes.find_map(|error| error.downcast_ref())
}

/// Returns the time that an answer asks to wait. A date is not read: Bedrock sends none.
pub(super) fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit());
    // What is too large for a number is too long as well.
    is_number.then(|| Duration::from_secs(value.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn waits_for_a_random_part_of_a_time_that_doubles_up_to_the_cap() {
        let policy = RetryPolicy::new()
            .attempts(100)
            .base(ms(100))
            .cap(ms(1_000));
        for (attempt, chance, expected) in [
            (1, 1.0, ms(100)),
            (1, 0.25, ms(25)),
            (1, 0.0, ms(0)),
            (2, 1.0, ms(200)),
            (3, 0.5, ms(200)),
            (4, 1.0, ms(800)),
            (5, 1.0, ms(1_000)),
            (5, 0.5, ms(500)),
            (99, 1.0, ms(1_000)),
        ] {
            let pause = policy.pause(attempt, chance, None);
            assert_eq!(pause, Some(expected), "{attempt} {chance}");
        }
    }

    #[test]
    fn ends_with_the_last_attempt() {
        let policy = RetryPolicy::new().attempts(3);
        let pauses = (1..=4).map(|attempt| policy.pause(attempt, 0.5, None).is_some());
        assert_eq!(pauses.collect::<Vec<_>>(), [true, true, false, false]);
        assert_eq!(RetryPolicy::new().attempts(0).pause(1, 0.5, None), None);
    }

    #[test]
    fn takes_an_answer_at_its_word_within_reason() {
        let policy = RetryPolicy::new().base(ms(100)).longest_wait(ms(5_000));
        for (asked_for, expected) in [
            (ms(3_000), Some(ms(3_000))),
            (ms(5_000), Some(ms(5_000))),
            (ms(5_001), None),
            (ms(10), Some(ms(100))),
        ] {
            assert_eq!(
                policy.pause(1, 1.0, Some(asked_for)),
                expected,
                "{asked_for:?}"
            );
        }
    }

    #[test]
    fn reads_seconds() {
        for (value, expected) in [
            ("3", Some(ms(3_000))),
            (" 0 ", Some(ms(0))),
            ("99999999999999999999", Some(Duration::from_secs(u64::MAX))),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ] {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(asked_for(&headers), expected, "{value}");
        }
        assert_eq!(asked_for(&HeaderMap::new()), None);
    }
}
