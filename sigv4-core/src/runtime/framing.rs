//! How long a body is, by its headers and in fact.
//!
//! An adapter decides the framing of what it sends: a length that a client declared is compared
//! with the body and never passed on unseen, so that no body goes out as a valid shorter one.
//!
//! <https://www.rfc-editor.org/rfc/rfc9112#section-6>

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header;

pub use crate::body::into_bytes;
pub(super) use crate::body::length_mismatch;
pub use crate::body::trailers_refused;
use crate::error::Error;
use crate::error::ErrorKind;

/// Reads the length that a `Content-Length` header declares. Repeated equal values count as one.
///
/// # Errors
///
/// [`ErrorKind::BodyLength`] when the values differ or are not numbers, or when there is a transfer
/// coding other than `chunked`: it would be lost with its header.
pub fn declared_length(headers: &HeaderMap) -> Result<Option<u64>, Error> {
    if !is_chunked_at_most(headers) {
        return Err(CODED);
    }
    let mut declared = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        for part in value.as_bytes().split(|&byte| byte == b',') {
            let length = std::str::from_utf8(part.trim_ascii())
                .ok()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|text| text.parse::<u64>().ok())
                .ok_or(UNREADABLE)?;
            if declared.is_some_and(|declared| declared != length) {
                return Err(CONTRADICTORY);
            }
            declared = Some(length);
        }
    }
    Ok(declared)
}

/// Tells whether a body has no transfer coding but `chunked`. Any other would be lost with the
/// header that names it.
#[must_use]
pub fn is_chunked_at_most(headers: &HeaderMap) -> bool {
    let is_plain = |coding: &[u8]| {
        let coding = coding.trim_ascii();
        [&b""[..], b"chunked", b"identity"]
            .iter()
            .any(|plain| coding.eq_ignore_ascii_case(plain))
    };
    let codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    codings
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .all(is_plain)
}

/// Returns the length of a body from what its headers declare and what it says of itself.
///
/// # Errors
///
/// [`ErrorKind::BodyLength`] when the two contradict each other.
pub fn agreed_length(declared: Option<u64>, exact: Option<u64>) -> Result<Option<u64>, Error> {
    match (declared, exact) {
        (Some(declared), Some(exact)) if declared != exact => Err(length_mismatch()),
        (declared, exact) => Ok(exact.or(declared)),
    }
}

/// Replaces the framing headers of a request by one `Content-Length`; by none where the length is
/// not known, and where there is no body and the method does not suggest one.
///
/// An explicit `Content-Length: 0` for `PUT`, `POST` and `PATCH` is what S3 wants of an empty body
/// (it answers 411 without), and what hyper leaves out.
pub fn set_length(method: &Method, headers: &mut HeaderMap, length: Option<u64>) {
    headers.remove(header::TRANSFER_ENCODING);
    let suggests_body = matches!(*method, Method::PUT | Method::POST | Method::PATCH);
    match length {
        Some(length) if length > 0 || suggests_body => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        _ => {
            headers.remove(header::CONTENT_LENGTH);
        }
    }
}

/// Returns the error for a body that failed while it was read.
#[must_use]
pub fn unreadable_body(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::BodyRead, "the body could not be read to its end").because(cause)
}

const UNREADABLE: Error = Error::new(
    ErrorKind::BodyLength,
    "the Content-Length header is not a number; correct it",
);
const CODED: Error = Error::new(
    ErrorKind::BodyLength,
    "the body has a transfer coding other than chunked, which cannot be passed on; \
     use Content-Encoding",
);
const CONTRADICTORY: Error = Error::new(
    ErrorKind::BodyLength,
    "the request has Content-Length headers that contradict each other; leave one",
);
#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (header::CONTENT_LENGTH, value.parse().unwrap()))
            .fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            })
    }

    #[test]
    fn reads_declared_lengths() {
        for (values, expected) in [
            (&[][..], None),
            (&["5"], Some(5)),
            (&["5", "5"], Some(5)),
            (&["7, 7"], Some(7)),
        ] {
            assert_eq!(
                declared_length(&headers(values)).unwrap(),
                expected,
                "{values:?}"
            );
        }
        for values in [&["5", "6"][..], &["5, 6"], &["-1"], &["+1"], &["x"], &[""]] {
            let error = declared_length(&headers(values)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BodyLength, "{values:?}");
        }
    }

    #[test]
    fn refuses_a_transfer_coding_that_would_be_lost() {
        for (coding, passes) in [
            ("chunked", true),
            ("identity, Chunked", true),
            ("gzip, chunked", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::TRANSFER_ENCODING, coding.parse().unwrap());
            assert_eq!(declared_length(&headers).is_ok(), passes, "{coding}");
        }
    }

    #[test]
    fn declares_an_empty_body_where_the_method_suggests_one() {
        for (method, length, expected) in [
            (Method::PUT, Some(0), Some("0")),
            (Method::POST, Some(0), Some("0")),
            (Method::GET, Some(0), None),
            (Method::DELETE, Some(3), Some("3")),
            (Method::PUT, None, None),
        ] {
            let mut headers = headers(&["9"]);
            headers.insert(
                header::TRANSFER_ENCODING,
                HeaderValue::from_static("chunked"),
            );
            set_length(&method, &mut headers, length);
            let length = headers
                .get(header::CONTENT_LENGTH)
                .map(|value| value.to_str().unwrap());
            assert_eq!(length, expected, "{method}");
            assert!(!headers.contains_key(header::TRANSFER_ENCODING));
        }
    }
}
