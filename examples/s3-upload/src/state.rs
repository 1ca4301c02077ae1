//! What is kept on disk of an upload, so that it can go on after the program has ended.

use std::env;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use percent_encoding::AsciiSet;
use percent_encoding::CONTROLS;
use percent_encoding::percent_encode;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use tempfile::NamedTempFile;

use crate::checksum::Crc64;
use crate::client::Stored;
use crate::error::Error;
use crate::source::Identity;
use crate::target::Target;

/// The folder in which the states of uploads are, one file each.
#[derive(Clone, Debug)]
pub struct States {
    folder: PathBuf,
}

/// The state of uploads to one object. No other program can have it at the same time.
#[derive(Debug)]
pub struct Slot {
    path: PathBuf,
    /// Locked, for as long as it is open.
    _lock: File,
}

/// An upload that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    /// `s3://bucket/key`.
    pub(crate) target: String,
    /// The URL of the object, which says at which endpoint it is.
    pub(crate) url: String,
    pub(crate) upload_id: String,
    /// The path of the file, in which all but plain ASCII is escaped: it need not be text.
    path: String,
    pub(crate) identity: Identity,
    pub(crate) part_size: u64,
    pub(crate) parts: Vec<SavedPart>,
}

/// A part that S3 has acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedPart {
    pub(crate) number: u16,
    pub(crate) tag: String,
    pub(crate) checksum: Crc64,
    pub(crate) length: u64,
}

impl States {
    /// Takes a folder, which is made when it is needed.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Takes the folder for such things: `s3-upload` in `$XDG_CACHE_HOME`, `$HOME/.cache` or
    /// `%LOCALAPPDATA%`.
    ///
    /// # Errors
    ///
    /// When none of them is set.
    pub fn of_user() -> Result<Self, Error> {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let folder = set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache")))
            .or_else(|| set("LOCALAPPDATA").map(PathBuf::from));
        let folder = folder.ok_or_else(|| {
            Error::usage("there is no folder to keep the state of uploads in: set --state")
        })?;
        Ok(Self::in_folder(folder.join("s3-upload")))
    }

    /// Takes the state of uploads to one object, which has this URL.
    ///
    /// # Errors
    ///
    /// When another program has it, or the folder cannot be used.
    pub fn slot(&self, url: &str) -> Result<Slot, Error> {
        let hash = Sha256::digest(url);
        let name: String = hash[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.slot_named(&name)
    }

    fn slot_named(&self, name: &str) -> Result<Slot, Error> {
        let what = || format!("use the folder {}", self.folder.display());
        make_private(&self.folder).map_err(Error::io(what()))?;
        let lock = self.folder.join(format!("{name}.lock"));
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).write(true).open(lock);
        let lock = lock.map_err(Error::io(what()))?;
        #[expect(clippy::incompatible_msrv, reason = "examples may need a newer Rust")]
        match lock.try_lock() {
            Ok(()) => Ok(Slot {
                path: self.folder.join(format!("{name}.json")),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::usage(
                "another s3-upload is uploading to the same object: wait for it, or end it",
            )),
            Err(TryLockError::Error(error)) => Err(Error::io(what())(error)),
        }
    }

    /// Finds the states of uploads of a file.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or another program has one of them.
    pub fn of_file(&self, path: &Path) -> Result<Vec<(Slot, State)>, Error> {
        let what = || format!("read the folder {}", self.folder.display());
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(what())(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(Error::io(what()))?.file_name();
            let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".json")) else {
                continue;
            };
            let of_this_file = |state: &State| state.is_of(path);
            // What nobody can read is of no file that is known.
            let state = read(&self.folder.join(format!("{name}.json")));
            if state.is_ok_and(|state| state.is_some_and(|state| of_this_file(&state))) {
                let slot = self.slot_named(name)?;
                // It may have ended before this was locked.
                if let Some(state) = slot.load()?.filter(of_this_file) {
                    found.push((slot, state));
                }
            }
        }
        Ok(found)
    }
}

impl Slot {
    /// Returns the state, if there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is of another version of this program.
    pub fn load(&self) -> Result<Option<State>, Error> {
        read(&self.path)
    }

    /// Replaces the state, at once and whole: whoever reads it sees the old or the new.
    pub(crate) fn save(&self, state: &State) -> Result<(), Error> {
        let what = || format!("write {}", self.path.display());
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        let text =
            serde_json::to_vec_pretty(state).map_err(|error| Error::io(what())(error.into()))?;
        // Only its owner can read such a file.
        let mut file = NamedTempFile::new_in(folder).map_err(Error::io(what()))?;
        file.write_all(&text).map_err(Error::io(what()))?;
        let kept = file.persist(&self.path);
        kept.map_err(|error| Error::io(what())(error.error))?;
        Ok(())
    }

    /// Forgets the state.
    pub(crate) fn clear(&self) -> Result<(), Error> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io(format!("remove {}", self.path.display()))(error))
            }
            _ => Ok(()),
        }
    }
}

