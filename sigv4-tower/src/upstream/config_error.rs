//! [`UpstreamConfigError`].

use std::error::Error as StdError;
use std::fmt;

/// Says why an upstream was refused as configuration.
#[derive(Debug)]
pub struct UpstreamConfigError {
    pub(super) message: &'static str,
    pub(super) source: Option<http::uri::InvalidUri>,
}

impl fmt::Display for UpstreamConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl StdError for UpstreamConfigError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_ref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
