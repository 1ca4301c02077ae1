//! An upload of which one octet is changed on its way is refused.

use http::StatusCode;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;

use crate::proxy::Place;
use crate::proxy::Proxy;
use crate::server::BUCKET;
use crate::server::Server;
use crate::source::Source;
use crate::uploader::UPLOADERS;
use crate::uploader::Upload;
use crate::uploads::CHUNK;
use crate::uploads::data;
use crate::uploads::small;

/// So many octets behind the last occurrence of a text.
fn behind(body: &[u8], text: &str, octets: usize) -> Option<usize> {
    let found = body
        .windows(text.len())
        .rposition(|at| at == text.as_bytes());
    Some(found? + text.len() + octets)
}

fn first_data(body: &[u8]) -> Option<usize> {
    let line = body.windows(2).position(|at| at == b"\r\n");
    Some(line? + 2)
}

const SIGNED: [(&str, Place); 6] = [
    ("the first octet", first_data),
    ("an octet of the first chunk", |_| Some(5000)),
    ("an octet of the second chunk", |_| Some(10_000)),
    ("the size of the first chunk", |_| Some(0)),
    ("the signature of the first chunk", |_| Some(40)),
    ("the signature of the end", |body| {
        behind(body, "\r\n0;chunk-signature=", 63)
    }),
];

const TRAILER: [(&str, Place); 3] = [
    ("the checksum", |body| behind(body, "-crc32c:", 2)),
    ("the name of the checksum", |body| behind(body, "-crc32", 0)),
    ("the signature of the trailer", |body| {
        behind(body, "-trailer-signature:", 63)
    }),
];

const UNSIGNED: [(&str, Place); 5] = [
    ("the first octet", first_data),
    ("an octet of the second chunk", |_| Some(10_000)),
    ("the size of the first chunk", |_| Some(0)),
    ("the checksum", |body| behind(body, "-crc32c:", 2)),
    ("the name of the checksum", |body| behind(body, "-crc32", 0)),
];

#[tokio::test]
async fn are_refused() {
    let signed = AwsChunked::signed();
    let trailer = signed.trailer(Checksum::Crc32c);
    let unsigned = AwsChunked::unsigned(Checksum::Crc32c);
    let cases = [
        (signed, &SIGNED[..]),
        (trailer, &SIGNED),
        (trailer, &TRAILER),
    ];
    let server = Server::start().await;
    for (encoding, places) in cases.into_iter().chain([(unsigned, &UNSIGNED[..])]) {
        let encoding = small(encoding);
        let upload = Upload::new(data(2 * CHUNK), Source::Memory, encoding);
        for &(name, place) in places {
            let proxy = Proxy::start(server.authority(), place).await;
            for uploader in UPLOADERS {
                let path = format!("/{BUCKET}/{uploader:?}");
                let answer = uploader.try_put(proxy.authority(), &path, &upload).await;
                let answer = answer.unwrap();
                let is_refused = !answer.status.is_success();
                assert!(is_refused, "{uploader:?} {name}, {encoding:?}: {answer:?}");
                // What it had to read to the end for, `s3s-fs` has stored by then.
                if encoding.is_signed() && !name.contains("the checksum") {
                    let get = server.request("GET", &path, "");
                    let answer = server.send_signed(get).await;
                    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
                }
            }
        }
    }
}

/// So that the above says something.
#[tokio::test]
async fn pass_a_proxy_that_changes_nothing() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.authority(), |_| None).await;
    let upload = Upload::new(data(2 * CHUNK), Source::Memory, AwsChunked::signed());
    for uploader in UPLOADERS {
        let path = format!("/{BUCKET}/key");
        let answer = uploader.put(proxy.authority(), &path, &upload).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
}
