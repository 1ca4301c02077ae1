//! What is uploaded: ranges of a file, read as they are sent, and whether it is still that file.

use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use serde::Deserialize;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::checksum::Crc64;
use crate::checksum::Hasher;
use crate::error::Error;
use crate::pace::Pace;
use crate::progress::Sending;

/// A file to be uploaded.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    identity: Identity,
}

/// What tells a file from another, and from what it is after somebody has written to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// How long it is.
    length: u64,
    /// When it was last written to: seconds and nanoseconds since 1970.
    modified: (u64, u32),
    /// Its number, where files have one. That of the disk is another one after each start of some
    /// systems.
    inode: Option<u64>,
    /// When the system saw the last change, where it says so: nobody can set that time back.
    changed: Option<(i64, i64)>,
}

impl Source {
    /// Looks at a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is none: a folder, a pipe, a device, or one of `/proc`, whose length
    /// nobody knows.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let what = || format!("read {}", path.display());
        let no_file = || {
            Error::usage(format!(
                "{} is not a file; what is no file goes through standard input: `-`",
                path.display()
            ))
        };
        // A look before it is opened: that would wait where it is a pipe.
        let metadata = fs::metadata(path).map_err(Error::io(what()))?;
        if !metadata.is_file() {
            return Err(no_file());
        }
        let mut file = File::open(path).map_err(Error::io(what()))?;
        let metadata = file.metadata().map_err(Error::io(what()))?;
        // Those of `/proc` have no length, and something in them nevertheless.
        if metadata.len() == 0 && file.read(&mut [0]).map_err(Error::io(what()))? > 0 {
            return Err(no_file());
        }
        Ok(Self {
            // The same file by another name is the same file.
            path: fs::canonicalize(path).map_err(Error::io(what()))?,
            identity: Identity::of(&metadata).map_err(Error::io(what()))?,
        })
    }

    /// Returns its path from the root.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how long it is.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.identity.length
    }

    /// Returns what it is recognized by.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Refuses a file that is not what it was when it was looked at.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`], or that it cannot be read.
    pub fn check(&self) -> Result<(), Error> {
        self.open_unchanged().map(drop)
    }

    fn open_unchanged(&self) -> Result<File, Error> {
        let what = || format!("read {}", self.path.display());
        let file = File::open(&self.path).map_err(Error::io(what()))?;
        self.check_file(&file)?;
        Ok(file)
    }

    fn check_file(&self, file: &File) -> Result<(), Error> {
        let what = || format!("read {}", self.path.display());
        let metadata = file.metadata().map_err(Error::io(what()))?;
        let now = Identity::of(&metadata).map_err(Error::io(what()))?;
        if now == self.identity {
            Ok(())
        } else {
            Err(Error::Changed(self.path.display().to_string()))
        }
    }

    /// Reads a range, piece by piece as the body is asked for them.
    pub(crate) fn range(&self, range: Range<u64>, pace: Pace, sending: Sending) -> Reading {
        let outcome = Arc::new(OnceLock::new());
        let (sender, pieces) = mpsc::channel(AHEAD);
        let left = range.end - range.start;
        if left == 0 {
            let _ = outcome.set(Ok(Crc64::default()));
        }
        let (source, told) = (self.clone(), Arc::clone(&outcome));
        spawn_blocking(move || {
            // Each is told before the body can end, so that whoever sees that can see this.
            let result = source.read(range, &pace, |piece, checksum| {
                if let Some(checksum) = checksum {
                    let _ = told.set(Ok(checksum));
                }
                sender.blocking_send(piece).is_ok()
            });
            let _ = told.set(result);
            drop(sender);
        });
        Reading {
            body: RangeBody {
                pieces,
                left,
                sending,
            },
            outcome,
        }
    }

    /// Returns the checksum of a range.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has changed.
    pub(crate) async fn checksum(&self, range: Range<u64>) -> Result<Crc64, Error> {
        let source = self.clone();
        let read = spawn_blocking(move || source.read(range, &Pace::unlimited(), |_, _| true));
        read.await.unwrap_or(Err(Error::Interrupted))
    }

    /// Reads a range and returns its checksum, which goes with the last piece, too. That is given
    /// away only after a look whether the file has changed, so that what S3 stores is what the file
    /// was.
    fn read(
        &self,
        range: Range<u64>,
        pace: &Pace,
        mut give: impl FnMut(Bytes, Option<Crc64>) -> bool,
    ) -> Result<Crc64, Error> {
        let mut file = self.open_unchanged()?;
        let what = || format!("read {}", self.path.display());
        file.seek(SeekFrom::Start(range.start))
            .map_err(Error::io(what()))?;
        let mut left = range.end - range.start;
        let mut hasher = Hasher::new();
        let most = pace.piece(PIECE);
        while left > 0 {
            let length = usize::try_from(left).map_or(most, |left| left.min(most));
            let mut piece = vec![0; length];
            file.read_exact(&mut piece).map_err(|error| {
                if error.kind() == io::ErrorKind::UnexpectedEof {
                    Error::Changed(self.path.display().to_string())
                } else {
                    Error::io(what())(error)
                }
            })?;
            hasher.update(&piece);
            left -= length as u64;
            pace.wait(length);
            let mut whole = None;
            if left == 0 {
                self.check_file(&file)?;
                whole = Some(hasher.finish());
            }
            if !give(piece.into(), whole) {
                return Err(Error::Interrupted);
            }
        }
        Ok(hasher.finish())
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> io::Result<Self> {
        let modified = metadata.modified()?;
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            length: metadata.len(),
            modified: (since.as_secs(), since.subsec_nanos()),
            inode: inode(metadata),
            changed: changed(metadata),
        })
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn inode(metadata: &Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;

    Some(metadata.ino())
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> Option<u64> {
    None
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn changed(metadata: &Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;

    Some((metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<(i64, i64)> {
    None
}

/// A range of a file that is being read.
pub(crate) struct Reading {
    /// What is sent.
    pub(crate) body: RangeBody,
    outcome: Arc<OnceLock<Result<Crc64, Error>>>,
}

impl Reading {
    /// Takes the body away, and leaves what will tell how the reading went.
    pub(crate) fn split(self) -> (reqwest::Body, Outcome) {
        (reqwest::Body::wrap(self.body), Outcome(self.outcome))
    }
}

/// How the reading of a range went.
pub(crate) struct Outcome(Arc<OnceLock<Result<Crc64, Error>>>);

impl Outcome {
    /// Returns the checksum of what was read; nothing where it was not read to its end; or why that
    /// was not possible.
    pub(crate) fn take(&self) -> Result<Option<Crc64>, Error> {
        match self.0.get() {
            Some(Ok(checksum)) => Ok(Some(*checksum)),
            None | Some(Err(Error::Interrupted)) => Ok(None),
            Some(Err(Error::Changed(what))) => Err(Error::Changed(what.clone())),
            Some(Err(error)) => Err(Error::Io {
                what: "read the file".to_owned(),
                source: io::Error::other(crate::error::Chain::of(error).to_string()),
            }),
        }
    }
}

/// A range of a file as a body.
pub(crate) struct RangeBody {
    pieces: mpsc::Receiver<Bytes>,
    left: u64,
    sending: Sending,
}

impl Body for RangeBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        match ready!(self.pieces.poll_recv(cx)) {
            Some(piece) => {
                self.left = self.left.saturating_sub(piece.len() as u64);
                self.sending.add(piece.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            // Why, the outcome says.
            None => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// How much is read at once.
pub(crate) const PIECE: usize = 64 * 1024;
/// How many pieces are read before they are sent.
const AHEAD: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of a disk is not the same after each start.
    #[cfg(unix)]
    #[test]
    fn a_file_is_recognized_by_what_stays_with_it() {
        use std::os::unix::fs::MetadataExt;

        let file = tempfile::NamedTempFile::new().unwrap();
        let source = Source::open(file.path()).unwrap();
        let metadata = file.as_file().metadata().unwrap();
        let seconds = |seconds: i64| u64::try_from(seconds).unwrap();
        let nanos = |nanos: i64| u32::try_from(nanos).unwrap();
        let expected = serde_json::json!({
            "length": 0,
            "modified": [seconds(metadata.mtime()), nanos(metadata.mtime_nsec())],
            "inode": metadata.ino(),
            "changed": [metadata.ctime(), metadata.ctime_nsec()],
        });
        assert_eq!(serde_json::to_value(source.identity()).unwrap(), expected);
    }
}
