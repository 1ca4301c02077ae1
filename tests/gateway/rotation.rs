//! Keys that somebody replaces in their place, under a configuration that stays the same.

use std::path::Path;

use axum_gateway::config::Config;
use axum_gateway::server::Running;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::Readiness;
use sigv4_core::runtime::StaticKeys;
use sigv4_tests::oracle;
use sigv4_tests::patience::soon;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireServer;
use tempfile::TempDir;

use crate::fixture::config;
use crate::fixture::get;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::upstream;

const NEW: &str = "another+secret/that+came/later+0000000000";

fn with_keys_in(directory: &Path, server: &WireServer) -> Config {
    let mut config = config(vec![route("sqs", &server.url())]);
    let file = format!("file:{}", directory.join("secret").display());
    let keys = StaticKeys::new(secrets::ACCESS_KEY_ID, file);
    config.credentials[0].source = CredentialSource::from(keys);
    config
}

/// Tells whether the next request is signed with this key.
async fn signs_with(gateway: &Running, server: &WireServer, secret: &str) -> bool {
    assert_eq!(get(gateway, "/sqs", "").await.status(), 200);
    let request = server.requests().pop().unwrap();
    oracle::verify(&request.head(), b"", secret).is_ok()
}

#[tokio::test]
async fn a_reload_takes_the_new_ones_and_keeps_the_old_ones_where_there_are_none() {
    let server = upstream("fine").await;
    let directory = TempDir::new().unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, secrets::SECRET_ACCESS_KEY).unwrap();
    let gateway = start(with_keys_in(directory.path(), &server)).await;
    assert!(signs_with(&gateway, &server, secrets::SECRET_ACCESS_KEY).await);

    let reload = async || {
        let config = with_keys_in(directory.path(), &server);
        gateway.reload(config).await
    };
    std::fs::write(&secret, NEW).unwrap();
    reload().await.unwrap();
    let is_new = async {
        while !signs_with(&gateway, &server, NEW).await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon("it is new", is_new).await;

    std::fs::remove_file(&secret).unwrap();
    let _ = reload().await;
    let cache = gateway.state().serving.load().credentials[0].cache.clone();
    let has_failed = async {
        while cache.readiness() == Readiness::Ready {
            assert!(signs_with(&gateway, &server, NEW).await);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon("the source is asked", has_failed).await;
    assert!(signs_with(&gateway, &server, NEW).await);
}
