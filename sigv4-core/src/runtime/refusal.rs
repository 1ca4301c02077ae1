//! [`AwsRefusal`]: what AWS says when it refuses a request, in words for people and metrics.

use http::HeaderMap;
use http::StatusCode;
use http::header;

use crate::runtime::recovery::MOST;
use crate::runtime::recovery::code;
use crate::runtime::recovery::code::Found;

/// A request that was refused: with which status and error code, and what is the likely cause.
///
/// It is for logs and metrics. It holds nothing of AWS's message, in which a session token may be,
/// and of the code only what is a name.
///
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use sigv4_core::runtime::{AwsRefusal, RefusalCause};
///
/// let body = br#"{"message":"Credential should be scoped to a valid region, not 'us-east-2'. "}"#;
/// let mut headers = HeaderMap::new();
/// headers.insert("x-amzn-errortype", "InvalidSignatureException".parse()?);
///
/// let refusal = AwsRefusal::read(StatusCode::FORBIDDEN, &headers, body).ok_or("a status 4xx")?;
/// assert_eq!(refusal.code(), Some("InvalidSignatureException"));
/// assert_eq!(refusal.cause(), RefusalCause::CredentialScope);
/// eprintln!("{}: {}", refusal.cause().as_str(), refusal.cause().advice());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsRefusal {
    status: StatusCode,
    code: Option<Box<str>>,
    cause: RefusalCause,
}

impl AwsRefusal {
    /// Reads an answer: its head, and its body or the beginning of it, of which at most 16 KiB are
    /// looked at. A body with a `content-encoding` is not. `None` where the status is not one of
    /// 4xx.
    #[must_use]
    pub fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let mut reader = RefusalReader::begin(status, headers)?;
        if reader.wants_body() {
            reader.push(body);
        }
        Some(reader.finish())
    }

    /// Returns the status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the error code, such as `ExpiredTokenException`, where there is one that is made of
    /// letters, digits, `.`, `_` and `-`, at most 128 of them. Whoever writes the answers chooses
    /// it: it is no label for a metric; [`cause`](Self::cause) is.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the likely cause.
    #[must_use]
    pub const fn cause(&self) -> RefusalCause {
        self.cause
    }
}

/// Why AWS refused a request, most likely. The [guide](crate::guide::troubleshooting) says
/// which codes lead to which cause, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalCause {
    /// The signature is not what the service computed.
    Signature,
    /// The signature is for another service or region.
    CredentialScope,
    /// The signature is not one that the service can read.
    MalformedSignature,
    /// There is no signature, or no such route.
    MissingSignature,
    /// The time of the signature is not that of the service, or its lifetime is over.
    Clock,
    /// The credentials are not known.
    Credentials,
    /// The credentials have ended.
    ExpiredCredentials,
    /// The credentials are good, and may not do this.
    Permission,
    /// The body is another than was signed or declared.
    PayloadHash,
    /// The body is of another length than was declared, or of none.
    BodyLength,
    /// There are too many requests.
    Throttled,
    /// What is asked for is wrong, or not there; the signature has nothing to do with it.
    Request,
    /// The answer does not say.
    Unknown,
}

