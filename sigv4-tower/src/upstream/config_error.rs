//! [`UpstreamConfigError`].

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// Says why an upstream was refused as configuration.
#[derive(Debug)]
pub struct UpstreamConfigError {
    message: Cow<'static, str>,
    source: Option<http::uri::InvalidUri>,
}

impl UpstreamConfigError {
    pub(super) fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    pub(super) fn because(mut self, source: http::uri::InvalidUri) -> Self {
        self.source = Some(source);
        self
    }
}

impl fmt::Display for UpstreamConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for UpstreamConfigError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_ref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
