//! Lines go in, and a line comes out for each.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use serde_json::json;
use sign_function::Limits;
use sign_function::RequestCredentials;
use sign_function::SignRequest;
use sign_function::run_on_lines;
use sigv4_tests::secrets;

use crate::program::output_of;

/// The example "GET Object" of the documentation of S3.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
const PUBLISHED: &str = r#"{"id":"1","method":"GET","url":"https://examplebucket.s3.amazonaws.com/test.txt","headers":[["Range","bytes=0-9"]],"service":"s3","region":"us-east-1","sign_headers":["range"],"time":"2013-05-24T02:00:00.999+02:00"}"#;
const SIGNATURE: &str = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
];

fn read(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn signs_with_the_credentials_of_the_environment_what_aws_publishes() {
    let (stdout, stderr) = output_of(PUBLISHED.into(), &KEYS);
    assert_eq!(
        (read(&stdout)[0]["signature"].as_str(), &*stderr),
        (Some(SIGNATURE), "")
    );
}

#[test]
fn says_that_there_are_no_credentials_and_goes_on() {
    let (stdout, _) = output_of(format!("{PUBLISHED}\n{PUBLISHED}\n").into(), &[]);
    let answers = read(&stdout);
    assert_eq!(answers.len(), 2);
    for answer in answers {
        assert_eq!(
            (&answer["id"], &answer["field"]),
            (&json!("1"), &json!("credentials"))
        );
    }
}

#[test]
fn answers_in_order_whatever_is_between() {
    let second = PUBLISHED.replace(r#""id":"1""#, r#""id":"2""#);
    let input = format!("\u{feff}{PUBLISHED}\r\n\n  \nnonsense\n{second}");
    let (stdout, _) = output_of(input.into(), &KEYS);
    let answers = read(&stdout);
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].as_str()).collect();
    assert_eq!(ids, [Some("1"), None, Some("2")]);
    assert_eq!(answers[2]["signature"], SIGNATURE);
    assert_eq!(answers[1]["field"], "request");
    // What is not text is answered, too.
    let (stdout, _) = output_of(
        [b"{\"id\":\"\xff\"}\n", PUBLISHED.as_bytes()].concat(),
        &KEYS,
    );
    assert_eq!(read(&stdout).len(), 2);
}

