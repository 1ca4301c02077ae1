//! Forms that upload to S3 from a browser.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;
use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use serde_json::json;
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::credentials::Credentials;
use crate::date::Timestamp;
use crate::error::ConfigError;
use crate::error::Error;
use crate::key::KeyUse;
use crate::scope::Region;
use crate::tokens::token::options;

/// Says what a form may upload to S3, so that whoever holds it can, without credentials.
///
/// S3 takes a form only if every field that it has satisfies a condition, and every condition is
/// met. The bucket, the key and the fields of the signature have theirs; all others are said here.
///
/// The fields of the [`PostForm`] go into a `multipart/form-data` body, before the field `file`
/// with the content, which is posted to the bucket:
/// `https://examplebucket.s3.eu-central-1.amazonaws.com/`, or another URL of it.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use sigv4_core::{Credentials, tokens::PostPolicy};
///
/// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// let policy = PostPolicy::new("eu-central-1", "examplebucket", "user/eric/${filename}")?
///     .field("acl", "private")?
///     .starts_with("Content-Type", "image/")?
///     .content_length_range(1..=10_485_760)?
///     .expires_in(Duration::from_secs(600));
///
/// let form = policy.sign(&credentials, SystemTime::now())?;
/// for (name, value) in form.fields() {
///     // <input type="hidden" name="…" value="…">
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct PostPolicy {
    region: Region,
    bucket: String,
    key: String,
    fields: Vec<(String, String)>,
    conditions: Vec<Value>,
    lifetime: Duration,
    clamp: bool,
}

impl PostPolicy {
    /// Begins a policy for uploads to one key of a bucket, or to any with one prefix.
    ///
    /// Where `key` ends in `${filename}`, S3 replaces that by the name of the file, and the holder
    /// of the form may send any key that begins with what stands before.
    ///
    /// # Errors
    ///
    /// When the region, the bucket or the key cannot be one.
    pub fn new(region: &str, bucket: &str, key: &str) -> Result<Self, ConfigError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if bucket.is_empty() || bucket.len() > 255 || !bucket.bytes().all(allowed) {
            return Err(ConfigError::new(
                "bucket",
                "must be the name of a bucket: letters, digits, `-`, `.`, `_`",
            ));
        }
        if key.is_empty() || key.len() > 1024 {
            return Err(ConfigError::new(
                "key",
                "must be the key of an object: between 1 and 1024 bytes of UTF-8",
            ));
        }
        let prefix = key.strip_suffix(FILE_NAME).unwrap_or(key);
        if prefix.contains(FILE_NAME) {
            return Err(ConfigError::new(
                "key",
                "must have `${filename}` at its end, and once: a policy allows keys by what they \
                 begin with",
            ));
        }
        Ok(Self {
            region: Region::new(region)?,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            fields: Vec::new(),
            conditions: Vec::new(),
            lifetime: Duration::from_secs(3600),
            clamp: false,
        })
    }

    /// Adds a field that the form has, with this value and no other: `acl`, `Content-Type`,
    /// `success_action_redirect`, `x-amz-meta-…`.
    ///
    /// # Errors
    ///
    /// When `name` cannot be that of a field, is one that this type writes itself, or has a value
    /// already.
    pub fn field(mut self, name: &str, value: &str) -> Result<Self, ConfigError> {
        let name = field_name(name)?;
        if self
            .fields
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
        {
            return Err(ConfigError::new(
                "field",
                "has a value already; names that differ in case are the same",
            ));
        }
        self.conditions.push(json!({ name: value }));
        self.fields.push((name.to_owned(), value.to_owned()));
        Ok(self)
    }

    /// Allows a field, whose value the holder of the form chooses, to begin with `prefix`. With an
    /// empty prefix it may be anything.
    ///
    /// The field is not among those of the [`PostForm`]: the holder has to add it.
    ///
    /// # Errors
    ///
    /// When `name` cannot be that of a field, or is one that this type writes itself.
    pub fn starts_with(mut self, name: &str, prefix: &str) -> Result<Self, ConfigError> {
        let name = format!("${}", field_name(name)?);
        self.conditions.push(json!(["starts-with", name, prefix]));
        Ok(self)
    }

    /// Bounds the length of the content, in bytes. Default: S3's own limit.
    ///
    /// # Errors
    ///
    /// When the range is empty.
    pub fn content_length_range(mut self, range: RangeInclusive<u64>) -> Result<Self, ConfigError> {
        if range.is_empty() {
            return Err(ConfigError::new(
                "content_length_range",
                "must not be empty; begin with the lesser of the two",
            ));
        }
        let condition = json!(["content-length-range", range.start(), range.end()]);
        self.conditions.push(condition);
        Ok(self)
    }

    /// Sets how long the form holds, rounded down to whole seconds: an hour unless set, and at most
    /// [seven days](crate::PresignOptions::MAX_LIFETIME).
    pub const fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Shortens the lifetime of the form to that of the credentials, where it would be longer.
    /// Default: that is an error, since such a form would stop working before its time.
    pub const fn clamp_to_credentials(mut self) -> Self {
        self.clamp = true;
        self
    }

    /// Makes the fields of a form that holds from now on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Expiry`](crate::ErrorKind::Expiry) when the lifetime is not between a second
    /// and seven days, or longer than that of the credentials;
    /// [`ErrorKind::Time`](crate::ErrorKind::Time) when `now` cannot be.
    pub fn sign(&self, credentials: &Credentials, now: SystemTime) -> Result<PostForm, Error> {
        let time = Timestamp::new(now)?;
        let lifetime = options(self.lifetime, self.clamp).lifetime(&time, credentials)?;
        let expires_at = time.time() + lifetime;

        let to = KeyUse {
            algorithm: Algorithm::V4,
            region: self.region.as_str(),
            service: "s3",
        };
        let credential = credentials.with_key(&time, to, |key| {
            Ok(format!("{}/{}", credentials.access_key_id(), key.scope()))
        })?;
        let mut signing = vec![
            ("x-amz-algorithm", Algorithm::V4.name().to_owned()),
            ("x-amz-credential", credential),
            ("x-amz-date", time.as_str().to_owned()),
        ];
        if let Some(token) = credentials.session_token() {
            let token = String::from_utf8_lossy(token.as_bytes()).into_owned();
            signing.push(("x-amz-security-token", token));
        }

        let policy = self.text(&Timestamp::new(expires_at)?, &signing);
        let policy = BASE64_STANDARD.encode(policy);
        let signature =
            credentials.with_key(&time, to, |key| key.sign::<BLOCKS>(&policy.as_str()))?;
        let signature = signature.as_str().to_owned();

        let given = self.fields.iter().cloned();
        let mut fields: Vec<_> = given
            .map(|(name, value)| (Cow::Owned(name), value))
            .collect();
        let mut add = |name, value| fields.push((Cow::Borrowed(name), value));
        add("key", self.key.clone());
        signing
            .into_iter()
            .for_each(|(name, value)| add(name, value));
        add("policy", policy);
        add("x-amz-signature", signature);
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name, Zeroizing::new(value)))
            .collect();
        Ok(PostForm { fields, expires_at })
    }

    /// Returns the policy as JSON.
    fn text(&self, end: &Timestamp, signing: &[(&str, String)]) -> String {
        let mut conditions = self.conditions.clone();
        conditions.push(json!({ "bucket": self.bucket }));
        conditions.push(match self.key.strip_suffix(FILE_NAME) {
            Some(prefix) => json!(["starts-with", "$key", prefix]),
            None => json!({ "key": self.key }),
        });
        conditions.extend(signing.iter().map(|(name, value)| json!({ *name: value })));
        let conditions = in_ascii(&Value::Array(conditions).to_string());
        let end = extended(end);
        format!(r#"{{"expiration":"{end}","conditions":{conditions}}}"#)
    }
}

