//! How long the gateway waits, and for how many at once.

use std::time::Duration;

use axum_gateway::config::Timeouts;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sigv4_core::PayloadMode;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::fixture::LONG;
use crate::fixture::Standstill;
use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::exchange;
use crate::fixture::exchange_and_stay;
use crate::fixture::get;
use crate::fixture::read_answer;
use crate::fixture::route;
use crate::fixture::start;
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

/// An upstream that sends this when it has got something, and then nothing more.
async fn stalling(begins: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut octets = [0; 4096];
            let _ = stream.read(&mut octets).await;
            let _ = stream.write_all(begins.as_bytes()).await;
            open.push(stream);
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn requests_beyond_the_limit_are_told_to_come_again() {
    let server = upstream("fine").await;
    let slow = stalling("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst").await;
    let held = stalling("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst").await;
    let mut config = config(vec![
        route("slow", &slow),
        route("held", &held),
        route("sqs", &server.url()),
    ]);
    config.limits.concurrency = 1;
    let gateway = start(config).await;
    let request = |name| format!("GET /{name} HTTP/1.1\r\nHost: localhost\r\n\r\n");

    // An answer that has begun counts until its body has ended.
    let mut stream = connect(&gateway).await;
    stream.write_all(request("held").as_bytes()).await.unwrap();
    let mut octets = Vec::new();
    while !octets.ends_with(b"first") {
        assert_ne!(stream.read_buf(&mut octets).await.unwrap(), 0);
    }
    let answer = get(&gateway, "/sqs", "").await;
    assert_eq!(answer.status(), 503, "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(server.requests().is_empty());

    // So does one whose client went away, until that is known.
    drop(stream);
    until(|| gateway.state().stats.requests_in_flight() == 0).await;
    assert_eq!(get(&gateway, "/sqs", "").await.status(), 200);

    let answer = exchange_and_stay(&mut connect(&gateway).await, &request("slow")).await;
    assert_eq!(answer.body(), "first");
    assert_eq!(get(&gateway, "/sqs", "").await.status(), 200);
}

#[tokio::test]
async fn an_answer_in_http2_that_is_not_taken_holds_no_place_for_ever() {
    let server = upstream("fine").await;
    // More than a client has to take that has not said so.
    let long = "x".repeat(1 << 20);
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n{long}");
    let long = stalling(long.leak()).await;
    let timeouts = Timeouts {
        idle: SHORT,
        ..PATIENT
    };
    let routes = vec![route("long", &long), route("sqs", &server.url())];
    let mut config = waiting(config(routes), timeouts);
    config.limits.concurrency = 1;
    let gateway = start(config).await;
    let clock = Standstill::begin();
    let io = TokioIo::new(connect(&gateway).await);
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1024)
        .handshake(io)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("http://localhost/long").body(Empty::<Bytes>::new());
    let answer = sender.send_request(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(get(&gateway, "/sqs", "").await.status(), 503);

    drop(clock);
    until(|| gateway.state().stats.requests_in_flight() == 0).await;
    assert_eq!(get(&gateway, "/sqs", "").await.status(), 200);
    assert!(answer.into_body().collect().await.is_err());
    let _ = connection.await.unwrap();
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_in_time_is_given_up() {
    let silent = stalling("").await;
    let timeouts = Timeouts {
        answer: SHORT,
        ..PATIENT
    };
    let gateway = start(waiting(config(vec![route("sqs", &silent)]), timeouts)).await;
    let answer = get(&gateway, "/sqs", "").await;
    assert_eq!(answer.status(), 504, "{answer:?}");
    assert!(
        answer.body().contains("did not begin its answer"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn an_upstream_that_takes_no_connection_in_time_is_given_up() {
    // The backlog is full: the system answers no more of those who want in.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting_connections = Vec::new();
    for _ in 0..4 {
        let connecting = tokio::net::TcpStream::connect(address);
        waiting_connections.push(tokio::time::timeout(SHORT, connecting).await);
    }
    let timeouts = Timeouts {
        connect: SHORT,
        ..PATIENT
    };
    let route = route("sqs", &format!("http://{address}"));
    let gateway = start(waiting(config(vec![route]), timeouts)).await;
    let answer = get(&gateway, "/sqs", "").await;
    assert_eq!(answer.status(), 504, "{answer:?}");
    assert!(answer.body().contains("took no connection"), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_stalls_is_cut_off() {
    let half = stalling("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst").await;
    let timeouts = Timeouts {
        idle: SHORT,
        ..PATIENT
    };
    let gateway = start(waiting(config(vec![route("sqs", &half)]), timeouts)).await;
    let answer = get(&gateway, "/sqs", "").await;
    assert_eq!((answer.status(), answer.body()), (200, "first"));
    until(|| gateway.state().stats.requests_in_flight() == 0).await;
}

#[tokio::test]
async fn a_client_that_stalls_its_upload_is_told_so() {
    for payload in [PayloadMode::Hashed, PayloadMode::Unsigned] {
        let server = upstream("never").await;
        let timeouts = Timeouts {
            idle: SHORT,
            ..PATIENT
        };
        let mut route = route("s3", &server.url());
        route.signer = sigv4_core::Signer::builder("s3", "us-east-1")
            .build()
            .unwrap();
        route.payload = payload;
        let gateway = start(waiting(config(vec![route]), timeouts)).await;
        let request =
            "PUT /s3/bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf";
        let mut stream = connect(&gateway).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_answer(&mut stream).await;
        assert_eq!(answer.status(), 408, "{payload:?}: {answer:?}");
        until(|| gateway.state().stats.requests_in_flight() == 0).await;
        assert!(server.requests().iter().all(|request| !request.is_whole()));
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_ends_the_connection() {
    let server = upstream("fine").await;
    let mut config = config(vec![route("sqs", &server.url())]);
    config.limits.head_timeout = SHORT;
    let gateway = start(config).await;
    let answer = exchange(connect(&gateway).await, "GET /sqs HTTP/1.1\r\nHost: loc").await;
    assert_eq!(answer.status(), 0, "{answer:?}");

    // One that follows a whole request, too.
    let mut stream = connect(&gateway).await;
    let request = "GET /sqs HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(exchange_and_stay(&mut stream, request).await.status(), 200);
    let answer = exchange(stream, "GET /sqs HTTP/1.1\r\nHost: loc").await;
    assert_eq!(answer.status(), 0, "{answer:?}");
}

#[tokio::test]
async fn a_connection_without_requests_is_closed_after_a_while() {
    let server = upstream("fine").await;
    let mut config = config(vec![route("sqs", &server.url())]);
    config.limits.keep_alive = SHORT;
    let gateway = start(config).await;
    let silent = exchange(connect(&gateway).await, "").await;
    assert_eq!(silent.status(), 0);
    let mut stream = connect(&gateway).await;
    let request = "GET /sqs HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(exchange_and_stay(&mut stream, request).await.status(), 200);
    assert_eq!(exchange(stream, "").await.status(), 0);
    assert_eq!(gateway.state().stats.connections(), 0);
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let piece = vec![b'x'; 1 << 16];
        while stream.write_all(&piece).await.is_ok() {}
    });
    let timeouts = Timeouts {
        idle: SHORT,
        ..PATIENT
    };
    let gateway = start(waiting(config(vec![route("sqs", &url)]), timeouts)).await;
    let mut stream = connect(&gateway).await;
    let request = b"GET /sqs HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    until(|| gateway.state().stats.requests_in_flight() == 1).await;
    until(|| gateway.state().stats.connections() == 0).await;
    assert_eq!(gateway.state().stats.requests_in_flight(), 0);
}
