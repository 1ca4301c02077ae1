//! How long bodies may be, and what a client that has signed its request says of its body.

use std::fmt::Write;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sha2::Digest;
use sha2::Sha256;
use sigv4_tests::aws_chunked;
use sigv4_tests::oracle::Body;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;

use super::route;
use super::send;
use super::serve;
use super::verified;
use super::with_body;
use crate::fixture::connect;
use crate::fixture::upstream;

const LIMIT: usize = 1024;

/// Writes a request whose body comes in chunks, each as long as this one at most.
fn in_chunks(line: &str, body: &[u8], chunk: usize) -> Vec<u8> {
    let head = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let mut request = head.into_bytes();
    for piece in body.chunks(chunk) {
        request.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        request.extend_from_slice(piece);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let server = upstream("fine").await;
    let routes = [
        route("sqs", &server.url(), "body_limit: 1KiB"),
        route("s3", &server.url(), "body_limit: 1KiB, payload: unsigned"),
    ];
    let gateway = serve(&routes.concat()).await;
    for (length, status) in [
        (LIMIT - 1, 200),
        (LIMIT, 200),
        (LIMIT + 1, 413),
        (3 * LIMIT, 413),
    ] {
        let body = vec![b'x'; length];
        let before = server.requests().len();
        let declared = send(&gateway, with_body("POST /sqs", "", &body)).await;
        assert_eq!(declared.status(), status, "declared {length}: {declared:?}");
        for chunk in [7, LIMIT, 2 * LIMIT] {
            let chunked = send(&gateway, in_chunks("POST /sqs", &body, chunk)).await;
            assert_eq!(chunked.status(), status, "in chunks {length}: {chunked:?}");
        }
        let arrived = server.requests().split_off(before);
        assert_eq!(arrived.len(), if status == 200 { 4 } else { 0 }, "{length}");
        for request in arrived {
            assert_eq!(request.body(), body);
            verified(&request, &body);
        }
        // What is not held to be hashed may be of any length.
        let passed = send(&gateway, with_body("PUT /s3/key", "", &body)).await;
        assert_eq!(passed.status(), 200, "unsigned {length}: {passed:?}");
        verified(&server.requests().pop().unwrap(), Body::Unsigned);
    }
    // One that only says that it is longer is not waited for.
    let request = "POST /sqs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                   Content-Length: 1025\r\n\r\n";
    assert_eq!(send(&gateway, request).await.status(), 413);
}

#[tokio::test]
async fn the_limit_is_the_same_over_http2() {
    let server = upstream("fine").await;
    let gateway = serve(&route("sqs", &server.url(), "body_limit: 1KiB")).await;
    let io = TokioIo::new(connect(&gateway).await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    for (length, status) in [(LIMIT, 200), (LIMIT + 1, 413)] {
        let body = Full::new(Bytes::from(vec![b'x'; length]));
        let request = Request::post("http://localhost/sqs").body(body).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{length}");
    }
    assert_eq!(server.only_request().body().len(), LIMIT);
}

/// An upload of `hello` as an SDK encodes it.
const CHUNKS: &str = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
const OF_CHUNKS: &str = "Content-Encoding: aws-chunked\r\nX-Amz-Decoded-Content-Length: 5\r\n\
                         X-Amz-Trailer: x-amz-checksum-crc32\r\n\
                         X-Amz-Sdk-Checksum-Algorithm: CRC32\r\n";

fn hex(body: &str) -> String {
    Sha256::digest(body)
        .iter()
        .fold(String::new(), |mut text, octet| {
            write!(text, "{octet:02x}").unwrap();
            text
        })
}

/// Says how a request that arrived is covered, after it was judged.
fn coverage(request: &WireRequest) -> &'static str {
    match request.header("x-amz-content-sha256").as_deref() {
        Some("UNSIGNED-PAYLOAD") => {
            verified(request, Body::Unsigned);
            "unsigned"
        }
        Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER") => {
            let secret = secrets::SECRET_ACCESS_KEY;
            let judged = aws_chunked::verify(&request.head(), request.body(), secret);
            let (verified, decoded) = judged.unwrap();
            assert_eq!(verified.access_key_id, secrets::ACCESS_KEY_ID);
            assert_eq!(decoded.data(), b"hello");
            assert_eq!(request.body(), CHUNKS.as_bytes());
            "chunks"
        }
        _ => {
            verified(request, b"hello");
            "hashed"
        }
    }
}

