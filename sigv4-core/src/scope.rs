//! What a signature is for: a service in a region, by the rules of that service.

use http::Method;

use crate::algorithm::Algorithm;
use crate::error::ConfigError;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::key::KeyUse;
use crate::payload::Payload;
use crate::payload::PayloadDigest;
use crate::rules::PlusPolicy;
use crate::rules::SigningRules;
use crate::rules::UnsignedPayload;
use crate::stream;
use crate::target::View;

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

/// A region, or a set of regions.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    text: Box<str>,
    is_set: bool,
}

impl Region {
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether these may be several regions, for which SigV4 cannot sign.
    pub(crate) const fn is_set(&self) -> bool {
        self.is_set
    }

    pub(crate) fn new(name: &str) -> Result<Self, ConfigError> {
        if is_scope_part(name) {
            Ok(Self {
                text: name.into(),
                is_set: false,
            })
        } else if name.contains(['*', ',']) {
            Err(ConfigError::new(
                "region",
                "must be one region; a set of regions can only be signed for with SigV4A \
                 (`SignerBuilder::sigv4a`; for one request `SigningOverrides::region_set`)",
            ))
        } else {
            Err(ConfigError::new(
                "region",
                "must be a region such as `us-east-1`: letters, digits, `-`, `_`, `.`",
            ))
        }
    }

    /// Reads a list of regions, with commas and blanks between them, in which `*` stands for any
    /// text. The blanks are not kept.
    #[cfg(feature = "sigv4a")]
    pub(crate) fn set(list: &str) -> Result<Self, ConfigError> {
        let regions: Vec<&str> = list.split(',').map(str::trim).collect();
        let is_region = |region: &&str| {
            // In a copy of the name whose wildcards are letters.
            is_scope_part(region)
                || (region.contains('*') && is_scope_part(&region.replace('*', "x")))
        };
        if list.len() <= MAX_REGION_SET && regions.iter().all(is_region) {
            Ok(Self {
                text: regions.join(",").into(),
                is_set: regions.len() > 1 || list.contains('*'),
            })
        } else {
            Err(ConfigError::new(
                "region",
                "must be regions such as `us-east-1`, with commas between them, or `*` for all",
            ))
        }
    }
}

/// A bound for a header that is sent with every request. There are a few dozen regions.
#[cfg(feature = "sigv4a")]
const MAX_REGION_SET: usize = 2048;

fn is_scope_part(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(allowed)
}

/// What one signature is for: the configuration, or what one request wants otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) service: &'a str,
    /// With SigV4A, the set of regions.
    pub(crate) region: &'a str,
    pub(crate) rules: &'a SigningRules,
    pub(crate) plus: PlusPolicy,
}

impl<'a> Scope<'a> {
    /// Returns what the signing key is for.
    pub(crate) const fn key(&self) -> KeyUse<'a> {
        KeyUse {
            algorithm: self.algorithm,
            region: self.region,
            service: self.service,
        }
    }

    /// Returns the set of regions that is named beside the signature, if one is.
    pub(crate) fn region_set(&self) -> Option<&'a str> {
        (!self.algorithm.is_regional()).then_some(self.region)
    }

    /// Returns the last line of the canonical request, if the service takes such a payload.
    pub(crate) fn digest(
        &self,
        view: &View<'_>,
        payload: Payload<'_>,
    ) -> Result<PayloadDigest, Error> {
        let payload = match payload {
            Payload::AwsChunked { length, .. } => {
                self.rules.chunked_bodies.check(view, length.is_some())?;
                payload
            }
            Payload::PreChunked => {
                let length_is_known = stream::head::check_pre_chunked(view.headers)?;
                // The length that S3 wants to know is that of what is in the chunks, and declared.
                // That of the chunks SDKs leave out, for HTTP's own framing to end them.
                self.rules.chunked_bodies.check(view, true)?;
                if !length_is_known && has_no_stream(view.method) {
                    return Err(NO_STREAM);
                }
                payload
            }
            Payload::Events if !self.rules.event_streams => return Err(EVENTS_REFUSED),
            Payload::Events if has_no_stream(view.method) => return Err(NO_STREAM),
            Payload::Events if !self.algorithm.is_regional() => return Err(EVENTS_OF_SIGV4A),
            Payload::Events | Payload::Literal(_) => payload,
            payload => match (self.rules.unsigned_payload, payload) {
                (UnsignedPayload::Always, _) => Payload::Unsigned,
                (UnsignedPayload::Refused, Payload::Unsigned) => return Err(UNSIGNED_REFUSED),
                (_, payload) => payload,
            },
        };
        Ok(payload.digest(self.algorithm))
    }
}

/// Tells the methods under which clients of HTTP/1.1 send no body whose length is not known.
pub(crate) fn has_no_stream(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

pub(crate) const NO_STREAM: Error = Error::new(
    ErrorKind::LengthRequired,
    "the body of a GET or HEAD request must have a known length, or clients leave it out; \
     declare it by Content-Length, or use another method",
);
const EVENTS_REFUSED: Error = Error::new(
    ErrorKind::Payload,
    "the service takes no stream of events; send a body of known length, \
     or allow it in the signing rules of the service",
);
pub(crate) const EVENTS_OF_SIGV4A: Error = Error::new(
    ErrorKind::Payload,
    "a stream of events cannot be signed with SigV4A; use a signer of SigV4",
);
pub(crate) const UNSIGNED_REFUSED: Error = Error::new(
    ErrorKind::Payload,
    "the service does not accept an unsigned payload; hash the body, \
     or allow it in the signing rules of the service",
);
