//! How the gateway ends.

use std::net::SocketAddr;
use std::time::Duration;

use axum_gateway::config::Address;
use axum_gateway::config::Admin;
use sigv4_tests::patience::soon;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::fixture::Standstill;
use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::exchange;
use crate::fixture::exchange_and_stay;
use crate::fixture::read_answer;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::until;
use crate::fixture::upstream;

/// An upstream that answers when it is told to.
async fn held_back() -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (go_on, told) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut octets = [0; 4096];
        let _ = stream.read(&mut octets).await;
        let _ = told.await;
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate";
        let _ = stream.write_all(answer).await;
        let _ = stream.read(&mut octets).await;
    });
    (url, go_on)
}

#[tokio::test]
async fn what_has_begun_is_finished_and_nothing_new_begins() {
    let (url, go_on) = held_back().await;
    let server = upstream("fine").await;
    let gateway = start(config(vec![
        route("late", &url),
        route("sqs", &server.url()),
    ]))
    .await;
    let address = gateway.addresses()[0];
    let state = gateway.state().clone();

    let mut idle = connect(&gateway).await;
    let request = "GET /sqs HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(exchange_and_stay(&mut idle, request).await.status(), 200);
    let mut busy = connect(&gateway).await;
    let request = b"GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n";
    busy.write_all(request).await.unwrap();
    until(|| state.stats.requests_in_flight() == 1).await;

    let drained = tokio::spawn(gateway.drain());
    let mut octets = Vec::new();
    let read = soon("it is closed", idle.read_to_end(&mut octets)).await;
    assert_eq!(read.unwrap(), 0);
    assert!(state.draining.load(std::sync::atomic::Ordering::SeqCst));
    until(|| std::net::TcpStream::connect(address).is_err()).await;
    assert!(!drained.is_finished());

    go_on.send(()).unwrap();
    let answer = read_answer(&mut busy).await;
    assert_eq!((answer.status(), answer.body()), (200, "late"));
    soon("it ends", drained).await.unwrap();
}

#[tokio::test]
async fn connections_are_taken_until_those_who_ask_know_that_it_ends() {
    let server = upstream("fine").await;
    let mut config = config(vec![route("sqs", &server.url())]);
    config.limits.drain_delay = Duration::from_millis(500);
    config.admin = Some(Admin {
        address: Address::Tcp("127.0.0.1:0".parse().unwrap()),
        token: None,
        hosts: Vec::new(),
    });
    let gateway = start(config).await;
    let (address, admin) = (gateway.addresses()[0], gateway.admin_address().unwrap());
    let state = gateway.state().clone();
    let ask = async |address: SocketAddr, path: &str| {
        let stream = TcpStream::connect(address).await.unwrap();
        let lines = "Host: localhost\r\nConnection: close\r\n\r\n";
        let request = format!("GET {path} HTTP/1.1\r\n{lines}");
        exchange(stream, &request).await.status()
    };
    assert_eq!(ask(admin, "/readyz").await, 200);

    let clock = Standstill::begin();
    let begin = tokio::time::Instant::now();
    let drained = tokio::spawn(gateway.drain());
    until(|| state.draining.load(std::sync::atomic::Ordering::SeqCst)).await;
    assert_eq!(ask(admin, "/readyz").await, 503);
    assert_eq!(ask(address, "/sqs").await, 200);
    assert!(!drained.is_finished());
    drop(clock);
    soon("it ends", drained).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(500));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut_off() {
    let (url, _held_back) = held_back().await;
    let mut config = config(vec![route("late", &url)]);
    config.limits.drain = Duration::from_millis(100);
    let gateway = start(config).await;
    let mut busy: TcpStream = connect(&gateway).await;
    let request = b"GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n";
    busy.write_all(request).await.unwrap();
    let state = gateway.state().clone();
    until(|| state.stats.requests_in_flight() == 1).await;
    soon("it ends", gateway.drain()).await;
    let mut octets = Vec::new();
    let _ = soon("it is cut off", busy.read_to_end(&mut octets)).await;
    assert!(octets.is_empty());
    until(|| state.stats.connections() == 0 && state.stats.requests_in_flight() == 0).await;
}
