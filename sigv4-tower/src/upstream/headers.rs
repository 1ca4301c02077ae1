//! Which headers of the client reach the upstream.

use http::HeaderMap;
use http::HeaderName;
use http::header;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::upstream::config::Config;

impl Config {
    pub(super) fn clean(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        remove_connection_headers(headers);
        headers.remove(header::EXPECT);
        let refused: Vec<HeaderName> = headers
            .keys()
            .filter(|name| is_amz(name.as_str()))
            .filter(|name| !self.allowed_headers.contain(name.as_str()))
            .cloned()
            .collect();
        refused.iter().for_each(|name| drop(headers.remove(name)));
        headers.remove(header::AUTHORIZATION);

        headers.remove(header::HOST);
        if let Some(host) = &self.host {
            headers
                .try_insert(header::HOST, host.clone())
                .map_err(|_| TOO_MANY_HEADERS)?;
        }
        Ok(())
    }
}

/// Removes what concerns one connection and is not forwarded.
///
/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1>
pub(super) fn remove_connection_headers(headers: &mut HeaderMap) {
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
}
