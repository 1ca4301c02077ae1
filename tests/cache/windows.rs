//! When credentials are replaced.

use std::time::Duration;

use sigv4_core::runtime::Clock;

use crate::fixture::Log;
use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;
use crate::fixture::cache;
use crate::fixture::request;
use crate::fixture::settle;

/// Returns at which of these seconds after its begin a life is seen to be due.
async fn due(life: f64, random: f64) -> f64 {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(life), Reply::Fails]);
    let cache = builder(&time, &source).random(move || random).build();
    let steps = 1200;
    for step in 0..=steps {
        let at = life * f64::from(step) / f64::from(steps);
        time.reaches(at).await;
        request(&cache, &time).await.unwrap();
        settle().await;
        if source.times_asked() > 1 {
            return life - at;
        }
    }
    panic!("credentials of {life} s were never due");
}

#[tokio::test(start_paused = true)]
async fn by_their_life_and_never_more_than_a_third_of_it() {
    for (name, life, earliest, latest) in [
        ("12 s: a third of it", 12.0, 4.0, 2.0),
        ("12 min: a third of it", 720.0, 240.0, 120.0),
        ("15 min: 5 min", 900.0, 300.0, 150.0),
        ("1 h: 15 min", 3600.0, 900.0, 450.0),
        ("6 h: 1 h", 21_600.0, 3600.0, 1800.0),
    ] {
        // The moment lies in the first half of the window, by chance.
        for (random, expected) in [(0.0, earliest), (1.0, latest)] {
            let left = due(life, random).await;
            let step = life / 1200.0;
            assert!(
                left <= expected && left > expected - 2.0 * step,
                "{name}: with {random}, {left} s before the end"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_making_anybody_wait() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::New(3600.0).after(20.0)]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(2701.0).await;
    let before = time.elapsed();
    for _ in 0..100 {
        assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
    }
    assert_eq!(time.elapsed(), before);
    time.reaches(2722.0).await;
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
    assert_eq!(source.times_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn credentials_of_12_s_make_no_hot_loop() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(12.0)]);
    let cache = cache(&time, &source);
    for tenth in 0..1200 {
        time.reaches(f64::from(tenth) / 10.0).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    // Each lives for 8 s before it is replaced: 2 min are 15 of them.
    assert_eq!(source.times_asked(), 15);
}

#[tokio::test(start_paused = true)]
async fn credentials_of_no_life_at_all_make_no_hot_loop() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(0.01)]);
    let cache = cache(&time, &source);
    let mut refused = 0;
    for hundredth in 0..1000 {
        time.reaches(f64::from(hundredth) / 100.0).await;
        refused += usize::from(request(&cache, &time).await.is_err());
        settle().await;
    }
    assert!(source.times_asked() <= 10, "{}", source.times_asked());
    assert!(refused > 900, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn credentials_without_an_end_are_fetched_once() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Endless]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    for hour in 1..1000 {
        time.reaches(3600.0 * f64::from(hour)).await;
        assert!(cache.peek(time.now()).is_some());
    }
    time.set_by(-900_000);
    assert!(cache.peek(time.now()).is_some());
    assert_eq!(source.times_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn credentials_without_an_end_are_looked_up_again_where_that_is_wanted() {
    let time = TestTime::start();
    let source = Source::new(&time, |at, asked| match (asked, at.as_secs()) {
        (0, _) => Reply::Endless,
        (_, ..600) => Reply::Same,
        (_, 600..900) => Reply::Fails,
        _ => Reply::Endless,
    });
    let cache = builder(&time, &source)
        .recheck(Duration::from_secs(60))
        .build();
    for second in 0..1000 {
        time.reaches(f64::from(second)).await;
        let before = time.elapsed();
        let generation = request(&cache, &time).await.unwrap().generation();
        assert_eq!(time.elapsed(), before);
        // A failure takes nothing away, and is tried again once a minute.
        match second {
            ..900 => assert_eq!(generation, 1),
            962.. => assert!(generation >= 2, "at {second} s"),
            _ => {}
        }
        settle().await;
    }
    let in_peace = source.asked();
    let in_peace = in_peace.iter().filter(|asked| asked.at.as_secs() < 600);
    assert!((9..=14).contains(&in_peace.count()));
}

#[tokio::test(start_paused = true)]
async fn the_same_credentials_again_mean_not_yet() {
    let time = TestTime::start();
    // As instance metadata does: the same ones until five minutes before their end.
    let source = Source::new(&time, |at, asked| match (asked, at.as_secs()) {
        (0, _) => Reply::New(21_600.0),
        (_, ..21_300) => Reply::Same,
        _ => Reply::New(21_600.0),
    });
    let cache = cache(&time, &source);
    for second in 0..21_600 {
        time.reaches(f64::from(second)).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    assert_eq!(cache.last().unwrap().generation(), 2);
    let asked = source.times_asked();
    assert!((5..=25).contains(&asked), "asked {asked} times");
    assert!(cache.readiness() == sigv4_core::runtime::Readiness::Ready);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_end_earlier_do_not_take_the_place_of_longer_ones() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::New(100.0)]);
    let cache = cache(&time, &source);
    for second in 0..3600 {
        time.reaches(f64::from(second)).await;
        let current = request(&cache, &time).await.unwrap();
        settle().await;
        // Those of 100 s are taken when they are the longer ones.
        match second {
            ..=3500 => assert_eq!(current.generation(), 1, "at {second} s"),
            3530.. => assert_eq!(current.generation(), 2, "at {second} s"),
            _ => {}
        }
        if second == 3540 {
            break;
        }
    }
    assert!(source.times_asked() < 40, "{}", source.times_asked());
    // Unless AWS has refused those.
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::New(100.0)]);
    let cache = self::cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(4000.0).await;
    assert_eq!(cache.replace(1).await.unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_have_ended_are_no_answer() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Ended, Reply::New(60.0), Reply::Ended]);
    let cache = cache(&time, &source);
    let error = cache.get().await.unwrap_err();
    let cause = std::error::Error::source(error.credentials_outage().unwrap());
    let text = cause.unwrap().to_string();
    assert!(text.contains("has ended already"), "{text}");
    assert!(text.contains("the clock of this machine"), "{text}");

    time.reaches(1.0).await;
    cache.get().await.unwrap();
    time.reaches(60.0).await;
    // Those that are there stay until they end themselves.
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn at_the_moment_itself_and_not_before() {
    for (life, early) in [
        (12.0, 4.0),
        (900.0, 300.0),
        (1200.0, 300.0),
        (1200.003, 400.001),
        (3600.0, 900.0),
        (5399.999, 900.0),
        (5400.0, 1800.0),
        (21_600.0, 3600.0),
    ] {
        let time = TestTime::start();
        let source = Source::replying(&time, [Reply::New(life)]);
        let cache = cache(&time, &source);
        cache.get().await.unwrap();
        for (at, asked) in [(life - early - 0.001, 1), (life - early, 2)] {
            time.reaches(at).await;
            request(&cache, &time).await.unwrap();
            settle().await;
            assert_eq!(source.times_asked(), asked, "{life} s, at {at} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_chance_says() {
    for (random, expected) in [(-3.0, 900.0), (7.0, 450.0)] {
        let left = due(3600.0, random).await;
        assert!(
            left <= expected && left > expected - 6.0,
            "with {random}, {left} s before the end"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_without_an_end_are_fresh_again_once_they_are_confirmed() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Endless, Reply::Same]);
    let log = Log::default();
    let cache = builder(&time, &source)
        .recheck(Duration::from_secs(60))
        .on_event(log.hook())
        .build();
    cache.get().await.unwrap();
    time.reaches(60.0).await;
    request(&cache, &time).await.unwrap();
    settle().await;
    assert_eq!(source.times_asked(), 2);
    log.take();
    time.reaches(61.0).await;
    let confirmed = request(&cache, &time).await.unwrap();
    assert_eq!(log.take(), ["Hit"]);
    let ago = time.now().duration_since(confirmed.fetched_at());
    assert_eq!(ago.unwrap(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_same_credentials_again_are_asked_for_after_five_minutes_at_most() {
    // Up to a quarter sooner, by chance; out of its bounds it counts as the nearer of them.
    for (random, pause) in [(0.0, 225), (1.0, 300), (-3.0, 225), (7.0, 300)] {
        let time = TestTime::start();
        let source = Source::replying(&time, [Reply::New(21_600.0), Reply::Same]);
        let cache = builder(&time, &source).random(move || random).build();
        cache.get().await.unwrap();
        for second in 19_800..20_500 {
            time.reaches(f64::from(second)).await;
            request(&cache, &time).await.unwrap();
            settle().await;
        }
        let asked = source.asked();
        for pair in asked[1..].windows(2) {
            let apart = pair[1].at - pair[0].at;
            assert_eq!(apart, Duration::from_secs(pause), "with {random}");
        }
        assert!(asked.len() > 3);
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_task_of_its_own_and_without_a_lock_for_requests_meanwhile() {
    let time = TestTime::start();
    let replies = [
        Reply::New(3600.0),
        Reply::Fails.after(5.0),
        Reply::New(3600.0),
    ];
    let source = Source::replying(&time, replies);
    // The longest pauses there can be.
    let cache = builder(&time, &source).random(|| 1.0).build();
    cache.get().await.unwrap();
    let is_at_hand = || cache.peek(time.now()).is_some();
    time.reaches(3150.0).await;
    assert!(!is_at_hand());
    request(&cache, &time).await.unwrap();
    assert_eq!(source.times_asked(), 1, "by the request itself");
    settle().await;
    assert_eq!(source.times_asked(), 2);
    // While it runs.
    assert!(is_at_hand());
    time.reaches(3155.0).await;
    settle().await;
    // It has failed: one request finds out until when there is nothing to do.
    assert!(!is_at_hand());
    request(&cache, &time).await.unwrap();
    assert!(is_at_hand());
    time.reaches(3156.0).await;
    assert!(!is_at_hand());
    request(&cache, &time).await.unwrap();
    settle().await;
    assert_eq!(cache.last().unwrap().generation(), 2);
    assert!(is_at_hand());
}

#[tokio::test(start_paused = true)]
async fn credentials_that_end_this_very_moment_are_no_answer() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(0.0)]);
    let cache = cache(&time, &source);
    let error = cache.get().await.unwrap_err();
    let cause = std::error::Error::source(error.credentials_outage().unwrap());
    assert!(cause.unwrap().to_string().contains("has ended already"));
    assert!(cache.last().is_none());
}

#[tokio::test(start_paused = true)]
async fn those_with_an_end_are_asked_for_by_what_is_left_whatever_the_recheck() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::Same]);
    let cache = builder(&time, &source)
        .recheck(Duration::from_secs(60))
        .build();
    cache.get().await.unwrap();
    for second in 2700..2900 {
        time.reaches(f64::from(second)).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    // After three quarters of a quarter of 900 s.
    let begun: Vec<_> = source
        .asked()
        .iter()
        .map(|asked| asked.at.as_secs())
        .collect();
    assert_eq!(begun, [0, 2700, 2869]);
}
