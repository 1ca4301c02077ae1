//! What the hook of a cache is told, and keeping it warm.

use std::time::Duration;

use sigv4_core::runtime::Readiness;

use crate::fixture::Log;
use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;
use crate::fixture::cache;
use crate::fixture::request;
use crate::fixture::settle;

#[tokio::test(start_paused = true)]
async fn tell_what_happens() {
    let time = TestTime::start();
    let replies = [
        Reply::New(60.0).after(0.1),
        Reply::Fails,
        Reply::Same,
        Reply::New(60.0),
        Reply::New(60.0),
        Reply::Fails,
    ];
    let source = Source::replying(&time, replies);
    let log = Log::default();
    let cache = builder(&time, &source)
        .grace(Duration::from_secs(5))
        .on_event(log.hook())
        .build();
    for (at, expected) in [
        (
            0.0,
            &["RefreshStarted", "RefreshSucceeded", "Hit", "Blocked"][..],
        ),
        (1.0, &["Hit"]),
        (45.0, &["StaleServed", "RefreshStarted", "RefreshFailed"]),
        (45.5, &["StaleServed"]),
        (47.0, &["StaleServed", "RefreshStarted", "RefreshUnchanged"]),
        (55.0, &["StaleServed", "RefreshStarted", "RefreshSucceeded"]),
        (56.0, &["Hit"]),
    ] {
        time.reaches(at).await;
        request(&cache, &time).await.unwrap();
        settle().await;
        let mut told = log.take();
        let mut expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        // Which comes first of what the request sees and what its refresh sees does not matter.
        told.sort_unstable();
        expected.sort_unstable();
        assert_eq!(told, expected, "at {at} s");
    }
    cache.invalidate(2);
    settle().await;
    assert_eq!(
        log.take(),
        ["Invalidated", "RefreshStarted", "RefreshSucceeded"]
    );
    time.reaches(117.5).await;
    request(&cache, &time).await.unwrap();
    settle().await;
    assert!(log.take().contains(&"GraceServed".to_owned()));
    assert_eq!(cache.readiness(), Readiness::Degraded);
}

#[tokio::test(start_paused = true)]
async fn may_panic_and_so_may_chance_without_harm() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(60.0).after(0.1)]);
    let cache = builder(&time, &source)
        .on_event(|_| panic!("the hook says so"))
        .random(|| panic!("chance says so"))
        .build();
    for second in 0..300 {
        time.reaches(f64::from(second)).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    assert!(source.times_asked() > 5);
}

#[tokio::test(start_paused = true)]
async fn kept_warm_a_cache_is_fresh_after_a_long_pause() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(600.0).after(0.5)]);
    let log = Log::default();
    let cache = builder(&time, &source).on_event(log.hook()).build();
    let keeper = tokio::spawn(cache.keep_warm());
    for minute in 1..600 {
        time.reaches(60.0 * f64::from(minute)).await;
        let before = time.elapsed();
        request(&cache, &time).await.unwrap();
        assert_eq!(time.elapsed(), before, "after {minute} min");
    }
    assert!(!log.take().contains(&"Blocked".to_owned()));
    // 400 s each, and up to a minute more before it is noticed.
    let asked = source.times_asked();
    assert!((78..=92).contains(&asked), "asked {asked} times");
    drop(cache);
    keeper.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn kept_warm_it_recovers_without_requests() {
    let time = TestTime::start();
    let source = Source::new(&time, |at, _| match at.as_secs() {
        ..1000 => Reply::Fails,
        _ => Reply::New(3600.0),
    });
    let cache = cache(&time, &source);
    tokio::spawn(cache.keep_warm());
    time.reaches(999.0).await;
    assert_eq!(cache.readiness(), Readiness::Unavailable);
    let asked = source.times_asked();
    assert!((15..=1000).contains(&asked), "asked {asked} times");
    time.reaches(1062.0).await;
    assert_eq!(cache.readiness(), Readiness::Ready);
}
