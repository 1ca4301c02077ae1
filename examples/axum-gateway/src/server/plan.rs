//! Makes of a configuration what serves requests.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use sigv4_core::ConfigError;
use sigv4_tower::BrowserGuard;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::connection::Timeouts;
use super::tls;
use crate::callers::Callers;
use crate::client::Clients;
use crate::config;
use crate::config::Config;
use crate::credentials;
use crate::credentials::Caches;
use crate::gateway::Door;
use crate::gateway::Plan;
use crate::log;
use crate::stack::Route;
use crate::state::NamedCache;
use crate::state::Serving;
use crate::stats::Stats;

/// Makes plans, and keeps from one to the next what stays: connections and credentials.
#[derive(Debug)]
pub(super) struct Planner {
    caches: Caches,
    clients: Clients,
    stats: Stats,
    warm: Vec<Warm>,
}

/// A task that keeps credentials fresh while there are no requests.
#[derive(Debug)]
struct Warm {
    cache: NamedCache,
    task: AbortHandle,
}

impl Drop for Warm {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a configuration became.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) serving: Serving,
    /// For each listener, its certificate.
    pub(super) tls: Vec<Option<TlsAcceptor>>,
}

impl Planner {
    pub(super) fn new(stats: Stats) -> io::Result<Self> {
        Ok(Self {
            caches: Caches::new(stats.clone())?,
            clients: Clients::new()?,
            stats,
            warm: Vec::new(),
        })
    }

    /// Has credentials come from here, in place of what a configuration says under this name.
    pub(super) fn keep(&mut self, cache: NamedCache) {
        self.caches.put(cache);
    }

    /// Makes a plan. Nothing has changed if that fails.
    pub(super) async fn plan(&mut self, config: Config) -> Result<Planned, PlanError> {
        let config = Arc::new(config);
        self.check_authorities(&config)?;
        let callers = Callers::new(&config.callers, &config.routes);
        let tls = config.listeners.iter().map(|listener| {
            let other_keys = listener.anonymous || callers.is_empty() || callers.has_keys();
            let files = listener.tls.as_ref();
            files
                .map(|files| tls::secure(files, other_keys))
                .transpose()
        });
        let tls = tls.collect::<Result<Vec<_>, _>>()?;
        // Last of what may fail, since what comes of asking is counted.
        let existing: Vec<_> = self.warm.iter().map(|warm| warm.cache.clone()).collect();
        let caches = self.caches.make(&config.credentials, &existing)?;
        let is_new = |cache: &&NamedCache| !existing.iter().any(|other| is_same(other, cache));
        for cache in caches.iter().filter(is_new) {
            credentials::check(&cache.cache)
                .await
                .map_err(|error| PlanError::credentials(cache, error))?;
        }
        let routes = config.routes.iter().map(|route| {
            let named = |cache: &&NamedCache| cache.name == route.credentials;
            let cache = caches.iter().find(named).ok_or_else(|| {
                PlanError::new(format!("routes.{}: it has no credentials", route.name))
            })?;
            let credentials = cache.cache.clone();
            Ok(Route::new(
                route,
                credentials,
                &mut self.clients,
                &self.stats,
            ))
        });
        let routes = routes.collect::<Result<Vec<_>, PlanError>>()?;
        let doors = config.listeners.iter().zip(&tls).map(|(listener, tls)| {
            Ok(Door {
                guard: BrowserGuard::new().allow_hosts(&listener.hosts)?,
                anonymous: listener.anonymous || callers.is_empty(),
                clients: tls.as_ref().and_then(|tls| tls.clients.clone()),
            })
        });
        let doors = doors
            .collect::<Result<_, ConfigError>>()
            .map_err(PlanError::hosts)?;
        let idle = config.routes.iter().map(|route| route.timeouts.idle);
        let plan = Plan {
            doors,
            routes: routes.into_iter().map(Arc::new).collect(),
            callers,
            concurrency: config.limits.concurrency,
            held_bytes: config.limits.held_bytes,
            log: config.log.requests,
            timeouts: Timeouts {
                head: config.limits.head_timeout,
                idle: config.limits.keep_alive,
                write: idle.max().unwrap_or(Duration::MAX),
            },
        };
        for kept in caches.iter().filter(|cache| !is_new(cache)) {
            credentials::look_again(kept);
        }
        config.warnings().iter().for_each(log::warned);
        self.keep_warm(&caches);
        self.clients.retain_used();
        Ok(Planned {
            plan,
            serving: Serving {
                config,
                credentials: caches,
                since: SystemTime::now(),
            },
            tls: tls.into_iter().map(|tls| Some(tls?.acceptor)).collect(),
        })
    }

    /// Refuses what could not be reached: each request would fail, and not say why.
    fn check_authorities(&self, config: &Config) -> Result<(), PlanError> {
        let is_https = |route: &&config::Route| {
            let scheme = route.upstream.get(..6);
            scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
        };
        match config.routes.iter().find(is_https) {
            Some(route) if !self.clients.knows_authorities() => Err(PlanError::new(format!(
                "routes.{}: its upstream is reached over https, and this machine has no \
                 certificates of authorities; install them (the package is ca-certificates), or \
                 name a file of them in SSL_CERT_FILE",
                route.name
            ))),
            _ => Ok(()),
        }
    }

    /// Keeps these fresh, and no others.
    fn keep_warm(&mut self, caches: &[NamedCache]) {
        self.warm
            .retain(|warm| caches.iter().any(|cache| is_same(cache, &warm.cache)));
        for cache in caches {
            if !self.warm.iter().any(|warm| is_same(cache, &warm.cache)) {
                let task = tokio::spawn(cache.cache.keep_warm()).abort_handle();
                let cache = cache.clone();
                self.warm.push(Warm { cache, task });
            }
        }
        self.stats
            .keep_credentials(|name| caches.iter().any(|cache| *cache.name == *name));
    }
}

fn is_same(one: &NamedCache, other: &NamedCache) -> bool {
    one.name == other.name && one.fingerprint == other.fingerprint
}

/// Says why a configuration cannot be served, although it is well formed.
#[derive(Debug)]
pub(super) struct PlanError {
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl PlanError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    fn hosts(source: ConfigError) -> Self {
        Self {
            message: "a listener cannot be as it is configured".to_owned(),
            source: Some(source.into()),
        }
    }

    fn credentials(cache: &NamedCache, source: sigv4_core::Error) -> Self {
        Self {
            message: format!("credentials.{}", cache.name),
            source: Some(source.into()),
        }
    }
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for PlanError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<credentials::CredentialsConfigError> for PlanError {
    fn from(error: credentials::CredentialsConfigError) -> Self {
        Self {
            message: "the credentials cannot be as they are configured".to_owned(),
            source: Some(error.into()),
        }
    }
}

impl From<tls::TlsError> for PlanError {
    fn from(error: tls::TlsError) -> Self {
        Self {
            message: "a listener cannot be as it is configured".to_owned(),
            source: Some(error.into()),
        }
    }
}

impl From<PlanError> for io::Error {
    fn from(error: PlanError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}
