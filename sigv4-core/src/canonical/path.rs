//! The canonical path.
//!
//! For most services the path is normalised as RFC 3986, section 6.2.2.3 says, and every octet but
//! the unreserved ones and `/` is percent-encoded, those of escapes that are there already
//! included. In the S3 family the path is an object's key: nothing is removed from it, and each
//! octet is encoded once.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request>
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

use std::borrow::Cow;

use percent_encoding::percent_decode;
use percent_encoding::percent_encode;

use crate::canonical::RESERVED_IN_PATH;
use crate::canonical::escaped_octet;
use crate::canonical::is_unreserved;
use crate::canonical::sink::Sink;
use crate::rules::SigningRules;
use crate::rules::WireForm;

/// A path in the form it is signed in.
pub(crate) struct CanonicalPath<'a> {
    text: Cow<'a, str>,
    /// Whether the text has yet to be encoded, which is done as it is written.
    encode: bool,
    /// Whether `text` is what goes on the wire in place of the path that was given.
    rewrites: bool,
}

impl<'a> CanonicalPath<'a> {
    pub(crate) fn new(given: &'a str, rules: &SigningRules, wire: WireForm) -> Self {
        let given = if given.is_empty() { "/" } else { given };
        let shape = Shape::of(given);
        let normalizes = rules.normalize_path && shape.has_dots_or_gaps;
        if shape.is_unreserved && !normalizes {
            return Self {
                text: Cow::Borrowed(given),
                encode: false,
                rewrites: false,
            };
        }
        let text = match (rules.double_encode_path, wire) {
            // Escapes are read before segments are: decoded they may be dots.
            (false, _) => {
                let encoded = replace(Cow::Borrowed(given), true, encode_once);
                replace(encoded, rules.normalize_path, normalize)
            }
            (true, WireForm::AsGiven) => replace(Cow::Borrowed(given), normalizes, normalize),
            // The server encodes what arrives. What may not stand in a URI is escaped first, or
            // any hop that does so in between would change what is signed.
            (true, WireForm::Canonical | WireForm::RefuseIfDifferent) => {
                let normal = replace(Cow::Borrowed(given), normalizes, normalize);
                replace(normal, true, escape_illegal)
            }
        };
        let rewrites = matches!(text, Cow::Owned(_)) && wire != WireForm::AsGiven;
        Self {
            text,
            encode: rules.double_encode_path,
            rewrites,
        }
    }

    /// Returns the path to send, if it is another than the one that was given.
    pub(crate) fn rewritten(&self) -> Option<&str> {
        self.rewrites.then_some(&*self.text)
    }

    pub(crate) fn write_to(&self, sink: &mut impl Sink) {
        let text = self.text.as_bytes();
        if self.encode {
            percent_encode(text, RESERVED_IN_PATH).for_each(|piece| sink.put_str(piece));
        } else {
            sink.put(text);
        }
    }
}

/// What a path holds, read in one pass: with most paths there is nothing to be done.
struct Shape {
    /// Nothing but unreserved octets and slashes, which are the same in every form.
    is_unreserved: bool,
    /// Perhaps an empty segment or a dot segment.
    has_dots_or_gaps: bool,
}

impl Shape {
    fn of(path: &str) -> Self {
        let mut shape = Self {
            is_unreserved: true,
            has_dots_or_gaps: !path.starts_with('/'),
        };
        let mut after_slash = false;
        for byte in path.bytes() {
            let slash = byte == b'/';
            shape.is_unreserved &= slash | is_unreserved(byte);
            shape.has_dots_or_gaps |= after_slash & (slash | (byte == b'.'));
            after_slash = slash;
        }
        shape
    }
}

/// Applies a step to a path that a step before it may have copied already.
fn replace<'a>(
    path: Cow<'a, str>,
    applies: bool,
    step: fn(&str) -> Option<String>,
) -> Cow<'a, str> {
    let changed = if applies { step(&path) } else { None };
    changed.map_or(path, Cow::Owned)
}

