//! Objects with awkward keys: accepted, round-tripped, and in canonical form on the wire.
//!
//! `s3s` compares signatures over the canonical path and, where that fails, over the raw one. So
//! it would accept a path that S3 does not: what arrives is compared with the canonical path, which
//! is written down by hand here.

use std::time::Duration;

use http::StatusCode;
use sigv4_core::Payload;
use sigv4_tests::secrets;

use crate::server::BUCKET;
use crate::server::Server;
use crate::server::now;
use crate::server::sign;
use crate::server::signer;

/// A key as a program writes it into its URL, and as it goes over the wire.
const KEYS: [(&str, &str); 33] = [
    ("plain.txt", "plain.txt"),
    ("folder/sub-folder/a_b.c~d", "folder/sub-folder/a_b.c~d"),
    ("a%20b", "a%20b"),
    ("%20", "%20"),
    ("a+b", "a%2Bb"),
    ("a%2Bb", "a%2Bb"),
    ("a%2bb", "a%2Bb"),
    ("a@b", "a%40b"),
    ("a=b", "a%3Db"),
    ("a;b", "a%3Bb"),
    ("a:b", "a%3Ab"),
    ("a~b", "a~b"),
    ("a%7Eb", "a~b"),
    ("a,b", "a%2Cb"),
    ("a&b", "a%26b"),
    ("a$b", "a%24b"),
    ("a!b'c(d)e*f", "a%21b%27c%28d%29e%2Af"),
    ("a[b]c^d|e", "a%5Bb%5Dc%5Ed%7Ce"),
    ("{\"a\"}", "%7B%22a%22%7D"),
    ("a%3Fb%23c", "a%3Fb%23c"),
    ("100%", "100%25"),
    ("100%25", "100%25"),
    ("%zz", "%25zz"),
    ("a%20b@c", "a%20b%40c"),
    ("a%20b+c%2Bd=e@f;g:h~i", "a%20b%2Bc%2Bd%3De%40f%3Bg%3Ah~i"),
    ("a%2Fb", "a/b"),
    ("a%2fb@c%20d", "a/b%40c%20d"),
    ("é", "%C3%A9"),
    ("%c3%a9", "%C3%A9"),
    (
        "日本語/ключ",
        "%E6%97%A5%E6%9C%AC%E8%AA%9E/%D0%BA%D0%BB%D1%8E%D1%87",
    ),
    ("🦀%20é@+", "%F0%9F%A6%80%20%C3%A9%40%2B"),
    // To the file system these are other names of the same file, which is then read again.
    ("twice//slashed", "twice//slashed"),
    ("dots/./and/../more", "dots/./and/../more"),
];

/// Keys that the file system cannot store. That they were signed as the server expects is seen in
/// the answer: it is not about the signature, which is looked at first.
const KEYS_THAT_NO_FILE_HAS: [(&str, &str); 4] = [
    ("/begins-with-a-slash", "/begins-with-a-slash"),
    ("%2Fbegins-with-a-slash", "/begins-with-a-slash"),
    ("//", "//"),
    ("ends-with-a-slash//", "ends-with-a-slash//"),
];

fn paths(keys: &'static [(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    let path = |key: &str| format!("/{BUCKET}/{key}");
    keys.iter()
        .map(move |(given, sent)| (path(given), path(sent)))
}

#[tokio::test]
async fn are_put_and_got() {
    let server = Server::start().await;
    for (at, (given, expected)) in paths(&KEYS).enumerate() {
        let content = format!("content {at}");
        let answer = server
            .send_signed(server.request("PUT", &given, &content))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "PUT {given}: {answer:?}");
        assert_eq!(server.target(), expected, "PUT {given}");

        let answer = server.send_signed(server.request("GET", &given, "")).await;
        assert_eq!(answer.status, StatusCode::OK, "GET {given}: {answer:?}");
        assert_eq!(answer.body, content, "GET {given}");
        assert_eq!(server.target(), expected, "GET {given}");
    }
}

