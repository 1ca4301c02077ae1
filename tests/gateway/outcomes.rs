//! What is counted of requests, and what they are called.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum_gateway::config::Timeouts;
use axum_gateway::server::Running;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::fixture::LONG;
use crate::fixture::Nobody;
use crate::fixture::Standstill;
use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::get;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::stopped;
use crate::fixture::until;
use crate::fixture::waiting;

/// An upstream that sends this when it has got something, and stays or goes.
async fn begins(answer: &'static str, stays: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            if stays {
                open.push(stream);
            }
        }
    });
    url
}

/// Sends a request and leaves, when this much of the answer has come.
async fn leave_after(gateway: &Running, bytes: usize) {
    let mut stream = connect(gateway).await;
    let request = b"GET /a/b HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    until(|| gateway.state().stats.requests_in_flight() == 1).await;
    let mut octets = Vec::new();
    while octets.len() < bytes {
        assert_ne!(stream.read_buf(&mut octets).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn each_request_is_counted_once_by_how_it_ended() {
    const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst";
    const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst";
    const CHUNKED: &str =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";
    const SHORT: Duration = Duration::from_millis(300);
    let patient = Timeouts {
        connect: LONG,
        answer: LONG,
        idle: LONG,
        upload: LONG,
    };
    let for_an_answer = Timeouts {
        answer: SHORT,
        ..patient
    };
    let for_its_rest = Timeouts {
        idle: SHORT,
        ..patient
    };
    let nobody = Nobody::new();
    for (name, upstream, timeouts, leaves_after, failed) in [
        ("whole", begins(WHOLE, true).await, patient, None, None),
        ("chunked", begins(CHUNKED, true).await, patient, None, None),
        ("empty", begins(EMPTY, true).await, patient, None, None),
        (
            "stalled",
            begins(HALF, true).await,
            for_its_rest,
            None,
            Some("answer_stalled"),
        ),
        (
            "broken",
            begins(HALF, false).await,
            patient,
            None,
            Some("answer_broken"),
        ),
        (
            "silent",
            begins("", true).await,
            for_an_answer,
            None,
            Some("answer_timeout"),
        ),
        (
            "closed",
            begins("", false).await,
            patient,
            None,
            Some("upstream_unreachable"),
        ),
        (
            "away",
            nobody.url(),
            patient,
            None,
            Some("upstream_unreachable"),
        ),
        (
            "left",
            begins("", true).await,
            patient,
            Some(0),
            Some("client_gone"),
        ),
        (
            "left later",
            begins(HALF, true).await,
            patient,
            Some(20),
            Some("client_gone"),
        ),
    ] {
        let gateway = start(waiting(config(vec![route("a", &upstream)]), timeouts)).await;
        match leaves_after {
            Some(bytes) => leave_after(&gateway, bytes).await,
            None => drop(get(&gateway, "/a/b", "").await),
        }
        let stats = &gateway.state().stats;
        until(|| stats.requests_in_flight() == 0).await;
        let counts = stats.route("a").counts();
        let signed: u64 = counts.signed.iter().sum();
        let expected: Vec<_> = failed.map(|reason| (reason, 1)).into_iter().collect();
        assert_eq!(counts.failed, expected, "{name}");
        assert_eq!(signed, u64::from(failed.is_none()), "{name}");
        assert!(counts.rejected.is_empty(), "{name}");
        // Clients leave for their own reasons.
        let is_shown = failed.is_some_and(|reason| reason != "client_gone");
        assert_eq!(stats.latest().len(), usize::from(is_shown), "{name}");
    }
}

#[tokio::test]
async fn an_answer_that_its_client_does_not_take_is_counted_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let piece = vec![b'x'; 1 << 16];
        while stream.write_all(&piece).await.is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let timeouts = Timeouts {
        connect: LONG,
        answer: LONG,
        idle: Duration::from_millis(300),
        upload: LONG,
    };
    let gateway = start(waiting(config(vec![route("a", &url)]), timeouts)).await;
    // Until nothing goes on any more nobody is late, the upstream least.
    let clock = Standstill::begin();
    let mut stream = connect(&gateway).await;
    let request = b"GET /a/b HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    stopped(&written).await;
    assert_eq!(gateway.state().stats.requests_in_flight(), 1);
    drop(clock);
    until(|| gateway.state().stats.requests_in_flight() == 0).await;
    let counts = gateway.state().stats.route("a").counts();
    assert_eq!(counts.failed, [("answer_not_taken", 1)]);
}

#[tokio::test]
async fn an_answer_has_the_id_that_is_in_the_log_and_that_of_the_upstream_beside_it() {
    let server =
        WireServer::start(|_| WireResponse::new(200).header("x-request-id", "theirs")).await;
    let gateway = start(config(vec![route("a", &server.url())])).await;
    let answer = get(&gateway, "/a/b", "x-request-id: mine\r\n").await;
    assert_eq!(answer.header("x-request-id"), Some("mine"));
    assert_eq!(answer.header("x-upstream-request-id"), Some("theirs"));
    let answer = get(&gateway, "/a/b", "x-request-id: theirs\r\n").await;
    assert_eq!(answer.header("x-request-id"), Some("theirs"));
    assert_eq!(answer.header("x-upstream-request-id"), None);
}
