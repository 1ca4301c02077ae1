//! Runs the program.

use std::io::Write;
use std::process::Command;
use std::process::Stdio;
use std::thread;

use serde_json::Value;

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
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}
