//! When credentials are replaced.

use std::time::Duration;

use sigv4_core::runtime::Clock;

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
