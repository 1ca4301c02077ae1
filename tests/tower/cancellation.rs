//! A future that is dropped before its request was handed on has sent nothing and stops nobody.

use std::pin::pin;
use std::task::Context;
use std::task::Waker;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use sigv4_tower::SigV4;
use tower::ServiceExt;

use crate::doubles::Recorder;
use crate::fixture::authorizer;
use crate::fixture::builder_with;
use crate::fixture::get;
use crate::shared::body::Pieces;
use crate::shared::body::Step;
use crate::shared::credentials::Gate;

const HOST: &str = "sqs.us-east-1.amazonaws.com";
const URI: &str = "https://sqs.us-east-1.amazonaws.com/";

/// Polls a future some times and drops it.
#[track_caller]
fn begin_and_drop(future: impl Future) {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        assert!(future.as_mut().poll(&mut cx).is_pending());
    }
}

#[tokio::test]
async fn while_the_body_is_read() {
    let client = Recorder::new();
    let signer = SigV4::new(client.clone(), authorizer("sqs", HOST));
    let body = Pieces::of(["one ", "two"]).then(Step::Hang);
    let request = Request::post(URI).body(body).unwrap();
    begin_and_drop(signer.clone().oneshot(request));
    assert_eq!(client.calls(), 0);

    let request = Request::post(URI)
        .body(Full::<Bytes>::from("body"))
        .unwrap();
    signer.oneshot(request).await.unwrap();
    assert_eq!(client.calls(), 1);
}

#[tokio::test]
async fn while_the_credentials_are_awaited() {
    let client = Recorder::new();
    let gate = Gate::closed();
    let authorizer = builder_with(gate.clone(), "sqs", HOST).build();
    let signer = SigV4::new(client.clone(), authorizer);
    begin_and_drop(signer.clone().oneshot(get(URI)));
    assert_eq!(client.calls(), 0);

    // The one who was dropped was asking on behalf of all; another one takes over.
    let mut waiting = pin!(signer.clone().oneshot(get(URI)));
    begin_and_drop(signer.oneshot(get(URI)));
    assert!(
        waiting
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    gate.open();
    waiting.await.unwrap();
    assert_eq!(client.calls(), 1);
}
