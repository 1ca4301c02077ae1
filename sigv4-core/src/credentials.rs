//! Credentials, prepared once and used for many signatures.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

#[cfg(feature = "aws-credentials")]
use aws_credential_types::provider::ProvideCredentials;
#[cfg(feature = "aws-credentials")]
use aws_credential_types::provider::future;
use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::date::Timestamp;
use crate::error::ConfigError;
use crate::error::Error;
use crate::key::DerivedKey;
use crate::key::KeyRing;
use crate::key::KeyUse;

/// AWS credentials, ready to sign with.
///
/// Everything that can be computed before there is a request is computed when these are made, and
/// the keys derived from the secret are kept inside: make them once and share them. Cloning is
/// cheap and the clones share the derived keys.
///
/// The secret, the session token and the derived keys are wiped from memory with the last clone.
/// `Debug` shows the access key id and the expiry, nothing else.
///
/// ```
/// use sigv4_core::Credentials;
///
/// let long_term = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// let temporary = Credentials::new("ASIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?
///     .with_session_token("AQoDYXdzEPT//////////wEXAMPLE")?
///     .with_expiry(std::time::SystemTime::now() + std::time::Duration::from_secs(3600));
/// # Ok::<(), sigv4_core::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Credentials {
    inner: Arc<Inner>,
}

struct Inner {
    access_key_id: Box<str>,
    secret_access_key: Zeroizing<String>,
    session_token: Option<HeaderValue>,
    expires_at: Option<SystemTime>,
    keys: KeyRing,
}

