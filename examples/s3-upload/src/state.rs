//! Where it is kept how far uploads have got, so that they can go on after the program has ended.

use std::env;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use sha2::Digest;
use sha2::Sha256;

use crate::client::Stored;
use crate::error::Error;
use crate::journal;
use crate::journal::State;

/// How often a lock is taken that another program has just given up. More than once is rare.
const LOCK_ATTEMPTS: usize = 100;

/// The folder in which the states of uploads are, one file each.
#[derive(Clone, Debug)]
pub struct States {
    folder: PathBuf,
}

/// The state of uploads to one object. No other program can have it at the same time.
#[derive(Debug)]
pub struct Slot {
    path: PathBuf,
    #[cfg(unix)]
    lock_path: PathBuf,
    /// Locked, for as long as it is open.
    #[cfg_attr(not(unix), expect(dead_code, reason = "it is locked, and that is all"))]
    lock: File,
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
        let lock_path = self.folder.join(format!("{name}.lock"));
        let what = || format!("lock {}, unless --state is elsewhere", lock_path.display());
        let lock = lock(&lock_path).map_err(Error::io(what()))?;
        let lock = lock.ok_or_else(|| {
            Error::usage(
                "another s3-upload is uploading to the same object: wait for it, or end it",
            )
        })?;
        Ok(Slot {
            path: self.folder.join(format!("{name}.json")),
            #[cfg(unix)]
            lock_path,
            lock,
        })
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
            let state = journal::read(&self.folder.join(format!("{name}.json")));
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
    /// Returns the file in which the state is, if there is one.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the state, if there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is of another version of this program.
    pub fn load(&self) -> Result<Option<State>, Error> {
        journal::read(&self.path)
    }

    /// Keeps an upload that begins, in place of what may be there.
    pub(crate) fn begin(&self, state: &State) -> Result<(), Error> {
        journal::create(&self.path, state)
    }

    /// Keeps that S3 has acknowledged a part.
    pub(crate) fn add(&self, part: &Stored) -> Result<(), Error> {
        journal::append(&self.path, part)
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

/// A program that is killed leaves its lock behind; the next one takes it, and removes it. On other
/// systems than Unix locks stay: there the name of an open file cannot be used again.
#[cfg(unix)]
impl Drop for Slot {
    fn drop(&mut self) {
        // Where somebody has removed the folder, there may be the lock of another by now.
        if is_at(&self.lock, &self.lock_path).unwrap_or(false) {
            let _ = fs::remove_file(&self.lock_path);
        }
    }
}

/// Locks a file, which is made when it is needed; not where another program has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    for _ in 0..LOCK_ATTEMPTS {
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        #[expect(clippy::incompatible_msrv, reason = "examples may need a newer Rust")]
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever had it may have removed it since it was opened: the next program would not see
        // this lock, and make one of its own.
        if is_at(&file, path)? {
            return Ok(Some(file));
        }
    }
    Err(io::Error::other("it is another file each time"))
}

/// Tells whether this is the file that is there.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "others have to look")]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::checksum::Crc64;
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

    fn part() -> Stored {
        Stored {
            number: 2,
            tag: "two".to_owned(),
            checksum: Crc64::of(b"two"),
            length: 8 << 20,
        }
    }

    #[test]
    fn is_kept_part_by_part_and_found_by_object_and_by_file() {
        let folder = TempDir::new().unwrap();
        let states = States::in_folder(folder.path().join("a/b"));
        let mut state = state(folder.path());
        let slot = states.slot(&state.url).unwrap();
        assert_eq!(slot.load().unwrap(), None);
        slot.begin(&state).unwrap();
        slot.add(&part()).unwrap();
        state.parts.insert(2, part());
        assert_eq!(slot.load().unwrap().as_ref(), Some(&state));
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
    fn cannot_be_had_where_nothing_can_be_locked() {
        let folder = TempDir::new().unwrap();
        let states = States::in_folder(folder.path());
        let path = folder.path().join("name.lock");
        fs::create_dir(&path).unwrap();
        let error = states.slot_named("name").unwrap_err().to_string();
        let expected = format!("cannot lock {}, ", path.display());
        assert!(error.starts_with(&expected), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn leaves_no_lock_behind() {
        let folder = TempDir::new().unwrap();
        let states = States::in_folder(folder.path().join("new"));
        let files = || fs::read_dir(&states.folder).unwrap().count();
        let slot = states.slot("url").unwrap();
        assert_eq!(files(), 1);
        states.slot("url").unwrap_err();
        assert_eq!(files(), 1, "it is that of the other");
        let lock = File::open(&slot.lock_path).unwrap();
        drop(slot);
        assert_eq!(files(), 0);
        // Whoever has opened it before must not take it for the lock.
        assert!(!is_at(&lock, &folder.path().join("url.lock")).unwrap());
        let slot = states.slot("url").unwrap();
        assert!(!is_at(&lock, &slot.lock_path).unwrap());
        // The folder of another program: its lock is its own.
        fs::remove_file(&slot.lock_path).unwrap();
        fs::write(&slot.lock_path, "").unwrap();
        drop(slot);
        assert_eq!(files(), 1);
    }

    #[test]
    fn belongs_to_one_of_many_that_come_and_go() {
        let folder = TempDir::new().unwrap();
        let states = States::in_folder(folder.path());
        let (owners, taken) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        if let Ok(slot) = states.slot("url") {
                            assert_eq!(owners.fetch_add(1, Ordering::SeqCst), 0);
                            taken.fetch_add(1, Ordering::SeqCst);
                            // Long enough for another to come.
                            std::thread::sleep(Duration::from_micros(50));
                            owners.fetch_sub(1, Ordering::SeqCst);
                            drop(slot);
                        }
                    }
                });
            }
        });
        assert!(taken.into_inner() > 0);
    }

    #[cfg(unix)]
    #[test]
    fn is_readable_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = TempDir::new().unwrap();
        let states = States::in_folder(folder.path().join("new"));
        let state = state(folder.path());
        let slot = states.slot(&state.url).unwrap();
        slot.begin(&state).unwrap();
        slot.add(&part()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&slot.path), 0o600);
        assert_eq!(mode(&states.folder), 0o700);
    }
}
