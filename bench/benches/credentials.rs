//! What credentials cost a signature that come out of a cache: a table of times and ratios.

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use http::Request;
use sigv4_bench::Case;
use sigv4_bench::Contender;
use sigv4_bench::Ours;
use sigv4_core::Credentials;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::TrySign;

fn main() {
    let only_tried = std::env::args().any(|argument| argument == "--test");
    let rounds = if only_tried { 1 } else { 500 };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_time()
        .build()
        .expect("a runtime can be made");
    let cache = CredentialsCache::new(credentials());
    runtime
        .block_on(cache.get())
        .expect("fixed credentials are there");

    println!("\nNanoseconds, medians of {rounds} rounds:\n");
    println!("| what | ns |");
    println!("|---|---|");
    let wall = nanoseconds(rounds, SystemTime::now);
    println!("| `SystemTime::now()` | {wall:.1} |");
    let monotonic = nanoseconds(rounds, Instant::now);
    println!("| `Instant::now()` | {monotonic:.1} |");
    let now = SystemTime::now();
    let alone = nanoseconds(rounds, || generation(&cache, now));
    println!("| fresh hit, the time given, 1 task | {alone:.1} |");
    let mut shared: Vec<f64> = (0..rounds.min(50))
        .map(|_| runtime.block_on(sixteen_tasks(&cache)))
        .collect();
    let shared = median(&mut shared);
    println!("| fresh hit, the time given, {TASKS} tasks on {WORKERS} threads | {shared:.1} |");

    println!("\nOne signature of case a, the time read each time:\n");
    println!("| credentials | us | ratio |");
    println!("|---|---|---|");
    let [held, cached, authorized] = signatures(&cache, rounds);
    for (name, (time, ratio)) in [
        ("held", held),
        ("out of the cache", cached),
        ("by an `Authorizer`, with its scope and receipt", authorized),
    ] {
        println!("| {name} | {:.3} | {ratio:.3} |", time * 1e6);
    }
    if only_tried {
        println!("\nOnly tried: the numbers of a single round mean nothing.");
    }
}

fn credentials() -> Credentials {
    Credentials::new(Case::ACCESS_KEY_ID, Case::SECRET_ACCESS_KEY)
        .expect("the credentials are those of the documentation")
        .with_expiry(SystemTime::now() + Duration::from_secs(6 * 3600))
}

fn generation(cache: &CredentialsCache, now: SystemTime) -> u64 {
    let cached = cache.peek(black_box(now)).expect("they are fresh");
    cached.generation()
}

/// Nanoseconds of one call, the median over rounds of about a millisecond.
fn nanoseconds<T>(rounds: usize, call: impl Fn() -> T) -> f64 {
    const CALLS: u32 = 20_000;
    let mut times: Vec<f64> = (0..rounds + 20)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..CALLS {
                black_box(call());
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
        })
        .skip(20)
        .collect();
    median(&mut times)
}

/// Nanoseconds of one thread's time for a hit, while all tasks take credentials as fast as they
/// can.
async fn sixteen_tasks(cache: &CredentialsCache) -> f64 {
    const HITS: u32 = 100_000;
    let start = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move {
                let now = SystemTime::now();
                for hit in 0..HITS {
                    black_box(generation(&cache, now));
                    if hit % 1000 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the tasks run to their end");
    }
    let threads = f64::from(u32::try_from(WORKERS).expect("there are a few"));
    let hits = f64::from(HITS) * f64::from(u32::try_from(TASKS).expect("there are a few"));
    start.elapsed().as_secs_f64() * 1e9 * threads / hits
}

/// Seconds of a signature with credentials in hand, out of the cache, and by an authorizer, and
/// each as a ratio to the first: the medians of rounds in which all three have their turn.
fn signatures(cache: &CredentialsCache, rounds: usize) -> [(f64, f64); 3] {
    let cases = Case::filtered(&["a:".to_owned()]);
    let case = cases.first().expect("there is a case a");
    let ours = Ours::new(case);
    let held = credentials();
    let signer = Signer::builder(case.service, Case::REGION)
        .build()
        .expect("service and region are names");
    let host = case.request.uri().host().or_else(|| {
        let host = case.request.headers().get("host")?;
        host.to_str().ok()
    });
    let scope = HostScope::exact(host).expect("the case has a host");
    let authorizer = Authorizer::builder(signer.clone(), cache.clone(), scope).build();
    let request = || {
        let mut request = ours.input();
        // A scope is checked against a whole URI.
        if request.uri().authority().is_none() {
            let host = host.unwrap_or_default();
            let uri = format!("https://{host}{}", request.uri());
            *request.uri_mut() = uri.parse().expect("host and path make a URI");
        }
        request
    };

    let with_held = |request: &mut Request<()>| {
        let signed = signer.sign(request, Payload::EMPTY, &held, SystemTime::now());
        black_box(signed).expect("case a can be signed");
    };
    let with_cached = |request: &mut Request<()>| {
        let now = SystemTime::now();
        let cached = cache.peek(now).expect("they are fresh");
        let signed = signer.sign(request, Payload::EMPTY, cached.credentials(), now);
        black_box(signed).expect("case a can be signed");
    };
    let authorized = |request: &mut Request<()>| {
        authorizer.plan(request, None).expect("it is in scope");
        let signed = authorizer.try_sign(request, Payload::EMPTY, None);
        assert!(matches!(signed, Ok(TrySign::Done(_))));
    };
    let contenders: [Sign<'_>; 3] = [&with_held, &with_cached, &authorized];

    let mut times = [const { Vec::new() }; 3];
    for turn in 0..rounds + 20 {
        for at in (0..3).map(|at| (at + turn) % 3) {
            times[at].push(round(&request, contenders[at]));
        }
    }
    let first = times[0].clone();
    times.map(|mut times| {
        let mut ratios: Vec<f64> = times.iter().zip(&first).map(|(of, to)| of / to).collect();
        (median(&mut times), median(&mut ratios))
    })
}

type Sign<'a> = &'a dyn Fn(&mut Request<()>);

/// Signs batches of eight for about a millisecond, as the table of signers does.
fn round(request: &dyn Fn() -> Request<()>, sign: Sign<'_>) -> f64 {
    let mut measured = Duration::ZERO;
    let mut signatures = 0_u32;
    let mut requests = Vec::with_capacity(8);
    while measured < Duration::from_millis(1) {
        requests.extend((0..8).map(|_| request()));
        let start = Instant::now();
        for request in &mut requests {
            sign(black_box(request));
        }
        measured += start.elapsed();
        signatures += 8;
        requests.clear();
    }
    measured.as_secs_f64() / f64::from(signatures)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

const WORKERS: usize = 2;
const TASKS: usize = 16;
