//! Reading a small file that may hold secrets.

use std::fs;
use std::fs::File;
use std::io;
use std::io::ErrorKind;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a whole file. Pipes and devices are refused, for nobody knows when, or whether, they end;
/// so is what is too long to be what it should.
pub(super) fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let invalid = |what| io::Error::new(ErrorKind::InvalidData, what);
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(invalid("is not a regular file"));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)?
        .take(LONGEST_FILE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(invalid("is too long"));
    }
    Ok(bytes)
}

/// 1 MiB
const LONGEST_FILE: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_regular_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "content").unwrap();
        assert_eq!(&**read(&path).unwrap(), b"content");
        assert!(read(folder.path()).is_err());
        let long = vec![0; 1024 * 1024 + 1];
        fs::write(&path, long).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "is too long");
        // A device that never ends; elsewhere there is none of this name.
        assert!(read(Path::new("/dev/zero")).is_err());
    }
}
