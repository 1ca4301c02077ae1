//! What these tests begin with: configurations, a gateway in this process, and a client that writes
//! what it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use axum_gateway::config::Address;
use axum_gateway::config::Caller;
use axum_gateway::config::CallerKey;
use axum_gateway::config::Config;
use axum_gateway::config::Credentials;
use axum_gateway::config::Limits;
use axum_gateway::config::Listener;
use axum_gateway::config::Log;
use axum_gateway::config::LogRequests;
use axum_gateway::config::Match;
use axum_gateway::config::Protocol;
use axum_gateway::config::Route;
use axum_gateway::config::Secret;
use axum_gateway::config::Timeouts;
use axum_gateway::server;
use axum_gateway::server::Running;
use axum_gateway::stats::Stats;
use http::Method;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::StaticKeys;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Verified;
use sigv4_tests::patience;
use sigv4_tests::patience::pause;
use sigv4_tests::patience::soon;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::UpstreamLayer;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;

/// What the gateway waits for where a test is not about that: longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// A configuration with these routes, on one port of loopback, for everybody there.
pub(crate) fn config(routes: Vec<Route>) -> Config {
    Config {
        listeners: vec![listener()],
        admin: None,
        callers: Vec::new(),
        credentials: vec![credentials(1)],
        routes,
        limits: Limits {
            concurrency: 100,
            held_bytes: 1 << 30,
            head_timeout: LONG,
            keep_alive: LONG,
            drain_delay: Duration::ZERO,
            drain: LONG,
        },
        log: Log {
            json: true,
            requests: LogRequests::None,
        },
    }
}

pub(crate) fn listener() -> Listener {
    Listener {
        address: Address::Tcp("127.0.0.1:0".parse().unwrap()),
        tls: None,
        hosts: Vec::new(),
        anonymous: false,
    }
}

/// The credentials `main`, those of the fixtures.
pub(crate) fn credentials(fingerprint: u8) -> Credentials {
    let keys = StaticKeys::new(secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
    Credentials {
        name: "main".into(),
        source: CredentialSource::from(keys),
        fingerprint: [fingerprint; 32],
    }
}

/// A route that takes what is below `/name`, and removes that.
pub(crate) fn route(name: &str, upstream: &str) -> Route {
    route_at(name, &format!("/{name}"), upstream)
}

/// A route that takes what is below this path, and removes that.
pub(crate) fn route_at(name: &str, path: &str, upstream: &str) -> Route {
    let layer = UpstreamLayer::new(upstream).unwrap();
    let layer = layer.strip_path_prefix(path);
    Route {
        name: name.into(),
        matches: Match {
            path: path.to_owned(),
            methods: Vec::new(),
            hosts: Vec::new(),
        },
        upstream: upstream.to_owned(),
        scope: layer.host_scope(),
        layer,
        signer: Signer::builder("sqs", "us-east-1").build().unwrap(),
        payload: PayloadMode::Hashed,
        body_limit: 1 << 20,
        in_query: None,
        credentials: "main".into(),
        timeouts: Timeouts {
            connect: LONG,
            answer: LONG,
            idle: LONG,
            upload: LONG,
        },
        protocol: Protocol::Negotiated,
        described: Vec::new(),
    }
}

/// The same for some methods only.
pub(crate) fn with_methods(mut route: Route, methods: &[Method]) -> Route {
    route.matches.methods = methods.to_vec();
    route
}

/// The same for some hosts only.
pub(crate) fn with_hosts(mut route: Route, hosts: &[&str]) -> Route {
    route.matches.hosts = hosts.iter().map(|&host| host.to_owned()).collect();
    route
}

/// A caller that may use some routes, or all.
pub(crate) fn caller(name: &str, key: CallerKey, routes: Option<&[&str]>) -> Caller {
    let routes = routes.map(|routes| routes.iter().map(|&route| Arc::from(route)).collect());
    Caller {
        name: name.into(),
        key,
        routes,
    }
}

pub(crate) fn bearer(token: &str) -> CallerKey {
    CallerKey::Bearer(Secret::new(token))
}

pub(crate) fn header(name: &'static str, value: &str) -> CallerKey {
    CallerKey::Header {
        name: http::HeaderName::from_static(name),
        value: Secret::new(value),
    }
}

/// Starts a gateway. It ends when it is dropped.
pub(crate) async fn start(config: Config) -> Running {
    server::start(config, Stats::new()).await.unwrap()
}

/// An upstream that answers everything with 200 and the name.
pub(crate) async fn upstream(name: &'static str) -> WireServer {
    WireServer::start(move |_| WireResponse::new(200).body(name)).await
}

/// Has a request judged as it arrived.
#[track_caller]
pub(crate) fn verified<'a>(request: &WireRequest, body: impl Into<oracle::Body<'a>>) -> Verified {
    let head = request.head();
    let body: oracle::Body<'a> = body.into();
    oracle::verify(&head, body, secrets::SECRET_ACCESS_KEY).unwrap()
}