impl State {
    pub(crate) fn new(
        target: &Target,
        url: &str,
        upload_id: String,
        (path, identity): (&Path, &Identity),
        part_size: u64,
    ) -> Self {
        Self {
            version: VERSION,
            target: target.to_string(),
            url: url.to_owned(),
            upload_id,
            path: escaped(path),
            identity: identity.clone(),
            part_size,
            parts: Vec::new(),
        }
    }

    /// Returns where the object goes.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Tells whether it is an upload of the file at this path.
    pub(crate) fn is_of(&self, path: &Path) -> bool {
        self.path == escaped(path)
    }

    /// Tells whether the object has this URL.
    #[must_use]
    pub fn is_at(&self, url: &str) -> bool {
        self.url == url
    }

    pub(crate) fn add(&mut self, part: &Stored) {
        self.parts.retain(|saved| saved.number != part.number);
        self.parts.push(SavedPart {
            number: part.number,
            tag: part.tag.clone(),
            checksum: part.checksum,
            length: part.length,
        });
    }
}

impl From<&SavedPart> for Stored {
    fn from(part: &SavedPart) -> Self {
        Self {
            number: part.number,
            tag: part.tag.clone(),
            checksum: part.checksum,
            length: part.length,
        }
    }
}

fn escaped(path: &Path) -> String {
    percent_encode(path.as_os_str().as_encoded_bytes(), NOT_PLAIN).to_string()
}

fn read(path: &Path) -> Result<Option<State>, Error> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(format!("read {}", path.display()))(error)),
    };
    let state = serde_json::from_slice::<State>(&text).ok();
    let state = state.filter(|state| state.version == VERSION);
    state.map(Some).ok_or_else(|| {
        Error::usage(format!(
            "{} is not the state of an upload that this version knows; remove it to begin anew",
            path.display()
        ))
    })
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

const VERSION: u32 = 1;
const NOT_PLAIN: &AsciiSet = &CONTROLS.add(b'%');

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::source::Source;

    fn state(folder: &Path) -> State {
        let path = folder.join("file");
        fs::write(&path, "content").unwrap();
        let source = Source::open(&path).unwrap();
        let target = "s3://bucket/key".parse().unwrap();
        let file = (source.path(), source.identity());
        State::new(
            &target,
            "http://127.0.0.1/key",
            "id".to_owned(),
            file,
            8 << 20,
        )
    }

    #[test]
    fn is_kept_part_by_part_and_found_by_object_and_by_file() {
        let folder = TempDir::new().unwrap();
        let states = States::in_folder(folder.path().join("a/b"));
        let mut state = state(folder.path());
        let slot = states.slot(&state.url).unwrap();
        assert_eq!(slot.load().unwrap(), None);
        for (number, tag) in [(2, "two"), (1, "one"), (2, "other")] {
            state.add(&Stored {
                number,
                tag: tag.to_owned(),
                checksum: Crc64::of(tag.as_bytes()),
                length: 8 << 20,
            });
            slot.save(&state).unwrap();
            assert_eq!(slot.load().unwrap().as_ref(), Some(&state));
        }
        let tags: Vec<&str> = state.parts.iter().map(|part| part.tag.as_str()).collect();
        assert_eq!(tags, ["one", "other"]);
        drop(slot);

        let other = states.slot("http://127.0.0.1/other").unwrap();
        assert_eq!(other.load().unwrap(), None);
        // One that another program has left does not stand in the way.
        fs::write(states.folder.join("other.json"), "{}").unwrap();
        let path = folder.path().join("file").canonicalize().unwrap();
        let found = states.of_file(&path).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, state);
        assert!(states.of_file(Path::new("/other")).unwrap().is_empty());
        found[0].0.clear().unwrap();
        found[0].0.clear().unwrap();
        drop(found);
        assert!(states.of_file(&path).unwrap().is_empty());
    }

    #[test]
    fn belongs_to_one_program_at_a_time() {
        let folder = TempDir::new().unwrap();
        let states = States::in_folder(folder.path());
        let slot = states.slot("url").unwrap();
        let error = states.slot("url").unwrap_err().to_string();
        assert!(error.starts_with("another s3-upload"), "{error}");
        drop(slot);
        states.slot("url").unwrap();
    }

    #[test]
    fn of_another_version_is_not_guessed_at() {
        let folder = TempDir::new().unwrap();
        let states = States::in_folder(folder.path());
        let state = state(folder.path());
        let slot = states.slot(&state.url).unwrap();
        slot.save(&state).unwrap();
        let text = fs::read_to_string(&slot.path).unwrap();
        for other in [
            text.replace("\"version\": 1", "\"version\": 2"),
            String::new(),
        ] {
            fs::write(&slot.path, other).unwrap();
            let error = slot.load().unwrap_err().to_string();
            assert!(error.contains("remove it to begin anew"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn is_readable_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = TempDir::new().unwrap();
        let states = States::in_folder(folder.path().join("new"));
        let state = state(folder.path());
        let slot = states.slot(&state.url).unwrap();
        slot.save(&state).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&slot.path), 0o600);
        assert_eq!(mode(&states.folder), 0o700);
    }
}
