//! Runs the program as a user does.

#![cfg_attr(
    unix,
    expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")
)]

#[cfg(unix)]
use std::io::BufRead;
#[cfg(unix)]
use std::io::BufReader;
#[cfg(unix)]
use std::io::Read;
#[cfg(unix)]
use std::io::Write;
#[cfg(unix)]
use std::net::TcpListener;
#[cfg(unix)]
use std::net::TcpStream;
#[cfg(unix)]
use std::process::Child;
use std::process::Command;
#[cfg(unix)]
use std::process::Stdio;
#[cfg(unix)]
use std::sync::mpsc;
#[cfg(unix)]
use std::thread;
#[cfg(unix)]
use std::time::Duration;
#[cfg(unix)]
use std::time::Instant;

#[cfg(unix)]
use sigv4_tests::patience;

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

#[cfg(unix)]
#[test]
fn does_not_begin_where_nobody_could_be_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gateway.yaml");
    let keys = "{ type: static, access_key_id: a, secret_access_key: b }";
    let route = format!(
        "name: kms, match: /, service: kms, region: us-east-1, credentials: {keys}, \
         upstream: \"https://kms.us-east-1.amazonaws.com\""
    );
    let listeners = "listeners: [{ tcp: \"127.0.0.1:0\" }]";
    std::fs::write(&file, format!("{listeners}\nroutes: [{{ {route} }}]\n")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_axum-gateway"))
        .arg("--config")
        .arg(&file)
        .env_clear()
        .env("SSL_CERT_FILE", directory.path().join("none.pem"))
        .output()
        .expect("the program starts");
    let errors = String::from_utf8(output.stderr).expect("the program prints UTF-8");
    assert!(!output.status.success(), "{errors}");
    assert!(errors.contains("routes.kms"), "{errors}");
    assert!(errors.contains("SSL_CERT_FILE"), "{errors}");
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
    let limit = Some(patience::LIMIT);
    stream.set_read_timeout(limit).expect("a minute is a time");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// The program, on its own. What is left of it when a test has failed is killed.
#[cfg(unix)]
struct Program {
    child: Child,
}

#[cfg(unix)]
impl Program {
    /// Starts it with what this file says.
    fn start(file: &std::path::Path, prepare: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_axum-gateway"));
        command.arg("--config").arg(file).env_clear();
        let child = prepare(&mut command).spawn().expect("the program starts");
        Self { child }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Has it end, and says how long that took. It has to end well.
    fn terminate(mut self) -> Duration {
        let begin = Instant::now();
        self.signal("TERM");
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return begin.elapsed();
            }
            assert!(begin.elapsed() < patience::LIMIT, "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[cfg(unix)]
impl Drop for Program {
    fn drop(&mut self) {
        // Most have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program prints, line by line.
#[cfg(unix)]
struct Lines {
    lines: mpsc::Receiver<String>,
}

#[cfg(unix)]
impl Lines {
    fn of(output: impl Read + Send + 'static) -> Self {
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(output).lines();
            // Until it ends, or nobody wants more.
            lines
                .map_while(Result::ok)
                .try_for_each(|line| send.send(line))
        });
        Self { lines }
    }

    fn next(&self) -> String {
        let line = self.lines.recv_timeout(patience::LIMIT);
        line.expect("the program prints a line")
    }

    /// Skips what is before a line with this text.
    fn next_with(&self, text: &str) -> String {
        loop {
            let line = self.next();
            if line.contains(text) {
                return line;
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn reads_its_file_again_and_ends_when_it_is_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gateway.yaml");
    std::fs::write(&file, configuration("/old")).unwrap();
    let mut program = Program::start(&file, |command| command.stdout(Stdio::piped()));
    let lines = Lines::of(program.child.stdout.take().unwrap());
    let address = |start: &str| {
        let line = lines.next();
        line.strip_prefix(start).expect(&line).to_owned()
    };
    let gateway = address("listening on ");
    let admin = address("for operators on ");
    let until = |is_so: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while !is_so() {
            assert!(begin.elapsed() < patience::LIMIT, "it comes to that");
            thread::sleep(Duration::from_millis(10));
        }
    };
    let is_old = || status(&gateway, "/old").starts_with("HTTP/1.1 502");
    let is_new = || status(&gateway, "/new").starts_with("HTTP/1.1 502");
    assert!(is_old() && !is_new());

    std::fs::write(&file, "routes: [").unwrap();
    program.signal("HUP");
    until(&|| status(&admin, "/readyz").contains("gateway.yaml"));
    assert!(is_old(), "the old one serves");

    std::fs::write(&file, configuration("/new")).unwrap();
    program.signal("HUP");
    until(&is_new);
    assert!(!is_old());
    assert!(!status(&admin, "/readyz").contains("gateway.yaml"));

    program.terminate();
}

#[cfg(unix)]
#[test]
fn does_not_wait_for_credentials_when_it_is_told_to_end() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gateway.yaml");
    std::fs::write(&file, configuration("/old")).unwrap();
    // A container's source of credentials that takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let source = format!("http://{}/", silent.local_addr().unwrap());
    let mut program = Program::start(&file, |command| {
        let command = command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", source);
        command.stdout(Stdio::piped())
    });
    Lines::of(program.child.stdout.take().unwrap()).next();

    let slow =
        configuration("/new").replace("credentials: example", "credentials: { type: container }");
    std::fs::write(&file, slow).unwrap();
    program.signal("HUP");
    let _asked = accept(&silent);
    let took = program.terminate();
    assert!(took < GIVEN_UP, "{took:?}");
}

/// A source that never answers is given up after three attempts of 5 s each. Whoever waits for that
/// to end takes longer than this, whoever does not takes a second.
#[cfg(unix)]
const GIVEN_UP: Duration = Duration::from_secs(14);

/// Takes a connection of the program.
#[cfg(unix)]
fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let begin = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => return stream,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
        assert!(
            begin.elapsed() < patience::LIMIT,
            "credentials are asked for"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// A security token service that takes a request, and never answers it.
#[cfg(unix)]
fn that_asks(endpoint: std::net::SocketAddr) -> String {
    format!(
        "
listeners: [{{ tcp: \"127.0.0.1:0\" }}]
credentials:
  example:
    type: assume_role
    role_arn: arn:aws:iam::123456789012:role/gateway
    region: us-east-1
    endpoint: http://{endpoint}
    source: {{ type: static, access_key_id: AKIDEXAMPLE, secret_access_key: not-a-secret }}
routes:
  - {{ match: /new, upstream: \"http://127.0.0.1:9\", service: sqs, region: us-east-1,
      credentials: example }}
"
    )
}

#[cfg(unix)]
#[test]
fn ends_when_it_is_told_to_although_it_waits_for_credentials() {
    for waits_at_start in [true, false] {
        let service = TcpListener::bind("127.0.0.1:0").unwrap();
        let asking = that_asks(service.local_addr().unwrap());
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("gateway.yaml");
        let first = configuration("/old").replace("admin:", "# admin:");
        let first = if waits_at_start { &asking } else { &first };
        std::fs::write(&file, first).unwrap();
        let mut program = Program::start(&file, |command| command.stdout(Stdio::piped()));
        if !waits_at_start {
            let lines = Lines::of(program.child.stdout.take().unwrap());
            let line = lines.next();
            assert!(line.starts_with("listening on "), "{line}");
            std::fs::write(&file, &asking).unwrap();
            program.signal("HUP");
        }
        let _held = accept(&service);
        // This one waits until the other is done.
        program.signal("HUP");
        thread::sleep(Duration::from_millis(100));
        let is_over = program.child.try_wait().unwrap();
        assert!(is_over.is_none(), "at start {waits_at_start}: {is_over:?}");

        let took = program.terminate();
        assert!(took < GIVEN_UP, "at start {waits_at_start}: {took:?}");
    }
}

#[cfg(unix)]
#[test]
fn says_what_a_reload_does_not_change() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gateway.yaml");
    std::fs::write(&file, configuration("/old")).unwrap();
    let mut program = Program::start(&file, |command| {
        command.stdout(Stdio::null()).stderr(Stdio::piped())
    });
    let lines = Lines::of(program.child.stderr.take().unwrap());
    // The admin listener's is the last one.
    let _ = (lines.next_with("listening"), lines.next_with("listening"));
    program.signal("HUP");
    let line = lines.next_with("configuration reloaded");
    assert!(!line.contains("restart"), "{line}");
    let text = format!("{}log: {{ format: text }}\n", configuration("/old"));
    std::fs::write(&file, text).unwrap();
    program.signal("HUP");
    let line = lines.next_with("configuration reloaded");
    assert!(
        line.contains("log.format") && line.contains("restart"),
        "{line}"
    );
    program.terminate();
}
