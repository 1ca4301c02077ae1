//! Counts what happens, for Prometheus and for the status page.
//!
//! What is counted for each request has its counter looked up when its route is built, so that
//! counting is an addition. Labels are names of the configuration and words of the program: nobody
//! who sends requests can make up new ones.

mod codes;
mod credentials;
mod durations;
mod families;
mod latest;
mod route;
mod slots;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::SystemTime;

use http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::EncodeMetric;
use prometheus_client::encoding::text;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use sigv4_core::runtime::CredentialsEvent;
use tokio::runtime::Handle;

use self::credentials::AllCredentials;
use self::credentials::CredentialsStats;
pub use self::credentials::RefreshFailure;
pub use self::credentials::Refreshes;
use self::families::Families;
pub use self::latest::Code;
use self::latest::Latest;
pub use self::latest::Refused;
pub use self::latest::RefusedBy;
use self::route::Both;
pub use self::route::RouteCounts;
pub use self::route::RouteStats;
use crate::log::RequestId;

/// What has happened since the program began. Cheap to clone; counts go on over reloads.
#[derive(Clone)]
pub struct Stats(Arc<Inner>);

struct Inner {
    registry: Registry,
    families: Families,
    latest: Arc<Both>,
    no_route: RouteStats,
    routes: Mutex<BTreeMap<Arc<str>, RouteStats>>,
    credentials: AllCredentials,
    connections: Gauge,
    requests_in_flight: Gauge,
    reloads_succeeded: Counter,
    reloads_failed: Counter,
    reload_failed: Gauge,
    since: SystemTime,
}

/// A request that was answered before a route was found.
#[derive(Clone, Copy, Debug)]
pub struct Rejection {
    /// Why, in one of the program's own words.
    pub reason: &'static str,
    /// What the client got.
    pub status: StatusCode,
    /// Which request.
    pub request_id: RequestId,
}

