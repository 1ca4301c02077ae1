//! Who calls.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use http::HeaderName;
use http::header;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::ConfigError;
use subtle::ConstantTimeEq;

use crate::allowed::AllowList;
use crate::config;

/// Those who may call, with digests of their keys.
///
/// Keys are compared by digest and in constant time, and always with those of all callers: neither
/// their lengths nor how much of one was right can be told from the time that it takes.
#[derive(Debug)]
pub struct Callers {
    known: Vec<Known>,
    /// Whoever shows no key, where that is allowed.
    anyone: Option<Caller>,
}

/// A caller.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Caller {
    /// The name, for the log.
    pub name: Arc<str>,
    /// What he may have signed.
    pub allow: AllowList,
}

struct Known {
    digest: [u8; 32],
    caller: Caller,
}

impl fmt::Debug for Known {
    /// Without the digest: a short key could be guessed by it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known")
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

/// Nobody's key was shown, or several, or none where one is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownCaller;

impl Callers {
    /// Reads the keys of all callers.
    ///
    /// # Errors
    ///
    /// When a key cannot be read, can be guessed or cannot be sent, or when two callers have the
    /// same: with the name of the caller, and never the key.
    pub fn new(callers: &[config::Caller], anyone: Option<AllowList>) -> Result<Self, CallerError> {
        let mut known: Vec<Known> = Vec::new();
        for written in callers {
            let fault = |message: &str| CallerError::new(&written.name, message);
            let key = written.key.read("key").map_err(|error| CallerError {
                name: written.name.clone(),
                message: "has a key that cannot be read".to_owned(),
                source: Some(error),
            })?;
            if key.len() < SHORTEST_KEY {
                return Err(fault(
                    "has a key of fewer than 16 characters, which can be guessed; make one with \
                     `openssl rand -hex 32`",
                ));
            }
            if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(fault(
                    "has a key that cannot be sent in a header; it must be visible ASCII without \
                     blanks",
                ));
            }
            let digest: [u8; 32] = Sha256::digest(&key).into();
            if known.iter().any(|other| other.digest == digest) {
                return Err(fault("has the key of a caller before; give each its own"));
            }
            if known
                .iter()
                .any(|other| *other.caller.name == *written.name)
            {
                return Err(fault("has the name of a caller before; give each its own"));
            }
            let caller = Caller {
                name: Arc::from(written.name.as_str()),
                allow: written.allow.clone(),
            };
            known.push(Known { digest, caller });
        }
        let anyone = anyone.map(|allow| Caller {
            name: Arc::from("anyone"),
            allow,
        });
        Ok(Self { known, anyone })
    }

    /// Tells whether a key may be left out.
    #[must_use]
    pub const fn allow_anyone(&self) -> bool {
        self.anyone.is_some()
    }

    /// Finds out who calls, by the headers of a request: by `x-api-key: KEY`, or else by
    /// `Authorization: Bearer KEY`, which is somebody else's where both are there.
    ///
    /// # Errors
    ///
    /// When a key was shown that is nobody's, or more than one, or none where one is needed. A
    /// wrong key never counts as none.
    pub fn identify(&self, headers: &HeaderMap) -> Result<&Caller, UnknownCaller> {
        let keys = headers.get_all(API_KEY).iter();
        let keys = keys.map(|value| Some(value.as_bytes().trim_ascii()));
        let tokens = headers.get_all(header::AUTHORIZATION).iter();
        let tokens = tokens.map(|value| after_bearer(value.as_bytes()));
        let mut shown: Vec<Option<&[u8]>> = keys.collect();
        if shown.is_empty() {
            shown.extend(tokens);
        }
        match shown[..] {
            [] => self.anyone.as_ref().ok_or(UnknownCaller),
            [Some(key)] => self.find(key).ok_or(UnknownCaller),
            _ => Err(UnknownCaller),
        }
    }

    /// Compares with all of them, whichever fits.
    fn find(&self, key: &[u8]) -> Option<&Caller> {
        let shown: [u8; 32] = Sha256::digest(key).into();
        self.known.iter().fold(None, |found, known| {
            let fits = bool::from(known.digest.ct_eq(&shown));
            if fits { Some(&known.caller) } else { found }
        })
    }
}

/// Returns what an Authorization header of the scheme Bearer has behind it.
fn after_bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.trim_ascii().split_at_checked(b"Bearer ".len())?;
    let is_it = scheme.eq_ignore_ascii_case(b"Bearer ");
    is_it.then(|| key.trim_ascii())
}

/// What is wrong with a caller in a configuration.
#[derive(Debug)]
pub struct CallerError {
    name: String,
    message: String,
    source: Option<ConfigError>,
}

impl CallerError {
    fn new(name: &str, message: &str) -> Self {
        Self {
            name: name.to_owned(),
            message: message.to_owned(),
            source: None,
        }
    }
}

impl fmt::Display for CallerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the caller {:?} {}", self.name, self.message)
    }
}

impl std::error::Error for CallerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// The other header for a key, where `Authorization` is taken or cannot be set.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const SHORTEST_KEY: usize = 16;
