//! Which headers of the client reach the upstream.

use http::HeaderMap;
use http::HeaderName;
use http::header;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::upstream::config::Config;
use crate::upstream::names::remove_where;

impl Config {
    pub(super) fn clean(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        remove_connection_headers(headers);
        headers.remove(header::EXPECT);
        remove_where(headers, |name| {
            is_amz(name.as_str()) && !self.allowed_headers.contain(name.as_str())
        });
        headers.remove(header::AUTHORIZATION);
        self.removed_headers.remove_from(headers);

        headers.remove(header::HOST);
        if let Some(host) = &self.host {
            headers
                .try_insert(header::HOST, host.clone())
                .map_err(|_| TOO_MANY_HEADERS)?;
        }
        for (name, value) in &self.set_headers {
            headers
                .try_insert(name.clone(), value.clone())
                .map_err(|_| TOO_MANY_HEADERS)?;
        }
        Ok(())
    }

    pub(super) fn clean_answer(&self, headers: &mut HeaderMap) {
        remove_connection_headers(headers);
        self.removed_answer_headers.remove_from(headers);
    }
}

/// Removes what concerns one connection and is not forwarded.
///
/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1>
fn remove_connection_headers(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        .collect();
    for name in named.iter().chain(&CONNECTION_HEADERS) {
        headers.remove(name);
    }
}

/// The names that AWS gives a meaning to.
pub(super) fn is_amz(name: &str) -> bool {
    name.starts_with("x-amz-") || name.starts_with("x-amzn-")
}

/// Tells the headers that no configuration sets: those of the signature, of the framing of the body,
/// and of the connection.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    const RESERVED: [&str; 11] = [
        "authorization",
        "content-length",
        "expect",
        "host",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-decoded-content-length",
        "x-amz-region-set",
        "x-amz-s3session-token",
        "x-amz-security-token",
        "x-amz-trailer",
    ];
    RESERVED.contains(&name.as_str()) || CONNECTION_HEADERS.contains(name)
}

const CONNECTION_HEADERS: [HeaderName; 9] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

const TOO_MANY_HEADERS: Error = Error::new(
    ErrorKind::TooManyHeaders,
    "the request has too many headers to be forwarded; send fewer",
);

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::upstream::testing::directed;
    use crate::upstream::testing::layer;

    #[tokio::test]
    async fn removes_what_a_client_must_not_have_signed() {
        let request = Request::post("/bedrock/x")
            .header("host", "gateway.example.com")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=evil")
            .header("x-amz-security-token", "evil")
            .header("X-Amz-Acl", "public-read")
            .header("x-amz-target", "kept")
            .header("x-amzn-bedrock-trace", "evil")
            .header("connection", "close, X-Hop")
            .header("x-hop", "1")
            .header("keep-alive", "1")
            .header("te", "trailers")
            .header("transfer-encoding", "chunked")
            .header("upgrade", "h2c")
            .header("proxy-authorization", "Basic evil")
            .header("content-type", "application/json")
            .header("x-custom", "kept");
        let layer = layer().allow_amz_headers(["X-Amz-Target"]);
        let request = directed(layer, request).await.unwrap();
        let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "x-amz-target", "x-custom"]);
    }

    #[tokio::test]
    async fn removes_and_sets_what_it_was_told() {
        let request = Request::post("/bedrock/x")
            .header("cookie", "evil")
            .header("API-Key", "evil")
            .header("api-key", "evil")
            .header("x-forwarded-for", "evil")
            .header("x-amz-meta-a", "evil")
            .header("x-amz-meta-b", "kept")
            .header("x-set", "evil")
            .header("x-set", "evil")
            .header("content-length", "0")
            .header("connection", "x-set");
        let layer = layer()
            .allow_amz_headers(["x-amz-*"])
            .remove_headers(["Cookie", "api-key", "x-forwarded-*", "x-amz-meta-a", "c*"])
            .and_then(|layer| layer.set_header("X-Set", "first"))
            .and_then(|layer| layer.set_header("x-set", "2"))
            .and_then(|layer| layer.set_header("x-amz-acl", "private"))
            .unwrap();
        let request = directed(layer, request).await.unwrap();
        let mut headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        headers.sort_unstable();
        let expected = [
            ("content-length", "0"),
            ("x-amz-acl", "private"),
            ("x-amz-meta-b", "kept"),
            ("x-set", "2"),
        ];
        assert_eq!(headers, expected);
    }
}
