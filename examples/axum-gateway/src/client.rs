//! The client that sends what was signed: pooled connections to the upstreams.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use http::Request;
use http::Response;
use http::Uri;
use hyper::body::Incoming;
use hyper_rustls::ConfigBuilderExt;
use hyper_rustls::HttpsConnector;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioTimer;
use pin_project_lite::pin_project;
use rustls::ClientConfig;
use rustls::RootCertStore;
use sigv4_tower::BoxError;
use sigv4_tower::ReplayBody;
use sigv4_tower::SignedBody;
use tokio::time::Instant;
use tokio::time::Sleep;
use tower::Service;

use crate::body::Inbound;
use crate::config::Protocol;
use crate::fault::Fault;
use crate::passage::Outgoing;
use crate::passage::Passage;

/// The body of a signed request: sent again where AWS says that the credentials have ended.
pub type SignedRequestBody = SignedBody<ReplayBody<Inbound>>;

type HyperClient = Client<TimedConnector, Outgoing>;

/// The clients of all routes: one for each way of connecting, so that routes to the same upstream
/// share its connections.
#[derive(Clone, Debug)]
pub struct Clients {
    tls: ClientConfig,
    knows_authorities: bool,
    made: HashMap<(Protocol, Duration), Arc<HyperClient>>,
}

impl Clients {
    /// Begins without any.
    ///
    /// # Errors
    ///
    /// When the certificates of this machine cannot be read.
    pub fn new() -> io::Result<Self> {
        let (tls, knows_authorities) = tls_config()?;
        Ok(Self {
            tls,
            knows_authorities,
            made: HashMap::new(),
        })
    }

    /// Returns the client that connects like this.
    pub fn get(&mut self, protocol: Protocol, connect: Duration) -> Arc<HyperClient> {
        let made = self.made.entry((protocol, connect));
        Arc::clone(made.or_insert_with(|| Arc::new(client(&self.tls, protocol, connect))))
    }

    /// Tells whether this machine trusts anybody, without which nobody is reached over https.
    #[must_use]
    pub const fn knows_authorities(&self) -> bool {
        self.knows_authorities
    }

    /// Forgets those that nobody else has, with their connections.
    pub fn retain_used(&mut self) {
        self.made.retain(|_, client| Arc::strong_count(client) > 1);
    }
}

/// The certificates that this machine trusts, or those that `SSL_CERT_FILE` names, and whether there
/// are any.
///
/// # Errors
///
/// When there is no TLS.
pub fn tls_config() -> io::Result<(ClientConfig, bool)> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    match builder.clone().with_native_roots() {
        Ok(builder) => Ok((builder.with_no_client_auth(), true)),
        // A machine without any can still reach what is on loopback.
        Err(_) => {
            let builder = builder.with_root_certificates(RootCertStore::empty());
            Ok((builder.with_no_client_auth(), false))
        }
    }
}

fn client(tls: &ClientConfig, protocol: Protocol, connect: Duration) -> HyperClient {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_keepalive(Some(Duration::from_secs(60)));
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http();
    let connector = match protocol {
        Protocol::Negotiated => builder.enable_http1().enable_http2().wrap_connector(http),
        Protocol::Http1 => builder.enable_http1().wrap_connector(http),
        Protocol::Http2 => builder.enable_http2().wrap_connector(http),
    };
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        // Shorter than what load balancers keep a connection for: the race for one that they are
        // closing is to be rare.
        .pool_idle_timeout(Duration::from_secs(20))
        .http2_only(protocol == Protocol::Http2)
        .http2_initial_stream_window_size(WINDOW)
        .http2_initial_connection_window_size(WINDOW * STREAMS)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .build(TimedConnector {
            inner: connector,
            timeout: connect,
        })
}

/// How much of an answer over HTTP/2 may wait to be taken by its client.
const WINDOW: u32 = 256 * 1024;
/// How many answers that nobody takes leave room for the next one: all requests to an upstream share
/// a connection. It is more than upstreams let through at once.
const STREAMS: u32 = 256;

/// A connector that gives up: with the name, the connection or the TLS handshake.
#[derive(Clone, Debug)]
pub struct TimedConnector {
    inner: HttpsConnector<HttpConnector>,
    timeout: Duration,
}

impl Service<Uri> for TimedConnector {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.timeout, self.inner.call(uri));
        Box::pin(async move { connecting.await.map_err(|_| Fault::ConnectTimeout)? })
    }
}

/// Sends requests, and waits for the heads of their answers as long as the route says: from
/// the last byte that the upstream has taken.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Arc<HyperClient>,
    timeout: Duration,
}

impl Sender {
    /// Makes one of a client.
    #[must_use]
    pub const fn new(client: Arc<HyperClient>, timeout: Duration) -> Self {
        Self { client, timeout }
    }
}

impl Service<Request<SignedRequestBody>> for Sender {
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = Sending;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<SignedRequestBody>) -> Sending {
        let passage = request.extensions_mut().remove::<Arc<Passage>>();
        if let Some(passage) = &passage {
            passage.is_sent();
        }
        let request = request.map(|body| Outgoing::new(body, passage.clone()));
        Sending {
            response: self.client.request(request),
            passage,
            timeout: self.timeout,
            sleep: None,
        }
    }
}

pin_project! {
    /// The head of an answer. The future of [`Sender`].
    #[derive(Debug)]
    pub struct Sending {
        response: hyper_util::client::legacy::ResponseFuture,
        passage: Option<Arc<Passage>>,
        timeout: Duration,
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Future for Sending {
    type Output = Result<Response<Incoming>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(result) = Pin::new(this.response).poll(cx) {
            let broken = || this.passage.as_ref()?.broken();
            return Poll::Ready(result.map_err(|error| broken().unwrap_or_else(|| error.into())));
        }
        if this.sleep.is_none() {
            this.sleep.set(Some(tokio::time::sleep(*this.timeout)));
        }
        if let Some(mut sleep) = this.sleep.as_pin_mut() {
            ready!(sleep.as_mut().poll(cx));
            // While the body passes nobody is late.
            while let Some(passage) = this.passage {
                let end = passage.awaits_upstream_since() + *this.timeout;
                if end <= Instant::now() {
                    break;
                }
                sleep.as_mut().reset(end);
                ready!(sleep.as_mut().poll(cx));
            }
        }
        Poll::Ready(Err(Fault::AnswerTimeout.into()))
    }
}