/// Connects to the first listener.
pub(crate) async fn connect(gateway: &Running) -> TcpStream {
    TcpStream::connect(gateway.addresses()[0]).await.unwrap()
}

/// Sends a GET request with these lines in its head.
pub(crate) async fn get(gateway: &Running, target: &str, lines: &str) -> Answer {
    let host = if lines.to_ascii_lowercase().contains("host:") {
        ""
    } else {
        "Host: localhost\r\n"
    };
    let request = format!("GET {target} HTTP/1.1\r\n{host}Connection: close\r\n{lines}\r\n");
    exchange(connect(gateway).await, &request).await
}

/// Sends what it is given, and reads until the connection ends. The request has to say that it does.
pub(crate) async fn exchange<S>(mut stream: S, request: &str) -> Answer
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut octets = Vec::new();
    // A server that has enough of a client may reset the connection behind its answer.
    let _ = soon("the connection ends", stream.read_to_end(&mut octets)).await;
    Answer(String::from_utf8(octets).unwrap())
}

/// Sends a request on a connection that stays, and reads its answer: head and body, by its length.
pub(crate) async fn exchange_and_stay<S>(stream: &mut S, request: &str) -> Answer
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(request.as_bytes()).await.unwrap();
    read_answer(stream).await
}

/// Reads one answer.
pub(crate) async fn read_answer<S: AsyncRead + Unpin>(stream: &mut S) -> Answer {
    let mut octets = Vec::new();
    let read = async {
        loop {
            let answer = Answer(String::from_utf8_lossy(&octets).into_owned());
            if answer.is_whole() || stream.read_buf(&mut octets).await.unwrap() == 0 {
                return answer;
            }
        }
    };
    soon("an answer comes", read).await
}

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer(pub(crate) String);

impl Answer {
    /// Returns its status; 0 where there is none.
    pub(crate) fn status(&self) -> u16 {
        let status = self.0.split(' ').nth(1);
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next()?;
        head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(": ")?;
            field.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    fn is_whole(&self) -> bool {
        let length = self.header("content-length").and_then(|it| it.parse().ok());
        self.0.contains("\r\n\r\n") && self.body().len() >= length.unwrap_or(usize::MAX)
    }
}

/// An address where nobody listens, and nobody else will as long as this is there.
pub(crate) struct Nobody {
    socket: TcpSocket,
}

impl Nobody {
    pub(crate) fn new() -> Self {
        let socket = Self::at("127.0.0.1:0".parse().unwrap());
        Self { socket }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Listens there after all, until the listener is dropped.
    pub(crate) fn listen(&self) -> TcpListener {
        Self::at(self.address()).listen(16).unwrap()
    }

    fn at(address: SocketAddr) -> TcpSocket {
        let socket = TcpSocket::new_v4().unwrap();
        // A port that is bound, and not listened on, can be bound once more by who says so too.
        socket.set_reuseaddr(true).unwrap();
        #[cfg(unix)]
        socket.set_reuseport(true).unwrap();
        socket.bind(address).unwrap();
        socket
    }
}

/// The clock of this process's gateways stands still as long as this is there, whatever really
/// takes its time: what is to be seen before a timeout is looked at in peace.
///
/// [`soon`] and [`until`] work all the same.
pub(crate) struct Standstill {
    _work: mpsc::Sender<()>,
}

impl Standstill {
    pub(crate) fn begin() -> Self {
        tokio::time::pause();
        // A clock that is paused jumps ahead when nobody has anything to do. Somebody has.
        let (work, is_done) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || is_done.recv());
        Self { _work: work }
    }

    /// Lets time pass, as much as is said and no more.
    pub(crate) async fn pass(&self, time: Duration) {
        const STEP: Duration = Duration::from_millis(5);
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(STEP);
            tokio::time::advance(step).await;
            left -= step;
        }
    }
}

impl Drop for Standstill {
    fn drop(&mut self) {
        tokio::time::resume();
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(is_so: impl Fn() -> bool) -> impl Future<Output = ()> {
    patience::until("it comes to that", is_so)
}

/// Waits until something has begun and goes on no more.
#[track_caller]
pub(crate) fn stopped(count: &AtomicUsize) -> impl Future<Output = ()> {
    soon("it stops", async move {
        let (mut before, mut rounds) = (0, 0);
        while rounds < 3 {
            // All who can go on do in each round, on the one thread that they have.
            pause(Duration::from_millis(100)).await;
            let now = count.load(Ordering::Relaxed);
            rounds = if now > 0 && now == before {
                rounds + 1
            } else {
                0
            };
            before = now;
        }
    })
}

/// Sets what all routes wait for.
pub(crate) fn waiting(mut config: Config, timeouts: Timeouts) -> Config {
    for route in &mut config.routes {
        route.timeouts = timeouts;
    }
    config
}
