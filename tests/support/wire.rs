//! A small HTTP/1.1 server on loopback that records requests byte for byte.
//!
//! It parses by hand and as little as it can: what a client puts on the wire is kept as it came,
//! neither path nor query nor header lines are normalised. It answers what a closure says. A request
//! that has not come to its end after a minute is answered with the end of its connection.
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use sigv4_tests::wire::WireResponse;
//! use sigv4_tests::wire::WireServer;
//!
//! let server = WireServer::start(|_| WireResponse::new(200).body("hello")).await;
//! // … send something to server.url() …
//! for request in server.requests() {
//!     println!("{}", request.request_line());
//! }
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

use std::borrow::Cow;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::request::Parts;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

use crate::patience;

/// A server that is running. It stops, with its connections, when it is dropped; that panics where
/// a closure has, or a request did not come to its end, so that its test fails.
#[derive(Debug)]
pub struct WireServer {
    address: SocketAddr,
    record: Arc<Record>,
    task: JoinHandle<()>,
    watch: JoinHandle<()>,
}

impl WireServer {
    /// Starts a server on a free port of loopback. `answer` is called for every request that has
    /// arrived whole.
    ///
    /// # Panics
    ///
    /// When loopback has no free port.
    pub async fn start(
        answer: impl Fn(&WireRequest) -> WireResponse + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let record = Arc::new(Record::default());
        let task = tokio::spawn(accept(listener, Arc::clone(&record), Arc::new(answer)));
        Self {
            address,
            record,
            task,
            watch: patience::keep_watch(),
        }
    }

    /// Returns `http://127.0.0.1:port`, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns `127.0.0.1:port`.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Returns the address of the listener.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what has arrived so far, in the order in which it did.
    ///
    /// A request is recorded before it is answered, so that one whose answer was read is there.
    #[must_use]
    pub fn requests(&self) -> Vec<WireRequest> {
        self.record.requests().clone()
    }

    /// Waits until so many requests have arrived, whole or not. For requests without an answer.
    ///
    /// # Panics
    ///
    /// When they have not within [a minute](patience::LIMIT).
    pub async fn arrived(&self, count: usize) -> Vec<WireRequest> {
        let mut counts = self.record.count.subscribe();
        let reached = counts.wait_for(|&arrived| arrived >= count);
        let reached = patience::soon(format_args!("{count} requests arrive"), reached).await;
        reached.expect("the record lives as long as its server");
        self.requests()
    }

    /// Returns the only request that has arrived.
    ///
    /// # Panics
    ///
    /// When there are none or several.
    #[must_use]
    pub fn only_request(&self) -> WireRequest {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "one request arrived");
        requests.remove(0)
    }
}

impl Drop for WireServer {
    fn drop(&mut self) {
        self.task.abort();
        self.watch.abort();
        let has_failed = self.record.has_failed.load(Ordering::Relaxed);
        assert!(
            !has_failed || thread::panicking(),
            "a connection of the server has failed, as is said above"
        );
    }
}

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireRequest {
    request_line: Vec<u8>,
    header_lines: Vec<Vec<u8>>,
    body: Vec<u8>,
    trailer_lines: Vec<Vec<u8>>,
    is_whole: bool,
}

impl WireRequest {
    /// Returns the request line without its line break: `GET /a?b HTTP/1.1`.
    #[must_use]
    pub fn request_line(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.request_line)
    }

    /// Returns the octets of the request line.
    #[must_use]
    pub fn request_line_bytes(&self) -> &[u8] {
        &self.request_line
    }

    /// Returns the header lines in their order, without their line breaks and with their names in
    /// the case in which they came.
    #[must_use]
    pub fn header_lines(&self) -> &[Vec<u8>] {
        &self.header_lines
    }

    /// Returns the body, without the framing of the chunked coding.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the lines behind the last chunk.
    #[must_use]
    pub fn trailer_lines(&self) -> &[Vec<u8>] {
        &self.trailer_lines
    }

    /// Tells whether the body came to the end that its framing announced. Where it is false the
    /// client went away before.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.words().0)
    }

    /// Returns the request target as it stands between the blanks of the request line.
    #[must_use]
    pub fn target(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.words().1)
    }

    /// Returns the target up to its question mark.
    #[must_use]
    pub fn path(&self) -> String {
        let target = self.target();
        target
            .split_once('?')
            .map_or(&*target, |(path, _)| path)
            .to_owned()
    }

    /// Returns the target behind its question mark.
    #[must_use]
    pub fn query(&self) -> Option<String> {
        let target = self.target();
        target.split_once('?').map(|(_, query)| query.to_owned())
    }

    /// Returns the values of a header, trimmed, in their order.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<Cow<'_, str>> {
        self.fields()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| String::from_utf8_lossy(value))
            .collect()
    }

    /// Returns the value of a header that is there at most once.
    ///
    /// # Panics
    ///
    /// When the header is repeated.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.values(name);
        assert!(values.len() < 2, "{name} arrived once");
        values.pop()
    }

    /// Returns the head in the types of `http`, for [`oracle::verify`](crate::oracle::verify).
    ///
    /// # Panics
    ///
    /// When those types cannot hold it.
    #[must_use]
    pub fn head(&self) -> Parts {
        let mut headers = HeaderMap::new();
        for (name, value) in self.fields() {
            let name = HeaderName::from_bytes(name).expect("a header name arrived");
            let value = HeaderValue::from_bytes(value).expect("a header value arrived");
            headers.append(name, value);
        }
        let mut request = Request::builder()
            .method(self.words().0)
            .uri(self.words().1)
            .body(())
            .expect("a method and a request target arrived");
        *request.headers_mut() = headers;
        request.into_parts().0
    }

    fn words(&self) -> (&[u8], &[u8]) {
        let line = &self.request_line[..];
        let first = line.iter().position(|&byte| byte == b' ');
        let last = line.iter().rposition(|&byte| byte == b' ');
        match (first, last) {
            (Some(first), Some(last)) if first < last => (&line[..first], &line[first + 1..last]),
            _ => (line, b""),
        }
    }

    fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.header_lines.iter().filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        })
    }
}

