//! Counters that are looked up by a small key, without a lock.

use std::fmt;
use std::sync::OnceLock;

/// A counter for each key, made when the key is first seen. Keys are of the program's own making,
/// so there are few; what is beyond `N` of them is the caller's to count elsewhere.
pub(super) struct Slots<K, M, const N: usize>([OnceLock<(K, M)>; N]);

impl<K: Copy + Eq, M, const N: usize> Slots<K, M, N> {
    pub(super) const fn new() -> Self {
        Self([const { OnceLock::new() }; N])
    }

    /// Returns what belongs to a key. Only the first call for a key makes anything; a second thread
    /// with the same key waits that long.
    pub(super) fn get(&self, key: K, make: impl Fn(K) -> M) -> Option<&M> {
        self.0.iter().find_map(|slot| {
            let (there, metric) = slot.get_or_init(|| (key, make(key)));
            (*there == key).then_some(metric)
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(K, M)> {
        self.0.iter().map_while(OnceLock::get)
    }
}

impl<K, M, const N: usize> fmt::Debug for Slots<K, M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn finds_each_key_again_until_it_is_full() {
        let slots = Slots::<&'static str, AtomicU64, 2>::new();
        let count = |key| {
            let counter = slots.get(key, |_| AtomicU64::new(0))?;
            Some(counter.fetch_add(1, Ordering::Relaxed) + 1)
        };
        assert_eq!(count("a"), Some(1));
        assert_eq!(count("b"), Some(1));
        assert_eq!(count("a"), Some(2));
        assert_eq!(count("c"), None);
        assert_eq!(slots.iter().count(), 2);
    }
}
