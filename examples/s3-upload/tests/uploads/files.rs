//! Files, in one piece and in parts.

use http::Method;

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
        ("a chunk and a byte", 65_537, None),
        ("the threshold", MIB, None),
        ("one byte more", MIB + 1, Some(1)),
        ("one part", PART, Some(1)),
        ("a part and a byte", PART + 1, Some(2)),
        ("more parts than are sent at once", 3 * PART + 7, Some(4)),
    ] {
        let content = data(length);
        let source = fixture.write(&content);
        let uploaded = fixture.upload(&source, "folder/key").await.expect(name);
        assert_eq!(uploaded.length, length as u64, "{name}");
        assert_eq!(uploaded.parts, parts, "{name}");
        assert_eq!(uploaded.checksum, checksum(&content), "{name}");
        let stored = fixture.aws.s3().object("folder/key").unwrap();
        assert!(stored == content, "{name}");
        assert_eq!(fixture.aws.s3().open_uploads().unwrap(), 0, "{name}");
    }
}

/// Signed chunks and a checksum behind them, which the store has verified.
#[tokio::test]
async fn go_as_signed_chunks_with_a_checksum_behind_them() {
    let fixture = Fixture::start().await;
    for (length, uploads) in [(MIB, 1), (PART + 1, 2)] {
        let before = fixture.aws.seen().len();
        let source = fixture.write(&data(length));
        fixture.upload(&source, "key").await.unwrap();
        let seen = fixture.seen(&Method::PUT, "");
        let seen = &seen[seen.len() - uploads..];
        assert_eq!(seen.len(), uploads);
        for request in seen {
            let header = |name: &str| request.headers[name].to_str().unwrap();
            let kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
            assert_eq!(header("x-amz-content-sha256"), kind);
            assert_eq!(header("x-amz-trailer"), "x-amz-checksum-crc64nvme");
            assert_eq!(header("content-encoding"), "aws-chunked");
            let length: usize = header("x-amz-decoded-content-length").parse().unwrap();
            assert!(length > 0 && length <= PART, "{length}");
            assert!(!request.headers.contains_key("transfer-encoding"));
        }
        assert!(fixture.aws.seen().len() > before);
    }
    let begun = &fixture.seen(&Method::POST, "?uploads=")[0];
    assert_eq!(begun.headers["x-amz-checksum-algorithm"], "CRC64NVME");
    assert_eq!(begun.headers["x-amz-checksum-type"], "FULL_OBJECT");
    let ended = &fixture.seen(&Method::POST, "?uploadId=")[0];
    let sum = checksum(&data(PART + 1)).to_string();
    assert_eq!(ended.headers["x-amz-checksum-crc64nvme"], sum.as_str());
    assert_eq!(ended.headers["x-amz-checksum-type"], "FULL_OBJECT");
    assert_eq!(
        ended.headers["x-amz-mp-object-size"],
        (PART + 1).to_string().as_str()
    );
}

#[tokio::test]
async fn leave_nothing_behind() {
    let fixture = Fixture::start().await;
    let source = fixture.write(&data(PART + 1));
    fixture.upload(&source, "key").await.unwrap();
    let left = std::fs::read_dir(fixture.state_folder()).unwrap();
    // Locks stay on other systems.
    assert_eq!(left.count(), usize::from(!cfg!(unix)));
}
