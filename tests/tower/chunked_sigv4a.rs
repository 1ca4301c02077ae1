//! Chunks that are signed with SigV4A: each signature, and the one before it, checked by `ring`.

use http::Request;
use ring::digest;
use ring::signature::ECDSA_P256_SHA256_ASN1;
use ring::signature::UnparsedPublicKey;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::EcdsaBackend;
use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_tests::secrets;
use sigv4_tests::suite;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use tower::ServiceExt;

use crate::fixture::signing;
use crate::shared::chunked::CHUNK;
use crate::shared::chunked::data;
use crate::shared::chunked::pieces;
use crate::shared::chunked::small;
use crate::shared::clock::DATE;
use crate::shared::clock::TestClock;

/// The public key of the fixture's credentials, which are those of AWS's test suite:
/// `public-key.json` of each of its cases for SigV4A.
const PUBLIC_KEY: &str = "04\
    b6618f6a65740a99e650b33b6b4b5bd0d43b176d721a3edfea7e7d2d56d936b1\
    865ed22a7eadc9c5cb9d2cbaca1b3699139fedc5043dc6661864218330c8e518";
const SCOPE: &str = "20150830/s3/aws4_request";
/// The length on the wire: 72 octets in hex.
const LENGTH: usize = 144;

async fn put(encoding: AwsChunked, backend: EcdsaBackend, length: usize) -> WireRequest {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let signer = Signer::builder("s3", "us-east-1").sigv4a(backend);
    let scope = HostScope::exact([server.authority()]).unwrap();
    let cache = CredentialsCache::new(secrets::credentials());
    let authorizer = Authorizer::builder(signer.build().unwrap(), cache, scope)
        .clock(TestClock::new())
        .payload(small(encoding));
    let body = pieces(&data(length)).announcing(length as u64);
    let request = Request::put(server.url()).body(body).unwrap();
    let client = signing(authorizer.build());
    assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
    server.only_request()
}

/// Checks a signature over a text.
fn check(signature: &str, text: &str) {
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, from_hex(PUBLIC_KEY));
    key.verify(text.as_bytes(), &from_hex(signature))
        .unwrap_or_else(|_| panic!("a signature that fits: {text}"));
}

/// Takes the asterisks off that fill up a signature.
fn unpadded(signature: &str) -> &str {
    assert_eq!(signature.len(), LENGTH, "{signature}");
    let text = signature.trim_end_matches('*');
    assert!((136..=LENGTH).contains(&text.len()), "{signature}");
    text
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = (0..text.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn sha256(data: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, data);
    hash.as_ref()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}

/// Takes a line off.
fn line<'a>(rest: &mut &'a [u8]) -> &'a str {
    let end = rest.windows(2).position(|at| at == b"\r\n").unwrap();
    let line = std::str::from_utf8(&rest[..end]).unwrap();
    *rest = &rest[end + 2..];
    line
}

/// Checks the whole chain and returns the data, and how often a signature was filled up.
fn judge(request: &WireRequest, has_trailer: bool) -> (Vec<u8>, usize) {
    let header = |name: &str| request.header(name).unwrap().into_owned();
    let suffix = if has_trailer { "-TRAILER" } else { "" };
    assert_eq!(
        header("x-amz-content-sha256"),
        format!("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD{suffix}")
    );
    assert_eq!(header("content-length"), request.body().len().to_string());
    assert_eq!(header("x-amz-region-set"), "us-east-1");

    let authorization = header("authorization");
    let names = authorization.split("SignedHeaders=").nth(1).unwrap();
    let names = names.split(',').next().unwrap();
    let headers: String = names
        .split(';')
        .map(|name| format!("{name}:{}\n", header(name)))
        .collect();
    let canonical = format!(
        "PUT\n/\n\n{headers}\n{names}\n{}",
        header("x-amz-content-sha256")
    );
    let to_sign = format!(
        "AWS4-ECDSA-P256-SHA256\n{DATE}\n{SCOPE}\n{}",
        sha256(canonical.as_bytes())
    );
    let seed = authorization.split("Signature=").nth(1).unwrap();
    check(seed, &to_sign);

    let (mut rest, mut data) = (request.body(), Vec::new());
    let (mut previous, mut filled) = (seed, 0);
    loop {
        let (size, signature) = line(&mut rest).split_once(";chunk-signature=").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let text = format!(
            "AWS4-ECDSA-P256-SHA256-PAYLOAD\n{DATE}\n{SCOPE}\n{previous}\n{}\n{}",
            sha256(b""),
            sha256(&rest[..size])
        );
        filled += usize::from(signature.ends_with('*'));
        previous = unpadded(signature);
        check(previous, &text);
        if size == 0 {
            break;
        }
        data.extend_from_slice(&rest[..size]);
        rest = &rest[size..];
        assert_eq!(line(&mut rest), "");
    }
    if has_trailer {
        let checksum = line(&mut rest);
        let text = format!(
            "AWS4-ECDSA-P256-SHA256-TRAILER\n{DATE}\n{SCOPE}\n{previous}\n{}",
            sha256(format!("{checksum}\n").as_bytes())
        );
        let signature = line(&mut rest).strip_prefix("x-amz-trailer-signature:");
        check(unpadded(signature.unwrap()), &text);
    }
    assert_eq!(rest, b"\r\n");
    (data, filled)
}

#[tokio::test]
async fn are_chained_by_signatures_of_variable_length() {
    let mut filled = 0;
    for backend in [EcdsaBackend::P256, EcdsaBackend::Ring] {
        for length in [1, CHUNK, 10 * CHUNK + 1] {
            let signed = put(AwsChunked::signed(), backend, length).await;
            let (sent, some) = judge(&signed, false);
            assert!(sent == data(length));
            filled += some;
            let encoding = AwsChunked::signed().trailer(Checksum::Crc32);
            let (sent, some) = judge(&put(encoding, backend, length).await, true);
            assert!(sent == data(length));
            filled += some;
        }
    }
    // Seven in eight are shorter than the longest.
    assert!(filled > 10, "{filled}");
}

/// Only the head is signed.
#[tokio::test]
async fn are_not_signed_where_a_checksum_does() {
    let encoding = AwsChunked::unsigned(Checksum::Crc32);
    let request = put(encoding, EcdsaBackend::P256, 10).await;
    let kind = request.header("x-amz-content-sha256");
    assert_eq!(kind.as_deref(), Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER"));
    assert!(request.body().starts_with(b"a\r\n"));
    let length = request.body().len().to_string();
    assert_eq!(request.header("content-length").as_deref(), Some(&*length));
}

#[test]
fn the_key_is_that_of_the_suite() {
    let case = suite::folder().join("v4a/get-vanilla/public-key.json");
    let text = std::fs::read_to_string(case).unwrap();
    let (x, y) = PUBLIC_KEY[2..].split_at(64);
    assert!(text.contains(x) && text.contains(y));
}
