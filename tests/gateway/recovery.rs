//! The gateway when AWS says that its credentials have ended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use axum::Router;
use axum::body::Body;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::response::Response;
use axum_gateway::server;
use axum_gateway::state::NamedCache;
use axum_gateway::stats::Stats;
use http::StatusCode;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use tokio::net::TcpListener;

use crate::fixture::config;
use crate::fixture::route_at;

/// A clock that the test moves.
#[derive(Clone, Debug)]
struct TestTime {
    start: SystemTime,
    seconds: Arc<AtomicU64>,
}

impl Clock for TestTime {
    fn now(&self) -> SystemTime {
        self.start + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::SeqCst))
    }
}

/// Hands out other credentials each time.
#[derive(Debug, Default)]
struct Rotating(AtomicU64);

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let id = format!("AKID{}", self.0.fetch_add(1, Ordering::SeqCst));
        let credentials = Credentials::new(id, "secret", None, None, "rotating");
        future::ProvideCredentials::ready(Ok(credentials))
    }
}

/// Refuses the first credentials as ended, and else says what it was sent.
async fn answer(request: Request) -> Response {
    let authorization = request.headers()["authorization"].to_str();
    let has_ended = authorization.is_ok_and(|text| text.contains("Credential=AKID0/"));
    let body = to_bytes(request.into_body(), 1 << 20)
        .await
        .expect("the body is small");
    if has_ended {
        let head = [("x-amzn-errortype", "ExpiredTokenException")];
        return (StatusCode::FORBIDDEN, head, "ended").into_response();
    }
    body.into_response()
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("there is a free port");
    let address = listener.local_addr().expect("a listener has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn from_credentials_that_have_ended_goes_unnoticed_by_the_caller() {
    let time = TestTime {
        start: SystemTime::now(),
        seconds: Arc::default(),
    };
    let credentials = CredentialsCache::builder(Rotating::default())
        .clock(time.clone())
        .build();
    credentials.get().await.unwrap();
    time.seconds.store(60, Ordering::SeqCst);

    let address = serve(Router::new().fallback(answer)).await;
    let cache = NamedCache {
        name: "main".into(),
        kind: "rotating",
        cache: credentials.clone(),
        fingerprint: [1; 32],
    };
    let config = config(vec![route_at("sqs", "/", &format!("http://{address}"))]);
    let gateway = server::start_with(config, Stats::new(), vec![cache])
        .await
        .unwrap();
    let address = gateway.addresses()[0];

    let caller: Client<_, Body> = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let request = Request::post(format!("http://{address}/queue"))
        .body(Body::from("Action=ReceiveMessage"))
        .unwrap();
    let response = caller.request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = to_bytes(Body::new(response.into_body()), 1 << 20).await;
    assert_eq!(body.unwrap(), "Action=ReceiveMessage");
    assert_eq!(credentials.last().unwrap().generation(), 2);
}
