//! Streams of unknown length.

use std::future::pending;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Method;
use local_aws::S3Fault;
use s3_upload::Error;
use tokio::io::AsyncWriteExt;

use crate::fixture::Fixture;
use crate::fixture::MIB;
use crate::fixture::PART;
use crate::fixture::checksum;
use crate::fixture::data;

#[tokio::test]
async fn of_each_length_are_uploaded() {
    let fixture = Fixture::start().await;
    for (name, length, parts) in [
        ("empty", 0, None),
        ("one byte", 1, None),
        ("one part", PART, None),
        ("a part and a byte", PART + 1, Some(2)),
        ("parts that are full", 2 * PART, Some(2)),
        ("more parts than are sent at once", 3 * PART + 7, Some(4)),
    ] {
        let content = data(length);
        let uploader = fixture.uploader("key");
        let uploaded = uploader.stream(&content[..], pending()).await.expect(name);
        assert_eq!(uploaded.length, length as u64, "{name}");
        assert_eq!(uploaded.parts, parts, "{name}");
        assert_eq!(uploaded.checksum, checksum(&content), "{name}");
        assert!(fixture.aws.s3().object("key").unwrap() == content, "{name}");
        assert_eq!(fixture.aws.s3().open_uploads().unwrap(), 0, "{name}");
    }
}

#[tokio::test]
async fn go_in_parts_that_are_signed_with_their_lengths() {
    let fixture = Fixture::start().await;
    let content = data(2 * PART + 9);
    let uploader = fixture.uploader("key");
    uploader.stream(&content[..], pending()).await.unwrap();
    let mut lengths = Vec::new();
    for seen in fixture.seen(&Method::PUT, "partNumber=") {
        let header = |name: &str| seen.headers[name].to_str().unwrap();
        assert_eq!(header("x-amz-content-sha256").len(), 64);
        assert!(!seen.headers.contains_key("content-encoding"));
        assert_eq!(header("x-amz-checksum-crc64nvme").len(), 12);
        lengths.push(header("content-length").parse::<usize>().unwrap());
    }
    lengths.sort_unstable();
    assert_eq!(lengths, [9, PART, PART]);
}

#[tokio::test]
async fn are_read_no_further_than_is_sent() {
    let fixture = Fixture::start().await;
    fixture.aws.s3().hold_uploads_after(0);
    let (mut writer, reader) = tokio::io::duplex(MIB);
    let uploader = fixture.uploader("key");
    let upload = tokio::spawn(async move { uploader.stream(reader, pending()).await });
    let content = data(5 * PART);
    let written = AtomicUsize::new(0);
    let writing = async {
        for piece in content.chunks(MIB) {
            writer.write_all(piece).await.unwrap();
            written.fetch_add(piece.len(), Ordering::Relaxed);
        }
        drop(writer);
    };
    // Two parts are in flight, and what the pipe holds waits for one of them to be there.
    let held = async {
        let is_full = || written.load(Ordering::Relaxed) >= 2 * PART + MIB;
        let is_sent = || fixture.parts_sent().len() == 2;
        fixture.wait_until(|| is_full() && is_sent()).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(written.load(Ordering::Relaxed), 2 * PART + MIB);
        assert_eq!(fixture.parts_sent().len(), 2);
        fixture.aws.s3().release();
    };
    tokio::join!(writing, held);
    let uploaded = upload.await.unwrap().unwrap();
    assert_eq!(uploaded.checksum, checksum(&content));
}

#[tokio::test]
async fn that_fail_are_aborted() {
    let fixture = Fixture::start().await;
    fixture
        .aws
        .s3()
        .next(S3Fault::RefuseUpload(403, "AccessDenied"));
    let content = data(2 * PART);
    let uploader = fixture.uploader("key");
    let error = uploader.stream(&content[..], pending()).await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDenied"));
    assert_eq!(fixture.seen(&Method::DELETE, "uploadId=").len(), 1);
    assert_eq!(fixture.aws.s3().open_uploads().unwrap(), 0);
    assert_eq!(fixture.aws.s3().object("key"), None);
}

#[tokio::test]
async fn that_are_stopped_are_aborted() {
    let fixture = Fixture::start().await;
    fixture.aws.s3().hold_uploads_after(1);
    let content = data(3 * PART);
    let uploader = fixture.uploader("key");
    let stop = fixture.wait_for_uploads(2);
    let error = uploader.stream(&content[..], stop).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted));
    assert_eq!(fixture.aws.s3().open_uploads().unwrap(), 0);
    fixture.aws.s3().release();
    assert_eq!(fixture.aws.s3().object("key"), None);
}

#[tokio::test]
async fn are_sent_again_where_that_may_help() {
    let fixture = Fixture::start().await;
    fixture
        .aws
        .s3()
        .next(S3Fault::RefuseUpload(503, "SlowDown"));
    fixture.aws.s3().next(S3Fault::BreakUpload);
    let content = data(PART + 1);
    let uploader = fixture.uploader("key");
    let uploaded = uploader.stream(&content[..], pending()).await.unwrap();
    assert_eq!(uploaded.checksum, checksum(&content));
    assert_eq!(fixture.parts_sent().len(), 4);
}