impl RefusalCause {
    /// Returns a name that stays the same, in lower case with `_`: a label for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::CredentialScope => "credential_scope",
            Self::MalformedSignature => "malformed_signature",
            Self::MissingSignature => "missing_signature",
            Self::Clock => "clock",
            Self::Credentials => "credentials",
            Self::ExpiredCredentials => "expired_credentials",
            Self::Permission => "permission",
            Self::PayloadHash => "payload_hash",
            Self::BodyLength => "body_length",
            Self::Throttled => "throttled",
            Self::Request => "request",
            Self::Unknown => "unknown",
        }
    }

    /// Returns what the usual reason is, and what to do about it, in a sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Signature => {
                "the secret key is wrong or was cut short, or something behind the signer changed \
                 the path, the query, the host, a signed header or the body: sign last, and leave \
                 out of the signature what a hop rewrites"
            }
            Self::CredentialScope => {
                "the signature is for another service or region than the host is: correct the \
                 signing name of the service, or the region"
            }
            Self::MalformedSignature => {
                "the service cannot read the signature: look for blanks or line breaks in the access \
                 key id, for another kind of Authorization that replaced it, and for a route that \
                 does not exist"
            }
            Self::MissingSignature => {
                "no signature arrived, or the path, stage or method does not exist: check the URL \
                 first, then that the request passes the signer and no redirect or hop drops \
                 Authorization"
            }
            Self::Clock => {
                "the clock of this machine is wrong, or the request waited or was sent again after it \
                 was signed: synchronise the clock, and sign last, inside of queues and retries"
            }
            Self::Credentials => {
                "the access key is not known here: it was deleted or is inactive, its session token \
                 is missing or belongs to another key, or the region is of another partition or not \
                 enabled for the account"
            }
            Self::ExpiredCredentials => {
                "the temporary credentials have ended: let a provider refresh them, and see whether \
                 it fails"
            }
            Self::Permission => {
                "the signature is right and a policy does not allow this: grant the action on the \
                 resource to this identity, and look at policies of the resource, the endpoint and \
                 the organisation"
            }
            Self::PayloadHash => {
                "the body that arrived is not the one that was hashed, or its hash was not sent: let \
                 nothing behind the signer compress or rewrite the body"
            }
            Self::BodyLength => {
                "the body was cut off, or came without the length that the service wants: declare \
                 its Content-Length, and look for what ends it early"
            }
            Self::Throttled => {
                "there are more requests than the account or the resource may send: wait and try \
                 again, more slowly each time, or have the quota raised"
            }
            Self::Request => {
                "the service understood who is asking and refuses what is asked for: its answer, \
                 which the client has, says what to correct"
            }
            Self::Unknown => {
                "the answer has no error code: it may come from something between here and AWS, such \
                 as a firewall or a proxy"
            }
        }
    }

    fn of_code(code: &str) -> Self {
        // AWS's models write most of these with `Exception` and without.
        match code.strip_suffix("Exception").unwrap_or(code) {
            "SignatureDoesNotMatch" | "InvalidSignature" | "AuthFailure" => Self::Signature,
            "IncompleteSignature"
            | "AuthorizationHeaderMalformed"
            | "AuthorizationQueryParametersError"
            | "MalformedAuthorizationHeader" => Self::MalformedSignature,
            "MissingAuthenticationToken" | "MissingSecurityHeader" => Self::MissingSignature,
            "RequestTimeTooSkewed" | "RequestInTheFuture" | "RequestExpired" => Self::Clock,
            "UnrecognizedClient"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "InvalidToken"
            | "InvalidSecurity"
            | "NotSignedUp"
            | "OptInRequired" => Self::Credentials,
            "ExpiredToken" | "TokenRefreshRequired" => Self::ExpiredCredentials,
            "AccessDenied"
            | "UnauthorizedOperation"
            | "NotAuthorized"
            | "AuthorizationError"
            | "Unauthorized"
            | "Forbidden"
            | "AllAccessDisabled"
            | "AccountProblem" => Self::Permission,
            "XAmzContentSHA256Mismatch"
            | "XAmzContentChecksumMismatch"
            | "BadDigest"
            | "InvalidDigest" => Self::PayloadHash,
            "IncompleteBody" | "MissingContentLength" => Self::BodyLength,
            "Throttling"
            | "Throttled"
            | "RequestThrottled"
            | "TooManyRequests"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "LimitExceeded"
            | "ProvisionedThroughputExceeded"
            | "TransactionInProgress"
            | "SlowDown"
            | "PriorRequestNotComplete"
            | "EC2Throttled" => Self::Throttled,
            _ => Self::Request,
        }
    }

    /// Looks for what the message says beyond the code. Most messages of signatures have one code.
    fn hinted(self, code: Option<&str>, message: &[u8]) -> Self {
        let may_be_hinted = matches!(
            self,
            Self::Signature
                | Self::MalformedSignature
                | Self::Credentials
                | Self::Permission
                | Self::Request
                | Self::Unknown
        );
        if !may_be_hinted {
            return self;
        }
        // What follows is the request as the client wrote it.
        let end = position(message, b"The Canonical String for this request");
        let message = &message[..end.unwrap_or(message.len())];
        let says = |text: &str| code::contains(message, text.as_bytes());
        let names_place = says("Credential should be scoped to")
            || (self == Self::MalformedSignature && says("is wrong; expecting"));
        if names_place {
            Self::CredentialScope
        } else if code::blames_time(message) || code::has_expired(message) {
            Self::Clock
        } else if says("ecurity token included in the request is expired") {
            Self::ExpiredCredentials
        } else if says("ecurity token included in the request is invalid") {
            Self::Credentials
        } else if says("request signature we calculated does not match")
            || says("headers present in the request which were not signed")
        {
            Self::Signature
        } else if code == Some("InvalidRequest") && says("x-amz-content-sha256") {
            Self::PayloadHash
        } else {
            self
        }
    }
}

