//! What requests see while the source of credentials is away.

use std::time::Duration;

use sigv4_core::ErrorKind;
use sigv4_core::runtime::Readiness;

use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;
use crate::fixture::cache;
use crate::fixture::request;
use crate::fixture::settle;

#[tokio::test(start_paused = true)]
async fn an_outage_from_the_window_until_a_second_before_the_end_fails_nothing() {
    for failure in [Reply::Fails, Reply::Hangs, Reply::Ended, Reply::Panics] {
        let time = TestTime::start();
        let source = Source::new(&time, move |at, _| match at.as_secs_f64() {
            2700.0..3599.0 => failure.clone(),
            _ => Reply::New(3600.0),
        });
        let cache = builder(&time, &source)
            .refresh_timeout(Duration::from_secs(5))
            .random(|| 0.5)
            .build();
        for tenth in 0..40_000 {
            time.reaches(f64::from(tenth) / 10.0).await;
            if let Err(error) = request(&cache, &time).await {
                panic!("at {:?}: {error:?}", time.elapsed());
            }
        }
        assert_eq!(cache.last().unwrap().generation(), 2);
        // 15 minutes of at most one attempt a minute, and a few more at both ends.
        assert!(source.times_asked() < 60, "{}", source.times_asked());
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_over_the_end_fails_until_the_source_is_back_and_no_longer() {
    for (name, failure, timeout) in [
        ("fails", Reply::Fails, 5.0),
        ("is slow to fail", Reply::Fails.after(0.7), 5.0),
        ("hangs", Reply::Hangs, 1.0),
    ] {
        let time = TestTime::start();
        let source = Source::new(&time, move |at, _| match at.as_secs_f64() {
            5.0..30.0 => failure.clone(),
            _ => Reply::New(12.0),
        });
        let cache = builder(&time, &source)
            .refresh_timeout(Duration::from_secs_f64(timeout))
            .build();
        let mut recovered = None;
        let mut fetched = 0.0;
        for tenth in 0..400 {
            let at = f64::from(tenth) / 10.0;
            time.reaches(at).await;
            if fetched > at {
                continue;
            }
            let result = request(&cache, &time).await;
            let now = time.elapsed().as_secs_f64();
            fetched = now;
            match result {
                Ok(_) if now < 12.0 => {}
                Ok(_) => {
                    recovered.get_or_insert(now);
                }
                Err(error) => {
                    assert!((12.0..32.0).contains(&now), "{name}: {error:?} at {now}");
                    assert!(error.is_retryable(), "{name}");
                    assert_eq!(recovered, None, "{name}: {error:?} at {now}");
                }
            }
        }
        let recovered = recovered.unwrap();
        assert!((30.0..=32.0).contains(&recovered), "{name}: {recovered}");
        let during = source.asked();
        let during = during
            .iter()
            .filter(|asked| asked.at >= Duration::from_secs(12));
        let during = during
            .filter(|asked| asked.at < Duration::from_secs(30))
            .count();
        assert!(
            (5..=18).contains(&during),
            "{name}: asked {during} times in 18 s"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn it_recovers_after_a_week() {
    let time = TestTime::start();
    let week = 7.0 * 86_400.0;
    let source = Source::new(&time, move |at, _| {
        if at.as_secs_f64() < week {
            Reply::Fails
        } else {
            Reply::New(3600.0)
        }
    });
    let cache = cache(&time, &source);
    for hour in 0..7 * 24 {
        time.reaches(f64::from(hour) * 3600.0).await;
        assert!(cache.get().await.is_err());
    }
    time.reaches(week + 1.0).await;
    assert_eq!(cache.get().await.unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_error_says_which_source_since_when_and_when_again() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(60.0), Reply::Fails]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(100.0).await;
    let error = cache.get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert_eq!(error.to_string(), "there are no usable credentials");
    let outage = error.credentials_outage().unwrap();
    assert_eq!(outage.source_name(), "the script");
    assert_eq!(outage.ended_for(), Some(Duration::from_secs(40)));
    assert_eq!(outage.next_attempt_in(), Duration::from_secs(1));
    assert_eq!(
        outage.to_string(),
        "the script has provided none since the last ones ended 40 s ago, after 1 failed attempt; \
         a request tries again in 1 s"
    );
}

#[tokio::test(start_paused = true)]
async fn failures_without_credentials_are_remembered_for_a_second() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Fails]);
    let cache = cache(&time, &source);
    assert_eq!(cache.readiness(), Readiness::NotLoaded);
    for (at, asked) in [(0.0, 1), (0.5, 1), (0.9, 1), (1.0, 2), (1.9, 2), (100.0, 3)] {
        time.reaches(at).await;
        cache.get().await.unwrap_err();
        assert_eq!(source.times_asked(), asked, "at {at} s");
        assert_eq!(cache.readiness(), Readiness::Unavailable);
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_between_attempts_grow_and_shrink_with_what_is_left() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(36_000.0), Reply::Fails]);
    // The longest pauses there can be.
    let cache = builder(&time, &source).random(|| 1.0).build();
    for second in 0..36_000 {
        time.reaches(f64::from(second)).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    let asked = source.asked();
    let pauses: Vec<u64> = asked[1..]
        .windows(2)
        .map(|pair| (pair[1].at - pair[0].at).as_secs())
        .collect();
    assert_eq!(pauses[..6], [1, 3, 9, 27, 60, 60]);
    let last: Vec<u64> = pauses.iter().rev().take(5).copied().collect();
    assert!(last.iter().all(|&pause| pause <= 3), "{last:?}");
    assert!(pauses.iter().all(|&pause| (1..=61).contains(&pause)));
}

#[tokio::test(start_paused = true)]
async fn grace_goes_on_with_what_has_ended_for_so_long() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(60.0), Reply::Fails]);
    let cache = builder(&time, &source)
        .grace(Duration::from_secs(30))
        .random(|| 0.5)
        .build();
    for second in 0..90 {
        time.reaches(f64::from(second)).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    assert_eq!(cache.readiness(), Readiness::Degraded);
    let in_grace = source.asked();
    let in_grace = in_grace
        .iter()
        .filter(|asked| asked.at.as_secs() >= 60)
        .count();
    // Nobody waits for it, so that it backs off.
    assert!(
        (4..=25).contains(&in_grace),
        "asked {in_grace} times in 30 s"
    );
    time.reaches(90.0).await;
    assert!(request(&cache, &time).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn credentials_of_an_instance_have_grace_by_themselves() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::OtherKind(60.0), Reply::Fails]);
    let cache = cache(&time, &source);
    for minute in 0..361 {
        time.reaches(60.0 * f64::from(minute)).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    time.reaches(60.0 * 361.0).await;
    assert!(request(&cache, &time).await.is_err());

    let none = builder(&time, &source).grace(Duration::ZERO).build();
    none.get().await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_after_the_end_does_not_hide_when_that_was() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(60.0), Reply::Hangs]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap();
    time.reaches(100.0).await;
    let error = cache.get().await.unwrap_err();
    let outage = error.credentials_outage().unwrap();
    assert_eq!(outage.ended_for(), Some(Duration::from_secs(50)));
    assert_eq!(
        outage.to_string(),
        "the script has not answered for 10 s, and the last ones ended 50 s ago"
    );
}

#[tokio::test(start_paused = true)]
async fn with_grace_a_source_may_hand_out_what_has_ended() {
    let time = TestTime::start();
    // Instance metadata, while AWS cannot renew.
    let replies = [Reply::Ended, Reply::Same, Reply::Same, Reply::New(3600.0)];
    let source = Source::replying(&time, replies);
    let cache = builder(&time, &source)
        .grace(Duration::from_secs(30))
        .build();
    for second in 0..25 {
        time.reaches(f64::from(second)).await;
        let current = request(&cache, &time).await.unwrap();
        assert_eq!(current.generation(), if second <= 12 { 1 } else { 2 });
        settle().await;
    }
    assert_eq!(source.times_asked(), 4);
}
