//! Answers that are none, or not those that were hoped for.

use std::future::pending;
use std::num::NonZeroU64;
use std::time::Duration;

use http::Method;
use local_aws::S3Fault;
use s3_upload::Content;
use s3_upload::Crc64;
use s3_upload::Endpoint;
use s3_upload::Error;
use s3_upload::Progress;
use s3_upload::Retry;
use s3_upload::S3Client;
use s3_upload::Stored;
use s3_upload::Uploader;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::secrets;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpListener;

use crate::fixture::Fixture;
use crate::fixture::PART;
use crate::fixture::PATIENCE;
use crate::fixture::data;
use crate::fixture::state_file;
use crate::fixture::target;

#[tokio::test]
async fn that_may_pass_have_the_part_sent_again_and_signed_anew() {
    let fixture = Fixture::start().await;
    for (length, name) in [(1000, "in one piece"), (PART, "in parts")] {
        for fault in [
            S3Fault::RefuseUpload(503, "SlowDown"),
            S3Fault::RefuseUpload(503, "ServiceUnavailable"),
            S3Fault::RefuseUpload(400, "RequestTimeout"),
            S3Fault::BreakUpload,
        ] {
            let before = fixture.seen(&Method::PUT, "").len();
            fixture.aws.s3().next(fault);
            fixture.aws.s3().next(fault);
            let content = data(length);
            let source = fixture.write(&content);
            let uploaded = fixture.upload(&source, "key").await;
            assert!(uploaded.is_ok(), "{name} {fault:?}: {uploaded:?}");
            let sent = fixture.seen(&Method::PUT, "").len() - before;
            assert_eq!(sent, 3, "{name} {fault:?}");
            assert!(fixture.aws.s3().object("key").unwrap() == content);
        }
    }
}

#[tokio::test]
async fn that_go_on_end_the_upload_and_keep_what_is_there() {
    let mut fixture = Fixture::start().await;
    fixture.options.parallel = 1;
    fixture.aws.s3().hold_uploads_after(1);
    let content = data(2 * PART);
    let source = fixture.write(&content);
    let upload = fixture.upload(&source, "key");
    let faults = async {
        fixture.wait_for_saved(1).await;
        for _ in 0..3 {
            fixture
                .aws
                .s3()
                .next(S3Fault::RefuseUpload(503, "SlowDown"));
        }
        fixture.aws.s3().release();
    };
    let (uploaded, ()) = tokio::join!(upload, faults);
    assert_eq!(uploaded.unwrap_err().code(), Some("SlowDown"));
    assert_eq!(fixture.parts_sent(), [1, 2, 2, 2]);
    assert!(state_file(&fixture.state_folder()).is_some());

    fixture.upload(&source, "key").await.unwrap();
    assert_eq!(fixture.parts_sent(), [1, 2, 2, 2, 2]);
    assert!(fixture.aws.s3().object("key").unwrap() == content);
}

#[tokio::test]
async fn that_stay_are_not_asked_for_again() {
    let fixture = Fixture::start().await;
    let source = fixture.write(b"content");
    for (status, code) in [
        (400, "InvalidRequest"),
        (403, "AccessDenied"),
        (403, "SignatureDoesNotMatch"),
        (404, "NoSuchBucket"),
    ] {
        let before = fixture.seen(&Method::PUT, "").len();
        fixture.aws.s3().next(S3Fault::RefuseUpload(status, code));
        let error = fixture.upload(&source, "key").await.unwrap_err();
        assert_eq!(error.code(), Some(code));
        let text = error.to_string();
        assert!(
            text.contains(&format!("{status} {code}: This is {code}.")),
            "{text}"
        );
        assert_eq!(fixture.seen(&Method::PUT, "").len() - before, 1, "{code}");
    }
}

/// A page to log in at, for example.
#[tokio::test]
async fn that_only_look_like_a_success_are_none() {
    let fixture = Fixture::start().await;
    for length in [1000, PART] {
        fixture.aws.s3().next(S3Fault::RefuseUpload(200, "Welcome"));
        let source = fixture.write(&data(length));
        let error = fixture.upload(&source, "key").await.unwrap_err();
        assert!(matches!(error, Error::Answer(_)), "{error:?}");
        assert_eq!(fixture.aws.s3().object("key"), None);
    }
}

#[tokio::test]
async fn in_a_completion_that_has_begun_well_are_seen() {
    let fixture = Fixture::start().await;
    let source = fixture.write(&data(PART + 1));
    fixture.aws.s3().next(S3Fault::FailCompletion);
    fixture.upload(&source, "key").await.unwrap();
    assert_eq!(fixture.seen(&Method::POST, "?uploadId=").len(), 2);

    for _ in 0..3 {
        fixture.aws.s3().next(S3Fault::FailCompletion);
    }
    let error = fixture.upload(&source, "other").await.unwrap_err();
    assert_eq!(error.code(), Some("InternalError"));
    assert_eq!(fixture.aws.s3().object("other"), None);
}

