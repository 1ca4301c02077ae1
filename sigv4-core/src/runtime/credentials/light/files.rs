//! Where the shared configuration files are, and what is in them.

use std::env;
use std::io;
use std::io::ErrorKind;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::context::Context;
use super::error::FetchError;
use super::ini::FileKind;
use super::ini::Properties;
use super::ini::Sections;
use crate::runtime::credentials::file;

/// Which files are read, and which profile in them; what is not said is taken from the environment.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    pub(super) config_file: Option<PathBuf>,
    pub(super) credentials_file: Option<PathBuf>,
    pub(super) profile: Option<String>,
}

/// The shared configuration, as it is in the files now.
#[derive(Debug)]
pub(super) struct SharedConfig {
    pub(super) sections: Sections,
    pub(super) profile: String,
    /// Whether the program said which profile, rather than the environment.
    pub(super) is_named: bool,
}

impl SharedConfig {
    /// Reads both files. They are small, and on a local disk: no thread is kept waiting for long.
    pub(super) fn load(
        provider: &'static str,
        context: &Context,
        selection: &Selection,
    ) -> Result<Self, FetchError> {
        let mut sections = Sections::default();
        for (kind, given) in [
            (FileKind::Config, &selection.config_file),
            (FileKind::Credentials, &selection.credentials_file),
        ] {
            let place = Place::find(provider, context, kind, given.as_deref())?;
            let Some(text) = place.read(provider)? else {
                continue;
            };
            sections.merge(kind, &text).map_err(|error| {
                let path = place.path().display();
                let message = format!("{path} line {}: {}", error.line, error.message);
                FetchError::configuration(provider, message)
            })?;
        }
        let named = selection.profile.clone();
        let is_named = named.is_some();
        let profile = match named {
            Some(profile) => profile,
            None => context
                .variables()
                .get(provider, "AWS_PROFILE")?
                .unwrap_or_else(|| "default".to_owned()),
        };
        Ok(Self {
            sections,
            profile,
            is_named,
        })
    }

    /// Returns the properties of the selected profile, if it is there.
    pub(super) fn selected(&self) -> Option<&Properties> {
        self.sections.profile(&self.profile)
    }

    /// Returns a property of the selected profile.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.selected()?.get(name)
    }
}

/// Where one of the files is, by whose word.
enum Place {
    /// By that of the program: it has to be there.
    Given(PathBuf),
    /// By that of a variable, which is also used to say that there is none.
    Variable(PathBuf),
    /// In the home directory, where it may be or not.
    Default(PathBuf),
}

impl Place {
    fn find(
        provider: &'static str,
        context: &Context,
        kind: FileKind,
        given: Option<&Path>,
    ) -> Result<Self, FetchError> {
        if let Some(given) = given {
            return Ok(Self::Given(given.to_owned()));
        }
        let (variable, default) = match kind {
            FileKind::Config => ("AWS_CONFIG_FILE", "~/.aws/config"),
            FileKind::Credentials => ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        };
        let home = home(provider, context)?;
        Ok(match context.variables().get(provider, variable)? {
            Some(path) => Self::Variable(expanded(&path, home.as_deref())),
            None => Self::Default(expanded(default, home.as_deref())),
        })
    }

    fn path(&self) -> &Path {
        let (Self::Given(path) | Self::Variable(path) | Self::Default(path)) = self;
        path
    }

    fn read(&self, provider: &'static str) -> Result<Option<Zeroizing<String>>, FetchError> {
        match (self, read_text(self.path())) {
            (_, Ok(text)) => Ok(Some(text)),
            // The home directory may be that of another user, or no directory at all.
            (Self::Default(_), Err(error)) if error.kind() != ErrorKind::InvalidData => Ok(None),
            (Self::Variable(_), Err(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            (_, Err(error)) => {
                let message = format!("cannot read {}", self.path().display());
                Err(FetchError::configuration(provider, message).because(error))
            }
        }
    }
}

/// Reads a file that holds a token, which may have a line break at its end.
pub(super) fn read_token(
    provider: &'static str,
    path: &Path,
) -> Result<Zeroizing<String>, FetchError> {
    read_text(path).map_err(|error| {
        let message = format!("cannot read {}", path.display());
        FetchError::configuration(provider, message).because(error)
    })
}

fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let bytes = file::read(path)?;
    match str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        // The error of the standard library tells a place only, but its kin hold the bytes.
        Err(_) => Err(io::Error::new(ErrorKind::InvalidData, "is not UTF-8 text")),
    }
}

