//! What a client that has signed its request says of the body.

use http::Extensions;
use http::HeaderMap;
use http::HeaderName;
use sigv4_core::PayloadMode;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::adapter;

use crate::error::Error;
use crate::error::ErrorKind;

/// Returns how the body is to be covered by what the client's own signature says of it, if it says
/// anything.
pub(super) fn mode(headers: &HeaderMap) -> Result<Option<PayloadMode>, Error> {
    let mut values = headers.get_all(CONTENT_SHA256).iter();
    let said = values.next().map(|said| said.as_bytes().trim_ascii());
    let is_repeated = values.next().is_some();
    if said == Some(UNSIGNED_CHUNKS) && !is_repeated {
        return Ok(Some(PayloadMode::PreChunked));
    }
    refuse_encoded(headers)?;
    match said {
        None => Ok(None),
        Some(UNSIGNED) if !is_repeated => Ok(Some(PayloadMode::Unsigned)),
        Some(hex) if !is_repeated => {
            let hash = hash(hex).ok_or(UNREADABLE)?;
            Ok(Some(PayloadMode::HashedAs(hash)))
        }
        Some(_) => Err(UNREADABLE),
    }
}

/// Refuses a body in an encoding whose signatures would not fit any more. What says so does not get
/// any further.
pub(super) fn refuse_encoded(headers: &HeaderMap) -> Result<(), Error> {
    if adapter::is_encoded(headers) {
        Err(ENCODED)
    } else {
        Ok(())
    }
}

/// Has the body of a request covered in this way, and the rest done as it was to be.
pub(super) fn set(extensions: &mut Extensions, mode: PayloadMode) {
    let overrides = extensions.get::<SigningOverrides>().cloned();
    extensions.insert(overrides.unwrap_or_default().payload(mode));
}

/// Tells the headers that say what is in a body in aws-chunked encoding.
pub(super) fn describes_chunks(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "x-amz-decoded-content-length" | "x-amz-trailer" | "x-amz-sdk-checksum-algorithm"
    )
}

/// Reads a SHA-256 in hex.
fn hash(hex: &[u8]) -> Option<[u8; 32]> {
    if hex.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (octet, digits) in hash.iter_mut().zip(hex.chunks_exact(2)) {
        *octet = digit(digits[0])? << 4 | digit(digits[1])?;
    }
    Some(hash)
}

const fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const UNSIGNED: &[u8] = b"UNSIGNED-PAYLOAD";
const UNSIGNED_CHUNKS: &[u8] = b"STREAMING-UNSIGNED-PAYLOAD-TRAILER";

