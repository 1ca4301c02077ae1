//! How many requests are worked on at once, and how much of them is held.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// Counts the requests that are being worked on. One for the whole program: reloads go on counting.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    in_flight: Arc<AtomicUsize>,
    held_bytes: Arc<AtomicU64>,
}

impl Admission {
    /// Makes one that has let nothing in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a request in, unless there are as many as `limit` already.
    #[must_use]
    pub fn enter(&self, limit: usize) -> Option<Permit> {
        // Made before it is known whether it is one: dropped, it takes itself back.
        let permit = Permit {
            in_flight: Arc::clone(&self.in_flight),
        };
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        (before < limit).then_some(permit)
    }

    /// Returns how many there are.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Adds to what is held, and returns how much it is then.
    pub(crate) fn hold(&self, bytes: u64) -> u64 {
        self.held_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes
    }

    /// Takes away from what is held.
    pub(crate) fn let_go(&self, bytes: u64) {
        self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Returns how many bytes of bodies are held.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }
}

/// The place of one request. It is held until the body of the answer has ended or was dropped.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    in_flight: Arc<AtomicUsize>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_in_as_many_as_allowed_and_another_when_one_has_left() {
        let admission = Admission::new();
        let first = admission.enter(2).unwrap();
        let _second = admission.enter(2).unwrap();
        assert!(admission.enter(2).is_none());
        assert_eq!(
            admission.in_flight(),
            2,
            "who was not let in is not counted"
        );
        drop(first);
        assert!(admission.enter(2).is_some());
        assert!(admission.enter(0).is_none());
    }
}