/// As it came: in the same digits, which a number of most programs has not enough of.
#[test]
fn gives_back_an_id_as_it_came() {
    for id in [
        r#""""#,
        r#""caf\u00e9 \"1\"""#,
        "0",
        "-1.50e+3",
        "1e999",
        "123456789012345678901234567890",
        // A line to some, and in JSON a letter.
        "\"\u{2028}\u{85}\"",
        &format!("\"{}\"", "x".repeat(1 << 20)),
        &"7".repeat(1 << 20),
    ] {
        let signed = PUBLISHED.replace(r#""id":"1""#, &format!(r#""id": {id}"#));
        let fault = format!(r#"{{"method":7,"id":{id} ,"#);
        let (stdout, _) = output_of(format!("{signed}\n{fault}").into(), &KEYS);
        let answers: Vec<_> = stdout.lines().collect();
        assert_eq!(answers.len(), 2, "{id}");
        let begin = format!(r#"{{"id":{id},"#);
        assert!(
            answers[0].starts_with(&begin) && answers[0].contains(SIGNATURE),
            "{stdout}"
        );
        assert!(answers[1].starts_with(&begin), "{stdout}");
    }
    // Null is none.
    let (stdout, _) = output_of(PUBLISHED.replace(r#""1""#, "null").into(), &KEYS);
    let answer = &read(&stdout)[0];
    assert_eq!(answer["signature"], SIGNATURE);
    assert_eq!(answer.get("id"), None);
}

#[test]
fn answers_before_the_next_line_is_there() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sign-function"))
        .arg("--stdin")
        .env_clear()
        .envs(KEYS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        writeln!(stdin, "{PUBLISHED}").unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert!(answer.contains(SIGNATURE), "{answer}");
    }
    drop(stdin);
    assert!(answers.next().is_none());
    assert!(child.wait().unwrap().success());
}

/// A stream that keeps what it is given until it is told to let it go.
#[derive(Default)]
struct Held {
    kept: Vec<u8>,
    flushed: Vec<String>,
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let kept = std::mem::take(&mut self.kept);
        self.flushed.push(String::from_utf8(kept).unwrap());
        Ok(())
    }
}

#[test]
fn lets_each_answer_go_by_itself() {
    let mut output = Held::default();
    let input = format!("{PUBLISHED}\nnonsense\n{PUBLISHED}");
    let (limits, now) = (Limits::for_stdin(), SystemTime::now);
    let credentials = || Ok(secrets::credentials());
    run_on_lines(input.as_bytes(), &mut output, &limits, credentials, now).unwrap();
    assert_eq!(output.flushed.len(), 3);
    for answer in &output.flushed {
        assert_eq!(answer.matches('\n').count(), 1, "{answer}");
    }
}

/// A line that is too long is skipped, and not kept.
#[test]
fn bounds_what_it_reads() {
    let mut limits = Limits::for_stdin();
    limits.max_body = 10;
    let long = format!(r#"{{"id":"1","body":"{}"}}"#, "a".repeat(2_000_000));
    let body = PUBLISHED.replace(r#""id""#, r#""body":"12345678901","id""#);
    let base64 = PUBLISHED.replace(r#""id""#, r#""body_base64":"MTIzNDU2Nzg5MDE=","id""#);
    let fits = PUBLISHED.replace(r#""id""#, r#""body_base64":"MTIzNDU2Nzg5MA==","id""#);
    let input = [&*long, &body, &base64, &fits].join("\n");
    let mut output = Vec::new();
    let now = || SystemTime::UNIX_EPOCH;
    run_on_lines(
        input.as_bytes(),
        &mut output,
        &limits,
        || Ok(secrets::credentials()),
        now,
    )
    .unwrap();
    let answers = read(&String::from_utf8(output).unwrap());
    let fields: Vec<_> = answers
        .iter()
        .map(|answer| answer["field"].as_str())
        .collect();
    assert_eq!(
        fields,
        [Some("request"), Some("body"), Some("body_base64"), None]
    );
}

#[test]
fn limits_are_those_of_where_it_came_from() {
    let now = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
    let request = |changes: &Value| {
        let mut request: Value = serde_json::from_str(PUBLISHED).unwrap();
        request["time"] = Value::Null;
        for (name, value) in changes.as_object().unwrap() {
            request[name] = value.clone();
        }
        SignRequest::parse(request.to_string().as_bytes()).unwrap()
    };
    for (name, changes, over_http) in [
        ("now", json!({}), None),
        (
            "15 minutes later",
            json!({"time": "2015-08-30T12:51:00Z"}),
            None,
        ),
        (
            "15 minutes before",
            json!({"time": "2015-08-30T12:21:00Z"}),
            None,
        ),
        (
            "a second more later",
            json!({"time": "2015-08-30T12:51:01Z"}),
            Some("time"),
        ),
        (
            "a second more before",
            json!({"time": "2015-08-30T12:20:59Z"}),
            Some("time"),
        ),
        ("a link", json!({"placement": "query"}), None),
        (
            "a link for 900 s",
            json!({"placement": "query", "expires_in": 900}),
            None,
        ),
        (
            "a link for 901 s",
            json!({"placement": "query", "expires_in": 901}),
            Some("expires_in"),
        ),
        (
            "credentials",
            json!({"credentials": {"access_key_id": "a", "secret_access_key": "b"}}),
            Some("credentials"),
        ),
    ] {
        let request = request(&changes);
        let fault = Limits::for_http().check(&request, now).err();
        let field = fault.map(|fault| fault.field.into_owned());
        assert_eq!(field.as_deref(), over_http, "{name}");
        assert_eq!(Limits::for_stdin().check(&request, now), Ok(()), "{name}");
    }
}

#[test]
fn debug_tells_no_secret() {
    let mut request: Value = serde_json::from_str(PUBLISHED).unwrap();
    request["sign_headers"] = "all".into();
    request["url"] = format!("https://host/?token={}", secrets::SESSION_TOKEN).into();
    request["headers"] = json!([["cookie", secrets::SESSION_TOKEN]]);
    request["body"] = secrets::SECRET_ACCESS_KEY.into();
    request["credentials"] = json!({
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": secrets::SECRET_ACCESS_KEY,
        "session_token": secrets::SESSION_TOKEN,
    });
    let request = SignRequest::parse(request.to_string().as_bytes()).unwrap();
    secrets::assert_no_secret(&format!("{request:?}"));
    let own: &Option<RequestCredentials> = &request.credentials;
    secrets::assert_no_secret(&format!("{own:?}"));
    let credentials = request.credentials().unwrap().unwrap();
    let signed = sign_function::sign(&request, &credentials, SystemTime::now()).unwrap();
    secrets::assert_no_secret_nor(&format!("{signed:?}"), &[&signed.signature]);
}