#[tokio::test]
async fn are_put_and_got_by_presigned_urls() {
    let server = Server::start().await;
    for (at, (given, expected)) in paths(&KEYS).enumerate() {
        let content = format!("content {at}");
        let put = server.request("PUT", &given, &content);
        let answer = server.send_presigned(put).await;
        assert_eq!(answer.status, StatusCode::OK, "PUT {given}: {answer:?}");
        assert_eq!(server.path(), expected, "PUT {given}");

        let get = server.request("GET", &given, "");
        let answer = server.send_presigned(get).await;
        assert_eq!(answer.status, StatusCode::OK, "GET {given}: {answer:?}");
        assert_eq!(answer.body, content, "GET {given}");
        assert_eq!(server.path(), expected, "GET {given}");
    }
}

#[tokio::test]
async fn that_no_file_can_have_are_still_signed_as_the_server_expects() {
    let server = Server::start().await;
    for (given, expected) in paths(&KEYS_THAT_NO_FILE_HAS) {
        for method in ["GET", "PUT"] {
            let request = server.request(method, &given, "");
            let answer = server.send_signed(request).await;
            assert!(!answer.is_refused(), "{method} {given}: {answer:?}");
            assert_eq!(server.target(), expected, "{method} {given}");

            let request = server.request(method, &given, "");
            let answer = server.send_presigned(request).await;
            assert!(!answer.is_refused(), "{method} {given}: {answer:?}");
            assert_eq!(server.path(), expected, "{method} {given}");

            // The same without its signature is refused, so that the above says something.
            let mut request = server.request(method, &given, "");
            sign(&mut request);
            request.headers_mut().remove("authorization");
            let answer = server.send(request).await;
            assert!(answer.is_refused(), "{method} {given}: {answer:?}");
        }
    }
}

/// In a query too a plus is a plus, and a space is none.
#[tokio::test]
async fn are_listed_by_prefixes_with_a_plus_or_a_space() {
    let server = Server::start().await;
    for key in ["list/a+b", "list/a%20b"] {
        let put = server.request("PUT", &format!("/{BUCKET}/{key}"), "content");
        assert_eq!(server.send_signed(put).await.status, StatusCode::OK);
    }
    for (prefix, sent, found) in [
        ("list/a+", "list%2Fa%2B", "list/a+b"),
        ("list/a%2B", "list%2Fa%2B", "list/a+b"),
        ("list/a%20", "list%2Fa%20", "list/a b"),
    ] {
        let target = format!("/{BUCKET}?prefix={prefix}&list-type=2");
        let answer = server.send_signed(server.request("GET", &target, "")).await;
        assert_eq!(answer.status, StatusCode::OK, "{prefix}: {answer:?}");
        let expected = format!("/{BUCKET}?list-type=2&prefix={sent}");
        assert_eq!(server.target(), expected, "{prefix}");
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(text.matches("<Key>").count(), 1, "{text}");
        assert!(text.contains(&format!("<Key>{found}</Key>")), "{text}");
    }
}

#[tokio::test]
async fn are_put_with_headers_a_token_and_an_unsigned_payload() {
    let server = Server::start().await;
    let target = format!("/{BUCKET}/with-all-of-it@once");
    let mut request = server.request("PUT", &target, "content");
    let headers = request.headers_mut();
    headers.insert("content-type", "text/plain".parse().unwrap());
    headers.insert("x-amz-meta-a", "  b \t c  ".parse().unwrap());
    headers.insert("x-amz-meta-d", "é ü".parse().unwrap());
    headers.insert("accept", "*/*".parse().unwrap());
    let credentials = secrets::temporary_credentials();
    signer()
        .sign(&mut request, Payload::Unsigned, &credentials, now())
        .unwrap();
    let answer = server.send(request).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");

    let mut request = server.request("GET", &target, "");
    request
        .headers_mut()
        .insert("range", "bytes=0-3".parse().unwrap());
    sign(&mut request);
    let answer = server.send(request).await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{answer:?}");
    assert_eq!(answer.body, "cont");

    let presigned = signer()
        .presign(
            &server.request("GET", &target, ""),
            Duration::from_secs(60),
            &credentials,
            now(),
        )
        .unwrap();
    let url = presigned.uri().path_and_query().unwrap().to_string();
    let answer = server.send(server.request("GET", &url, "")).await;
    assert_eq!(answer.body, "content");
}
