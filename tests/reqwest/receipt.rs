//! What was signed is noted beside the answer.

use std::time::Duration;

use sigv4_core::SigningOverrides;
use sigv4_core::runtime::SigningReceipt;
use sigv4_tests::time;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::authorizer;
use crate::fixture::builder;
use crate::fixture::get;
use crate::fixture::signing;
use crate::shared::clock::TestClock;

#[tokio::test]
async fn says_when_for_which_host_and_with_which_credentials() {
    let server = WireServer::start(|_| WireResponse::new(418).body("answer")).await;
    let host = server.authority();
    let clock = TestClock::new();
    clock.advance(90);
    let client = signing(builder("sqs", &host).clock(clock).build());
    let response = client.get(server.url()).send().await.unwrap();
    let receipt = response.extensions().get::<SigningReceipt>().unwrap();
    assert_eq!(
        receipt.signed_at(),
        time::of_the_suite() + Duration::from_secs(90)
    );
    assert_eq!(receipt.host(), host);
    assert_eq!(receipt.credential_generation(), 1);
    assert_eq!(response.status(), 418);
    assert_eq!(response.text().await.unwrap(), "answer");
}

#[tokio::test]
async fn is_what_the_function_returns() {
    let host = "sqs.us-east-1.amazonaws.com";
    let authorizer = authorizer("sqs", host);
    let mut request = get(format!("https://{host}/"));
    let receipt = sigv4_reqwest::sign(&authorizer, &mut request, None)
        .await
        .unwrap();
    assert_eq!(receipt.unwrap().host(), host);

    let overrides = SigningOverrides::new().do_not_sign();
    let receipt = sigv4_reqwest::sign(&authorizer, &mut request, Some(&overrides)).await;
    assert!(receipt.unwrap().is_none());
}

#[tokio::test]
async fn is_not_there_where_nothing_was_signed() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let client = signing(authorizer("sqs", &server.authority()));
    let overrides = SigningOverrides::new().do_not_sign();
    let request = client.get(server.url()).with_extension(overrides);
    let response = request.send().await.unwrap();
    assert!(response.extensions().get::<SigningReceipt>().is_none());
}
