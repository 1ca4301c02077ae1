//! What a program on HTTP is configured with: one file in YAML.

use std::error::Error;
use std::fmt;
use std::fs;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::SecretText;

use crate::allowed::AllowList;
use crate::limits::Limits;

/// A configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen. Azure Functions say it themselves.
    #[serde(default = "on_loopback")]
    pub listen: SocketAddr,
    /// Who may call, by his key.
    #[serde(default)]
    pub callers: Vec<Caller>,
    /// What may be signed without a key: on loopback, or behind the keys of Azure Functions.
    #[serde(default)]
    pub anyone: Option<AllowList>,
    /// Bounds of what a request may ask for.
    #[serde(default)]
    pub limits: Bounds,
    /// What is signed with. Default: the default chain.
    #[serde(default = "default_chain")]
    pub credentials: CredentialSource,
}

/// A caller, and what he may have signed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Caller {
    /// The name, for the log.
    pub name: String,
    /// The key: as it is, as `env:NAME` or as `file:PATH`.
    pub key: SecretText,
    /// What he may have signed.
    pub allow: AllowList,
}

/// Bounds of what a request may ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Bounds {
    /// How many bytes the body of a request to be signed may have.
    #[serde(default)]
    pub body_bytes: Option<usize>,
    /// How far `time` may be from now, in both directions.
    #[serde(default)]
    pub time_window_seconds: Option<u64>,
    /// The most that `expires_in` may be.
    #[serde(default)]
    pub longest_link_seconds: Option<u64>,
    /// Whether a request may bring the credentials to sign with.
    #[serde(default)]
    pub credentials_in_request: bool,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or says what cannot be: with the line and the column.
    pub fn load(path: &Path) -> Result<Self, ConfigFault> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| ConfigFault {
            place: name.clone(),
            message: "cannot be read".to_owned(),
            source: Some(error.into()),
        })?;
        Self::parse(&text, &name)
    }

    /// Reads the text of a file of this name.
    ///
    /// # Errors
    ///
    /// When it says what cannot be: with the line and the column.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigFault> {
        let config: Self = serde_saphyr::from_str(text).map_err(|error| {
            // The parser would quote the lines around it, which may hold keys.
            let error = error.without_snippet();
            let place = error.location().filter(|location| location.line() > 0);
            ConfigFault {
                place: place.map_or_else(
                    || name.to_owned(),
                    |place| format!("{name}:{}:{}", place.line(), place.column()),
                ),
                message: without_place(&error.to_string()),
                source: None,
            }
        })?;
        if config.callers.is_empty() && config.anyone.is_none() {
            let remedy = "lets nobody call; add `callers` with a key for each, or `anyone` for \
                          all programs of this machine";
            return Err(ConfigFault::new(name, remedy));
        }
        Ok(config)
    }

    /// Returns what is used without a file: everything may be signed for AWS, by programs of this
    /// machine.
    ///
    /// # Errors
    ///
    /// None, with the list that is written in this program.
    pub fn without_file() -> Result<Self, sigv4_core::ConfigError> {
        Ok(Self {
            listen: on_loopback(),
            callers: Vec::new(),
            anyone: Some(AllowList::aws()?),
            limits: Bounds::default(),
            credentials: default_chain(),
        })
    }

    /// Returns the bounds of what a request may ask for.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::for_http();
        let written = &self.limits;
        if let Some(bytes) = written.body_bytes {
            limits.max_body = bytes;
        }
        if let Some(seconds) = written.time_window_seconds {
            limits.time_window = Some(Duration::from_secs(seconds));
        }
        if let Some(seconds) = written.longest_link_seconds {
            limits.longest_link = Some(Duration::from_secs(seconds));
        }
        limits.credentials_in_request = written.credentials_in_request;
        limits
    }
}

/// What is wrong with a configuration.
#[derive(Debug)]
pub struct ConfigFault {
    place: String,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ConfigFault {
    pub(crate) fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
            source: None,
        }
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl Error for ConfigFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The first line of what the parser says, without the place, which stands before it already.
fn without_place(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let end = line.rfind(" at line ").unwrap_or(line.len());
    line[..end].to_owned()
}

const fn on_loopback() -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080)
}

const fn default_chain() -> CredentialSource {
    CredentialSource::Default
}
