//! What is known when there are no credentials.

use std::error::Error as StdError;
use std::fmt;
use std::iter;
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

    /// Tells whether there never were any, and will be none until somebody changes something: the
    /// source says that it is not configured, or wrongly, or that it gives none.
    pub(crate) fn is_definite(&self) -> bool {
        let cause = self.cause.as_ref().and_then(StdError::source);
        matches!(self.state, State::NeverLoaded)
            && cause
                .and_then(|cause| cause.downcast_ref())
                .is_some_and(is_definite)
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
}

fn is_definite(cause: &CredentialsError) -> bool {
    let mut is_definite = matches!(
        cause,
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_)
    );
    // Sources have their own from other sources, and what is wrong there is wrong here.
    for behind in iter::successors(cause.source(), |&error| error.source()) {
        if let Some(of_cache) = behind.downcast_ref::<Error>() {
            return !of_cache.is_retryable();
        }
        match may_pass(behind) {
            Some(true) => return false,
            Some(false) => is_definite = true,
            None => {}
        }
    }
    is_definite
}

/// Asks the error of a source of this crate. Others do not tell refusals from failures.
#[cfg(feature = "light-credentials")]
fn may_pass(error: &(dyn StdError + 'static)) -> Option<bool> {
    let error = error.downcast_ref::<crate::runtime::light::FetchError>()?;
    Some(error.is_retryable())
}

#[cfg(not(feature = "light-credentials"))]
fn may_pass(_: &(dyn StdError + 'static)) -> Option<bool> {
    None
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
    use std::io;

    use State::Ended;
    use State::NeverLoaded;

    use super::*;

    const WAITING: State = State::StillWaiting {
        waited: Duration::from_secs(10),
        ended: None,
    };

    fn failed(cause: CredentialsError) -> Error {
        Error::new(ErrorKind::Credentials, "the provider failed").because(cause)
    }

    fn outage(state: State, cause: Option<Error>) -> Error {
        CredentialsOutage::new("test".into(), state, 1, Duration::ZERO, cause).into_error()
    }

    #[test]
    fn another_attempt_helps_unless_there_never_was_a_source_to_recover() {
        let unset = || CredentialsError::not_loaded("unset");
        let wrong = || CredentialsError::invalid_configuration("half a pair");
        let away = || CredentialsError::provider_error(io::Error::other("away"));
        let slow = || CredentialsError::provider_timed_out(Duration::from_secs(30));
        let odd = || CredentialsError::unhandled("no JSON");
        let behind = |state, cause| {
            let inner = outage(state, Some(failed(cause)));
            CredentialsError::provider_error(inner)
        };
        let ended = Ended(Duration::from_secs(41));
        for (name, state, cause, expected) in [
            ("nothing configured", NeverLoaded, Some(unset()), false),
            ("wrongly configured", NeverLoaded, Some(wrong()), false),
            ("the source is away", NeverLoaded, Some(away()), true),
            ("the source is slow", NeverLoaded, Some(slow()), true),
            (
                "the source answers nonsense",
                NeverLoaded,
                Some(odd()),
                true,
            ),
            ("nobody has asked yet", NeverLoaded, None, true),
            ("there were some before", ended, Some(unset()), true),
            ("the file is broken since", ended, Some(wrong()), true),
            ("there is no answer yet", WAITING, Some(unset()), true),
            (
                "nothing configured behind another cache",
                NeverLoaded,
                Some(behind(NeverLoaded, unset())),
                false,
            ),
            (
                "a source away behind another cache",
                NeverLoaded,
                Some(behind(NeverLoaded, away())),
                true,
            ),
            (
                "another cache had some before",
                NeverLoaded,
                Some(behind(ended, unset())),
                true,
            ),
        ] {
            let error = outage(state, cause.map(failed));
            assert_eq!(error.is_retryable(), expected, "{name}");
        }
        let short = outage(State::TooShort, Some(failed(away())));
        assert!(!short.is_retryable(), "a wish that cannot be fulfilled");
    }
}
