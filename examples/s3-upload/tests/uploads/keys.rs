//! Keys with awkward characters, and links to what is there.

use std::time::Duration;
use std::time::SystemTime;

use http::Method;
use s3_upload::Endpoint;
use s3_upload::S3Client;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::secrets;

use crate::fixture::Fixture;
use crate::fixture::MIB;
use crate::fixture::data;
use crate::fixture::target;

/// A key, and how its path is written by hand.
const KEYS: [(&str, &str); 12] = [
    ("plain.txt", "plain.txt"),
    ("a b", "a%20b"),
    ("a+b", "a%2Bb"),
    ("a%20b", "a%2520b"),
    ("100%", "100%25"),
    ("a=b&c;d:e@f", "a%3Db%26c%3Bd%3Ae%40f"),
    ("a?b#c", "a%3Fb%23c"),
    ("é", "%C3%A9"),
    ("日本/ключ", "%E6%97%A5%E6%9C%AC/%D0%BA%D0%BB%D1%8E%D1%87"),
    ("🦀", "%F0%9F%A6%80"),
    ("twice//slashed", "twice//slashed"),
    ("a'(b)*!~", "a%27%28b%29%2A%21~"),
];

#[tokio::test]
async fn are_encoded_once_in_every_request_and_in_the_link() {
    let fixture = Fixture::start().await;
    // Which cryptography TLS uses is known once there is a client of S3.
    fixture.client("key");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (key, path) in KEYS {
        let path = format!("/example-bucket/{path}");
        for length in [10, MIB + 1] {
            let content = data(length);
            let source = fixture.write(&content);
            let before = fixture.aws.seen().len();
            fixture.upload(&source, key).await.expect(key);
            for seen in &fixture.aws.seen()[before..] {
                assert_eq!(seen.target.split('?').next(), Some(&path[..]), "{key}");
            }
            let client = fixture.client(key);
            let link = client.presign_get(Duration::from_secs(60)).await.unwrap();
            assert_eq!(link.uri().path(), path);
            let answer = http.get(link.uri().to_string()).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{key}");
            assert!(answer.bytes().await.unwrap() == content, "{key}");
        }
    }
    assert_eq!(fixture.seen(&Method::GET, "X-Amz-Signature=").len(), 24);
}

#[tokio::test]
async fn links_last_no_longer_than_the_credentials() {
    let now = SystemTime::now();
    let end = now + Duration::from_secs(600);
    let credentials = secrets::temporary_credentials().with_expiry(end);
    let client = S3Client::new(
        &target("key"),
        &Endpoint::aws("eu-central-1").unwrap(),
        "eu-central-1",
        CredentialsCache::new(credentials),
    );
    let client = client.unwrap();
    let link = client.presign_get(Duration::from_secs(3600)).await.unwrap();
    assert!(link.expires_at() <= end);
    assert!(link.expires_at() > now + Duration::from_secs(590));
    let url = link.uri().to_string();
    let host = "https://example-bucket.s3.eu-central-1.amazonaws.com/key?";
    assert!(url.starts_with(host), "{url}");
    let day = Duration::from_secs(24 * 3600);
    let error = client.presign_get(8 * day).await.unwrap_err().to_string();
    secrets::assert_no_secret(&error);
}
