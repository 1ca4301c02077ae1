//! What the answers of AWS teach about the credentials and the clock.
//!
//! Answers are hints and no orders. All that one can cause is that the cache asks its provider for
//! other credentials, as often as the cache allows, that the time is corrected within a bound, and
//! that its own request is sent once more.

pub(super) mod code;
mod date;
mod inquiry;
mod peek;
mod skew;

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use http::Uri;

use crate::overrides::PayloadMode;
use crate::overrides::SigningOverrides;
use crate::rules::SigningRules;
use crate::rules::UnsignedPayload;
use crate::runtime::Authorizer;
use crate::runtime::Runtime;
use crate::runtime::Task;
use crate::runtime::scope;

pub use self::inquiry::Inquiry;
pub use self::inquiry::Remedy;
pub use self::inquiry::Replacement;
pub(super) use self::peek::MOST;
pub use self::peek::Peek;
pub use self::peek::PeekedBody;
pub(super) use self::skew::Skew;
use self::skew::SkewTable;

/// How long an answer, or a request, is held up at most for each step of a recovery that does not
/// concern the credentials.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// How much of a streaming body is kept to be sent again.
const STREAMED: u64 = 64 * 1024;
/// By how much a clock is corrected at most.
const MAX_SKEW: Duration = Duration::from_secs(15 * 60);

/// What an authorizer learns from answers, and what it has learnt.
#[derive(Clone, Debug)]
pub(super) struct Learning {
    /// `None`: as the service has it.
    credentials: Option<bool>,
    clock: Option<bool>,
    max_skew: Duration,
    /// `None`: that of the credentials cache.
    runtime: Option<Arc<dyn Runtime>>,
    skews: SkewTable,
}

impl Learning {
    pub(super) fn new() -> Self {
        Self {
            credentials: None,
            clock: None,
            max_skew: MAX_SKEW,
            runtime: None,
            skews: SkewTable::default(),
        }
    }

    pub(super) const fn credentials(&mut self, yes: bool) {
        self.credentials = Some(yes);
    }

    pub(super) const fn clock(&mut self, yes: bool) {
        self.clock = Some(yes);
    }

    pub(super) const fn max_skew(&mut self, bound: Duration) {
        self.max_skew = bound;
    }

    pub(super) fn runtime(&mut self, runtime: impl Runtime) {
        self.runtime = Some(Arc::new(runtime));
    }

    /// Forgets what was learnt.
    pub(super) fn begin(&mut self) {
        self.skews = SkewTable::default();
    }

    fn subjects(&self, rules: &SigningRules) -> Subjects {
        let clock = self.clock.unwrap_or(rules.answered_by_aws);
        Subjects {
            credentials: self.credentials.unwrap_or(rules.answered_by_aws),
            clock: clock && !self.max_skew.is_zero(),
        }
    }

    /// Returns the skew of a host, as far as it is known.
    pub(super) fn skew<'a>(&self, host: impl FnOnce() -> &'a str) -> Skew {
        self.skews.get(host)
    }
}

/// What may be learnt from the answers of one service.
#[derive(Clone, Copy, Debug)]
struct Subjects {
    credentials: bool,
    clock: bool,
}

impl Subjects {
    const fn are_any(self) -> bool {
        self.credentials || self.clock
    }
}

/// How a request was signed, as far as that matters for what its answer teaches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// When, by our clock.
    signed: SystemTime,
    /// By how much our clock was corrected.
    skew: Skew,
    /// When the credentials end.
    ends: Option<SystemTime>,
    subjects: Subjects,
    /// Whether the `Date` of the answer is that of the server, and nobody else's.
    is_trusted: bool,
    /// Whether the signature is in the query, where it has a lifetime.
    in_query: bool,
}

impl Circumstances {
    pub(super) fn new(
        learning: &Learning,
        rules: &SigningRules,
        uri: &Uri,
        (signed, skew): (SystemTime, Skew),
        ends: Option<SystemTime>,
        in_query: bool,
    ) -> Self {
        let is_trusted = matches!(uri.scheme_str(), Some("https" | "wss"))
            || uri
                .authority()
                .is_some_and(|dialled| scope::is_loopback(dialled.host()));
        Self {
            signed,
            skew,
            ends,
            subjects: learning.subjects(rules),
            is_trusted,
            in_query,
        }
    }
}

fn runtime(authorizer: &Authorizer) -> &dyn Runtime {
    match &authorizer.learning().runtime {
        Some(runtime) => &**runtime,
        None => authorizer.cache().runtime(),
    }
}

/// Completes when [`PATIENCE`] is over.
#[must_use]
pub fn patience(authorizer: &Authorizer) -> Task {
    runtime(authorizer).sleep(PATIENCE)
}

/// Returns how much of a request's body is worth keeping, so that the request can be sent again:
/// nothing of a stream of events, which is said once. `None` where nothing will be learnt from its
/// answer.
#[must_use]
pub fn replay_limit(authorizer: &Authorizer, overrides: Option<&SigningOverrides>) -> Option<u64> {
    if overrides.is_some_and(|overrides| !overrides.signs()) {
        return None;
    }
    let rules = authorizer.signer().rules_with(overrides);
    if !authorizer.learning().subjects(rules).are_any() {
        return None;
    }
    // What is hashed is held anyway, and the pieces are the same.
    let is_hashed = rules.unsigned_payload != UnsignedPayload::Always;
    let mode = overrides.and_then(SigningOverrides::payload_mode);
    Some(match mode.unwrap_or_else(|| authorizer.payload()) {
        #[cfg(feature = "eventstream")]
        PayloadMode::Events => 0,
        PayloadMode::Hashed | PayloadMode::HashedAs(_) if is_hashed => authorizer.body_limit(),
        _ => STREAMED,
    })
}
