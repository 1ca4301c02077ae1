//! The file in which it stands how far an upload has got.
//!
//! Its first line is the upload, and each other one a part that S3 has acknowledged, in JSON. Lines
//! are only ever added: ten thousand parts take ten thousand lines, and not as many whole files.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;

use percent_encoding::AsciiSet;
use percent_encoding::CONTROLS;
use percent_encoding::percent_encode;
use serde::Deserialize;
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::client::Stored;
use crate::error::Error;
use crate::source::Identity;
use crate::target::Target;

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
    /// What S3 has acknowledged, by number: the other lines.
    #[serde(skip)]
    pub(crate) parts: BTreeMap<u16, Stored>,
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
            parts: BTreeMap::new(),
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
}

/// Begins the file of an upload, at once and whole, in place of one that may be there. It is on the
/// disk then: S3 alone knows the upload's id where the power fails. What S3 knows of parts it says.
pub(crate) fn create(path: &Path, state: &State) -> Result<(), Error> {
    let what = || format!("write {}", path.display());
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let head = line(state).map_err(Error::io(what()))?;
    // Only its owner can read such a file.
    let mut file = NamedTempFile::new_in(folder).map_err(Error::io(what()))?;
    file.write_all(&head).map_err(Error::io(what()))?;
    file.as_file().sync_all().map_err(Error::io(what()))?;
    let kept = file.persist(path);
    kept.map_err(|error| Error::io(what())(error.error))?;
    sync_names(folder);
    Ok(())
}

/// Adds a part, by one write.
pub(crate) fn append(path: &Path, part: &Stored) -> Result<(), Error> {
    let append = || {
        let line = line(part)?;
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        seek_end_of_lines(&mut file)?;
        file.write_all(&line)
    };
    append().map_err(Error::io(format!("write {}", path.display())))
}

/// Reads what is there, if something is.
pub(crate) fn read(path: &Path) -> Result<Option<State>, Error> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(format!("read {}", path.display()))(error)),
    };
    parse(&text).map(Some).ok_or_else(|| {
        Error::usage(format!(
            "{} is not the state of an upload that this version knows; remove it to begin anew",
            path.display()
        ))
    })
}

fn parse(text: &[u8]) -> Option<State> {
    // A program that was killed while it wrote leaves a line without an end, which says nothing.
    let lines = text.split_inclusive(|&octet| octet == b'\n');
    let mut lines = lines.filter_map(|line| line.strip_suffix(b"\n"));
    let mut state: State = serde_json::from_slice(lines.next()?).ok()?;
    if state.version != VERSION {
        return None;
    }
    // A disk may have lost some of them when the power failed. S3 has those parts nevertheless.
    for part in lines.filter_map(|line| serde_json::from_slice::<Stored>(line).ok()) {
        state.parts.insert(part.number, part);
    }
    Some(state)
}

fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Goes to where the next line begins, and cuts off one that has no end.
fn seek_end_of_lines(file: &mut File) -> io::Result<()> {
    let mut last = [0];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    if last != *b"\n" {
        let mut text = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut text)?;
        let end = text.iter().rposition(|&octet| octet == b'\n');
        let end = end.map_or(0, |at| at as u64 + 1);
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
    }
    Ok(())
}

