//! Uploads that go on where the last run has ended.

use std::fs;
use std::fs::File;

use http::Method;
use local_aws::S3Fault;
use s3_upload::Error;
use s3_upload::Retry;
use s3_upload::Source;

use crate::fixture::Fixture;
use crate::fixture::PART;
use crate::fixture::checksum;
use crate::fixture::data;
use crate::fixture::state_file;

/// Begins to upload a file of five parts, and is gone when two are there. Returns which parts nobody
/// is to send again, or for the first time: these, of which it is a matter of chance which they are,
/// and the last.
async fn begin(fixture: &Fixture, source: &Source, key: &str) -> [u16; 3] {
    let before = fixture.seen(&Method::PUT, "").len();
    fixture.aws.s3().hold_uploads_after(2);
    tokio::select! {
        ended = fixture.upload(source, key) => unreachable!("{ended:?}"),
        () = async {
            fixture.wait_for_uploads(before + 4).await;
            fixture.wait_for_saved(2).await;
        } => {}
    }
    fixture.aws.s3().release();
    match fixture.saved()[..] {
        [one, other] => [one, other, 5],
        ref saved => unreachable!("{saved:?} are saved"),
    }
}

/// Those that were on their way when the first run ended may have arrived or not.
#[track_caller]
fn assert_sent_once(fixture: &Fixture, numbers: &[u16]) {
    let sent = fixture.parts_sent();
    for number in numbers {
        let times = sent.iter().filter(|sent| *sent == number).count();
        assert_eq!(times, 1, "part {number} of {sent:?}");
    }
}

#[tokio::test]
async fn send_only_what_is_missing() {
    let fixture = Fixture::start().await;
    let content = data(4 * PART + 1);
    let source = fixture.write(&content);
    let once = begin(&fixture, &source, "key").await;
    let first = fixture.parts_sent();
    assert_eq!(first, [1, 2, 3, 4]);
    assert_eq!(fixture.aws.s3().object("key"), None);

    let uploaded = fixture.upload(&source, "key").await.unwrap();
    assert_eq!(uploaded.parts, Some(5));
    assert_sent_once(&fixture, &once);
    assert!(fixture.aws.s3().object("key").unwrap() == content);
    assert_eq!(fixture.seen(&Method::POST, "?uploads=").len(), 1);
    assert_eq!(state_file(&fixture.state_folder()), None);
}

#[tokio::test]
async fn keep_the_size_of_their_parts() {
    let mut fixture = Fixture::start().await;
    let source = fixture.write(&data(4 * PART + 1));
    begin(&fixture, &source, "key").await;
    fixture.options.part_size = 2 * PART as u64;
    fixture.options.threshold = 5 << 30;
    let uploaded = fixture.upload(&source, "key").await.unwrap();
    assert_eq!(uploaded.parts, Some(5));
}

#[tokio::test]
async fn do_not_send_a_part_that_arrived_when_nobody_was_there() {
    let fixture = Fixture::start().await;
    let content = data(4 * PART + 1);
    let source = fixture.write(&content);
    let once = begin(&fixture, &source, "key").await;
    let path = state_file(&fixture.state_folder()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let (head, _) = text.split_once('\n').unwrap();
    fs::write(&path, format!("{head}\n")).unwrap();
    assert!(fixture.saved().is_empty());

    fixture.upload(&source, "key").await.unwrap();
    assert_sent_once(&fixture, &once);
    assert!(fixture.aws.s3().object("key").unwrap() == content);
}

#[tokio::test]
async fn of_a_file_that_has_changed_begin_anew() {
    let fixture = Fixture::start().await;
    let source = fixture.write(&data(4 * PART + 1));
    begin(&fixture, &source, "key").await;
    // As long as before.
    let mut content = data(4 * PART + 1);
    content[7] ^= 1;
    let source = fixture.write(&content);
    fixture.upload(&source, "key").await.unwrap();
    assert_eq!(fixture.parts_sent(), [1, 1, 2, 2, 3, 3, 4, 4, 5]);
    assert_eq!(fixture.seen(&Method::DELETE, "uploadId=").len(), 1);
    assert_eq!(fixture.aws.s3().open_uploads().unwrap(), 0);
    assert!(fixture.aws.s3().object("key").unwrap() == content);
}

/// An object of parts of two files would have a checksum that fits.
#[cfg(unix)]
#[tokio::test]
async fn of_a_file_that_has_changed_and_denies_it_begin_anew() {
    let fixture = Fixture::start().await;
    let source = fixture.write(&data(4 * PART + 1));
    let modified = || fs::metadata(fixture.path()).unwrap().modified().unwrap();
    let before = modified();
    begin(&fixture, &source, "key").await;
    let mut content = data(4 * PART + 1);
    content.iter_mut().for_each(|octet| *octet ^= 1);
    // The same file, as long as before, whose time is set back.
    fs::write(fixture.path(), &content).unwrap();
    let file = File::options().write(true).open(fixture.path()).unwrap();
    file.set_modified(before).unwrap();
    assert_eq!(modified(), before);
    let source = Source::open(&fixture.path()).unwrap();
    fixture.upload(&source, "key").await.unwrap();
    assert!(fixture.aws.s3().object("key").unwrap() == content);
}

#[tokio::test]
async fn that_are_gone_begin_anew() {
    let fixture = Fixture::start().await;
    let content = data(4 * PART + 1);
    let source = fixture.write(&content);
    begin(&fixture, &source, "key").await;
    fixture.aws.s3().forget_uploads().unwrap();
    fixture.upload(&source, "key").await.unwrap();
    assert_eq!(fixture.seen(&Method::POST, "?uploads=").len(), 2);
    assert!(fixture.aws.s3().object("key").unwrap() == content);
}

/// The last run was killed in the middle of a line.
#[tokio::test]
async fn whose_state_was_not_written_to_its_end_go_on() {
    let fixture = Fixture::start().await;
    let content = data(4 * PART + 1);
    let source = fixture.write(&content);
    let [first, second, last] = begin(&fixture, &source, "key").await;
    let path = state_file(&fixture.state_folder()).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 7).unwrap();
    assert_eq!(fixture.saved(), [first]);
    fixture.upload(&source, "key").await.unwrap();
    // S3 knows of the part that the state does not.
    assert_sent_once(&fixture, &[first, second, last]);
    assert!(fixture.aws.s3().object("key").unwrap() == content);
}

