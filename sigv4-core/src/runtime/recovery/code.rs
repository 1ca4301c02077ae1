//! Where AWS says why it refused a request: the error code.
//!
//! The protocols differ. REST-JSON has it in a header, the other JSON protocols in the body, the
//! XML ones in one of three wrappers:
//! <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization>
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#RESTErrorResponses>
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
//!
//! What is read comes from the network, may be cut off anywhere and may be made to harm. It is
//! gone through once, byte by byte, without recursion and without an allocation, and what cannot be
//! read is not there.

use http::HeaderMap;

/// What AWS calls an error, as far as it concerns who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// The credentials are not good any more, or not known any more.
    Credentials,
    /// The time of the signature is too far from that of the server.
    Clock,
    /// Either of the two: EC2 has one code for both.
    Expired,
    /// The signature is not what the server computed. Among many other reasons that may be the
    /// time.
    Signature,
    /// Nothing that another signature would change.
    Other,
}

impl Code {
    fn of(name: &str) -> Self {
        match name {
            "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidToken"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException" => Self::Credentials,
            "RequestTimeTooSkewed" | "RequestInTheFuture" => Self::Clock,
            "RequestExpired" => Self::Expired,
            "InvalidSignatureException" | "SignatureDoesNotMatch" | "AuthFailure" => {
                Self::Signature
            }
            _ => Self::Other,
        }
    }

    /// Reads the code where REST-JSON has it: `x-amzn-errortype: Code:uri`.
    pub(super) fn in_headers(headers: &HeaderMap) -> Option<Self> {
        name_in_headers(headers).map(Self::of)
    }
}

/// Returns the name that is in the headers.
pub(in crate::runtime) fn name_in_headers(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get("x-amzn-errortype")?.to_str().ok()?;
    Some(bare(value))
}

/// What a body says of an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) code: Option<Code>,
    /// Whether the message is one of those about the time: `Signature expired: … is now earlier
    /// than …` or `Signature not yet current: … is still later than …`.
    pub(super) blames_time: bool,
    /// Whether S3 says that the lifetime in the query of the request is over.
    pub(super) has_expired: bool,
    /// Whether there was a message at all.
    pub(super) has_message: bool,
}

impl Report {
    /// Reads a body, or the beginning of one.
    pub(super) fn read(body: &[u8]) -> Self {
        let found = Found::read(body);
        Self {
            code: found.code.map(Code::of),
            blames_time: found.message.is_some_and(blames_time),
            has_expired: found.code == Some("AccessDenied")
                && found.message.is_some_and(has_expired),
            has_message: found.message.is_some(),
        }
    }
}

/// What a body, or the beginning of one, calls its error, and what it says of it. The text may hold
/// a session token.
#[derive(Clone, Copy, Default)]
pub(in crate::runtime) struct Found<'a> {
    pub(in crate::runtime) code: Option<&'a str>,
    pub(in crate::runtime) message: Option<&'a [u8]>,
}

impl<'a> Found<'a> {
    pub(in crate::runtime) fn read(body: &'a [u8]) -> Self {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let found = match body.trim_ascii_start() {
            text @ [b'{', ..] => Fields::in_json(text),
            text @ [b'<', ..] => Fields::in_xml(text),
            _ => Fields::default(),
        };
        let code = found.code.and_then(|code| std::str::from_utf8(code).ok());
        Self {
            code: code.map(bare),
            message: found.message,
        }
    }
}

/// The name in `aws.protocoltests#Name:http://internal.amazon.com/coral/`.
fn bare(code: &str) -> &str {
    let code = code.split_once(':').map_or(code, |(code, _)| code);
    let code = code.rsplit_once('#').map_or(code, |(_, code)| code);
    code.trim()
}

pub(in crate::runtime) fn blames_time(message: &[u8]) -> bool {
    [&b"Signature expired"[..], b"Signature not yet current"]
        .iter()
        .any(|text| contains(message, text))
}

/// Tells whether S3 says that the lifetime in the query of a request is over.
pub(in crate::runtime) fn has_expired(message: &[u8]) -> bool {
    message.starts_with(b"Request has expired")
}

