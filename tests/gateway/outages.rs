//! Upstreams and sources of credentials that go away and come back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use axum_gateway::server;
use axum_gateway::state::NamedCache;
use axum_gateway::stats::Stats;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::fake_aws::FakeContainer;
use sigv4_tests::fake_aws::Handout;
use sigv4_tests::fake_aws::Script;
use sigv4_tests::fake_aws::Step;
use sigv4_tests::patience::soon;
use sigv4_tests::secrets;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::fixture::Nobody;
use crate::fixture::config;
use crate::fixture::get;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::upstream;

/// Answers everything until it is aborted.
async fn serve(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut octets = [0; 4096];
        let _ = stream.read(&mut octets).await;
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let _ = stream.write_all(answer).await;
    }
}

#[tokio::test]
async fn an_upstream_that_comes_back_is_asked_again() {
    let upstream = Nobody::new();
    let gateway = start(config(vec![route("sqs", &upstream.url())])).await;
    let answer = get(&gateway, "/sqs", "").await;
    assert_eq!(answer.status(), 502, "{answer:?}");
    assert!(
        !answer.0.contains(&upstream.address().to_string()),
        "it keeps addresses to itself"
    );
    for round in 0..2 {
        let serving = tokio::spawn(serve(upstream.listen()));
        let answer = get(&gateway, "/sqs", "").await;
        assert_eq!(answer.status(), 200, "{round}: {answer:?}");
        serving.abort();
        assert!(serving.await.unwrap_err().is_cancelled());
        assert_eq!(get(&gateway, "/sqs", "").await.status(), 502, "{round}");
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_forwarded_until_there_are_some() {
    let server = upstream("fine").await;
    let is_away = Arc::new(AtomicBool::new(true));
    let endpoint = FakeContainer::start().await;
    endpoint.answer_with(Script::by({
        let is_away = Arc::clone(&is_away);
        move || {
            if is_away.load(Ordering::SeqCst) {
                Step::SERVER_ERROR
            } else {
                Step::Hand(Handout::new("recovered"))
            }
        }
    }));
    let client: hyper_util::client::legacy::Client<_, http_body_util::Full<bytes::Bytes>> =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
            .build_http();
    let context = sigv4_core::runtime::light::Context::new(sigv4_tower::ServiceSend::new(client));
    let provider = sigv4_core::runtime::light::Container::new(context)
        .endpoint(endpoint.url().parse().unwrap());
    let cache = NamedCache {
        name: "main".into(),
        kind: "container",
        cache: CredentialsCache::new(provider),
        fingerprint: [1; 32],
    };
    let config = config(vec![route("sqs", &server.url())]);
    // A source that is away keeps nobody from starting.
    let gateway = server::start_with(config, Stats::new(), vec![cache])
        .await
        .unwrap();
    let answer = get(
        &gateway,
        "/sqs",
        "Authorization: AWS4-HMAC-SHA256 of-the-client\r\n",
    )
    .await;
    assert_eq!(answer.status(), 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some());
    assert!(server.requests().is_empty(), "nothing goes out unsigned");
    secrets::assert_no_secret(&answer.0);

    is_away.store(false, Ordering::SeqCst);
    let recovers = async {
        while get(&gateway, "/sqs", "").await.status() != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon("the credentials are there", recovers).await;
    assert!(server.only_request().header("authorization").is_some());
}
