//! Clients and upstreams that are slow, and what that does to others: nothing.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum_gateway::config::Protocol;
use axum_gateway::config::Route;
use axum_gateway::config::Timeouts;
use axum_gateway::server::Running;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_tests::patience::soon;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::fixture::Answer;
use crate::fixture::LONG;
use crate::fixture::Standstill;
use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::exchange;
use crate::fixture::get;
use crate::fixture::read_answer;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::stopped;
use crate::fixture::until;
use crate::fixture::upstream;
use crate::fixture::waiting;

const SHORT: Duration = Duration::from_millis(200);
const PATIENT: Timeouts = Timeouts {
    connect: LONG,
    answer: LONG,
    idle: LONG,
    upload: LONG,
};

/// A body of this many pieces of 64 KiB, which counts those that were taken.
struct Pieces {
    left: usize,
    taken: Arc<AtomicUsize>,
}

impl Pieces {
    fn endless(taken: &Arc<AtomicUsize>) -> Self {
        Self {
            left: usize::MAX,
            taken: Arc::clone(taken),
        }
    }

    fn of(number: usize) -> Self {
        Self {
            left: number,
            taken: Arc::default(),
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static PIECE: [u8; 1 << 16] = [b'x'; 1 << 16];
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE)))))
    }
}

/// An upstream over HTTP/2 that reads a body to its end before it answers.
async fn reader() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = service_fn(|request: Request<Incoming>| async {
                request.into_body().collect().await?;
                Ok::<_, hyper::Error>(Response::new(Pieces::of(0)))
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), answer));
        }
    });
    url
}

/// An upstream over HTTP/2 whose answers to `/slow` do not end.
async fn endless(taken: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let taken = Arc::clone(&taken);
            let answer = service_fn(move |request: Request<Incoming>| {
                let body = match request.uri().path() {
                    "/slow" => Pieces::endless(&taken),
                    _ => Pieces::of(1),
                };
                async { Ok::<_, Infallible>(Response::new(body)) }
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), answer));
        }
    });
    url
}

#[tokio::test]
async fn clients_that_read_slowly_do_not_stop_others_of_the_same_upstream() {
    let taken = Arc::default();
    let mut route = route("sqs", &endless(Arc::clone(&taken)).await);
    route.protocol = Protocol::Http2;
    let gateway = start(config(vec![route])).await;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&gateway).await;
        let request = b"GET /sqs/slow HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
        slow.push(stream);
    }
    stopped(&taken).await;
    let fast = get(&gateway, "/sqs/fast", "");
    assert_eq!(soon("an answer comes", fast).await.status(), 200);
}