/// Reads a refusal while its body passes.
pub struct RefusalReader {
    status: StatusCode,
    /// What the headers call the error.
    name: Option<Box<str>>,
    is_encoded: bool,
    head: Vec<u8>,
}

impl RefusalReader {
    /// Begins with the head of an answer. `None` where it is no refusal.
    #[must_use]
    pub fn begin(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        status.is_client_error().then(|| Self {
            status,
            name: code::name_in_headers(headers).and_then(name),
            is_encoded: headers.contains_key(header::CONTENT_ENCODING),
            head: Vec::new(),
        })
    }

    /// Tells whether more of the body is worth looking at.
    #[must_use]
    pub const fn wants_body(&self) -> bool {
        !self.is_encoded && self.head.len() < MOST
    }

    /// Looks at the next piece of the body, as far as it is worth that.
    pub fn push(&mut self, piece: &[u8]) {
        let left = MOST - self.head.len();
        self.head.extend_from_slice(&piece[..piece.len().min(left)]);
    }

    /// Says what was found. The bytes that were looked at are forgotten.
    #[must_use]
    pub fn finish(self) -> AwsRefusal {
        let found = Found::read(&self.head);
        let code = self.name.or_else(|| found.code.and_then(name));
        let cause = match code.as_deref() {
            Some(code) => RefusalCause::of_code(code),
            None if self.status == StatusCode::TOO_MANY_REQUESTS => RefusalCause::Throttled,
            None => RefusalCause::Unknown,
        };
        AwsRefusal {
            status: self.status,
            cause: cause.hinted(code.as_deref(), found.message.unwrap_or_default()),
            code,
        }
    }
}

impl std::fmt::Debug for RefusalReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefusalReader")
            .field("status", &self.status)
            .field("looked_at", &self.head.len())
            .finish_non_exhaustive()
    }
}

/// The longest code that is believed to be one. The longest of AWS have about seventy characters.
const MAX_CODE: usize = 128;