fn home(provider: &'static str, context: &Context) -> Result<Option<PathBuf>, FetchError> {
    let get = |name| context.variables().get(provider, name);
    if let Some(home) = get("HOME")? {
        return Ok(Some(home.into()));
    }
    if env::consts::OS != "windows" {
        return Ok(None);
    }
    if let Some(home) = get("USERPROFILE")? {
        return Ok(Some(home.into()));
    }
    Ok(match (get("HOMEDRIVE")?, get("HOMEPATH")?) {
        (Some(drive), Some(path)) => Some((drive + &path).into()),
        _ => None,
    })
}

/// Puts the home directory in the place of a leading `~`, where it is known.
fn expanded(path: &str, home: Option<&Path>) -> PathBuf {
    let path = Path::new(path);
    let mut components = path.components();
    match (components.next(), home) {
        (Some(Component::Normal(first)), Some(home)) if first == "~" => {
            let mut expanded = home.to_owned();
            expanded.extend(components);
            expanded
        }
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::error::FetchErrorKind;
    use super::super::fake::Fake;
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<SharedConfig, FetchError> {
        SharedConfig::load(
            "Test",
            &Fake::new().context(variables),
            &Selection::default(),
        )
    }

    /// The cases that the SDKs share, from the package that ships them, `aws-runtime`.
    #[test]
    fn finds_files_where_the_sdks_do() {
        let cases = super::super::suite::read("file-location-tests.json");
        let mut ran = 0;
        for case in cases["tests"].as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            if (case["platform"] == "windows") != cfg!(windows) {
                continue;
            }
            let variables = case["environment"].as_object().unwrap();
            let variables: Vec<_> = variables
                .iter()
                .map(|(name, value)| (&**name, value.as_str().unwrap()))
                .collect();
            let context = Fake::new().context(&variables);
            for (kind, expected) in [
                (FileKind::Config, "configLocation"),
                (FileKind::Credentials, "credentialsLocation"),
            ] {
                let place = Place::find("Test", &context, kind, None).unwrap();
                let expected = case[expected].as_str().unwrap();
                assert_eq!(place.path(), Path::new(expected), "{name}");
            }
            if let Some(expected) = case["profile"].as_str() {
                assert_eq!(load(&variables).unwrap().profile, expected, "{name}");
            }
            ran += 1;
        }
        assert!(ran >= 4, "{ran}");
    }

    #[test]
    fn a_file_that_has_to_be_there_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        let absent = folder.path().join("absent");
        let variable = ("AWS_CONFIG_FILE", absent.to_str().unwrap());
        // Neither the default nor a variable, with which people switch the file off.
        assert!(!load(&[("HOME", home)]).unwrap().sections.has_profiles());
        assert!(!load(&[variable]).unwrap().sections.has_profiles());
        // A directory is something else.
        let error = load(&[("AWS_CONFIG_FILE", home)]).unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::Configuration);
        let selection = Selection {
            credentials_file: Some(absent),
            ..Selection::default()
        };
        let error = SharedConfig::load("Test", &Fake::new().context(&[]), &selection);
        assert_eq!(error.unwrap_err().kind(), FetchErrorKind::Configuration);
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let variable = ("AWS_CONFIG_FILE", file.to_str().unwrap());
        for (name, content, says) in [
            ("not text", &b"[default]\nx = \xff"[..], "cannot read"),
            (
                "no section",
                b"\ns3cr3t = s3cr3t",
                "config line 2: Expected",
            ),
        ] {
            fs::write(&file, content).unwrap();
            let error = load(&[variable]).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(says), "{name}: {text}");
            assert!(!text.contains("s3cr3t"), "{name}: {text}");
        }
    }

    #[test]
    fn the_credentials_file_wins() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".aws")).unwrap();
        let config = "[profile p]\nregion = here\naws_access_key_id = config";
        fs::write(folder.path().join(".aws/config"), config).unwrap();
        let credentials = "[p]\naws_access_key_id = credentials";
        fs::write(folder.path().join(".aws/credentials"), credentials).unwrap();
        let home = folder.path().to_str().unwrap();
        let shared = load(&[("HOME", home), ("AWS_PROFILE", "p")]).unwrap();
        assert_eq!(shared.get("region"), Some("here"));
        assert_eq!(shared.get("aws_access_key_id"), Some("credentials"));
    }
}
