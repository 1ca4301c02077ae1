//! What is refused before any service sees it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;
use std::time::SystemTime;

use local_aws::LocalAws;
use sigv4_core::Credentials;
use sigv4_core::Payload;
use sigv4_core::Signer;

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
    stream.read_to_string(&mut answer).await.unwrap();
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
