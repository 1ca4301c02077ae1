//! A retry layer outside of the signer: each attempt is a request of its own.

use std::collections::BTreeSet;
use std::future::Ready;
use std::future::ready;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Full;
use sigv4_core::SigningOverrides;
use sigv4_tests::oracle::Verified;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::BoxError;
use sigv4_tower::SigV4Layer;
use tower::ServiceBuilder;
use tower::ServiceExt;
use tower::retry::Policy;
use tower::retry::RetryLayer;

use crate::fixture::builder;
use crate::fixture::builder_with;
use crate::fixture::hyper_client;
use crate::fixture::signing_error;
use crate::fixture::verified;
use crate::shared::clock::TestClock;
use crate::shared::credentials::Failing;

/// Tries again until the answer is a good one, a second later each time.
#[derive(Clone, Debug)]
struct UntilGood {
    clock: TestClock,
}

impl<B: Clone, R, E> Policy<Request<B>, Response<R>, E> for UntilGood {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<B>,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Ready<()>> {
        if result
            .as_ref()
            .is_ok_and(|response| response.status().is_success())
        {
            return None;
        }
        self.clock.advance(1);
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

/// Answers the third request, and those that follow, with 200 and the others with 503.
fn third_time(request: &WireRequest) -> WireResponse {
    let first = request
        .header("x-amz-date")
        .unwrap_or_default()
        .ends_with("3600Z");
    let second = request
        .header("x-amz-date")
        .unwrap_or_default()
        .ends_with("3601Z");
    WireResponse::new(if first || second { 503 } else { 200 })
}

async fn three_attempts(request: impl FnOnce(&str) -> Request<Full<Bytes>>) -> Vec<Verified> {
    let server = WireServer::start(third_time).await;
    let clock = TestClock::new();
    let authorizer = builder("sqs", &server.authority())
        .clock(clock.clone())
        .build();
    let client = ServiceBuilder::new()
        .layer(RetryLayer::new(UntilGood { clock }))
        .layer(SigV4Layer::new(authorizer))
        .service(hyper_client());
    let response = client.oneshot(request(&server.url())).await.unwrap();
    assert_eq!(response.status(), 200);

    let requests = server.requests();
    requests
        .iter()
        .map(|request| verified(request, b"body"))
        .collect()
}

#[tokio::test]
async fn are_signed_anew_with_a_new_date() {
    let attempts = three_attempts(|url| {
        let request = Request::post(format!("{url}/a/../{{b}}?q=1+2&a=1"));
        request.body(Full::from("body")).unwrap()
    })
    .await;
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
    let overrides = SigningOverrides::new()
        .service("s3")
        .and_then(|overrides| overrides.region("eu-west-3"))
        .unwrap();
    let attempts = three_attempts(|url| {
        let request = Request::put(format!("{url}/key")).extension(overrides);
        request.body(Full::from("body")).unwrap()
    })
    .await;
    assert_eq!(attempts.len(), 3);
    for attempt in attempts {
        assert_eq!((&*attempt.service, &*attempt.region), ("s3", "eu-west-3"));
    }
}

/// Tries again while the signer says that this may help.
#[derive(Clone, Debug)]
struct WhileRetryable;

impl<B: Clone, R> Policy<Request<B>, R, BoxError> for WhileRetryable {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<B>, result: &mut Result<R, BoxError>) -> Option<Ready<()>> {
        let error = result.as_ref().err()?;
        signing_error(error).is_retryable().then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn help_where_the_credentials_were_away() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = builder_with(Failing::times(2), "sqs", &server.authority()).build();
    let client = ServiceBuilder::new()
        .layer(RetryLayer::new(WhileRetryable))
        .layer(SigV4Layer::new(authorizer))
        .service(hyper_client());
    let request = Request::post(format!("{}/", server.url())).body(Full::<Bytes>::from("body"));
    client.oneshot(request.unwrap()).await.unwrap();
    verified(&server.only_request(), b"body");
}
