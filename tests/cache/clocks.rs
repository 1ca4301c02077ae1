//! The time of day is set, and the machine sleeps.

use std::time::Duration;

use sigv4_core::runtime::Clock;

use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;
use crate::fixture::cache;
use crate::fixture::request;
use crate::fixture::settle;

#[tokio::test(start_paused = true)]
async fn set_back_the_end_comes_by_the_monotonic_clock() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(60.0).await;
    time.set_by(-7200);
    // There is nothing wrong with the credentials: nobody waits, and they are replaced.
    let before = time.elapsed();
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
    assert_eq!(time.elapsed(), before);
    settle().await;
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
    // All is as usual by the new time.
    time.reaches(120.0).await;
    assert!(cache.peek(time.now()).is_some());
    assert_eq!(source.times_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn set_forward_over_the_end_requests_wait_for_new_ones() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::New(3600.0).after(0.5)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(60.0).await;
    // A suspended laptop: the time of day has passed, the monotonic clock has not.
    time.set_by(8 * 3600);
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
    assert_eq!(time.elapsed(), Duration::from_millis(60_500));
}

#[tokio::test(start_paused = true)]
async fn set_forward_while_the_source_is_away_the_credentials_go_on() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::Fails.after(0.5)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(60.0).await;
    time.set_by(8 * 3600);
    // Only one clock says that they have ended; it may be wrong.
    for second in 60..3600 {
        time.reaches(f64::from(second)).await;
        assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
    }
    time.reaches(3601.0).await;
    assert!(request(&cache, &time).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn set_forward_with_a_source_that_hangs_requests_wait_their_time_only() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::Hangs]);
    let cache = builder(&time, &source)
        .wait_at_most(Duration::from_secs(2))
        .build();
    cache.get().await.unwrap();
    time.reaches(60.0).await;
    time.set_by(8 * 3600);
    // The first one, and none after it.
    for _ in 0..1000 {
        assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
    }
    assert_eq!(time.elapsed(), Duration::from_secs(62));
    for second in 63..3600 {
        time.reaches(f64::from(second)).await;
        let before = time.elapsed();
        assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
        assert_eq!(time.elapsed(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn set_back_a_day_files_are_looked_at_all_the_same() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Endless, Reply::Same]);
    let cache = builder(&time, &source)
        .recheck(Duration::from_secs(60))
        .build();
    cache.get().await.unwrap();
    time.reaches(30.0).await;
    time.set_by(-86_400);
    let mut looks = 0;
    for second in 30..3600 {
        time.reaches(f64::from(second)).await;
        looks += usize::from(cache.peek(time.now()).is_none());
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    let asked = source.times_asked();
    assert!((50..=80).contains(&asked), "asked {asked} times");
    // What need not be decided is not.
    assert!(looks < 3 * asked, "{looks} times under the lock");
}

#[tokio::test(start_paused = true)]
async fn set_and_the_source_has_the_same_ones_all_goes_on_by_the_new_time() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::Same]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(60.0).await;
    time.set_by(-600);
    request(&cache, &time).await.unwrap();
    settle().await;
    request(&cache, &time).await.unwrap();
    assert_eq!(source.times_asked(), 2);
    for second in 61..1000 {
        time.reaches(f64::from(second)).await;
        assert!(cache.peek(time.now()).is_some(), "at {second} s");
    }
    assert_eq!(source.times_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn drift_is_no_jump() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(43_200.0)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    for hour in 1..11 {
        time.reaches(f64::from(hour) * 3600.0).await;
        time.set_by(if hour % 2 == 0 { 5 } else { 4 });
        assert!(cache.peek(time.now()).is_some(), "after {hour} h");
    }
    assert_eq!(source.times_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_jump_is_noticed_within_a_second_of_use() {
    for jump in [-120, 120] {
        let time = TestTime::start();
        let source = Source::replying(&time, [Reply::New(43_200.0)]);
        let cache = cache(&time, &source);
        cache.get().await.unwrap();
        time.reaches(100.2).await;
        assert!(cache.peek(time.now()).is_some());
        time.set_by(jump);
        time.reaches(101.3).await;
        assert!(cache.peek(time.now()).is_none(), "set by {jump} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_minute_apart_is_no_jump_and_more_is_one() {
    for (by, agree) in [(-61, false), (-60, true), (60, true), (61, false)] {
        let time = TestTime::start();
        let source = Source::replying(&time, [Reply::New(43_200.0)]);
        let cache = cache(&time, &source);
        cache.get().await.unwrap();
        time.reaches(100.0).await;
        time.set_by(by);
        assert_eq!(cache.peek(time.now()).is_some(), agree, "set by {by} s");
    }
}

#[tokio::test(start_paused = true)]
async fn set_forward_to_the_very_end_requests_wait_for_new_ones() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::New(3600.0).after(0.5)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(60.0).await;
    time.set_by(3540);
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
    assert_eq!(time.elapsed(), Duration::from_millis(60_500));
}

#[tokio::test(start_paused = true)]
async fn set_forward_over_the_end_requests_wait_together() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::New(3600.0).after(0.5)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(60.0).await;
    time.set_by(8 * 3600);
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get().await.unwrap().generation() })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), 2);
    }
    assert_eq!(source.times_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn while_the_clocks_disagree_about_the_end_attempts_back_off() {
    // The time of day is ahead, or behind.
    for by in [8 * 3600, -8 * 3600] {
        let time = TestTime::start();
        let source = Source::replying(&time, [Reply::New(3600.0), Reply::Fails]);
        // The longest pauses there can be.
        let cache = builder(&time, &source).random(|| 1.0).build();
        cache.get().await.unwrap();
        time.reaches(60.0).await;
        time.set_by(by);
        let begin = if by > 0 { 600 } else { 36_000 };
        for tenth in begin..begin + 100 {
            time.reaches(f64::from(tenth) / 10.0).await;
            let before = time.elapsed();
            assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
            assert_eq!(time.elapsed(), before);
        }
        let asked = source.asked();
        // After 1, 3 and 9 s, in ten.
        assert_eq!(asked.len(), 1 + 3, "set by {by} s");
    }
}
