//! What happens when AWS refuses credentials as ended.

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
async fn they_are_replaced_at_once() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::New(3600.0).after(0.3)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(10.0).await;
    assert_eq!(cache.replace(1).await.unwrap().generation(), 2);
    assert_eq!(time.elapsed(), Duration::from_millis(10_300));
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_refusals_of_one_generation_ask_once() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::New(3600.0).after(0.3)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(10.0).await;
    let refused: Vec<_> = (0..100)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.replace(1).await.map(|new| new.generation()) })
        })
        .collect();
    for replaced in refused {
        assert_eq!(replaced.await.unwrap(), Some(2));
    }
    assert_eq!(source.times_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_late_refusal_of_old_ones_leaves_the_new_ones_alone() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(12.0), Reply::New(3600.0)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(12.0).await;
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
    time.reaches(60.0).await;
    cache.invalidate(1);
    settle().await;
    assert_eq!(cache.replace(1).await.unwrap().generation(), 2);
    assert!(cache.peek(sigv4_core::runtime::Clock::now(&time)).is_some());
    assert_eq!(source.times_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_old_ones_stay_in_use_while_there_are_no_others() {
    for reply in [Reply::Fails, Reply::Same, Reply::Hangs, Reply::Ended] {
        let time = TestTime::start();
        let source = Source::replying(&time, [Reply::New(3600.0), reply.clone()]);
        let cache = builder(&time, &source)
            .refresh_timeout(Duration::from_secs(5))
            .build();
        cache.get().await.unwrap();
        time.reaches(10.0).await;
        assert!(cache.replace(1).await.is_none(), "{reply:?}");
        let before = time.elapsed();
        for _ in 0..10 {
            assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
        }
        // And nobody waits for a source that is of no help.
        assert_eq!(time.elapsed(), before, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_lifts_the_pause_after_a_failure() {
    let time = TestTime::start();
    let source = Source::new(&time, |at, _| match at.as_secs() {
        3150..3400 => Reply::Fails,
        _ => Reply::New(3600.0),
    });
    // The longest pauses.
    let cache = builder(&time, &source).random(|| 1.0).build();
    for second in 0..3402 {
        time.reaches(f64::from(second)).await;
        assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
        settle().await;
    }
    let asked = source.times_asked();
    assert!(asked > 5, "asked {asked} times");
    assert_eq!(cache.replace(1).await.unwrap().generation(), 2);
    assert_eq!(source.times_asked(), asked + 1);
}

#[tokio::test(start_paused = true)]
async fn whatever_answers_say_it_is_once_in_thirty_seconds() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0)]);
    let cache = cache(&time, &source);
    for tenth in 0..3000 {
        time.reaches(f64::from(tenth) / 10.0).await;
        let current = request(&cache, &time).await.unwrap();
        cache.replace(current.generation()).await;
    }
    let asked = source.asked();
    // The first at 1 s, for no two are closer than that; then every 30 s.
    assert_eq!(asked.len(), 1 + 10);
    for pair in asked[1..].windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_secs(30));
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_ones_again_are_asked_for_now_and_then() {
    let time = TestTime::start();
    let source = Source::new(&time, |at, asked| match (asked, at.as_secs()) {
        (0, _) => Reply::Endless,
        (_, ..1000) => Reply::Same,
        _ => Reply::Endless,
    });
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(10.0).await;
    assert!(cache.replace(1).await.is_none());
    assert_eq!(cache.readiness(), Readiness::Degraded);
    // The operator puts new keys into the file after a quarter of an hour: they are found without
    // anybody's help, within a minute.
    for second in 10..1061 {
        time.reaches(f64::from(second)).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
    assert_eq!(cache.readiness(), Readiness::Ready);
    for pair in source.asked()[1..].windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_secs(30));
    }
}