#[tokio::test]
async fn to_a_completion_that_was_done_are_no_failure() {
    let fixture = Fixture::start().await;
    let content = data(PART + 1);
    let source = fixture.write(&content);
    fixture.aws.s3().next(S3Fault::LoseCompletion);
    fixture.upload(&source, "key").await.unwrap();
    assert_eq!(fixture.parts_sent(), [1, 2]);
    assert_eq!(fixture.seen(&Method::HEAD, "").len(), 1);
    assert!(fixture.aws.s3().object("key").unwrap() == content);
}

#[tokio::test]
async fn that_never_come_are_not_waited_for() {
    let mut fixture = Fixture::start().await;
    fixture.options.stall = Duration::from_millis(300);
    fixture.options.retry = Retry::attempts(1);
    fixture.aws.s3().hold_uploads_after(0);
    for length in [1000, PART + 1] {
        let content = data(length);
        let source = fixture.write(&content);
        let file = fixture.upload(&source, "key").await;
        let uploader = fixture.uploader("other");
        let stream = uploader.stream(&content[..], pending()).await;
        for error in [file.unwrap_err(), stream.unwrap_err()] {
            assert!(matches!(error, Error::Stalled(_)), "{error:?}");
            assert!(error.is_retryable());
        }
    }
}

#[tokio::test]
async fn that_are_late_because_little_may_be_sent_are_waited_for() {
    let mut fixture = Fixture::start().await;
    // Less than 64 KiB take, which are read at once where there is no limit. On a machine that stands
    // still for as long, an attempt is lost, but not one after the other.
    fixture.options.stall = Duration::from_secs(1);
    fixture.options.bytes_per_second = NonZeroU64::new(24 * 1024);
    let content = data(80 * 1024);
    let source = fixture.write(&content);
    fixture.upload(&source, "key").await.unwrap();
    assert!(fixture.aws.s3().object("key").unwrap() == content);
}

/// Somebody who takes requests and says nothing.
#[tokio::test]
async fn to_small_requests_that_never_come_are_not_waited_for() {
    let fixture = Fixture::start().await;
    let mut options = fixture.options;
    options.stall = Duration::from_millis(50);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::custom(&format!("http://{}", silent.local_addr().unwrap()));
    let credentials = CredentialsCache::new(secrets::credentials());
    let client = S3Client::new(&target("key"), &endpoint.unwrap(), "us-east-1", credentials);
    let progress = Progress::hidden();
    let uploader = Uploader::new(target("key"), client.unwrap(), options, progress);
    let uploader = uploader.unwrap();
    let source = fixture.write(&data(PART + 1));
    let slot = fixture.slot("key");
    let begun = uploader.file(&source, &slot).await;
    assert!(matches!(begun, Err(Error::Stalled(_))), "{begun:?}");

    // The same of one that has begun elsewhere: of its list, and of its end.
    fixture.aws.s3().hold_uploads_after(1);
    let elsewhere = fixture.uploader("key");
    tokio::select! {
        _ = elsewhere.file(&source, &slot) => unreachable!("it is held"),
        () = fixture.wait_for_saved(1) => {}
    }
    let listed = uploader.file(&source, &slot).await;
    assert!(matches!(listed, Err(Error::Stalled(_))), "{listed:?}");
    let state = slot.load().unwrap().unwrap();
    let aborted = uploader.abort(&slot, &state).await;
    assert!(matches!(aborted, Err(Error::Stalled(_))), "{aborted:?}");
    assert!(slot.load().unwrap().is_some());
}

