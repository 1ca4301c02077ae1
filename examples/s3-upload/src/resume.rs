//! Uploads of files that begin, and those that go on where the last run has ended.

use std::collections::BTreeMap;

use tokio::time::timeout;

use crate::client::ListedPart;
use crate::client::Stored;
use crate::client::whole;
use crate::error::Error;
use crate::journal::State;
use crate::plan::Parts;
use crate::source::Source;
use crate::state::Slot;
use crate::upload::NO_SUCH_UPLOAD;
use crate::upload::Uploaded;
use crate::upload::Uploader;

/// What there is of an upload.
pub(crate) enum Begun {
    Nothing,
    Parts(Box<State>, BTreeMap<u16, Stored>),
    Complete(Uploaded),
}

impl Uploader {
    pub(crate) async fn begin(&self, source: &Source, slot: &Slot) -> Result<State, Error> {
        let parts = Parts::new(source.length(), self.options.part_size)?;
        let attempt = || self.client.create_multipart_upload();
        let id = self
            .answered("the beginning of the upload", attempt)
            .await?;
        let file = (source.path(), source.identity());
        let url = self.client.url();
        let state = State::new(&self.target, url, id, file, parts.size());
        if let Err(error) = slot.begin(&state) {
            self.abort_unknown(&state.upload_id).await;
            return Err(error);
        }
        Ok(state)
    }

    /// Finds out what is there of an upload that has begun.
    pub(crate) async fn resume(
        &self,
        source: &Source,
        slot: &Slot,
        state: State,
    ) -> Result<Begun, Error> {
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
        let listed: BTreeMap<u16, ListedPart> =
            listed.into_iter().map(|part| (part.number, part)).collect();
        let mut stored = BTreeMap::new();
        for part in parts.iter() {
            let there = listed.get(&part.number);
            let Some(there) = there.filter(|there| there.size == part.length()) else {
                continue;
            };
            let saved = state.parts.get(&part.number);
            let ours = saved.filter(|saved| saved.tag == there.tag);
            let ours = ours.map(|saved| saved.checksum);
            let checksum = match (ours, there.checksum) {
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
            if saved != Some(&part) {
                slot.add(&part)?;
            }
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
        let stored: Vec<Stored> = state.parts.values().cloned().collect();
        let there = self.client.object_checksum();
        let there = timeout(self.options.stall, there).await.ok()?.ok()??;
        let is_whole = stored.len() == usize::from(parts.count()) && whole(&stored) == there;
        is_whole.then(|| Uploaded {
            length: stored.iter().map(|part| part.length).sum(),
            checksum: there,
            parts: Some(parts.count()),
        })
    }
}
