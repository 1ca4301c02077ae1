//! What the system tells the program.

use std::io;

/// Signals: to read the configuration again (SIGHUP), and to end (SIGTERM, SIGINT).
#[cfg(unix)]
pub(crate) struct Signals {
    reload: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::SignalKind;
        use tokio::signal::unix::signal;

        Ok(Self {
            reload: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Returns true when the configuration is to be read again, and false when the program is to end.
    pub(crate) async fn reload_or_end(&mut self) -> bool {
        tokio::select! {
            _ = self.reload.recv() => true,
            _ = self.terminate.recv() => false,
            _ = self.interrupt.recv() => false,
        }
    }

    /// Waits until the program is to end. That the configuration is to be read again is kept.
    pub(crate) async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Where there are no such signals, ctrl-c ends the program.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn reload_or_end(&mut self) -> bool {
        self.end().await;
        false
    }

    pub(crate) async fn end(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the default action ends the program all the same.
            std::future::pending::<()>().await;
        }
    }
}