#[tokio::test]
async fn an_upload_that_its_upstream_does_not_take_does_not_stop_others_of_the_same_client() {
    // It accepts, and reads nothing.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stuck = route("stuck", &format!("http://{}", deaf.local_addr().unwrap()));
    stuck.signer = Signer::builder("s3", "us-east-1").build().unwrap();
    stuck.payload = PayloadMode::Unsigned;
    let server = upstream("fine").await;
    let mut fine = route("fine", &server.url());
    fine.signer = Signer::builder("s3", "us-east-1").build().unwrap();
    fine.payload = PayloadMode::Unsigned;
    let gateway = start(config(vec![stuck, fine])).await;

    let io = TokioIo::new(connect(&gateway).await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let taken = Arc::default();
    let put = |name, body| {
        let request = Request::put(format!("http://localhost/{name}/bucket/key"));
        request.body(body).unwrap()
    };
    let waiting = sender.send_request(put("stuck", Pieces::endless(&taken)));
    stopped(&taken).await;
    let answer = sender.send_request(put("fine", Pieces::of(2)));
    let answer = soon("an answer comes", answer).await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(waiting);
}

#[tokio::test]
async fn a_client_that_opens_no_window_for_its_answers_is_cut_off() {
    let server = upstream("fine").await;
    let timeouts = Timeouts {
        idle: SHORT,
        ..PATIENT
    };
    let gateway = start(waiting(config(vec![route("sqs", &server.url())]), timeouts)).await;
    let clock = Standstill::begin();
    let io = TokioIo::new(connect(&gateway).await);
    let mut client = http2::Builder::new(TokioExecutor::new());
    let client = client.initial_stream_window_size(0);
    let (mut sender, connection) = client.handshake(io).await.unwrap();
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..3 {
        let request = Request::get("http://localhost/sqs/a").body(Pieces::of(0));
        let answer = sender.send_request(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        answers.push(answer);
    }
    let stats = &gateway.state().stats;
    assert_eq!(stats.requests_in_flight(), 3);
    drop(clock);
    until(|| stats.requests_in_flight() == 0 && stats.connections() == 0).await;
    assert_eq!(
        stats.route("sqs").counts().failed,
        [("answer_not_taken", 3)]
    );
}

/// Sends a head and then single bytes, as many as it says, until there is an answer.
async fn drop_by_drop(gateway: &Running, name: &str, bytes: usize) -> Answer {
    let mut stream = connect(gateway).await;
    let head = format!(
        "PUT /{name}/bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: {bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let drops = async {
        for _ in 0..bytes {
            let _ = write.write_all(b"x").await;
            tokio::time::sleep(SHORT / 4).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = drops => unreachable!("it does not end"),
        answer = read_answer(&mut read) => answer,
    }
}

fn s3(name: &str, upstream: &str, payload: PayloadMode) -> Route {
    let mut route = route(name, upstream);
    route.signer = Signer::builder("s3", "us-east-1").build().unwrap();
    route.payload = payload;
    route
}

#[tokio::test]
async fn an_upload_that_goes_on_may_take_longer_than_its_answer() {
    const DROPS: usize = 24;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let timeouts = Timeouts {
        answer: SHORT,
        idle: SHORT * 2,
        ..PATIENT
    };
    let route = s3("s3", &url, PayloadMode::Unsigned);
    let gateway = start(waiting(config(vec![route]), timeouts)).await;
    let clock = Standstill::begin();
    let mut stream = connect(&gateway).await;
    let head = format!(
        "PUT /s3/bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: {DROPS}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let passes = async {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(peer.read_u8().await.unwrap());
        }
        for _ in 0..DROPS {
            clock.pass(SHORT / 4).await;
            stream.write_all(b"x").await.unwrap();
            assert_eq!(peer.read_u8().await.unwrap(), b'x');
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";
        peer.write_all(answer).await.unwrap();
        read_answer(&mut stream).await
    };
    let answer = soon("the upload passes", passes).await;
    assert_eq!((answer.status(), answer.body()), (200, "fine"));
}

#[tokio::test]
async fn an_upstream_that_takes_nothing_of_an_upload_is_given_up() {
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", deaf.local_addr().unwrap());
    // Where it stops while the gateway has nothing more for it, the client has its time first.
    let timeouts = Timeouts {
        answer: SHORT,
        idle: SHORT * 2,
        ..PATIENT
    };
    let route = s3("s3", &url, PayloadMode::Unsigned);
    let gateway = start(waiting(config(vec![route]), timeouts)).await;
    let clock = Standstill::begin();
    let mut stream = connect(&gateway).await;
    let head =
        "PUT /s3/bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let piece = vec![b'x'; 1 << 16];
    let written = AtomicUsize::new(0);
    let upload = async {
        while write.write_all(&piece).await.is_ok() {
            written.fetch_add(1, Ordering::Relaxed);
        }
        std::future::pending::<()>().await;
    };
    let answer = async {
        stopped(&written).await;
        drop(clock);
        read_answer(&mut read).await
    };
    tokio::select! {
        () = upload => unreachable!("it does not end"),
        answer = answer => assert_eq!(answer.status(), 504, "{answer:?}"),
    }
}

#[tokio::test]
async fn an_upload_in_drops_holds_its_place_no_longer_than_it_may() {
    let server = upstream("never").await;
    let reader = reader().await;
    for (payload, protocol, upstream) in [
        (PayloadMode::Hashed, Protocol::Http1, server.url()),
        (PayloadMode::Unsigned, Protocol::Http1, server.url()),
        // Where the client of HTTP/2 does not say why it gave up.
        (PayloadMode::Unsigned, Protocol::Http2, reader),
    ] {
        let timeouts = Timeouts {
            upload: SHORT * 2,
            ..PATIENT
        };
        let mut route = s3("s3", &upstream, payload);
        route.protocol = protocol;
        let gateway = start(waiting(config(vec![route]), timeouts)).await;
        let answer = drop_by_drop(&gateway, "s3", 1000).await;
        assert_eq!(answer.status(), 408, "{payload:?} {protocol:?}: {answer:?}");
        assert!(
            answer.body().contains("did not come to its end"),
            "{answer:?}"
        );
        let stats = &gateway.state().stats;
        until(|| stats.requests_in_flight() == 0).await;
        assert_eq!(stats.route("s3").counts().failed, [("upload_timeout", 1)]);
    }
}

#[tokio::test]
async fn bodies_are_held_as_far_as_there_is_room_and_let_go() {
    const BODY: usize = 60_000;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let server = upstream("fine").await;
    let mut config = config(vec![
        s3("silent", &silent, PayloadMode::Hashed),
        s3("fine", &server.url(), PayloadMode::Hashed),
        s3("passing", &server.url(), PayloadMode::Unsigned),
    ]);
    config.limits.held_bytes = 100_000;
    let gateway = start(config).await;
    let put = |name: &str, length: usize| {
        let body = "x".repeat(length);
        format!(
            "PUT /{name}/bucket/key HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    };
    let mut first = connect(&gateway).await;
    let request = put("silent", BODY);
    first.write_all(request.as_bytes()).await.unwrap();
    let is_held = format!("sigv4_request_body_bytes_total{{route=\"silent\"}} {BODY}\n");
    let stats = &gateway.state().stats;
    until(|| stats.encode().unwrap().contains(&is_held)).await;

    let answer = exchange(connect(&gateway).await, &put("fine", BODY)).await;
    assert_eq!(answer.status(), 503, "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(
        stats.route("fine").counts().rejected,
        [("too_many_bytes", 1)]
    );
    assert!(server.requests().is_empty());
    // What fits does, and what passes needs no room.
    for (name, length) in [("fine", 1000), ("passing", 10 * BODY)] {
        let answer = exchange(connect(&gateway).await, &put(name, length)).await;
        assert_eq!(answer.status(), 200, "{name}: {answer:?}");
    }
    drop(first);
    until(|| stats.requests_in_flight() == 0).await;
    let answer = exchange(connect(&gateway).await, &put("fine", BODY)).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
}