#[tokio::test]
async fn the_signature_of_a_client_says_how_its_body_is_covered() {
    let server = upstream("fine").await;
    let hello = hex("hello");
    let (other, short) = (hex("hellp"), &hello[1..]);
    let (upper, doubled) = (hello.to_uppercase(), format!("{hello},{hello}"));
    let (plain, chunked) = ("", OF_CHUNKS);
    let rows = [
        (Some(&*hello), plain, Ok("hashed")),
        (Some(&*upper), plain, Ok("hashed")),
        (Some(&*other), plain, Err(400)),
        (Some(short), plain, Err(400)),
        (Some(&*doubled), plain, Err(400)),
        (Some(""), plain, Err(400)),
        (Some("anything"), plain, Err(400)),
        (Some("UNSIGNED-PAYLOAD"), plain, Ok("unsigned")),
        (Some("unsigned-payload"), plain, Err(400)),
        (
            Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            chunked,
            Ok("chunks"),
        ),
        (Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), plain, Err(400)),
        (
            Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            chunked,
            Err(400),
        ),
        (
            Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
            chunked,
            Err(400),
        ),
        (
            Some("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"),
            chunked,
            Err(400),
        ),
        (
            Some("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"),
            chunked,
            Err(400),
        ),
        (Some("STREAMING-AWS4-HMAC-SHA256-EVENTS"), plain, Err(400)),
        (Some("STREAMING-ANYTHING-NEW"), plain, Err(400)),
        (Some(&*hello), chunked, Err(400)),
        (Some("UNSIGNED-PAYLOAD"), chunked, Err(400)),
        (None, chunked, Err(400)),
        (None, plain, Ok("hashed")),
    ];
    let gateway = serve(&route("s3", &server.url(), "payload: client")).await;
    for (kind, lines, expected) in rows {
        let before = server.requests().len();
        let body = if lines == chunked { CHUNKS } else { "hello" };
        let said = kind.map_or_else(String::new, |kind| {
            format!("X-Amz-Content-Sha256: {kind}\r\n")
        });
        let lines = format!(
            "{said}{lines}X-Amz-Date: 19990101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=DUMMY/19990101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00\r\n"
        );
        let request = with_body("PUT /s3/bucket/key", &lines, body.as_bytes());
        let answer = send(&gateway, request).await;
        let arrived = server.requests().split_off(before);
        let result = match &arrived[..] {
            [request] if answer.status() == 200 => Ok(coverage(request)),
            [] => Err(answer.status()),
            _ => panic!("{kind:?}: {answer:?} {arrived:?}"),
        };
        assert_eq!(result, expected, "{kind:?} {lines}: {answer:?}");
    }
}

/// What the service does not take, no client can choose.
#[tokio::test]
async fn a_client_cannot_choose_what_the_service_does_not_take() {
    let server = upstream("never").await;
    let gateway = serve(&route("sqs", &server.url(), "payload: client")).await;
    for (kind, lines, body) in [
        ("UNSIGNED-PAYLOAD", "", "hello"),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", OF_CHUNKS, CHUNKS),
    ] {
        let lines = format!("X-Amz-Content-Sha256: {kind}\r\n{lines}");
        let answer = send(&gateway, with_body("POST /sqs", &lines, body.as_bytes())).await;
        assert_eq!(answer.status(), 400, "{kind}: {answer:?}");
    }
    assert_eq!(server.requests(), []);
}

/// Where the route does not follow its clients, their word counts for nothing.
#[tokio::test]
async fn a_client_is_followed_only_where_the_route_says_so() {
    let server = upstream("fine").await;
    for (settings, covered) in [
        ("", "hashed"),
        ("payload: hashed", "hashed"),
        ("payload: unsigned", "unsigned"),
    ] {
        let gateway = serve(&route("s3", &server.url(), settings)).await;
        for kind in ["UNSIGNED-PAYLOAD", &hex("hellp"), "anything"] {
            let lines = format!("X-Amz-Content-Sha256: {kind}\r\n");
            let answer = send(&gateway, with_body("PUT /s3/key", &lines, b"hello")).await;
            assert_eq!(answer.status(), 200, "{settings} {kind}: {answer:?}");
            assert_eq!(
                coverage(&server.requests().pop().unwrap()),
                covered,
                "{settings} {kind}"
            );
        }
        // One of these marks is enough: the encoding of the client would become a part of the object.
        let before = server.requests().len();
        for lines in [
            &*format!("X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n{OF_CHUNKS}"),
            "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n",
            "X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n",
            "X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-EVENTS\r\n",
            "X-Amz-Content-Sha256: STREAMING-ANYTHING-NEW\r\n",
            "X-Amz-Decoded-Content-Length: 5\r\n",
            "X-Amz-Trailer: x-amz-checksum-crc32\r\n",
            "Content-Encoding: aws-chunked\r\n",
            "Content-Encoding: gzip, AWS-Chunked\r\n",
        ] {
            let request = with_body("PUT /s3/key", lines, CHUNKS.as_bytes());
            let answer = send(&gateway, request).await;
            assert_eq!(answer.status(), 400, "{settings} {lines}: {answer:?}");
        }
        assert_eq!(server.requests().len(), before, "{settings}");
    }
}
