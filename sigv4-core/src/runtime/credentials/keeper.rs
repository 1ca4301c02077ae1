//! What the clones of a cache share: the credentials, and the state of their replacement.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::Duration;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use futures_util::FutureExt;

use crate::error::Error;
use crate::runtime::CredentialsCacheBuilder;
use crate::runtime::CredentialsEvent;
use crate::runtime::CredentialsOutage;
use crate::runtime::Readiness;
use crate::runtime::Task;
use crate::runtime::credentials::cached::CachedCredentials;
use crate::runtime::credentials::flight;
use crate::runtime::credentials::flight::Flight;
use crate::runtime::credentials::flight::Provided;
use crate::runtime::credentials::outage;
use crate::runtime::credentials::policy;
use crate::runtime::credentials::policy::Attempts;
use crate::runtime::credentials::policy::Caller;
use crate::runtime::credentials::policy::Lifetime;
use crate::runtime::credentials::policy::Moment;
use crate::runtime::credentials::policy::Standing;
use crate::runtime::credentials::policy::Step;
use crate::runtime::credentials::verdict;
use crate::runtime::credentials::verdict::Current;
use crate::runtime::credentials::verdict::Verdict;
use crate::runtime::task::within;

pub(super) struct Keeper {
    pub(super) settings: CredentialsCacheBuilder,
    pub(super) current: ArcSwapOption<CachedCredentials>,
    state: Mutex<State>,
}

/// What is looked at only where there is something to decide.
#[derive(Default)]
struct State {
    attempts: Attempts,
    flight: Option<Flight>,
    /// How many refreshes there were.
    flights: u64,
    failure: Option<Error>,
    /// Which credentials AWS has refused as ended.
    rejected: Option<u64>,
    /// The number of the first refresh that will have seen what was changed at the source.
    wanted: Option<u64>,
}

/// A hook that is being told something: what it does with a cache itself is not told again, as that
/// would have no end.
struct Entered;

impl Entered {
    fn now() -> Option<Self> {
        // Made only where it is wanted: dropping one ends the telling.
        let is_telling = IS_TELLING.with(|telling| telling.replace(true));
        (!is_telling).then(|| Self)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        IS_TELLING.with(|telling| telling.set(false));
    }
}

thread_local! {
    static IS_TELLING: Cell<bool> = const { Cell::new(false) };
}

/// What became of a caller.
pub(super) enum Decided {
    Served(Arc<CachedCredentials>),
    Waits(Flight),
    Refused(Error),
}

impl Keeper {
    pub(super) fn new(settings: CredentialsCacheBuilder) -> Self {
        Self {
            settings,
            current: ArcSwapOption::empty(),
            state: Mutex::default(),
        }
    }