/// What the server answers.
#[derive(Clone, Debug)]
#[must_use]
pub struct WireResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    closes: bool,
}

impl WireResponse {
    /// Begins an answer with a status, without headers and with an empty body.
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            closes: false,
        }
    }

    /// Adds a header. `content-length` is there already.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Ends the connection behind the answer.
    pub const fn close(mut self) -> Self {
        self.closes = true;
        self
    }

    fn to_bytes(&self, to_head: bool) -> Vec<u8> {
        let mut text = format!(
            "HTTP/1.1 {} Answer\r\ncontent-length: {}\r\n",
            self.status,
            self.body.len()
        );
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.closes {
            text.push_str("connection: close\r\n");
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        if !to_head {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

#[derive(Debug, Default)]
struct Record {
    requests: Mutex<Vec<WireRequest>>,
    count: watch::Sender<usize>,
    /// Whether the task of a connection has panicked, of which its client sees only the end.
    has_failed: AtomicBool,
}

impl Record {
    fn requests(&self) -> MutexGuard<'_, Vec<WireRequest>> {
        // A test that failed while it held the lock has told so already.
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, request: WireRequest) {
        let mut requests = self.requests();
        requests.push(request);
        self.count.send_replace(requests.len());
    }
}

type Answer = dyn Fn(&WireRequest) -> WireResponse + Send + Sync;

async fn accept(listener: TcpListener, record: Arc<Record>, answer: Arc<Answer>) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&record), Arc::clone(&answer)));
        while connections.try_join_next().is_some() {}
    }
}

/// Says in a record that whoever has this has panicked.
struct Watched(Arc<Record>);

impl Drop for Watched {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.has_failed.store(true, Ordering::Relaxed);
        }
    }
}

async fn serve(stream: TcpStream, record: Arc<Record>, answer: Arc<Answer>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    // Dropped before the stream: who sees the end of that finds it said.
    let _watched = Watched(Arc::clone(&record));
    while let Some(request_line) = line(&mut stream).await? {
        // A client that has begun and does not go on is one that would wait for ever.
        let rest = patience::soon("the rest of a request", read(&mut stream, request_line));
        let Some(request) = rest.await? else {
            break;
        };
        record.push(request.clone());
        if !request.is_whole {
            break;
        }
        let response = answer(&request);
        let bytes = response.to_bytes(request.method() == "HEAD");
        stream.get_mut().write_all(&bytes).await?;
        if response.closes {
            break;
        }
    }
    stream.get_mut().shutdown().await
}

/// Reads what follows a request line. `None` where the client went away in the head.
async fn read(
    stream: &mut BufReader<TcpStream>,
    request_line: Vec<u8>,
) -> io::Result<Option<WireRequest>> {
    let Some(header_lines) = lines(stream).await? else {
        return Ok(None);
    };
    let mut request = WireRequest {
        request_line,
        header_lines,
        body: Vec::new(),
        trailer_lines: Vec::new(),
        is_whole: false,
    };
    let says = |name, token: &str| {
        let values: Vec<Cow<'_, str>> = request.values(name);
        values.iter().any(|value| value.eq_ignore_ascii_case(token))
    };
    if says("expect", "100-continue") {
        let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
        stream.get_mut().write_all(go_on).await?;
    }
    if says("transfer-encoding", "chunked") {
        request.is_whole = read_chunks(stream, &mut request).await?;
    } else {
        let lengths = request.values("content-length");
        let length = lengths.first().map_or(Ok(0), |length| length.parse());
        let length = length.map_err(io::Error::other)?;
        request.is_whole = read_exactly(stream, length, &mut request.body).await?;
    }
    Ok(Some(request))
}

