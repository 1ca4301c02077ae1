//! Simple Email Service: the password of its SMTP interface.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::error::ConfigError;
use crate::key::hmac;
use crate::names;
use crate::scope::Region;

/// Derives the password of the SMTP interface of SES in a region from a secret access key.
///
/// The user of SMTP is the access key id. The password is always the same, works as long as the
/// access key does, and only in this region. It takes the access key of an IAM user: temporary
/// credentials do not work over SMTP.
///
/// <https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html>
///
/// ```
/// use sigv4_core::{Credentials, tokens};
///
/// let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// let (user, password) =
///     (credentials.access_key_id(), tokens::ses_smtp_password("us-east-1", &credentials)?);
/// assert_eq!(password.expose().len(), 44);
/// # Ok::<(), sigv4_core::ConfigError>(())
/// ```
///
/// # Errors
///
/// When the region cannot be one, or the credentials come with a session token.
pub fn ses_smtp_password(
    region: &str,
    credentials: &Credentials,
) -> Result<SmtpPassword, ConfigError> {
    let region = Region::new(region)?;
    if credentials.has_session_token() {
        return Err(ConfigError::new(
            "credentials",
            "must be the access key of an IAM user; SMTP takes no temporary credentials",
        ));
    }
    let start = Zeroizing::new(["AWS4", credentials.secret_access_key()].concat());
    let mut key = hmac(start.as_bytes(), NO_DATE);
    for text in [region.as_str(), "ses", names::TERMINATOR, "SendRawEmail"] {
        key = hmac(&key[..], text);
    }
    let mut password = Zeroizing::new([VERSION; 33]);
    password[1..].copy_from_slice(&key[..]);
    let password = BASE64_STANDARD.encode(&password[..]);
    Ok(SmtpPassword(Zeroizing::new(password)))
}

/// A password of the SMTP interface of SES.
///
/// `Debug` does not show it, and there is no `Display`, so that it does not end up in a log by
/// accident. It is wiped from memory with the last clone.
#[derive(Clone)]
pub struct SmtpPassword(Zeroizing<String>);

impl SmtpPassword {
    /// Returns the text of the password: a credential.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SmtpPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpPassword").finish_non_exhaustive()
    }
}

/// What stands for the date. With a real one, a password would work for a day.
const NO_DATE: &str = "11111111";
/// The first octet of a password that is for one region.
const VERSION: u8 = 4;
