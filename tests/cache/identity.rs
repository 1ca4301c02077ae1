//! The source returns credentials of somebody else.

use sigv4_core::runtime::IdentityPolicy;

use crate::fixture::Log;
use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;
use crate::fixture::request;
use crate::fixture::settle;

#[tokio::test(start_paused = true)]
async fn another_account_or_kind_of_source_is_not_used() {
    for (name, other) in [
        ("account", Reply::OtherAccount(3600.0)),
        ("kind", Reply::OtherKind(3600.0)),
    ] {
        let time = TestTime::start();
        let source = Source::new(&time, move |at, _| match at.as_secs() {
            10..200 => other.clone(),
            _ => Reply::New(60.0),
        });
        let log = Log::default();
        let cache = builder(&time, &source).on_event(log.hook()).build();
        for second in 0..60 {
            time.reaches(f64::from(second)).await;
            assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
            settle().await;
        }
        assert!(log.take().contains(&"IdentityChanged".to_owned()), "{name}");
        // Not even when there are no others.
        time.reaches(100.0).await;
        let error = request(&cache, &time).await.unwrap_err();
        let cause = std::error::Error::source(error.credentials_outage().unwrap()).unwrap();
        assert!(
            cause.to_string().contains("IdentityPolicy::Follow"),
            "{name}"
        );
        time.reaches(201.0).await;
        assert_eq!(
            request(&cache, &time).await.unwrap().generation(),
            2,
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn unless_that_is_wanted() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(60.0), Reply::OtherAccount(60.0)]);
    let cache = builder(&time, &source)
        .identity(IdentityPolicy::Follow)
        .build();
    cache.get().await.unwrap();
    time.reaches(61.0).await;
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
}
