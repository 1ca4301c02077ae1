//! The program, run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use local_aws::LocalAws;
use sigv4_tests::fake_aws::Handout;
use tokio::process::Command;
use tokio::time::timeout;

/// How long a program may take on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs it with these services, and returns what it prints.
async fn run(aws: &LocalAws, changes: &[(&str, &str)], arguments: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reqwest-quickstart"));
    command.args(arguments).env_clear().envs(aws.environment());
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    for &(name, value) in changes {
        command.env(name, value);
        if value.is_empty() {
            command.env_remove(name);
        }
    }
    command.kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.success(), stderr.is_empty(), "{stderr}");
    (stdout, stderr)
}

#[tokio::test]
async fn tells_who_calls_with_the_keys_of_a_role() {
    let aws = LocalAws::start().await.unwrap();
    let role = Handout::new("reader");
    aws.trust(&role);
    let keys = [
        ("AWS_ACCESS_KEY_ID", role.access_key_id()),
        ("AWS_SECRET_ACCESS_KEY", role.secret_access_key()),
        ("AWS_SESSION_TOKEN", role.session_token()),
    ];
    let (said, _) = run(&aws, &keys, &[]).await;
    assert!(said.starts_with("200 OK\n"), "{said}");
    assert!(said.contains("user/ASIAREADER</Arn>"), "{said}");
}

#[tokio::test]
async fn says_why_nothing_was_sent() {
    let aws = LocalAws::start().await.unwrap();
    let far = ["http://example.com/", "sqs"];
    let here = &*format!("{}/whoami", aws.url());
    for (name, changes, arguments, expected) in [
        (
            "half of the keys",
            &[("AWS_ACCESS_KEY_ID", "")][..],
            &[][..],
            "`AWS_ACCESS_KEY_ID` is not",
        ),
        ("no region", &[("AWS_REGION", "")], &[], "set AWS_REGION"),
        (
            "a question for help",
            &[("AWS_REGION", "")],
            &["--help"],
            "usage: reqwest-quickstart [URL SERVICE]",
        ),
        ("a URL alone", &[], &[here], "usage: "),
        ("no URL", &[], &["whoami", "sqs"], "usage: "),
        ("plain http", &[], &far, "plain http to a host that is not"),
        ("no service", &[], &[here, ""], "service"),
    ] {
        let (said, error) = run(&aws, changes, arguments).await;
        assert!(error.contains(expected), "{name}: {error}");
        assert!(said.is_empty(), "{name}: {said}");
    }
    assert!(aws.seen().is_empty() && aws.sts().requests().is_empty());
}
