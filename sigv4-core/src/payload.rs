//! What of a body the signature covers.

use std::fmt;

use http::HeaderMap;
use http::HeaderValue;
use sha2::Digest;
use sha2::Sha256;

use crate::algorithm::Algorithm;
use crate::error::ConfigError;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::hash;
use crate::hash::Hex;
use crate::stream::chunked::AwsChunked;
use crate::stream::chunked::Checksum;
use crate::stream::head::StreamHead;
use crate::stream::head::UNSIGNED_CHUNKS;

/// The body of a request, as far as its signature is concerned.
///
/// The signer never sees the body itself, only what is said of it here. What is sent must be what
/// was said. The [guide](crate::guide::streaming) says which service takes what.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// The whole body. It is hashed; the bytes are not kept.
    Bytes(&'a [u8]),
    /// The SHA-256 of the body, for one that was hashed as it was read.
    Sha256([u8; 32]),
    /// The body is not covered by the signature (`UNSIGNED-PAYLOAD`). Transport security alone
    /// protects it; only few services accept it.
    Unsigned,
    /// The body goes out in aws-chunked encoding, by a [`ChunkEncoder`](crate::ChunkEncoder) that
    /// [`Signed::chunk_encoder`](crate::Signed::chunk_encoder) gives. Only S3 takes that, and wants
    /// to be told the length of the body before it was encoded.
    ///
    /// Added, and signed, are `x-amz-decoded-content-length` and `x-amz-trailer`. `aws-chunked` goes
    /// in front of what `content-encoding` says, and `content-length` becomes that of the encoded
    /// body; these two are signed where the [header rules](crate::HeaderRules) say so.
    ///
    /// ```
    /// use sigv4_core::{AwsChunked, Credentials, Payload, Signer};
    ///
    /// let signer = Signer::builder("s3", "us-east-1").build()?;
    /// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
    /// let body = b"a few bytes";
    /// let mut request = http::Request::put("https://bucket.s3.amazonaws.com/key").body(())?;
    /// let payload = Payload::AwsChunked {
    ///     encoding: AwsChunked::signed(),
    ///     length: Some(body.len() as u64),
    /// };
    /// let now = std::time::SystemTime::now();
    /// let signed = signer.sign(&mut request, payload, &credentials, now)?;
    ///
    /// let mut encoder = signed.chunk_encoder().ok_or("it is signed, and in chunks")?;
    /// encoder.push(body[..].into())?;
    /// encoder.finish()?;
    /// let mut encoded = Vec::new();
    /// while let Some(piece) = encoder.pull()? {
    ///     encoded.extend_from_slice(&piece);
    /// }
    /// assert_eq!(request.headers()["content-length"], encoded.len().to_string());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    AwsChunked {
        /// How it is encoded.
        encoding: AwsChunked,
        /// The number of bytes before they are encoded, where it is known: the value of
        /// `x-amz-decoded-content-length`.
        length: Option<u64>,
    },
    /// The body is in aws-chunked encoding already, as an SDK makes it over https: with a checksum
    /// behind it, and without signatures (`STREAMING-UNSIGNED-PAYLOAD-TRAILER`). Only the head is
    /// signed, and the body goes out as it is. For whoever forwards such an upload; only S3 takes it.
    ///
    /// The headers that say what is in the body have to be there, and stay:
    /// `x-amz-decoded-content-length`, `x-amz-trailer` with the name of one checksum, and
    /// `content-length`, unless the transfer coding ends the body, as most SDKs have it. The coding
    /// `aws-chunked` may be named in `content-encoding`, which some clients leave out.
    ///
    /// ```
    /// use sigv4_core::{Credentials, Payload, Signer};
    ///
    /// let signer = Signer::builder("s3", "us-east-1").build()?;
    /// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
    /// let body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    /// let mut request = http::Request::put("https://bucket.s3.amazonaws.com/key")
    ///     .header("content-encoding", "aws-chunked")
    ///     .header("content-length", body.len())
    ///     .header("x-amz-decoded-content-length", 5)
    ///     .header("x-amz-trailer", "x-amz-checksum-crc32")
    ///     .body(body)?;
    /// let now = std::time::SystemTime::now();
    /// signer.sign(&mut request, Payload::PreChunked, &credentials, now)?;
    /// let kind = &request.headers()["x-amz-content-sha256"];
    /// assert_eq!(kind, "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    PreChunked,
    /// The body is what a text says that stands in place of its hash, and whoever asks for that
    /// knows better than this crate: whether the service takes such a body is not looked at, nothing
    /// is said of it in other headers, and what follows on the head is not signed here.
    ///
    /// For services that sign on behalf of others, which have the hash of a body and not the body.
    ///
    /// ```
    /// use sigv4_core::{Credentials, Payload, PayloadLiteral, Signer};
    ///
    /// let signer = Signer::builder("s3", "us-east-1").build()?;
    /// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
    /// let mut request = http::Request::put("https://bucket.s3.amazonaws.com/key")
    ///     .header("x-amz-decoded-content-length", 5)
    ///     .body(())?;
    /// let payload = Payload::Literal(PayloadLiteral::new("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")?);
    /// signer.sign(&mut request, payload, &credentials, std::time::SystemTime::now())?;
    /// let kind = &request.headers()["x-amz-content-sha256"];
    /// assert_eq!(kind, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Literal(PayloadLiteral),
    /// The body is a stream of events, each of which is signed by an
    /// [`EventSigner`](crate::EventSigner) that [`Signed::event_signer`](crate::Signed::event_signer)
    /// gives. Only operations that say so take that, over HTTP/2 mostly.
    ///
    /// A `content-type` of `application/vnd.amazon.eventstream` is added where there is none, and
    /// stays when the request is signed again; a `content-length` is removed.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use sigv4_core::{Credentials, Payload, Signer};
    ///
    /// let signer = Signer::builder("transcribe", "us-east-1").build()?;
    /// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
    /// let mut request = http::Request::post(
    ///     "https://transcribestreaming.us-east-1.amazonaws.com/stream-transcription",
    /// )
    /// .body(())?;
    /// let signed = signer.sign(&mut request, Payload::Events, &credentials, SystemTime::now())?;
    /// let mut events = signed.event_signer().ok_or("it is signed, and a stream of events")?;
    /// let signature = events.sign(b"encoded headers", b"payload", SystemTime::now())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Events,
}

