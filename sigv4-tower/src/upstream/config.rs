//! What an upstream is, and the order in which a request becomes one to it.

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Version;
use http::uri::Authority;
use http::uri::Scheme;
use sigv4_core::runtime::adapter;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::upstream::names::Names;
use crate::upstream::target::check_host;

/// What a layer was told.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    pub(super) base_path: String,
    pub(super) prefix: String,
    pub(super) host: Option<HeaderValue>,
    pub(super) allowed_headers: Names,
    pub(super) allowed_parameters: Names,
    pub(super) empty_segments: bool,
    pub(super) fixed_path: Option<String>,
    pub(super) trailing_slash: bool,
    pub(super) removed_headers: Names,
    pub(super) set_headers: HeaderMap,
    pub(super) removed_answer_headers: Names,
}

impl Config {
    /// Makes a request one to the upstream.
    pub(super) fn direct<B>(&self, request: &mut Request<B>) -> Result<(), Error> {
        // The answer to TRACE is the request: with the signature, and the session token.
        if *request.method() == Method::TRACE {
            return Err(TRACE);
        }
        check_host(request.uri(), request.headers())?;
        if !adapter::is_chunked_at_most(request.headers()) {
            return Err(CODED);
        }
        // What says so does not get any further.
        if adapter::is_encoded(request.headers()) {
            return Err(ENCODED);
        }
        let uri = self.uri(request.uri())?;
        *request.uri_mut() = uri;
        // What was spoken with the client says nothing about the connection to the upstream.
        *request.version_mut() = Version::HTTP_11;
        self.clean(request.headers_mut())
    }
}

const TRACE: Error = Error::new(
    ErrorKind::Method,
    "TRACE is not forwarded: its answer would repeat the signature",
);
const CODED: Error = Error::new(
    ErrorKind::TransferCoding,
    "the body has a transfer coding other than chunked; use Content-Encoding",
);
const ENCODED: Error = Error::new(
    ErrorKind::EncodedBody,
    "the body is in the encoding of another signature (aws-chunked, or signed events); \
     send it plain",
);

#[cfg(test)]
mod tests {
    use http::Request;

    use crate::error::ErrorKind;
    use crate::upstream::testing::directed;
    use crate::upstream::testing::layer;

    #[tokio::test]
    async fn refuses_what_would_reveal_the_signature_or_lose_a_coding() {
        let trace = Request::builder().method("TRACE").uri("/bedrock/");
        assert_eq!(
            directed(layer(), trace).await.unwrap_err(),
            ErrorKind::Method
        );
        let coded = Request::post("/bedrock/").header("transfer-encoding", "gzip, chunked");
        assert_eq!(
            directed(layer(), coded).await.unwrap_err(),
            ErrorKind::TransferCoding
        );
    }

    #[tokio::test]
    async fn refuses_a_body_in_the_encoding_of_another_signature() {
        for (name, value) in [
            ("content-encoding", "aws-chunked"),
            ("content-encoding", "gzip, AWS-Chunked"),
            ("x-amz-decoded-content-length", "5"),
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-EVENTS"),
            ("x-amz-content-sha256", "streaming-unsigned-payload-trailer"),
            (
                "x-amz-content-sha256",
                "a, STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            ),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
        ] {
            let request = Request::put("/bedrock/a").header(name, value);
            assert_eq!(
                directed(layer(), request).await.unwrap_err(),
                ErrorKind::EncodedBody,
                "{name}: {value}"
            );
        }
    }
}
