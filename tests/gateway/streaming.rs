//! Bodies pass as they come.

use std::time::Duration;

use axum_gateway::config::Route;
use sigv4_core::AwsChunked;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_tests::patience::soon;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::fixture::Nobody;
use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::exchange;
use crate::fixture::exchange_and_stay;
use crate::fixture::get;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::upstream;

#[tokio::test]
async fn the_first_event_is_there_before_the_last_one_was_made() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (go_on, is_read) = oneshot::channel();
    let upstream = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
        }
        let first = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                      Transfer-Encoding: chunked\r\n\r\nd\r\ndata: first\n\n\r\n";
        stream.write_all(first).await.unwrap();
        is_read.await.unwrap();
        let last = b"c\r\ndata: last\n\n\r\n0\r\n\r\n";
        stream.write_all(last).await.unwrap();
    });
    let gateway = start(config(vec![route("bedrock", &url)])).await;
    let mut stream = connect(&gateway).await;
    let request = b"GET /bedrock HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();

    // A gateway that gathers the answer would wait for ever.
    let read = async {
        let mut answer = Vec::new();
        while !answer.ends_with(b"first\n\n\r\n") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
        go_on.send(()).unwrap();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.ends_with(b"data: last\n\n\r\n0\r\n\r\n"));
    };
    soon("the answer passes", read).await;
    upstream.await.unwrap();
}

#[tokio::test]
async fn an_unsigned_upload_is_on_its_way_before_it_is_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let gateway = start(config(vec![passing(&url, PayloadMode::Unsigned)])).await;
    let mut stream = connect(&gateway).await;
    let head = b"PUT /s3/bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\
                 Connection: close\r\n\r\nfirst";
    stream.write_all(head).await.unwrap();
    let passes = async {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut octets = Vec::new();
        while !octets.ends_with(b"first") {
            assert_ne!(peer.read_buf(&mut octets).await.unwrap(), 0);
        }
        stream.write_all(b"last").await.unwrap();
        while !octets.ends_with(b"firstlast") {
            assert_ne!(peer.read_buf(&mut octets).await.unwrap(), 0);
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        peer.write_all(answer).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.ends_with(b"ok"));
    };
    soon("the upload passes", passes).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_upstream_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let writing = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let piece = vec![b'x'; 1 << 16];
        let mut written = 0_usize;
        let pause = Duration::from_millis(500);
        while let Ok(Ok(())) = tokio::time::timeout(pause, stream.write_all(&piece)).await {
            written += piece.len();
        }
        written
    });
    let gateway = start(config(vec![route("sqs", &url)])).await;
    let mut stream = connect(&gateway).await;
    let request = b"GET /sqs HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let written = soon("the upstream is held back", writing).await.unwrap();
    // What the buffers of two connections take; the rest of the billion waits.
    assert!(written < 64 << 20, "{written}");
}

#[tokio::test]
async fn an_upstream_that_does_not_read_holds_the_client_back() {
    for payload in [
        PayloadMode::Unsigned,
        PayloadMode::AwsChunked(AwsChunked::signed()),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gateway = start(config(vec![passing(&url, payload)])).await;
        let mut stream = connect(&gateway).await;
        let head = b"PUT /s3/bucket/key HTTP/1.1\r\nHost: localhost\r\n\
                     Content-Length: 1000000000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let (peer, _) = soon("the gateway connects", listener.accept())
            .await
            .unwrap();
        let piece = vec![b'x'; 1 << 16];
        let mut written = 0_usize;
        let pause = Duration::from_millis(500);
        while let Ok(Ok(())) = tokio::time::timeout(pause, stream.write_all(&piece)).await {
            written += piece.len();
        }
        // As many as the buffers of two connections take.
        assert!(written < 64 << 20, "{payload:?}: {written}");
        drop(peer);
    }
}

#[tokio::test]
async fn an_answer_before_the_end_of_a_body_says_that_the_connection_ends() {
    let answering = |answer: &'static str| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut octets = Vec::new();
            while !octets.ends_with(b"first") {
                assert_ne!(stream.read_buf(&mut octets).await.unwrap(), 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        url
    };
    let denied = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    let nobody = Nobody::new();
    for (name, answer, target, length, expected) in [
        ("no route", Some(""), "/elsewhere", "9", 404),
        ("over the limit", Some(""), "/sqs", "9999999", 413),
        ("the upstream is gone", Some(""), "/s3/bucket/key", "9", 502),
        ("an early answer", Some(denied), "/s3/bucket/key", "9", 403),
        ("no upstream", None, "/s3/bucket/key", "9", 502),
    ] {
        let upstream = match answer {
            Some(answer) => answering(answer).await,
            None => nobody.url(),
        };
        let routes = vec![
            passing(&upstream, PayloadMode::Unsigned),
            route("sqs", &upstream),
        ];
        let gateway = start(config(routes)).await;
        let request = format!(
            "PUT {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\nfirst"
        );
        // Reads until the connection has ended.
        let answer = exchange(connect(&gateway).await, &request).await;
        assert_eq!(answer.status(), expected, "{name}: {answer:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{name}");
    }
}

#[tokio::test]
async fn a_connection_stays_when_a_body_has_come_whole() {
    let server = upstream("fine").await;
    let routes = vec![
        passing(&server.url(), PayloadMode::Unsigned),
        route("sqs", &server.url()),
    ];
    let gateway = start(config(routes)).await;
    let mut stream = connect(&gateway).await;
    for (target, expected) in [("/s3/bucket/key", 200), ("/sqs", 200), ("/elsewhere", 404)] {
        for body in [
            "Content-Length: 5\r\n\r\nwhole",
            "Content-Length: 0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n",
        ] {
            if expected == 404 && !body.contains(": 0") {
                // Nobody reads what is refused.
                continue;
            }
            let request = format!("POST {target} HTTP/1.1\r\nHost: localhost\r\n{body}");
            let answer = exchange_and_stay(&mut stream, &request).await;
            assert_eq!(answer.status(), expected, "{target} {body:?}: {answer:?}");
            assert_eq!(answer.header("connection"), None, "{target} {body:?}");
        }
    }
}

/// A route of S3, of which bodies pass.
fn passing(upstream: &str, payload: PayloadMode) -> Route {
    let mut route = route("s3", upstream);
    route.signer = Signer::builder("s3", "us-east-1").build().unwrap();
    route.payload = payload;
    route
}

#[tokio::test]
async fn a_websocket_is_refused_by_name() {
    let server = upstream("never").await;
    let gateway = start(config(vec![route("api", &server.url())])).await;
    let request = "GET /api HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
                   Connection: upgrade, close\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let answer = exchange(connect(&gateway).await, request).await;
    assert_eq!(answer.status(), 501, "{answer:?}");
    assert!(answer.body().contains("WebSocket"), "{answer:?}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_answer_passes_as_it_is() {
    let server = WireServer::start(|_| {
        WireResponse::new(418)
            .header("x-amzn-requestid", "1")
            .header("x-request-id", "of the upstream")
            .body("teapot")
    })
    .await;
    let gateway = start(config(vec![route("sqs", &server.url())])).await;
    let answer = get(&gateway, "/sqs", "").await;
    assert_eq!((answer.status(), answer.body()), (418, "teapot"));
    assert_eq!(answer.header("x-amzn-requestid"), Some("1"));
    let theirs = answer.header("x-upstream-request-id");
    assert_eq!(theirs, Some("of the upstream"));
    assert_eq!(answer.header("content-length"), Some("6"));
}
