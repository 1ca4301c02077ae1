//! What uploads of files and of streams have in common: requests that are repeated, and their end.

use std::future::Future;
use std::num::NonZeroU64;
use std::time::Duration;

use tokio::time::sleep;
use tokio::time::timeout;

use crate::checksum::Crc64;
use crate::client::Receipt;
use crate::client::S3Client;
use crate::client::Stored;
use crate::client::whole;
use crate::error::Chain;
use crate::error::Error;
use crate::journal::State;
use crate::pace::Pace;
use crate::plan;
use crate::progress::Attempt;
use crate::progress::Progress;
use crate::retry::Retry;
use crate::state::Slot;
use crate::target::Target;

/// How uploads are done.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers spell it out")]
pub struct Options {
    /// How long a part is; greater where 10,000 parts would not do.
    pub part_size: u64,
    /// Up to which length a file goes up in one piece.
    pub threshold: u64,
    /// How many parts are sent at the same time.
    pub parallel: usize,
    /// How often a request is sent.
    pub retry: Retry,
    /// How many bytes are sent in a second at most.
    pub bytes_per_second: Option<NonZeroU64>,
    /// After what time without a byte an attempt is given up.
    pub stall: Duration,
}

/// What has been uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploaded {
    /// How long it is.
    pub length: u64,
    /// Its checksum, which S3 has compared.
    pub checksum: Crc64,
    /// In how many parts it went up; none where it went in one piece.
    pub parts: Option<u16>,
}

/// Uploads to one object.
#[derive(Clone, Debug)]
pub struct Uploader {
    pub(crate) client: S3Client,
    pub(crate) options: Options,
    pub(crate) progress: Progress,
    pub(crate) pace: Pace,
    pub(crate) target: Target,
}

impl Uploader {
    /// Makes an uploader.
    ///
    /// # Errors
    ///
    /// When the options are beyond the limits of S3.
    pub fn new(
        target: Target,
        client: S3Client,
        options: Options,
        progress: Progress,
    ) -> Result<Self, Error> {
        plan::check_part_size(options.part_size)?;
        if options.threshold > plan::MAX_REQUEST {
            return Err(Error::usage(
                "at most 5 GiB go up in one piece: correct --threshold",
            ));
        }
        Ok(Self {
            pace: Pace::new(options.bytes_per_second),
            target,
            client,
            options,
            progress,
        })
    }

    /// Ends an upload that has begun, and forgets it.
    ///
    /// # Errors
    ///
    /// When S3 does not do it. It is not forgotten then.
    pub async fn abort(&self, slot: &Slot, state: &State) -> Result<(), Error> {
        self.abort_upload(&state.upload_id).await?;
        slot.clear()
    }

    pub(crate) async fn abort_upload(&self, id: &str) -> Result<(), Error> {
        let attempt = || self.client.abort_multipart_upload(id);
        match self.answered("the end of the upload", attempt).await {
            // Nothing is left of it.
            Err(error) if error.code() == Some(NO_SUCH_UPLOAD) => Ok(()),
            result => result,
        }
    }

    /// Ends an upload that nobody could go on with, and says what became of it.
    pub(crate) async fn abort_unknown(&self, id: &str) {
        match self.abort_upload(id).await {
            Ok(()) => self.progress.note("the upload is aborted"),
            Err(error) => self.progress.note(&format!(
                "the upload {id} could not be aborted: {}",
                Chain::of(&error)
            )),
        }
    }

    /// Repeats what may succeed a little later.
    pub(crate) async fn retried<T, F>(
        &self,
        what: &str,
        attempt: impl FnMut() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let notify = |text: &str| self.progress.note(text);
        self.options.retry.run(what, attempt, notify).await
    }

    /// The same of what sends next to nothing, and gives it up when there is no answer in time.
    pub(crate) async fn answered<T, F>(
        &self,
        what: &str,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let stall = self.options.stall;
        let attempt = || {
            let call = timeout(stall, attempt());
            async move { call.await.unwrap_or(Err(Error::Stalled(stall))) }
        };
        self.retried(what, attempt).await
    }

    /// Gives up when nothing moves.
    pub(crate) async fn watched<T>(
        &self,
        attempt: &Attempt,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut call = std::pin::pin!(call);
        let mut sent = attempt.sent();
        loop {
            tokio::select! {
                done = &mut call => return done,
                () = sleep(self.options.stall) => {
                    let now = attempt.sent();
                    if now == sent {
                        return Err(Error::Stalled(self.options.stall));
                    }
                    sent = now;
                }
            }
        }
    }

    /// Puts an object together, and returns its checksum.
    pub(crate) async fn complete(&self, id: &str, parts: &[Stored]) -> Result<Crc64, Error> {
        let ours = whole(parts);
        // S3 may take minutes for many parts.
        let longest = self.options.stall.saturating_mul(COMPLETION);
        let mut tried = 0;
        let attempt = || {
            tried += 1;
            let is_repeated = tried > 1;
            async move {
                let call = self.client.complete_multipart_upload(id, parts);
                let stalled = Err(Error::Stalled(longest));
                match timeout(longest, call).await.unwrap_or(stalled) {
                    // The answer to an attempt before was lost, and that one has done it.
                    Err(error) if is_repeated && error.code() == Some(NO_SUCH_UPLOAD) => {
                        match self.client.object_checksum().await {
                            Ok(Some(theirs)) if theirs == ours => Ok(ours),
                            _ => Err(error),
                        }
                    }
                    Err(error) => Err(error),
                    Ok(done) => match done.checksum {
                        Some(theirs) if theirs != ours => Err(other_checksum(theirs, ours)),
                        _ => Ok(ours),
                    },
                }
            }
        };
        self.retried("the completion", attempt).await
    }
}

/// Compares what S3 has received with what was sent.
pub(crate) fn check(receipt: &Receipt, checksum: Crc64) -> Result<(), Error> {
    match receipt.checksum {
        Some(theirs) if theirs != checksum => Err(other_checksum(theirs, checksum)),
        _ => Ok(()),
    }
}

fn other_checksum(theirs: Crc64, ours: Crc64) -> Error {
    Error::Answer(format!(
        "S3 has stored something else: its checksum is {theirs}, and not {ours}"
    ))
}

/// How many times as long as for another answer it is waited for that to a completion.
const COMPLETION: u32 = 10;
pub(crate) const NO_SUCH_UPLOAD: &str = "NoSuchUpload";
