//! Credentials for what takes longer: presigned URLs and streams.

use std::time::Duration;

use sigv4_core::ErrorKind;
use sigv4_core::runtime::Clock;

use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;
use crate::fixture::cache;

#[tokio::test(start_paused = true)]
async fn are_fetched_when_those_that_are_there_end_too_early() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0)]);
    let cache = cache(&time, &source);
    let until = |seconds| time.now() + Duration::from_secs(seconds);
    assert_eq!(
        cache
            .get_valid_until(until(900))
            .await
            .unwrap()
            .generation(),
        1
    );
    time.reaches(2000.0).await;
    assert_eq!(
        cache
            .get_valid_until(until(900))
            .await
            .unwrap()
            .generation(),
        1
    );
    assert_eq!(
        cache
            .get_valid_until(until(3000))
            .await
            .unwrap()
            .generation(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn are_not_asked_for_again_and_again_where_there_are_none() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0)]);
    let cache = cache(&time, &source);
    for second in 0..100 {
        time.reaches(f64::from(second)).await;
        let until = time.now() + Duration::from_secs(86_400);
        let error = cache.get_valid_until(until).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expiry);
    }
    assert_eq!(source.times_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn are_all_those_without_an_end() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Endless]);
    let cache = cache(&time, &source);
    let until = time.now() + Duration::from_secs(604_800);
    assert_eq!(cache.get_valid_until(until).await.unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn are_asked_for_once_a_third_of_their_life_is_over() {
    for (at, asked) in [(1199.999, 1), (1200.0, 2)] {
        let time = TestTime::start();
        let source = Source::replying(&time, [Reply::New(3600.0)]);
        let cache = cache(&time, &source);
        cache.get().await.unwrap();
        time.reaches(at).await;
        let until = time.now() + Duration::from_secs(3600);
        let lasts = cache.get_valid_until(until).await.is_ok();
        assert_eq!(
            (lasts, source.times_asked()),
            (asked == 2, asked),
            "at {at} s"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn are_those_that_end_at_that_very_time() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0)]);
    let cache = cache(&time, &source);
    for (millis, lasts) in [(3_600_000, true), (3_600_001, false)] {
        let until = time.now() + Duration::from_millis(millis);
        assert_eq!(cache.get_valid_until(until).await.is_ok(), lasts);
    }
}

#[tokio::test(start_paused = true)]
async fn are_waited_for_and_fetched_even_if_nobody_waits() {
    let time = TestTime::start();
    let replies = [Reply::New(3600.0), Reply::New(3600.0).after(1.0)];
    let source = Source::replying(&time, replies);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(2000.0).await;
    let until = time.now() + Duration::from_secs(3000);
    // This one gives up.
    let patience = Duration::from_millis(500);
    let gone = tokio::time::timeout(patience, cache.get_valid_until(until)).await;
    assert!(gone.is_err());
    time.reaches(2001.5).await;
    assert_eq!(cache.last().unwrap().generation(), 2);
    // These have another refresh, and both wait for it.
    time.reaches(4000.0).await;
    let until = time.now() + Duration::from_secs(3000);
    let (one, other) = tokio::join!(cache.get_valid_until(until), cache.get_valid_until(until));
    assert_eq!(one.unwrap().generation(), 3);
    assert_eq!(other.unwrap().generation(), 3);
    assert_eq!(source.times_asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn are_not_asked_for_in_the_pause_after_a_failure() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::Fails]);
    // The longest pauses there can be.
    let cache = builder(&time, &source).random(|| 1.0).build();
    cache.get().await.unwrap();
    for (at, asked) in [(2000.0, 2), (2001.0, 3), (2003.5, 3), (2004.0, 4)] {
        time.reaches(at).await;
        let until = time.now() + Duration::from_secs(3000);
        let error = cache.get_valid_until(until).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Expiry);
        assert_eq!(source.times_asked(), asked, "at {at} s");
    }
}