impl Payload<'_> {
    /// The body of a request that has none.
    pub const EMPTY: Self = Payload::Bytes(b"");

    /// Returns the last line of the canonical request.
    pub(crate) fn digest(self, algorithm: Algorithm) -> PayloadDigest {
        match self {
            Payload::Bytes([]) => PayloadDigest::Literal(EMPTY_SHA256),
            Payload::Bytes(bytes) => PayloadDigest::from_hash(Sha256::digest(bytes).as_ref()),
            Payload::Sha256(hash) => PayloadDigest::from_hash(&hash),
            Payload::Unsigned => PayloadDigest::Literal(UNSIGNED_PAYLOAD),
            Payload::AwsChunked { encoding, .. } if !encoding.is_signed() => {
                PayloadDigest::Literal(UNSIGNED_CHUNKS)
            }
            Payload::AwsChunked { encoding, .. } => {
                let has_trailer = encoding.checksum().is_some();
                PayloadDigest::Literal(algorithm.chunked_payload(has_trailer))
            }
            Payload::PreChunked => PayloadDigest::Literal(UNSIGNED_CHUNKS),
            Payload::Literal(literal) => literal.0,
            Payload::Events => PayloadDigest::Literal(EVENTS),
        }
    }

    /// Returns the headers that change on account of the body.
    #[inline]
    pub(crate) fn head(
        self,
        algorithm: Algorithm,
        headers: &HeaderMap,
    ) -> Result<StreamHead, Error> {
        if self.is_streamed() {
            self.streamed_head(algorithm, headers)
        } else {
            Ok(StreamHead::default())
        }
    }

    #[cold]
    fn streamed_head(self, algorithm: Algorithm, headers: &HeaderMap) -> Result<StreamHead, Error> {
        let (encoding, length) = match self {
            Payload::AwsChunked { encoding, length } => (encoding, length),
            Payload::PreChunked => return Ok(StreamHead::default()),
            _ => return Ok(StreamHead::events(headers)),
        };
        let signature_length = algorithm.signature_length();
        let encoded = length
            .map(|length| encoding.encoded_length_by(length, signature_length))
            .map(|encoded| encoded.ok_or(ENCODED_TOO_LONG))
            .transpose()?;
        let trailer = encoding.checksum().map(Checksum::header_name);
        Ok(StreamHead::aws_chunked(headers, trailer, length, encoded))
    }

    /// Tells whether the body goes out in an encoding that the head of the request has to name.
    #[inline]
    pub(crate) const fn is_streamed(self) -> bool {
        matches!(
            self,
            Payload::AwsChunked { .. } | Payload::PreChunked | Payload::Events
        )
    }

    /// Returns how long the body is, where it is here.
    pub(crate) fn length(self) -> Option<u64> {
        match self {
            Payload::Bytes(bytes) => Some(bytes.len() as u64),
            _ => None,
        }
    }

    /// Returns what is signed as it passes, after the head of the request.
    pub(crate) const fn stream(self) -> Option<Payload<'static>> {
        match self {
            Payload::Bytes(_)
            | Payload::Sha256(_)
            | Payload::Unsigned
            | Payload::PreChunked
            | Payload::Literal(_) => None,
            Payload::AwsChunked { encoding, length } => {
                Some(Payload::AwsChunked { encoding, length })
            }
            Payload::Events => Some(Payload::Events),
        }
    }
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payload::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Payload::Sha256(_) => f.write_str("Sha256"),
            Payload::Unsigned => f.write_str("Unsigned"),
            Payload::AwsChunked { encoding, length } => f
                .debug_struct("AwsChunked")
                .field("encoding", encoding)
                .field("length", length)
                .finish(),
            Payload::PreChunked => f.write_str("PreChunked"),
            Payload::Literal(literal) => f.debug_tuple("Literal").field(literal).finish(),
            Payload::Events => f.write_str("Events"),
        }
    }
}

