//! However many want credentials, the source is asked once.

use std::time::Duration;

use sigv4_core::ErrorKind;

use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;
use crate::fixture::cache;
use crate::fixture::settle;

#[tokio::test(start_paused = true)]
async fn ten_thousand_first_callers_ask_once() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0).after(0.2)]);
    let cache = cache(&time, &source);
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get().await.unwrap().generation() })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), 1);
    }
    assert_eq!(source.times_asked(), 1);
    assert_eq!(time.elapsed(), Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_first_callers_share_a_failure() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Fails.after(0.2)]);
    let cache = cache(&time, &source);
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get().await.unwrap_err().kind() })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), ErrorKind::Credentials);
    }
    assert_eq!(source.times_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_came_first_may_be_dropped() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0).after(1.0)]);
    let cache = cache(&time, &source);
    let first = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get().await.map(|_| ()) }
    });
    settle().await;
    let followers: Vec<_> = (0..10)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get().await.unwrap().generation() })
        })
        .collect();
    settle().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    for follower in followers {
        assert_eq!(follower.await.unwrap(), 1);
    }
    assert_eq!(source.times_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_refresh_goes_on_when_all_callers_are_gone() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0).after(5.0)]);
    let cache = cache(&time, &source);
    // A client that gives up after a second, again and again, must not start it anew each time.
    for _ in 0..5 {
        let patience = Duration::from_secs(1);
        let _ = tokio::time::timeout(patience, cache.get()).await;
    }
    settle().await;
    assert!(cache.peek(sigv4_core::runtime::Clock::now(&time)).is_some());
    assert_eq!(source.times_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_caller_has_a_deadline_of_its_own() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0).after(12.0)]);
    let cache = builder(&time, &source)
        .wait_at_most(Duration::from_secs(10))
        .build();
    let early = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get().await.map(|_| ()) }
    });
    time.reaches(5.0).await;
    // This one has until 15 s, and what the first began arrives at 12 s.
    assert_eq!(cache.get().await.unwrap().generation(), 1);
    assert_eq!(time.elapsed(), Duration::from_secs(12));
    let error = early.await.unwrap().unwrap_err();
    let outage = error.credentials_outage().unwrap();
    assert_eq!(outage.to_string(), "the script has not answered for 10 s");
    assert_eq!(source.times_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_is_given_up_and_asked_again() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Hangs, Reply::New(3600.0)]);
    let cache = builder(&time, &source)
        .refresh_timeout(Duration::from_secs(3))
        .build();
    let error = cache.get().await.unwrap_err();
    assert_eq!(time.elapsed(), Duration::from_secs(3));
    assert!(error.is_retryable());
    time.reaches(4.0).await;
    assert_eq!(cache.get().await.unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_has_failed() {
    let time = TestTime::start();
    let replies = [Reply::Panics, Reply::Panics.after(0.1), Reply::New(3600.0)];
    let source = Source::replying(&time, replies);
    let cache = cache(&time, &source);
    for at in [0.0, 1.5] {
        time.reaches(at).await;
        let error = cache.get().await.unwrap_err();
        let outage = error.credentials_outage().unwrap();
        let cause = std::error::Error::source(outage).unwrap();
        assert_eq!(cause.to_string(), "the provider panicked");
    }
    time.reaches(3.0).await;
    assert_eq!(cache.get().await.unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_came_later_has_an_answer_of_their_own_in_their_own_time() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Fails.after(3.0), Reply::Hangs]);
    let cache = builder(&time, &source)
        .wait_at_most(Duration::from_secs(4))
        .build();
    let early = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get().await.map(|_| ()) }
    });
    time.reaches(1.0).await;
    // The first refresh may have been stuck with an endpoint that is back by now.
    let error = cache.get().await.unwrap_err();
    assert_eq!(time.elapsed(), Duration::from_secs(5));
    assert_eq!(
        error.credentials_outage().unwrap().to_string(),
        "the script has not answered for 2 s"
    );
    assert!(early.await.unwrap().is_err());
    assert_eq!(source.times_asked(), 2);
}
