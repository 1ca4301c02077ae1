//! The program, started.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;
use std::process::Output;
use std::process::Stdio;

use http::StatusCode;
use serde_json::json;
use sigv4_tests::patience::soon;
use sigv4_tests::secrets;
use tempfile::NamedTempFile;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::process::Command;

use crate::fixture::KEY;
use crate::fixture::client;
use crate::fixture::config;
use crate::fixture::request;
use crate::fixture::send;
use crate::fixture::with;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sign-function"));
    command
        .env_remove("SIGN_FUNCTION_CONFIG")
        .env_remove("FUNCTIONS_CUSTOMHANDLER_PORT")
        .env("AWS_ACCESS_KEY_ID", secrets::ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", secrets::SECRET_ACCESS_KEY)
        .env_remove("AWS_SESSION_TOKEN")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// Starts it, and waits until it says where it is.
async fn start(mut command: Command) -> (Child, SocketAddr) {
    let mut child = command.spawn().unwrap();
    let address = address(&mut child).await.unwrap();
    (child, address)
}

/// Waits until the program says where it is. `None` where it has ended instead.
async fn address(child: &mut Child) -> Option<SocketAddr> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = soon("it says where it is", lines.next_line()).await;
    let line = line.unwrap()?;
    let address = line.strip_prefix("listening on http://").unwrap();
    Some(address.parse().unwrap())
}

