//! Runs a program with services of AWS on loopback, and ends with it.
//!
//! ```text
//! local-aws PROGRAM [ARGUMENT]...
//! ```

#![expect(
    clippy::print_stdout,
    reason = "a program that people run tells them what to set"
)]

use std::env;
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use local_aws::LocalAws;
use tokio::process::Child;
use tokio::process::Command;
use tokio::signal;

const USAGE: &str = "\
Runs a program with services of AWS on loopback that check its signatures.

usage: local-aws PROGRAM [ARGUMENT]...
       local-aws              stay up until ctrl-c, and say what the environment has to be";

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = env::args_os().skip(1);
    let program = arguments.next();
    if program
        .as_ref()
        .is_some_and(|first| first == "--help" || first == "-h")
    {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let aws = LocalAws::start().await?;
    match program {
        Some(program) => run(&aws, program, arguments).await,
        None => {
            for (name, value) in environment(&aws) {
                println!("export {name}={value}");
            }
            signal::ctrl_c().await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Returns the variables, one more for AWS's own command line, which does not know `AWS_REGION`, and
/// that no proxy is asked for what is on this machine.
fn environment(aws: &LocalAws) -> Vec<(&'static str, String)> {
    let mut variables = aws.environment();
    let region = variables.iter().find(|(name, _)| *name == "AWS_REGION");
    if let Some((_, region)) = region.cloned() {
        variables.push(("AWS_DEFAULT_REGION", region));
    }
    for name in ["NO_PROXY", "no_proxy"] {
        let hosts = env::var(name).unwrap_or_default();
        let hosts = hosts.trim_matches(',');
        let separator = if hosts.is_empty() { "" } else { "," };
        variables.push((name, format!("{hosts}{separator}127.0.0.1")));
    }
    variables
}

/// Runs the program, and returns what it ended with.
async fn run(
    aws: &LocalAws,
    program: OsString,
    arguments: impl Iterator<Item = OsString>,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut command = Command::new(&program);
    command.args(arguments).envs(environment(aws));
    // Keys of the caller are not to be mixed with those that the services know.
    for name in [
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_BEARER_TOKEN_BEDROCK",
    ] {
        command.env_remove(name);
    }
    let mut termination = Termination::new()?;
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("local-aws: {}: {error}", program.display());
            return Ok(ExitCode::from(NO_SUCH_PROGRAM));
        }
    };
    // Ctrl-C reaches the program, too; the services stay up until it has ended. A signal to end that
    // is meant for this process is handed on.
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            _ = signal::ctrl_c() => {}
            () = termination.recv() => end(&child).await,
        }
    };
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Waits for `SIGTERM`.
#[cfg(unix)]
struct Termination(signal::unix::Signal);

#[cfg(unix)]
impl Termination {
    fn new() -> io::Result<Self> {
        signal::unix::signal(signal::unix::SignalKind::terminate()).map(Self)
    }

    async fn recv(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(not(unix))]
struct Termination;

#[cfg(not(unix))]
impl Termination {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn recv(&mut self) {
        std::future::pending().await
    }
}

/// Asks a program to end.
async fn end(child: &Child) {
    if let Some(id) = child.id() {
        let _ = Command::new("kill").arg(id.to_string()).status().await;
    }
}

/// What a shell ends with where there is no such program.
const NO_SUCH_PROGRAM: u8 = 127;
