//! Takes connections, and hands each to a task of its own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use arc_swap::ArcSwapOption;
use axum::Router;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::Phase;
use super::connection;
use super::connection::Arrival;
use super::listener::Listener;
use super::listener::Stream;
use crate::gateway::Gateway;
use crate::log;
use crate::stats::Stats;

/// What the connections of a listener come to.
#[derive(Clone)]
pub(super) struct Entrance {
    pub(super) index: usize,
    pub(super) gateway: Arc<Gateway>,
    pub(super) tls: Arc<ArcSwapOption<TlsAcceptor>>,
    pub(super) stats: Stats,
    pub(super) phase: watch::Receiver<Phase>,
}

impl Entrance {
    /// Takes connections until the program is told to end.
    pub(super) async fn open(self, listener: Listener) {
        let phase = self.phase.clone();
        let welcome = |stream| drop(tokio::spawn(self.clone().welcome(stream)));
        accept(listener, phase, welcome).await;
    }

    async fn welcome(self, stream: Stream) {
        let _open = self.stats.connection();
        let Self { index, phase, .. } = self;
        let timeouts = self.gateway.timeouts();
        let Some(tls) = self.tls.load_full() else {
            let arrival = Arrival::new(index, Vec::new());
            return connection::serve(stream, arrival, self.gateway, timeouts, phase).await;
        };
        let handshake = tokio::time::timeout(timeouts.head, tls.accept(stream));
        // What is wrong with a handshake, the client learns; strangers do not fill the log.
        let Ok(Ok(stream)) = handshake.await else {
            return;
        };
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let arrival = Arrival::new(index, certificates.to_vec());
        connection::serve(stream, arrival, self.gateway, timeouts, phase).await;
    }
}

/// Serves operators until the program has ended.
pub(super) async fn open_admin(
    listener: Listener,
    router: Arc<ArcSwap<Router>>,
    ended: watch::Receiver<Phase>,
) {
    let welcome = |stream: Stream| {
        let service = TowerToHyperService::new(Router::clone(&router.load()));
        tokio::spawn(async move {
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new());
            // Who goes away in the middle is no news.
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    };
    accept(listener, ended, welcome).await;
}

/// Accepts until there is another phase, whatever happens.
async fn accept(listener: Listener, mut phase: watch::Receiver<Phase>, welcome: impl Fn(Stream)) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let accepted = tokio::select! {
            biased;
            _ = phase.wait_for(|phase| *phase > Phase::Serving) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(stream) => {
                pause = SHORTEST_PAUSE;
                welcome(stream);
            }
            // That connection is gone, and the next one may be fine.
            Err(error) if is_of_one_connection(&error) => {}
            // There are no descriptors left, for example. There will be some when others end.
            Err(error) => {
                log::connection_failed(&listener, "accept", &error);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
