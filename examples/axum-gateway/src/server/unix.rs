//! Unix sockets: their files, who may connect to them, and whose they are.

use std::fs;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use tokio::net::UnixListener;
use tokio::net::UnixStream;

/// Listens on a socket with these permissions, in place of one that was left behind.
pub(super) async fn bind(path: &Path, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    check_is_free(path).await?;
    // It gets its permissions where nobody else gets to it, and its name then: nobody connects too
    // early, and nobody puts another in its place. The names are short, as those of sockets are.
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut private = tempfile::Builder::new();
    private
        .prefix(".")
        .permissions(Permissions::from_mode(0o700));
    let private = private.tempdir_in(parent)?;
    let draft = private.path().join("s");
    let listener = UnixListener::bind(&draft).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => {
            let message = "its path is longer than those of sockets may be; give a shorter one";
            io::Error::new(io::ErrorKind::InvalidInput, message)
        }
        _ => error,
    })?;
    fs::set_permissions(&draft, Permissions::from_mode(mode))?;
    let metadata = fs::symlink_metadata(&draft)?;
    fs::rename(&draft, path)?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: (metadata.dev(), metadata.ino()),
    };
    Ok((listener, file))
}

/// Refuses to take what may be somebody else's: anything but a socket that nobody listens on.
async fn check_is_free(path: &Path) -> io::Result<()> {
    let refuse = |kind, message: &str| Err(io::Error::new(kind, message.to_owned()));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return refuse(
                io::ErrorKind::AlreadyExists,
                "there is a file that is no socket; remove it, or give another path",
            );
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Ok(_) => refuse(
            io::ErrorKind::AddrInUse,
            "another process listens on it; end that, or give another path",
        ),
        Err(error) => match error.kind() {
            // It was left behind, or is gone by now.
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Ok(()),
            kind => refuse(
                kind,
                &format!(
                    "there is a socket, and whether another process listens on it cannot be told \
                     ({error}); end that process, or remove the file"
                ),
            ),
        },
    }
}

/// The file of a Unix socket, which is removed at the end unless it is another's by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| (found.dev(), found.ino()) == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
