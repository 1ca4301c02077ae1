//! What is known when there are no credentials.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;

use crate::error::Error;
use crate::error::ErrorKind;

/// Says of which source there are no credentials, since when, and when the next attempt may be
/// made.
///
/// It is the first [`source`](StdError::source) of an [`Error`] of the kind
/// [`ErrorKind::Credentials`], to be had by [`Error::credentials_outage`]. Its own is what the
/// source said.
#[derive(Clone, Debug)]
pub struct CredentialsOutage {
    name: Arc<str>,
    state: State,
    failures: u32,
    next_attempt_in: Duration,
    cause: Option<Error>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// There never were any.
    NeverLoaded,
    /// There were, but they ended this long ago.
    Ended(Duration),
    /// The source was asked so long ago and has not answered. There were some before that, but they
    /// ended this long ago.
    StillWaiting {
        waited: Duration,
        ended: Option<Duration>,
    },
    /// There are some, but they end too early.
    TooShort,
}

impl CredentialsOutage {
    pub(super) fn new(
        name: Arc<str>,
        state: State,
        failures: u32,
        next_attempt_in: Duration,
        cause: Option<Error>,
    ) -> Self {
        Self {
            name,
            state,
            failures,
            next_attempt_in,
            cause,
        }
    }

    pub(super) fn into_error(self) -> Error {
        match self.state {
            State::TooShort => Error::new(
                ErrorKind::Expiry,
                "the credentials end before the time that was asked for",
            ),
            _ => Error::new(ErrorKind::Credentials, "there are no usable credentials"),
        }
        .because(self)
    }

    /// Returns the name of the source.
    #[must_use]
    pub fn source_name(&self) -> &str {
        &self.name
    }

    /// Returns how long ago the last credentials ended; `None` where there never were any.
    #[must_use]
    pub const fn ended_for(&self) -> Option<Duration> {
        match self.state {
            State::Ended(ago) => Some(ago),
            State::StillWaiting { ended, .. } => ended,
            _ => None,
        }
    }

    /// Returns how many times in a row the source has failed.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns after what time a request makes the next attempt.
    #[must_use]
    pub const fn next_attempt_in(&self) -> Duration {
        self.next_attempt_in
    }

    /// Tells whether the source may provide some a little later without any change: it did not
    /// answer, or something went wrong on its side.
    ///
    /// Not where nothing is configured, where the configuration is wrong, or where the source said
    /// no, as far as its provider tells: one that is not of this crate may call it a failure that it
    /// was told no.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        if matches!(self.state, State::StillWaiting { .. } | State::TooShort) {
            return true;
        }
        let cause = self.cause.as_ref();
        let mut error = cause.map(|cause| cause as &(dyn StdError + 'static));
        while let Some(current) = error {
            if let Some(outage) = current.downcast_ref::<Self>() {
                return outage.is_retryable();
            }
            match current.downcast_ref() {
                Some(
                    CredentialsError::CredentialsNotLoaded(_)
                    | CredentialsError::InvalidConfiguration(_),
                ) => return false,
                // Whose it is says nothing yet: why is behind it.
                Some(_) => {}
                None if current.is::<Error>() => {}
                None => return !is_definite(current),
            }
            error = current.source();
        }
        true
    }
}

/// Tells whether a source said no, or cannot be asked.
#[cfg(feature = "light-credentials")]
fn is_definite(error: &(dyn StdError + 'static)) -> bool {
    let error = error.downcast_ref::<crate::runtime::light::FetchError>();
    error.is_some_and(|error| !error.is_retryable())
}

#[cfg(not(feature = "light-credentials"))]
fn is_definite(_: &(dyn StdError + 'static)) -> bool {
    false
}

impl fmt::Display for CredentialsOutage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, failures, .. } = self;
        let secs = |duration: Duration| duration.as_secs_f64().ceil();
        match self.state {
            State::NeverLoaded => write!(f, "{name} has provided none so far")?,
            State::Ended(ago) => write!(
                f,
                "{name} has provided none since the last ones ended {} s ago",
                secs(ago)
            )?,
            State::StillWaiting { waited, ended } => {
                write!(f, "{name} has not answered")?;
                if waited >= Duration::from_secs(1) {
                    write!(f, " for {} s", secs(waited))?;
                }
                return match ended {
                    Some(ago) => write!(f, ", and the last ones ended {} s ago", secs(ago)),
                    None => Ok(()),
                };
            }
            State::TooShort => return write!(f, "{name} has no longer ones for now"),
        }
        if *failures > 0 {
            let attempts = if *failures == 1 {
                "attempt"
            } else {
                "attempts"
            };
            write!(f, ", after {failures} failed {attempts}")?;
        }
        match secs(self.next_attempt_in) {
            0.0 => write!(f, "; the next request tries again"),
            wait => write!(f, "; a request tries again in {wait} s"),
        }
    }
}

impl StdError for CredentialsOutage {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause
            .as_ref()
            .map(|cause| cause as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage(state: State, cause: Option<Error>) -> CredentialsOutage {
        CredentialsOutage::new("test".into(), state, 1, Duration::from_secs(1), cause)
    }

    fn because(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error::new(ErrorKind::Credentials, "the provider failed").because(cause)
    }

    #[test]
    fn tells_what_may_pass_from_what_does_not() {
        let waiting = State::StillWaiting {
            waited: Duration::ZERO,
            ended: None,
        };
        let never = State::NeverLoaded;
        let unset = || CredentialsError::not_loaded("unset");
        let nested = |cause| {
            let error = outage(never, Some(because(cause))).into_error();
            CredentialsError::provider_error(error)
        };
        for (name, state, cause, expected) in [
            ("nothing is known", never, None, true),
            ("no answer yet", waiting, Some(because(unset())), true),
            ("too short", State::TooShort, None, true),
            ("not configured", never, Some(because(unset())), false),
            (
                "not configured any more",
                State::Ended(Duration::ZERO),
                Some(because(unset())),
                false,
            ),
            (
                "configured wrongly",
                never,
                Some(because(CredentialsError::invalid_configuration("half"))),
                false,
            ),
            (
                "too slow",
                never,
                Some(because(CredentialsError::provider_timed_out(
                    Duration::ZERO,
                ))),
                true,
            ),
            (
                "out of order",
                never,
                Some(because(CredentialsError::provider_error("503"))),
                true,
            ),
            (
                "of another cache, out of order",
                never,
                Some(because(nested(CredentialsError::provider_error("503")))),
                true,
            ),
            (
                "of another cache, not configured",
                never,
                Some(because(nested(unset()))),
                false,
            ),
        ] {
            assert_eq!(outage(state, cause).is_retryable(), expected, "{name}");
        }
    }
}
