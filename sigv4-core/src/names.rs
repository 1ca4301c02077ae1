//! The header names of the protocol. As constants they cost nothing to insert; made at run time
//! each insertion would allocate.

use http::HeaderName;

pub(crate) const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub(crate) const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
pub(crate) const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
pub(crate) const X_AMZ_S3SESSION_TOKEN: HeaderName =
    HeaderName::from_static("x-amz-s3session-token");

pub(crate) const X_AMZ_REGION_SET: HeaderName = HeaderName::from_static("x-amz-region-set");
pub(crate) const X_AMZ_DECODED_CONTENT_LENGTH: HeaderName =
    HeaderName::from_static("x-amz-decoded-content-length");
pub(crate) const X_AMZ_TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");

/// What begins the value of `x-amz-content-sha256` for all bodies that are signed as they pass.
pub(crate) const STREAMING: &[u8] = b"STREAMING-";
/// The content coding of a body that is signed chunk by chunk.
pub(crate) const AWS_CHUNKED: &str = "aws-chunked";
/// The media type of a stream of events.
pub(crate) const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";
/// The last part of every credential scope.
pub(crate) const TERMINATOR: &str = "aws4_request";

/// The headers that carry a signature. The signer owns them: whatever a request holds under these
/// names is replaced or removed, and is never an input to the signature.
pub(crate) fn is_own_header(name: &str) -> bool {
    matches!(
        name,
        "authorization"
            | "x-amz-date"
            | "x-amz-content-sha256"
            | "x-amz-security-token"
            | "x-amz-s3session-token"
            | "x-amz-region-set"
    )
}

/// The query parameters that carry a signature, compared without regard to case.
pub(crate) fn is_own_parameter(name: &[u8]) -> bool {
    const OWN: [&str; 10] = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Security-Token",
        "X-Amz-S3session-Token",
        "X-Amz-Region-Set",
        // Where some put what stands for the hash of the body; servers read it as the header.
        "X-Amz-Content-Sha256",
    ];
    OWN.iter()
        .any(|own| own.as_bytes().eq_ignore_ascii_case(name))
}
