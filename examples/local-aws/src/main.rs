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
use std::process::ExitCode;

use local_aws::LocalAws;
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

/// Returns the variables, and one more for AWS's own command line, which does not know `AWS_REGION`.
fn environment(aws: &LocalAws) -> Vec<(&'static str, String)> {
    let mut variables = aws.environment();
    let region = variables.iter().find(|(name, _)| *name == "AWS_REGION");
    if let Some((_, region)) = region.cloned() {
        variables.push(("AWS_DEFAULT_REGION", region));
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
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("local-aws: {}: {error}", program.display());
            return Ok(ExitCode::from(NO_SUCH_PROGRAM));
        }
    };
    // Ctrl-C reaches the program, too; the services stay up until it has ended.
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            _ = signal::ctrl_c() => {}
        }
    };
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// What a shell ends with where there is no such program.
const NO_SUCH_PROGRAM: u8 = 127;
