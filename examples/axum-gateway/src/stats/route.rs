//! What is counted of a route.

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;
use std::time::SystemTime;

use http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use sigv4_core::runtime::AwsRefusal;

use super::codes;
use super::durations::Durations;
use super::families::Families;
use super::latest::Code;
use super::latest::Latest;
use super::latest::Refused;
use super::latest::RefusedBy;
use super::slots::Slots;
use crate::log::RequestId;

/// Counts what happens to the requests of one route.
///
/// Cheap to clone. No method waits or allocates, but for the first time that a reason or a code
/// occurs.
#[derive(Clone)]
pub struct RouteStats(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    families: Families,
    latest: Arc<Both>,
    signed: [Counter; CLASSES.len()],
    rejected: Reasons,
    failed: Reasons,
    refused: Slots<(&'static str, &'static str), Counter, 96>,
    refused_otherwise: OnceLock<Counter>,
    sign_seconds: Durations,
    request_bytes: Counter,
    answer_bytes: Counter,
}

/// The latest refusals: a flood of one kind does not push out the other.
#[derive(Debug)]
pub(super) struct Both {
    pub(super) by_gateway: Latest,
    pub(super) by_aws: Latest,
}

/// How often what has happened on a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteCounts {
    /// Answers to requests that were forwarded, by status class, from `1xx` to `5xx`.
    pub signed: [u64; 5],
    /// Requests that were not forwarded, by reason.
    pub rejected: Vec<(&'static str, u64)>,
    /// Requests that came to no answer, or to no end of it, by reason.
    pub failed: Vec<(&'static str, u64)>,
    /// Answers of AWS that say why it refused, by cause and code.
    pub refused: Vec<(&'static str, &'static str, u64)>,
}

impl RouteCounts {
    /// Returns how many requests were not forwarded.
    #[must_use]
    pub fn all_rejected(&self) -> u64 {
        self.rejected.iter().map(|(_, count)| count).sum()
    }

    /// Returns how many requests came to no answer, or to no end of it.
    #[must_use]
    pub fn all_failed(&self) -> u64 {
        self.failed.iter().map(|(_, count)| count).sum()
    }

    /// Returns how many requests AWS refused.
    #[must_use]
    pub fn all_refused(&self) -> u64 {
        self.refused.iter().map(|(_, _, count)| count).sum()
    }
}

impl RouteStats {
    pub(super) fn new(name: Arc<str>, families: &Families, latest: Arc<Both>) -> Self {
        let signed = |class| families.requests(&name, "signed", "", class);
        Self::with(
            CLASSES.map(signed),
            families.sign_seconds(&name),
            [families.request_bytes(&name), families.answer_bytes(&name)],
            (name, families.clone(), latest),
        )
    }

    /// Makes what counts requests for which there is no route: nothing of it is ever signed, so
    /// there are no metrics for that.
    pub(super) fn none(families: &Families, latest: Arc<Both>) -> Self {
        let (signed, bytes) = (<[Counter; 5]>::default(), <[Counter; 2]>::default());
        let name = Arc::from("");
        let shared = (name, families.clone(), latest);
        Self::with(signed, Durations::default(), bytes, shared)
    }

    fn with(
        signed: [Counter; CLASSES.len()],
        sign_seconds: Durations,
        [request_bytes, answer_bytes]: [Counter; 2],
        (name, families, latest): (Arc<str>, Families, Arc<Both>),
    ) -> Self {
        Self(Arc::new(Inner {
            name,
            families,
            latest,
            signed,
            rejected: Reasons::new("rejected"),
            failed: Reasons::new("failed"),
            refused: Slots::new(),
            refused_otherwise: OnceLock::new(),
            sign_seconds,
            request_bytes,
            answer_bytes,
        }))
    }

    /// Counts a request that was signed, and answered by the upstream to the end.
    pub fn forwarded(&self, status: StatusCode) {
        self.0.signed[class(status)].inc();
    }

    /// Counts a request that was not forwarded. The reason is one of the program's own words.
    pub fn rejected(&self, reason: &'static str, status: StatusCode, request_id: &RequestId) {
        self.count(&self.0.rejected, reason, status);
        self.0.latest.by_gateway.push(Refused {
            at: SystemTime::now(),
            route: self.0.name.clone(),
            status,
            by: RefusedBy::Gateway(reason),
            request_id: *request_id,
        });
    }

    /// Counts a request that came to no answer, or to no end of it. What is noteworthy is shown.
    pub fn failed(
        &self,
        reason: &'static str,
        status: StatusCode,
        request_id: &RequestId,
        is_noteworthy: bool,
    ) {
        self.count(&self.0.failed, reason, status);
        if is_noteworthy {
            self.0.latest.by_gateway.push(Refused {
                at: SystemTime::now(),
                route: self.0.name.clone(),
                status,
                by: RefusedBy::Nobody(reason),
                request_id: *request_id,
            });
        }
    }

    fn count(&self, reasons: &Reasons, reason: &'static str, status: StatusCode) {
        let make = |reason: &str, class: &str| {
            let families = &self.0.families;
            families.requests(&self.0.name, reasons.outcome, reason, class)
        };
        reasons.counter(reason, class(status), make).inc();
    }

    /// Counts an answer in which AWS says why it refused. The request itself is counted by
    /// [`forwarded`](Self::forwarded).
    pub fn refused(&self, refusal: &AwsRefusal, request_id: &RequestId) {
        let cause = refusal.cause();
        let key = (cause.as_str(), codes::label(refusal.code()));
        let make =
            |(cause, code): (&str, &str)| self.0.families.refusals(&self.0.name, cause, code);
        let counter = self.0.refused.get(key, make);
        let otherwise = || {
            let make = || self.0.families.refusals(&self.0.name, OTHER, OTHER);
            self.0.refused_otherwise.get_or_init(make)
        };
        counter.unwrap_or_else(otherwise).inc();
        self.0.latest.by_aws.push(Refused {
            at: SystemTime::now(),
            route: self.0.name.clone(),
            status: refusal.status(),
            by: RefusedBy::Aws {
                code: refusal.code().map(Code::new),
                cause: cause.as_str(),
                advice: cause.advice(),
            },
            request_id: *request_id,
        });
    }

    /// Takes note of how long a signature took to make.
    pub fn signing_took(&self, took: Duration) {
        self.0.sign_seconds.observe(took);
    }

    /// Counts bytes of a request's body.
    pub fn request_bytes(&self, bytes: u64) {
        self.0.request_bytes.inc_by(bytes);
    }

    /// Counts bytes of an answer's body.
    pub fn answer_bytes(&self, bytes: u64) {
        self.0.answer_bytes.inc_by(bytes);
    }

    /// Returns the name of the route.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// Returns what was counted.
    #[must_use]
    pub fn counts(&self) -> RouteCounts {
        let refused = self.0.refused.iter();
        let mut refused: Vec<_> = refused
            .map(|&((cause, code), ref counter)| (cause, code, counter.get()))
            .collect();
        if let Some(counter) = self.0.refused_otherwise.get() {
            refused.push((OTHER, OTHER, counter.get()));
        }
        RouteCounts {
            signed: [0, 1, 2, 3, 4].map(|class| self.0.signed[class].get()),
            rejected: self.0.rejected.sums(),
            failed: self.0.failed.sums(),
            refused,
        }
    }
}

impl fmt::Debug for RouteStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RouteStats").field(&self.0.name).finish()
    }
}