/// What the other tests rely on: the store compares hashes and checksums.
#[tokio::test]
async fn say_that_a_checksum_is_wrong() {
    let fixture = Fixture::start().await;
    let (wrong, bytes) = (Crc64::of(b"other"), &b"content"[..]);
    let client = fixture.client("key");
    let content = || Content::Bytes(bytes.into(), wrong);
    let content_of_another = || Content::Bytes(b"another"[..].into(), wrong);
    // What was there before stays.
    for before in [None, Some(b"before")] {
        if let Some(before) = before {
            let right = Content::Bytes(before[..].into(), Crc64::of(before));
            client.put_object(right).await.unwrap();
        }
        let error = client.put_object(content()).await.unwrap_err();
        assert_eq!(error.code(), Some("BadDigest"));
        let there = fixture.aws.s3().object("key");
        assert_eq!(there.as_deref(), before.map(|before| &before[..]));
    }
    let id = client.create_multipart_upload().await.unwrap();
    let error = client.upload_part(&id, 1, content()).await.unwrap_err();
    assert_eq!(error.code(), Some("BadDigest"));

    let other_hash = || Content::Hashed {
        body: bytes.into(),
        sha256: [7; 32],
        checksum: Crc64::of(bytes),
    };
    for result in [
        fixture.client("other").put_object(other_hash()).await,
        client.upload_part(&id, 1, other_hash()).await,
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.code(), Some("XAmzContentSHA256Mismatch"), "{error}");
        assert!(!error.is_retryable());
    }
    assert_eq!(fixture.aws.s3().object("other"), None);

    let right = Content::Bytes(bytes.into(), Crc64::of(bytes));
    let receipt = client.upload_part(&id, 1, right).await.unwrap();
    let error = client.upload_part(&id, 1, content_of_another()).await;
    assert_eq!(error.unwrap_err().code(), Some("BadDigest"));
    let part = |checksum, length| Stored {
        number: 1,
        tag: receipt.tag.clone(),
        checksum,
        length,
    };
    for (checksum, length, code) in [
        (wrong, 7, "BadDigest"),
        (Crc64::of(bytes), 8, "InvalidRequest"),
    ] {
        let parts = [part(checksum, length)];
        let error = client
            .complete_multipart_upload(&id, &parts)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some(code), "{error}");
    }
    let parts = [part(Crc64::of(bytes), 7)];
    client.complete_multipart_upload(&id, &parts).await.unwrap();
    assert_eq!(fixture.aws.s3().object("key").as_deref(), Some(bytes));

    // A checksum that is known of the whole is so afterwards, too.
    client.put_object(content()).await.unwrap_err();
    let sum = client.object_checksum().await.unwrap();
    assert_eq!(sum, Some(Crc64::of(bytes)));
}

/// The same of what S3 takes as parts.
#[tokio::test]
async fn say_that_parts_are_wrong() {
    let fixture = Fixture::start().await;
    let client = fixture.client("key");
    let id = client.create_multipart_upload().await.unwrap();
    let upload = async |number, content: &[u8]| {
        let checksum = Crc64::of(content);
        let bytes = Content::Bytes(content.to_vec().into(), checksum);
        let receipt = client.upload_part(&id, number, bytes).await.unwrap();
        Stored {
            number,
            tag: receipt.tag,
            checksum,
            length: content.len() as u64,
        }
    };
    let (one, two) = (upload(1, b"small").await, upload(2, b"last").await);
    for (code, parts) in [
        ("InvalidPartOrder", [two.clone(), one.clone()]),
        ("EntityTooSmall", [one, two]),
    ] {
        let error = client.complete_multipart_upload(&id, &parts).await;
        assert_eq!(error.unwrap_err().code(), Some(code));
    }
    let other = fixture.client("other");
    let error = other.list_parts(&id).await.unwrap_err();
    assert_eq!(error.code(), Some("NoSuchUpload"));
}

/// The pages of a list that somebody makes up: which parts are in it, and where it goes on.
type Pages = fn(u16) -> (Vec<u16>, u16);

/// Answers each request with the page that follows the one that it names.
async fn list(listener: TcpListener, pages: Pages) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut head).await.unwrap(), 0, "{head}");
        }
        let marker = head.split_once("part-number-marker=");
        let marker = marker.and_then(|(_, rest)| rest.split('&').next()?.parse().ok());
        let (numbers, next) = pages(marker.unwrap_or(0));
        let mut body = format!(
            "<R><IsTruncated>true</IsTruncated><NextPartNumberMarker>{next}</NextPartNumberMarker>"
        );
        for number in numbers {
            body += &format!("<Part><PartNumber>{number}</PartNumber><Size>1</Size></Part>");
        }
        body += "</R>";
        let length = body.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all((head + &body).as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn that_list_parts_without_end_are_not_followed() {
    let pages: [(&str, Pages); 5] = [
        ("the same page", |_| (vec![1], 1)),
        ("pages back and forth", |marker| (vec![1], 5 - marker)),
        ("pages of nothing", |marker| (vec![], marker + 1)),
        ("too many parts", |marker| (vec![7; 1000], marker + 1)),
        ("too high numbers", |marker| {
            let next = marker.saturating_add(1000);
            ((marker..next).collect(), next)
        }),
    ];
    for (name, pages) in pages {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::custom(&format!("http://{}", listener.local_addr().unwrap()));
        let server = tokio::spawn(list(listener, pages));
        let credentials = CredentialsCache::new(secrets::credentials());
        let client = S3Client::new(&target("key"), &endpoint.unwrap(), "us-east-1", credentials);
        let client = client.unwrap();
        let listed = tokio::time::timeout(PATIENCE, client.list_parts("id")).await;
        let error = listed.expect(name).expect_err(name);
        assert!(matches!(error, Error::Answer(_)), "{name}: {error:?}");
        assert!(error.to_string().contains("10000 at most"), "{error}");
        server.abort();
    }
}
