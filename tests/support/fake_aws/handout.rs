//! Credentials that a fake service hands out.

use std::time::Duration;
use std::time::SystemTime;

use crate::secrets;
use crate::time;

/// One set of credentials, and when it ends.
///
/// Its secret and its token hold those of [`secrets`], so that
/// [`secrets::assert_no_secret`] finds them.
#[derive(Clone, Debug)]
pub struct Handout {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
    pub(super) session_token: String,
    pub(super) account_id: String,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    At(SystemTime),
    In(Duration),
}

impl Handout {
    /// Makes credentials that differ from those of other names, and end in 2099.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        Self {
            access_key_id: format!("ASIA{}", letters.to_ascii_uppercase()),
            secret_access_key: format!("{}/{letters}", secrets::SECRET_ACCESS_KEY),
            session_token: format!("{}{letters}", secrets::SESSION_TOKEN),
            account_id: "123456789012".to_owned(),
            end: End::At(SystemTime::UNIX_EPOCH + Duration::from_secs(4_070_908_800)),
        }
    }

    /// Lets them end then.
    #[must_use]
    pub const fn expiring_at(mut self, end: SystemTime) -> Self {
        self.end = End::At(end);
        self
    }

    /// Lets them end so long after each answer that hands them out.
    #[must_use]
    pub const fn expiring_in(mut self, life: Duration) -> Self {
        self.end = End::In(life);
        self
    }

    /// Lets them have ended an hour before they are handed out.
    #[must_use]
    pub fn expired(self) -> Self {
        self.expiring_at(SystemTime::now() - Duration::from_secs(3600))
    }

    /// Returns the access key id.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Returns the secret access key.
    #[must_use]
    pub fn secret_access_key(&self) -> &str {
        &self.secret_access_key
    }

    /// Returns the session token.
    #[must_use]
    pub fn session_token(&self) -> &str {
        &self.session_token
    }

    /// Returns the fields of a JSON document as IMDS and container services write it.
    pub(super) fn json(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Code", "Success".to_owned()),
            ("LastUpdated", "2024-01-01T00:00:00Z".to_owned()),
            ("Type", "AWS-HMAC".to_owned()),
            ("AccessKeyId", self.access_key_id.clone()),
            ("SecretAccessKey", self.secret_access_key.clone()),
            ("Token", self.session_token.clone()),
            ("Expiration", self.expiration()),
        ]
    }

    pub(super) fn expiration(&self) -> String {
        time::format(match self.end {
            End::At(end) => end,
            End::In(life) => SystemTime::now() + life,
        })
    }
}