/// Shows the names of the fields alone: a value may be an encryption key.
impl fmt::Debug for PostPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self.fields.iter().map(|(name, _)| name).collect();
        f.debug_struct("PostPolicy")
            .field("region", &self.region.as_str())
            .field("bucket", &self.bucket)
            .field("key", &self.key)
            .field("fields", &fields)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// The fields of a form that uploads to S3, and a credential until it expires.
///
/// `Debug` shows the names of the fields and the expiry, and there is no `Display`, so that the
/// rest does not end up in a log by accident. [`fields`](Self::fields) is the way to get at it.
#[derive(Clone)]
pub struct PostForm {
    fields: Vec<(Cow<'static, str>, Zeroizing<String>)>,
    expires_at: SystemTime,
}

impl PostForm {
    /// Returns the fields to send before `file`, as name and value. The session token of temporary
    /// credentials is among them.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|(name, value)| (&**name, value.as_str()))
    }

    /// Returns when S3 stops taking the form.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }
}

impl fmt::Debug for PostForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.fields.iter().map(|(name, _)| name).collect();
        f.debug_struct("PostForm")
            .field("fields", &names)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

fn field_name(name: &str) -> Result<&str, ConfigError> {
    const OWN: [&str; 9] = [
        "bucket",
        "file",
        "key",
        "policy",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-signature",
    ];
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if name.is_empty() || !name.bytes().all(allowed) {
        Err(ConfigError::new(
            "field",
            "must be the name of a form field, without `$`: letters, digits, `-`, `.`, `_`",
        ))
    } else if OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        Err(ConfigError::new(
            "field",
            "is one that the form has anyway: bucket, key, file, or one of the signature",
        ))
    } else {
        Ok(name)
    }
}

/// Writes a time as policies want it: `2015-12-30T12:00:00Z`.
fn extended(time: &Timestamp) -> String {
    let (date, time) = time.as_str().split_at("YYYYMMDDT".len());
    let (year, month, day) = (&date[..4], &date[4..6], &date[6..8]);
    let (hour, minute, second) = (&time[..2], &time[2..4], &time[4..6]);
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")
}

/// Escapes what is not visible ASCII in JSON, as policies want it.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>
fn in_ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        if matches!(letter, ' '..='~') {
            text.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// What S3 replaces by the name of the file.
const FILE_NAME: &str = "${filename}";
/// Enough for a policy with a few conditions.
const BLOCKS: usize = 16;
