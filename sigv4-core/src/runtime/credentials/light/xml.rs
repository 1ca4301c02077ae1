//! The XML in which STS and S3 answer.

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::Response;
use roxmltree::Document;
use roxmltree::Node;
use zeroize::Zeroizing;

use super::answer;
use super::error::FetchError;
use super::error::FetchErrorKind;
use super::exchange;

/// Reads the credentials out of an answer to an action.
pub(super) fn credentials(
    provider: &'static str,
    action: &str,
    answer: &Response<Bytes>,
    sent: &[&str],
) -> Result<Credentials, FetchError> {
    let malformed = |message: String| FetchError::malformed(provider, message);
    let text = str::from_utf8(answer.body()).unwrap_or_default();
    // The text of a syntax error could quote the answer. A document type is refused.
    let document = if is_modest(text) {
        Document::parse(text)
    } else {
        return Err(malformed(
            "the answer is longer, or stranger, than any with credentials".to_owned(),
        ));
    };
    if !answer.status().is_success() {
        return Err(refusal(
            provider,
            action,
            answer,
            document.ok().as_ref(),
            sent,
        ));
    }
    let Ok(document) = document else {
        let length = answer.body().len();
        return Err(malformed(format!(
            "the answer of {length} bytes is not XML"
        )));
    };
    // STS has an element around the result, S3 has none.
    let result = root_or_child(&document, &format!("{action}Result"))
        .ok_or_else(|| malformed(format!("the answer is not one to `{action}`")))?;
    let within = child(result, "Credentials")
        .ok_or_else(|| malformed("the answer has no field `Credentials`".to_owned()))?;
    let require = |name: &str| {
        text_of(within, name).ok_or_else(|| malformed(format!("the answer has no field `{name}`")))
    };
    let mut secret = require("SecretAccessKey")?;
    let mut token = require("SessionToken")?;
    let id = require("AccessKeyId")?;
    let expiry = answer::date(provider, "Expiration", &require("Expiration")?)?;
    let user = child(result, "AssumedRoleUser").and_then(|user| text_of(user, "Arn"));
    let account = user.as_ref().and_then(|arn| account_of(arn));
    let mut builder = Credentials::builder()
        .access_key_id(id.as_str())
        .secret_access_key(std::mem::take(&mut *secret))
        .session_token(std::mem::take(&mut *token))
        .expiry(expiry)
        .provider_name(provider);
    builder.set_account_id(account.map(Into::into));
    Ok(builder.build())
}

fn refusal(
    provider: &'static str,
    action: &str,
    answer: &Response<Bytes>,
    document: Option<&Document<'_>>,
    sent: &[&str],
) -> FetchError {
    let what = format!("`{action}`");
    let error = document.and_then(|document| root_or_child(document, "Error"));
    let Some(error) = error else {
        return exchange::refusal(provider, &what, answer, None);
    };
    let part = |name| text_of(error, name).map(|text| exchange::presentable(&text, sent));
    let code = part("Code").unwrap_or_default();
    let message = part("Message").unwrap_or_default();
    let detail = format!("{code}: {message}");
    let error = exchange::refusal(provider, &what, answer, Some(detail));
    match kind_of(&code) {
        Some(kind) => error.with_kind(kind),
        None => error,
    }
}

/// Tells what to do about an error by its code, where its status does not say it.
fn kind_of(code: &str) -> Option<FetchErrorKind> {
    match code {
        "RegionDisabledException" | "MalformedPolicyDocument" => {
            Some(FetchErrorKind::Configuration)
        }
        // The identity provider was not reached, and AWS asks for another attempt.
        "IDPCommunicationError"
        | "RequestLimitExceeded"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "TooManyRequestsException" => Some(FetchErrorKind::Unavailable),
        throttled if throttled.starts_with("Throttl") => Some(FetchErrorKind::Unavailable),
        _ => None,
    }
}

/// Tells whether a text is one to be parsed. The time that this takes grows with the square of the
/// attributes, and faster still with nested namespaces; an answer has one of these, and its length is
/// that of a token.
fn is_modest(text: &str) -> bool {
    text.len() <= LONGEST && text.matches("xmlns").count() <= MOST_NAMESPACES
}

const LONGEST: usize = 64 * 1024;
const MOST_NAMESPACES: usize = 8;

