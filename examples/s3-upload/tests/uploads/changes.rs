//! Files that change while they are uploaded.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write;
use std::time::SystemTime;

use s3_upload::Error;

use crate::fixture::Fixture;
use crate::fixture::MIB;
use crate::fixture::PART;
use crate::fixture::data;
use crate::fixture::state_file;

/// What somebody does to the file.
type Change = fn(&File);

const CHANGES: [(&str, Change); 4] = [
    ("it grows", |mut file| file.write_all(b"more").unwrap()),
    ("it is cut off", |file| file.set_len(1).unwrap()),
    ("it is emptied", |file| file.set_len(0).unwrap()),
    ("it is written to", |file| {
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        file.set_modified(later).unwrap();
    }),
];

#[tokio::test]
async fn are_never_stored() {
    // One is more than the buffers on the way hold, so that it is still being read when it changes;
    // the other has a part that is not sent before one of the first two is there.
    for (length, threshold) in [(24 * MIB, 24 * MIB), (2 * PART + 1, MIB)] {
        for (name, change) in CHANGES {
            let mut fixture = Fixture::start().await;
            fixture.options.threshold = threshold as u64;
            fixture.aws.s3().hold_uploads_after(0);
            let source = fixture.write(&vec![7; length]);
            let changes = async {
                fixture.wait_for_uploads(1).await;
                let mut options = OpenOptions::new();
                change(&options.append(true).open(fixture.path()).unwrap());
                fixture.aws.s3().release();
            };
            let (result, ()) = tokio::join!(fixture.upload(&source, "key"), changes);
            let error = result.expect_err(name);
            assert!(matches!(error, Error::Changed(_)), "{name}: {error:?}");
            assert_eq!(fixture.aws.s3().object("key"), None, "{name}");
            assert_eq!(fixture.aws.s3().open_uploads().unwrap(), 0, "{name}");
            assert_eq!(state_file(&fixture.state_folder()), None, "{name}");
        }
    }
}

#[tokio::test]
async fn are_noticed_after_the_last_part_was_read() {
    let fixture = Fixture::start().await;
    // One part of two is sent after the other has been read, and the file changes meanwhile.
    fixture.aws.s3().hold_uploads_after(1);
    let source = fixture.write(&data(PART + 10));
    let changes = async {
        fixture.wait_for_uploads(2).await;
        fixture.wait_for_saved(1).await;
        let mut options = OpenOptions::new();
        let mut file = options.append(true).open(fixture.path()).unwrap();
        file.write_all(b"more").unwrap();
        fixture.aws.s3().release();
    };
    let (result, ()) = tokio::join!(fixture.upload(&source, "key"), changes);
    assert!(matches!(result, Err(Error::Changed(_))), "{result:?}");
    assert_eq!(fixture.aws.s3().object("key"), None);
    assert_eq!(fixture.aws.s3().open_uploads().unwrap(), 0);
}

#[tokio::test]
async fn are_noticed_where_there_was_nothing_to_read() {
    let fixture = Fixture::start().await;
    let source = fixture.write(b"");
    fixture.write(b"something");
    let result = fixture.upload(&source, "key").await;
    assert!(matches!(result, Err(Error::Changed(_))), "{result:?}");
    assert_eq!(fixture.aws.s3().object("key"), None);
}
