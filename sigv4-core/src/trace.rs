//! What was signed, for people to read.

use std::borrow::Cow;
use std::fmt;

use http::HeaderMap;
use http::HeaderName;

use crate::canonical::request::CanonicalRequest;
use crate::credentials::Credentials;
use crate::date::Timestamp;
use crate::error::Error;
use crate::key::Text;
use crate::scope::Scope;

/// The canonical request and the string to sign of one signature.
///
/// When AWS answers `SignatureDoesNotMatch` it often says what these should have been.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>
///
/// The canonical request holds header values and the query, and with them the session token of
/// temporary credentials. `Display` and `Debug` leave out the token, customer-provided encryption
/// keys, cookies, and every header whose value is marked as sensitive: they are what belongs into a
/// log. The methods leave out nothing.
#[derive(Clone)]
pub struct SigningTrace {
    canonical_request: Vec<u8>,
    string_to_sign: String,
    /// The headers that whoever made the request marked as sensitive.
    sensitive: Vec<HeaderName>,
}

impl SigningTrace {
    pub(crate) fn new(
        canonical: &CanonicalRequest<'_>,
        scope: &Scope<'_>,
        credentials: &Credentials,
        time: &Timestamp,
        headers: &HeaderMap,
    ) -> Result<Self, Error> {
        let mut canonical_request = Vec::new();
        canonical.write_to(&mut canonical_request);
        let string_to_sign = credentials.with_key(time, scope.key(), |key| {
            let mut text = Vec::new();
            canonical.string_to_sign(time, key).write_to(&mut text);
            Ok(String::from_utf8(text).expect("date, scope and hex are ASCII"))
        })?;
        let sensitive = headers.iter().filter(|(_, value)| value.is_sensitive());
        Ok(Self {
            canonical_request,
            string_to_sign,
            sensitive: sensitive.map(|(name, _)| name.clone()).collect(),
        })
    }

    /// Returns the canonical request as it was hashed, secrets included. Octets that are not UTF-8
    /// are replaced; [`canonical_request_bytes`](Self::canonical_request_bytes) has them.
    #[must_use]
    pub fn canonical_request(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.canonical_request)
    }

    /// Returns the octets of the canonical request, secrets included.
    #[must_use]
    pub fn canonical_request_bytes(&self) -> &[u8] {
        &self.canonical_request
    }

    fn is_secret(&self, name: &str) -> bool {
        SECRET_HEADERS.contains(&name) || self.sensitive.iter().any(|header| header == name)
    }

    /// Returns the string to sign. It holds no secret.
    #[must_use]
    pub fn string_to_sign(&self) -> &str {
        &self.string_to_sign
    }
}

impl fmt::Display for SigningTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("canonical request:\n")?;
        for line in self.canonical_request().lines() {
            match line.split_once(':') {
                Some((name, _)) if self.is_secret(name) => {
                    writeln!(f, "{name}:{REDACTED}")?;
                }
                _ if has_token(line) => writeln!(f, "{}", redacted_query(line))?,
                _ => writeln!(f, "{line}")?,
            }
        }
        write!(f, "string to sign:\n{}", self.string_to_sign)
    }
}

impl fmt::Debug for SigningTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningTrace({:?})", self.to_string())
    }
}

fn has_token(text: &str) -> bool {
    TOKEN_PARAMETERS.iter().any(|name| text.contains(name))
}

fn redacted_query(line: &str) -> String {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if has_token(name) => format!("{name}={REDACTED}"),
        _ => pair.to_owned(),
    };
    line.split('&').map(pair).collect::<Vec<_>>().join("&")
}

const SECRET_HEADERS: [&str; 6] = [
    "cookie",
    "x-amz-mfa",
    "x-amz-security-token",
    "x-amz-s3session-token",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key",
];
const TOKEN_PARAMETERS: [&str; 2] = ["X-Amz-Security-Token", "X-Amz-S3session-Token"];
const REDACTED: &str = "** redacted **";
