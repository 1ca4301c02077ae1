//! Ctrl-C.

use std::sync::Arc;

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

    /// Completes when Ctrl-C is pressed, or was since the last time.
    pub(crate) async fn next(&self) {
        self.pressed.notified().await;
    }
}