/// The text that stands for a body in a signature, and in `x-amz-content-sha256`: its SHA-256, or
/// one of the names that AWS gives to bodies that are covered in another way, or not at all.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PayloadLiteral(PayloadDigest);

impl PayloadLiteral {
    /// `UNSIGNED-PAYLOAD`: nothing of the body is covered.
    pub const UNSIGNED: Self = Self(PayloadDigest::Literal(UNSIGNED_PAYLOAD));

    /// Writes down a SHA-256.
    #[must_use]
    pub fn sha256(hash: &[u8; 32]) -> Self {
        Self(PayloadDigest::from_hash(hash))
    }

    /// Takes a SHA-256 in 64 lower-case hex digits; or `UNSIGNED-PAYLOAD`,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`, `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`,
    /// `STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD`, one of the latter two with `-TRAILER` behind it,
    /// or `STREAMING-AWS4-HMAC-SHA256-EVENTS`.
    ///
    /// # Errors
    ///
    /// When the text is none of these.
    pub fn new(text: &str) -> Result<Self, ConfigError> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if let Ok(hex) = <[u8; 64]>::try_from(text.as_bytes())
            && hex.into_iter().all(is_hex)
        {
            return Ok(Self(PayloadDigest::Hex(Hex(hex))));
        }
        let named = NAMED.iter().find(|name| **name == text);
        named
            .map(|name| Self(PayloadDigest::Literal(name)))
            .ok_or_else(|| {
                ConfigError::new(
                    "payload",
                    "must be a SHA-256 in 64 lower-case hex digits, `UNSIGNED-PAYLOAD`, \
                     or one of AWS's names that begin with `STREAMING-`",
                )
            })
    }

    /// Tells whether it is the hash of a body, and not a name.
    #[must_use]
    pub const fn is_sha256(&self) -> bool {
        matches!(self.0, PayloadDigest::Hex(_))
    }
}

/// Shows the name; of a hash no more than that it is one.
impl fmt::Debug for PayloadLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            PayloadDigest::Literal(name) => f.write_str(name),
            PayloadDigest::Hex(_) => f.write_str("Sha256"),
        }
    }
}

/// The value of `x-amz-content-sha256`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadDigest {
    Literal(&'static str),
    Hex(Hex),
}

impl PayloadDigest {
    fn from_hash(hash: &[u8]) -> Self {
        Self::Hex(Hex(hash::hex_of(hash)))
    }

    pub(crate) fn header_value(&self) -> HeaderValue {
        match self {
            Self::Literal(text) => HeaderValue::from_static(text),
            Self::Hex(Hex(text)) => HeaderValue::from_bytes(text).expect("hex is a header value"),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Literal(text) => text.as_bytes(),
            Self::Hex(Hex(text)) => text,
        }
    }
}

const ENCODED_TOO_LONG: Error = Error::new(
    ErrorKind::Payload,
    "no Content-Length can say how long the encoded body is; correct the length of the body",
);
/// The SHA-256 of nothing.
pub(crate) const EMPTY_SHA256: &str =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
const EVENTS: &str = "STREAMING-AWS4-HMAC-SHA256-EVENTS";
const NAMED: [&str; 7] = [
    UNSIGNED_PAYLOAD,
    UNSIGNED_CHUNKS,
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
    EVENTS,
];
