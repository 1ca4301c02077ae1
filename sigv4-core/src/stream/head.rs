//! What the head of a request says of a body that is signed as it passes.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

use crate::canonical::headers::SignedHeaders;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::header_rules::RequestHeaderRules;
use crate::names;

/// The headers that are set or removed on account of the body. None, for most bodies.
#[derive(Clone, Default)]
pub(crate) struct StreamHead {
    changes: Vec<(HeaderName, Option<HeaderValue>)>,
}

impl StreamHead {
    /// Describes a body in aws-chunked encoding.
    pub(crate) fn aws_chunked(
        headers: &HeaderMap,
        trailer: Option<HeaderName>,
        decoded_length: Option<u64>,
        encoded_length: Option<u64>,
    ) -> Self {
        let trailer = trailer.map(HeaderValue::from);
        let mut head = Self {
            changes: vec![
                (
                    header::CONTENT_ENCODING,
                    content_encoding(headers, Some(names::AWS_CHUNKED)),
                ),
                (
                    header::CONTENT_LENGTH,
                    encoded_length.map(HeaderValue::from),
                ),
                (
                    names::X_AMZ_DECODED_CONTENT_LENGTH,
                    decoded_length.map(HeaderValue::from),
                ),
                (names::X_AMZ_TRAILER, trailer),
            ],
        };
        if encoded_length.is_some() && headers.contains_key(header::TRANSFER_ENCODING) {
            // Both would contradict each other.
            head.changes.push((header::TRANSFER_ENCODING, None));
        }
        head
    }

    /// Describes a stream of events.
    pub(crate) fn events(headers: &HeaderMap) -> Self {
        let mut head = Self::default();
        if headers.contains_key(header::CONTENT_LENGTH) {
            // Nobody knows how long it will be, and each event grows by its signature.
            head.changes.push((header::CONTENT_LENGTH, None));
        }
        if !headers.contains_key(header::CONTENT_TYPE) {
            let events = HeaderValue::from_static(names::EVENT_STREAM);
            head.changes.push((header::CONTENT_TYPE, Some(events)));
        }
        head
    }

    /// Removes what an earlier signature said of a body that was in aws-chunked encoding, which
    /// this one is not. Its length is this one, or what it was before it was encoded.
    pub(crate) fn is_plain_again(&mut self, headers: &HeaderMap, length: Option<u64>) {
        if self.changes_it(&header::CONTENT_ENCODING) {
            return;
        }
        if all_codings(headers).any(is_aws_chunked) {
            self.changes
                .push((header::CONTENT_ENCODING, content_encoding(headers, None)));
        }
        let decoded = headers.get(names::X_AMZ_DECODED_CONTENT_LENGTH);
        if decoded.is_some()
            && headers.contains_key(header::CONTENT_LENGTH)
            && !self.changes_it(&header::CONTENT_LENGTH)
        {
            let length = length.map(HeaderValue::from).or_else(|| decoded.cloned());
            self.changes.push((header::CONTENT_LENGTH, length));
        }
        self.changes.extend([
            (names::X_AMZ_DECODED_CONTENT_LENGTH, None),
            (names::X_AMZ_TRAILER, None),
        ]);
    }

    /// Returns what a header becomes, if it is set.
    pub(crate) fn value(&self, name: &str) -> Option<&HeaderValue> {
        let set = self.changes.iter().find(|(set, _)| set == name)?;
        set.1.as_ref()
    }

    /// Tells whether a header of the request does not count any more.
    #[inline]
    pub(crate) fn changes_it(&self, name: &HeaderName) -> bool {
        !self.changes.is_empty() && self.changes.iter().any(|(changed, _)| changed == name)
    }

    /// Adds what is set, as far as it is signed.
    pub(crate) fn push_to<'a>(
        &'a self,
        headers: &mut SignedHeaders<'a>,
        rules: &RequestHeaderRules<'_>,
    ) {
        for (name, value) in &self.changes {
            if let Some(value) = value
                .as_ref()
                .filter(|_| is_ours(name) || rules.signs(name.as_str()))
            {
                headers.push(name.as_str(), value.as_bytes());
            }
        }
    }

    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        for (name, value) in self.changes {
            match value {
                Some(value) => headers.insert(name, value),
                None => headers.remove(name),
            };
        }
    }
}

/// Tells the headers that have no meaning without the signature, and are always signed.
fn is_ours(name: &HeaderName) -> bool {
    *name == names::X_AMZ_DECODED_CONTENT_LENGTH || *name == names::X_AMZ_TRAILER
}

