//! The latest requests that were refused, for the status page.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use http::StatusCode;

use crate::log::RequestId;

/// A request that was refused. Nothing of its URL, headers or body is in it.
#[derive(Clone, Debug)]
pub struct Refused {
    /// When.
    pub at: SystemTime,
    /// The name of the route; empty where there was none.
    pub route: Arc<str>,
    /// What the client got.
    pub status: StatusCode,
    /// By whom and why.
    pub by: RefusedBy,
    /// Which one.
    pub request_id: RequestId,
}

/// Who refused a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusedBy {
    /// This gateway, for this reason. AWS never saw the request.
    Gateway(&'static str),
    /// Nobody: it came to no answer, or to no end of it, for this reason. AWS may have seen it.
    Nobody(&'static str),
    /// AWS.
    Aws {
        /// Its code.
        code: Option<Code>,
        /// What is likely behind it.
        cause: &'static str,
        /// The likely cause and the remedy.
        advice: &'static str,
    },
}

/// A code of AWS, held without an allocation; cut off after 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code {
    bytes: [u8; Self::MAX],
    length: u8,
}

impl Code {
    const MAX: usize = 64;

    /// Copies a code.
    ///
    /// # Panics
    ///
    /// Never: the length is 64 at most.
    #[must_use]
    pub fn new(code: &str) -> Self {
        let mut length = code.len().min(Self::MAX);
        while !code.is_char_boundary(length) {
            length -= 1;
        }
        let mut bytes = [0; Self::MAX];
        bytes[..length].copy_from_slice(&code.as_bytes()[..length]);
        let length = u8::try_from(length).expect("it is 64 at most");
        Self { bytes, length }
    }

    /// Returns it.
    ///
    /// # Panics
    ///
    /// Never: it was cut between characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length.into()]).expect("it was cut between characters")
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// A ring of them. Whoever writes never waits: where a place is being read, or written by somebody
/// who is a whole round behind, the entry is left out.
pub(super) struct Latest {
    slots: [Mutex<Option<(u64, Refused)>>; PLACES],
    next: AtomicU64,
}

impl Latest {
    pub(super) const fn new() -> Self {
        Self {
            slots: [const { Mutex::new(None) }; PLACES],
            next: AtomicU64::new(0),
        }
    }

    pub(super) fn push(&self, refused: Refused) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let place = number % PLACES as u64;
        let place = usize::try_from(place).expect("it is below the number of places");
        if let Ok(mut slot) = self.slots[place].try_lock() {
            *slot = Some((number, refused));
        }
    }

    /// Returns them with their numbers, in no order.
    pub(super) fn all(&self) -> Vec<Refused> {
        let read = |slot: &Mutex<Option<(u64, Refused)>>| {
            slot.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        let mut all: Vec<_> = self.slots.iter().filter_map(read).collect();
        all.sort_unstable_by_key(|&(number, _)| std::cmp::Reverse(number));
        all.into_iter().map(|(_, refused)| refused).collect()
    }
}

impl fmt::Debug for Latest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latest").finish_non_exhaustive()
    }
}

pub(super) const PLACES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_the_latest_newest_first() {
        let latest = Latest::new();
        for status in 400..440 {
            latest.push(Refused {
                at: SystemTime::UNIX_EPOCH,
                route: "a".into(),
                status: StatusCode::from_u16(status).unwrap(),
                by: RefusedBy::Gateway("no_route"),
                request_id: RequestId::random(),
            });
        }
        let statuses: Vec<u16> = latest.all().iter().map(|r| r.status.as_u16()).collect();
        assert_eq!(statuses, (408..440).rev().collect::<Vec<_>>());
    }

    #[test]
    fn never_waits_for_a_reader() {
        let latest = Latest::new();
        let reader = latest.slots[0].lock().unwrap();
        latest.push(Refused {
            at: SystemTime::UNIX_EPOCH,
            route: "a".into(),
            status: StatusCode::NOT_FOUND,
            by: RefusedBy::Gateway("no_route"),
            request_id: RequestId::random(),
        });
        drop(reader);
        assert!(latest.all().is_empty());
    }

    #[test]
    fn cuts_codes_between_characters() {
        assert_eq!(Code::new("AccessDenied").as_str(), "AccessDenied");
        let long = "é".repeat(33);
        assert_eq!(Code::new(&format!("x{long}")).as_str().len(), 63);
    }
}
