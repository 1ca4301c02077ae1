//! Ctrl-C.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::Either;
use futures_util::future::select;
use tokio::signal;
use tokio::sync::Notify;

/// Tells when Ctrl-C was pressed. From the time it is made it ends the program no more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupts {
    pressed: Arc<Notify>,
}

impl Interrupts {
    pub(crate) fn new() -> Self {
        let interrupts = Self::default();
        let pressed = Arc::clone(&interrupts.pressed);
        // One task for all of the time, so that none is lost between two that wait for it.
        tokio::spawn(async move {
            while signal::ctrl_c().await.is_ok() {
                pressed.notify_one();
            }
        });
        interrupts
    }

    /// Does something until it is done. `None` where Ctrl-C is pressed first, or was since the last
    /// time: what was to be done is dropped then.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (pressed, work) = (pin!(self.pressed.notified()), pin!(work));
        // Ctrl-C is asked first: what was pressed for one answer must not be left over for the next.
        match select(pressed, work).await {
            Either::Left(_) => None,
            Either::Right((done, _)) => Some(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn ctrl_c_counts_once_and_before_what_is_done() {
        let interrupts = Interrupts::default();
        assert_eq!(interrupts.or(ready(1)).await, Some(1));
        interrupts.pressed.notify_one();
        assert_eq!(interrupts.or(ready(2)).await, None);
        assert_eq!(interrupts.or(ready(3)).await, Some(3));
    }

    #[tokio::test]
    async fn ctrl_c_ends_what_would_not_end() {
        let interrupts = Interrupts::default();
        let press = async {
            tokio::task::yield_now().await;
            interrupts.pressed.notify_one();
        };
        let (broken_off, ()) = tokio::join!(interrupts.or(pending::<()>()), press);
        assert_eq!(broken_off, None);
    }
}
