//! What is refused before any service sees it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;
use std::time::SystemTime;

use local_aws::LocalAws;
use sigv4_core::Credentials;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::SigningRules;
use sigv4_core::UnsignedPayload;
use sigv4_tests::fake_aws::Handout;

/// Sends a request as plain bytes, and returns the status line and all that follows it.
async fn send(request: &http::Request<&'static str>) -> String {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;

    let authority = request.uri().authority().unwrap().as_str();
    let mut text = format!(
        "{} {} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-length: {}\r\n",
        request.method(),
        request.uri().path_and_query().unwrap(),
        request.body().len()
    );
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    text += &format!("\r\n{}", request.body());
    let mut stream = tokio::net::TcpStream::connect(authority).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    let read = tokio::time::timeout(Duration::from_secs(60), read).await;
    read.expect("it answers in a minute").unwrap();
    answer
}

fn request(aws: &LocalAws) -> http::Request<&'static str> {
    let url = format!("{}/v1/orders", aws.url());
    http::Request::post(url).body("{}").unwrap()
}

fn sign(request: &mut http::Request<&'static str>, service: &str, secret: &str, age: u64) {
    let time = SystemTime::now() - Duration::from_secs(age);
    sign_with(request, service, secret, time);
}

fn sign_at(request: &mut http::Request<&'static str>, service: &str, time: SystemTime) {
    sign_with(request, service, SECRET, time);
}

