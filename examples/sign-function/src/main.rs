//! Signs requests for programs that cannot.
//!
//! ```text
//! sign-function --stdin
//! ```

#![expect(
    clippy::print_stderr,
    reason = "a program that people start tells them why it ends"
)]

use std::env;
use std::io;
use std::process::ExitCode;
use std::time::SystemTime;

use sign_function::EnvironmentCredentials;
use sign_function::Limits;
use sign_function::run_on_lines;

const USAGE: &str = "\
Signs requests to AWS for programs that cannot.

usage: sign-function --stdin    a request a line in JSON, an answer a line";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    if arguments.len() != 1 || arguments[0] != "--stdin" {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    match on_lines() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sign-function: {error}");
            ExitCode::FAILURE
        }
    }
}

fn on_lines() -> io::Result<()> {
    let mut credentials = EnvironmentCredentials::new();
    run_on_lines(
        io::stdin().lock(),
        io::stdout().lock(),
        &Limits::for_stdin(),
        || credentials.get(),
        SystemTime::now,
    )
}
