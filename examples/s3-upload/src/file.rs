//! Uploads of files, in one piece or in parts.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Range;

use tokio::task::JoinSet;

use crate::checksum::Crc64;
use crate::client::Content;
use crate::client::Receipt;
use crate::client::Stored;
use crate::error::Error;
use crate::journal::State;
use crate::plan::Part;
use crate::plan::Parts;
use crate::resume::Begun;
use crate::source::Source;
use crate::state::Slot;
use crate::upload::Uploaded;
use crate::upload::Uploader;
use crate::upload::check;

impl Uploader {
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
        let result = self.in_parts(source, slot, &state, stored).await;
        match &result {
            // Its parts fit together with nothing any more.
            Err(Error::Changed(_)) => self.abort(slot, &state).await?,
            // Somebody has removed what is known of it: nobody could go on with it, or end it.
            Err(_) if slot.load().is_ok_and(|state| state.is_none()) => {
                self.abort_unknown(&state.upload_id).await;
            }
            _ => {}
        }
        result
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

    /// Uploads the parts that are missing, and puts the object together.
    async fn in_parts(
        &self,
        source: &Source,
        slot: &Slot,
        state: &State,
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
            slot.add(&part)?;
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
}
