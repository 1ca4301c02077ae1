//! When credentials are replaced, and who has to wait for it. Pure: the time and the dice are
//! given.

use std::time::Duration;
use std::time::SystemTime;

/// A reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) wall: SystemTime,
    pub(super) monotonic: Duration,
}

impl Moment {
    /// What the time of day would be now, had nobody set it since then.
    fn projected_from(self, then: Self) -> SystemTime {
        let passed = self.monotonic.saturating_sub(then.monotonic);
        then.wall.checked_add(passed).unwrap_or(then.wall)
    }

    /// How far the time of day was moved since then, by whoever sets it or by a sleep of the
    /// machine.
    fn moved_since(self, then: Self) -> Duration {
        let projected = self.projected_from(then);
        let ahead = self.wall.duration_since(projected);
        ahead.unwrap_or_else(|behind| behind.duration())
    }

    /// Tells whether the two clocks have told of the same passage of time since then.
    pub(super) fn agrees_with(self, then: Self) -> bool {
        self.moved_since(then) <= DRIFT
    }
}

/// The life of one set of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lifetime {
    pub(super) fetched: Moment,
    /// When there should be newer ones.
    pub(super) refresh_at: Option<SystemTime>,
    pub(super) expires_at: Option<SystemTime>,
}

impl Lifetime {
    /// Plans the replacement of credentials: a random moment in the first half of the advisory
    /// window, so that machines that started together do not refresh together. Those without an end
    /// are looked up again after `recheck`.
    pub(super) fn new(
        fetched: Moment,
        expires_at: Option<SystemTime>,
        recheck: Option<Duration>,
        random: f64,
    ) -> Self {
        let refresh_at = match expires_at {
            Some(end) => {
                let life = end.duration_since(fetched.wall).unwrap_or_default();
                let window = advisory_window(life);
                let early = window - window.mul_f64(random.clamp(0.0, 1.0) / 2.0);
                Some(end.checked_sub(early).unwrap_or(fetched.wall))
            }
            None => recheck.and_then(|recheck| fetched.wall.checked_add(recheck)),
        };
        Self {
            fetched,
            refresh_at,
            expires_at,
        }
    }

    /// The same life, after the source has said again that it is so.
    pub(super) fn confirmed(&self, now: Moment, recheck: Option<Duration>) -> Self {
        match self.expires_at {
            Some(_) => Self {
                fetched: now,
                ..*self
            },
            None => Self::new(now, None, recheck, 0.0),
        }
    }

    /// The time of day, and where the clocks disagree about it the earlier and the later one.
    fn readings(&self, now: Moment) -> (SystemTime, SystemTime) {
        let projected = now.projected_from(self.fetched);
        if now.agrees_with(self.fetched) {
            (now.wall, now.wall)
        } else {
            (now.wall.min(projected), now.wall.max(projected))
        }
    }

    /// How long they may still be used, by whichever clock allows for longer.
    pub(super) fn left(&self, now: Moment, grace: Duration) -> Option<Duration> {
        let end = self.expires_at?.checked_add(grace)?;
        let (early, _) = self.readings(now);
        Some(end.duration_since(early).unwrap_or_default())
    }

    /// What the credentials are good for. Where the clocks disagree, the credentials count as ended
    /// when both say so, and as due when either does.
    pub(super) fn standing(&self, now: Moment, rejected: bool, grace: Duration) -> Standing {
        let agree = now.agrees_with(self.fetched);
        let (early, late) = self.readings(now);
        // Without anything to come, the clocks do not matter.
        let is_due = rejected || self.refresh_at.is_some_and(|at| !agree || late >= at);
        let Some(end) = self.expires_at else {
            return if is_due {
                Standing::Due
            } else {
                Standing::Fresh
            };
        };
        match early.duration_since(end) {
            Ok(over) if over >= grace || rejected => Standing::Ended,
            Ok(_) => Standing::Grace,
            Err(_) if late >= end => Standing::Disputed,
            Err(_) if is_due => Standing::Due,
            Err(_) => Standing::Fresh,
        }
    }
}

/// What a set of credentials is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// To sign with.
    Fresh,
    /// To sign with, but there should be newer ones.
    Due,
    /// One clock says that they have ended, and the other that they have not.
    Disputed,
    /// They have ended, and are used all the same because that was asked for.
    Grace,
    /// Nothing.
    Ended,
}

/// What is known of the refreshes so far. All times are monotonic.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attempts {
    /// When the last one started.
    last_started: Option<Duration>,
    /// Not before then does one start that nobody waits for.
    pub(super) not_before: Duration,
    /// How many have failed in a row.
    pub(super) failures: u32,
    /// The pause after the last failure.
    pause: Duration,
    /// When one was last forced by what AWS answered.
    pub(super) last_forced: Option<Duration>,
    /// The clocks disagree, and there was a refresh that did not help, or not in time: nobody waits
    /// for another.
    pub(super) dispute_is_old: bool,
}

impl Attempts {
    pub(super) fn started(&mut self, now: Duration) {
        self.last_started = Some(now);
    }

    /// There are new credentials, or those that are there were confirmed.
    pub(super) fn succeeded(&mut self) {
        *self = Self {
            last_started: self.last_started,
            last_forced: self.last_forced,
            ..Self::default()
        };
    }