/// Counters by reason and status class.
struct Reasons {
    outcome: &'static str,
    counters: Slots<(&'static str, usize), Counter, 64>,
    /// For what is beyond the bound.
    otherwise: OnceLock<Counter>,
}

impl Reasons {
    const fn new(outcome: &'static str) -> Self {
        Self {
            outcome,
            counters: Slots::new(),
            otherwise: OnceLock::new(),
        }
    }

    fn counter(
        &self,
        reason: &'static str,
        class: usize,
        make: impl Fn(&str, &str) -> Counter,
    ) -> &Counter {
        let counter = self.counters.get((reason, class), |(reason, class)| {
            make(reason, CLASSES[class])
        });
        counter.unwrap_or_else(|| self.otherwise.get_or_init(|| make(OTHER, "")))
    }

    fn sums(&self) -> Vec<(&'static str, u64)> {
        let mut sums: Vec<(&'static str, u64)> = Vec::new();
        for ((reason, _), counter) in self.counters.iter() {
            match sums.iter_mut().find(|(known, _)| known == reason) {
                Some((_, sum)) => *sum += counter.get(),
                None => sums.push((*reason, counter.get())),
            }
        }
        if let Some(counter) = self.otherwise.get() {
            sums.push((OTHER, counter.get()));
        }
        sums
    }
}

fn class(status: StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const OTHER: &str = "other";
