//! By how much the clock of this machine differs from those of the hosts that are signed for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use arc_swap::ArcSwap;

/// How many milliseconds a server's clock is ahead of ours; negative where it is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Skew(i64);

impl Skew {
    pub(super) const NONE: Self = Self(0);

    /// Returns how far the second instant is ahead of the first.
    pub(super) fn between(ours: SystemTime, theirs: SystemTime) -> Self {
        Self(match theirs.duration_since(ours) {
            Ok(ahead) => millis(ahead),
            Err(behind) => -millis(behind.duration()),
        })
    }

    /// Returns what a server's clock shows while ours shows this.
    pub(in crate::runtime) fn correct(self, ours: SystemTime) -> SystemTime {
        let by = self.size();
        let corrected = if self.0 < 0 {
            ours.checked_sub(by)
        } else {
            ours.checked_add(by)
        };
        corrected.unwrap_or(ours)
    }

    pub(super) const fn size(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }

    pub(super) const fn apart_from(self, other: Self) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// When a request was signed and its answer came, both by our clock, and when the answer was made
/// by the clock of the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    pub(super) signed: SystemTime,
    pub(super) answered: SystemTime,
    pub(super) date: SystemTime,
}

/// How long an exchange may have taken for its middle to mean something.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// `Date` has no fractions of a second.
const RESOLUTION: Duration = Duration::from_secs(1);

impl Exchange {
    /// Measures the skew. `None` where what was applied is as good as what can be measured.
    ///
    /// The answer was made at some moment between the two that we know. What fits into that span is
    /// no news, so that a slow exchange is not mistaken for a wrong clock; what does not is
    /// measured from its middle. A clock that was put right since is seen as such.
    pub(super) fn measure(self, applied: Skew) -> Option<Skew> {
        let took = self.answered.duration_since(self.signed).ok()?;
        if took > LONGEST {
            return None;
        }
        let latest = Skew::between(self.signed, self.date).0;
        let latest = latest.saturating_add(millis(RESOLUTION));
        let earliest = Skew::between(self.answered, self.date).0;
        let may_be = |skew: Skew| (earliest..=latest).contains(&skew.0);
        let measured = if may_be(Skew::NONE) {
            Skew::NONE
        } else {
            Skew::between(self.signed + took / 2, self.date)
        };
        let is_news = !may_be(applied) && measured.apart_from(applied) > RESOLUTION;
        is_news.then_some(if measured.size() < RESOLUTION {
            Skew::NONE
        } else {
            measured
        })
    }
}

/// What has been learnt, host by host. Clones share it.
///
/// While nothing has been, a look into it is one load. Where something has, it is one more without
/// a lock, and a comparison for each host.
#[derive(Clone, Default)]
pub(super) struct SkewTable {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    is_used: AtomicBool,
    hosts: ArcSwap<Vec<(Box<str>, Skew)>>,
}

/// How many hosts are remembered. The one that was learnt first is forgotten first.
const MOST: usize = 64;

impl SkewTable {
    /// Returns the skew of a host, whose name is asked for only where it matters.
    pub(super) fn get<'a>(&self, host: impl FnOnce() -> &'a str) -> Skew {
        // Whoever has learnt something on this thread sees it; others may see it a little later.
        if !self.inner.is_used.load(Ordering::Relaxed) {
            return Skew::NONE;
        }
        let host = plain(host());
        let hosts = self.inner.hosts.load();
        let found = hosts
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(host));
        found.map_or(Skew::NONE, |&(_, skew)| skew)
    }

    /// Remembers the skew of a host, or forgets the host if it has none.
    pub(super) fn learn(&self, host: &str, skew: Skew) {
        let host = plain(host);
        if host.is_empty() {
            return;
        }
        self.inner.hosts.rcu(|hosts| {
            let others = hosts
                .iter()
                .filter(|(known, _)| !known.eq_ignore_ascii_case(host));
            let mut next: Vec<_> = others.cloned().collect();
            if skew != Skew::NONE {
                let too_many = (next.len() + 1).saturating_sub(MOST);
                next.drain(..too_many);
                next.push((host.to_ascii_lowercase().into(), skew));
            }
            next
        });
        self.inner.is_used.store(true, Ordering::Relaxed);
    }
}