pub(in crate::runtime) fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[derive(Default)]
struct Fields<'a> {
    code: Option<&'a [u8]>,
    message: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Reads the strings among the members of the outermost object.
    fn in_json(text: &'a [u8]) -> Self {
        let mut found = Self::default();
        // The later ones are asked only where the earlier ones are not there.
        let mut codes = [None; 3];
        let mut rest = Json { rest: text };
        let mut depth = 0_u32;
        let mut key = None;
        while let Some(token) = rest.next() {
            match token {
                Token::Open => {
                    depth += 1;
                    key = None;
                }
                Token::Close => {
                    depth = depth.saturating_sub(1);
                    key = None;
                    if depth == 0 {
                        break;
                    }
                }
                Token::Comma => key = None,
                Token::Other => {}
                Token::String(string) if depth == 1 => match key.replace(string) {
                    None => {}
                    Some(b"__type") => codes[0] = codes[0].or(Some(string)),
                    Some(b"code") => codes[1] = codes[1].or(Some(string)),
                    Some(b"Code") => codes[2] = codes[2].or(Some(string)),
                    Some(b"message" | b"Message" | b"detailedMessage") => {
                        found.message = found.message.or(Some(string));
                    }
                    Some(_) => {}
                },
                Token::String(_) => {}
            }
        }
        found.code = codes.into_iter().flatten().next();
        found
    }

    /// Reads the `Code` and `Message` of an `Error` that is where the protocols have it.
    fn in_xml(text: &'a [u8]) -> Self {
        let mut found = Self::default();
        let mut rest = text;
        let mut path = Path::default();
        while let Some(at) = rest.iter().position(|&byte| byte == b'<') {
            rest = &rest[at + 1..];
            if let Some(skipped) = skip_markup(rest) {
                rest = skipped;
                continue;
            }
            let Some(end) = end_of_tag(rest) else { break };
            let (tag, behind) = (&rest[..end], &rest[end + 1..]);
            rest = behind;
            if tag.starts_with(b"/") {
                path.pop();
                continue;
            }
            if tag.ends_with(b"/") {
                continue;
            }
            let length = tag.iter().position(u8::is_ascii_whitespace);
            path.push(&tag[..length.unwrap_or(tag.len())]);
            let field = match path.leads_to() {
                Some(b"Code") => &mut found.code,
                Some(b"Message") => &mut found.message,
                _ => continue,
            };
            // An element whose end is missing may have a longer text.
            if let (None, Some(end)) = (&field, behind.iter().position(|&byte| byte == b'<')) {
                *field = Some(behind[..end].trim_ascii());
            }
        }
        found
    }
}

/// The JSON text that has not been looked at yet.
struct Json<'a> {
    rest: &'a [u8],
}

enum Token<'a> {
    Open,
    Close,
    Comma,
    /// What stands between the quotes, with its escapes.
    String(&'a [u8]),
    /// Punctuation, blanks, numbers and words.
    Other,
}

impl<'a> Json<'a> {
    /// `None` at the end, and where a string has none.
    fn next(&mut self) -> Option<Token<'a>> {
        let (&first, behind) = self.rest.split_first()?;
        self.rest = behind;
        Some(match first {
            b'{' | b'[' => Token::Open,
            b'}' | b']' => Token::Close,
            b',' => Token::Comma,
            b'"' => {
                let mut escaped = false;
                let end = behind.iter().position(|&byte| {
                    let ends = byte == b'"' && !escaped;
                    escaped = byte == b'\\' && !escaped;
                    ends
                })?;
                self.rest = &behind[end + 1..];
                Token::String(&behind[..end])
            }
            _ => Token::Other,
        })
    }
}

/// Skips a declaration, a comment, a section of characters or a document type, behind its `<`.
/// `None` for a tag.
fn skip_markup(rest: &[u8]) -> Option<&[u8]> {
    let end: &[u8] = match rest {
        [b'?', ..] => b"?>",
        [b'!', b'-', b'-', ..] => b"-->",
        [b'!', b'[', ..] => b"]]>",
        [b'!', ..] => b">",
        _ => return None,
    };
    let at = rest.windows(end.len()).position(|window| window == end);
    Some(at.map_or(&[], |at| &rest[at + end.len()..]))
}

/// Finds the `>` of a tag, which may stand in the value of an attribute, too.
fn end_of_tag(rest: &[u8]) -> Option<usize> {
    let mut quote = None;
    rest.iter().position(|&byte| match quote {
        Some(open) => {
            if byte == open {
                quote = None;
            }
            false
        }
        None => {
            if matches!(byte, b'"' | b'\'') {
                quote = Some(byte);
            }
            byte == b'>'
        }
    })
}

/// The names of the elements that are open, as deep as they matter.
#[derive(Default)]
struct Path<'a> {
    names: [&'a [u8]; 4],
    depth: usize,
}

