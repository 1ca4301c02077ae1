//! Runs the program.

use std::io::Write;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// How long the program may take: the most that it gets are thousands of requests.
const LIMIT: Duration = Duration::from_secs(300);

/// Gives the program these lines, and returns what it answers, in order.
pub(crate) fn answers(lines: &[String]) -> Vec<Value> {
    let input = lines.join("\n") + "\n";
    let (stdout, _) = output_of(input.into_bytes(), &[]);
    let answers = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    answers.collect()
}

/// Returns what the program writes to its two streams. It has to end well.
pub(crate) fn output_of(input: Vec<u8>, environment: &[(&str, &str)]) -> (String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sign-function"))
        .arg("--stdin")
        .env_clear()
        // Nothing answers where a machine of EC2 would.
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || stdin.write_all(&input).unwrap());
    let id = child.id().to_string();
    let (send, output) = mpsc::channel();
    thread::spawn(move || send.send(child.wait_with_output()));
    let output = output.recv_timeout(LIMIT);
    if output.is_err() {
        let kill = Command::new("kill").args(["-s", "KILL", &id]).status();
        assert!(kill.unwrap().success());
    }
    let output = output.expect("it ends within its time").unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}
