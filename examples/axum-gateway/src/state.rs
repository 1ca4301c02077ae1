//! What the data path and the admin surface both see: what is served now, and how it goes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use sigv4_core::runtime::CredentialsCache;

use crate::config::Config;
use crate::stats::Stats;

/// What the parts of the running program share.
#[derive(Debug)]
pub struct State {
    /// What is served now. A reload replaces it.
    pub serving: ArcSwap<Serving>,
    /// Why the latest reload changed nothing, if it did not.
    pub reload_failure: ArcSwap<Option<ReloadFailure>>,
    /// Whether the program is about to end.
    pub draining: AtomicBool,
    /// What has happened since it began; reloads go on counting.
    pub stats: Stats,
}

/// A configuration at work.
#[derive(Debug)]
pub struct Serving {
    /// The configuration.
    pub config: Arc<Config>,
    /// The credentials of its routes.
    pub credentials: Vec<NamedCache>,
    /// Since when.
    pub since: SystemTime,
}

/// A cache of credentials, with what the configuration calls it.
#[derive(Clone, Debug)]
pub struct NamedCache {
    /// The name in the configuration.
    pub name: Arc<str>,
    /// The kind of its source (`default`, `assume_role`, …).
    pub kind: &'static str,
    /// The cache.
    pub cache: CredentialsCache,
    /// What the configuration said, so that a reload keeps the cache where that is the same.
    pub fingerprint: [u8; 32],
}

/// A reload that was refused.
#[derive(Clone, Debug)]
pub struct ReloadFailure {
    /// When.
    pub at: SystemTime,
    /// Why, with the line and the field.
    pub message: String,
}
