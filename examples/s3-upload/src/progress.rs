//! What people see while they wait, on standard error.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

use crate::plan::Size;

/// A bar that shows what was sent, what of it S3 has acknowledged, how fast it goes, and how long
/// it will take. Where standard error is no terminal there is none.
#[derive(Clone, Debug)]
pub struct Progress {
    bar: ProgressBar,
    acknowledged: Arc<AtomicU64>,
    is_hidden: bool,
}

impl Progress {
    /// Makes one that nobody sees.
    #[must_use]
    pub fn hidden() -> Self {
        Self::on(ProgressBar::hidden(), true)
    }

    /// Makes one of an object of this length, or of one whose length nobody knows yet.
    #[must_use]
    pub fn on_stderr(length: Option<u64>) -> Self {
        // It hides itself where there is no terminal.
        let target = ProgressDrawTarget::stderr();
        let bar = ProgressBar::with_draw_target(length, target);
        let template = match length {
            Some(_) => KNOWN,
            None => UNKNOWN,
        };
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bar.with_style(style);
        // What came too soon after something else was not drawn, and may be the last for long.
        bar.enable_steady_tick(REDRAWN_EVERY);
        Self::on(bar, false)
    }

    fn on(bar: ProgressBar, is_hidden: bool) -> Self {
        Self {
            bar,
            is_hidden,
            acknowledged: Arc::default(),
        }
    }

    /// Counts what was there before.
    pub(crate) fn skip(&self, bytes: u64) {
        self.bar.set_position(bytes);
        // What was sent by another run says nothing of how fast this one is.
        self.bar.reset_eta();
        self.acknowledge(bytes);
    }

    /// Begins to send something.
    pub(crate) fn begin(&self) -> Attempt {
        Attempt {
            progress: self.clone(),
            sent: Arc::default(),
        }
    }

    /// Returns how much S3 has acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Says something above the bar.
    pub(crate) fn note(&self, text: &str) {
        if !self.is_hidden {
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn acknowledge(&self, bytes: u64) {
        let sum = self.acknowledged.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.bar.set_message(format!("{} stored", Size(sum)));
    }
}

/// One attempt to send something: what it has sent counts as long as it goes on, and afterwards
/// only if S3 has acknowledged it.
#[derive(Debug)]
pub(crate) struct Attempt {
    progress: Progress,
    sent: Arc<AtomicU64>,
}

impl Attempt {
    /// Returns what counts the bytes as they are sent.
    pub(crate) fn sending(&self) -> Sending {
        Sending {
            bar: self.progress.bar.clone(),
            sent: Arc::clone(&self.sent),
        }
    }

    /// Returns how much was sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Says that S3 has all of it.
    pub(crate) fn acknowledge(self) {
        let sent = self.sent.swap(0, Ordering::Relaxed);
        self.progress.acknowledge(sent);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let lost = self.sent.swap(0, Ordering::Relaxed);
        if lost > 0 {
            self.progress.bar.dec(lost);
        }
    }
}

/// Counts the bytes of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Sending {
    bar: ProgressBar,
    sent: Arc<AtomicU64>,
}

impl Sending {
    pub(crate) fn add(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc(bytes);
    }
}

const REDRAWN_EVERY: Duration = Duration::from_millis(200);
const KNOWN: &str = "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} \
                     {eta} left, {msg}";
const UNKNOWN: &str = "{spinner} {binary_bytes} {binary_bytes_per_sec}, {msg}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_on_its_way_and_keeps_what_has_arrived() {
        let progress = Progress::hidden();
        let (one, other) = (progress.begin(), progress.begin());
        one.sending().add(10);
        other.sending().add(5);
        assert_eq!((progress.bar.position(), progress.acknowledged()), (15, 0));
        drop(other);
        assert_eq!((progress.bar.position(), progress.acknowledged()), (10, 0));
        one.acknowledge();
        assert_eq!((progress.bar.position(), progress.acknowledged()), (10, 10));
        progress.skip(20);
        assert_eq!(progress.bar.position(), 20);
    }
}
