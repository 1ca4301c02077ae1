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

#[cfg(unix)]
#[test]
fn no_proxy_is_asked_for_what_is_on_this_machine() {
    for (set, expected) in [("", "127.0.0.1"), ("a.example,", "a.example,127.0.0.1")] {
        let output = Command::new(env!("CARGO_BIN_EXE_local-aws"))
            .args(["sh", "-c", "echo \"$NO_PROXY $no_proxy\""])
            .envs([("NO_PROXY", set), ("no_proxy", set)])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.trim_end(), format!("{expected} {expected}"));
    }
}

#[test]
fn says_what_it_cannot_run() {
    let output = local_aws(&["no-such-program"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.starts_with("local-aws: no-such-program: "), "{text}");
    assert_eq!(output.status.code(), Some(127));
}

#[cfg(unix)]
#[test]
fn hands_a_signal_to_end_on_to_the_program() {
    use std::io::BufRead;
    use std::io::BufReader;
    use std::process::Stdio;

    // The program says its id, and when it is asked to end.
    let script = "trap 'echo ended; exit 9' TERM; echo $$; while :; do sleep 0.05; done";
    let mut child = Command::new(env!("CARGO_BIN_EXE_local-aws"))
        .args(["sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let program = lines.next().unwrap().unwrap();
    let asked = Command::new("kill").arg(child.id().to_string()).status();
    assert!(asked.unwrap().success());
    let status = child.wait().unwrap();
    // Whatever comes of the assertions, nothing is left behind.
    let is_left = Command::new("kill")
        .arg(&program)
        .stderr(Stdio::null())
        .status();
    assert_eq!(status.code(), Some(9), "what the program ended with");
    assert!(!is_left.unwrap().success(), "the program is still there");
    assert_eq!(lines.next().unwrap().unwrap(), "ended");
}