/// Returns the codings of a body with this one for the outermost, and no other aws-chunked.
fn content_encoding(headers: &HeaderMap, outermost: Option<&'static str>) -> Option<HeaderValue> {
    let outermost = outermost.map(str::as_bytes);
    let codings: Vec<&[u8]> = outermost.into_iter().chain(codings(headers)).collect();
    if codings.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&codings.join(&b","[..])).ok()
}

/// Returns the codings that a body has, but for aws-chunked.
fn codings(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    all_codings(headers).filter(|coding| !coding.is_empty() && !is_aws_chunked(coding))
}

fn all_codings(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    values
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
}

fn is_aws_chunked(coding: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(names::AWS_CHUNKED.as_bytes())
}

/// Tells whether a body is said to be in the encoding of a signature already, which another one
/// cannot cover: by its coding, by what stands for its hash, by its length before it was encoded, or
/// by its trailer. Clients are known that send only one of these.
#[cfg(feature = "runtime")]
#[must_use]
pub fn is_encoded(headers: &HeaderMap) -> bool {
    all_codings(headers).any(is_aws_chunked)
        || headers.contains_key(names::X_AMZ_DECODED_CONTENT_LENGTH)
        || headers.contains_key(names::X_AMZ_TRAILER)
        || headers
            .get_all(names::X_AMZ_CONTENT_SHA256)
            .iter()
            .any(announces_stream)
}

/// Checks what a request says of a body that is in aws-chunked encoding already, and tells whether
/// it says how long that is.
pub(crate) fn check_pre_chunked(headers: &HeaderMap) -> Result<bool, Error> {
    if all_codings(headers)
        .filter(|coding| is_aws_chunked(coding))
        .nth(1)
        .is_some()
    {
        return Err(CHUNKED_TWICE);
    }
    let trailer = only(headers, &names::X_AMZ_TRAILER).ok_or(NO_TRAILER)?;
    if !names_checksum(trailer) {
        return Err(NO_TRAILER);
    }
    let decoded = only(headers, &names::X_AMZ_DECODED_CONTENT_LENGTH).and_then(number);
    let decoded = decoded.ok_or(NO_DECODED_LENGTH)?;
    let encoded = match headers.get(header::CONTENT_LENGTH) {
        Some(_) => only(headers, &header::CONTENT_LENGTH).and_then(number),
        None => return Ok(false),
    };
    if encoded.is_some_and(|encoded| encoded > decoded) {
        Ok(true)
    } else {
        Err(BAD_ENCODED_LENGTH)
    }
}

/// Returns the value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    Some(value.as_bytes().trim_ascii())
}

fn number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Tells whether a name is one of a checksum; which ones there are, S3 knows better.
fn names_checksum(name: &[u8]) -> bool {
    const START: &[u8] = b"x-amz-checksum-";
    let is_checksum = name
        .get(..START.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(START));
    let algorithm = name.get(START.len()..).unwrap_or_default();
    is_checksum && !algorithm.is_empty() && algorithm.iter().all(u8::is_ascii_alphanumeric)
}

/// What a body that is in aws-chunked encoding already, and not signed, is announced by.
pub(crate) const UNSIGNED_CHUNKS: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

const CHUNKED_TWICE: Error = Error::new(
    ErrorKind::Payload,
    "the Content-Encoding names aws-chunked more than once; encode the body once",
);
const NO_TRAILER: Error = Error::new(
    ErrorKind::Payload,
    "the x-amz-trailer header of an aws-chunked body must name one checksum, \
     such as `x-amz-checksum-crc32`",
);
const NO_DECODED_LENGTH: Error = Error::new(
    ErrorKind::Payload,
    "the x-amz-decoded-content-length header of an aws-chunked body must say how long the body was \
     before it was encoded",
);
const BAD_ENCODED_LENGTH: Error = Error::new(
    ErrorKind::BodyLength,
    "the Content-Length of an aws-chunked body must be a number greater than its \
     x-amz-decoded-content-length",
);

/// Tells whether a value of `x-amz-content-sha256` is no hash, but the kind of a body that is signed
/// as it passes; however it is written.
pub(crate) fn announces_stream(value: &HeaderValue) -> bool {
    value.as_bytes().split(|&byte| byte == b',').any(|value| {
        let start = value.trim_ascii().get(..names::STREAMING.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(names::STREAMING))
    })
}
