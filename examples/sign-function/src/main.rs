//! Signs requests for programs that cannot.
//!
//! ```text
//! sign-function --stdin
//! sign-function [--config FILE] [--listen ADDRESS]
//! ```

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that people start tells them where it is and why it ends"
)]

use std::env;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::io;
use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;

use sign_function::EnvironmentCredentials;
use sign_function::Limits;
use sign_function::run_on_lines;
use sign_function::serve::Command;

const USAGE: &str = "\
Signs requests to AWS for programs that cannot.

usage: sign-function --stdin    a request a line in JSON, an answer a line
       sign-function [--config FILE] [--listen ADDRESS]
                                a service over HTTP: POST /sign

Without a file, programs of this machine may have signed whatever goes to AWS. SIGN_FUNCTION_CONFIG
names the file, too. FUNCTIONS_CUSTOMHANDLER_PORT is the port behind the host of Azure Functions.";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let result = match arguments.first().and_then(|first| first.to_str()) {
        Some("--stdin") if arguments.len() == 1 => on_lines().map_err(Into::into),
        Some("--help" | "-h") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => match command(arguments.into_iter()) {
            Ok(command) => command.run(|address| {
                // Nobody may read it, and it serves all the same.
                let _ = writeln!(io::stdout(), "listening on http://{address}");
            }),
            Err(mistake) => {
                eprintln!("sign-function: {mistake}; see --help");
                return ExitCode::from(2);
            }
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sign-function: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// Reads what the command line says of the server, if it says nothing else.
fn command(mut arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut command = Command::new();
    while let Some(name) = arguments.next() {
        match name.to_str() {
            Some("--config") => {
                let file = arguments.next().ok_or("--config: name a file")?;
                command.config = Some(file.into());
            }
            Some("--listen") => {
                let address = arguments.next();
                let address = address.as_deref().and_then(OsStr::to_str);
                let address = address.and_then(|address| address.parse().ok());
                let address = address.ok_or("--listen: give an address such as 127.0.0.1:8080")?;
                command.listen = Some(address);
            }
            Some("--stdin") => return Err("--stdin: stands alone".to_owned()),
            _ => return Err(format!("{}: is no option", name.display())),
        }
    }
    Ok(command)
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
