//! SDKs with dummy keys.

use axum_gateway::server::Running;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireServer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

use crate::fixture::Answer;
use crate::fixture::connect;
use crate::fixture::read_answer;
use crate::fixture::start;
use crate::recipes::page::Recipe;
use crate::recipes::page::assert_none_arrived;
use crate::recipes::page::judge;
use crate::recipes::page::verify;
use crate::recipes::page::with_keys_of_the_environment;
use crate::recipes::sdk_requests::Captured;
use crate::recipes::sdk_requests::REQUESTS;

const PAGE: &str = include_str!("../../../docs/recipes/sdk-clients.md");

struct Recited {
    gateway: Running,
    s3: WireServer,
    kms: WireServer,
}

async fn recited() -> Recited {
    let (s3, kms) = (judge().await, judge().await);
    let recipe = Recipe::of_page(PAGE, 0)
        .with("127.0.0.1:8080", "127.0.0.1:0")
        .with("https://s3.us-east-1.amazonaws.com", &s3.url())
        .with("https://kms.us-east-1.amazonaws.com", &kms.url());
    Recited {
        gateway: start(with_keys_of_the_environment(recipe.config())).await,
        s3,
        kms,
    }
}

/// Sends a request as the SDK did: the body, where it waits for that, when it is asked to go on.
async fn send(gateway: &Running, head: &str, body: &str) -> Answer {
    let mut stream = connect(gateway).await;
    let head = format!("{}\r\n\r\n", head.replace('\n', "\r\n"));
    stream.write_all(head.as_bytes()).await.unwrap();
    if head.contains("Expect: 100-continue") {
        let mut interim = Vec::new();
        while !interim.ends_with(b"\r\n\r\n") {
            let count = stream.read_buf(&mut interim).await.unwrap();
            assert_ne!(count, 0, "{}", String::from_utf8_lossy(&interim));
        }
        assert!(interim.starts_with(b"HTTP/1.1 100 "), "{interim:?}");
    }
    stream.write_all(body.as_bytes()).await.unwrap();
    read_answer(&mut stream).await
}

fn captured(name: &str) -> &'static Captured {
    REQUESTS.iter().find(|it| it.name == name).unwrap()
}

/// Returns the headers of a request, names in lower case, without what the gateway makes anew.
fn headers(lines: impl Iterator<Item = String>) -> Vec<(String, String)> {
    let made_anew = [
        "authorization",
        "host",
        "x-amz-date",
        "connection",
        "expect",
    ];
    let framing = ["content-length", "transfer-encoding"];
    let fields = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    });
    let mut fields: Vec<_> = fields
        .filter(|(name, _)| !made_anew.contains(&&**name) && !framing.contains(&&**name))
        .collect();
    fields.sort();
    fields
}

fn arrived_headers(request: &WireRequest) -> Vec<(String, String)> {
    let lines = request.header_lines().iter();
    headers(lines.map(|line| String::from_utf8_lossy(line).into_owned()))
}

/// Returns a target as it is signed.
fn sorted(target: &str) -> (&str, Vec<&str>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut pairs: Vec<&str> = query
        .split('&')
        .map(|pair| pair.trim_end_matches('='))
        .collect();
    pairs.sort_unstable();
    (path, pairs)
}

#[tokio::test]
async fn all_that_they_send_is_signed_anew() {
    let it = recited().await;
    for Captured { name, head, body } in REQUESTS {
        let answer = send(&it.gateway, head, body).await;
        assert_eq!(
            (answer.status(), answer.body()),
            (200, "verified"),
            "{name}"
        );
        let is_kms = head.starts_with("POST /kms");
        let upstream = if is_kms { &it.kms } else { &it.s3 };
        let arrived = upstream.requests().pop().unwrap();
        let (method, target) = (head.split(' ').next(), head.split(' ').nth(1));
        assert_eq!(Some(&*arrived.method()), method, "{name}");
        let target = if is_kms { Some("/") } else { target };
        assert_eq!(sorted(&arrived.target()), sorted(target.unwrap()), "{name}");

        // Nothing that the recipe allows is lost, and nothing else gets through.
        let refused = ["x-amz-acl", "x-amz-user-agent"];
        let mut sent = headers(head.lines().skip(1).map(str::to_owned));
        sent.retain(|(name, _)| !refused.contains(&&**name));
        if is_kms {
            // For S3 alone.
            sent.retain(|(name, _)| name != "x-amz-content-sha256");
        }
        assert_eq!(arrived_headers(&arrived), sent, "{name}");
        let verified = verify(&arrived, secrets::SECRET_ACCESS_KEY).unwrap();
        assert!(
            verified.unsigned_amz_headers.is_empty(),
            "{name}: {verified:?}"
        );
        if !head.to_ascii_lowercase().contains("transfer-encoding") {
            assert_eq!(arrived.body(), body.as_bytes(), "{name}");
        }
    }
    assert_none_arrived(&it.s3, &["credential=dummy"]);
    assert_none_arrived(&it.kms, &["credential=dummy"]);
}

#[tokio::test]
async fn what_has_a_checksum_behind_it_streams_through() {
    for (name, encoded) in [
        (
            "boto3, put_object over TLS",
            "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        ),
        (
            "JavaScript, PutObject of a stream",
            "5\r\nhello\r\n5\r\nhello\r\n0\r\nx-amz-checksum-crc32:9YyXaA==\r\n\r\n",
        ),
    ] {
        let it = recited().await;
        let Captured { head, body, .. } = captured(name);
        assert_eq!(send(&it.gateway, head, body).await.status(), 200, "{name}");
        let arrived = it.s3.only_request();
        assert_eq!(String::from_utf8_lossy(arrived.body()), encoded, "{name}");
        let verified = verify(&arrived, secrets::SECRET_ACCESS_KEY).unwrap();
        for header in ["x-amz-decoded-content-length", "x-amz-trailer"] {
            let signed = &verified.signed_headers;
            assert!(signed.iter().any(|it| it == header), "{name}: {signed:?}");
        }
    }
}

#[tokio::test]
async fn the_value_of_the_sdk_decides_how_a_body_is_covered() {
    let Captured { head, body, .. } = captured("boto3, put_object");
    let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let line = format!("X-Amz-Content-SHA256: {hash}\n");
    assert!(head.contains(&line));
    let zeros = "0".repeat(64);
    for (value, status, sent) in [
        (Some(hash), 200, hash),
        // Not believed.
        (Some(&*zeros), 400, ""),
        (Some("UNSIGNED-PAYLOAD"), 200, "UNSIGNED-PAYLOAD"),
        (None, 200, hash),
        (Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), 400, ""),
        (Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"), 400, ""),
    ] {
        let it = recited().await;
        let own = value.map(|value| format!("X-Amz-Content-SHA256: {value}\n"));
        let head = head.replace(&line, &own.unwrap_or_default());
        // Who is refused is not asked to go on.
        let head = head.replace("Expect: 100-continue\n", "");
        let answer = send(&it.gateway, &head, body).await;
        assert_eq!(answer.status(), status, "{value:?}: {answer:?}");
        if status == 200 {
            let arrived = it.s3.only_request();
            let announced = arrived.header("x-amz-content-sha256");
            assert_eq!(announced.as_deref(), Some(sent), "{value:?}");
        } else {
            assert!(it.s3.requests().is_empty(), "{value:?}");
        }
    }
}
