//! Uploads in `aws-chunked`, through either adapter: what `s3s` verified, chunk by chunk, and what
//! `s3s-fs` stored, whose checksum it compared with the one behind the body.

use bytes::Bytes;
use http::StatusCode;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;

use crate::server::Answer;
use crate::server::BUCKET;
use crate::server::Server;
use crate::source::SOURCES;
use crate::source::Source;
use crate::uploader::CHECKSUMS;
use crate::uploader::UPLOADERS;
use crate::uploader::Upload;
use crate::uploader::Uploader;

/// The least that S3 takes.
pub(crate) const CHUNK: usize = CHUNK_SIZE as usize;
const CHUNK_SIZE: u32 = 8192;

pub(crate) fn small(encoding: AwsChunked) -> AwsChunked {
    encoding.chunk_size(CHUNK_SIZE).unwrap()
}

/// Data in which no two chunks are alike.
pub(crate) fn data(length: usize) -> Bytes {
    let octet = |at: usize| (at ^ (at >> 8) ^ (at >> 13)).to_le_bytes()[0];
    (0..length).map(octet).collect()
}

fn path() -> String {
    format!("/{BUCKET}/folder/a b+c@d").replace(' ', "%20")
}

/// Puts an object and gets it back.
async fn round_trip(server: &Server, uploaders: &[Uploader], upload: &Upload, name: &str) {
    for &uploader in uploaders {
        let answer = uploader.put(server.authority(), &path(), upload).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{uploader:?} {name}: {answer:?}"
        );
        let sent = server.head();
        let get = server.request("GET", &path(), "");
        let answer = server.send_signed(get).await;
        assert!(answer.body == upload.data, "{uploader:?} {name}");
        // Another object under the same key would not be told from the one before.
        let delete = server.request("DELETE", &path(), "");
        assert_eq!(server.send_signed(delete).await.status, 204, "{name}");

        let kind = sent.headers["x-amz-content-sha256"].to_str().unwrap();
        let streams = !upload.data.is_empty() || upload.encoding.checksum().is_some();
        assert_eq!(kind.starts_with("STREAMING-"), streams, "{kind}");
        assert_eq!(sent.headers.contains_key("content-encoding"), streams);
        assert!(!sent.headers.contains_key("transfer-encoding"));
    }
}

#[tokio::test]
async fn with_each_checksum_are_accepted() {
    let server = Server::start().await;
    let signed = CHECKSUMS.map(|checksum| AwsChunked::signed().trailer(checksum));
    let unsigned = CHECKSUMS.map(AwsChunked::unsigned);
    let encodings = [AwsChunked::signed()].into_iter().chain(signed);
    for (encoding, source) in encodings.chain(unsigned).zip(SOURCES.into_iter().cycle()) {
        let encoding = small(encoding);
        let upload = Upload::new(data(20_000), source, encoding);
        let name = format!("{encoding:?} {source:?}");
        round_trip(&server, &UPLOADERS, &upload, &name).await;
    }
}

#[tokio::test]
async fn of_each_length_are_accepted() {
    let server = Server::start().await;
    let default = 64 * 1024;
    let encodings = [
        AwsChunked::signed(),
        AwsChunked::signed().trailer(Checksum::Crc64Nvme),
        AwsChunked::unsigned(Checksum::Crc32),
    ];
    let mut sources = SOURCES.into_iter().cycle();
    for encoding in encodings {
        let small = small(encoding);
        for (encoding, lengths) in [
            (small, [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK]),
            (encoding, [0, 1, default - 1, default, default + 1, 2 << 20]),
        ] {
            for length in lengths {
                let source = sources.next().unwrap();
                let upload = Upload::new(data(length), source, encoding);
                let name = format!("{length} {encoding:?} {source:?}");
                round_trip(&server, &UPLOADERS, &upload, &name).await;
            }
            // So that each length meets another source with the next encoding.
            sources.next();
        }
    }
}

#[tokio::test]
async fn keep_the_encoding_that_the_content_has() {
    let server = Server::start().await;
    for uploader in UPLOADERS {
        let upload = Upload::new(data(10), Source::Memory, AwsChunked::signed())
            .header("content-encoding", "gzip")
            .header("content-type", "text/plain");
        let answer = uploader.put(server.authority(), &path(), &upload).await;
        assert_eq!(answer.status, StatusCode::OK, "{uploader:?}: {answer:?}");
        assert_eq!(
            server.head().headers["content-encoding"],
            "aws-chunked,gzip"
        );

        let answer = server.send_signed(server.request("GET", &path(), "")).await;
        assert_eq!(answer.headers["content-type"], "text/plain");
        // S3 takes its own encoding off; `s3s-fs` stores what it was told.
        let stored = answer.headers["content-encoding"].to_str().unwrap();
        assert_eq!(stored.trim_start_matches("aws-chunked,"), "gzip");
    }
}

#[tokio::test]
async fn of_some_mebibytes_are_accepted() {
    let server = Server::start().await;
    let encodings = [
        AwsChunked::signed(),
        AwsChunked::unsigned(Checksum::Crc64Nvme),
        AwsChunked::signed().trailer(Checksum::Crc32c),
    ];
    let data = data(3_000_000);
    for ((encoding, source), uploader) in encodings.into_iter().zip(SOURCES).zip(UPLOADERS) {
        let upload = Upload::new(data.clone(), source, encoding);
        let name = format!("{encoding:?} {source:?}");
        round_trip(&server, &[uploader], &upload, &name).await;
    }
}

#[tokio::test]
async fn are_parts_of_multipart_uploads() {
    let server = Server::start().await;
    for (uploader, source) in UPLOADERS.into_iter().zip(SOURCES) {
        let begin = server.request("POST", &format!("{}?uploads", path()), "");
        let answer = server.send_signed(begin).await;
        let id = element(&answer, "UploadId");

        let upload = Upload::new(data(100_000), source, AwsChunked::signed());
        let target = format!("{}?partNumber=1&uploadId={id}", path());
        let answer = uploader.put(server.authority(), &target, &upload).await;
        assert_eq!(answer.status, StatusCode::OK, "{uploader:?}: {answer:?}");
        let tag = answer.headers["etag"].to_str().unwrap();
        let part = format!("<Part><ETag>{tag}</ETag><PartNumber>1</PartNumber></Part>");
        let parts = format!("<CompleteMultipartUpload>{part}</CompleteMultipartUpload>");
        let target = format!("{}?uploadId={id}", path());
        let answer = server
            .send_signed(server.request("POST", &target, &parts))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");

        let answer = server.send_signed(server.request("GET", &path(), "")).await;
        assert!(answer.body == upload.data, "{uploader:?}");
    }
}

fn element(answer: &Answer, name: &str) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
    rest.split('<').next().unwrap().to_owned()
}
