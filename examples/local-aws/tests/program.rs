//! The program, run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Output;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// How long a test waits for what is to come.
const PATIENCE: Duration = Duration::from_secs(60);

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-aws"));
    command.args(arguments).kill_on_drop(true);
    command
}

async fn run(mut command: Command) -> Output {
    let output = timeout(PATIENCE, command.output()).await;
    output.expect("it ends in a minute").unwrap()
}

async fn local_aws(arguments: &[&str]) -> Output {
    let mut command = command(arguments);
    command.env("AWS_SESSION_TOKEN", "of somebody else");
    run(command).await
}

#[cfg(unix)]
#[tokio::test]
async fn runs_a_program_with_an_environment_that_fits() {
    let script = "echo \"$AWS_ENDPOINT_URL $AWS_REGION $AWS_ACCESS_KEY_ID\"; \
                  echo \"token: $AWS_SESSION_TOKEN $AWS_DEFAULT_REGION\"; exit 7";
    let output = local_aws(&["sh", "-c", script]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    assert!(first.starts_with("http://127.0.0.1:"), "{first}");
    assert!(first.ends_with(" us-east-1 AKIDEXAMPLE"), "{first}");
    assert_eq!(second, "token:  us-east-1\n");
    assert_eq!(output.status.code(), Some(7), "what the program ended with");
}

#[cfg(unix)]
#[tokio::test]
async fn no_proxy_is_asked_for_what_is_on_this_machine() {
    for (set, expected) in [("", "127.0.0.1"), ("a.example,", "a.example,127.0.0.1")] {
        let mut command = command(&["sh", "-c", "echo \"$NO_PROXY $no_proxy\""]);
        command.envs([("NO_PROXY", set), ("no_proxy", set)]);
        let text = String::from_utf8(run(command).await.stdout).unwrap();
        assert_eq!(text.trim_end(), format!("{expected} {expected}"));
    }
}

#[tokio::test]
async fn says_what_it_cannot_run() {
    let output = local_aws(&["no-such-program"]).await;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.starts_with("local-aws: no-such-program: "), "{text}");
    assert_eq!(output.status.code(), Some(127));
}

#[cfg(unix)]
#[tokio::test]
async fn hands_a_signal_to_end_on_to_the_program() {
    use std::process::Stdio;

    use tokio::io::AsyncBufReadExt;
    use tokio::io::BufReader;

    // The program says its id, and when it is asked to end.
    let script = "trap 'echo ended; exit 9' TERM; echo $$; while :; do sleep 0.05; done";
    let mut command = command(&["sh", "-c", script]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line()).await;
    let program = line.expect("it runs in a minute").unwrap().unwrap();
    let id = child.id().unwrap().to_string();
    let asked = Command::new("kill").arg(id).status().await;
    assert!(asked.unwrap().success());
    let status = timeout(PATIENCE, child.wait()).await;
    // Whatever comes of the assertions, nothing is left behind.
    let is_left = Command::new("kill")
        .arg(&program)
        .stderr(Stdio::null())
        .status()
        .await;
    let status = status.expect("it ends in a minute").unwrap();
    assert_eq!(status.code(), Some(9), "what the program ended with");
    assert!(!is_left.unwrap().success(), "the program is still there");
    let line = timeout(PATIENCE, lines.next_line()).await;
    assert_eq!(line.unwrap().unwrap().as_deref(), Some("ended"));
}