/// Reads chunks and trailers. False where the client went away before their end.
async fn read_chunks(
    stream: &mut BufReader<TcpStream>,
    request: &mut WireRequest,
) -> io::Result<bool> {
    loop {
        let Some(size) = line(stream).await? else {
            return Ok(false);
        };
        let size = String::from_utf8_lossy(&size);
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
        if size == 0 {
            let trailers = lines(stream).await?;
            let is_whole = trailers.is_some();
            request.trailer_lines = trailers.unwrap_or_default();
            return Ok(is_whole);
        }
        let has_come = read_exactly(stream, size, &mut request.body).await?;
        if !has_come || line(stream).await?.is_none() {
            return Ok(false);
        }
    }
}

/// Appends so many octets. False where fewer came.
async fn read_exactly(
    stream: &mut BufReader<TcpStream>,
    length: u64,
    body: &mut Vec<u8>,
) -> io::Result<bool> {
    let before = body.len();
    let read = stream.take(length).read_to_end(body).await;
    // A client that resets the connection has gone away as well as one that ends it.
    let has_come = read.is_ok() && (body.len() - before) as u64 == length;
    Ok(has_come)
}

/// Reads the lines up to an empty one. `None` where the client went away before.
async fn lines(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<Vec<u8>>>> {
    let mut lines = Vec::new();
    loop {
        match line(stream).await? {
            None => return Ok(None),
            Some(line) if line.is_empty() => return Ok(Some(lines)),
            Some(line) => lines.push(line),
        }
    }
}

/// Reads a line and takes its line break off. `None` where there is no whole line any more.
async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn exchange(server: &WireServer, sent: &[u8]) -> String {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(sent).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn records_what_came_and_answers_what_it_is_told() {
        let answer = |request: &WireRequest| match &*request.method() {
            "PUT" => WireResponse::new(201).header("x-a", "b").body("done"),
            _ => WireResponse::new(404),
        };
        let server = WireServer::start(answer).await;
        let sent = b"PUT /a//../%zz{?+b=c|d HTTP/1.1\r\nHost:  h\r\nX-A: 1\r\nx-a:2\r\n\
            Content-Length: 4\r\n\r\nbodyHEAD /b HTTP/1.1\r\nHost: h\r\n\r\n";
        let answers = exchange(&server, sent).await;
        assert_eq!(
            answers,
            "HTTP/1.1 201 Answer\r\ncontent-length: 4\r\nx-a: b\r\n\r\ndone\
             HTTP/1.1 404 Answer\r\ncontent-length: 0\r\n\r\n"
        );
        let [put, head] = &server.requests()[..] else {
            panic!("two requests were sent");
        };
        assert_eq!(put.request_line(), "PUT /a//../%zz{?+b=c|d HTTP/1.1");
        assert_eq!(
            (put.path(), put.query()),
            ("/a//../%zz{".to_owned(), Some("+b=c|d".to_owned()))
        );
        assert_eq!(put.header_lines()[0], b"Host:  h");
        assert_eq!(put.values("X-a"), ["1", "2"]);
        assert_eq!((put.body(), put.is_whole()), (&b"body"[..], true));
        assert_eq!(put.head().uri.path(), "/a//../%zz{");
        assert_eq!(head.target(), "/b");
    }

    /// Its client may be one that expects an error, and takes this for it.
    #[tokio::test]
    #[should_panic(expected = "a connection of the server has failed")]
    async fn fails_its_test_where_a_closure_does() {
        let server = WireServer::start(|_| panic!("it is not what was expected")).await;
        assert_eq!(exchange(&server, b"GET / HTTP/1.1\r\n\r\n").await, "");
    }

    #[tokio::test]
    async fn reads_chunks_and_trailers() {
        let server = WireServer::start(|_| WireResponse::new(200).close()).await;
        let sent = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
            4\r\nbody\r\na;x=y\r\n 0123456\r\n\r\n0\r\nx-checksum: 1\r\n\r\n";
        exchange(&server, sent).await;
        let request = server.only_request();
        assert_eq!(request.body(), b"body 0123456\r\n");
        assert_eq!(request.trailer_lines(), [b"x-checksum: 1"]);
        assert!(request.is_whole());
    }

    #[tokio::test]
    async fn records_a_body_that_ends_too_early_as_such() {
        let server = WireServer::start(|_| WireResponse::new(200)).await;
        for sent in [
            &b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nbody"[..],
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n",
        ] {
            assert_eq!(exchange(&server, sent).await, "");
        }
        for request in server.arrived(2).await {
            assert_eq!(request.body(), b"body");
            assert!(!request.is_whole());
        }
    }
}
