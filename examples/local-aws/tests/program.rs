//! The program, run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;
use std::process::Output;

fn local_aws(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_local-aws"))
        .args(arguments)
        .env("AWS_SESSION_TOKEN", "of somebody else")
        .output()
        .unwrap()
}

#[cfg(unix)]
#[test]
fn runs_a_program_with_an_environment_that_fits() {
    let script = "echo \"$AWS_ENDPOINT_URL $AWS_REGION $AWS_ACCESS_KEY_ID\"; \
                  echo \"token: $AWS_SESSION_TOKEN $AWS_DEFAULT_REGION\"; exit 7";
    let output = local_aws(&["sh", "-c", script]);
    let text = String::from_utf8(output.stdout).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    assert!(first.starts_with("http://127.0.0.1:"), "{first}");
    assert!(first.ends_with(" us-east-1 AKIDEXAMPLE"), "{first}");
    assert_eq!(second, "token:  us-east-1\n");
    assert_eq!(output.status.code(), Some(7), "what the program ended with");
}

#[test]
fn says_what_it_cannot_run() {
    let output = local_aws(&["no-such-program"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.starts_with("local-aws: no-such-program: "), "{text}");
    assert_eq!(output.status.code(), Some(127));
}