impl<'a> Path<'a> {
    fn push(&mut self, name: &'a [u8]) {
        if let Some(slot) = self.names.get_mut(self.depth) {
            *slot = name;
        }
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// The last name, below an `Error` of one of the protocols.
    fn leads_to(&self) -> Option<&'a [u8]> {
        match self.names.get(..self.depth)? {
            [b"Error", last]
            | [b"ErrorResponse", b"Error", last]
            | [b"Response", b"Errors", b"Error", last] => Some(last),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bodies as AWS sends them, and the code in each.
    const BODIES: [(&str, Option<Code>); 16] = [
        (
            r#"{"__type":"ExpiredTokenException","message":"The security token is expired"}"#,
            Some(Code::Credentials),
        ),
        (
            r#"{"message":"…","__type":"com.amazon.coral.service#UnrecognizedClientException"}"#,
            Some(Code::Credentials),
        ),
        (
            r#"{ "code" : "AccessDeniedException:http://internal.amazon.com/coral/" }"#,
            Some(Code::Other),
        ),
        (r#"{"Code":"ExpiredToken"}"#, Some(Code::Credentials)),
        (
            r#"{"code":"ExpiredToken","__type":"AccessDenied"}"#,
            Some(Code::Other),
        ),
        (
            r#"{"a":[{"code":"x"},"\"code\":"],"b":1,"code":"InvalidToken"}"#,
            Some(Code::Credentials),
        ),
        // A value is no name, and what is further inside is not the error.
        (r#"{"message":"code","x":"ExpiredToken"}"#, None),
        (r#"{"a":{"code":"ExpiredToken"}}"#, None),
        (r#"[{"code":"ExpiredToken"}]"#, None),
        (r#"{"code":403,"x":"ExpiredToken"}"#, None),
        (
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>RequestTimeTooSkewed</Code>\
             <Message>The difference is too large</Message></Error>",
            Some(Code::Clock),
        ),
        (
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
             <Type>Sender</Type><Code> ExpiredToken </Code></Error></ErrorResponse>",
            Some(Code::Credentials),
        ),
        (
            "<Response><Errors><Error><Code>RequestExpired</Code></Error></Errors></Response>",
            Some(Code::Expired),
        ),
        (
            "<!DOCTYPE x><!-- <Error><Code>ExpiredToken</Code> --><Error a='>' b=\"/>\"><x/>\
             <Code>AuthFailure</Code></Error>",
            Some(Code::Signature),
        ),
        (
            "<Error><Detail><Code>ExpiredToken</Code></Detail></Error>",
            None,
        ),
        ("ExpiredToken", None),
    ];

    #[test]
    fn finds_the_code_where_each_protocol_has_it() {
        for (body, code) in BODIES {
            assert_eq!(Report::read(body.as_bytes()).code, code, "{body}");
            let marked = format!("\u{feff} \r\n{body}");
            assert_eq!(Report::read(marked.as_bytes()).code, code, "{marked}");
        }
    }

    #[test]
    fn finds_the_code_in_the_header() {
        for (value, code) in [
            ("ExpiredTokenException", Some(Code::Credentials)),
            (
                "InvalidSignatureException:http://internal.amazon.com/coral/",
                Some(Code::Signature),
            ),
            ("AccessDeniedException", Some(Code::Other)),
            ("", Some(Code::Other)),
            ("\u{e4}", None),
        ] {
            let mut headers = HeaderMap::new();
            assert_eq!(Code::in_headers(&headers), None);
            let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.insert("x-amzn-errortype", value);
            assert_eq!(Code::in_headers(&headers), code);
        }
    }

    #[test]
    fn sees_whether_the_time_is_to_blame() {
        let expired = "Signature expired: 20150830T122000Z is now earlier than 20150830T123100Z \
                       (20150830T123600Z - 5 min.)";
        for (message, blames_time) in [
            (expired, true),
            ("Signature not yet current: 1 is still later than 2", true),
            ("The request signature we calculated does not match", false),
        ] {
            for body in [
                format!(r#"{{"message":"{message}"}}"#),
                format!(r#"{{"__type":"x","Message":"{message}"}}"#),
                format!("<ErrorResponse><Error><Message>{message}</Message>"),
            ] {
                let report = Report::read(body.as_bytes());
                assert_eq!(report.blames_time, blames_time, "{body}");
                assert!(report.has_message);
            }
        }
    }

    #[test]
    fn sees_whether_a_lifetime_is_over() {
        for (code, message, has_expired) in [
            ("AccessDenied", "Request has expired", true),
            ("AccessDenied", "Access Denied", false),
            ("NoSuchKey", "Request has expired", false),
        ] {
            let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
            let report = Report::read(body.as_bytes());
            assert_eq!(report.has_expired, has_expired, "{body}");
            assert_eq!(report.code, Some(Code::Other), "{body}");
        }
    }

    #[test]
    fn reads_what_is_cut_off_and_never_finds_another_code() {
        for (body, code) in BODIES {
            for end in 0..body.len() {
                let found = Report::read(&body.as_bytes()[..end]).code;
                // The first of two codes is all there is before the second.
                let early = body
                    .contains("__type\":\"AccessDenied")
                    .then_some(Code::Credentials);
                assert!(
                    found.is_none() || found == code || found == early,
                    "{body} up to {end}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn survives_every_text() {
        // Each text of six bytes that mean something, behind either of the beginnings.
        const MEANING: &[u8] = b"{}[]\":,\\<>/!?-=' eC\xff";
        let count = MEANING.len() as u64;
        let mut state = 1_u64;
        for _ in 0..200_000 {
            let mut text = vec![if state & 1 == 0 { b'{' } else { b'<' }];
            for _ in 0..12 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let at = usize::try_from((state >> 33) % count).unwrap();
                text.push(MEANING[at]);
            }
            let _ = Report::read(&text);
        }
        let deep = "{\"a\":[".repeat(100_000);
        assert_eq!(Report::read(deep.as_bytes()), Report::default());
        let deep = "<a>".repeat(100_000);
        assert_eq!(Report::read(deep.as_bytes()), Report::default());
    }
}
