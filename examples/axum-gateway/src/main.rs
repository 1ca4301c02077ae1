//! A gateway that signs requests to AWS services, for clients without AWS keys.
//!
//! `--config` names the file that says what is served; `--upstream`, `--service` and `--region` do
//! for one service. Without any it demonstrates itself, with no AWS account.
//!
//! The parts are in the library beside this: [`axum_gateway`].

#![expect(
    clippy::print_stdout,
    reason = "a program that people run tells them what it does"
)]

#[cfg(feature = "demo")]
mod demo;
mod signals;

use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;

use axum_gateway::args::Args;
use axum_gateway::args::Command;
use axum_gateway::config::Config;
use axum_gateway::config::envoy;
use axum_gateway::log;
use axum_gateway::server;
use axum_gateway::server::Running;
use axum_gateway::stats::Stats;
use clap::Parser;
use tokio::runtime;
use tokio::runtime::Runtime;

use crate::signals::Signals;

type BoxError = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match &args.command {
        Some(Command::CheckConfig { file }) => Config::load(file)
            .map(|config| print!("{}", plain(config)))
            .map_err(Into::into),
        Some(Command::ImportEnvoy { file, upstream }) => {
            let imported = envoy::import(file, upstream.as_deref());
            imported.map_err(Into::into).map(|imported| {
                for warning in imported.warnings {
                    eprintln!("warning: {}", plain(warning));
                }
                print!("{}", imported.yaml);
            })
        }
        Some(Command::Demo { once }) => demonstrate(&args, *once),
        None => match args.load() {
            None => demonstrate(&args, args.once),
            Some(Err(errors)) => Err(errors.into()),
            Some(Ok(config)) => serve(&args, config),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("axum-gateway: {}", plain(&error));
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {}", plain(error));
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// Takes from a text what a terminal would obey: somebody else may have written the file.
fn plain(text: impl Display) -> String {
    let plain = |c: char| match c {
        '\n' | '\t' => c,
        _ if c.is_control() => char::REPLACEMENT_CHARACTER,
        _ => c,
    };
    text.to_string().chars().map(plain).collect()
}

/// Serves until it is told to end.
fn serve(args: &Args, config: Config) -> Result<(), BoxError> {
    log::init(&config.log)?;
    runtime(args.workers)?.block_on(async {
        // Before there is anything to wait for: a signal that nobody waits for ends the program, or
        // is lost.
        let mut signals = Signals::new()?;
        let running = tokio::select! {
            biased;
            () = signals.end() => return Ok(()),
            running = server::start(config, Stats::new()) => running?,
        };
        for address in running.addresses() {
            println!("listening on {address}");
        }
        if let Some(address) = running.admin_address() {
            println!("for operators on {address}");
        }
        until_ended(args, running, signals).await
    })
}

/// Reads the configuration again whenever it is told to, and ends when it is told that: after what
/// has begun, or at once if it is told twice.
async fn until_ended(args: &Args, running: Running, mut signals: Signals) -> Result<(), BoxError> {
    while signals.reload_or_end().await {
        tokio::select! {
            () = reload(args, &running) => {}
            // New credentials can take long, and who ends the program does not wait for them.
            () = signals.end() => break,
        }
    }
    tokio::select! {
        () = running.drain() => Ok(()),
        () = signals.end() => Err("ended at once, as it was told twice".into()),
    }
}

async fn reload(args: &Args, running: &Running) {
    match args.load() {
        // Whether it can be served, and if not why, is logged there.
        Some(Ok(config)) => drop(running.reload(config).await),
        Some(Err(errors)) => running.reload_failed(&errors.to_string()),
        None => {}
    }
}

fn runtime(workers: Option<usize>) -> std::io::Result<Runtime> {
    let mut builder = match workers {
        Some(1) => runtime::Builder::new_current_thread(),
        _ => runtime::Builder::new_multi_thread(),
    };
    if let Some(workers) = workers.filter(|&workers| workers > 0) {
        builder.worker_threads(workers);
    }
    builder.enable_all().build()
}

#[cfg(feature = "demo")]
fn demonstrate(args: &Args, once: bool) -> Result<(), BoxError> {
    runtime(args.workers)?.block_on(demo::run(args, once))
}

#[cfg(not(feature = "demo"))]
fn demonstrate(_: &Args, _: bool) -> Result<(), BoxError> {
    Err("neither --config nor --upstream is given, and this build has no demonstration".into())
}
