//! How the refreshes of credentials went.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::EncodeMetric;
use prometheus_client::encoding::MetricEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use sigv4_core::runtime::CredentialsEvent;

use crate::log;

/// What is known about the refreshes of some credentials.
#[derive(Clone, Debug, Default)]
pub struct Refreshes {
    /// When the source last returned credentials, or confirmed those that are there.
    pub succeeded_at: Option<SystemTime>,
    /// When those end.
    pub expires_at: Option<SystemTime>,
    /// How many different ones there have been.
    pub generation: u64,
    /// The latest failure, if the latest refresh was one.
    pub failure: Option<RefreshFailure>,
}

/// A refresh that failed.
#[derive(Clone, Debug)]
pub struct RefreshFailure {
    /// When.
    pub at: SystemTime,
    /// How many in a row.
    pub failures: u32,
    /// Why: the error with its causes.
    pub message: String,
}

/// The counters of some credentials.
#[derive(Debug)]
pub(super) struct CredentialsStats {
    pub(super) succeeded: Counter,
    pub(super) unchanged: Counter,
    pub(super) failed: Counter,
    pub(super) refreshes: Mutex<Refreshes>,
}

impl CredentialsStats {
    /// Takes note of what happened in a cache. What happens with every request is passed over.
    pub(super) fn note(&self, event: &CredentialsEvent, now: SystemTime) {
        match event {
            CredentialsEvent::RefreshSucceeded {
                generation,
                expires_at,
                ..
            } => {
                self.succeeded.inc();
                *self.lock() = Refreshes {
                    succeeded_at: Some(now),
                    expires_at: *expires_at,
                    generation: *generation,
                    failure: None,
                };
            }
            CredentialsEvent::RefreshUnchanged { .. } => {
                self.unchanged.inc();
                let mut refreshes = self.lock();
                refreshes.succeeded_at = Some(now);
                refreshes.failure = None;
            }
            CredentialsEvent::RefreshFailed {
                error, failures, ..
            } => {
                self.failed.inc();
                self.lock().failure = Some(RefreshFailure {
                    at: now,
                    failures: *failures,
                    message: log::chain(error),
                });
            }
            _ => {}
        }
    }

    pub(super) fn refreshes(&self) -> Refreshes {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Refreshes> {
        self.refreshes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// All of them, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct AllCredentials(Arc<Mutex<BTreeMap<Arc<str>, Arc<CredentialsStats>>>>);

impl AllCredentials {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<CredentialsStats>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What changes with time alone is computed when it is asked for.
impl Collector for AllCredentials {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.lock();
        let read = |value: fn(&Refreshes) -> Option<f64>| -> Vec<(&Arc<str>, f64)> {
            let value = |(name, stats): (_, &Arc<CredentialsStats>)| {
                Some((name, value(&stats.refreshes())?))
            };
            all.iter().filter_map(value).collect()
        };
        let expiry = read(|refreshes| Some(since_1970(refreshes.expires_at?)));
        gauges(
            &mut encoder,
            "sigv4_credentials_expires_at",
            "When the credentials end, in seconds since 1970; none for those that do not",
            &expiry,
        )?;
        let age = read(|refreshes| {
            let age = refreshes.succeeded_at?.elapsed();
            Some(age.unwrap_or(Duration::ZERO).as_secs_f64())
        });
        gauges(
            &mut encoder,
            "sigv4_credentials_age",
            "How long ago the source last returned or confirmed the credentials",
            &age,
        )
    }
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[(&Arc<str>, f64)],
) -> fmt::Result {
    let unit = Unit::Seconds;
    let mut family: MetricEncoder<'_> =
        encoder.encode_descriptor(name, help, Some(&unit), MetricType::Gauge)?;
    for (credentials, value) in values {
        let labels = [("credentials", &***credentials)];
        ConstGauge::new(*value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn since_1970(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs_f64()
}
