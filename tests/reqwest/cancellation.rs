//! A future that is dropped has sent nothing and changed nothing but a stream that it had begun to
//! read.

use std::pin::pin;
use std::task::Context;
use std::task::Waker;

use reqwest::Body;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::authorizer;
use crate::fixture::builder_with;
use crate::fixture::client;
use crate::fixture::signing;
use crate::fixture::verified;
use crate::shared::body::Pieces;
use crate::shared::body::Step;
use crate::shared::credentials::Gate;

#[tokio::test]
async fn while_the_body_is_read() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let client = signing(authorizer("sqs", &server.authority()));
    let body = Body::wrap(Pieces::of(["one ", "two"]).then(Step::Hang));
    let mut request = client.post(server.url()).body(body).build().unwrap();
    let before = (request.url().clone(), request.headers().clone());
    let authorizer = authorizer("sqs", &server.authority());
    let mut cx = Context::from_waker(Waker::noop());
    {
        let mut signing = pin!(sigv4_reqwest::sign(&authorizer, &mut request, None));
        assert!(signing.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!((request.url(), request.headers()), (&before.0, &before.1));
    {
        let mut sending = pin!(client.execute(request));
        assert!(sending.as_mut().poll(&mut cx).is_pending());
    }
    client.post(server.url()).body("body").send().await.unwrap();
    verified(&server.only_request(), b"body");
}

#[tokio::test]
async fn while_the_credentials_are_awaited() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let gate = Gate::closed();
    let authorizer = builder_with(gate.clone(), "sqs", &server.authority()).build();
    let request = client().post(format!("{}/a/../b?q=a+b", server.url()));
    let mut request = request.body("body").build().unwrap();
    let before = (request.url().clone(), request.headers().clone());
    let mut cx = Context::from_waker(Waker::noop());
    {
        let mut signing = pin!(sigv4_reqwest::sign(&authorizer, &mut request, None));
        assert!(signing.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!((request.url(), request.headers()), (&before.0, &before.1));
    assert_eq!(request.body().unwrap().as_bytes(), Some(&b"body"[..]));

    let client = signing(authorizer);
    {
        let mut sending = pin!(client.execute(request.try_clone().unwrap()));
        assert!(sending.as_mut().poll(&mut cx).is_pending());
    }
    gate.open();
    client.execute(request).await.unwrap();
    verified(&server.only_request(), b"body");
}