async fn end(child: Child) -> Output {
    let id = child.id().unwrap().to_string();
    let kill = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(kill.unwrap().success());
    soon("it ends", child.wait_with_output()).await.unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn serves_without_a_file_and_ends_when_it_is_told() {
    let mut command = program();
    command.args(["--listen", "127.0.0.1:0"]);
    let (child, address) = start(command).await;
    let sign = |url: &str| {
        let request = with(json!({"url": url}));
        send(
            client()
                .post(format!("http://{address}/sign"))
                .json(&request),
        )
    };
    for (name, url, status) in [
        (
            "AWS",
            "https://a1.execute-api.eu-west-1.amazonaws.com/x",
            StatusCode::OK,
        ),
        ("this machine", "http://127.0.0.1:9000/x", StatusCode::OK),
        ("elsewhere", "https://example.com/x", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(sign(url).await.status, status, "{name}");
    }
    let output = end(child).await;
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn serves_when_nobody_reads_the_log_any_more() {
    let file = file(&config());
    let mut command = program();
    command.arg("--config").arg(file.path());
    let (mut child, address) = start(command).await;
    drop(child.stderr.take());
    for attempt in ["first", "second"] {
        let asked = client().post(format!("http://{address}/sign"));
        let answer = send(asked.bearer_auth(KEY).json(&request())).await;
        assert_eq!(answer.status, StatusCode::OK, "{attempt}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn answers_what_has_begun_before_it_ends() {
    let file = file(&config());
    let mut command = program();
    command.arg("--config").arg(file.path());
    let (child, address) = start(command).await;
    let body = request().to_string();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /sign HTTP/1.1\r\nhost: {address}\r\nx-api-key: {KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    // The server reads the body by now.
    reader.read_line(&mut line).await.unwrap();
    assert!(line.starts_with("HTTP/1.1 100"), "{line}");
    let ending = tokio::spawn(end(child));
    // Nobody is let in any more, and the request goes on.
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon("nobody is let in", closed).await;
    reader.get_mut().write_all(body.as_bytes()).await.unwrap();
    line.clear();
    while !line.starts_with("HTTP/1.1 200") {
        line.clear();
        let read = soon("an answer comes", reader.read_line(&mut line)).await;
        assert!(read.unwrap() > 0, "no answer");
    }
    drop(reader);
    assert!(ending.await.unwrap().status.success());
}

#[cfg(unix)]
#[tokio::test]
async fn logs_who_has_what_signed_and_no_secret() {
    let file = file(&config());
    let mut command = program();
    command.env("SIGN_FUNCTION_CONFIG", file.path());
    let (child, address) = start(command).await;
    let url = format!("http://{address}/sign");
    let asked = with(json!({
        "url": "https://api.example.com/secret-path?secret-query=1",
        "headers": [["x-amz-secret", "secret-header"]],
        "body": "secret-body",
        "method": "POST",
    }));
    let signed = send(client().post(&url).header("x-api-key", KEY).json(&asked)).await;
    let odd = with(json!({"service": "a b\nstatus=200 caller=root"}));
    send(client().post(&url).header("x-api-key", KEY).json(&odd)).await;
    send(
        client()
            .post(&url)
            .header("x-api-key", "secret-wrong-key")
            .json(&asked),
    )
    .await;
    let deletion = with(json!({"method": "DELETE"}));
    send(client().post(&url).header("x-api-key", KEY).json(&deletion)).await;
    let output = end(child).await;
    let log = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(
        lines,
        [
            "sign-function: status=200 caller=workflow service=execute-api region=eu-west-1 \
             method=POST host=api.example.com",
            "sign-function: status=403 caller=workflow service=a?b?status?200?caller?root \
             region=eu-west-1 method=GET host=api.example.com field=service",
            "sign-function: status=401 field=authorization",
            "sign-function: status=403 caller=workflow service=execute-api region=eu-west-1 \
             method=DELETE host=api.example.com field=method",
        ]
    );
    let shown = lines[3]
        .replace("=workflow", "=orders-workflow")
        .replace("api.example", "a1b2c3d4e5.execute-api.eu-west-1.amazonaws");
    assert!(include_str!("../../README.md").contains(&format!("```text\n{shown}\n```")));
    assert!(!log.contains("secret"), "{log}");
    assert!(!log.contains(KEY), "{log}");
    assert!(
        !log.contains(signed.json["signature"].as_str().unwrap()),
        "{log}"
    );
}

#[tokio::test]
async fn listens_where_the_host_of_azure_functions_says() {
    let file = file(&config().replace("127.0.0.1:0", "127.0.0.1:1"));
    let (_child, address) = loop {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let expected = free.local_addr().unwrap();
        drop(free);
        let mut command = program();
        command.arg("--config").arg(file.path());
        command.env("FUNCTIONS_CUSTOMHANDLER_PORT", expected.port().to_string());
        let mut child = command.spawn().unwrap();
        if let Some(address) = address(&mut child).await {
            assert_eq!(address, expected);
            break (child, address);
        }
        // Somebody else was faster to take the port.
        let output = soon("it ends", child.wait_with_output()).await.unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("in use"), "{text}");
    };
    let url = format!("http://{address}/api/sign");
    let answer = send(client().post(url).header("x-api-key", KEY).json(&request())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
}

#[tokio::test]
async fn does_not_start_with_what_cannot_be() {
    let port = ("FUNCTIONS_CUSTOMHANDLER_PORT", "7071");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    for (name, arguments, variables, part) in [
        (
            "no file behind Functions",
            &[][..],
            &[port][..],
            "is needed behind Azure Functions",
        ),
        (
            "no port",
            &[],
            &[("FUNCTIONS_CUSTOMHANDLER_PORT", "http")],
            "must be the number of a port",
        ),
        (
            "no such file",
            &["--config", "/no/such/file"],
            &[],
            "/no/such/file",
        ),
        (
            "anyone from everywhere",
            &["--listen", "0.0.0.0:0"],
            &[],
            "give each caller a key",
        ),
        (
            "an unknown flag",
            &["--port", "1"],
            &[],
            "sign-function: --port: is no option; see --help\n",
        ),
        (
            "a flag without a value",
            &["--config"],
            &[],
            "--config: name a file",
        ),
        (
            "an address that is taken",
            &["--listen", &taken],
            &[],
            &taken,
        ),
        (
            "no address",
            &["--listen", "8080"],
            &[],
            "--listen: give an address such as 127.0.0.1:8080",
        ),
        (
            "both ways at once",
            &["--listen", "127.0.0.1:0", "--stdin"],
            &[],
            "--stdin: stands alone",
        ),
    ] {
        let mut command = program();
        command.args(arguments).envs(variables.iter().copied());
        let output = soon(format!("{name}: it ends"), command.output()).await;
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{name}");
        assert!(text.contains(part), "{name}: {text}");
    }
}
