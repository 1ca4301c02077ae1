//! A future that is dropped has sent nothing and changed nothing.

use std::pin::pin;
use std::task::Context;
use std::task::Waker;

use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::builder_with;
use crate::fixture::client;
use crate::fixture::signing;
use crate::fixture::verified;
use crate::shared::credentials::Gate;

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