fn root_or_child<'a, 'input>(
    document: &'a Document<'input>,
    name: &str,
) -> Option<Node<'a, 'input>> {
    let root = document.root_element();
    if root.tag_name().name() == name {
        return Some(root);
    }
    child(root, name)
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children()
        .find(|child| child.is_element() && child.tag_name().name() == name)
}

/// Returns the whole text of a child, if there is any.
fn text_of(node: Node<'_, '_>, name: &str) -> Option<Zeroizing<String>> {
    // A comment splits a text in two.
    let parts = child(node, name)?.children().filter(Node::is_text);
    let text: Zeroizing<String> =
        Zeroizing::new(parts.filter_map(|part| part.text()).collect::<String>());
    let trimmed = text.trim();
    if trimmed.len() == text.len() {
        return Some(text).filter(|text| !text.is_empty());
    }
    Some(Zeroizing::new(trimmed.to_owned())).filter(|text| !text.is_empty())
}

/// Returns the account within an ARN. Services like STS leave it out.
fn account_of(arn: &str) -> Option<&str> {
    let account = arn.split(':').nth(4)?;
    let is_account = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then_some(account)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;
    use std::time::SystemTime;

    use super::*;
    use crate::runtime::http_send::MAX_ANSWER;

    /// An answer as STS gives it, to either action.
    pub(in super::super) fn whole(action: &str) -> String {
        format!(
            r#"<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <{action}Result>
    <AssumedRoleUser>
      <AssumedRoleId>AROAEXAMPLE:name</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/reader/name</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAEXAMPLE</AccessKeyId>
      <SecretAccessKey>s3cr3t/</SecretAccessKey>
      <SessionToken>t0ken==</SessionToken>
      <Expiration>2025-07-01T18:00:00Z</Expiration>
    </Credentials>
  </{action}Result>
  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</{action}Response>"#
        )
    }

    /// An error as STS gives it.
    pub(in super::super) fn error(code: &str, message: &str) -> String {
        format!(
            r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
  <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>
</Error><RequestId>1</RequestId></ErrorResponse>"#
        )
    }

    fn read(status: u16, body: &str) -> Result<Credentials, FetchError> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = Response::builder().status(status).body(body).unwrap();
        credentials("Test", "AssumeRole", &answer, &["sent-in-confidence"])
    }

    #[test]
    fn does_not_begin_with_what_would_take_long() {
        let spaces: String = (0..9).map(|at| format!("<a xmlns:n{at}='u'>")).collect();
        for (name, body) in [
            ("namespaces", spaces),
            ("length", format!("<a>{}</a>", " ".repeat(LONGEST))),
        ] {
            let error = read(200, &body).unwrap_err();
            assert_eq!(error.kind(), FetchErrorKind::Malformed, "{name}");
            assert!(error.to_string().contains("stranger"), "{name}: {error}");
        }
    }

    #[test]
    fn reads_all_fields_however_they_are_written() {
        let whole = whole("AssumeRole");
        for (name, body) in [
            ("as documented", whole.clone()),
            (
                "character data",
                whole.replace("s3cr3t/", "<![CDATA[s3cr3t/]]>"),
            ),
            ("references", whole.replace("s3cr3t/", "s3&#x63;r3t&#47;")),
            ("a comment", whole.replace("s3cr3t/", "s3c<!-- - -->r3t/")),
            ("white space", whole.replace("s3cr3t/", "\n s3cr3t/ \n")),
            (
                "another prefix",
                whole
                    .replace("xmlns=", "xmlns:s=")
                    .replace("<Assume", "<s:Assume")
                    .replace("</Assume", "</s:Assume"),
            ),
            ("a declaration", format!("<?xml version=\"1.0\"?>\n{whole}")),
        ] {
            let credentials = read(200, &body).expect(name);
            assert_eq!(credentials.access_key_id(), "ASIAEXAMPLE", "{name}");
            assert_eq!(credentials.secret_access_key(), "s3cr3t/", "{name}");
            assert_eq!(credentials.session_token(), Some("t0ken=="), "{name}");
            let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(1_751_392_800);
            assert_eq!(credentials.expiry(), Some(expiry), "{name}");
            let account = credentials.account_id().unwrap();
            assert_eq!(account.as_str(), "123456789012", "{name}");
        }
        // Services like STS have no accounts.
        for arn in ["", "arn:aws:sts:::assumed-role/x/y", "user"] {
            let arn = format!("<Arn>{arn}<");
            let body = whole.replace(
                "<Arn>arn:aws:sts::123456789012:assumed-role/reader/name<",
                &arn,
            );
            assert!(body.contains(&arn));
            assert!(read(200, &body).unwrap().account_id().is_none(), "{arn}");
        }
        let ampersand = read(200, &whole.replace("s3cr3t/", "a&amp;b&lt;")).unwrap();
        assert_eq!(ampersand.secret_access_key(), "a&b<");
    }

    #[test]
    fn names_what_is_wrong_and_never_what_was_there() {
        let other = whole("AssumeRoleWithWebIdentity");
        let whole = whole("AssumeRole");
        let entities = format!("<!DOCTYPE x [<!ENTITY e 's3cr3t'>]>{whole}");
        for (name, body, says) in [
            ("nothing", String::new(), "is not XML"),
            ("half of it", whole[..500].to_owned(), "is not XML"),
            ("HTML", "<html><p>s3cr3t</html>".to_owned(), "is not XML"),
            ("JSON", r#"{"s3cr3t": 1}"#.to_owned(), "is not XML"),
            ("a document type", entities, "is not XML"),
            (
                "an unknown entity",
                whole.replace("s3cr3t", "&e;"),
                "is not XML",
            ),
            (
                "another document",
                "<s3cr3t/>".to_owned(),
                "not one to `AssumeRole`",
            ),
            (
                "an answer to another action",
                other,
                "not one to `AssumeRole`",
            ),
            (
                "no credentials",
                whole.replace("Credentials>", "X>"),
                "no field `Credentials`",
            ),
            (
                "no secret",
                whole.replace("SecretAccessKey>", "X>"),
                "no field `SecretAccessKey`",
            ),
            (
                "an empty secret",
                whole.replace("s3cr3t/", ""),
                "`SecretAccessKey`",
            ),
            (
                "no token",
                whole.replace("SessionToken>", "X>"),
                "`SessionToken`",
            ),
            (
                "no id",
                whole.replace("AccessKeyId>", "X>"),
                "`AccessKeyId`",
            ),
            (
                "no date",
                whole.replace("Expiration>", "X>"),
                "no field `Expiration`",
            ),
            (
                "a wrong date",
                whole.replace("2025-07-01T18:00:00Z", "s3cr3t"),
                "`Expiration` of the answer is not a date",
            ),
        ] {
            let error = read(200, &body).expect_err(name);
            assert_eq!(error.kind(), FetchErrorKind::Malformed, "{name}");
            let all = format!("{error} {error:?}");
            assert!(all.contains(says), "{name}: {all}");
            for secret in ["s3cr3t", "t0ken"] {
                assert!(!all.contains(secret), "{name}: {all}");
            }
        }
    }

    #[test]
    fn survives_the_deepest_answer() {
        let deep = "<a>".repeat(MAX_ANSWER / 3);
        assert_eq!(
            read(200, &deep).unwrap_err().kind(),
            FetchErrorKind::Malformed
        );
        let closed = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        assert_eq!(
            read(200, &closed).unwrap_err().kind(),
            FetchErrorKind::Malformed
        );
    }

    #[test]
    fn reads_errors() {
        use FetchErrorKind::Configuration;
        use FetchErrorKind::Refused;
        use FetchErrorKind::Unavailable;
        for (status, code, kind) in [
            (403, "AccessDenied", Refused),
            (403, "ExpiredToken", Refused),
            (400, "InvalidIdentityToken", Refused),
            (400, "IDPCommunicationError", Unavailable),
            (400, "Throttling", Unavailable),
            (400, "ThrottlingException", Unavailable),
            (403, "RequestLimitExceeded", Unavailable),
            (403, "RegionDisabledException", Configuration),
            (500, "InternalFailure", Unavailable),
            (503, "ServiceUnavailable", Unavailable),
        ] {
            let message = "user arn:aws:iam::1:user/x saw sent-in-confidence\nPOST\nt0ken";
            let error = read(status, &error(code, message)).unwrap_err();
            assert_eq!(error.kind(), kind, "{code}");
            let expected = format!(
                "Test: `AssumeRole` was answered with status {status}: {code}: \
                 user arn:aws:iam::1:user/x saw (redacted)"
            );
            assert_eq!(error.to_string(), expected);
        }
        for body in ["", "<html>", "<ErrorResponse/>"] {
            let error = read(502, body).unwrap_err();
            assert_eq!(error.kind(), Unavailable);
            assert_eq!(
                error.to_string(),
                "Test: `AssumeRole` was answered with status 502"
            );
        }
    }
}
