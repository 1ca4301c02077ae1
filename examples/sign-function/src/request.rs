//! One request for a signature, as it comes in JSON.

mod id;
mod reading;

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sigv4_core::Credentials;
use sigv4_core::PayloadLiteral;
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::signing::message_of;

pub use crate::request::id::Id;

/// A request to be signed, and how.
///
/// `Debug` shows neither headers nor body nor query nor credentials.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SignRequest {
    /// What the answer is to be recognised by. It is no part of the signature.
    #[serde(default)]
    pub id: Option<Id>,
    /// The method, as it is sent: `GET`.
    pub method: String,
    /// The absolute URL, as it is sent.
    pub url: String,
    /// The headers that are sent, by name and value.
    #[serde(default, deserialize_with = "reading::or_default")]
    pub headers: Vec<(String, String)>,
    /// The body as text, which is sent in UTF-8. Default: there is none.
    #[serde(default)]
    pub body: Option<String>,
    /// The body in base64, for one that is no text.
    #[serde(default)]
    pub body_base64: Option<String>,
    /// The signing name of the service: `execute-api`.
    pub service: String,
    /// The region; with SigV4A the set of regions.
    pub region: String,
    /// Default: SigV4.
    #[serde(default, deserialize_with = "reading::or_default")]
    pub algorithm: Algorithm,
    /// Where the signature goes. Default: into headers.
    #[serde(default, deserialize_with = "reading::or_default")]
    pub placement: Placement,
    /// For how many seconds a URL with a signature holds. Default: 900.
    #[serde(default)]
    pub expires_in: Option<u64>,
    /// What is covered of the body. Default: all of it; by a URL for the S3 family, nothing.
    #[serde(default)]
    pub payload: Option<Payload>,
    /// Whether `x-amz-content-sha256` is sent. Default: where the service needs it.
    #[serde(default, deserialize_with = "reading::or_default")]
    pub content_sha256: ContentSha256,
    /// Which of the headers are signed. Default: the least that AWS wants.
    #[serde(default, deserialize_with = "reading::or_default")]
    pub sign_headers: SignHeaders,
    /// How the path becomes canonical. Default: as the service does it.
    #[serde(default, deserialize_with = "reading::object_or_default")]
    pub path: PathRules,
    /// Where the session token goes. Default: where the service wants it, most often signed.
    #[serde(default)]
    pub session_token: Option<SessionToken>,
    /// The signing time. Default: now.
    #[serde(default, deserialize_with = "reading::time")]
    pub time: Option<SystemTime>,
    /// Who signs. Default: whoever answers.
    #[serde(default, deserialize_with = "reading::optional_object")]
    pub credentials: Option<RequestCredentials>,
}

impl SignRequest {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// With the field that is missing, unknown, there twice, or of another type; and with the id of
    /// the request where that could be read.
    pub fn parse(json: &[u8]) -> Result<Self, (Option<Id>, Fault)> {
        reading::parse(json)
    }

    /// Returns the credentials that the request brings, prepared to sign with.
    ///
    /// # Errors
    ///
    /// When they cannot be any.
    pub fn credentials(&self) -> Result<Option<Credentials>, Fault> {
        let given = self.credentials.as_ref();
        given.map(RequestCredentials::prepare).transpose()
    }

    /// Returns for how long a URL is to hold, if it is one that is asked for.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        let seconds = self.expires_in.unwrap_or(DEFAULT_LIFETIME);
        (self.placement == Placement::Query).then(|| Duration::from_secs(seconds))
    }

    /// Returns the body, decoded.
    pub(crate) fn body(&self) -> Result<Option<Vec<u8>>, Fault> {
        match (&self.body, &self.body_base64) {
            (Some(_), Some(_)) => Err(Fault::new(
                "body_base64",
                "stands beside `body`; leave one of them out",
            )),
            (Some(text), None) => Ok(Some(text.as_bytes().to_vec())),
            (None, Some(encoded)) => STANDARD.decode(encoded).map(Some).map_err(|_| {
                Fault::new(
                    "body_base64",
                    "must be base64 with its padding, without line breaks, `-` and `_`",
                )
            }),
            (None, None) => Ok(None),
        }
    }

    /// Returns how many bytes the body has, and which field holds it.
    pub(crate) fn body_length(&self) -> Option<(&'static str, usize)> {
        match (&self.body, &self.body_base64) {
            (Some(text), _) => Some(("body", text.len())),
            (None, Some(encoded)) => {
                let padding = encoded.bytes().rev().take_while(|&byte| byte == b'=');
                let length = (encoded.len() / 4 * 3).saturating_sub(padding.count());
                Some(("body_base64", length))
            }
            (None, None) => None,
        }
    }
}

