//! Waits that come to an end: what does not happen within a minute fails its test, which says what
//! it was waiting for.
//!
//! The minute is one of real time, whatever tokio's clock does: a test may have stopped that. It is
//! one in which this process runs: a machine that sleeps, or a debugger, does not count.

use std::fmt::Display;
use std::io::Write;
use std::panic::Location;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::Once;
use std::sync::PoisonError;
use std::sync::Weak;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long anything may take that is to happen, on the slowest machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Waits for a future, for a minute at most.
///
/// A future that keeps its thread busy cannot be left. Another minute later the whole process ends,
/// and says why.
///
/// # Panics
///
/// When the minute is over; the message has `what`, which is something that is done or happens.
#[track_caller]
pub fn soon<F: Future>(what: impl Display, future: F) -> impl Future<Output = F::Output> {
    let (alive, is_late, text) = watch(&what, Location::caller());
    async move {
        let _alive = alive;
        tokio::select! {
            biased;
            output = future => output,
            Ok(()) = is_late => panic!("{text}: not within {LIMIT:?}"),
        }
    }
}

/// Ends the process, and says in which test, when the runtime on which this is called has done
/// nothing for a minute or two: beside a future that never yields no other can notice the time.
///
/// It watches until the task is aborted.
#[must_use]
#[track_caller]
pub fn keep_watch() -> JoinHandle<()> {
    let at = Location::caller();
    let mut watched = watch(&"the runtime goes on", at);
    tokio::spawn(async move {
        loop {
            let (_alive, is_late, _) = watched;
            // Who can be told is not stuck.
            let _ = is_late.await;
            watched = watch(&"the runtime goes on", at);
        }
    })
}

/// Waits until something is so, for a minute at most. Tokio's time neither counts nor passes.
///
/// # Panics
///
/// When the minute is over; the message has `what`.
#[track_caller]
pub fn until(what: impl Display, is_so: impl Fn() -> bool) -> impl Future<Output = ()> {
    soon(what, async move {
        while !is_so() {
            pause(Duration::from_millis(2)).await;
        }
    })
}

/// Lets others work for so long.
///
/// # Panics
///
/// Outside of a runtime of tokio.
pub async fn pause(duration: Duration) {
    // While another thread works, a clock of tokio's that is paused stands still.
    let pause = tokio::task::spawn_blocking(move || thread::sleep(duration));
    pause.await.expect("who sleeps does not panic");
}

/// A future that somebody waits for.
struct Wait {
    text: String,
    /// How many more looks it may take.
    left: u32,
    alive: Weak<()>,
    /// Until it has been told.
    tell: Option<oneshot::Sender<()>>,
}

static WAITS: Mutex<Vec<Wait>> = Mutex::new(Vec::new());

/// How often somebody looks, and how often that is within the limit.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: u32 = 600;

/// Has a wait watched until the first of these is dropped. The second tells that it is late, and the
/// third is what is said of it.
fn watch(what: &impl Display, at: &Location<'_>) -> (Arc<()>, oneshot::Receiver<()>, String) {
    // The harness names a thread after its test.
    let thread = thread::current();
    let text = format!("{}: {what}, at {at}", thread.name().unwrap_or("a test"));
    let (tell, is_late) = oneshot::channel();
    let alive = Arc::new(());
    let wait = Wait {
        text: text.clone(),
        left: LOOKS,
        alive: Arc::downgrade(&alive),
        tell: Some(tell),
    };
    waits().push(wait);
    // One thread for all of them: there may be thousands.
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        thread::spawn(|| {
            loop {
                thread::sleep(LOOK);
                waits().retain_mut(Wait::look);
            }
        });
    });
    (alive, is_late, text)
}

fn waits() -> MutexGuard<'static, Vec<Wait>> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wait {
    /// Says so where it is late. False where nobody waits any more.
    fn look(&mut self) -> bool {
        if self.alive.strong_count() == 0 {
            return false;
        }
        self.left -= 1;
        if self.left > 0 {
            return true;
        }
        self.left = LOOKS;
        if let Some(tell) = self.tell.take() {
            // Who is gone needs not be told.
            let _ = tell.send(());
            return true;
        }
        // Written as it is: what tests print is kept until they end, and this one does not.
        let text = format!("\n{}: never, and its thread does not stop\n", self.text);
        let _ = std::io::stderr().write_all(text.as_bytes());
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn what_happens_in_time_is_returned() {
        assert_eq!(soon("an answer", async { 1 }).await, 1);
        let looks = Cell::new(0);
        until("the third look", || {
            looks.set(looks.get() + 1);
            looks.get() == 3
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn no_time_passes_while_something_is_awaited() {
        let before = tokio::time::Instant::now();
        let really = Instant::now();
        let later = tokio::spawn(tokio::time::sleep(LIMIT));
        until("a while", || really.elapsed() > Duration::from_millis(20)).await;
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert!(!later.is_finished());
    }

    #[test]
    fn who_is_late_is_told_once() {
        let alive = Arc::new(());
        let (tell, mut is_late) = oneshot::channel();
        let mut wait = Wait {
            text: "never".into(),
            left: LOOKS,
            alive: Arc::downgrade(&alive),
            tell: Some(tell),
        };
        assert!((1..LOOKS).all(|_| wait.look()));
        assert!(is_late.try_recv().is_err());
        assert!(wait.look());
        assert_eq!(is_late.try_recv(), Ok(()));
        assert!(
            (1..LOOKS).all(|_| wait.look()),
            "it may take a while to stop"
        );
        drop(alive);
        assert!(!wait.look());
    }

    #[test]
    fn the_limit_is_a_minute() {
        assert_eq!(LOOK * LOOKS, LIMIT);
    }
}
