//! What an upstream can make the gateway do with its answers: little.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use super::route;
use super::send;
use super::serve_with;
use super::with_body;
use crate::fixture::get;
use crate::fixture::verified;

/// A clock that the test moves.
#[derive(Clone, Debug)]
struct TestTime {
    start: SystemTime,
    seconds: Arc<AtomicU64>,
}

impl TestTime {
    fn start() -> Self {
        Self {
            start: sigv4_tests::time::of_the_suite(),
            seconds: Arc::default(),
        }
    }

    fn advance(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestTime {
    fn now(&self) -> SystemTime {
        self.start + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::SeqCst))
    }
}

/// Hands out other credentials each time, with the same secret.
#[derive(Clone, Debug, Default)]
struct Rotating(Arc<AtomicU64>);

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let id = format!("AKID{}", self.0.fetch_add(1, Ordering::SeqCst));
        let secret = secrets::SECRET_ACCESS_KEY;
        let credentials = Credentials::new(id, secret, None, None, "rotating");
        future::ProvideCredentials::ready(Ok(credentials))
    }
}

async fn rotating() -> (TestTime, Rotating, CredentialsCache) {
    let (time, source) = (TestTime::start(), Rotating::default());
    let cache = CredentialsCache::builder(source.clone())
        .clock(time.clone())
        .build();
    cache.get().await.unwrap();
    time.advance(60);
    (time, source, cache)
}

#[tokio::test]
async fn a_request_that_is_sent_again_has_a_date_of_its_own() {
    for settings in ["", "placement: query"] {
        let (time, _, cache) = rotating().await;
        let server = WireServer::start({
            let time = time.clone();
            move |request| {
                let is_first = super::head(request).contains("AKID0");
                time.advance(7);
                if is_first {
                    return WireResponse::new(403)
                        .header("x-amzn-errortype", "ExpiredTokenException");
                }
                WireResponse::new(200)
            }
        })
        .await;
        let gateway = serve_with(&route("sqs", &server.url(), settings), cache).await;
        let answer = send(&gateway, with_body("POST /sqs", "", b"body")).await;
        assert_eq!(answer.status(), 200, "{settings}: {answer:?}");
        let signed: Vec<_> = server
            .requests()
            .iter()
            .map(|request| verified(request, b"body"))
            .map(|verified| (verified.access_key_id, verified.date))
            .collect();
        let expected = [("AKID0", "20150830T123700Z"), ("AKID1", "20150830T123707Z")];
        let expected = expected.map(|(id, date)| (id.to_owned(), date.to_owned()));
        assert_eq!(signed, expected, "{settings}");
    }
}

#[tokio::test]
async fn an_upstream_that_refuses_everything_gets_each_request_twice_and_one_refresh_in_a_while() {
    let (time, source, cache) = rotating().await;
    let server = WireServer::start(|_| {
        WireResponse::new(403).header("x-amzn-errortype", "ExpiredTokenException")
    })
    .await;
    let gateway = serve_with(&route("sqs", &server.url(), ""), cache).await;
    // Credentials are replaced at once, and then not again for half a minute.
    for _ in 0..14 {
        assert_eq!(get(&gateway, "/sqs", "").await.status(), 403);
        time.advance(2);
    }
    assert_eq!(server.requests().len(), 15);
    assert_eq!(source.0.load(Ordering::SeqCst), 2);
    time.advance(2);
    for _ in 0..14 {
        assert_eq!(get(&gateway, "/sqs", "").await.status(), 403);
        time.advance(2);
    }
    assert_eq!(server.requests().len(), 30);
    assert_eq!(source.0.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_upstream_moves_the_clock_by_a_quarter_of_an_hour_at_most() {
    // 12:37:00 is the time of the gateway.
    for (service, date, expected) in [
        ("sqs", "Sun, 30 Aug 2015 12:47:00 GMT", "20150830T124700Z"),
        ("sqs", "Sun, 30 Aug 2015 12:27:00 GMT", "20150830T122700Z"),
        ("sqs", "Sun, 30 Aug 2015 13:37:00 GMT", "20150830T123700Z"),
        ("sqs", "Fri, 01 Jan 1999 00:00:00 GMT", "20150830T123700Z"),
        ("sqs", "Fri, 01 Jan 2100 00:00:00 GMT", "20150830T123700Z"),
        // What a customer's own code answers is not AWS's word.
        (
            "execute-api",
            "Sun, 30 Aug 2015 12:47:00 GMT",
            "20150830T123700Z",
        ),
    ] {
        let (_, _, cache) = rotating().await;
        let server = WireServer::start(move |_| {
            WireResponse::new(403)
                .header("x-amzn-errortype", "RequestTimeTooSkewed")
                .header("date", date)
        })
        .await;
        let gateway = serve_with(&route(service, &server.url(), ""), cache).await;
        for _ in 0..3 {
            assert_eq!(
                get(&gateway, &format!("/{service}"), "").await.status(),
                403
            );
        }
        let dates: BTreeSet<_> = server
            .requests()
            .iter()
            .map(|request| verified(request, b"").date)
            .collect();
        let first = "20150830T123700Z".to_owned();
        assert_eq!(
            dates,
            BTreeSet::from([first, expected.to_owned()]),
            "{service} {date}"
        );
    }
}
