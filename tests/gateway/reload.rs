//! Another configuration, while requests come in.

use axum_gateway::config::Address;
use axum_gateway::config::Admin;
use axum_gateway::config::Config;
use axum_gateway::config::Secret;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::runtime::Readiness;
use sigv4_tests::wire::WireServer;
use tokio::io::AsyncWriteExt;

use crate::fixture::bearer;
use crate::fixture::caller;
use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::credentials;
use crate::fixture::exchange_and_stay;
use crate::fixture::read_answer;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::upstream;
use crate::fixture::verified;

const GET: &str = "GET /sqs HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn to(server: &WireServer) -> Config {
    let mut route = route("sqs", &server.url());
    route.signer = Signer::builder("s3", "us-east-1").build().unwrap();
    route.payload = PayloadMode::Unsigned;
    config(vec![route])
}

#[tokio::test]
async fn connections_stay_and_what_has_begun_ends_where_it_began() {
    let (old, new) = (upstream("old").await, upstream("new").await);
    let gateway = start(to(&old)).await;
    let mut stream = connect(&gateway).await;
    assert_eq!(exchange_and_stay(&mut stream, GET).await.body(), "old");

    // An upload is half way.
    let mut upload = connect(&gateway).await;
    let head = "PUT /sqs/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf";
    upload.write_all(head.as_bytes()).await.unwrap();
    crate::fixture::until(|| gateway.state().stats.requests_in_flight() == 1).await;

    gateway.reload(to(&new)).await.unwrap();
    assert_eq!(exchange_and_stay(&mut stream, GET).await.body(), "new");
    upload.write_all(b"half").await.unwrap();
    assert_eq!(read_answer(&mut upload).await.body(), "old");
    let uploaded = old.requests().pop().unwrap();
    assert_eq!(uploaded.body(), b"halfhalf");
    verified(&uploaded, sigv4_tests::oracle::Body::Unsigned);
    assert!(gateway.state().reload_failure.load().is_none());
}

#[tokio::test]
async fn callers_and_limits_are_those_of_the_new_one_on_connections_that_there_are() {
    let server = upstream("fine").await;
    let gateway = start(to(&server)).await;
    let mut stream = connect(&gateway).await;
    assert_eq!(exchange_and_stay(&mut stream, GET).await.status(), 200);
    let mut config = to(&server);
    config.callers = vec![caller("batch", bearer("token"), None)];
    gateway.reload(config).await.unwrap();
    assert_eq!(exchange_and_stay(&mut stream, GET).await.status(), 401);
    let mut config = to(&server);
    config.limits.concurrency = 0;
    gateway.reload(config).await.unwrap();
    assert_eq!(exchange_and_stay(&mut stream, GET).await.status(), 503);
}

#[tokio::test]
async fn a_key_that_is_replaced_opens_nothing_on_a_connection_that_there_is() {
    let server = upstream("fine").await;
    let with_token = |token: &str| {
        let mut config = to(&server);
        config.callers = vec![caller("batch", bearer(token), None)];
        config
    };
    let showing = |token: &str| {
        GET.replace(
            "\r\n\r\n",
            &format!("\r\nAuthorization: Bearer {token}\r\n\r\n"),
        )
    };
    let gateway = start(with_token("old")).await;
    let mut stream = connect(&gateway).await;
    let mut ask = async |token| {
        exchange_and_stay(&mut stream, &showing(token))
            .await
            .status()
    };
    assert_eq!((ask("old").await, ask("new").await), (200, 401));
    gateway.reload(with_token("new")).await.unwrap();
    assert_eq!((ask("old").await, ask("new").await), (401, 200));
}

#[tokio::test]
async fn a_token_of_operators_that_is_replaced_opens_nothing_on_a_connection_that_there_is() {
    let server = upstream("fine").await;
    let with_token = |token: &str| {
        let mut config = to(&server);
        config.admin = Some(Admin {
            address: Address::Tcp("127.0.0.1:0".parse().unwrap()),
            token: Some(Secret::new(token)),
            hosts: Vec::new(),
        });
        config
    };
    let gateway = start(with_token("old")).await;
    let address = gateway.admin_address().unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut ask = async |token| {
        let request = format!(
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        exchange_and_stay(&mut stream, &request).await.status()
    };
    assert_eq!((ask("old").await, ask("new").await), (200, 401));
    gateway.reload(with_token("new")).await.unwrap();
    assert_eq!((ask("old").await, ask("new").await), (401, 200));
}

#[tokio::test]
async fn one_that_cannot_be_served_leaves_the_old_one_serving() {
    let server = upstream("fine").await;
    let gateway = start(to(&server)).await;
    let mut stream = connect(&gateway).await;
    let mut moved = to(&server);
    moved.listeners[0].address = Address::Tcp("127.0.0.1:1".parse().unwrap());
    let mut without_keys = to(&server);
    without_keys.credentials[0].fingerprint = [9; 32];
    without_keys.credentials[0].source = sigv4_core::runtime::CredentialSource::from(
        sigv4_core::runtime::StaticKeys::new("env:NOT_SET_ANYWHERE", "x"),
    );
    for (name, bad, expected) in [
        ("another address", moved, "restart"),
        ("keys that are not there", without_keys, "NOT_SET_ANYWHERE"),
    ] {
        let error = gateway.reload(bad).await.unwrap_err();
        let message = axum_gateway::log::chain(&error);
        assert!(message.contains(expected), "{name}: {message}");
        let failure = gateway.state().reload_failure.load_full();
        let failure = Option::as_ref(&failure).expect("the state says so");
        assert!(failure.message.contains(expected), "{name}");
        assert_eq!(
            exchange_and_stay(&mut stream, GET).await.status(),
            200,
            "{name}"
        );
    }
    // One that can be read no more is said by whoever reads it.
    gateway.reload_failed("gateway.yaml:1:1: no");
    assert_eq!(exchange_and_stay(&mut stream, GET).await.status(), 200);
    gateway.reload(to(&server)).await.unwrap();
    assert!(gateway.state().reload_failure.load().is_none());
}

#[tokio::test]
async fn credentials_that_are_the_same_are_kept() {
    let server = upstream("fine").await;
    let gateway = start(to(&server)).await;
    let cache = |gateway: &axum_gateway::server::Running| {
        gateway.state().serving.load().credentials[0].cache.clone()
    };
    let first = cache(&gateway);
    assert_eq!(first.readiness(), Readiness::Ready);
    // A cache that is another has a `last` of its own.
    let same = |one: &sigv4_core::runtime::CredentialsCache, other: &_| {
        let last = |cache: &sigv4_core::runtime::CredentialsCache| cache.last().unwrap();
        std::sync::Arc::ptr_eq(&last(one), &last(other))
    };
    gateway.reload(to(&server)).await.unwrap();
    assert!(same(&first, &cache(&gateway)));
    assert_eq!(first.last().unwrap().generation(), 1);
    let mut other = to(&server);
    other.credentials = vec![credentials(2)];
    gateway.reload(other).await.unwrap();
    assert!(!same(&first, &cache(&gateway)));
}
