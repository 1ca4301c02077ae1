//! How fast the program sends at most.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// A limit that all parts share.
#[derive(Clone, Debug)]
pub(crate) struct Pace(Option<Arc<Limit>>);

#[derive(Debug)]
struct Limit {
    bytes_per_second: NonZeroU64,
    /// Until when what was let through so far takes.
    taken: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn unlimited() -> Self {
        Self(None)
    }

    pub(crate) fn new(bytes_per_second: Option<NonZeroU64>) -> Self {
        let limit = |bytes_per_second| {
            Arc::new(Limit {
                bytes_per_second,
                taken: Mutex::new(Instant::now()),
            })
        };
        Self(bytes_per_second.map(limit))
    }

    /// Returns how much is to be sent at once, so that it moves all the time, slow as it may be.
    pub(crate) fn piece(&self, most: usize) -> usize {
        let Some(limit) = &self.0 else { return most };
        let short = limit.bytes_per_second.get() / PIECES_PER_SECOND;
        usize::try_from(short).map_or(most, |short| short.clamp(1, most))
    }

    /// Blocks this thread until so many bytes may go.
    pub(crate) fn wait(&self, bytes: usize) {
        let Some(limit) = &self.0 else { return };
        let now = Instant::now();
        let until = {
            let mut taken = limit.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let micros = (bytes as u64).saturating_mul(1_000_000) / limit.bytes_per_second;
            *taken = (*taken).max(now) + Duration::from_micros(micros);
            *taken
        };
        thread::sleep(until.saturating_duration_since(now));
    }
}

const PIECES_PER_SECOND: u64 = 16;
