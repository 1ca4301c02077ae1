//! The program while it runs: listeners, connections, reloads, and its end.

mod accept;
mod connection;
mod listener;
mod plan;
mod tls;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use arc_swap::ArcSwapOption;
use axum::Router;
use tokio::sync::Mutex;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use self::accept::Entrance;
pub use self::connection::Arrival;
pub use self::connection::Exchange;
pub(crate) use self::connection::Timeouts;
pub use self::connection::Upload;
use self::listener::Listener;
use self::plan::PlanError;
use self::plan::Planner;
use crate::admin;
use crate::config::Address;
use crate::config::Config;
use crate::gateway::Gateway;
use crate::log;
use crate::state::NamedCache;
use crate::state::ReloadFailure;
use crate::state::State;
use crate::stats::Stats;

/// Begins to serve a configuration.
///
/// # Errors
///
/// When an address cannot be listened on, a certificate cannot be read, or somebody has to change
/// something before there can be credentials.
pub async fn start(config: Config, stats: Stats) -> io::Result<Running> {
    start_with(config, stats, Vec::new()).await
}

/// Begins to serve a configuration with some of its credentials from these caches, whatever it says
/// of them. For tests, and for programs that have credentials of their own.
///
/// # Errors
///
/// As [`start`].
pub async fn start_with(
    config: Config,
    stats: Stats,
    caches: Vec<NamedCache>,
) -> io::Result<Running> {
    let mut planner = Planner::new(stats.clone())?;
    caches.into_iter().for_each(|cache| planner.keep(cache));
    let addresses = Addresses::of(&config);
    let planned = planner.plan(config).await?;
    let admin = planned.serving.config.admin.clone();
    let state = Arc::new(State {
        serving: ArcSwap::from_pointee(planned.serving),
        reload_failure: ArcSwap::default(),
        draining: AtomicBool::new(false),
        stats: stats.clone(),
    });
    let gateway = Arc::new(Gateway::new(planned.plan, Arc::clone(&state)));

    // All of them can be listened on, or none is.
    let mut listeners = Vec::new();
    for address in &addresses.listeners {
        listeners.push(Listener::bind(address).await?);
    }
    let admin_listener = match &addresses.admin {
        Some(address) => Some(Listener::bind(address).await?),
        None => None,
    };

    let (phase, _) = watch::channel(Phase::Serving);
    let (ended, _) = watch::channel(Phase::Serving);
    let mut running = Running {
        gateway,
        state,
        planner: Mutex::new(planner),
        phase,
        ended,
        addresses,
        bound: Vec::new(),
        bound_admin: None,
        tls: Vec::new(),
        admin: None,
    };
    for (index, (listener, tls)) in listeners.into_iter().zip(planned.tls).enumerate() {
        let tls = Arc::new(ArcSwapOption::new(tls.map(Arc::new)));
        let entrance = Entrance {
            index,
            gateway: Arc::clone(&running.gateway),
            tls: Arc::clone(&tls),
            stats: stats.clone(),
            phase: running.phase.subscribe(),
        };
        running.tls.push(tls);
        running.bound.extend(listener.tcp_address());
        log::listening(&listener);
        tokio::spawn(entrance.open(listener));
    }
    if let (Some(listener), Some(admin)) = (admin_listener, admin) {
        let router = admin::router(Arc::clone(&running.state), &admin);
        let router = Arc::new(ArcSwap::from_pointee(router));
        running.bound_admin = listener.tcp_address();
        running.admin = Some(Arc::clone(&router));
        log::listening(&listener);
        tokio::spawn(accept::open_admin(
            listener,
            router,
            running.ended.subscribe(),
        ));
    }
    Ok(running)
}

/// The gateway while it runs. Dropped, it ends at once, with all connections.
pub struct Running {
    gateway: Arc<Gateway>,
    state: Arc<State>,
    planner: Mutex<Planner>,
    phase: watch::Sender<Phase>,
    ended: watch::Sender<Phase>,
    addresses: Addresses,
    bound: Vec<SocketAddr>,
    bound_admin: Option<SocketAddr>,
    tls: Vec<Arc<ArcSwapOption<TlsAcceptor>>>,
    admin: Option<Arc<ArcSwap<Router>>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl Running {
    /// Returns the TCP addresses that it listens on, in the order of the configuration.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.bound
    }

    /// Returns the TCP address that operators ask, if there is one.
    #[must_use]
    pub const fn admin_address(&self) -> Option<SocketAddr> {
        self.bound_admin
    }

    /// Returns what it shares with the admin surface.
    #[must_use]
    pub const fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Serves another configuration. Requests that have begun end by the old one, and connections
    /// stay.
    ///
    /// # Errors
    ///
    /// When it cannot be served, or not without a restart. The old one is served then, and the state
    /// says so.
    pub async fn reload(&self, config: Config) -> io::Result<()> {
        let result = self.try_reload(config).await;
        match &result {
            Ok(routes) => {
                self.state.reload_failure.store(Arc::new(None));
                self.state.stats.reload(true);
                log::reloaded(*routes);
            }
            Err(error) => self.reload_failed(&log::chain(error)),
        }
        result.map(drop).map_err(Into::into)
    }

    /// Takes note of a configuration that could not be read.
    pub fn reload_failed(&self, message: &str) {
        let failure = ReloadFailure {
            at: SystemTime::now(),
            message: message.to_owned(),
        };
        self.state.reload_failure.store(Arc::new(Some(failure)));
        self.state.stats.reload(false);
        log::reload_failed(message);
    }

    async fn try_reload(&self, config: Config) -> Result<usize, PlanError> {
        if Addresses::of(&config) != self.addresses {
            return Err(PlanError::new(
                "listeners: the addresses have changed, which needs a restart of the program",
            ));
        }
        // One at a time.
        let mut planner = self.planner.lock().await;
        let planned = planner.plan(config).await?;
        let routes = planned.plan.routes.len();
        if let (Some(router), Some(admin)) = (&self.admin, &planned.serving.config.admin) {
            router.store(Arc::new(admin::router(Arc::clone(&self.state), admin)));
        }
        for (current, new) in self.tls.iter().zip(planned.tls) {
            current.store(new.map(Arc::new));
        }
        self.state.serving.store(Arc::new(planned.serving));
        self.gateway.replace(planned.plan);
        Ok(routes)
    }

    /// Takes no more connections, and waits for those that there are to finish what they do, as long
    /// as the configuration says. Then it cuts them off.
    pub async fn drain(self) {
        self.state.draining.store(true, Ordering::SeqCst);
        let stats = &self.state.stats;
        log::draining(stats.connections());
        let patience = self.state.serving.load().config.limits.drain;
        self.phase.send_replace(Phase::Draining);
        // Every connection has a receiver.
        let finished = tokio::time::timeout(patience, self.phase.closed()).await;
        let cut_off = if finished.is_ok() {
            0
        } else {
            stats.connections()
        };
        self.phase.send_replace(Phase::Ended);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.phase.closed()).await;
        log::ended(cut_off);
        self.ended.send_replace(Phase::Ended);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.ended.closed()).await;
    }
}

/// How far the program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    Draining,
    Ended,
}

/// What cannot change without a restart.
#[derive(Debug, PartialEq, Eq)]
struct Addresses {
    listeners: Vec<Address>,
    admin: Option<Address>,
}

impl Addresses {
    fn of(config: &Config) -> Self {
        let listeners = config.listeners.iter();
        let admin = config.admin.as_ref();
        Self {
            listeners: listeners.map(|listener| listener.address.clone()).collect(),
            admin: admin.map(|admin| admin.address.clone()),
        }
    }
}
