//! Where refreshes run.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use sigv4_core::Credentials;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::Runtime;
use sigv4_core::runtime::Task;
use sigv4_core::runtime::TokioRuntime;
use sigv4_tests::secrets;

use crate::fixture::Log;
use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;
use crate::fixture::request;
use crate::fixture::settle;

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

/// Keeps tasks until the test runs them, and notes how long somebody wanted to sleep.
#[derive(Clone, Debug, Default)]
struct Held {
    tasks: Arc<Mutex<Vec<Kept>>>,
    sleeps: Arc<Mutex<Vec<Duration>>>,
}

struct Kept(Task);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl Held {
    fn tasks(&self) -> usize {
        self.tasks.lock().unwrap().len()
    }

    /// Takes the task out that has been there for the longest time.
    fn first(&self) -> Task {
        self.tasks.lock().unwrap().remove(0).0
    }

    fn sleeps(&self) -> Vec<Duration> {
        self.sleeps.lock().unwrap().clone()
    }
}

impl Runtime for Held {
    fn spawn(&self, task: Task) {
        self.tasks.lock().unwrap().push(Kept(task));
    }

    fn sleep(&self, duration: Duration) -> Task {
        self.sleeps.lock().unwrap().push(duration);
        Box::pin(tokio::time::sleep(duration))
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_need_not_wait_needs_none_while_somebody_waits() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0)]);
    let held = Held::default();
    let cache = builder(&time, &source).runtime(held.clone()).build();
    cache.get().await.unwrap();
    time.reaches(10.0).await;
    assert_eq!(cache.replace(1).await.unwrap().generation(), 2);
    time.reaches(2000.0).await;
    let until = time.now() + Duration::from_secs(3600);
    let cached = cache.get_valid_until(until).await.unwrap();
    assert_eq!(cached.generation(), 3);
    assert_eq!((held.tasks(), held.sleeps()), (0, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_nobody_drives_is_given_up() {
    for refused in [false, true] {
        let time = TestTime::start();
        let source = Source::replying(&time, [Reply::New(3600.0)]);
        let held = Held::default();
        let cache = builder(&time, &source)
            .refresh_timeout(Duration::from_secs(3))
            .runtime(held.clone())
            .build();
        cache.get().await.unwrap();
        time.reaches(2700.0).await;
        request(&cache, &time).await.unwrap();
        assert_eq!(held.tasks(), 1);
        drop(held.first());
        for (at, tasks) in [(2708.0, 0), (2708.001, 1)] {
            time.reaches(at).await;
            if refused && tasks == 1 {
                cache.invalidate(1);
            } else {
                cache.get().await.unwrap();
            }
            let begun = held.tasks() + source.times_asked() - 1;
            assert_eq!(begun, tasks, "at {at} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_and_comes_late_changes_nothing() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0)]);
    let held = Held::default();
    let cache = builder(&time, &source)
        .refresh_timeout(Duration::from_secs(3))
        .runtime(held.clone())
        .build();
    cache.get().await.unwrap();
    for at in [2700.0, 2750.0] {
        time.reaches(at).await;
        request(&cache, &time).await.unwrap();
    }
    assert_eq!(held.tasks(), 2);
    held.first().await;
    assert_eq!(source.times_asked(), 2);
    assert_eq!(cache.last().unwrap().generation(), 1);
    held.first().await;
    assert_eq!(cache.last().unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn kept_warm_a_cache_wakes_up_when_there_is_something_to_do_and_once_a_minute() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(600.0)]);
    let held = Held::default();
    let log = Log::default();
    let cache = builder(&time, &source)
        .runtime(held.clone())
        .on_event(log.hook())
        .build();
    let warm = tokio::spawn(cache.keep_warm());
    settle().await;
    held.first().await;
    time.reaches(400.5).await;
    held.first().await;
    time.reaches(462.0).await;
    let mut slept = vec![1];
    slept.extend([60; 6]);
    slept.extend([39, 1, 60, 60]);
    let slept: Vec<_> = slept.into_iter().map(Duration::from_secs).collect();
    assert_eq!(held.sleeps(), slept);
    // And nobody has been handed anything.
    assert_eq!(log.take(), ["RefreshStarted", "RefreshSucceeded"].repeat(2));
    warm.abort();
}

#[tokio::test(start_paused = true)]
async fn kept_warm_a_cache_backs_off_while_the_source_fails() {
    for first in [Reply::Fails, Reply::New(3600.0)] {
        let time = TestTime::start();
        let replies = [first.clone(), Reply::Fails.after(0.1)];
        let source = Source::replying(&time, replies);
        let held = Sleeper::default();
        // The longest pauses there can be.
        let cache = builder(&time, &source)
            .runtime(held.clone())
            .random(|| 1.0)
            .build();
        let warm = tokio::spawn(cache.keep_warm());
        let begin = match first {
            Reply::Fails => 0.0,
            _ => 3150.0,
        };
        time.reaches(begin).await;
        settle().await;
        let before = held.sleeps();
        time.reaches(begin + 200.0).await;
        // 1, 3, 9, 27, and then 60 s.
        let asked = source.asked();
        let asked = asked.iter().filter(|asked| asked.at.as_secs_f64() >= begin);
        let asked = asked.count();
        assert!((6..=9).contains(&asked), "{first:?}: asked {asked} times");
        let slept = held.sleeps() - before;
        assert!(slept <= 40, "{first:?}: woke up {slept} times");
        warm.abort();
    }
}

/// Tokio, and how often somebody wanted to sleep.
#[derive(Clone, Debug, Default)]
struct Sleeper(Arc<AtomicUsize>);

impl Sleeper {
    fn sleeps(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Runtime for Sleeper {
    fn spawn(&self, task: Task) {
        TokioRuntime::new().spawn(task);
    }

    fn sleep(&self, duration: Duration) -> Task {
        self.0.fetch_add(1, Ordering::Relaxed);
        TokioRuntime::new().sleep(duration)
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_does_not_keep_the_cache_alive() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(3600.0).after(5.0)]);
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let cache = builder(&time, &source)
        .on_event(move |_| assert!(Arc::strong_count(&held) > 0))
        .build();
    let patience = Duration::from_secs(1);
    assert!(tokio::time::timeout(patience, cache.get()).await.is_err());
    assert_eq!(Arc::strong_count(&alive), 2);
    drop(cache);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[tokio::test(start_paused = true)]
async fn a_forced_refresh_that_nobody_drives_is_begun_anew() {
    let time = TestTime::start();
    let replies = [Reply::New(3600.0), Reply::Hangs, Reply::New(3600.0)];
    let source = Source::replying(&time, replies);
    let held = Held::default();
    let cache = builder(&time, &source)
        .refresh_timeout(Duration::from_secs(3))
        .runtime(held.clone())
        .build();
    cache.get().await.unwrap();
    time.reaches(10.0).await;
    request(&cache, &time).await.unwrap();
    cache.invalidate(1);
    drop(held.first());
    time.reaches(18.001).await;
    request(&cache, &time).await.unwrap();
    held.first().await;
    assert_eq!(cache.last().unwrap().generation(), 2);
}

/// Drops whatever it is given to run.
#[derive(Debug)]
struct Forgetful;

impl Runtime for Forgetful {
    fn spawn(&self, _: Task) {}

    fn sleep(&self, duration: Duration) -> Task {
        TokioRuntime::new().sleep(duration)
    }
}

/// Never answers, and looks into the cache when it is given up.
#[derive(Clone, Debug, Default)]
struct Nosy(Arc<OnceLock<CredentialsCache>>);

impl Drop for Nosy {
    fn drop(&mut self) {
        if let Some(cache) = self.0.get() {
            let _ = cache.readiness();
        }
    }
}

impl ProvideCredentials for Nosy {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let looks = self.clone();
        future::ProvideCredentials::new(async move {
            let _looks = looks;
            std::future::pending().await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_is_given_up_may_look_into_the_cache() {
    let time = TestTime::start();
    let source = Nosy::default();
    let cache = CredentialsCache::builder(source.clone())
        .clock(time.clone())
        .runtime(Forgetful)
        .build();
    source.0.set(cache.clone()).unwrap();
    // The caller is impatient, and nobody else drives the refresh.
    let impatient = tokio::time::timeout(Duration::from_secs(1), cache.get());
    assert!(impatient.await.is_err());
    time.reaches(60.0).await;
    assert!(cache.get().await.is_err());
}