impl fmt::Debug for SignRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignRequest")
            .field("id", &self.id)
            .field("method", &self.method)
            .field("service", &self.service)
            .field("region", &self.region)
            .field("algorithm", &self.algorithm)
            .field("placement", &self.placement)
            .finish_non_exhaustive()
    }
}

/// How it is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC-SHA256, for one region.
    #[default]
    SigV4,
    /// ECDSA over P-256, for a set of regions.
    SigV4a,
}

/// Where the signature goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Placement {
    /// Into `authorization` and the headers with it.
    #[default]
    Headers,
    /// Into the query of the URL.
    Query,
}

/// What a signature covers of the body.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
#[non_exhaustive]
pub enum Payload {
    /// All of it, as it is in the request.
    Signed,
    /// Nothing, where the service takes that.
    Unsigned,
    /// What a text says that stands in place of the hash, whatever the service takes.
    Literal(PayloadLiteral),
}

impl TryFrom<String> for Payload {
    type Error = sigv4_core::ConfigError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match &*text {
            "signed" => Ok(Self::Signed),
            "unsigned" => Ok(Self::Unsigned),
            literal => PayloadLiteral::new(literal).map(Self::Literal),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signed => "Signed",
            Self::Unsigned => "Unsigned",
            Self::Literal(_) => "Literal",
        })
    }
}

/// Whether `x-amz-content-sha256` is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ContentSha256 {
    /// It is.
    Always,
    /// It is where the service needs it.
    #[default]
    Auto,
    /// It is not.
    Never,
}

/// Which headers are signed, beside those that the signature itself brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignHeaders {
    /// `content-type`, `content-md5` and all that begin with `x-amz-`.
    #[default]
    Minimal,
    /// All but those that something on the way is known to change.
    All,
    /// These, exactly.
    Names(Vec<String>),
}

/// How the path becomes canonical.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PathRules {
    /// Whether it is percent-encoded once more.
    #[serde(default)]
    pub double_encode: Option<bool>,
    /// Whether dot segments and empty segments are removed.
    #[serde(default)]
    pub normalize: Option<bool>,
}

/// Where the session token of temporary credentials goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SessionToken {
    /// It is sent and signed.
    Sign,
    /// It is sent, and not signed.
    Append,
    /// It is not sent.
    Omit,
}

/// Credentials that come with a request.
///
/// `Debug` shows the access key id, nothing else.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RequestCredentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: Zeroizing<String>,
    /// The session token of temporary credentials.
    #[serde(default)]
    pub session_token: Option<Zeroizing<String>>,
}

impl RequestCredentials {
    fn prepare(&self) -> Result<Credentials, Fault> {
        let secret = self.secret_access_key.as_str();
        let credentials = Credentials::new(self.access_key_id.as_str(), secret);
        let credentials = credentials.and_then(|credentials| match &self.session_token {
            Some(token) => credentials.with_session_token(token.as_str()),
            None => Ok(credentials),
        });
        credentials.map_err(|error| {
            let field = format!("credentials.{}", error.field());
            Fault::new(field, message_of(&error))
        })
    }
}

impl fmt::Debug for RequestCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestCredentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// The most that is allowed over HTTP, unless it is configured otherwise.
const DEFAULT_LIFETIME: u64 = 900;
