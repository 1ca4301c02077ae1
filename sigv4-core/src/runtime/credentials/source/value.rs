//! A value that may be secret, and where it is kept.

use std::env;
use std::env::VarError;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::runtime::credentials::file;

/// A text that may be secret, as a configuration says it: as it is, or where it is to be found.
///
/// `env:NAME` is the value of an environment variable, `file:PATH` the content of a file (`~/` is
/// the home directory) without the line break at its end; anything else is the text itself. `Debug`
/// shows where a text is from, never the text.
///
/// ```
/// use sigv4_core::runtime::SecretText;
///
/// let key = SecretText::new("file:/run/secrets/key");
/// assert_eq!(format!("{key:?}"), "file:/run/secrets/key");
/// assert_eq!(format!("{:?}", SecretText::new("s3cr3t")), "<redacted>");
/// ```
#[derive(Clone)]
pub struct SecretText(Kept);

#[derive(Clone)]
enum Kept {
    Literal(Zeroizing<String>),
    Variable(String),
    File(PathBuf),
}

impl SecretText {
    /// Makes one of what a configuration says. Nothing is read yet.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        Self(if let Some(name) = text.strip_prefix("env:") {
            Kept::Variable(name.to_owned())
        } else if let Some(path) = text.strip_prefix("file:") {
            Kept::File(path.into())
        } else {
            Kept::Literal(text)
        })
    }

    /// Reads the text, which is the value of this field.
    ///
    /// # Errors
    ///
    /// When the variable or the file cannot be read. The error holds the field and the name of the
    /// variable or file, never a value.
    pub fn read(&self, field: &'static str) -> Result<String, ConfigError> {
        self.fetch(field).map(|text| String::clone(&text))
    }

    pub(super) fn fetch(&self, field: &'static str) -> Result<Zeroizing<String>, ConfigError> {
        match &self.0 {
            Kept::Literal(value) => Ok(value.clone()),
            Kept::Variable(name) => match env::var(name) {
                Ok(value) => Ok(Zeroizing::new(value)),
                Err(VarError::NotPresent) => {
                    let message = format!("the environment variable `{name}` is not set; set it");
                    Err(ConfigError::new(field, message))
                }
                // The error has the value in it.
                Err(VarError::NotUnicode(_)) => {
                    let message = format!("the environment variable `{name}` is not text");
                    Err(ConfigError::new(field, message))
                }
            },
            Kept::File(path) => read_file(field, path),
        }
    }
}

fn read_file(field: &'static str, path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let path = expand_home(field, path)?;
    let bytes = file::read(&path).map_err(|error| {
        let message = format!("the file `{}` cannot be read", path.display());
        ConfigError::new(field, message).because(error)
    })?;
    let text = str::from_utf8(&bytes).map_err(|_| {
        ConfigError::new(field, format!("the file `{}` is not text", path.display()))
    })?;
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

/// Replaces a `~` at the beginning.
pub(super) fn expand_home(field: &'static str, path: &Path) -> Result<PathBuf, ConfigError> {
    let Ok(rest) = path.strip_prefix("~") else {
        return Ok(path.to_owned());
    };
    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let home = home.ok_or_else(|| {
        ConfigError::new(
            field,
            "`~` has no meaning without a home directory; set HOME",
        )
    })?;
    Ok(home.join(rest))
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kept::Literal(_) => f.write_str("<redacted>"),
            Kept::Variable(name) => write!(f, "env:{name}"),
            Kept::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn trims_the_line_break_of_a_file_and_nothing_else() {
        for (name, content, expected) in [
            ("none", "value", "value"),
            ("one", "value\n", "value"),
            ("of Windows", "value\r\n", "value"),
            ("several", "value\n\n", "value"),
            ("blanks", " value \n", " value "),
        ] {
            let file = file(content.as_bytes());
            let value = SecretText::new(format!("file:{}", file.path().display()));
            assert_eq!(value.read("field").unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn names_what_cannot_be_read() {
        let binary = file(b"s3cr3t\xff");
        let binary = format!("file:{}", binary.path().display());
        for (value, part) in [
            ("env:SIGV4_NO_SUCH_VARIABLE", "`SIGV4_NO_SUCH_VARIABLE`"),
            ("file:/no/such/file", "`/no/such/file`"),
            (&binary, "is not text"),
        ] {
            let error = SecretText::new(value)
                .read("secret_access_key")
                .unwrap_err();
            assert_eq!(error.field(), "secret_access_key");
            assert!(error.to_string().contains(part), "{error}");
            assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
        }
    }

    #[test]
    fn finds_the_home_directory_in_a_path_only_where_it_begins() {
        let home = env::home_dir().unwrap();
        let expand = |path: &str| expand_home("config_file", Path::new(path)).unwrap();
        assert_eq!(expand("~/a"), home.join("a"));
        assert_eq!(expand("~"), home);
        assert_eq!(expand("/a/~/b"), Path::new("/a/~/b"));
        assert_eq!(expand("~other/a"), Path::new("~other/a"));
    }
}
