//! Loads the gateway with good, bad and broken requests from 64 connections, takes its upstream
//! away in the middle, and watches its memory, its descriptors and its tasks. Linux only.

mod exchange;
mod gateway;
mod kinds;
mod load;
mod overload;
mod random;
mod upstream;

use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::exchange::Connection;
use crate::gateway::Gateway;
use crate::gateway::Sample;
use crate::kinds::BAD;
use crate::load::Load;
use crate::random::Random;
use crate::upstream::Upstream;

type BoxError = Box<dyn Error + Send + Sync>;

/// How many clients there are.
const CONNECTIONS: u64 = 64;

/// How much larger the gateway may be at rest than it ever was at rest while it warmed, in KiB.
///
/// In a minute of two slow processors there are 180,000 requests after it has warmed: to keep 48
/// bytes of each, or 900 of each bad one, would be more. What the allocator holds back differs by
/// 3 MiB from one moment to another, and now and then by 7 until it is given back.
const MOST_GROWTH: u64 = 8 << 10;

/// It is warm when it has grown by no more than this, in KiB, from one rest to the next: the first
/// bodies of each kind grow the allocator's arenas.
const STANDS_STILL: u64 = 2 << 10;

/// How often it may go on growing. What keeps something of every request never stands still.
const WARMING_ROUNDS: u64 = 10;

/// How long the gateway rests before its memory is read.
const REST: Duration = Duration::from_millis(200);

/// How long what the clients left behind may stay, and how long an answer may be awaited: three
/// times as long as the pool of connections to the upstream lasts, when there are none.
const TIDY: Duration = Duration::from_secs(60);

