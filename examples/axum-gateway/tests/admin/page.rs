//! The status page.

use axum_gateway::admin;

use crate::busy;
use crate::fixture;

/// For a browser: `cargo test -p axum-gateway --test admin -- --ignored --nocapture serves_the_page`.
#[tokio::test]
#[ignore = "it serves the page until it is ended"]
async fn serves_the_page() {
    let state = busy::gateway().await;
    let address = std::env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    eprintln!("http://{}/", listener.local_addr().unwrap());
    let router = admin::router(state, &fixture::admin());
    axum::serve(listener, router).await.unwrap();
}
