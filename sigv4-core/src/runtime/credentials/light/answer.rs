//! The JSON in which the agents of containers and the metadata service hand out credentials.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use bytes::Bytes;
use http::Response;
use serde_json::Map;
use serde_json::Value;
use zeroize::Zeroize;
use zeroize::Zeroizing;

use super::error::FetchError;
use super::error::FetchErrorKind;
use super::exchange;

/// Reads credentials out of an answer.
///
/// The names of fields are compared without regard to case, as the SDKs do it.
pub(super) fn credentials(
    provider: &'static str,
    answer: &Response<Bytes>,
    sent: &[&str],
) -> Result<Credentials, FetchError> {
    if !answer.status().is_success() {
        let detail = Fields::parse(provider, answer.body())
            .ok()
            .and_then(|mut fields| fields.error(provider, sent));
        let what = "the request for credentials";
        return Err(exchange::refusal(provider, what, answer, detail));
    }
    let mut fields = Fields::parse(provider, answer.body())?;
    // The metadata service answers errors with the status of success.
    match fields.take(provider, "Code", &["code"])? {
        Some(code) if *code != "Success" => {
            let code = exchange::presentable(&code, sent);
            let message = fields.take(provider, "Message", &["message"])?;
            let message = message.map(|message| exchange::presentable(&message, sent));
            let message = format!(
                "credentials were refused with code {code}: {}",
                message.as_deref().unwrap_or("without a message")
            );
            // A role that may not be assumed stays so until somebody changes it.
            let kind = if code == "AssumeRoleUnauthorizedAccess" {
                FetchErrorKind::Configuration
            } else {
                FetchErrorKind::Refused
            };
            return Err(FetchError::new(kind, provider, message));
        }
        _ => {}
    }
    let mut secret = fields.require(provider, "SecretAccessKey", &["secretaccesskey"])?;
    let mut token = fields.require(provider, "Token", &["token", "sessiontoken"])?;
    let id = fields.require(provider, "AccessKeyId", &["accesskeyid"])?;
    let expiry = fields.require(provider, "Expiration", &["expiration", "expiresat"])?;
    let expiry = date(provider, "Expiration", &expiry)?;
    let account = fields.take(provider, "AccountId", &["accountid"])?;
    let mut builder = Credentials::builder()
        .access_key_id(id.as_str())
        .secret_access_key(std::mem::take(&mut *secret))
        .session_token(std::mem::take(&mut *token))
        .expiry(expiry)
        .provider_name(provider);
    builder.set_account_id(account.map(|account| account.as_str().into()));
    Ok(builder.build())
}

/// Reads a date. Says which field it was, never what it held.
pub(super) fn date(
    provider: &'static str,
    field: &str,
    text: &str,
) -> Result<SystemTime, FetchError> {
    DateTime::from_str(text.trim(), Format::DateTimeWithOffset)
        .ok()
        .and_then(|date| SystemTime::try_from(date).ok())
        .ok_or_else(|| {
            let message = format!("the field `{field}` of the answer is not a date");
            FetchError::malformed(provider, message)
        })
}

/// The fields of an answer, wiped when they are done with.
struct Fields(Map<String, Value>);

