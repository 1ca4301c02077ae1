//! Runs the program as a user does.

use std::process::Command;

fn gateway(args: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_axum-gateway"))
        .args(args)
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn every_request_of_the_demonstration_ends_as_it_should() {
    let (success, printed, errors) = gateway(&["--once"]);
    assert!(success, "{printed}{errors}");
    assert_eq!(
        printed
            .matches("200 OK: aws-sigv4 computes the same signature")
            .count(),
        4
    );
    assert_eq!(
        printed
            .matches("403 Forbidden: {\"message\":\"The request signature")
            .count(),
        1
    );
    for arrived in [
        "arrived   POST /model/anthropic.claude-3-5-sonnet-20241022-v2:0/converse",
        "arrived   POST /model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse",
        "inference-profile%2Fus.anthropic",
        "arrived   GET /foundation-models?byProvider=a&byProvider=b&empty=&flag=",
        "arrived   POST /model/anthropic.claude-3-5-opus-20241022-v2:0/converse",
    ] {
        assert!(printed.contains(arrived), "{arrived}\n{printed}");
    }
}

#[test]
fn does_not_listen_where_anybody_could_have_something_signed() {
    let (success, _, errors) = gateway(&["--listen", "0.0.0.0:0", "--once"]);
    assert!(!success);
    assert!(errors.contains("no authentication"), "{errors}");
}

#[test]
fn does_not_start_without_credentials() {
    let (success, _, errors) = gateway(&[
        "--upstream",
        "https://sqs.us-east-1.amazonaws.com",
        "--service",
        "sqs",
        "--region",
        "us-east-1",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert!(!success);
    assert!(errors.contains("no usable credentials"), "{errors}");
}

#[test]
fn names_what_is_missing() {
    let (success, _, errors) = gateway(&["--upstream", "https://sqs.us-east-1.amazonaws.com"]);
    assert!(!success);
    assert!(
        errors.contains("--service") && errors.contains("--region"),
        "{errors}"
    );
}

#[test]
fn does_not_start_for_an_upstream_that_is_never_signed_for() {
    let (success, _, errors) = gateway(&[
        "--upstream",
        "http://192.0.2.1",
        "--service",
        "sqs",
        "--region",
        "us-east-1",
    ]);
    assert!(!success);
    assert!(errors.contains("plain http"), "{errors}");
}
