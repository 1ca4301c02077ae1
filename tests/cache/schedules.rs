//! Whatever the source does and whenever requests come: a model says what must be true.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prelude::prop_oneof;
use proptest::prop_assert;
use proptest::test_runner::Config;
use proptest::test_runner::TestCaseError;
use proptest::test_runner::TestRunner;

use crate::fixture::Asked;
use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;

/// What a source does, for how long, and how far apart requests come in that time.
#[derive(Clone, Debug)]
struct Phase {
    reply: Reply,
    seconds: f64,
    every: f64,
    /// AWS refuses every answer as made with credentials that have ended.
    refused: bool,
}

fn reply() -> impl Strategy<Value = Reply> {
    let life = prop_oneof![0.5..30.0, 30.0..7200.0];
    let prompt = prop_oneof![
        4 => life.prop_map(Reply::New),
        4 => Just(Reply::Fails),
        1 => Just(Reply::Ended),
    ];
    prop_oneof![
        4 => prompt.clone(),
        2 => (prompt, 0.1..8.0).prop_map(|(reply, seconds)| reply.after(seconds)),
        1 => Just(Reply::Hangs),
    ]
}

fn phase() -> impl Strategy<Value = Phase> {
    let seconds = prop_oneof![1.0..60.0, 60.0..2000.0];
    let every = prop_oneof![0.05..1.0, 1.0..100.0];
    let parts = (reply(), seconds, every, proptest::bool::weighted(0.2));
    parts.prop_map(|(reply, seconds, every, refused)| Phase {
        reply,
        seconds,
        every,
        refused,
    })
}

const TIMEOUT: f64 = 5.0;

#[test]
fn fetches_are_bounded_and_valid_credentials_are_never_withheld() {
    let config = Config {
        cases: std::env::var("SCHEDULES").map_or(200, |cases| cases.parse().unwrap()),
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let input = (vec(phase(), 1..8), 0.0..1.0);
    runner
        .run(&input, |(phases, random)| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_time().start_paused(true).build().unwrap();
            runtime.block_on(check(phases, random))
        })
        .unwrap();
}

async fn check(phases: Vec<Phase>, random: f64) -> Result<(), TestCaseError> {
    let time = TestTime::start();
    let script = phases.clone();
    let source = Source::new(&time, move |at, _| {
        let mut end = 0.0;
        for phase in &script {
            end += phase.seconds;
            if at.as_secs_f64() < end {
                return phase.reply.clone();
            }
        }
        Reply::New(3600.0)
    });
    let cache = builder(&time, &source)
        .random(move || random)
        .refresh_timeout(Duration::from_secs_f64(TIMEOUT))
        .wait_at_most(Duration::from_secs_f64(2.0 * TIMEOUT))
        .build();

    let mut model = Model::default();
    let mut begin = 0.0;
    for phase in &phases {
        let end = begin + phase.seconds;
        // No more requests than are needed to see what there is to see.
        let every = phase.every.max(phase.seconds / 300.0);
        let mut at = begin;
        while at < end {
            time.reaches(at).await;
            let result = match cache.peek(sigv4_core::runtime::Clock::now(&time)) {
                Some(_) => Ok(cache.last().unwrap()),
                None => {
                    let before = time.elapsed();
                    let valid = model.valid_until > before.as_secs_f64();
                    let result = cache.get().await;
                    prop_assert!(!valid || time.elapsed() == before, "made to wait");
                    result
                }
            };
            model.now = time.elapsed().as_secs_f64();
            match result {
                Ok(cached) => {
                    let end = cached.credentials().expires_at().unwrap();
                    let now = sigv4_core::runtime::Clock::now(&time);
                    prop_assert!(now < end, "served after its end");
                    let left = end.duration_since(now).unwrap().as_secs_f64();
                    if phase.refused {
                        cache.invalidate(cached.generation());
                        model.refused = cached.generation();
                    }
                    // Those that AWS has refused may make way for shorter ones.
                    let promised = cached.generation() != model.refused;
                    model.valid_until = model.now + if promised { left } else { 0.0 };
                }
                Err(error) => {
                    prop_assert!(
                        model.valid_until <= model.now,
                        "{error:?} at {} with credentials until {}",
                        model.now,
                        model.valid_until
                    );
                }
            }
            at = (at + every).max(model.now);
        }
        begin = end.max(model.now);
    }
    no_two_overlap(&source.asked())?;
    at_most_one_a_second(&source.asked())?;

    // It recovers, whatever there was.
    let healthy = begin.max(time.elapsed().as_secs_f64()) + 1.0;
    time.reaches(healthy).await;
    while cache.get().await.is_err() {
        prop_assert!(
            time.elapsed().as_secs_f64() < healthy + TIMEOUT + 2.0,
            "no recovery"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Model {
    now: f64,
    /// Which credentials AWS has refused last.
    refused: u64,
    /// Until when the last credentials hold that were handed out.
    valid_until: f64,
}

fn no_two_overlap(asked: &[Asked]) -> Result<(), TestCaseError> {
    for pair in asked.windows(2) {
        let ended = pair[0].answered;
        prop_assert!(
            ended.is_some_and(|ended| ended <= pair[1].at),
            "{pair:?} overlap"
        );
    }
    Ok(())
}

fn at_most_one_a_second(asked: &[Asked]) -> Result<(), TestCaseError> {
    for pair in asked.windows(2) {
        let apart = pair[1].at - pair[0].at;
        prop_assert!(apart >= Duration::from_millis(999), "{pair:?}: {apart:?}");
    }
    Ok(())
}