struct Args {
    seconds: u64,
    seed: u64,
    gateway: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => {
            println!("all is as it should be");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

fn args() -> Result<Args, BoxError> {
    let mut args = Args {
        seconds: 60,
        seed: 1,
        gateway: None,
    };
    let mut given = env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given
            .next()
            .ok_or_else(|| format!("{name} needs a value"))?;
        match &*name {
            "--seconds" => args.seconds = value.parse()?,
            "--seed" => args.seed = value.parse()?,
            "--gateway" => args.gateway = Some(value),
            _ => return Err("usage: soak [--seconds N] [--seed N] [--gateway BINARY]".into()),
        }
    }
    if args.seconds < 5 {
        return Err("it takes 5 seconds at least".into());
    }
    Ok(args)
}

async fn run() -> Result<(), BoxError> {
    let args = args()?;
    println!(
        "seed {}, {} s, {CONNECTIONS} connections",
        args.seed, args.seconds
    );
    let binary = gateway::binary(args.gateway.as_deref())?;
    let address = gateway::free_address().await?;
    let upstream = Upstream::start(address).await?;
    let mut gateway = Gateway::start(&binary, address).await?;
    println!(
        "| when | seconds | RSS KiB | descriptors | threads | tasks | connections | good | bad |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    let load = Arc::new(Load::default());
    let watch = Watch {
        start: Instant::now(),
        load: load.clone(),
    };
    let before = watch.look("start", &gateway).await?;

    // Each kind once, so that the largest is behind it when memory is measured first.
    let mut random = Random::new(args.seed);
    for bad in BAD {
        let octets = (bad.make)(&mut random, gateway.address());
        if bad.status.is_some() {
            let connection = Connection::open(gateway.address()).await?;
            let answered = connection.exchange(&octets).await;
            let (answer, _) = answered.map_err(|error| format!("{}: {error}", bad.name))?;
            if Some(answer.status) != bad.status {
                let (name, status) = (bad.name, answer.status);
                return Err(format!("{name}: answered with {status}").into());
            }
        }
    }

    overload::try_one_too_many(&gateway).await?;

    // The upstream is away for a tenth of the time, in the middle of what is left after warming.
    // Memory is compared between moments without clients: what is under way at any other is no
    // growth.
    let tenth = Duration::from_secs(args.seconds) / 10;
    let warm_kib = warm(&watch, &gateway, &args).await?;

    let clients = start_clients(&load, gateway.address(), args.seed);
    watch.pass(tenth * 3).await?;
    watch.look("upstream killed", &gateway).await?;
    load.killed
        .set(Instant::now())
        .map_err(|_| "it was killed before")?;
    upstream.kill().await;
    watch.pass_until(tenth, &load.away).await?;
    watch.look("upstream away", &gateway).await?;
    let upstream = Upstream::start(address).await?;
    load.restarted
        .set(Instant::now())
        .map_err(|_| "it was restarted before")?;
    watch.pass_until(tenth * 2, &load.after).await?;
    watch.look("upstream back", &gateway).await?;
    watch.pass(tenth * 2).await?;
    watch.look("end of the load", &gateway).await?;
    stop_clients(&load, clients).await;
    watch.check()?;
    gateway.check_alive()?;
    sleep(REST).await;
    let rest = watch.look("at rest", &gateway).await?;

    // Connections that wait in the gateway's pool end with the upstream.
    upstream.kill().await;
    let deadline = Instant::now() + TIDY;
    let mut after = gateway.sample().await?;
    while !is_tidy(before, after) && Instant::now() < deadline {
        sleep(Duration::from_millis(50)).await;
        after = gateway.sample().await?;
    }
    watch.look("clients gone", &gateway).await?;
    report(&load);
    if !is_tidy(before, after) {
        return Err(format!("something stayed behind: {before:?} before, {after:?} after").into());
    }
    if load.away.load(Ordering::Relaxed) == 0 || load.after.load(Ordering::Relaxed) == 0 {
        return Err("nothing was asked for while the upstream was away, or after".into());
    }
    // What was given back meanwhile was not kept for requests that had ended.
    let grown = rest.resident_kib.min(after.resident_kib);
    let growth = grown.saturating_sub(warm_kib);
    println!("growth from rest to rest: {growth} KiB, of {MOST_GROWTH} at most");
    if growth > MOST_GROWTH {
        return Err(format!("it grew by {growth} KiB").into());
    }
    gateway.check_alive()
}

/// Puts load on the gateway, a fifth of the time at once, until its memory stands still. Returns the
/// most that it had at rest, in KiB.
async fn warm(watch: &Watch, gateway: &Gateway, args: &Args) -> Result<u64, BoxError> {
    let fifth = Duration::from_secs(args.seconds) / 5;
    let mut most = 0;
    for round in 1..=WARMING_ROUNDS {
        let seed = args.seed + round;
        let clients = start_clients(&watch.load, gateway.address(), seed);
        watch.pass(fifth).await?;
        watch.look("warming, under load", gateway).await?;
        stop_clients(&watch.load, clients).await;
        watch.check()?;
        sleep(REST).await;
        let resident_kib = watch.look("warming, at rest", gateway).await?.resident_kib;
        if round > 1 && resident_kib <= most + STANDS_STILL {
            return Ok(most.max(resident_kib));
        }
        most = most.max(resident_kib);
    }
    Err(format!("it grew in each of {WARMING_ROUNDS} rounds, to {most} KiB").into())
}

fn start_clients(load: &Arc<Load>, gateway: SocketAddr, seed: u64) -> JoinSet<()> {
    load.ends.store(false, Ordering::Relaxed);
    let mut clients = JoinSet::new();
    for index in 0..CONNECTIONS {
        let (load, random) = (load.clone(), Random::of(seed, index));
        clients.spawn(async move { load.client(gateway, random).await });
    }
    clients
}

async fn stop_clients(load: &Load, mut clients: JoinSet<()>) {
    load.ends.store(true, Ordering::Relaxed);
    while clients.join_next().await.is_some() {}
}

/// Tells whether nothing is left of what the clients asked for.
fn is_tidy(before: Sample, after: Sample) -> bool {
    after.descriptors <= before.descriptors
        && after.tasks <= before.tasks
        && (after.connections, after.requests_in_flight) == (0, 0)
}

fn report(load: &Load) {
    for (kind, count) in &*load.kinds.lock().expect("nobody panics with it") {
        let expected = BAD.iter().find(|bad| bad.name == *kind);
        match expected.and_then(|bad| bad.status) {
            Some(status) => println!("{count} x {kind}: {status}"),
            None => println!("{count} x {kind}"),
        }
    }
    let (away, after) = (&load.away, &load.after);
    println!(
        "{} x 502 or 503 while the upstream was away, {} x 200 after it was back",
        away.load(Ordering::Relaxed),
        after.load(Ordering::Relaxed)
    );
}

/// Prints what there is, and ends the run at the first fault.
struct Watch {
    start: Instant,
    load: Arc<Load>,
}

impl Watch {
    async fn pass(&self, time: Duration) -> Result<(), BoxError> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.check()?;
            sleep(Duration::from_millis(20)).await;
        }
        self.check()
    }

    /// The same, and as much longer as it takes until one of these has been answered.
    async fn pass_until(&self, time: Duration, answered: &AtomicU64) -> Result<(), BoxError> {
        self.pass(time).await?;
        let deadline = Instant::now() + TIDY;
        while answered.load(Ordering::Relaxed) == 0 && Instant::now() < deadline {
            self.pass(Duration::from_millis(20)).await?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), BoxError> {
        let faults = self.load.faults.lock().expect("nobody panics with it");
        match faults.first() {
            None => Ok(()),
            Some(first) => Err(format!("{first} ({} faults)", faults.len()).into()),
        }
    }

    async fn look(&self, when: &str, gateway: &Gateway) -> Result<Sample, BoxError> {
        let sample = gateway.sample().await?;
        println!(
            "| {when} | {:.1} | {} | {} | {} | {} | {} | {} | {} |",
            self.start.elapsed().as_secs_f64(),
            sample.resident_kib,
            sample.descriptors,
            sample.threads,
            sample.tasks,
            sample.connections,
            self.load.good.load(Ordering::Relaxed),
            self.load.bad.load(Ordering::Relaxed),
        );
        Ok(sample)
    }
}
