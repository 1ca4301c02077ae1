//! Whether clients take what is there for them.
//!
//! Where a client leaves no window to an answer over HTTP/2 nobody asks for its body any more, so
//! that no timer of the body's can fire. The connection's watchdog looks instead.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The answers of a connection that are on their way.
#[derive(Debug, Default)]
pub(super) struct Offers(Mutex<Vec<Arc<State>>>);

#[derive(Debug)]
struct State {
    idle: Duration,
    /// Whether the upstream is waited for, and not the client.
    awaits_upstream: AtomicBool,
    has_moved: AtomicBool,
    /// How often it was seen not to have moved.
    still: AtomicU32,
}

/// How far offers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Taken {
    InTime,
    Late,
    /// Twice as late.
    TooLate,
}

impl Offers {
    fn all(&self) -> MutexGuard<'_, Vec<Arc<State>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how late the latest is. It has to be asked once in each period.
    pub(super) fn look(&self, period: Duration) -> Taken {
        let all = self.all();
        let looks = all.iter().map(|state| state.look(period));
        looks.max().unwrap_or(Taken::InTime)
    }
}

impl State {
    fn look(&self, period: Duration) -> Taken {
        let has_moved = self.has_moved.swap(false, Ordering::Relaxed);
        if has_moved || self.awaits_upstream.load(Ordering::Relaxed) {
            self.still.store(0, Ordering::Relaxed);
            return Taken::InTime;
        }
        let still = self.still.fetch_add(1, Ordering::Relaxed) + 1;
        let still = period.saturating_mul(still);
        if still > self.idle.saturating_mul(2) {
            Taken::TooLate
        } else if still > self.idle {
            Taken::Late
        } else {
            Taken::InTime
        }
    }
}

/// An answer that a client is to take.
#[derive(Debug)]
pub(crate) struct Offer {
    state: Arc<State>,
    offers: Arc<Offers>,
}

impl Offer {
    pub(super) fn new(offers: &Arc<Offers>, idle: Duration) -> Self {
        let state = Arc::new(State {
            idle,
            awaits_upstream: AtomicBool::new(false),
            has_moved: AtomicBool::new(true),
            still: AtomicU32::new(0),
        });
        offers.all().push(Arc::clone(&state));
        let offers = Arc::clone(offers);
        Self { state, offers }
    }

    /// Takes note that somebody has asked for more, and whether there was any.
    pub(crate) fn asked(&self, awaits_upstream: bool) {
        self.state.has_moved.store(true, Ordering::Relaxed);
        let state = &self.state.awaits_upstream;
        state.store(awaits_upstream, Ordering::Relaxed);
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        let mut all = self.offers.all();
        if let Some(place) = all.iter().position(|it| Arc::ptr_eq(it, &self.state)) {
            all.swap_remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_is_late_and_what_the_upstream_owes_is_not() {
        let offers = Arc::new(Offers::default());
        let look = || offers.look(Duration::from_secs(1));
        let offer = Offer::new(&offers, Duration::from_secs(2));
        let other = Offer::new(&offers, Duration::from_secs(2));
        other.asked(true);
        let looks: Vec<_> = std::iter::repeat_with(look).take(6).collect();
        let [in_time, late, too_late] = [Taken::InTime, Taken::Late, Taken::TooLate];
        assert_eq!(looks, [in_time, in_time, in_time, late, late, too_late]);
        offer.asked(false);
        assert_eq!(look(), in_time);
        drop(offer);
        drop(other);
        assert!(offers.all().is_empty());
    }
}
