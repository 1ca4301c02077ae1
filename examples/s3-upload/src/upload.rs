//! Uploads of files, in one piece or in parts, from the beginning or from where the last run ended.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroU64;
use std::ops::Range;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::checksum::Crc64;
use crate::client::Content;
use crate::client::Receipt;
use crate::client::S3Client;
use crate::client::Stored;
use crate::client::whole;
use crate::error::Chain;
use crate::error::Error;
use crate::pace::Pace;
use crate::plan;
use crate::plan::Part;
use crate::plan::Parts;
use crate::progress::Attempt;
use crate::progress::Progress;
use crate::retry::Retry;
use crate::source::Source;
use crate::state::SavedPart;
use crate::state::Slot;
use crate::state::State;
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
    pace: Pace,
    target: Target,
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

    /// Uploads a file, or what is missing of it where an earlier run has begun.
    ///
    /// # Errors
    ///
    /// See [`Error`]. What S3 has acknowledged by then is in the slot.
    ///
    /// # Cancel safety
    ///
    /// The same holds for a future that is dropped.
    pub async fn file(&self, source: &Source, slot: &Slot) -> Result<Uploaded, Error> {
        let begun = match slot.load()? {
            Some(state) => self.resume(source, slot, state).await?,
            None => Begun::Nothing,
        };
        let (state, stored) = match begun {
            Begun::Complete(uploaded) => return Ok(uploaded),
            Begun::Parts(state, stored) => (*state, stored),
            Begun::Nothing if source.length() <= self.options.threshold => {
                return self.in_one_piece(source).await;
            }
            Begun::Nothing => (self.begin(source, slot).await?, BTreeMap::new()),
        };
        let result = self.in_parts(source, slot, state, stored).await;
        if let Err(Error::Changed(_)) = &result
            && let Some(state) = slot.load()?
        {
            // Its parts fit together with nothing any more.
            self.abort(slot, &state).await?;
        }
        result
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

    /// Uploads a file by one request.
    async fn in_one_piece(&self, source: &Source) -> Result<Uploaded, Error> {
        let length = source.length();
        let attempt = async || {
            // Where there is nothing to read, nobody else looks.
            source.check()?;
            self.send(source, 0..length, |content| self.client.put_object(content))
                .await
        };
        let (_, checksum) = self.retried("the file", attempt).await?;
        self.progress.finish();
        Ok(Uploaded {
            length,
            checksum,
            parts: None,
        })
    }

    async fn begin(&self, source: &Source, slot: &Slot) -> Result<State, Error> {
        let parts = Parts::new(source.length(), self.options.part_size)?;
        let attempt = || self.client.create_multipart_upload();
        let id = self
            .answered("the beginning of the upload", attempt)
            .await?;
        let file = (source.path(), source.identity());
        let url = self.client.url();
        let state = State::new(&self.target, url, id, file, parts.size());
        if let Err(error) = slot.save(&state) {
            self.abort_unknown(&state.upload_id).await;
            return Err(error);
        }
        Ok(state)
    }

    /// Finds out what is there of an upload that has begun.
    async fn resume(&self, source: &Source, slot: &Slot, mut state: State) -> Result<Begun, Error> {
        let is_same_path = state.is_of(source.path());
        if !is_same_path || state.identity != *source.identity() {
            let what = if is_same_path {
                "the file has changed since"
            } else {
                "it was another file"
            };
            self.progress.note(&format!(
                "an upload to {} has begun before, but {what}: it is aborted, \
                 and this one begins anew",
                self.target
            ));
            self.abort(slot, &state).await?;
            return Ok(Begun::Nothing);
        }
        let parts = Parts::new(source.length(), state.part_size)?;
        let attempt = || self.client.list_parts(&state.upload_id);
        let listed = match self.answered("the list of parts", attempt).await {
            Err(error) if error.code() == Some(NO_SUCH_UPLOAD) => {
                let complete = self.find_complete(parts, &state).await;
                self.progress.note(match complete {
                    Some(_) => "the last run has completed the upload",
                    None => "the upload that has begun before is gone: this one begins anew",
                });
                slot.clear()?;
                return Ok(complete.map_or(Begun::Nothing, Begun::Complete));
            }
            listed => listed?,
        };
        let mut stored = BTreeMap::new();
        for part in parts.iter() {
            let there = listed
                .iter()
                .find(|there| there.number == part.number && there.size == part.length());
            let Some(there) = there else { continue };
            // Parts that are alike have the same tag.
            let is_it = |saved: &&SavedPart| saved.number == part.number && saved.tag == there.tag;
            let saved = state.parts.iter().find(is_it);
            let saved = saved.map(|saved| saved.checksum);
            let checksum = match (saved, there.checksum) {
                (Some(ours), Some(theirs)) if ours == theirs => ours,
                (Some(ours), None) => ours,
                // S3 has acknowledged it when nobody was there any more.
                (_, Some(theirs)) if source.checksum(part.range.clone()).await? == theirs => theirs,
                _ => continue,
            };
            let part = Stored {
                number: part.number,
                tag: there.tag.clone(),
                checksum,
                length: part.length(),
            };
            state.add(&part);
            stored.insert(part.number, part);
        }
        self.progress.note(&format!(
            "going on with an upload: {} of {} parts are there",
            stored.len(),
            parts.count()
        ));
        let bytes = stored.values().map(|part| part.length).sum();
        self.progress.skip(bytes);
        Ok(Begun::Parts(Box::new(state), stored))
    }

    /// Returns what the last run has uploaded, if only the end of it is not known.
    async fn find_complete(&self, parts: Parts, state: &State) -> Option<Uploaded> {
        let mut stored: Vec<Stored> = state.parts.iter().map(Into::into).collect();
        stored.sort_by_key(|part| part.number);
        let there = self.client.object_checksum();
        let there = timeout(self.options.stall, there).await.ok()?.ok()??;
        let is_whole = stored.len() == usize::from(parts.count()) && whole(&stored) == there;
        is_whole.then(|| Uploaded {
            length: stored.iter().map(|part| part.length).sum(),
            checksum: there,
            parts: Some(parts.count()),
        })
    }

    /// Uploads the parts that are missing, and puts the object together.
    async fn in_parts(
        &self,
        source: &Source,
        slot: &Slot,
        mut state: State,
        mut stored: BTreeMap<u16, Stored>,
    ) -> Result<Uploaded, Error> {
        let parts = Parts::new(source.length(), state.part_size)?;
        let missing: Vec<Part> = parts
            .iter()
            .filter(|part| !stored.contains_key(&part.number))
            .collect();
        let mut missing = missing.into_iter();
        // What is in flight ends with the set.
        let mut sending = JoinSet::new();
        loop {
            while sending.len() < self.options.parallel.max(1)
                && let Some(part) = missing.next()
            {
                let (uploader, source) = (self.clone(), source.clone());
                let id = state.upload_id.clone();
                sending.spawn(async move { uploader.part(&source, &id, part).await });
            }
            let Some(sent) = sending.join_next().await else {
                break;
            };
            let part = sent.unwrap_or(Err(Error::Interrupted))?;
            state.add(&part);
            slot.save(&state)?;
            stored.insert(part.number, part);
        }
        source.check()?;
        let stored: Vec<Stored> = stored.into_values().collect();
        let checksum = self.complete(&state.upload_id, &stored).await?;
        slot.clear()?;
        self.progress.finish();
        Ok(Uploaded {
            length: source.length(),
            checksum,
            parts: Some(parts.count()),
        })
    }

    async fn part(&self, source: &Source, id: &str, part: Part) -> Result<Stored, Error> {
        let (number, range) = (part.number, &part.range);
        let attempt = || {
            self.send(source, range.clone(), |content| {
                self.client.upload_part(id, number, content)
            })
        };
        let (receipt, checksum) = self.retried(&format!("part {number}"), attempt).await?;
        Ok(Stored {
            number,
            tag: receipt.tag,
            checksum,
            length: part.length(),
        })
    }

    /// Sends a range of a file once.
    async fn send<F>(
        &self,
        source: &Source,
        range: Range<u64>,
        call: impl FnOnce(Content) -> F,
    ) -> Result<(Receipt, Crc64), Error>
    where
        F: Future<Output = Result<Receipt, Error>>,
    {
        let attempt = self.progress.begin();
        let reading = source.range(range, self.pace.clone(), attempt.sending());
        let (body, read) = reading.split();
        let sent = self.watched(&attempt, call(Content::Stream(body))).await;
        // That the file could not be read explains all else.
        let read = read.take()?;
        let receipt = sent?;
        let checksum =
            read.ok_or_else(|| Error::Answer("S3 has answered before it had all".to_owned()))?;
        check(&receipt, checksum)?;
        attempt.acknowledge();
        Ok((receipt, checksum))
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

/// What there is of an upload.
enum Begun {
    Nothing,
    Parts(Box<State>, BTreeMap<u16, Stored>),
    Complete(Uploaded),
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
