//! What an upstream is, and the order in which a request becomes one to it.

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Version;
use http::header;
use http::uri::Authority;
use http::uri::Scheme;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::adapter;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::upstream::client_payload;
use crate::upstream::names::Names;
use crate::upstream::target::check_host;

/// What a layer was told.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    pub(super) scope: HostScope,
    pub(super) base_path: String,
    pub(super) prefix: String,
    pub(super) host: Option<HeaderValue>,
    pub(super) allowed_headers: Names,
    pub(super) allowed_parameters: Names,
    pub(super) empty_segments: bool,
    pub(super) fixed_path: Option<String>,
    pub(super) trailing_slash: bool,
    pub(super) follows_payload: bool,
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
        if is_websocket(request) {
            return Err(WEBSOCKET);
        }
        check_host(request.uri(), request.headers())?;
        if !adapter::is_chunked_at_most(request.headers()) {
            return Err(CODED);
        }
        let payload = if self.follows_payload {
            client_payload::mode(request.headers())?
        } else {
            client_payload::refuse_encoded(request.headers())?;
            None
        };
        let uri = self.uri(request.uri())?;
        *request.uri_mut() = uri;
        // What was spoken with the client says nothing about the connection to the upstream.
        *request.version_mut() = Version::HTTP_11;
        self.clean(request.headers_mut(), payload)?;
        if let Some(mode) = payload {
            client_payload::set(request.extensions_mut(), mode);
        }
        Ok(())
    }
}

/// Tells whether a client wants to talk over a WebSocket, which would be lost with the headers that
/// say so. Whoever offers another protocol goes on without it.
///
/// <https://www.rfc-editor.org/rfc/rfc6455#section-4.1>, and for HTTP/2
/// <https://www.rfc-editor.org/rfc/rfc8441#section-4>: a tunnel that has a path.
fn is_websocket<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    if *request.method() == Method::CONNECT && request.uri().path().starts_with('/') {
        return true;
    }
    headers.contains_key(header::UPGRADE)
        && has_token(headers, &header::UPGRADE, "websocket")
        && has_token(headers, &header::CONNECTION, "upgrade")
}

/// Tells whether a list in a header, in whatever case and over several lines, has this entry; with a
/// version behind it or not.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter();
    values
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .filter_map(|entry| entry.split(|&byte| byte == b'/').next())
        .any(|entry| entry.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

const TRACE: Error = Error::new(
    ErrorKind::Method,
    "TRACE is not forwarded: its answer would repeat the signature",
);
const WEBSOCKET: Error = Error::new(
    ErrorKind::Upgrade,
    "an upgrade to a WebSocket is not forwarded; connect to the service itself, by a presigned URL",
);
const CODED: Error = Error::new(
    ErrorKind::TransferCoding,
    "the body has a transfer coding other than chunked; use Content-Encoding",
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

    #[tokio::test]
    async fn refuses_websockets_by_name_and_drops_other_offers() {
        const UPGRADE: Result<(), ErrorKind> = Err(ErrorKind::Upgrade);
        for (name, headers, expected) in [
            (
                "usual",
                &[("upgrade", "websocket"), ("connection", "Upgrade")][..],
                UPGRADE,
            ),
            (
                "any case",
                &[("upgrade", "WebSocket"), ("connection", "UPGRADE")],
                UPGRADE,
            ),
            (
                "lists",
                &[
                    ("upgrade", "h2c, websocket"),
                    ("connection", "keep-alive,Upgrade"),
                ],
                UPGRADE,
            ),
            (
                "several lines",
                &[
                    ("upgrade", "h2c"),
                    ("upgrade", " websocket/13 "),
                    ("connection", "close"),
                    ("connection", "upgrade"),
                ],
                UPGRADE,
            ),
            (
                "another protocol",
                &[("upgrade", "h2c"), ("connection", "upgrade")],
                Ok(()),
            ),
            (
                "another name",
                &[("upgrade", "websockets"), ("connection", "upgrade")],
                Ok(()),
            ),
            (
                "another connection",
                &[("upgrade", "websocket"), ("connection", "close")],
                Ok(()),
            ),
            ("no connection", &[("upgrade", "websocket")], Ok(())),
            ("no upgrade", &[("connection", "upgrade")], Ok(())),
        ] {
            let request = headers
                .iter()
                .fold(Request::get("/bedrock/"), |request, (name, value)| {
                    request.header(*name, *value)
                });
            let result = directed(layer(), request).await;
            let sent = result.map(|request| assert!(request.headers().is_empty(), "{name}"));
            assert_eq!(sent, expected, "{name}");
        }
        let extended = Request::connect("https://gateway/bedrock/chat");
        assert_eq!(directed(layer(), extended).await.map(drop), UPGRADE);
        let tunnel = Request::connect("gateway:443");
        let refused = directed(layer(), tunnel).await.map(drop);
        assert_eq!(refused, Err(ErrorKind::AmbiguousTarget));
    }
}
