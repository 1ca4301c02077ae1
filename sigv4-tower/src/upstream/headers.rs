//! Which headers of the client reach the upstream.

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use sigv4_core::PayloadMode;
use sigv4_core::runtime::adapter;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::upstream::client_payload::describes_chunks;
use crate::upstream::config::Config;
use crate::upstream::names::remove_where;

impl Config {
    pub(super) fn clean(
        &self,
        headers: &mut HeaderMap,
        payload: Option<PayloadMode>,
    ) -> Result<(), Error> {
        remove_options(headers);
        let keeps_chunks = payload == Some(PayloadMode::PreChunked);
        remove_where(headers, |name| {
            let is_allowed = !is_amz(name.as_str()) || self.allowed_headers.contain(name.as_str());
            let is_kept = keeps_chunks && describes_chunks(name);
            is_of_connection(name)
                || name == header::EXPECT
                || name == header::AUTHORIZATION
                || (!is_kept && (!is_allowed || self.removed_headers.removes(name)))
        });
        check_values(headers)?;
        check_repeated(headers)?;
        merge_lengths(headers)?;

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
        // A length beside chunks is not that of the body, and the client would believe it.
        // <https://www.rfc-editor.org/rfc/rfc9112#section-6.3>
        if headers.contains_key(header::TRANSFER_ENCODING) {
            headers.remove(header::CONTENT_LENGTH);
        }
        remove_options(headers);
        remove_where(headers, |name| {
            is_of_connection(name) || self.removed_answer_headers.removes(name)
        });
    }
}

/// Refuses values that one hop may read otherwise than another: octets that are not ASCII have no
/// agreed meaning. A tab is legal white space.
///
/// <https://www.rfc-editor.org/rfc/rfc9110#section-5.5>
fn check_values(headers: &HeaderMap) -> Result<(), Error> {
    match headers.iter().find(|(_, value)| value.to_str().is_err()) {
        Some((name, _)) => Err(bad_value(name)),
        None => Ok(()),
    }
}

#[cold]
fn bad_value(name: &HeaderName) -> Error {
    let name = name.as_str();
    let name = name.get(..MAX_NAME).unwrap_or(name);
    Error::with_message(
        ErrorKind::HeaderValue,
        format!("the header `{name}` has a value that is not visible ASCII; encode it"),
    )
}

/// How much of a header's name an error repeats.
const MAX_NAME: usize = 64;

/// Refuses a body with two types, of which each hop would choose one.
fn check_repeated(headers: &HeaderMap) -> Result<(), Error> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    match types.nth(1) {
        Some(_) => Err(REPEATED_TYPE),
        None => Ok(()),
    }
}