/// Has the disk keep which files there are in a folder, where file systems can do that.
fn sync_names(folder: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

fn escaped(path: &Path) -> String {
    percent_encode(path.as_os_str().as_encoded_bytes(), NOT_PLAIN).to_string()
}

const VERSION: u32 = 3;
const NOT_PLAIN: &AsciiSet = &CONTROLS.add(b'%');

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::checksum::Crc64;
    use crate::source::Source;

    /// A file of an upload that has just begun.
    fn begin(folder: &Path) -> (PathBuf, State) {
        let source = folder.join("source");
        fs::write(&source, "content").unwrap();
        let source = Source::open(&source).unwrap();
        let target = "s3://bucket/key".parse().unwrap();
        let file = (source.path(), source.identity());
        let state = State::new(&target, "http://127.0.0.1/key", "id".into(), file, 8 << 20);
        let path = folder.join("journal");
        create(&path, &state).unwrap();
        (path, state)
    }

    fn part(number: u16, tag: &str) -> Stored {
        Stored {
            number,
            tag: tag.to_owned(),
            checksum: Crc64::of(tag.as_bytes()),
            length: 8 << 20,
        }
    }

    #[test]
    fn has_of_each_part_what_was_said_last() {
        let folder = TempDir::new().unwrap();
        assert_eq!(read(&folder.path().join("journal")).unwrap(), None);
        let (path, mut state) = begin(folder.path());
        assert_eq!(read(&path).unwrap().as_ref(), Some(&state));
        for (number, tag) in [(2, "two"), (1, "one"), (2, "a\n\"b\"")] {
            let part = part(number, tag);
            append(&path, &part).unwrap();
            state.parts.insert(number, part);
            assert_eq!(read(&path).unwrap().as_ref(), Some(&state));
        }
        let tags: Vec<&str> = state.parts.values().map(|part| &part.tag[..]).collect();
        assert_eq!(tags, ["one", "a\n\"b\""]);
        create(&path, &State::clone(&state)).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().parts.len(), 0, "it is anew");
    }

    /// What is there is neither written again nor replaced by another file.
    #[cfg(unix)]
    #[test]
    fn grows_by_what_is_added() {
        use std::os::unix::fs::MetadataExt;

        let folder = TempDir::new().unwrap();
        let (path, _) = begin(folder.path());
        // Nobody gets the number of a file that is open.
        let first = File::open(&path).unwrap();
        let mut before = fs::read(&path).unwrap();
        let mut lengths = Vec::new();
        for number in 1..=100 {
            append(&path, &part(100 + number, "tag")).unwrap();
            let after = fs::read(&path).unwrap();
            lengths.push(after.strip_prefix(&before[..]).unwrap().len());
            before = after;
        }
        let inode = |metadata: io::Result<fs::Metadata>| metadata.unwrap().ino();
        assert_eq!(inode(fs::metadata(&path)), inode(first.metadata()));
        assert!(lengths.iter().all(|length| *length == lengths[0]));
    }

    /// Wherever a program was killed in the middle of a line.
    #[test]
    fn ends_before_a_line_without_an_end() {
        let folder = TempDir::new().unwrap();
        let (path, _) = begin(folder.path());
        append(&path, &part(1, "one")).unwrap();
        let whole = fs::read(&path).unwrap();
        append(&path, &part(2, "a tag that is longer than the next")).unwrap();
        let torn = fs::read(&path).unwrap();
        for length in whole.len()..torn.len() {
            fs::write(&path, &torn[..length]).unwrap();
            let numbers = |state: State| state.parts.into_keys().collect::<Vec<_>>();
            let found = numbers(read(&path).unwrap().unwrap());
            assert_eq!(found, [1], "{length}");
            append(&path, &part(3, "three")).unwrap();
            let found = numbers(read(&path).unwrap().unwrap());
            assert_eq!(found, [1, 3], "{length}");
            let text = fs::read(&path).unwrap();
            let added = text.strip_prefix(&whole[..]).unwrap();
            assert_eq!(added, line(&part(3, "three")).unwrap(), "{length}");
        }
    }

    /// What a disk makes of it when the power fails.
    #[test]
    fn has_the_parts_whose_lines_are_whole() {
        let folder = TempDir::new().unwrap();
        let (path, mut state) = begin(folder.path());
        for (number, tag) in [(1, "one"), (2, "two"), (3, "three")] {
            append(&path, &part(number, tag)).unwrap();
            state.parts.insert(number, part(number, tag));
        }
        let two = state.parts.remove(&2).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for (name, other) in [
            ("a part that is none", text.replace("two", "t\"wo")),
            ("no number", text.replace("\"number\":2", "\"name\":2")),
            ("no text", text.replace("two", "\0\0\0")),
            (
                "nothing but zeros",
                text.replace(&String::from_utf8(line(&two).unwrap()).unwrap(), "\0\0\0\n"),
            ),
        ] {
            assert_ne!(other, text, "{name}");
            fs::write(&path, other).unwrap();
            assert_eq!(read(&path).unwrap().as_ref(), Some(&state), "{name}");
        }
    }

    #[test]
    fn that_is_broken_or_of_another_version_is_not_guessed_at() {
        let folder = TempDir::new().unwrap();
        let (path, state) = begin(folder.path());
        append(&path, &part(1, "one")).unwrap();
        append(&path, &part(2, "two")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let (head, parts) = text.split_once('\n').unwrap();
        let version = |more| format!("\"version\":{}", VERSION.saturating_add_signed(more));
        for (name, other) in [
            ("nothing", String::new()),
            ("a beginning without an end", head.to_owned()),
            ("no beginning", parts.to_owned()),
            ("the next version", text.replace(&version(0), &version(1))),
            (
                "the version before",
                text.replace(&version(0), &version(-1)),
            ),
            (
                "the first version",
                serde_json::to_string_pretty(&state).unwrap(),
            ),
            ("no text", text.replacen("8388608", "\0\0", 1)),
        ] {
            assert_ne!(other, text, "{name}");
            fs::write(&path, other).unwrap();
            let error = read(&path).expect_err(name).to_string();
            assert!(error.contains("remove it to begin anew"), "{name}: {error}");
        }
    }
}
