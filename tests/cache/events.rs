//! What the hook of a cache is told, and keeping it warm.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::CredentialsEvent;
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
async fn may_look_into_the_cache_without_being_told_of_it() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(60.0)]);
    let held: Arc<OnceLock<CredentialsCache>> = Arc::default();
    let told = Arc::new(AtomicUsize::new(0));
    let (inside, count, clock) = (Arc::clone(&held), Arc::clone(&told), time.clone());
    let cache = builder(&time, &source)
        .on_event(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            if let Some(cache) = inside.get() {
                let _ = (cache.peek(clock.now()), cache.readiness(), cache.last());
                let _ = (cache.peek(clock.now()), cache.peek(clock.now()));
            }
        })
        .build();
    held.set(cache.clone()).unwrap();
    for second in 0..10 {
        time.reaches(f64::from(second)).await;
        request(&cache, &time).await.unwrap();
    }
    // Of the first: that it waited, the fetch, its end and the hit; and nine hits.
    assert_eq!(told.load(Ordering::Relaxed), 13);
}

#[tokio::test(start_paused = true)]
async fn no_number_from_chance_is_no_outage() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Fails, Reply::New(60.0)]);
    let cache = builder(&time, &source).random(|| f64::NAN).build();
    cache.get().await.unwrap_err();
    time.reaches(2.0).await;
    assert_eq!(cache.get().await.unwrap().generation(), 1);
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

#[tokio::test(start_paused = true)]
async fn tell_how_long_it_took_and_why() {
    let time = TestTime::start();
    let replies = [
        Reply::New(60.0).after(0.5),
        Reply::Same.after(0.25),
        Reply::Fails.after(2.0),
        Reply::OtherAccount(60.0),
    ];
    let source = Source::replying(&time, replies);
    let told = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&told);
    let cache = builder(&time, &source)
        .on_event(move |event| {
            let told = match event {
                CredentialsEvent::RefreshStarted { forced, .. } => format!("started: {forced}"),
                CredentialsEvent::RefreshSucceeded {
                    generation, took, ..
                } => format!("{generation} after {took:?}"),
                CredentialsEvent::RefreshUnchanged {
                    generation, took, ..
                } => format!("{generation} again after {took:?}"),
                CredentialsEvent::RefreshFailed { failures, took, .. } => {
                    format!("failed {failures} times after {took:?}")
                }
                CredentialsEvent::Blocked { waited, .. } => format!("waited {waited:?}"),
                CredentialsEvent::IdentityChanged { accepted, .. } => {
                    format!("somebody else: {accepted}")
                }
                _ => return,
            };
            note.lock().unwrap().push(told);
        })
        .build();
    let first = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get().await.map(|_| ()) }
    });
    time.reaches(0.1).await;
    cache.get().await.unwrap();
    first.await.unwrap().unwrap();
    time.reaches(10.0).await;
    cache.replace(1).await;
    for at in [45.0, 50.0] {
        time.reaches(at).await;
        cache.get().await.unwrap();
        time.reaches(at + 3.0).await;
    }
    let mut told = told.lock().unwrap().clone();
    // Which of the two goes on first does not matter.
    told[2..4].sort_unstable();
    assert_eq!(
        told,
        [
            "started: false",
            "1 after 500ms",
            "waited 400ms",
            "waited 500ms",
            "started: true",
            "1 again after 250ms",
            "started: false",
            "failed 1 times after 2s",
            "started: false",
            "somebody else: false",
            "failed 2 times after 0ns",
        ]
    );
}