#[tokio::test(start_paused = true)]
async fn refused_ones_that_came_back_are_replaced_when_there_are_others() {
    let time = TestTime::start();
    let source = Source::new(&time, |at, asked| match (asked, at.as_secs()) {
        (0, _) => Reply::New(3600.0),
        (_, ..1000) => Reply::Same,
        _ => Reply::New(3600.0),
    });
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(10.0).await;
    assert!(cache.replace(1).await.is_none());
    for second in 10..1062 {
        time.reaches(f64::from(second)).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    assert_eq!(cache.last().unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn replaced_ones_without_an_end_are_read_whatever_the_clocks_say() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Endless]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(10.0).await;
    assert_eq!(cache.replace(1).await.unwrap().generation(), 2);
    time.set_by(-900);
    assert!(cache.peek(sigv4_core::runtime::Clock::now(&time)).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_is_running_already_will_do() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(12.0), Reply::New(3600.0).after(1.0)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(9.0).await;
    request(&cache, &time).await.unwrap();
    settle().await;
    assert_eq!(source.times_asked(), 2);
    assert_eq!(cache.replace(1).await.unwrap().generation(), 2);
    assert_eq!(source.times_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn refused_ones_that_could_not_be_replaced_are_replaced_later() {
    for reply in [Reply::New(3600.0), Reply::Endless] {
        let time = TestTime::start();
        let source = Source::replying(&time, [reply.clone(), Reply::Fails, reply.clone()]);
        let cache = cache(&time, &source);
        cache.get().await.unwrap();
        time.reaches(10.0).await;
        assert!(cache.replace(1).await.is_none());
        // Nobody has to report it again.
        time.reaches(12.0).await;
        let current = request(&cache, &time).await.unwrap();
        assert_eq!(current.generation(), 1, "{reply:?}");
        settle().await;
        let current = request(&cache, &time).await.unwrap();
        assert_eq!(current.generation(), 2, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refused_ones_have_no_grace() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(60.0), Reply::Fails]);
    let cache = builder(&time, &source)
        .grace(Duration::from_secs(30))
        .build();
    cache.get().await.unwrap();
    time.reaches(62.0).await;
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
    settle().await;
    time.reaches(64.0).await;
    cache.invalidate(1);
    settle().await;
    assert!(request(&cache, &time).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn no_sooner_than_a_second_after_the_last_refresh_and_thirty_after_the_last_refusal() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    for (at, refused, replaced) in [
        (0.999, 1, None),
        (1.0, 1, Some(2)),
        (30.999, 2, None),
        (31.0, 2, Some(3)),
    ] {
        time.reaches(at).await;
        let new = cache.replace(refused).await;
        assert_eq!(new.map(|new| new.generation()), replaced, "at {at} s");
    }
}

#[tokio::test(start_paused = true)]
async fn one_set_is_refused_once() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::Same]);
    let log = Log::default();
    let cache = builder(&time, &source).on_event(log.hook()).build();
    cache.get().await.unwrap();
    log.take();
    for at in [10.0, 11.0, 45.0, 90.0] {
        time.reaches(at).await;
        assert!(cache.replace(1).await.is_none(), "at {at} s");
    }
    assert_eq!(
        log.take(),
        ["Invalidated", "RefreshStarted", "RefreshUnchanged"]
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_has_not_ended_is_a_replacement() {
    let time = TestTime::start();
    let replies = [Reply::New(60.0), Reply::New(60.0), Reply::Fails];
    let source = Source::replying(&time, replies);
    let cache = builder(&time, &source)
        .grace(Duration::from_secs(30))
        .build();
    cache.get().await.unwrap();
    time.reaches(60.0).await;
    request(&cache, &time).await.unwrap();
    settle().await;
    // Late answers about the first ones: the second ones are good, due, and over.
    for (at, replaced) in [(61.0, Some(2)), (119.999, Some(2)), (120.0, None)] {
        time.reaches(at).await;
        let new = cache.replace(1).await;
        assert_eq!(new.map(|new| new.generation()), replaced, "at {at} s");
    }
}
