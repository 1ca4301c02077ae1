//! Where refreshes run.

use std::time::Duration;

use sigv4_core::Credentials;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::secrets;

use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;

fn fixed() -> CredentialsCache {
    let fixed = Credentials::new(secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
    CredentialsCache::new(fixed.unwrap())
}

#[test]
fn fixed_credentials_need_none() {
    let cache = fixed();
    let cached = futures_util::FutureExt::now_or_never(cache.get()).unwrap();
    assert_eq!(cached.unwrap().generation(), 1);
}

#[test]
fn fixed_credentials_need_no_timers() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    let cache = fixed();
    let cached = runtime.block_on(cache.get());
    assert_eq!(cached.unwrap().generation(), 1);
}

#[test]
fn a_refresh_outlives_the_runtime_that_it_began_on() {
    let paused = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap()
    };
    let first = paused();
    let (time, source) = first.block_on(async {
        let time = TestTime::start();
        let source = Source::replying(&time, [Reply::Hangs, Reply::New(3600.0)]);
        (time, source)
    });
    let cache = builder(&time, &source)
        .refresh_timeout(Duration::from_secs(5))
        .build();
    first.block_on(async {
        let impatient = tokio::time::timeout(Duration::from_secs(1), cache.get());
        assert!(impatient.await.is_err());
    });
    drop(first);

    let second = paused();
    second.block_on(async {
        // Whether the old one fails or is waited for: there is an answer, and then there are
        // credentials.
        for _ in 0..30 {
            if cache.get().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("it did not recover");
    });
}
