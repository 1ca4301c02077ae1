//! What was signed is noted beside the answer, and nothing in the answer is touched.

use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use http_body_util::Empty;
use http_body_util::Full;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::SigningReceipt;
use sigv4_tests::time;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::SigV4;
use tower::ServiceExt;

use crate::fixture::builder;
use crate::fixture::get;
use crate::fixture::hyper_client;
use crate::fixture::send;
use crate::fixture::signing;
use crate::shared::clock::TestClock;

#[tokio::test]
async fn says_when_for_which_host_and_with_which_credentials() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let host = server.authority();
    let clock = TestClock::new();
    let authorizer = builder("sqs", &host).clock(clock.clone()).build();
    let mut client = signing(authorizer);
    for seconds in [0, 90] {
        clock.advance(seconds);
        let request = Request::post(format!("http://user@{host}/")).body(Full::<Bytes>::from("b"));
        let response = send(&mut client, request.unwrap()).await.unwrap();
        let receipt = response.extensions().get::<SigningReceipt>().unwrap();
        let signed_at: SystemTime = time::of_the_suite() + Duration::from_secs(seconds);
        assert_eq!(receipt.signed_at(), signed_at);
        assert_eq!(receipt.host(), host);
        assert_eq!(receipt.credential_generation(), 1);
    }
}

#[tokio::test]
async fn is_not_there_where_nothing_was_signed() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let mut request = get(server.url());
    request
        .extensions_mut()
        .insert(SigningOverrides::new().do_not_sign());
    let client = signing(builder("sqs", &server.authority()).build());
    let response = client.oneshot(request).await.unwrap();
    assert!(response.extensions().get::<SigningReceipt>().is_none());
}

#[tokio::test]
async fn leaves_the_answer_as_it_is() {
    let answer = |_: &_| {
        WireResponse::new(418)
            .header("x-amzn-requestid", "1")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .header("x-amz-security-token", "of-the-server")
            .body("answer")
    };
    let server = WireServer::start(answer).await;
    let signed = signing(builder("sqs", &server.authority()).build());
    let signed = signed.oneshot(get(server.url())).await.unwrap();

    // The same through the client alone.
    let plain = hyper_client::<Empty<Bytes>>();
    let mut request = get(server.url());
    request
        .extensions_mut()
        .insert(SigningOverrides::new().do_not_sign());
    let plain = SigV4::new(plain, builder("sqs", &server.authority()).build())
        .oneshot(request)
        .await
        .unwrap();

    assert_eq!(signed.status(), plain.status());
    assert_eq!(signed.version(), plain.version());
    assert_eq!(signed.headers(), plain.headers());
    assert_eq!(signed.headers().get_all("set-cookie").iter().count(), 2);
    let (signed, plain) = (
        signed.into_body().collect().await,
        plain.into_body().collect().await,
    );
    assert_eq!(signed.unwrap().to_bytes(), plain.unwrap().to_bytes());
}