/// Makes one length of a repeated one.
///
/// <https://www.rfc-editor.org/rfc/rfc9112#section-6.3>
fn merge_lengths(headers: &mut HeaderMap) -> Result<(), Error> {
    let length = adapter::declared_length(headers).map_err(|_| BAD_LENGTH)?;
    let mut given = headers.get_all(header::CONTENT_LENGTH).iter();
    let is_list = |value: &HeaderValue| value.as_bytes().contains(&b',');
    let is_repeated = given.next().is_some_and(is_list) || given.next().is_some();
    if let Some(length) = length.filter(|_| is_repeated) {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(())
}

/// Tells what concerns one connection and is not forwarded.
///
/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1>
fn is_of_connection(name: &HeaderName) -> bool {
    CONNECTION_HEADERS.contains(name)
}

/// Removes what a `Connection` header names: it concerns that connection, too.
fn remove_options(headers: &mut HeaderMap) {
    // Those that nearly all such headers consist of name nothing that would be forwarded.
    let is_usual = |option: &&[u8]| {
        option.eq_ignore_ascii_case(b"close") || option.eq_ignore_ascii_case(b"keep-alive")
    };
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|option| !is_usual(option))
        .filter_map(|option| HeaderName::from_bytes(option).ok())
        .collect();
    for name in named {
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
    RESERVED.contains(&name.as_str()) || is_of_connection(name)
}

static CONNECTION_HEADERS: [HeaderName; 10] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("close"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

const TOO_MANY_HEADERS: Error = Error::new(
    ErrorKind::TooManyHeaders,
    "the request has too many headers to be forwarded; send fewer",
);

const REPEATED_TYPE: Error = Error::new(
    ErrorKind::RepeatedHeader,
    "the request has more than one Content-Type header; leave one",
);
const BAD_LENGTH: Error = Error::new(
    ErrorKind::ContentLength,
    "the Content-Length header is no number, or there are several that differ; leave one",
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

    #[tokio::test]
    async fn refuses_values_that_are_not_ascii() {
        for (value, expected) in [
            (&b"plain"[..], Ok(())),
            (b"tab\tand blank", Ok(())),
            (b"", Ok(())),
            (b"!~", Ok(())),
            (b"\x80", Err(ErrorKind::HeaderValue)),
            (b"caf\xe9", Err(ErrorKind::HeaderValue)),
            ("é".as_bytes(), Err(ErrorKind::HeaderValue)),
            (b"\xff", Err(ErrorKind::HeaderValue)),
        ] {
            let value = HeaderValue::from_bytes(value).unwrap();
            let first = Request::get("/bedrock/").header("x-a", &value);
            let second = Request::get("/bedrock/")
                .header("x-a", "plain")
                .header("x-a", &value);
            for request in [first, second] {
                let result = directed(layer(), request).await.map(drop);
                assert_eq!(result, expected, "{value:?}");
            }
            // Nobody minds what is not forwarded.
            let removing = layer().remove_headers(["cookie"]).unwrap();
            let request = Request::get("/bedrock/")
                .header("cookie", &value)
                .header("x-amz-meta-a", &value);
            assert!(directed(removing, request).await.is_ok(), "{value:?}");
        }
    }

    #[test]
    fn names_the_header_of_a_bad_value_and_not_the_value() {
        let long = "x".repeat(100);
        for (name, named) in [("x-a", "`x-a`"), (&*long, &*format!("`{}`", &long[..64]))] {
            let name = HeaderName::try_from(name).unwrap();
            let value = HeaderValue::from_bytes(b"secret\xff").unwrap();
            let headers = HeaderMap::from_iter([(name, value)]);
            let error = check_values(&headers).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(named) && !text.contains("secret"), "{text}");
        }
    }

    #[tokio::test]
    async fn refuses_a_body_of_two_types() {
        for second in ["text/plain", "application/json"] {
            let request = Request::post("/bedrock/")
                .header("content-type", "application/json")
                .header("content-type", second);
            let refused = directed(layer(), request).await;
            assert_eq!(refused.unwrap_err(), ErrorKind::RepeatedHeader);
        }
    }

    #[tokio::test]
    async fn forwards_one_length_or_none() {
        for (given, expected) in [
            (&["0"][..], Ok("0")),
            (&["0", "0"], Ok("0")),
            (&["0, 0"], Ok("0")),
            (&["0", "0,0"], Ok("0")),
            (&["0", "1"], Err(ErrorKind::ContentLength)),
            (&["0, 1"], Err(ErrorKind::ContentLength)),
            (&["-1"], Err(ErrorKind::ContentLength)),
            (&["0x1"], Err(ErrorKind::ContentLength)),
            (&[""], Err(ErrorKind::ContentLength)),
            (&["18446744073709551616"], Err(ErrorKind::ContentLength)),
        ] {
            let request = given
                .iter()
                .fold(Request::post("/bedrock/"), |request, length| {
                    request.header("content-length", *length)
                });
            let sent = directed(layer(), request).await.map(|request| {
                let lengths = request.headers().get_all("content-length").iter();
                lengths
                    .map(|length| length.to_str().unwrap().to_owned())
                    .collect()
            });
            let expected = expected.map(|length| vec![length.to_owned()]);
            assert_eq!(sent, expected, "{given:?}");
        }
    }
}
