//! Unix sockets.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use axum_gateway::config::Address;
use axum_gateway::config::Config;
use axum_gateway::server;
use axum_gateway::stats::Stats;
use tempfile::TempDir;
use tokio::net::UnixStream;

use crate::fixture::config;
use crate::fixture::exchange;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::upstream;
use crate::fixture::verified;

fn at(path: &Path, mode: u32, upstream: &str) -> Config {
    let mut config = config(vec![route("sqs", upstream)]);
    config.listeners[0].address = Address::Unix {
        path: path.to_owned(),
        mode,
    };
    config
}

#[tokio::test]
async fn requests_come_over_a_socket_that_is_removed_at_the_end() {
    let server = upstream("fine").await;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("gateway.sock");
    // One that was left behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());

    let gateway = start(at(&path, 0o660, &server.url())).await;
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let request = "GET /sqs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let stream = UnixStream::connect(&path).await.unwrap();
    assert_eq!(exchange(stream, request).await.status(), 200);
    verified(&server.only_request(), b"");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);

    gateway.drain().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn what_somebody_else_has_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("gateway.sock");
    let refused = async |path: &Path| {
        let result = server::start(at(path, 0o600, "http://127.0.0.1:9"), Stats::new()).await;
        axum_gateway::log::chain(&result.unwrap_err())
    };
    let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let message = refused(&path).await;
    assert!(message.contains("another process"), "{message}");
    assert!(message.contains("gateway.sock"), "{message}");
    assert!(path.exists());
    drop(other);

    std::fs::remove_file(&path).unwrap();
    let datagrams = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let message = refused(&path).await;
    assert!(message.contains("another process"), "{message}");
    drop(datagrams);

    let file = directory.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let message = refused(&file).await;
    assert!(message.contains("no socket"), "{message}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

#[tokio::test]
async fn a_process_that_is_too_busy_to_take_connections_keeps_its_socket() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("gateway.sock");
    let socket = tokio::net::UnixSocket::new_stream().unwrap();
    socket.bind(&path).unwrap();
    let busy = socket.listen(1).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = UnixStream::connect(&path).await {
        waiting.push(stream);
    }

    let config = at(&path, 0o600, "http://127.0.0.1:9");
    let error = server::start(config, Stats::new()).await.unwrap_err();
    let message = axum_gateway::log::chain(&error);
    assert!(message.contains("another process"), "{message}");
    assert!(busy.accept().await.is_ok());
    assert!(
        UnixStream::connect(&path).await.is_ok(),
        "it is still there"
    );
}