impl Stats {
    /// Begins to count.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let families = Families::default();
        families.register(&mut registry);
        let credentials = AllCredentials::default();
        registry.register_collector(Box::new(credentials.clone()));
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let requests_in_flight = gauge(
            &mut registry,
            "sigv4_gateway_requests_in_flight",
            "Requests whose answers have not ended",
        );
        let connections = gauge(
            &mut registry,
            "sigv4_gateway_connections",
            "Connections of clients",
        );
        registry.register_collector(Box::new(Tasks));
        let reloads = Family::<[(&'static str, &'static str); 1], Counter>::default();
        registry.register(
            "sigv4_gateway_reloads",
            "Reloads of the configuration",
            reloads.clone(),
        );
        let reload_failed = gauge(
            &mut registry,
            "sigv4_gateway_reload_failed",
            "1 while the configuration that is served is not the latest one",
        );
        let latest = Arc::new(Both {
            by_gateway: Latest::new(),
            by_aws: Latest::new(),
        });
        Self(Arc::new(Inner {
            no_route: RouteStats::none(&families, latest.clone()),
            registry,
            families,
            latest,
            routes: Mutex::default(),
            credentials,
            connections,
            requests_in_flight,
            reloads_succeeded: reloads.get_or_create_owned(&[("outcome", "succeeded")]),
            reloads_failed: reloads.get_or_create_owned(&[("outcome", "failed")]),
            reload_failed,
            since: SystemTime::now(),
        }))
    }

    /// Returns the counters of a route: the same ones for the same name.
    #[must_use]
    pub fn route(&self, name: &str) -> RouteStats {
        let mut routes = self.0.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = routes.get(name) {
            return route.clone();
        }
        let name: Arc<str> = name.into();
        let route = RouteStats::new(name.clone(), &self.0.families, self.0.latest.clone());
        routes.insert(name, route.clone());
        route
    }

    /// Returns a hook for the cache of these credentials.
    pub fn credentials(
        &self,
        name: &str,
    ) -> impl Fn(&CredentialsEvent) + Send + Sync + 'static + use<> {
        let name: Arc<str> = name.into();
        let make = || {
            let counter = |outcome| self.0.families.refreshes(&name, outcome);
            Arc::new(CredentialsStats {
                succeeded: counter("succeeded"),
                unchanged: counter("unchanged"),
                failed: counter("failed"),
                refreshes: Mutex::default(),
            })
        };
        let mut all = self.0.credentials.lock();
        let stats = all.entry(name.clone()).or_insert_with(make).clone();
        move |event| stats.note(event, SystemTime::now())
    }

    /// Forgets the age and the end of credentials that a reload has removed, so that nobody is
    /// alarmed by them.
    pub fn keep_credentials(&self, is_kept: impl Fn(&str) -> bool) {
        self.0.credentials.lock().retain(|name, _| is_kept(name));
    }

    /// Counts a connection until the guard is dropped.
    pub fn connection(&self) -> ConnectionGuard {
        ConnectionGuard(Counted::new(&self.0.connections))
    }

    /// Counts a request until the guard is dropped: when its answer's body has ended.
    pub fn request(&self) -> RequestGuard {
        RequestGuard(Counted::new(&self.0.requests_in_flight))
    }

    /// Counts a request that was answered before a route was found.
    pub fn rejected(&self, refusal: Rejection) {
        let no_route = &self.0.no_route;
        no_route.rejected(refusal.reason, refusal.status, &refusal.request_id);
    }

    /// Counts a reload.
    pub fn reload(&self, succeeded: bool) {
        if succeeded {
            self.0.reloads_succeeded.inc();
        } else {
            self.0.reloads_failed.inc();
        }
        self.0.reload_failed.set(i64::from(!succeeded));
    }

    /// Returns what was counted before a route was found.
    #[must_use]
    pub fn without_route(&self) -> RouteCounts {
        self.0.no_route.counts()
    }

    /// Returns what is known about the refreshes of these credentials.
    #[must_use]
    pub fn refreshes(&self, credentials: &str) -> Refreshes {
        let all = self.0.credentials.lock();
        let stats = all.get(credentials);
        stats.map(|stats| stats.refreshes()).unwrap_or_default()
    }

    /// Returns the latest requests that were refused, the newest first.
    #[must_use]
    pub fn latest(&self) -> Vec<Refused> {
        let mut latest = self.0.latest.by_gateway.all();
        latest.extend(self.0.latest.by_aws.all());
        latest.sort_by_key(|refused| std::cmp::Reverse(refused.at));
        latest
    }

    /// Returns how many requests are being answered.
    #[must_use]
    pub fn requests_in_flight(&self) -> i64 {
        self.0.requests_in_flight.get()
    }

    /// Returns how many connections there are.
    #[must_use]
    pub fn connections(&self) -> i64 {
        self.0.connections.get()
    }

    /// Returns when counting began.
    #[must_use]
    pub fn since(&self) -> SystemTime {
        self.0.since
    }

    /// Writes everything in the text format of OpenMetrics.
    ///
    /// # Errors
    ///
    /// None that is known: a `String` takes everything.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut metrics = String::with_capacity(16 * 1024);
        text::encode(&mut metrics, &self.0.registry)?;
        Ok(metrics)
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stats").finish_non_exhaustive()
    }
}

/// Is alive as long as a connection.
#[derive(Debug)]
#[must_use]
pub struct ConnectionGuard(#[expect(dead_code, reason = "it counts by being dropped")] Counted);

/// Is alive as long as a request.
#[derive(Debug)]
#[must_use]
pub struct RequestGuard(#[expect(dead_code, reason = "it counts by being dropped")] Counted);

#[derive(Debug)]
struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// How many tasks there are in the runtime that answers the question.
#[derive(Debug)]
struct Tasks;

impl Collector for Tasks {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Ok(runtime) = Handle::try_current() else {
            return Ok(());
        };
        let tasks = runtime.metrics().num_alive_tasks();
        let tasks = ConstGauge::new(i64::try_from(tasks).unwrap_or(i64::MAX));
        let (name, help) = ("sigv4_gateway_tasks", "Tasks of the runtime");
        tasks.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }
}

#[cfg(test)]
mod tests;