/// Removes empty segments and dot segments. A slash at the end is kept where there is one; `/a/.`
/// and `/a/b/..` become `/a`, as in aws-c-auth and the SDK for Java.
fn normalize(path: &str) -> Option<String> {
    if !path.contains("//") && !path.contains("/.") && path.starts_with('/') {
        return None;
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let mut normal = String::with_capacity(path.len() + 1);
    for segment in &kept {
        normal.push('/');
        normal.push_str(segment);
    }
    if normal.is_empty() || path.ends_with('/') {
        normal.push('/');
    }
    (normal != path).then_some(normal)
}

/// Decodes every escape and encodes every octet but the unreserved ones and `/`, so that each
/// object has one spelling. `%2F` becomes `/`, which to S3 is the same key.
fn encode_once(path: &str) -> Option<String> {
    let bytes = path.as_bytes();
    let canonical = |at: usize| match bytes[at] {
        b'/' => true,
        b'%' => escaped_octet(&bytes[at..]).is_some_and(|octet| {
            !is_unreserved(octet)
                && octet != b'/'
                && !bytes[at + 1..at + 3].iter().any(u8::is_ascii_lowercase)
        }),
        byte => is_unreserved(byte),
    };
    if (0..bytes.len()).all(canonical) {
        return None;
    }
    let octets: Vec<u8> = percent_decode(bytes).collect();
    Some(percent_encode(&octets, RESERVED_IN_PATH).collect())
}

/// Escapes what `http::Uri` lets through but RFC 3986 does not allow in a path: quotes, braces,
/// non-ASCII octets, and a percent sign that begins no escape.
fn escape_illegal(path: &str) -> Option<String> {
    let bytes = path.as_bytes();
    let legal = |at: usize| match bytes[at] {
        b'%' => escaped_octet(&bytes[at..]).is_some(),
        byte => is_legal(byte),
    };
    if (0..bytes.len()).all(legal) {
        return None;
    }
    let mut escaped = String::with_capacity(bytes.len() + 16);
    for (at, &byte) in bytes.iter().enumerate() {
        if legal(at) {
            escaped.push(char::from(byte));
        } else {
            escaped.extend(percent_encode(&[byte], RESERVED_IN_PATH));
        }
    }
    Some(escaped)
}

/// `pchar` of RFC 3986 without its escapes, and `/`.
const fn is_legal(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'/' | b':'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(given: &str, service: &str, wire: WireForm) -> (String, Option<String>) {
        let rules = SigningRules::for_service(service);
        let path = CanonicalPath::new(given, &rules, wire);
        let mut signed = Vec::new();
        path.write_to(&mut signed);
        (
            String::from_utf8(signed).unwrap(),
            path.rewritten().map(str::to_owned),
        )
    }

    /// Left to right: what is given, what is sent, what is signed.
    #[test]
    fn most_services_normalise_and_encode_twice() {
        for (given, sent, signed) in [
            ("", None, "/"),
            ("/", None, "/"),
            ("/a/b", None, "/a/b"),
            (
                "/model/anthropic.claude-v2:1/converse",
                None,
                "/model/anthropic.claude-v2%3A1/converse",
            ),
            ("/model/a%3A0/converse", None, "/model/a%253A0/converse"),
            ("/a%2Fb", None, "/a%252Fb"),
            ("/a%2fb", None, "/a%252fb"),
            ("/a//b", Some("/a/b"), "/a/b"),
            ("/a/./b/../c", Some("/a/c"), "/a/c"),
            ("/a/.", Some("/a"), "/a"),
            ("/a/b/..", Some("/a"), "/a"),
            ("/a/b/../", Some("/a/"), "/a/"),
            ("/..", Some("/"), "/"),
            ("/.", Some("/"), "/"),
            ("/.hidden", None, "/.hidden"),
            ("/a/...", None, "/a/..."),
            ("//", Some("/"), "/"),
            ("/{id}", Some("/%7Bid%7D"), "/%257Bid%257D"),
            ("/%zz", Some("/%25zz"), "/%2525zz"),
            ("/a%", Some("/a%25"), "/a%2525"),
            ("/é", Some("/%C3%A9"), "/%25C3%25A9"),
        ] {
            let expected = (signed.to_owned(), sent.map(str::to_owned));
            assert_eq!(
                canonical(given, "bedrock", WireForm::Canonical),
                expected,
                "{given}"
            );
        }
    }

    #[test]
    fn s3_keeps_the_key_and_encodes_once() {
        for (given, sent) in [
            ("/", None),
            ("/a//b/./c/../d", None),
            ("/a b".replace(' ', "%20").as_str(), None),
            ("/a@b+c=d;e:f", Some("/a%40b%2Bc%3Dd%3Be%3Af")),
            ("/a%2fb%2Fc", Some("/a/b/c")),
            ("/%7E%41", Some("/~A")),
            ("/%c3%a9", Some("/%C3%A9")),
            ("/a%20b@c", Some("/a%20b%40c")),
            ("/%zz%", Some("/%25zz%25")),
            ("/é", Some("/%C3%A9")),
        ] {
            let signed = sent.unwrap_or(given).to_owned();
            let expected = (signed, sent.map(str::to_owned));
            assert_eq!(
                canonical(given, "s3", WireForm::Canonical),
                expected,
                "{given}"
            );
        }
    }

    #[test]
    fn custom_rules_read_escapes_before_segments() {
        let rules = SigningRules::standard().double_encode_path(false);
        let path = CanonicalPath::new("/x/%2E%2E/y%40", &rules, WireForm::Canonical);
        assert_eq!(path.rewritten(), Some("/y%40"));
    }

    #[test]
    fn as_given_signs_the_canonical_form_and_sends_the_other() {
        for (service, given, signed) in [
            ("execute-api", "/a/../{b}", "/%7Bb%7D"),
            ("execute-api", "/é", "/%C3%A9"),
            ("s3", "/a@b", "/a%40b"),
        ] {
            let expected = (signed.to_owned(), None);
            assert_eq!(
                canonical(given, service, WireForm::AsGiven),
                expected,
                "{given}"
            );
        }
    }
}
