//! `reqwest-retry`, placed before the signer: each attempt is a request of its own.

use std::collections::BTreeSet;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use reqwest::Body;
use reqwest::Response;
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::ClientWithMiddleware;
use reqwest_retry::RetryDecision;
use reqwest_retry::RetryError;
use reqwest_retry::RetryPolicy;
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::Retryable;
use reqwest_retry::RetryableStrategy;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_reqwest::SigV4Middleware;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::builder;
use crate::fixture::builder_with;
use crate::fixture::client;
use crate::fixture::find;
use crate::fixture::verified;
use crate::shared::body::Pieces;
use crate::shared::clock::TestClock;
use crate::shared::credentials::Failing;

/// Tries again twice and at once, while the clock goes on by a second.
struct AtOnce(TestClock);

impl RetryPolicy for AtOnce {
    fn should_retry(&self, _: SystemTime, past_retries: u32) -> RetryDecision {
        if past_retries == 2 {
            return RetryDecision::DoNotRetry;
        }
        self.0.advance(1);
        RetryDecision::Retry {
            execute_after: UNIX_EPOCH,
        }
    }
}

/// Answers the third attempt with 200 and those before with 503.
fn third_time(request: &WireRequest) -> WireResponse {
    let date = request.header("x-amz-date").unwrap_or_default();
    let is_third = date.ends_with("3602Z");
    WireResponse::new(if is_third { 200 } else { 503 })
}

fn retrying(clock: &TestClock, authorizer: Authorizer) -> ClientWithMiddleware {
    ClientBuilder::new(client())
        .with(RetryTransientMiddleware::new_with_policy(AtOnce(
            clock.clone(),
        )))
        .with(SigV4Middleware::new(authorizer))
        .build()
}

#[tokio::test]
async fn are_signed_anew_with_a_new_date() {
    let server = WireServer::start(third_time).await;
    let clock = TestClock::new();
    let authorizer = builder("sqs", &server.authority())
        .clock(clock.clone())
        .build();
    let request = retrying(&clock, authorizer).post(format!("{}/?q=1+2&a=1", server.url()));
    assert_eq!(request.body("body").send().await.unwrap().status(), 200);

    let requests = server.requests();
    let attempts: Vec<_> = requests
        .iter()
        .map(|request| verified(request, b"body"))
        .collect();
    let dates: Vec<_> = attempts.iter().map(|attempt| &*attempt.date).collect();
    assert_eq!(
        dates,
        ["20150830T123600Z", "20150830T123601Z", "20150830T123602Z"]
    );
    let signatures: BTreeSet<_> = attempts.iter().map(|attempt| &*attempt.signature).collect();
    assert_eq!(signatures.len(), 3);
}

#[tokio::test]
async fn find_the_overrides_again() {
    let server = WireServer::start(third_time).await;
    let clock = TestClock::new();
    let authorizer = builder("sqs", &server.authority())
        .clock(clock.clone())
        .build();
    let request = retrying(&clock, authorizer).put(format!("{}/key", server.url()));
    let overrides = SigningOverrides::new().service("s3").unwrap();
    request
        .body("body")
        .with_extension(overrides)
        .send()
        .await
        .unwrap();
    assert_eq!(server.requests().len(), 3);
    for request in server.requests() {
        assert_eq!(verified(&request, b"body").service, "s3");
    }
}

/// Tries again where the signer says that this may help, which the default strategy does not.
struct WhereItMayHelp;

impl RetryableStrategy for WhereItMayHelp {
    fn handle(&self, result: &reqwest_middleware::Result<Response>) -> Option<Retryable> {
        let Err(reqwest_middleware::Error::Middleware(error)) = result else {
            return None;
        };
        let error = error.downcast_ref::<sigv4_reqwest::Error>()?;
        error.is_retryable().then_some(Retryable::Transient)
    }
}

#[tokio::test]
async fn help_where_the_credentials_were_away() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = builder_with(Failing::times(2), "sqs", &server.authority()).build();
    let retry = RetryTransientMiddleware::new_with_policy_and_strategy(
        AtOnce(TestClock::new()),
        WhereItMayHelp,
    );
    let client = ClientBuilder::new(client())
        .with(retry)
        .with(SigV4Middleware::new(authorizer))
        .build();
    client.post(server.url()).body("body").send().await.unwrap();
    verified(&server.only_request(), b"body");
}

#[tokio::test]
async fn are_not_made_by_default_where_signing_failed() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = builder_with(Failing::times(1), "sqs", &server.authority()).build();
    let client = retrying(&TestClock::new(), authorizer);
    let error = client
        .post(server.url())
        .body("body")
        .send()
        .await
        .unwrap_err();
    assert_eq!(server.requests(), []);

    // The middleware wraps the error into one of its own, which leads to ours.
    let reqwest_middleware::Error::Middleware(error) = &error else {
        panic!("{error:?} is of a middleware");
    };
    let Some(RetryError::Error(reqwest_middleware::Error::Middleware(ours))) = error.downcast_ref()
    else {
        panic!("{error:?} is one of reqwest-retry");
    };
    assert!(
        ours.downcast_ref::<sigv4_reqwest::Error>()
            .unwrap()
            .is_retryable()
    );
    assert!(find::<sigv4_core::Error>(&**error).unwrap().is_retryable());
}

#[tokio::test]
async fn of_a_stream_fail_before_it_is_read() {
    // The retry layer clones the request first, which no stream allows: hash it yourself, or sign
    // it with the function before it is sent.
    let server = WireServer::start(third_time).await;
    let clock = TestClock::new();
    let authorizer = builder("sqs", &server.authority())
        .clock(clock.clone())
        .build();
    let stream = || Body::wrap(Pieces::of(["one ", "two"]));
    let client = retrying(&clock, authorizer.clone());
    client
        .post(server.url())
        .body(stream())
        .send()
        .await
        .unwrap_err();
    assert_eq!(server.requests(), []);

    let mut request = client.post(server.url()).body(stream()).build().unwrap();
    sigv4_reqwest::sign(&authorizer, &mut request, None)
        .await
        .unwrap();
    assert_eq!(client.execute(request).await.unwrap().status(), 200);
    assert_eq!(server.requests().len(), 3);
    for request in server.requests() {
        verified(&request, b"one two");
    }
}