    pub(super) fn moment(&self) -> Moment {
        let clock = &self.settings.clock;
        Moment {
            wall: clock.now(),
            monotonic: clock.monotonic(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the state without an abandoned refresh in it. That is dropped after the lock is given
    /// back, as what it holds may look into this cache when it is dropped.
    fn lock_anew(&self, now: Moment) -> (Option<Flight>, MutexGuard<'_, State>) {
        let mut state = self.lock();
        let timeout = self.settings.refresh_timeout;
        (state.give_up_abandoned(now.monotonic, timeout), state)
    }

    /// Once a second: compares the clocks, and tells whether all is as it was.
    pub(super) fn looks_at_the_clocks(&self, cached: &CachedCredentials, wall: SystemTime) -> bool {
        let now = Moment {
            wall,
            monotonic: self.settings.clock.monotonic(),
        };
        now.agrees_with(cached.lifetime().fetched) && cached.window().open(now.millis())
    }

    /// Decides what a caller does next, and starts a refresh if it is time.
    pub(super) fn decide(self: &Arc<Self>, caller: Caller) -> Decided {
        let now = self.moment();
        let (_abandoned, mut state) = self.lock_anew(now);
        let current = self.current.load_full();
        let standing = current
            .as_ref()
            .map(|current| state.standing(current, now, &self.settings));
        if caller.is_late && standing == Some(Standing::Disputed) {
            state.attempts.dispute_is_old = true;
        }
        let is_running = state.flight.is_some();
        let step = policy::step(standing, &state.attempts, is_running, caller, now.monotonic);
        let starts = matches!(step, Step::ServeAndRefresh | Step::RefreshAndWait);
        if starts {
            state.start(self, now.monotonic);
        }
        let decided = match (step, &current, &state.flight) {
            (Step::Serve | Step::ServeAndRefresh, Some(current), _) => {
                let decide_at = state.next_decision(current, standing, now);
                current.window().decide_at(decide_at);
                Decided::Served(Arc::clone(current))
            }
            (Step::Wait | Step::RefreshAndWait, _, Some(flight)) => Decided::Waits(flight.clone()),
            _ => Decided::Refused(state.refusal(self, current.as_deref(), now)),
        };
        let flight = state.flight.clone();
        drop(state);

        if let (true, Some(flight)) = (starts, flight) {
            self.launch(flight, step == Step::RefreshAndWait, false);
        }
        if let (Decided::Served(cached), Some(standing), false) =
            (&decided, standing, caller.is_background)
        {
            self.tell_of_standing(cached.generation(), standing);
        }
        decided
    }

    /// Drives a refresh from now on.
    fn launch(&self, flight: Flight, is_waited_for: bool, forced: bool) {
        self.tell(&CredentialsEvent::RefreshStarted { forced });
        // A provider that need not wait is done here, without a task, and without a runtime.
        if is_waited_for && flight.end.clone().now_or_never().is_some() {
            return;
        }
        self.settings.runtime.spawn(flight.end.boxed());
    }

    /// Takes note of what the provider returned.
    fn settle(&self, number: u64, provided: Provided) {
        let now = self.moment();
        let random = catch_unwind(AssertUnwindSafe(|| (self.settings.random)()));
        let random = random.ok().filter(|random| random.is_finite());
        let random = random.unwrap_or(0.5);
        let mut events = Vec::new();
        let mut state = self.lock();
        let Some(flight) = state.flight.take_if(|flight| flight.number == number) else {
            // It was given up, and there has been another since.
            return;
        };
        let took = now.monotonic.saturating_sub(flight.started);
        let current = self.current.load_full();
        let left = current.as_ref().and_then(|current| {
            let grace = self.settings.grace_of(current.provided());
            current.lifetime().left(now, grace)
        });
        let is_rejected = current
            .as_ref()
            .is_some_and(|current| state.rejected == Some(current.generation()));

        // It began before something was changed at the source.
        let is_outdated = state.wanted.is_some_and(|wanted| number < wanted);
        if provided.is_ok() && !is_outdated {
            state.wanted = None;
        }

        let there = current.as_deref().map(|current| Current {
            credentials: current,
            is_doubtful: is_rejected || !now.agrees_with(current.lifetime().fetched),
        });
        match verdict::judge(&self.settings, provided, there, now, &mut events) {
            Ok(Verdict::New(credentials, provided)) => {
                let lifetime =
                    Lifetime::new(now, credentials.expires_at(), self.settings.recheck, random);
                let generation = current
                    .as_ref()
                    .map_or(1, |current| current.generation() + 1);
                let expires_at = credentials.expires_at();
                let cached = CachedCredentials::new(credentials, *provided, generation, lifetime);
                state.rejected = None;
                state.accept(cached, self);
                state.attempts.succeeded();
                state.failure = None;
                events.push(CredentialsEvent::RefreshSucceeded {
                    generation,
                    expires_at,
                    took,
                });
            }
            Ok(Verdict::Unchanged(current)) => {
                let lifetime = current.lifetime().confirmed(now, self.settings.recheck);
                let generation = current.generation();
                // A quarter of what is left, or as often as was asked for.
                let recheck = self
                    .settings
                    .recheck
                    .map(|interval| interval.saturating_mul(4));
                let left = left.or(recheck);
                let attempts = &mut state.attempts;
                attempts.unchanged(now.monotonic, left, is_rejected, random);
                if is_outdated {
                    state.attempts.not_before = Duration::ZERO;
                }
                state.failure = None;
                state.accept(current.confirmed(lifetime), self);
                events.push(CredentialsEvent::RefreshUnchanged { generation, took });
            }
            Err(error) => {
                state.attempts.failed(now.monotonic, left, random);
                state.attempts.dispute_is_old = true;
                state.failure = Some(error.clone());
                if let Some(current) = &current {
                    current.window().close();
                }
                events.push(CredentialsEvent::RefreshFailed {
                    error,
                    failures: state.attempts.failures,
                    took,
                });
            }
        }
        drop(state);
        for event in &events {
            self.tell(event);
        }
    }

    /// Marks credentials as refused, and returns the refresh that is to replace them.
    pub(super) fn invalidate(self: &Arc<Self>, generation: u64) -> Option<Flight> {
        let now = self.moment();
        let (_abandoned, mut state) = self.lock_anew(now);
        let current = self.current.load_full()?;
        if current.generation() != generation {
            return None;
        }
        if state.rejected == Some(generation) {
            // Whoever came first has started it.
            return state.flight.clone();
        }
        // One that is running already will do.
        let starts = state.flight.is_none();
        if starts && !state.attempts.may_be_forced(now.monotonic) {
            return None;
        }
        state.rejected = Some(generation);
        current.window().close();
        if starts {
            state.attempts.last_forced = Some(now.monotonic);
            state.start(self, now.monotonic);
        }
        let flight = state.flight.clone();
        drop(state);
        self.tell(&CredentialsEvent::Invalidated { generation });
        if let (true, Some(flight)) = (starts, &flight) {
            self.launch(flight.clone(), true, true);
        }
        flight
    }

    /// Asks the provider again now, or as soon as that may be.
    pub(super) fn refresh(self: &Arc<Self>) {
        let now = self.moment();
        let (_abandoned, mut state) = self.lock_anew(now);
        state.wanted = Some(state.flights + 1);
        state.attempts.not_before = Duration::ZERO;
        if let Some(current) = &*self.current.load() {
            current.window().close();
        }
        // One that is running already may have read what was there before.
        if state.flight.is_some() || !state.attempts.may_start_at_leisure(now.monotonic) {
            return;
        }
        state.start(self, now.monotonic);
        let flight = state.flight.clone();
        drop(state);
        if let Some(flight) = flight {
            self.launch(flight, true, false);
        }
    }

    /// Returns a refresh that may return longer credentials than these.
    pub(super) fn refresh_for_longer(
        self: &Arc<Self>,
        cached: &CachedCredentials,
    ) -> Option<Flight> {
        let now = self.moment();
        let (_abandoned, mut state) = self.lock_anew(now);
        if state.flight.is_some() {
            return state.flight.clone();
        }
        let end = cached.lifetime().expires_at?;
        let left = end.duration_since(now.wall).unwrap_or_default();
        let lived = now
            .monotonic
            .saturating_sub(cached.lifetime().fetched.monotonic);
        if lived < left / 2 || !state.attempts.may_start_at_leisure(now.monotonic) {
            return None;
        }
        state.start(self, now.monotonic);
        let flight = state.flight.clone();
        drop(state);
        if let Some(flight) = &flight {
            self.launch(flight.clone(), true, false);
        }
        flight
    }

    /// Starts a refresh if it is time, and returns what to wait for before it may be again.
    pub(super) fn keep_warm(self: Arc<Self>) -> Task {
        let now = self.moment().monotonic;
        let caller = Caller {
            since: now,
            is_late: false,
            is_background: true,
        };
        let decided = self.decide(caller);
        let state = self.lock();
        let pause = match decided {
            Decided::Served(cached) => {
                let wall = self.moment().wall;
                let until = |due: SystemTime| due.duration_since(wall).unwrap_or_default();
                let due = cached.lifetime().refresh_at.map_or(Duration::MAX, until);
                due.max(state.attempts.not_before.saturating_sub(now))
            }
            _ => state.attempts.not_before.saturating_sub(now),
        };
        // The time of day may be set meanwhile, or the machine sleep.
        let pause = pause.clamp(Duration::from_secs(1), Duration::from_secs(60));
        drop(state);
        self.settings.runtime.sleep(pause)
    }

    /// Makes the error of credentials that end before the time they are needed for.
    pub(super) fn too_short(&self) -> Error {
        let now = self.moment();
        let outage = self.lock().outage(self, outage::State::TooShort, now);
        outage.into_error()
    }

    pub(super) fn readiness(&self) -> Readiness {
        let now = self.moment();
        let state = self.lock();
        let failing = state.attempts.failures > 0;
        match self.current.load().as_deref() {
            None if failing => Readiness::Unavailable,
            None => Readiness::NotLoaded,
            Some(current) => match state.standing(current, now, &self.settings) {
                Standing::Ended => Readiness::Unavailable,
                Standing::Disputed | Standing::Grace => Readiness::Degraded,
                Standing::Due if failing || state.rejected.is_some() => Readiness::Degraded,
                Standing::Fresh | Standing::Due => Readiness::Ready,
            },
        }
    }

    /// Tells how long somebody who came then had to wait.
    pub(super) fn tell_of_wait(&self, since: Duration) {
        let waited = self.moment().monotonic.saturating_sub(since);
        self.tell(&CredentialsEvent::Blocked { waited });
    }

    fn tell(&self, event: &CredentialsEvent) {
        if let Some(hook) = &self.settings.on_event
            && let Some(_entered) = Entered::now()
        {
            // A refresh that waiters share must not end in somebody else's panic.
            let _ = catch_unwind(AssertUnwindSafe(|| hook(event)));
        }
    }

    #[cold]
    pub(super) fn tell_of_hit(&self, cached: &CachedCredentials, now: SystemTime) {
        let now = Moment {
            wall: now,
            monotonic: self.settings.clock.monotonic(),
        };
        let grace = self.settings.grace_of(cached.provided());
        let standing = cached.lifetime().standing(now, false, grace);
        self.tell_of_standing(cached.generation(), standing);
    }

    fn tell_of_standing(&self, generation: u64, standing: Standing) {
        self.tell(&match standing {
            Standing::Fresh => CredentialsEvent::Hit { generation },
            Standing::Due | Standing::Disputed => CredentialsEvent::StaleServed { generation },
            Standing::Grace | Standing::Ended => CredentialsEvent::GraceServed { generation },
        });
    }
}

impl State {
    fn standing(
        &self,
        current: &CachedCredentials,
        now: Moment,
        settings: &CredentialsCacheBuilder,
    ) -> Standing {
        let grace = settings.grace_of(current.provided());
        let rejected = self.rejected == Some(current.generation());
        match current.lifetime().standing(now, rejected, grace) {
            Standing::Fresh if self.wanted.is_some() => Standing::Due,
            standing => standing,
        }
    }

    /// Makes a refresh, for somebody to drive.
    fn start(&mut self, keeper: &Arc<Keeper>, now: Duration) {
        self.attempts.started(now);
        self.flights += 1;
        self.flight = Some(Flight {
            number: self.flights,
            started: now,
            end: refresh(keeper, self.flights).shared(),
        });
    }

    /// Gives up a refresh that nobody drives any more: the runtime it ran on is gone.
    fn give_up_abandoned(&mut self, now: Duration, timeout: Duration) -> Option<Flight> {
        let limit = timeout.saturating_add(ABANDONED);
        let is_over = |flight: &mut Flight| now.saturating_sub(flight.started) > limit;
        self.flight.take_if(is_over)
    }

    fn accept(&self, cached: CachedCredentials, keeper: &Keeper) {
        match cached.lifetime().refresh_at {
            // Those that AWS has refused are looked at each time that others may be asked for.
            _ if self.rejected.is_some() || self.wanted.is_some() => {}
            None => cached.window().open_for_good(),
            Some(refresh_at) => cached.window().decide_at(refresh_at),
        }
        keeper.current.store(Some(Arc::new(cached)));
    }

    /// Returns when credentials that are handed out have to be looked at again.
    fn next_decision(
        &self,
        current: &CachedCredentials,
        standing: Option<Standing>,
        now: Moment,
    ) -> SystemTime {
        let end = current.lifetime().expires_at;
        let in_a = |pause: Duration| now.wall.checked_add(pause).unwrap_or(now.wall);
        let at = match standing {
            Some(Standing::Fresh) => current.lifetime().refresh_at,
            // The end of a refresh closes the window.
            Some(Standing::Due | Standing::Grace) if self.flight.is_some() => Some(in_a(FAR)),
            Some(Standing::Due | Standing::Grace) => {
                Some(in_a(self.attempts.not_before.saturating_sub(now.monotonic)))
            }
            _ => Some(now.wall),
        };
        let at = at.unwrap_or_else(|| in_a(FAR));
        end.map_or(at, |end| at.min(end))
    }

    fn refusal(&self, keeper: &Keeper, current: Option<&CachedCredentials>, now: Moment) -> Error {
        let ended = current.and_then(|current| {
            let end = current.lifetime().expires_at?;
            Some(now.wall.duration_since(end).unwrap_or_default())
        });
        let state = match (&self.flight, ended) {
            (Some(flight), ended) => outage::State::StillWaiting {
                waited: now.monotonic.saturating_sub(flight.started),
                ended,
            },
            (None, Some(ago)) => outage::State::Ended(ago),
            (None, None) => outage::State::NeverLoaded,
        };
        self.outage(keeper, state, now).into_error()
    }

    fn outage(&self, keeper: &Keeper, state: outage::State, now: Moment) -> CredentialsOutage {
        CredentialsOutage::new(
            Arc::clone(&keeper.settings.name),
            state,
            self.attempts.failures,
            self.attempts.until_may_start(now.monotonic),
            self.failure.clone(),
        )
    }
}

/// Asks the provider once and takes note of what it returns. It does not keep the cache alive.
fn refresh(keeper: &Arc<Keeper>, number: u64) -> Task {
    let weak: Weak<Keeper> = Arc::downgrade(keeper);
    let ask = flight::ask(&keeper.settings);
    Box::pin(async move {
        let provided = ask.await;
        if let Some(keeper) = weak.upgrade() {
            keeper.settle(number, provided);
        }
    })
}

/// The patience of one caller.
pub(super) struct Waiting {
    since: Duration,
}

impl Waiting {
    pub(super) fn new(keeper: &Keeper) -> Self {
        Self {
            since: keeper.moment().monotonic,
        }
    }

    /// Waits for a refresh to end; `false` if it takes longer than this caller waits.
    pub(super) async fn wait_for(&mut self, keeper: &Keeper, flight: Flight) -> bool {
        let waited = keeper.moment().monotonic.saturating_sub(self.since);
        let left = keeper.settings.wait_at_most.saturating_sub(waited);
        within(pin!(flight.end), || keeper.settings.runtime.sleep(left))
            .await
            .is_some()
    }
}

/// How much longer than its timeout a refresh may run before it counts as abandoned.
const ABANDONED: Duration = Duration::from_secs(5);
/// After this time things are looked at again where nothing tells when.
const FAR: Duration = Duration::from_secs(30);