impl Credentials {
    /// Prepares credentials of an access key.
    ///
    /// # Errors
    ///
    /// When the access key id or the secret is empty, or holds what neither can: white space around
    /// the secret, for example the line break of the file it was read from, is the usual cause of
    /// signatures that do not match.
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
    ) -> Result<Self, ConfigError> {
        let access_key_id = access_key_id.into();
        let secret_access_key = Zeroizing::new(secret_access_key.into());
        let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b',');
        for (field, value) in [
            ("access_key_id", &access_key_id),
            ("secret_access_key", &*secret_access_key),
        ] {
            if value.is_empty() {
                return Err(ConfigError::new(
                    field,
                    "is empty; is the variable set that it is from?",
                ));
            }
        }
        if !access_key_id.bytes().all(allowed) {
            return Err(ConfigError::new(
                "access_key_id",
                "must be visible ASCII without `/` and `,`; look for a blank or a line break",
            ));
        }
        if secret_access_key.trim() != &**secret_access_key {
            return Err(ConfigError::new(
                "secret_access_key",
                "must not begin or end with white space; trim it",
            ));
        }
        let inner = Inner {
            access_key_id: access_key_id.into(),
            secret_access_key,
            session_token: None,
            expires_at: None,
            keys: KeyRing::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Adds the session token that temporary credentials come with.
    ///
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_use-resources.html>
    ///
    /// # Errors
    ///
    /// When the token is empty, or holds what no header value can.
    pub fn with_session_token(self, token: impl Into<String>) -> Result<Self, ConfigError> {
        let token = Zeroizing::new(token.into().into_bytes());
        if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
            return Err(ConfigError::new(
                "session_token",
                "must be visible ASCII; look for a blank or a line break, and leave out an empty one",
            ));
        }
        let mut value =
            HeaderValue::from_maybe_shared(Bytes::from_owner(token)).map_err(|error| {
                ConfigError::new("session_token", "must be a header value").because(error)
            })?;
        value.set_sensitive(true);
        Ok(self.rebuilt(|inner| inner.session_token = Some(value)))
    }

    /// Says when the credentials end.
    ///
    /// A `CredentialsCache` replaces them before then, and no presigned URL outlives them. A
    /// signature in a header is made all the same: whether they still hold is for AWS to say, whose
    /// clock counts.
    #[must_use]
    pub fn with_expiry(self, expires_at: SystemTime) -> Self {
        self.rebuilt(|inner| inner.expires_at = Some(expires_at))
    }

    /// Returns the access key id. It is not secret.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.inner.access_key_id
    }

    /// Returns when the credentials end, if they do.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.inner.expires_at
    }

    /// Tells whether the credentials come with a session token.
    #[must_use]
    pub fn has_session_token(&self) -> bool {
        self.inner.session_token.is_some()
    }

    pub(crate) fn session_token(&self) -> Option<&HeaderValue> {
        self.inner.session_token.as_ref()
    }

    /// Returns the secret, for what is derived from it in another way than a signing key.
    #[cfg(feature = "tokens")]
    pub(crate) fn secret_access_key(&self) -> &str {
        &self.inner.secret_access_key
    }

    /// Calls `sign` with the signing key for a day and use.
    pub(crate) fn with_key<T>(
        &self,
        time: &Timestamp,
        to: KeyUse<'_>,
        sign: impl FnOnce(&Arc<DerivedKey>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let inner = &*self.inner;
        let access_key = (&*inner.access_key_id, inner.secret_access_key.as_str());
        inner.keys.with_key(access_key, time, to, sign)
    }

    fn rebuilt(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::try_unwrap(self.inner).unwrap_or_else(|shared| Inner {
            access_key_id: shared.access_key_id.clone(),
            secret_access_key: shared.secret_access_key.clone(),
            session_token: shared.session_token.clone(),
            expires_at: shared.expires_at,
            keys: KeyRing::new(),
        });
        change(&mut inner);
        Self {
            inner: Arc::new(inner),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id())
            .field("session_token", &self.has_session_token())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "aws-credentials")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-credentials")))]
impl TryFrom<&aws_credential_types::Credentials> for Credentials {
    type Error = ConfigError;

    /// Prepares what a provider of `aws-config` hands out. An empty session token counts as none.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Credentials::new) and
    /// [`with_session_token`](Credentials::with_session_token).
    fn try_from(from: &aws_credential_types::Credentials) -> Result<Self, ConfigError> {
        let mut credentials = Self::new(from.access_key_id(), from.secret_access_key())?;
        // An empty `AWS_SESSION_TOKEN` is how many environments spell "none".
        if let Some(token) = from.session_token().filter(|token| !token.is_empty()) {
            credentials = credentials.with_session_token(token)?;
        }
        Ok(match from.expiry() {
            Some(expiry) => credentials.with_expiry(expiry),
            None => credentials,
        })
    }
}

#[cfg(feature = "aws-credentials")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-credentials")))]
impl ProvideCredentials for Credentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let inner = &*self.inner;
        let token = inner
            .session_token
            .as_ref()
            .and_then(|token| token.to_str().ok());
        future::ProvideCredentials::ready(Ok(aws_credential_types::Credentials::new(
            &*inner.access_key_id,
            inner.secret_access_key.as_str(),
            token.map(str::to_owned),
            inner.expires_at,
            "sigv4-core",
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_breaks_signatures_later() {
        for (name, id, secret, field) in [
            ("an empty id", "", "secret", "access_key_id"),
            (
                "a line break behind the id",
                "AKID\n",
                "secret",
                "access_key_id",
            ),
            ("a slash in the id", "AK/ID", "secret", "access_key_id"),
            ("an id that is not ASCII", "AKÏD", "secret", "access_key_id"),
            ("an empty secret", "AKID", "", "secret_access_key"),
            (
                "a line break behind the secret",
                "AKID",
                "secret\n",
                "secret_access_key",
            ),
        ] {
            let error = Credentials::new(id, secret).unwrap_err();
            assert_eq!(error.field(), field, "{name}");
            assert!(!error.to_string().contains("secret\n"), "{name}");
        }
        let credentials = Credentials::new("AKID", "secret").unwrap();
        for token in ["", "to ken", "token\n", "tökén"] {
            let error = credentials.clone().with_session_token(token).unwrap_err();
            assert_eq!(error.field(), "session_token", "{token:?}");
        }
    }
}
