//! What requests see while the source of credentials is away.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use sigv4_core::ErrorKind;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::CredentialsEvent;
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

/// Returns the pauses between the first attempts of an outage, in tenths of a second.
async fn pauses(random: f64) -> Vec<u128> {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(36_000.0), Reply::Fails]);
    let cache = builder(&time, &source).random(move || random).build();
    cache.get().await.unwrap();
    for tenth in 345_000..346_000 {
        time.reaches(f64::from(tenth) / 10.0).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    let asked = source.asked();
    let pauses = asked[1..].windows(2);
    pauses
        .map(|pair| (pair[1].at - pair[0].at).as_millis() / 100)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn pauses_between_attempts_are_up_to_chance() {
    // Somewhere between a second and three times the last pause.
    assert_eq!(pauses(0.0).await[..8], [10; 8]);
    assert_eq!(pauses(0.5).await[..5], [10, 20, 35, 58, 92]);
    assert_eq!(pauses(1.0).await[..4], [10, 30, 90, 270]);
    // Out of its bounds it counts as the nearer of them.
    assert_eq!(pauses(-3.0).await[..8], [10; 8]);
    assert_eq!(pauses(7.0).await[..4], [10, 30, 90, 270]);
}

#[tokio::test(start_paused = true)]
async fn once_over_one_is_forgotten() {
    for (success, next) in [(Reply::New(36_000.0), 68_620), (Reply::Same, 34_720)] {
        let time = TestTime::start();
        let source = Source::new(&time, move |_, asked| match asked {
            0 => Reply::New(36_000.0),
            8 => success.clone(),
            _ => Reply::Fails,
        });
        let counted = Arc::new(Mutex::new(Vec::new()));
        let counts = Arc::clone(&counted);
        // The longest pauses there can be.
        let cache = builder(&time, &source)
            .random(|| 1.0)
            .on_event(move |event| {
                if let CredentialsEvent::RefreshFailed { failures, .. } = event {
                    counts.lock().unwrap().push(*failures);
                }
            })
            .build();
        cache.get().await.unwrap();
        for second in 34_200..34_422 {
            time.reaches(f64::from(second)).await;
            request(&cache, &time).await.unwrap();
            settle().await;
        }
        assert_eq!(source.times_asked(), 9);
        assert_eq!(cache.readiness(), Readiness::Ready);
        // The next one begins as the first one did.
        for second in next..next + 15 {
            time.reaches(f64::from(second)).await;
            request(&cache, &time).await.unwrap();
            settle().await;
        }
        assert_eq!(cache.readiness(), Readiness::Degraded);
        let counted = counted.lock().unwrap().clone();
        assert_eq!(counted, [1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4]);
        let begun: Vec<_> = source.asked()[9..].iter().map(|asked| asked.at).collect();
        assert_eq!(
            begun,
            [0, 1, 4, 13].map(|after| Duration::from_secs(next as u64 + after))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn once_over_nobody_waits() {
    let time = TestTime::start();
    let source = Source::new(&time, |at, _| match at.as_secs() {
        ..20 => Reply::Fails,
        _ => Reply::New(12.0).after(0.1),
    });
    // The longest pauses there can be.
    let cache = builder(&time, &source).random(|| 1.0).build();
    for tenth in 0..700 {
        time.reaches(f64::from(tenth) / 10.0).await;
        let before = time.elapsed();
        let result = request(&cache, &time).await;
        if before > Duration::from_secs(21) {
            result.unwrap();
            assert_eq!(time.elapsed(), before);
        }
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_source_has_a_rest_before_it_is_asked_again() {
    for (reply, rest) in [(Reply::Fails, 1000), (Reply::Same, 750)] {
        let time = TestTime::start();
        let source = Source::replying(&time, [Reply::New(12.0), reply.clone().after(2.0)]);
        let cache = cache(&time, &source);
        for hundredth in 0..1200 {
            time.reaches(f64::from(hundredth) / 100.0).await;
            request(&cache, &time).await.unwrap();
            settle().await;
        }
        let asked = source.asked();
        let begun: Vec<_> = asked.iter().map(|asked| asked.at.as_millis()).collect();
        assert_eq!(begun, [0, 8000, 10_000 + rest], "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_credentials_the_source_is_asked_once_a_second_however_long_it_lasts() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Fails]);
    // The longest pauses there can be.
    let cache = builder(&time, &source).random(|| 1.0).build();
    for tenth in 0..1000 {
        time.reaches(f64::from(tenth) / 10.0).await;
        let error = cache.get().await.unwrap_err();
        let outage = error.credentials_outage().unwrap();
        let next = Duration::from_millis(1000 - 100 * (tenth as u64 % 10));
        assert_eq!(outage.next_attempt_in(), next);
        assert_eq!(u64::from(outage.failures()), 1 + tenth as u64 / 10);
    }
    assert_eq!(source.times_asked(), 100);
}

#[tokio::test(start_paused = true)]
async fn the_error_has_no_reason_from_before_the_last_success() {
    for success in [Reply::New(12.0), Reply::Same] {
        let time = TestTime::start();
        let replies = [
            Reply::New(12.0),
            Reply::Fails,
            success.clone(),
            Reply::Hangs,
        ];
        let source = Source::replying(&time, replies);
        let cache = builder(&time, &source)
            .wait_at_most(Duration::from_secs(2))
            .build();
        cache.get().await.unwrap();
        for at in [8.0, 9.0, 21.5] {
            time.reaches(at).await;
            let _ = request(&cache, &time).await;
            settle().await;
        }
        let error = cache.get().await.unwrap_err();
        let outage = error.credentials_outage().unwrap();
        assert!(std::error::Error::source(outage).is_none(), "{success:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn readiness_tells_whether_requests_are_signed() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(60.0), Reply::Hangs]);
    let cache = cache(&time, &source);
    let is = |readiness: Readiness, can_sign| {
        assert_eq!(cache.readiness(), readiness);
        assert_eq!(readiness.can_sign(), can_sign);
    };
    is(Readiness::NotLoaded, false);
    cache.get().await.unwrap();
    is(Readiness::Ready, true);
    time.set_by(3600);
    is(Readiness::Degraded, true);
    time.set_by(-3600);
    time.reaches(59.9).await;
    is(Readiness::Ready, true);
    // Nobody has asked the source since.
    time.reaches(60.0).await;
    is(Readiness::Unavailable, false);
}

#[tokio::test(start_paused = true)]
async fn the_error_is_in_words() {
    let text = |error: &sigv4_core::Error| error.credentials_outage().unwrap().to_string();
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Fails]);
    let cache = cache(&time, &source);
    cache.get().await.unwrap_err();
    time.reaches(1.0).await;
    let error = cache.get().await.unwrap_err();
    assert_eq!(
        text(&error),
        "the script has provided none so far, after 2 failed attempts; a request tries again in 1 s"
    );

    let source = Source::replying(&time, [Reply::New(1.25)]);
    let cache = builder(&time, &source).random(|| 1.0).build();
    cache.get().await.unwrap();
    let until = time.now() + Duration::from_secs(60);
    let error = cache.get_valid_until(until).await.unwrap_err();
    assert_eq!(text(&error), "the script has no longer ones for now");

    let source = Source::replying(&time, [Reply::New(0.01)]);
    let cache = builder(&time, &source).random(|| 1.0).build();
    cache.get().await.unwrap();
    time.reaches(1.5).await;
    let error = cache.get().await.unwrap_err();
    assert_eq!(
        text(&error),
        "the script has provided none since the last ones ended 1 s ago; a request tries again in 1 s"
    );
}

#[tokio::test(start_paused = true)]
async fn by_default_a_request_waits_ten_seconds_and_a_refresh_thirty() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Hangs]);
    let cache = CredentialsCache::builder(source.clone())
        .clock(time.clone())
        .build();
    let error = cache.get().await.unwrap_err();
    assert_eq!(time.elapsed(), Duration::from_secs(10));
    let outage = error.credentials_outage().unwrap();
    assert_eq!(outage.source_name(), "the credentials provider");
    time.reaches(25.0).await;
    let error = cache.get().await.unwrap_err();
    // The refresh has ended, and this is the first to ask since then.
    assert_eq!(time.elapsed(), Duration::from_secs(35));
    let asked = source.asked();
    assert_eq!(asked[0].answered, Some(Duration::from_secs(30)));
    assert_eq!(asked[1].at, Duration::from_secs(30));
    let cause = std::error::Error::source(error.credentials_outage().unwrap()).unwrap();
    assert_eq!(cause.to_string(), "the provider took too long");
    assert!(cause.source().is_some());
}

#[tokio::test(start_paused = true)]
async fn the_error_has_that_of_the_source_behind_it() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::Fails]);
    let cache = cache(&time, &source);
    let error = cache.get().await.unwrap_err();
    let cause = std::error::Error::source(error.credentials_outage().unwrap()).unwrap();
    assert!(cause.to_string().starts_with("the provider failed"));
    let causes = std::iter::successors(cause.source(), |&error| error.source());
    let last = causes.last().unwrap().to_string();
    assert_eq!(last, "the script says so");
}

#[tokio::test(start_paused = true)]
async fn by_default_chance_spreads_refreshes() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0)]);
    let caches: Vec<_> = (0..64)
        .map(|_| {
            CredentialsCache::builder(source.clone())
                .clock(time.clone())
                .build()
        })
        .collect();
    for cache in &caches {
        cache.get().await.unwrap();
    }
    // Half of the moments at which they may be due.
    time.reaches(2925.0).await;
    for cache in &caches {
        request(cache, &time).await.unwrap();
    }
    settle().await;
    let due = source.times_asked() - caches.len();
    assert!((1..64).contains(&due), "{due} of 64");
}

#[tokio::test(start_paused = true)]
async fn pauses_towards_the_end_are_a_quarter_of_what_is_left() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0), Reply::Fails]);
    // The longest pauses there can be.
    let cache = builder(&time, &source).random(|| 1.0).build();
    cache.get().await.unwrap();
    for second in 3150..3592 {
        time.reaches(f64::from(second)).await;
        request(&cache, &time).await.unwrap();
        settle().await;
    }
    let asked = source.asked();
    let left: Vec<_> = asked
        .iter()
        .map(|asked| 3600 - asked.at.as_secs())
        .collect();
    let quarters = [230, 172, 129, 96, 72, 54, 40, 30, 22, 16, 12, 9];
    assert_eq!(left[8..], quarters);
}