const ENCODED: Error = Error::new(
    ErrorKind::EncodedBody,
    "the body is in the encoding of another signature (aws-chunked, or signed events); \
     send it plain",
);
const UNREADABLE: Error = Error::new(
    ErrorKind::PayloadHash,
    "the x-amz-content-sha256 header must be a SHA-256 in hex, `UNSIGNED-PAYLOAD`, or left out",
);

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::upstream::testing::directed;
    use crate::upstream::testing::layer;

    /// The SHA-256 of nothing.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const HASH: [u8; 32] = [
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ];
    const SHA256: &str = "x-amz-content-sha256";

    #[tokio::test]
    async fn is_followed_by_what_it_says_of_its_hash() {
        const CHUNKS: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
        const ENCODED: ErrorKind = ErrorKind::EncodedBody;
        const UNREADABLE: ErrorKind = ErrorKind::PayloadHash;
        let upper = EMPTY.to_ascii_uppercase();
        for (headers, expected) in [
            (&[][..], Ok(None)),
            (&[(SHA256, EMPTY)], Ok(Some(PayloadMode::HashedAs(HASH)))),
            (&[(SHA256, &upper)], Ok(Some(PayloadMode::HashedAs(HASH)))),
            (
                &[(SHA256, "UNSIGNED-PAYLOAD")],
                Ok(Some(PayloadMode::Unsigned)),
            ),
            (&[(SHA256, CHUNKS)], Ok(Some(PayloadMode::PreChunked))),
            (
                &[(SHA256, CHUNKS), ("content-encoding", "aws-chunked")],
                Ok(Some(PayloadMode::PreChunked)),
            ),
            (&[(SHA256, "")], Err(UNREADABLE)),
            (&[(SHA256, &EMPTY[1..])], Err(UNREADABLE)),
            (&[(SHA256, &EMPTY.replace('e', "g"))], Err(UNREADABLE)),
            (&[(SHA256, "unsigned-payload")], Err(UNREADABLE)),
            (&[(SHA256, EMPTY), (SHA256, EMPTY)], Err(UNREADABLE)),
            (
                &[(SHA256, "UNSIGNED-PAYLOAD"), (SHA256, "UNSIGNED-PAYLOAD")],
                Err(UNREADABLE),
            ),
            (&[(SHA256, CHUNKS), (SHA256, CHUNKS)], Err(ENCODED)),
            (&[(SHA256, EMPTY), (SHA256, CHUNKS)], Err(ENCODED)),
            (
                &[(SHA256, "streaming-unsigned-payload-trailer")],
                Err(ENCODED),
            ),
            (
                &[(SHA256, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")],
                Err(ENCODED),
            ),
            (
                &[(SHA256, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")],
                Err(ENCODED),
            ),
            (
                &[(SHA256, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")],
                Err(ENCODED),
            ),
            (
                &[(SHA256, "STREAMING-AWS4-HMAC-SHA256-EVENTS")],
                Err(ENCODED),
            ),
            (&[(SHA256, "STREAMING-SOMETHING-NEW")], Err(ENCODED)),
            (
                &[(SHA256, EMPTY), ("content-encoding", "aws-chunked")],
                Err(ENCODED),
            ),
            (
                &[(SHA256, "UNSIGNED-PAYLOAD"), ("x-amz-trailer", "x")],
                Err(ENCODED),
            ),
            (&[("content-encoding", "aws-chunked")], Err(ENCODED)),
            (&[("x-amz-decoded-content-length", "5")], Err(ENCODED)),
        ] {
            let request = headers
                .iter()
                .fold(Request::put("/bedrock/a"), |request, (name, value)| {
                    request.header(*name, *value)
                });
            let result = directed(layer().follow_client_payload(), request).await;
            let mode = result.map(|request| {
                assert!(!request.headers().contains_key(SHA256), "{headers:?}");
                let overrides = request.extensions().get::<SigningOverrides>();
                overrides.and_then(SigningOverrides::payload_mode)
            });
            assert_eq!(mode, expected, "{headers:?}");
        }
    }

    #[tokio::test]
    async fn keeps_what_says_what_is_in_chunks_and_nothing_else() {
        let layer = layer()
            .follow_client_payload()
            .remove_headers(["x-amz-*"])
            .unwrap();
        let request = |kind: &str| {
            Request::put("/bedrock/a")
                .header(SHA256, kind)
                .header("x-amz-sdk-checksum-algorithm", "CRC32")
                .header("x-amz-acl", "public-read")
                .header("x-amz-date", "20130524T000000Z")
        };
        let chunks = request("STREAMING-UNSIGNED-PAYLOAD-TRAILER")
            .header("content-encoding", "aws-chunked")
            .header("x-amz-decoded-content-length", "5")
            .header("x-amz-trailer", "x-amz-checksum-crc32");
        let sent = directed(layer.clone(), chunks).await.unwrap();
        let mut names: Vec<_> = sent.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let expected = [
            "content-encoding",
            "x-amz-decoded-content-length",
            "x-amz-sdk-checksum-algorithm",
            "x-amz-trailer",
        ];
        assert_eq!(names, expected);
        let sent = directed(layer, request("UNSIGNED-PAYLOAD")).await.unwrap();
        assert!(sent.headers().is_empty());
    }

    #[tokio::test]
    async fn leaves_the_other_overrides_of_a_request() {
        let overrides = SigningOverrides::new()
            .region("eu-west-3")
            .unwrap()
            .payload(PayloadMode::Hashed);
        let request = Request::put("/bedrock/a")
            .header(SHA256, "UNSIGNED-PAYLOAD")
            .extension(overrides);
        let sent = directed(layer().follow_client_payload(), request)
            .await
            .unwrap();
        let overrides = sent.extensions().get::<SigningOverrides>().unwrap();
        assert_eq!(overrides.payload_mode(), Some(PayloadMode::Unsigned));
        assert!(format!("{overrides:?}").contains("eu-west-3"));
    }

    #[tokio::test]
    async fn says_nothing_where_it_is_not_followed() {
        for kind in [EMPTY, "UNSIGNED-PAYLOAD", "anything"] {
            let request = Request::put("/bedrock/a").header(SHA256, kind);
            let sent = directed(layer(), request).await.unwrap();
            assert!(sent.extensions().get::<SigningOverrides>().is_none());
        }
    }
}