/// Takes a text for the code that it claims to be, if it looks like one.
fn name(text: &str) -> Option<Box<str>> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_name = (1..=MAX_CODE).contains(&text.len()) && text.bytes().all(allowed);
    is_name.then(|| text.into())
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let fields = fields.iter().map(|&(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        fields.collect()
    }

    fn read(status: u16, error_type: &'static str, body: &str) -> AwsRefusal {
        let fields = [("x-amzn-errortype", error_type)];
        let fields = if error_type.is_empty() {
            &[][..]
        } else {
            &fields
        };
        let status = StatusCode::from_u16(status).unwrap();
        AwsRefusal::read(status, &headers(fields), body.as_bytes()).unwrap()
    }

    const CALCULATED: &str = "The request signature we calculated does not match the signature you \
                              provided. Check your AWS Secret Access Key and signing method. \
                              Consult the service documentation for details.";

    /// Answers as services send them: what is asked of them, and what is found.
    #[test]
    fn finds_the_cause_of_what_services_answer() {
        let s3 = |code: &str, rest: &str| {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>{rest}\
                 <RequestId>4442587FB7D0A2F9</RequestId><HostId>a+b/c=</HostId></Error>"
            )
        };
        let sts = |code: &str, message: &str| {
            format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    \
                 <Type>Sender</Type>\n    <Code>{code}</Code>\n    <Message>{message}</Message>\n  \
                 </Error>\n  <RequestId>7a62c49f</RequestId>\n</ErrorResponse>\n"
            )
        };
        let ec2 = |code: &str| {
            format!(
                "<?xml version=\"1.0\"?><Response><Errors><Error><Code>{code}</Code><Message>no\
                 </Message></Error></Errors><RequestID>1</RequestID></Response>"
            )
        };
        let json =
            |kind: &str, message: &str| format!(r#"{{"__type":"{kind}","message":"{message}"}}"#);
        let bare = |message: &str| format!(r#"{{"message":"{message}"}}"#);
        let canonical = format!(
            "{CALCULATED}\\n\\nThe Canonical String for this request should have been\\n'POST\\n\
             /Signature expired Credential should be scoped to/converse\\n'"
        );
        let scoped = "Credential should be scoped to correct service: 'batch'. ";
        let unknown = "The security token included in the request is invalid.";
        let late = "Signature expired: 20150830T122000Z is now earlier than 20150830T123100Z";
        let region = "<Message>The authorization header is malformed; the region 'us-east-1' is \
                      wrong; expecting 'eu-central-1'</Message><Region>eu-central-1</Region>";
        use RefusalCause as Cause;
        for (status, error_type, body, code, cause) in [
            (403, "", s3("SignatureDoesNotMatch", "<StringToSign>x</StringToSign>"), "SignatureDoesNotMatch", Cause::Signature),
            (403, "InvalidSignatureException:http://internal.amazon.com/coral/", bare(&canonical), "InvalidSignatureException", Cause::Signature),
            (400, "", json("com.amazon.coral.service#InvalidSignatureException", CALCULATED), "InvalidSignatureException", Cause::Signature),
            (403, "", format!(r#"{{"code":"AccessDeniedException","requestId":"1","detailedMessage":"{CALCULATED}"}}"#), "AccessDeniedException", Cause::Signature),
            (403, "", s3("AccessDenied", "<Message>There were headers present in the request which were not signed</Message>"), "AccessDenied", Cause::Signature),
            (401, "", ec2("AuthFailure"), "AuthFailure", Cause::Signature),
            (403, "InvalidSignatureException", bare(scoped), "InvalidSignatureException", Cause::CredentialScope),
            (403, "", sts("SignatureDoesNotMatch", "Credential should be scoped to a valid region, not 'us-east-2'. "), "SignatureDoesNotMatch", Cause::CredentialScope),
            (400, "", s3("AuthorizationHeaderMalformed", region), "AuthorizationHeaderMalformed", Cause::CredentialScope),
            (400, "", s3("AuthorizationQueryParametersError", "<Message>Error parsing the X-Amz-Credential parameter; the region 'us-east-1' is wrong; expecting 'eu-west-1'</Message>"), "AuthorizationQueryParametersError", Cause::CredentialScope),
            (400, "", s3("AuthorizationHeaderMalformed", "<Message>a non-empty Access Key (AKID) must be provided</Message>"), "AuthorizationHeaderMalformed", Cause::MalformedSignature),
            (403, "IncompleteSignatureException", bare("not a valid key=value pair (missing equal-sign) in Authorization header"), "IncompleteSignatureException", Cause::MalformedSignature),
            (403, "MissingAuthenticationTokenException", bare("Missing Authentication Token"), "MissingAuthenticationTokenException", Cause::MissingSignature),
            (403, "InvalidSignatureException", bare(late), "InvalidSignatureException", Cause::Clock),
            (403, "", s3("RequestTimeTooSkewed", "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>"), "RequestTimeTooSkewed", Cause::Clock),
            (403, "", s3("AccessDenied", "<Message>Request has expired</Message><X-Amz-Expires>60</X-Amz-Expires>"), "AccessDenied", Cause::Clock),
            (400, "", ec2("RequestExpired"), "RequestExpired", Cause::Clock),
            (403, "UnrecognizedClientException", bare(unknown), "UnrecognizedClientException", Cause::Credentials),
            (403, "", sts("InvalidClientTokenId", unknown), "InvalidClientTokenId", Cause::Credentials),
            (403, "", s3("InvalidAccessKeyId", "<AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId>"), "InvalidAccessKeyId", Cause::Credentials),
            (403, "AccessDeniedException", bare(unknown), "AccessDeniedException", Cause::Credentials),
            (400, "", s3("ExpiredToken", "<Token-0>secret</Token-0>"), "ExpiredToken", Cause::ExpiredCredentials),
            (403, "ExpiredTokenException", bare("The security token included in the request is expired"), "ExpiredTokenException", Cause::ExpiredCredentials),
            (403, "AccessDeniedException", r#"{"Message":"User: arn:aws:iam::1:user/a is not authorized to perform: bedrock:InvokeModel"}"#.to_owned(), "AccessDeniedException", Cause::Permission),
            (403, "ForbiddenException", bare("Forbidden"), "ForbiddenException", Cause::Permission),
            (403, "", s3("AccessDenied", "<Message>Access Denied</Message>"), "AccessDenied", Cause::Permission),
            (400, "", s3("XAmzContentSHA256Mismatch", "<S3ComputedContentSHA256>0</S3ComputedContentSHA256>"), "XAmzContentSHA256Mismatch", Cause::PayloadHash),
            (400, "", s3("InvalidRequest", "<Message>Missing required header for this request: x-amz-content-sha256</Message>"), "InvalidRequest", Cause::PayloadHash),
            (411, "", s3("MissingContentLength", ""), "MissingContentLength", Cause::BodyLength),
            (429, "ThrottlingException", bare("Too many requests"), "ThrottlingException", Cause::Throttled),
            (400, "", json("com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "no"), "ProvisionedThroughputExceededException", Cause::Throttled),
            (404, "", s3("NoSuchKey", ""), "NoSuchKey", Cause::Request),
            (400, "ValidationException", bare("The provided model identifier is invalid."), "ValidationException", Cause::Request),
            (400, "", json("x#AWS.SimpleQueueService.NonExistentQueue", "no"), "AWS.SimpleQueueService.NonExistentQueue", Cause::Request),
        ] {
            let found = read(status, error_type, &body);
            assert_eq!(found.code(), Some(code), "{body}");
            assert_eq!(found.cause(), cause, "{body}");
            assert_eq!(found.status(), status);
        }
        for (status, body, cause) in [
            (403, "", Cause::Unknown),
            (
                403,
                "<html><head><title>403 Forbidden</title></head></html>",
                Cause::Unknown,
            ),
            (403, r#"{"message":"Forbidden"}"#, Cause::Unknown),
            (
                403,
                r#"{"message":"Signature not yet current: 1 is still later than 2"}"#,
                Cause::Clock,
            ),
            (429, "slow down", Cause::Throttled),
        ] {
            let found = read(status, "", body);
            assert_eq!((found.code(), found.cause()), (None, cause), "{body}");
        }
    }

    #[test]
    fn takes_nothing_for_a_code_that_is_no_name() {
        for code in [
            "a b",
            "a\\u0000",
            "AKID/SECRET+x",
            "a\u{e4}",
            "",
            &"a".repeat(MAX_CODE + 1),
        ] {
            let found = read(403, "", &format!(r#"{{"code":"{code}"}}"#));
            assert_eq!(
                (found.code(), found.cause()),
                (None, RefusalCause::Unknown),
                "{code}"
            );
        }
        let code = "a".repeat(MAX_CODE);
        let found = read(403, "", &format!(r#"{{"code":"{code}"}}"#));
        assert_eq!(found.code(), Some(&*code));
    }

    #[test]
    fn keeps_nothing_of_the_message() {
        let secret = "IQoJb3JpZ2luX2VjE";
        let body = format!(r#"{{"message":"x-amz-security-token:{secret}","code":"{secret}=="}}"#);
        let mut reader = RefusalReader::begin(StatusCode::FORBIDDEN, &HeaderMap::new()).unwrap();
        reader.push(body.as_bytes());
        let text = format!("{reader:?}");
        assert!(!text.contains(secret), "{text}");
        let text = format!("{:?}", reader.finish());
        assert!(!text.contains(secret), "{text}");
    }

    #[test]
    fn looks_at_refusals_only_at_what_is_plain_and_at_16_kib() {
        for status in [200, 301, 304, 399, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(AwsRefusal::read(status, &HeaderMap::new(), b"").is_none());
        }
        let body = br#"{"code":"ExpiredToken"}"#;
        let zipped = headers(&[("content-encoding", "gzip")]);
        let found = AwsRefusal::read(StatusCode::FORBIDDEN, &zipped, body).unwrap();
        assert_eq!(found.code(), None);

        for (blanks, code) in [
            (16 * 1024 - body.len(), Some("ExpiredToken")),
            (16 * 1024, None),
        ] {
            let body = [" ".repeat(blanks).as_bytes(), body].concat();
            let found = AwsRefusal::read(StatusCode::FORBIDDEN, &HeaderMap::new(), &body).unwrap();
            assert_eq!(found.code(), code);
            // Piece by piece it is the same.
            let mut reader =
                RefusalReader::begin(StatusCode::FORBIDDEN, &HeaderMap::new()).unwrap();
            for piece in body.chunks(7) {
                reader.push(piece);
            }
            assert_eq!(reader.finish(), found);
        }
    }

    #[test]
    fn has_a_name_and_an_advice_for_every_cause() {
        use RefusalCause as Cause;
        let all = [
            Cause::Signature,
            Cause::CredentialScope,
            Cause::MalformedSignature,
            Cause::MissingSignature,
            Cause::Clock,
            Cause::Credentials,
            Cause::ExpiredCredentials,
            Cause::Permission,
            Cause::PayloadHash,
            Cause::BodyLength,
            Cause::Throttled,
            Cause::Request,
            Cause::Unknown,
        ];
        let mut names: Vec<_> = all.iter().map(|cause| cause.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        for cause in all {
            let advice = cause.advice();
            assert!(advice.contains(':') && !advice.ends_with('.'), "{advice}");
            assert!(!advice.contains("  "), "{advice}");
        }
    }
}
