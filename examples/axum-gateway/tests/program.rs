//! Runs the program as a user does.

#[cfg(unix)]
use std::io::BufRead;
#[cfg(unix)]
use std::io::BufReader;
#[cfg(unix)]
use std::io::Read;
#[cfg(unix)]
use std::io::Write;
#[cfg(unix)]
use std::net::TcpStream;
use std::process::Command;
#[cfg(unix)]
use std::process::Stdio;

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
    let (success, _, errors) = gateway(&["--listen", "0.0.0.0:0"]);
    assert!(!success);
    assert!(errors.contains("callers"), "{errors}");
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

#[test]
fn prints_nothing_that_a_terminal_would_obey() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file.yaml");
    let filter = "type.googleapis.com/envoy.extensions.filters.http.aws_request_signing.v3\
                  .AwsRequestSigning";
    for (name, command, text, expected) in [
        (
            "a path",
            "check-config",
            "{ listeners: [{ unix: \"/run/\\e[31mred\" }], routes: [{ match: /a, \
             upstream: https://a.example, service: sqs, region: us-east-1 }] }"
                .to_owned(),
            "[31mred",
        ),
        (
            "the name of a field",
            "check-config",
            "credentials: { \"\\e[31mred\\x9b\": { type: default } }".to_owned(),
            "[31mred",
        ),
        (
            "what Envoy has",
            "import-envoy",
            format!(
                "{{ name: envoy.filters.http.aws_request_signing, typed_config: {{ \
                 \"@type\": {filter}, service_name: s3, region: us-east-1, \
                 host_rewrite: a.example, \"\\e[31mred\": 1 }} }}"
            ),
            "[31mred has no meaning",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let (_, printed, errors) = gateway(&[command, file.to_str().unwrap()]);
        let all = printed + &errors;
        assert!(all.contains(expected), "{name}: {all}");
        let is_obeyed = |c: char| c.is_control() && c != '\n';
        assert!(!all.contains(is_obeyed), "{name}: {all:?}");
    }
}

/// An upstream that is not there: whoever is forwarded gets 502, and 404 who is not.
#[cfg(unix)]
fn configuration(path: &str) -> String {
    format!(
        "
listeners: [{{ tcp: \"127.0.0.1:0\" }}]
admin: {{ tcp: \"127.0.0.1:0\" }}
credentials:
  example: {{ type: static, access_key_id: AKIDEXAMPLE, secret_access_key: not-a-secret }}
routes:
  - {{ match: {path}, upstream: \"http://127.0.0.1:9\", service: sqs, region: us-east-1,
      credentials: example }}
limits: {{ drain: 1s }}
"
    )
}

#[cfg(unix)]
fn status(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[cfg(unix)]
#[test]
fn reads_its_file_again_and_ends_when_it_is_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gateway.yaml");
    std::fs::write(&file, configuration("/old")).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_axum-gateway"))
        .arg("--config")
        .arg(&file)
        .env_clear()
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut address = |start: &str| {
        let line = lines.next().expect("it says where it listens").unwrap();
        line.strip_prefix(start).expect(&line).to_owned()
    };
    let gateway = address("listening on ");
    let admin = address("for operators on ");
    let signal = |name: &str| {
        let id = program.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    };
    let until = |is_so: &dyn Fn() -> bool| {
        let begin = std::time::Instant::now();
        while !is_so() {
            assert!(begin.elapsed().as_secs() < 20, "it comes to that");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    };
    let is_old = || status(&gateway, "/old").starts_with("HTTP/1.1 502");
    let is_new = || status(&gateway, "/new").starts_with("HTTP/1.1 502");
    assert!(is_old() && !is_new());

    std::fs::write(&file, "routes: [").unwrap();
    signal("HUP");
    until(&|| status(&admin, "/readyz").contains("gateway.yaml"));
    assert!(is_old(), "the old one serves");

    std::fs::write(&file, configuration("/new")).unwrap();
    signal("HUP");
    until(&is_new);
    assert!(!is_old());
    assert!(!status(&admin, "/readyz").contains("gateway.yaml"));

    signal("TERM");
    assert!(program.wait().unwrap().success());
}

#[cfg(unix)]
#[test]
fn does_not_wait_for_credentials_when_it_is_told_to_end() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gateway.yaml");
    std::fs::write(&file, configuration("/old")).unwrap();
    // A container's source of credentials that takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let source = format!("http://{}/", silent.local_addr().unwrap());
    let mut program = Command::new(env!("CARGO_BIN_EXE_axum-gateway"))
        .arg("--config")
        .arg(&file)
        .env_clear()
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", source)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    lines.next().expect("it says where it listens").unwrap();
    let signal = |name: &str| {
        let id = program.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    };

    let slow =
        configuration("/new").replace("credentials: example", "credentials: { type: container }");
    std::fs::write(&file, slow).unwrap();
    signal("HUP");
    let _asked = silent.accept().expect("the reload asks for credentials");
    let begin = std::time::Instant::now();
    signal("TERM");
    assert!(program.wait().unwrap().success());
    assert!(begin.elapsed().as_secs() < 4, "{:?}", begin.elapsed());
}
