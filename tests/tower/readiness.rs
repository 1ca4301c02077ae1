//! The service that is called is the one that was polled ready.

use std::convert::Infallible;
use std::future::Ready;
use std::future::ready;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Empty;
use http_body_util::Full;
use sigv4_tests::secrets;
use sigv4_tower::AnswerErrorsLayer;
use sigv4_tower::BoxError;
use sigv4_tower::SigV4;
use sigv4_tower::UpstreamLayer;
use tower::Layer;
use tower::Service;

use crate::fixture::authorizer;
use crate::fixture::builder_with;
use crate::fixture::get;
use crate::fixture::send;
use crate::shared::credentials::Gate;

const HOST: &str = "sqs.us-east-1.amazonaws.com";
const URI: &str = "https://sqs.us-east-1.amazonaws.com/";

/// A service that wants to be polled ready before each call. Its clones are not ready.
#[derive(Debug, Default)]
struct MustReady {
    is_ready: bool,
}

impl Clone for MustReady {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<B> Service<Request<B>> for MustReady {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(self.is_ready, "called without having been polled ready");
        self.is_ready = false;
        ready(Ok(Response::new(Empty::new())))
    }
}

#[tokio::test]
async fn is_that_of_the_service_that_is_called() {
    let mut client = SigV4::new(MustReady::default(), authorizer("sqs", HOST));
    for _ in 0..3 {
        let request = Request::post(URI)
            .body(Full::<Bytes>::from("body"))
            .unwrap();
        send(&mut client, request).await.unwrap();
        let empty = Request::post(URI).body(Full::<Bytes>::default()).unwrap();
        send(&mut client, empty).await.unwrap();
    }
}

#[tokio::test]
async fn is_kept_while_the_credentials_are_awaited() {
    let gate = Gate::closed();
    let authorizer = builder_with(gate.clone(), "sqs", HOST).build();
    let mut client = SigV4::new(MustReady::default(), authorizer);
    assert!(poll_ready(&mut client).is_ready());
    let first = client.call(get(URI));
    // Another request in the meantime does not take the readiness of the first one away.
    assert!(poll_ready(&mut client).is_ready());
    let second = client.call(get(URI));
    gate.open();
    first.await.unwrap();
    second.await.unwrap();
}

#[tokio::test]
async fn passes_through_every_layer() {
    let signed = SigV4::new(MustReady::default(), authorizer("sqs", HOST));
    let upstream = UpstreamLayer::new(URI).unwrap();
    let mut proxy = AnswerErrorsLayer::new().layer(upstream.layer(signed));
    for _ in 0..3 {
        let response = send(&mut proxy, get("/")).await.unwrap();
        assert_eq!(response.status(), 200);
    }
}

/// A service whose readiness is what the test says.
#[derive(Clone, Debug, Default)]
struct Told {
    readiness: Arc<Mutex<Readiness>>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Readiness {
    #[default]
    Busy,
    Broken,
    Ready,
}

impl Told {
    fn becomes(&self, readiness: Readiness) {
        *self.readiness.lock().unwrap() = readiness;
    }
}

impl<B> Service<Request<B>> for Told {
    type Response = Response<Empty<Bytes>>;
    type Error = BoxError;
    type Future = Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match *self.readiness.lock().unwrap() {
            Readiness::Busy => Poll::Pending,
            Readiness::Broken => Poll::Ready(Err("the pool is closed".into())),
            Readiness::Ready => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::new(Empty::new())))
    }
}

fn poll_ready<S: Service<Request<Empty<Bytes>>>>(service: &mut S) -> Poll<Result<(), S::Error>> {
    service.poll_ready(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn is_waited_for_and_its_errors_are_told() {
    let client = Told::default();
    let upstream = UpstreamLayer::new(URI).unwrap();
    let mut proxy = upstream.layer(SigV4::new(client.clone(), authorizer("sqs", HOST)));
    assert!(poll_ready(&mut proxy).is_pending());
    client.becomes(Readiness::Broken);
    let Poll::Ready(Err(error)) = poll_ready(&mut proxy) else {
        panic!("the error is told");
    };
    assert_eq!(error.to_string(), "the pool is closed");
    client.becomes(Readiness::Ready);
    assert!(matches!(poll_ready(&mut proxy), Poll::Ready(Ok(()))));
}

#[tokio::test]
async fn is_answered_where_errors_are() {
    let client = Told::default();
    let authorizer = builder_with(secrets::credentials(), "sqs", HOST).build();
    let mut proxy = AnswerErrorsLayer::new().layer(SigV4::new(client.clone(), authorizer));
    assert!(poll_ready(&mut proxy).is_pending(), "back-pressure is kept");

    client.becomes(Readiness::Broken);
    assert!(matches!(poll_ready(&mut proxy), Poll::Ready(Ok(()))));
    // However often it is asked, it is one request that gets the error.
    assert!(matches!(poll_ready(&mut proxy), Poll::Ready(Ok(()))));
    let answer = proxy.call(get(URI)).await.unwrap();
    assert_eq!(answer.status(), 502);
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&text).contains("pool"));

    client.becomes(Readiness::Busy);
    assert!(
        poll_ready(&mut proxy).is_pending(),
        "back-pressure is kept afterwards"
    );
    client.becomes(Readiness::Ready);
    let answer = send(&mut proxy, get(URI)).await.unwrap();
    assert_eq!(answer.status(), 200);
}
