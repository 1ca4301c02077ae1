//! The program, run.

use std::fs;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kms_sign::Algorithm;
use local_aws::LocalAws;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::client;

/// How long a program may take on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

async fn run(aws: &LocalAws, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kms-sign"))
        .kill_on_drop(true)
        .args(arguments)
        .env_clear()
        .envs(aws.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that complains of its arguments may have ended by now.
    let _ = stdin.write_all(input).await;
    drop(stdin);
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    output.unwrap().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

const KEY: [&str; 2] = ["--key-id", "alias/orders"];

#[tokio::test]
async fn signs_standard_input_and_files() {
    let aws = LocalAws::start().await.unwrap();
    let folder = TempDir::new().unwrap();
    let (file, out) = (folder.path().join("order"), folder.path().join("order.sig"));
    let long = vec![7; 5000];
    fs::write(&file, &long).unwrap();
    let key = client(&aws).public_key("alias/orders").await.unwrap();

    let output = run(&aws, &KEY, b"short").await;
    let verdict = text(&output.stderr);
    assert!(verdict.starts_with("verified: ECDSA_SHA_256 of RAW, by arn:"));
    let signature = text(&output.stdout).trim_end();
    let signature = BASE64_STANDARD.decode(signature).unwrap();
    key.verify(Algorithm::EcdsaSha256, b"short", &signature)
        .unwrap();

    let paths = ["--out", out.to_str().unwrap(), file.to_str().unwrap()];
    let output = run(&aws, &[&KEY[..], &paths[..]].concat(), b"").await;
    let verdict = text(&output.stderr);
    assert!(verdict.starts_with("verified: ECDSA_SHA_256 of DIGEST, by arn:"));
    assert_eq!(text(&output.stdout), "");
    let signature = fs::read(&out).unwrap();
    key.verify(Algorithm::EcdsaSha256, &long, &signature)
        .unwrap();
}

#[tokio::test]
async fn gives_no_signature_that_is_wrong() {
    let aws = LocalAws::start().await.unwrap();
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("order.sig");
    aws.kms().sign_wrongly();
    for more in [&[][..], &["--out", out.to_str().unwrap()]] {
        let output = run(&aws, &[&KEY[..], more].concat(), b"short").await;
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stdout), "");
        let error = text(&output.stderr);
        assert!(error.contains("do not use it"), "{error}");
    }
    assert!(!out.exists());
}

#[tokio::test]
async fn says_what_is_wrong() {
    let aws = LocalAws::start().await.unwrap();
    for (arguments, code, expected) in [
        (
            &["--key-id", "alias/order"][..],
            1,
            "error: KMS says 400 NotFoundException: Alias ",
        ),
        (
            &["--key-id", "x", "no-such-file"],
            1,
            "error: no-such-file: ",
        ),
        (
            &["--key-id", "x", "--region", "no region"],
            1,
            "error: the region or the endpoint of KMS is not one: ",
        ),
        (
            &["--key-id", "x", "--algorithm", "ES256"],
            2,
            "the algorithm is not one of ECDSA_SHA_256 ",
        ),
        (
            &["mistakes", "none"],
            2,
            "the mistakes are reformatted-json, ",
        ),
        (&["--region", "us-east-1"], 2, "--key-id"),
        (&[], 2, "--key-id"),
    ] {
        let output = run(&aws, arguments, b"short").await;
        let error = text(&output.stderr);
        assert!(error.contains(expected), "{arguments:?}: {error}");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
    }
}