/// A host without the ports that are often not written. Two servers behind two of them are seldom
/// two clocks.
fn plain(host: &str) -> &str {
    let without = host.strip_suffix(":443");
    without.or_else(|| host.strip_suffix(":80")).unwrap_or(host)
}

impl fmt::Debug for SkewTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SkewTable")
            .field(&self.inner.hosts.load())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160) + Duration::from_millis(millis)
    }

    #[test]
    fn measures_from_the_middle_of_the_exchange() {
        for (name, answered, date, applied, expected) in [
            ("a good clock", 200, 0, 0, None),
            ("one second is noise", 200, 1_000, 0, None),
            ("ahead", 2_000, 100_000, 0, Some(99_000)),
            ("as applied", 2_000, 100_000, 99_000, None),
            ("nearly as applied", 200, 100_000, 99_200, None),
            ("applied too little", 2_000, 100_000, 50_000, Some(99_000)),
            ("put right since", 200, 0, 99_000, Some(0)),
            // The server's clock may be any of these, ours among them.
            ("a slow exchange", 300_000, 300_000, 0, None),
            (
                "a slow one, wrongly applied",
                300_000,
                300_000,
                400_000,
                Some(0),
            ),
            ("too slow to tell", 900_001, 2_000_000, 0, None),
        ] {
            let exchange = Exchange {
                signed: at(0),
                answered: at(answered),
                date: at(date),
            };
            assert_eq!(
                exchange.measure(Skew(applied)),
                expected.map(Skew),
                "{name}"
            );
        }
        // The same with a server that is behind, and a clock that was set back on the way.
        let behind = Exchange {
            signed: at(100_000),
            answered: at(102_000),
            date: at(1_000),
        };
        assert_eq!(behind.measure(Skew::NONE), Some(Skew(-100_000)));
        let back = Exchange {
            signed: at(1),
            answered: at(0),
            date: at(100_000),
        };
        assert_eq!(back.measure(Skew::NONE), None);
    }

    #[test]
    fn corrects_in_both_directions() {
        assert_eq!(Skew(1_500).correct(at(0)), at(1_500));
        assert_eq!(Skew(-1_500).correct(at(1_500)), at(0));
        let end = SystemTime::UNIX_EPOCH;
        assert_eq!(Skew(i64::MAX).correct(end), Skew(i64::MAX).correct(end));
    }

    #[test]
    fn keeps_hosts_apart_whatever_the_spelling() {
        let table = SkewTable::default();
        assert_eq!(table.get(|| unreachable!("nothing was learnt")), Skew::NONE);
        table.learn("Sqs.example.com:443", Skew(2_000));
        table.learn("other.example.com:8443", Skew(-3_000));
        assert_eq!(table.get(|| "sqs.EXAMPLE.com"), Skew(2_000));
        assert_eq!(table.get(|| "other.example.com:8443"), Skew(-3_000));
        assert_eq!(table.get(|| "other.example.com"), Skew::NONE);
        table.learn("sqs.example.com", Skew::NONE);
        assert_eq!(table.get(|| "sqs.example.com"), Skew::NONE);
        table.learn("", Skew(1_000));
        assert_eq!(table.get(|| ""), Skew::NONE);
    }

    #[test]
    fn remembers_a_bounded_number_of_hosts() {
        let table = SkewTable::default();
        for number in 0..1_000 {
            table.learn(&format!("{number}.example.com"), Skew(number + 1));
        }
        assert_eq!(table.inner.hosts.load().len(), MOST);
        assert_eq!(table.get(|| "999.example.com"), Skew(1_000));
        assert_eq!(table.get(|| "935.example.com"), Skew::NONE);
    }
}