impl Fields {
    fn parse(provider: &'static str, body: &[u8]) -> Result<Self, FetchError> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(FetchError::malformed(
                provider,
                "the answer is not a JSON object",
            )),
            // The text of the error could quote the answer.
            Err(error) => Err(FetchError::malformed(
                provider,
                format!(
                    "the answer of {} bytes is not JSON, from line {} column {}",
                    body.len(),
                    error.line(),
                    error.column()
                ),
            )),
        }
    }

    /// Takes out a field that goes by one of these names, in lower case. One that is empty counts
    /// as absent.
    fn take(
        &mut self,
        provider: &'static str,
        field: &str,
        names: &[&str],
    ) -> Result<Option<Zeroizing<String>>, FetchError> {
        let found = self
            .0
            .iter_mut()
            .find(|(name, _)| names.contains(&&*name.to_ascii_lowercase()));
        match found.map(|(_, value)| value.take()) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                Ok(Some(Zeroizing::new(text)).filter(|text| !text.is_empty()))
            }
            Some(_) => {
                let message = format!("the field `{field}` of the answer is not text");
                Err(FetchError::malformed(provider, message))
            }
        }
    }

    fn require(
        &mut self,
        provider: &'static str,
        field: &str,
        names: &[&str],
    ) -> Result<Zeroizing<String>, FetchError> {
        self.take(provider, field, names)?.ok_or_else(|| {
            let message = format!("the answer has no field `{field}`");
            FetchError::malformed(provider, message)
        })
    }

    /// Returns what an error says about itself.
    fn error(&mut self, provider: &'static str, sent: &[&str]) -> Option<String> {
        let mut part = |names| {
            let text = self.take(provider, "", names).ok()??;
            Some(exchange::presentable(&text, sent))
        };
        match (part(&["code"]), part(&["message"])) {
            (Some(code), Some(message)) => Some(format!("{code}: {message}")),
            (code, message) => code.or(message),
        }
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::time::Duration;

    use super::*;

    const WHOLE: &str = r#"{
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2025-07-01T11:00:00Z",
        "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "s3cr3t/", "Token": "t0ken==",
        "AccountId": "123456789012", "Expiration": "2025-07-01T18:00:00Z"
    }"#;

    fn read(status: u16, body: &str) -> Result<Credentials, FetchError> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = Response::builder().status(status).body(body).unwrap();
        credentials("Test", &answer, &["sent-in-confidence"])
    }

    #[test]
    fn reads_all_fields() {
        let other_names = WHOLE
            .replace("Token", "sessionTOKEN")
            .replace("Expiration", "expiresAt")
            .replace("AccessKeyId", "accesskeyid")
            .replace("\"Code\": \"Success\", ", "");
        for (name, body) in [("as documented", WHOLE), ("other names", &other_names)] {
            let credentials = read(200, body).unwrap();
            assert_eq!(credentials.access_key_id(), "ASIAEXAMPLE", "{name}");
            assert_eq!(credentials.secret_access_key(), "s3cr3t/", "{name}");
            assert_eq!(credentials.session_token(), Some("t0ken=="), "{name}");
            assert_eq!(
                credentials.account_id().unwrap().as_str(),
                "123456789012",
                "{name}"
            );
            let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(1_751_392_800);
            assert_eq!(credentials.expiry(), Some(expiry), "{name}");
        }
    }

    #[test]
    fn names_what_is_wrong_and_never_what_was_there() {
        let half = &WHOLE[..WHOLE.len() / 2];
        for (name, body, says) in [
            ("nothing", "", "is not JSON"),
            ("half of it", half, "is not JSON"),
            ("HTML", "<html>s3cr3t/</html>", "is not JSON"),
            ("a list", r#"["s3cr3t/"]"#, "not a JSON object"),
            ("text", r#""s3cr3t/""#, "not a JSON object"),
            ("no id", &WHOLE.replace("AccessKeyId", "X"), "`AccessKeyId`"),
            (
                "no secret",
                &WHOLE.replace("SecretAccessKey", "X"),
                "`SecretAccessKey`",
            ),
            ("no token", &WHOLE.replace("Token", "X"), "`Token`"),
            ("an empty token", &WHOLE.replace("t0ken==", ""), "`Token`"),
            (
                "a null secret",
                &WHOLE.replace(r#""s3cr3t/""#, "null"),
                "`SecretAccessKey`",
            ),
            (
                "a secret that is a list",
                &WHOLE.replace(r#""s3cr3t/""#, r#"["s3cr3t/"]"#),
                "`SecretAccessKey` of the answer is not text",
            ),
            ("no date", &WHOLE.replace("Expiration", "X"), "`Expiration`"),
            (
                "a wrong date",
                &WHOLE.replace("2025-07-01T18:00:00Z", "s3cr3t/"),
                "`Expiration` of the answer is not a date",
            ),
        ] {
            let error = read(200, body).unwrap_err();
            assert_eq!(error.kind(), FetchErrorKind::Malformed, "{name}");
            let text = error.to_string();
            assert!(text.contains(says), "{name}: {text}");
            assert!(text.starts_with("Test: "), "{name}: {text}");
            let all = format!("{error:?}{text}");
            for secret in ["s3cr3t", "t0ken"] {
                assert!(!all.contains(secret), "{name}: {all}");
            }
            assert!(error.source().is_none(), "{name}");
        }
    }

    #[test]
    fn reads_errors() {
        let denied = r#"{"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume"}"#;
        let failed = r#"{"code": "Failed", "message": "saw sent-in-confidence"}"#;
        for (name, status, body, kind, text) in [
            (
                "a role without trust",
                200,
                denied,
                FetchErrorKind::Configuration,
                "Test: credentials were refused with code AssumeRoleUnauthorizedAccess: \
                 EC2 cannot assume",
            ),
            (
                "another code",
                200,
                failed,
                FetchErrorKind::Refused,
                "Test: credentials were refused with code Failed: saw (redacted)",
            ),
            (
                "a status with a code",
                400,
                failed,
                FetchErrorKind::Refused,
                "Test: the request for credentials was answered with status 400: \
                 Failed: saw (redacted)",
            ),
            (
                "a status with HTML",
                502,
                "<html>",
                FetchErrorKind::Unavailable,
                "Test: the request for credentials was answered with status 502",
            ),
        ] {
            let error = read(status, body).unwrap_err();
            assert_eq!((error.kind(), &*error.to_string()), (kind, text), "{name}");
        }
    }
}