fn sign_with(
    request: &mut http::Request<&'static str>,
    service: &str,
    secret: &str,
    time: SystemTime,
) {
    let signer = Signer::builder(service, "us-east-1").build().unwrap();
    let credentials = Credentials::new("AKIDEXAMPLE", secret).unwrap();
    let payload = Payload::Bytes(b"{}");
    signer.sign(request, payload, &credentials, time).unwrap();
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[tokio::test]
async fn refuses_what_is_not_signed_as_it_should_be() {
    let aws = LocalAws::start().await.unwrap();
    let unsigned = request(&aws);
    let answer = send(&unsigned).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(
        answer.contains("MissingAuthenticationTokenException"),
        "{answer}"
    );

    let mut other_key = request(&aws);
    sign(&mut other_key, "execute-api", "another secret key", 0);
    let answer = send(&other_key).await;
    assert!(answer.contains("InvalidSignatureException"), "{answer}");

    let mut changed = request(&aws);
    sign(&mut changed, "execute-api", SECRET, 0);
    *changed.body_mut() = "[]";
    let answer = send(&changed).await;
    assert!(answer.contains("InvalidSignatureException"), "{answer}");

    let mut old = request(&aws);
    sign(&mut old, "execute-api", SECRET, 360);
    let answer = send(&old).await;
    // `Signature expired: 20150830T123000Z is now earlier than 20150830T123100Z (...Z - 5 min.)`
    let (_, said) = answer.split_once("Signature expired: ").unwrap();
    assert_eq!(&said[15..40], "Z is now earlier than 202", "{said}");
    assert_eq!(&said[52..55], "Z (", "{said}");

    let mut early = request(&aws);
    sign_at(
        &mut early,
        "execute-api",
        SystemTime::now() + Duration::from_secs(360),
    );
    let answer = send(&early).await;
    assert!(answer.contains("Signature not yet current: "), "{answer}");

    let mut right = request(&aws);
    sign(&mut right, "execute-api", SECRET, 240);
    let answer = send(&right).await;
    assert!(!answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert_eq!(
        aws.seen()
            .iter()
            .filter(|seen| seen.refused.is_some())
            .count(),
        5
    );
}

#[tokio::test]
async fn says_it_as_kms_does() {
    let aws = LocalAws::start().await.unwrap();
    let mut wrong = request(&aws);
    sign(&mut wrong, "kms", "another secret key", 0);
    let answer = send(&wrong).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains(r#""__type":"InvalidSignatureException""#),
        "{answer}"
    );
}

#[tokio::test]
async fn takes_a_body_that_is_not_signed_from_nobody_but_s3() {
    let aws = LocalAws::start().await.unwrap();
    for service in ["execute-api", "kms", "bedrock"] {
        let mut request = request(&aws);
        let rules = SigningRules::for_service(service).unsigned_payload(UnsignedPayload::Allowed);
        let signer = Signer::builder(service, "us-east-1").rules(rules);
        let signer = signer.build().unwrap();
        let credentials = Credentials::new("AKIDEXAMPLE", SECRET).unwrap();
        let now = SystemTime::now();
        signer
            .sign(&mut request, Payload::Unsigned, &credentials, now)
            .unwrap();
        let answer = send(&request).await;
        assert!(answer.contains("InvalidSignature"), "{service}: {answer}");
    }
}

/// A `PUT` of an object or a `POST` to an API, signed by these credentials.
fn signed(aws: &LocalAws, service: &str, credentials: &Credentials) -> http::Request<&'static str> {
    let (method, path) = match service {
        "s3" => ("PUT", "/example-bucket/key"),
        _ => ("POST", "/v1/orders"),
    };
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", aws.url()))
        .body("{}")
        .unwrap();
    let signer = Signer::builder(service, "us-east-1").build().unwrap();
    let (payload, now) = (Payload::Bytes(b"{}"), SystemTime::now());
    signer
        .sign(&mut request, payload, credentials, now)
        .unwrap();
    request
}

#[tokio::test]
async fn refuses_headers_of_aws_that_are_not_signed() {
    let aws = LocalAws::start().await.unwrap();
    let credentials = Credentials::new("AKIDEXAMPLE", SECRET).unwrap();
    for (service, said) in [
        ("s3", "<Code>AccessDenied</Code>"),
        ("execute-api", "InvalidSignatureException"),
    ] {
        let mut request = signed(&aws, service, &credentials);
        let answer = send(&request).await;
        assert!(answer.starts_with("HTTP/1.1 20"), "{service}: {answer}");
        let headers = request.headers_mut();
        headers.insert("x-amz-meta-later", "added".parse().unwrap());
        let answer = send(&request).await;
        assert!(answer.contains(said), "{service}: {answer}");
    }
    assert_eq!(aws.s3().object("key").as_deref(), Some(&b"{}"[..]));
}

#[tokio::test]
async fn wants_the_token_of_the_credentials() {
    let aws = LocalAws::start().await.unwrap();
    let role = Handout::new("writer");
    aws.trust(&role);
    let key = || Credentials::new(role.access_key_id(), role.secret_access_key()).unwrap();
    let user = || Credentials::new("AKIDEXAMPLE", SECRET).unwrap();
    let token = |credentials: Credentials, token| credentials.with_session_token(token).unwrap();
    for (service, said) in [
        ("s3", "<Code>InvalidToken</Code>"),
        ("execute-api", "UnrecognizedClientException"),
    ] {
        let own = signed(&aws, service, &token(key(), role.session_token()));
        let answer = send(&own).await;
        assert!(answer.starts_with("HTTP/1.1 20"), "{service}: {answer}");
        for (name, credentials) in [
            ("none", key()),
            ("another", token(key(), "of-another-role")),
            (
                "one for the key of a user",
                token(user(), role.session_token()),
            ),
        ] {
            let answer = send(&signed(&aws, service, &credentials)).await;
            assert!(answer.contains(said), "{service}, {name}: {answer}");
        }
    }
}

#[tokio::test]
async fn answers_as_s3_does() {
    let aws = LocalAws::start().await.unwrap();
    let right = Credentials::new("AKIDEXAMPLE", SECRET).unwrap();
    let wrong = Credentials::new("AKIDEXAMPLE", "another secret key").unwrap();
    let unknown = Credentials::new("AKIDOTHER", SECRET).unwrap();
    let mut other_body = signed(&aws, "s3", &right);
    *other_body.body_mut() = "[]";
    for (request, status, said) in [
        (
            signed(&aws, "s3", &wrong),
            "403 Forbidden",
            "<Code>SignatureDoesNotMatch</Code>",
        ),
        (
            signed(&aws, "s3", &unknown),
            "403 Forbidden",
            "<Code>InvalidAccessKeyId</Code>",
        ),
        (
            other_body,
            "400 Bad Request",
            "<Code>XAmzContentSHA256Mismatch</Code><Message>The provided 'x-amz-content-sha256' \
             header does not match what was computed.</Message>",
        ),
    ] {
        let answer = send(&request).await.replace("&apos;", "'");
        let status = format!("HTTP/1.1 {status}\r\n");
        assert!(answer.starts_with(&status), "{answer}");
        assert!(answer.contains(said), "{answer}");
    }
    assert_eq!(aws.s3().object("key"), None);
    let refused: Vec<_> = aws
        .seen()
        .iter()
        .map(|seen| seen.refused.is_some())
        .collect();
    assert_eq!(refused, [true, true, false], "the body is for S3 to judge");
}
