//! What runs in the background, and how it waits.

use std::fmt;
use std::future::Future;
use std::future::pending;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;

/// A future that nobody waits for.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs tasks and lets time pass. Implement it for a runtime other than tokio, or for a test that
/// is in charge of the time.
pub trait Runtime: fmt::Debug + Send + Sync + 'static {
    /// Runs a task to its end, whatever becomes of whoever started it.
    ///
    /// Where there is nothing to run it on, it may be dropped: whoever needs its result drives it
    /// then.
    fn spawn(&self, task: Task);

    /// Completes after this time.
    fn sleep(&self, duration: Duration) -> Task;
}

/// The tokio runtime of whoever calls. The default.
///
/// It needs the time driver (`enable_time`, which `#[tokio::main]` turns on). Outside of tokio
/// nothing is spawned and nothing times out: a refresh is driven by those who wait for it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TokioRuntime;

impl TokioRuntime {
    /// Returns the runtime.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl<T: Runtime + ?Sized> Runtime for Arc<T> {
    fn spawn(&self, task: Task) {
        (**self).spawn(task);
    }

    fn sleep(&self, duration: Duration) -> Task {
        (**self).sleep(duration)
    }
}

impl Runtime for TokioRuntime {
    fn spawn(&self, task: Task) {
        if let Ok(handle) = Handle::try_current() {
            handle.spawn(task);
        }
    }

    fn sleep(&self, duration: Duration) -> Task {
        match Handle::try_current() {
            Ok(_) => Box::pin(tokio::time::sleep(duration)),
            Err(_) => Box::pin(pending()),
        }
    }
}

/// Waits for a future, but no longer than for a sleep, which is begun only if there is something to
/// wait for. Returns `None` when the time is over.
pub(super) async fn within<F: Future>(
    mut future: Pin<&mut F>,
    sleep: impl FnOnce() -> Task,
) -> Option<F::Output> {
    let mut begin = Some(sleep);
    let mut sleep = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if let Some(begin) = begin.take() {
            sleep = Some(begin());
        }
        match sleep.as_mut().map(|sleep| sleep.as_mut().poll(cx)) {
            Some(Poll::Ready(())) => Poll::Ready(None),
            _ => Poll::Pending,
        }
    })
    .await
}
