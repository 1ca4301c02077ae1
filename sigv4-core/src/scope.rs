//! What a signature is for: a service in a region, by the rules of that service.

use crate::error::ConfigError;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::payload::Payload;
use crate::payload::PayloadDigest;
use crate::rules::PlusPolicy;
use crate::rules::SigningRules;
use crate::rules::UnsignedPayload;

/// The signing name of a service.
#[derive(Clone, Debug)]
pub(crate) struct Service(Box<str>);

impl Service {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn new(name: &str) -> Result<Self, ConfigError> {
        if is_scope_part(name) && !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Ok(Self(name.into()))
        } else {
            Err(ConfigError::new(
                "service",
                "must be a signing name such as `s3` or `execute-api`: lower case, digits, `-`, `_`, `.`",
            ))
        }
    }
}

/// A region.
#[derive(Clone, Debug)]
pub(crate) struct Region(Box<str>);

impl Region {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn new(name: &str) -> Result<Self, ConfigError> {
        if is_scope_part(name) {
            Ok(Self(name.into()))
        } else if name.contains(['*', ',']) {
            Err(ConfigError::new(
                "region",
                "must be one region; a set of regions can only be signed for with SigV4A",
            ))
        } else {
            Err(ConfigError::new(
                "region",
                "must be a region such as `us-east-1`: letters, digits, `-`, `_`, `.`",
            ))
        }
    }
}

fn is_scope_part(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(allowed)
}

/// What one signature is for: the configuration, or what one request wants otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) rules: &'a SigningRules,
    pub(crate) plus: PlusPolicy,
}

impl Scope<'_> {
    pub(crate) fn digest(&self, payload: Payload<'_>) -> Result<PayloadDigest, Error> {
        match (self.rules.unsigned_payload, payload) {
            (UnsignedPayload::Always, _) => Ok(Payload::Unsigned.digest()),
            (UnsignedPayload::Refused, Payload::Unsigned) => Err(UNSIGNED_REFUSED),
            (_, payload) => Ok(payload.digest()),
        }
    }
}

pub(crate) const UNSIGNED_REFUSED: Error = Error::new(
    ErrorKind::Payload,
    "the service does not accept an unsigned payload; hash the body, \
     or allow it in the signing rules of the service",
);
