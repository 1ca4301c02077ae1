//! The same over HTTP, for callers with keys.

mod reply;
mod sign;
mod stream;

use std::error::Error;
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum::routing::post;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::Providers;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::callers::Callers;
use crate::config::Config;
use crate::config::ConfigFault;
use crate::environment;
use crate::openapi;
use crate::server::stream::Impatient;

pub(crate) use crate::server::reply::Reply;
pub(crate) use crate::server::sign::SignService;

/// How long a client may take, and how many there may be at once.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Patience {
    /// For the head of a request, and between requests.
    pub head: Duration,
    /// For its body.
    pub body: Duration,
    /// For each piece of an answer to be taken.
    pub answer: Duration,
    /// For the last answers, when the server is told to end.
    pub end: Duration,
    /// How many connections are served at once. The next wait.
    pub connections: usize,
    /// How many bodies are held at once. The next wait.
    pub bodies: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            answer: Duration::from_secs(10),
            end: Duration::from_secs(10),
            connections: 512,
            bodies: 32,
        }
    }
}

/// Who sends the requests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Front {
    /// Nobody: callers connect.
    Nobody,
    /// The host of Azure Functions, on this port of loopback (`FUNCTIONS_CUSTOMHANDLER_PORT`). Its
    /// keys guard the door; who calls is told by the keys of the configuration all the same.
    Functions {
        /// The port.
        port: u16,
    },
}

/// A server that runs. It ends at once when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Running {
    address: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Begins to serve.
///
/// # Errors
///
/// When the configuration cannot be served, or the address is taken.
pub async fn start(
    config: &Config,
    front: Front,
    patience: Patience,
) -> Result<Running, StartError> {
    let callers = Callers::new(&config.callers, config.anyone.clone())
        .map_err(|error| StartError::because("a caller cannot be", error))?;
    let address = match front {
        Front::Functions { port } => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        Front::Nobody => config.listen,
    };
    if callers.allow_anyone() && !address.ip().is_loopback() {
        let remedy = "lets anyone call from other machines; leave out `anyone` and give each \
                      caller a key, or listen on 127.0.0.1";
        return Err(StartError::because(
            "the address cannot be listened on",
            ConfigFault::new("listen", remedy),
        ));
    }
    let credentials = credentials(config)?;
    let cannot_listen = |error: io::Error| {
        let error = ConfigFault::new(address.to_string(), error.to_string());
        StartError::because("the address cannot be listened on", error)
    };
    let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let service = SignService::new(callers, config.limits(), credentials, front, &patience);
    let router = router(Arc::new(service), front);
    let (end, ended) = oneshot::channel();
    let task = tokio::spawn(serve(listener, router, patience, ended));
    Ok(Running {
        address,
        end: Some(end),
        task,
    })
}

impl Running {
    /// Returns where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, and returns when those that have begun are answered.
    pub async fn end(mut self) {
        if let Some(end) = self.end.take() {
            // Nobody listens where it has ended already.
            let _ = end.send(());
        }
        // A task that panicked has ended, too.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Makes the cache of the credentials that everything is signed with.
fn credentials(config: &Config) -> Result<CredentialsCache, StartError> {
    let client = environment::client()
        .map_err(|error| StartError::because("no client for credentials can be made", error))?;
    let builder = config
        .credentials
        .cache(&Providers::light(client))
        .map_err(|error| StartError::because("the credentials cannot be", error))?;
    Ok(builder.build())
}

fn router(service: Arc<SignService>, front: Front) -> Router {
    let sign = || post(sign::take);
    let document = || get(openapi::answer);
    let mut router = Router::new()
        .route("/sign", sign())
        .route("/openapi.json", document())
        .route("/healthz", get(sign::health));
    if let Front::Functions { .. } = front {
        // What is forwarded has the prefix of all functions; what is wrapped, the function's name.
        router = router
            .route("/api/sign", sign())
            .route("/api/openapi.json", document())
            .route("/openapi", post(openapi::answer_wrapped));
    }
    router
        .fallback(sign::unknown_path)
        .method_not_allowed_fallback(sign::other_method)
        .with_state(service)
}

async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Patience,
    mut ended: oneshot::Receiver<()>,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(patience.connections));
    loop {
        let accepting = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            biased;
            _ = &mut ended => break,
            accepted = accepting => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // No file is left for it, for example. Others may end in the meantime.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let connection = connection(stream, router.clone(), &patience);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Whatever is wrong with a connection, its client knows.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    // Who takes longer than that is cut off.
    let _ = tokio::time::timeout(patience.end, graceful.shutdown()).await;
}

type Connection = http1::Connection<TokioIo<Impatient<TcpStream>>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, router: Router, patience: &Patience) -> Connection {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(
            TokioIo::new(Impatient::new(stream, patience.answer)),
            TowerToHyperService::new(router),
        )
}

const LONGEST_HEAD: usize = 32 * 1024;

/// Why it cannot begin to serve.
#[derive(Debug)]
pub struct StartError {
    message: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

impl StartError {
    fn because(message: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        let source = Box::new(source);
        Self { message, source }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
