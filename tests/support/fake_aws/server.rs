//! What the fake services have in common: a server that records, and breaks off where it is told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::Response;
use http::Uri;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

use super::handout::Handout;
use super::script::Edit;
use super::script::Gate;
use super::script::Step;
use crate::patience;

/// A request that a fake service was asked.
#[derive(Clone, Debug)]
pub struct SeenRequest {
    parts: Parts,
    body: Bytes,
}

impl SeenRequest {
    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    /// Returns the request target.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.parts.uri
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// Returns the headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// Returns the value of a header that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// Returns the body.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns a field of a form, out of the body or out of the query.
    #[must_use]
    pub fn form(&self, name: &str) -> Option<String> {
        let body = String::from_utf8_lossy(&self.body);
        let query = self.parts.uri.query().unwrap_or_default();
        body.split('&').chain(query.split('&')).find_map(|pair| {
            let value = pair.strip_prefix(name)?.strip_prefix('=')?;
            let value = value.replace('+', " ");
            Some(percent_decode_str(&value).decode_utf8_lossy().into_owned())
        })
    }

    pub(super) const fn head(&self) -> &Parts {
        &self.parts
    }
}

/// What a fake service does about a request.
pub(super) struct Reply {
    gates: Vec<Gate>,
    delivery: Delivery,
}

enum Delivery {
    Whole(Response<String>),
    Half(Response<String>),
    Hang,
    HangUp,
}

impl Reply {
    /// Does what the script says.
    ///
    /// `write` makes the good answer out of other credentials than the service's own, if there are
    /// any, with its fields edited.
    pub(super) fn new(
        step: Step,
        write: impl FnOnce(Option<Handout>, Edit) -> Response<String>,
    ) -> Self {
        let mut gates = Vec::new();
        let mut step = step;
        while let Step::Behind(gate, inner) = step {
            gates.push(gate);
            step = *inner;
        }
        let delivery = match step {
            Step::Good | Step::Behind(..) => Delivery::Whole(write(None, Edit::Nothing)),
            Step::Hand(handout) => Delivery::Whole(write(Some(handout), Edit::Nothing)),
            Step::Without(field) => Delivery::Whole(write(None, Edit::Without(field))),
            Step::Spoilt(field) => Delivery::Whole(write(None, Edit::Spoil(field))),
            Step::Status(code, body) => Delivery::Whole(status(code, body)),
            Step::Malformed => Delivery::Whole(write(None, Edit::Nothing).map(|mut body| {
                body.truncate(body.len() / 2);
                body
            })),
            Step::Half => Delivery::Half(write(None, Edit::Nothing)),
            Step::Hang => Delivery::Hang,
            Step::HangUp => Delivery::HangUp,
        };
        Self { gates, delivery }
    }
}

impl From<Response<String>> for Reply {
    fn from(response: Response<String>) -> Self {
        Self {
            gates: Vec::new(),
            delivery: Delivery::Whole(response),
        }
    }
}

/// An answer of plain text.
pub(super) fn status(status: u16, body: &str) -> Response<String> {
    respond(status, "text/plain", body.to_owned())
}

pub(super) fn respond(status: u16, content_type: &str, body: String) -> Response<String> {
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .body(body)
        .expect("a status and a content type make an answer")
}

/// A JSON document of strings.
pub(super) fn json(code: u16, fields: &[(&str, String)], edit: Edit) -> Response<String> {
    let edited = fields.iter().filter_map(|(name, value)| {
        let value = edit.apply(name, value)?;
        Some(((*name).to_owned(), value.into()))
    });
    let document = serde_json::Value::Object(edited.collect());
    respond(code, "application/json", document.to_string())
}

/// A server that is running. It stops, with its connections, when it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    log: Arc<Log>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(
        answer: impl Fn(&SeenRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let log = Arc::new(Log::default());
        let task = tokio::spawn(accept(listener, Arc::clone(&log), Arc::new(answer)));
        Self { address, log, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn requests(&self) -> Vec<SeenRequest> {
        self.log.requests().clone()
    }

    pub(super) fn forget(&self) {
        self.log.requests().clear();
        self.log.count.send_replace(0);
    }

    pub(super) async fn arrived(&self, count: usize) -> Vec<SeenRequest> {
        let mut counts = self.log.count.subscribe();
        let reached = counts.wait_for(|&arrived| arrived >= count);
        let reached = patience::soon(format_args!("{count} requests arrive"), reached).await;
        reached.expect("the log lives as long as its server");
        self.requests()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug, Default)]
struct Log {
    requests: Mutex<Vec<SeenRequest>>,
    count: watch::Sender<usize>,
}

impl Log {
    fn requests(&self) -> MutexGuard<'_, Vec<SeenRequest>> {
        // A test that failed while it held the lock has told so already.
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, request: SeenRequest) {
        let mut requests = self.requests();
        requests.push(request);
        self.count.send_replace(requests.len());
    }
}

type Answer = dyn Fn(&SeenRequest) -> Reply + Send + Sync;

async fn accept(listener: TcpListener, log: Arc<Log>, answer: Arc<Answer>) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&log), Arc::clone(&answer)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, log: Arc<Log>, answer: Arc<Answer>) {
    let service = service_fn(|request| reply(request, &log, &*answer));
    // An error is what a fault in the script looks like from here.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn reply(
    request: Request<Incoming>,
    log: &Log,
    answer: &Answer,
) -> io::Result<Response<Pieces>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let seen = SeenRequest { parts, body };
    log.push(seen.clone());
    let Reply { gates, delivery } = answer(&seen);
    for gate in gates {
        gate.pass().await;
    }
    match delivery {
        Delivery::Whole(response) => Ok(response.map(Pieces::whole)),
        Delivery::Half(response) => Ok(response.map(Pieces::half)),
        Delivery::Hang => pending::<Result<_, Infallible>>()
            .await
            .map_err(io::Error::other),
        // Hyper closes the connection where a service fails.
        Delivery::HangUp => Err(io::Error::other("hangs up")),
    }
}

/// A body that knows how long it is, and may not come to its end.
struct Pieces {
    length: u64,
    pieces: VecDeque<io::Result<Bytes>>,
}

impl Pieces {
    fn whole(body: String) -> Self {
        Self {
            length: body.len() as u64,
            pieces: VecDeque::from([Ok(Bytes::from(body))]),
        }
    }

    fn half(body: String) -> Self {
        let mut pieces = Self::whole(body);
        if let Some(Ok(body)) = pieces.pieces.front_mut() {
            body.truncate(body.len() / 2);
        }
        let broken = io::Error::other("breaks off in the middle");
        pieces.pieces.push_back(Err(broken));
        pieces
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = self.pieces.pop_front();
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