#[tokio::test]
async fn that_were_completed_are_not_sent_again() {
    let mut fixture = Fixture::start().await;
    let content = data(2 * PART);
    let source = fixture.write(&content);
    // The end of the upload is all that the last run has not seen.
    fixture.options.retry = Retry::attempts(1);
    fixture.aws.s3().next(S3Fault::LoseCompletion);
    let error = fixture.upload(&source, "key").await.unwrap_err();
    assert!(matches!(error, Error::Request(_)), "{error:?}");
    assert_eq!(fixture.saved().len(), 2);

    let uploaded = fixture.upload(&source, "key").await.unwrap();
    assert_eq!(uploaded.length, content.len() as u64);
    assert_eq!(uploaded.parts, Some(2));
    assert_eq!(uploaded.checksum, checksum(&content));
    assert_eq!(fixture.parts_sent(), [1, 2]);
    assert_eq!(state_file(&fixture.state_folder()), None);
}

#[tokio::test]
async fn are_ended_on_request() {
    let fixture = Fixture::start().await;
    let source = fixture.write(&data(4 * PART + 1));
    begin(&fixture, &source, "key").await;
    let slot = fixture.slot("key");
    let state = slot.load().unwrap().unwrap();
    fixture.uploader("key").abort(&slot, &state).await.unwrap();
    assert_eq!(slot.load().unwrap(), None);
    assert_eq!(fixture.aws.s3().open_uploads().unwrap(), 0);
    // What is gone is as well as aborted.
    fixture.uploader("key").abort(&slot, &state).await.unwrap();
}

#[tokio::test]
async fn that_cannot_be_kept_do_not_begin() {
    let fixture = Fixture::start().await;
    let source = fixture.write(&data(PART + 1));
    let slot = fixture.slot("key");
    // The lock is there already, and nothing else can be written.
    fs::remove_dir_all(fixture.state_folder()).unwrap();
    let error = fixture.uploader("key").file(&source, &slot).await;
    assert!(matches!(error, Err(Error::Io { .. })), "{error:?}");
    assert_eq!(fixture.aws.s3().open_uploads().unwrap(), 0);
    assert_eq!(fixture.seen(&Method::DELETE, "uploadId=").len(), 1);
}

/// By somebody who cleans up.
#[tokio::test]
async fn whose_state_is_removed_meanwhile_are_ended() {
    let fixture = Fixture::start().await;
    fixture.aws.s3().hold_uploads_after(2);
    let source = fixture.write(&data(4 * PART + 1));
    let removes = async {
        fixture.wait_for_saved(2).await;
        fs::remove_dir_all(fixture.state_folder()).unwrap();
        fixture.aws.s3().release();
    };
    let (result, ()) = tokio::join!(fixture.upload(&source, "key"), removes);
    assert!(matches!(result, Err(Error::Io { .. })), "{result:?}");
    assert_eq!(fixture.aws.s3().open_uploads().unwrap(), 0);
}

/// A name that is no text, as Linux allows it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn of_a_file_with_any_name_go_on() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let fixture = Fixture::start().await;
    let content = data(4 * PART + 1);
    let path = fixture.path().with_file_name(OsStr::from_bytes(b"a\xff%"));
    fs::write(&path, &content).unwrap();
    let source = Source::open(&path).unwrap();
    let once = begin(&fixture, &source, "key").await;
    fixture.upload(&source, "key").await.unwrap();
    assert_sent_once(&fixture, &once);
    assert!(fixture.aws.s3().object("key").unwrap() == content);
}
