//! Many threads at once: what must hold of generations, whoever comes first.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::secrets;
use sigv4_tests::time;

/// A clock on which a tenth of a second passes each time that somebody looks at it.
#[derive(Clone, Debug, Default)]
struct Ticking {
    tenths: Arc<AtomicU64>,
}

impl Clock for Ticking {
    fn now(&self) -> SystemTime {
        time::of_the_suite() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(100 * self.tenths.fetch_add(1, Ordering::SeqCst))
    }
}

/// Hands out credentials of twelve seconds, fails now and then, and notices if it is asked twice at
/// a time.
#[derive(Clone, Debug, Default)]
struct Watchful {
    clock: Ticking,
    inner: Arc<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    is_asked: AtomicBool,
    asked: AtomicUsize,
    overlapped: AtomicBool,
}

impl ProvideCredentials for Watchful {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            if self.inner.is_asked.swap(true, Ordering::SeqCst) {
                self.inner.overlapped.store(true, Ordering::SeqCst);
            }
            let number = self.inner.asked.fetch_add(1, Ordering::SeqCst);
            for _ in 0..number % 7 {
                tokio::task::yield_now().await;
            }
            self.inner.is_asked.store(false, Ordering::SeqCst);
            if number % 5 == 3 {
                return Err(CredentialsError::provider_error("the fifth one fails"));
            }
            Ok(Credentials::new(
                format!("AKID{number}"),
                secrets::SECRET_ACCESS_KEY,
                None,
                Some(self.clock.now() + Duration::from_secs(12)),
                "watchful",
            ))
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn generations_only_grow_and_refreshes_never_overlap() {
    let source = Watchful::default();
    let cache = CredentialsCache::builder(source.clone())
        .clock(source.clock.clone())
        .build();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let cache = cache.clone();
            let clock = source.clock.clone();
            tokio::spawn(async move {
                let mut last = 0;
                let mut ids = Vec::new();
                for turn in 0..2000 {
                    let generation = match (cache.peek(clock.now()), turn % 50) {
                        (Some(cached), _) => cached.generation(),
                        (None, at) if at == task => match cache.replace(last).await {
                            Some(cached) => cached.generation(),
                            None => last,
                        },
                        (None, _) => match cache.get().await {
                            Ok(cached) => cached.generation(),
                            Err(_) => last,
                        },
                    };
                    assert!(generation >= last, "{generation} after {last}");
                    if turn % 97 == task {
                        // A late answer about old ones, or about those that are there.
                        cache.invalidate(generation.saturating_sub(u64::from(turn % 2 == 0)));
                    }
                    if let Some(cached) = cache.last() {
                        let id = cached.credentials().access_key_id().to_owned();
                        ids.push((cached.generation(), id));
                    }
                    last = generation;
                    tokio::task::yield_now().await;
                }
                ids
            })
        })
        .collect();
    let mut seen = HashMap::new();
    for task in tasks {
        for (generation, id) in task.await.unwrap() {
            let first = seen.entry(generation).or_insert_with(|| id.clone());
            assert_eq!(*first, id, "the same number means the same credentials");
        }
    }
    assert!(!source.inner.overlapped.load(Ordering::SeqCst));
    assert!(cache.last().unwrap().generation() > 100);
}
