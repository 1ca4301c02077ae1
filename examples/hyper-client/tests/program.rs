//! The program, run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use local_aws::LocalAws;
use tokio::process::Command;
use tokio::time::timeout;

/// How long a program may take on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs it with these services, and returns what it prints.
async fn run(aws: &LocalAws, secret: &str, url: &str) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hyper-client"));
    command.arg(url).env_clear().envs(aws.environment());
    command.env("AWS_SECRET_ACCESS_KEY", secret);
    command.kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.success(), stderr.is_empty(), "{stderr}");
    (stdout, stderr)
}

#[tokio::test]
async fn says_why_it_was_refused() {
    let aws = LocalAws::start().await.unwrap();
    let url = format!("{}/whoami", aws.url());
    let (said, error) = run(&aws, "wrong", &url).await;
    assert!(said.starts_with("403 Forbidden\n"), "{said}");
    assert!(error.contains("the secret key is wrong"), "{error}");
    assert_eq!(
        aws.seen().len(),
        1,
        "API Gateway's answers are not acted on"
    );
}

#[tokio::test]
async fn signs_for_loopback_or_https_only() {
    let aws = LocalAws::start().await.unwrap();
    let (said, error) = run(&aws, "any", "http://example.com/").await;
    assert!(said.is_empty(), "{said}");
    assert!(
        error.contains("plain http to a host that is not"),
        "{error}"
    );
}

#[tokio::test]
async fn tells_how_it_is_used() {
    let aws = LocalAws::start().await.unwrap();
    for wrong in ["--help", "orders/7"] {
        let (_, error) = run(&aws, "any", wrong).await;
        assert!(
            error.starts_with("Error: usage: hyper-client URL"),
            "{wrong}: {error}"
        );
    }
}