    /// The source has no others yet. This is no failure: a source hands out the same credentials
    /// until it is time. Where AWS has refused them it is asked sooner.
    pub(super) fn unchanged(
        &mut self,
        now: Duration,
        left: Option<Duration>,
        is_rejected: bool,
        random: f64,
    ) {
        self.succeeded();
        let pause = left.map_or(LONGEST_POLL, |left| left / 4);
        let pause = if is_rejected {
            pause.clamp(BETWEEN_FORCED, LONGEST_PAUSE)
        } else {
            let random = 0.75 + random.clamp(0.0, 1.0) / 4.0;
            pause.clamp(SHORTEST_PAUSE, LONGEST_POLL).mul_f64(random)
        };
        self.not_before = now.saturating_add(pause);
    }

    /// Backs off: each pause is random, at most three times the last one, and so short that there
    /// are several attempts in what is left of the credentials' life.
    pub(super) fn failed(&mut self, now: Duration, left: Option<Duration>, random: f64) {
        let longest = (self.pause * 3).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        let pause = SHORTEST_PAUSE + (longest - SHORTEST_PAUSE).mul_f64(random.clamp(0.0, 1.0));
        self.pause = pause;
        let clipped = left.map_or(pause, |left| pause.min(left / 4));
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.saturating_add(clipped.max(SHORTEST_PAUSE));
    }

    /// Tells whether one may start that somebody waits for.
    fn may_start(&self, now: Duration) -> bool {
        self.until_may_start(now).is_zero()
    }

    /// Returns how long it is until one may start that somebody waits for.
    pub(super) fn until_may_start(&self, now: Duration) -> Duration {
        self.last_started.map_or(Duration::ZERO, |started| {
            started.saturating_add(SHORTEST_PAUSE).saturating_sub(now)
        })
    }

    /// Tells whether one has started since then: when it is over it is the answer to whoever came
    /// then. One that was running already may have been stuck with an endpoint that is back by now.
    fn have_begun(&self, since: Duration) -> bool {
        self.last_started.is_some_and(|started| started >= since)
    }

    /// Tells whether one may start that nobody waits for.
    pub(super) fn may_start_at_leisure(&self, now: Duration) -> bool {
        self.may_start(now) && now >= self.not_before
    }

    /// Tells whether what AWS answered may force one.
    pub(super) fn may_be_forced(&self, now: Duration) -> bool {
        let long_ago = |then: Duration| now.saturating_sub(then) >= BETWEEN_FORCED;
        self.until_may_start(now).is_zero() && self.last_forced.is_none_or(long_ago)
    }
}

/// Somebody who wants credentials.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// When they came.
    pub(super) since: Duration,
    /// They have waited for as long as they may.
    pub(super) is_late: bool,
    /// They never wait: what is there will do, or nothing.
    pub(super) is_background: bool,
}

/// What a caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Go on with what is there.
    Serve,
    /// Go on with what is there, and start a refresh.
    ServeAndRefresh,
    /// Wait for the refresh that is running.
    Wait,
    /// Start a refresh and wait for it.
    RefreshAndWait,
    /// There is nothing to go on with.
    Refuse,
}

/// Decides what a caller does, by what the credentials that are there are good for.
pub(super) fn step(
    standing: Option<Standing>,
    attempts: &Attempts,
    is_running: bool,
    caller: Caller,
    now: Duration,
) -> Step {
    let may_wait = match standing {
        Some(Standing::Fresh) => return Step::Serve,
        Some(Standing::Due | Standing::Grace) => false,
        Some(Standing::Disputed) => !caller.is_background && !attempts.dispute_is_old,
        Some(Standing::Ended) | None => !caller.is_background,
    };
    if !may_wait {
        return if !is_running && attempts.may_start_at_leisure(now) {
            Step::ServeAndRefresh
        } else {
            Step::Serve
        };
    }
    let is_answered = caller.is_late || (!is_running && attempts.have_begun(caller.since));
    if is_running && !is_answered {
        Step::Wait
    } else if !is_answered && attempts.may_start(now) {
        Step::RefreshAndWait
    } else if standing == Some(Standing::Disputed) {
        Step::Serve
    } else {
        Step::Refuse
    }
}

/// How long before their end credentials of this life are replaced.
///
/// The windows that the AWS SDKs agreed on in 2026, but never more than a third of the life, so
/// that credentials of a few seconds are not replaced all the time.
fn advisory_window(life: Duration) -> Duration {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let window = if life <= minutes(20) {
        minutes(5)
    } else if life < minutes(90) {
        minutes(15)
    } else {
        minutes(60)
    };
    window.min(life / 3)
}

/// By how much the time of day may drift against the monotonic clock before it counts as set. NTP
/// slews by 0.5 ms a second at most, which is 22 s in the twelve hours that a session may last.
const DRIFT: Duration = Duration::from_secs(60);
/// No two refreshes are closer to each other, whatever happens.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause before a source is asked again that had nothing new.
const LONGEST_POLL: Duration = Duration::from_secs(5 * 60);
/// Answers of AWS force no more than one refresh in this time.
const BETWEEN_FORCED: Duration = Duration::from_secs(30);
