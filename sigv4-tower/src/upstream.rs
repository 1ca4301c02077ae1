//! [`UpstreamLayer`]: turns what a client sent to a proxy into a request to one upstream.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::Uri;
use http::Version;
use http::header;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use percent_encoding::percent_decode_str;
use pin_project_lite::pin_project;
use sigv4_core::ConfigError;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::adapter;
use tower_layer::Layer;
use tower_service::Service;

use crate::BoxError;
use crate::error::Error;
use crate::error::ErrorKind;

/// Sends requests to one upstream, whatever host they were sent to, after removing everything that
/// a client could use to influence what is signed.
///
/// For a proxy that signs, outside of [`SigV4Layer`](crate::SigV4Layer):
///
/// - The URI is put together from the upstream's scheme and authority, the path below the
///   [prefix](Self::strip_path_prefix), and the query. A prefix matches whole segments only. Paths
///   with dot segments (`..`, `%2e%2e`, `a%2F..`) or [empty segments](Self::allow_empty_segments)
///   are refused; what is escaped twice passes as it is. Refused are also requests that name two
///   hosts, `TRACE`, and transfer codings other than `chunked`.
/// - `Authorization`, every `x-amz-*` and `x-amzn-*` header and every `X-Amz-*` query parameter are
///   removed, except those allowed [by name](Self::allow_amz_headers).
/// - The headers that concern the client's connection alone are removed, with those that
///   `Connection` names, and the Host header, which becomes the upstream's. Those that concern the
///   upstream's connection are removed from the answer.
///
/// Everything else passes, `Cookie` and `X-Forwarded-*` included.
///
/// ```
/// use sigv4_tower::UpstreamLayer;
///
/// let upstream = UpstreamLayer::new("https://bedrock-runtime.us-east-1.amazonaws.com")?
///     .strip_path_prefix("/bedrock")
///     .allow_amz_headers(["x-amzn-bedrock-trace"]);
/// # Ok::<(), sigv4_tower::UpstreamConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct UpstreamLayer {
    config: Config,
}

#[derive(Clone, Debug)]
struct Config {
    scheme: Scheme,
    authority: Authority,
    base_path: String,
    prefix: String,
    host: Option<HeaderValue>,
    allowed_headers: Vec<String>,
    allowed_parameters: Vec<String>,
    empty_segments: bool,
}

impl UpstreamLayer {
    /// Makes a layer for an upstream: its scheme, its authority and, where all of it is below one,
    /// a path.
    ///
    /// # Errors
    ///
    /// When `upstream` is no such URI, or has userinfo or a query.
    pub fn new(upstream: &str) -> Result<Self, UpstreamConfigError> {
        let uri: Uri = upstream.parse().map_err(|error| UpstreamConfigError {
            message: "the upstream must be a URI such as `https://api.example.com`",
            source: Some(error),
        })?;
        let refuse = |message| UpstreamConfigError {
            message,
            source: None,
        };
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(refuse(
                "the upstream needs a scheme and a host, `https://api.example.com`",
            ));
        };
        if scheme != Scheme::HTTPS && scheme != Scheme::HTTP {
            return Err(refuse("the upstream's scheme must be https or http"));
        }
        if !is_host_and_port(&authority) {
            return Err(refuse(
                "the upstream must be `host` or `host:port`, without userinfo",
            ));
        }
        let path = parts
            .path_and_query
            .as_ref()
            .map_or("/", PathAndQuery::path);
        if parts
            .path_and_query
            .as_ref()
            .is_some_and(|path| path.query().is_some())
        {
            return Err(refuse("the upstream must have no query"));
        }
        if check_path(path, false).is_err() {
            return Err(refuse(
                "the upstream's path must have no dot segments, nor empty ones",
            ));
        }
        let config = Config {
            base_path: path.trim_end_matches('/').to_owned(),
            scheme,
            authority,
            prefix: String::new(),
            host: None,
            allowed_headers: Vec::new(),
            allowed_parameters: Vec::new(),
            empty_segments: false,
        };
        Ok(Self { config })
    }

    /// Returns the authority that is dialled.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.config.authority.as_str()
    }

    /// Returns the scope of this upstream alone, for the authorizer.
    ///
    /// # Errors
    ///
    /// Never for a layer that could be made: its hosts were looked at.
    pub fn host_scope(&self) -> Result<HostScope, ConfigError> {
        let host = self
            .config
            .host
            .as_ref()
            .and_then(|host| host.to_str().ok());
        match host {
            Some(host) => HostScope::exact([""; 0])?.dialling(self.authority(), host),
            None => HostScope::exact([self.authority()]),
        }
    }

    /// Serves only what is below this path, and removes it. Default: everything is served.
    ///
    /// With axum: `Router::nest_service` removes its prefix itself, so that none is given here;
    /// with `route_service` and `fallback_service` the path arrives whole.
    pub fn strip_path_prefix(mut self, prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        self.config.prefix = if prefix.is_empty() {
            String::new()
        } else {
            format!("/{prefix}")
        };
        self
    }

    /// Sends another Host header than the one of the authority that is dialled, which is then also
    /// what is signed for. The [`HostScope`](sigv4_core::runtime::HostScope) has to
    /// [allow the pair](sigv4_core::runtime::HostScope::dialling). Over HTTP/1.1 only: HTTP/2 would
    /// send the dialled authority, too.
    ///
    /// # Errors
    ///
    /// When `host` is no host.
    pub fn host(mut self, host: &str) -> Result<Self, UpstreamConfigError> {
        let refuse = UpstreamConfigError {
            message: "the host must be `host` or `host:port`",
            source: None,
        };
        let Ok(authority) = Authority::try_from(host) else {
            return Err(refuse);
        };
        if !is_host_and_port(&authority) {
            return Err(refuse);
        }
        self.config.host = Some(HeaderValue::from_str(host).map_err(|_| refuse)?);
        Ok(self)
    }

    /// Lets these `x-amz-*` and `x-amzn-*` headers of the client pass; they are then signed. What a
    /// signature itself is made of is replaced all the same.
    pub fn allow_amz_headers<I>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let names = names
            .into_iter()
            .map(|name| name.as_ref().to_ascii_lowercase());
        self.config.allowed_headers.extend(names);
        self
    }

    /// Lets these `X-Amz-*` query parameters of the client pass.
    pub fn allow_amz_parameters<I>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let names = names
            .into_iter()
            .map(|name| name.as_ref().to_ascii_lowercase());
        self.config.allowed_parameters.extend(names);
        self
    }

    /// Lets paths with empty segments (`//`) pass, which to S3 are a part of the key. Other
    /// services would read them as one slash.
    pub fn allow_empty_segments(mut self) -> Self {
        self.config.empty_segments = true;
        self
    }
}

impl<S> Layer<S> for UpstreamLayer {
    type Service = Upstream<S>;

    fn layer(&self, inner: S) -> Upstream<S> {
        Upstream {
            inner,
            config: Arc::new(self.config.clone()),
        }
    }
}

/// Sends requests to one upstream. Made by [`UpstreamLayer`].
///
/// # Errors
///
/// An [`Error`] for a request that is refused; else the error of the service inside.
#[derive(Clone, Debug)]
pub struct Upstream<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S, B, R> Service<Request<B>> for Upstream<S>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = UpstreamFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let state = match self.config.direct(&mut request) {
            Ok(()) => State::Sending {
                response: self.inner.call(request),
            },
            Err(error) => State::Refused { error: Some(error) },
        };
        UpstreamFuture { state }
    }
}

pin_project! {
    /// The answer of the upstream. The future of [`Upstream`].
    #[derive(Debug)]
    pub struct UpstreamFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[derive(Debug)]
    enum State<F> {
        Refused { error: Option<Error> },
        Sending { #[pin] response: F },
    }
}

impl<F, R, E> Future for UpstreamFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Refused { error } => {
                let error = error
                    .take()
                    .expect("a future is not polled after it has ended");
                Poll::Ready(Err(error.into()))
            }
            StateProjection::Sending { response } => {
                let mut response = ready!(response.poll(cx)).map_err(Into::into)?;
                remove_connection_headers(response.headers_mut());
                Poll::Ready(Ok(response))
            }
        }
    }
}

/// Tells whether an authority is nothing but a host and a port; `http` takes more for one.
fn is_host_and_port(authority: &Authority) -> bool {
    HostScope::exact([authority.as_str()]).is_ok()
}

impl Config {
    /// Makes a request one to the upstream.
    fn direct<B>(&self, request: &mut Request<B>) -> Result<(), Error> {
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

    fn uri(&self, given: &Uri) -> Result<Uri, Error> {
        let path = given.path();
        check_path(path, self.empty_segments)?;
        let rest = path.strip_prefix(self.prefix.as_str()).ok_or(NO_ROUTE)?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return Err(NO_ROUTE);
        }

        let mut target = String::with_capacity(given.path().len() + self.base_path.len() + 64);
        target.push_str(&self.base_path);
        target.push_str(rest);
        if target.is_empty() {
            target.push('/');
        }
        let mut separator = '?';
        let pairs = given
            .query()
            .unwrap_or("")
            .split('&')
            .filter(|pair| !pair.is_empty());
        for pair in pairs.filter(|pair| self.allows_parameter(pair)) {
            target.push(separator);
            target.push_str(pair);
            separator = '&';
        }
        let path_and_query = PathAndQuery::from_maybe_shared(Bytes::from(target));
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path_and_query.map_err(|_| TOO_LONG)?)
            .build()
            .map_err(|_| TOO_LONG)
    }

    fn allows_parameter(&self, pair: &str) -> bool {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        let name = percent_decode_str(name)
            .decode_utf8_lossy()
            .to_ascii_lowercase();
        !is_amz(&name) || self.allowed_parameters.contains(&name)
    }

    fn clean(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        remove_connection_headers(headers);
        headers.remove(header::EXPECT);
        let refused: Vec<HeaderName> = headers
            .keys()
            .filter(|name| is_amz(name.as_str()))
            .filter(|name| {
                !self
                    .allowed_headers
                    .iter()
                    .any(|allowed| *name == allowed.as_str())
            })
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
fn is_amz(name: &str) -> bool {
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

/// Refuses paths that one hop may read otherwise than another.
fn check_path(path: &str, empty_segments: bool) -> Result<(), Error> {
    if !path.starts_with('/') {
        return Err(NO_PATH);
    }
    if !empty_segments && path.contains("//") {
        return Err(EMPTY_SEGMENT);
    }
    // Separators count in every spelling that some server reads as one.
    let plain = path
        .to_ascii_lowercase()
        .replace("%2f", "/")
        .replace("%5c", "/");
    // So do dots, also before a path parameter (`..;x`) or a NUL.
    let plain = plain
        .replace("%2e", ".")
        .replace("%3b", ";")
        .replace("%00", ";");
    let is_dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    if plain.split(['/', '\\']).any(is_dots) {
        return Err(DOT_SEGMENT);
    }
    Ok(())
}

/// Refuses a request with two hosts: `:authority` or an absolute target, and a Host header.
fn check_host(uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next(), uri.authority()) {
        (_, Some(_), _) => Err(TWO_HOSTS),
        (Some(host), None, Some(authority))
            if !host
                .as_bytes()
                .eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            Err(TWO_HOSTS)
        }
        _ => Ok(()),
    }
}

const NO_ROUTE: Error = Error::new(ErrorKind::NoRoute, "the path leads to no upstream");
const NO_PATH: Error = Error::new(
    ErrorKind::AmbiguousTarget,
    "the request target is no path; a tunnel or `*` cannot be forwarded",
);
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
const TOO_MANY_HEADERS: Error = Error::new(
    ErrorKind::TooManyHeaders,
    "the request has too many headers to be forwarded; send fewer",
);
const TOO_LONG: Error = Error::new(
    ErrorKind::TargetTooLong,
    "the request target is too long for the upstream",
);
const EMPTY_SEGMENT: Error = Error::new(
    ErrorKind::AmbiguousTarget,
    "the path has an empty segment (`//`), which servers read differently; leave it out",
);
const DOT_SEGMENT: Error = Error::new(
    ErrorKind::AmbiguousTarget,
    "the path has a dot segment (`..`), which servers read differently; resolve it",
);
const TWO_HOSTS: Error = Error::new(
    ErrorKind::AmbiguousHost,
    "the request names more than one host; leave one",
);

/// Says why an upstream was refused as configuration.
#[derive(Debug)]
pub struct UpstreamConfigError {
    message: &'static str,
    source: Option<http::uri::InvalidUri>,
}

impl fmt::Display for UpstreamConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl StdError for UpstreamConfigError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_ref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::ServiceExt;
    use tower::service_fn;

    use super::*;

    /// Returns the request that the upstream gets, or the kind of error.
    async fn directed(
        layer: UpstreamLayer,
        request: http::request::Builder,
    ) -> Result<Request<()>, ErrorKind> {
        let echo = service_fn(|request: Request<()>| async move {
            Ok::<_, Infallible>(Response::new(request))
        });
        let request = request.body(()).unwrap();
        let result = layer.layer(echo).oneshot(request).await;
        result
            .map(Response::into_body)
            .map_err(|error| error.downcast_ref::<Error>().unwrap().kind())
    }

    fn layer() -> UpstreamLayer {
        UpstreamLayer::new("https://api.example.com")
            .unwrap()
            .strip_path_prefix("/bedrock/")
    }

    #[tokio::test]
    async fn builds_the_uri_from_parts() {
        for (target, expected) in [
            ("/bedrock", Ok("https://api.example.com/")),
            ("/bedrock/", Ok("https://api.example.com/")),
            (
                "/bedrock/model/a%3A0/converse?x=1&x=",
                Ok("https://api.example.com/model/a%3A0/converse?x=1&x="),
            ),
            ("/bedrock/%2F", Ok("https://api.example.com/%2F")),
            (
                "/bedrock?X-Amz-Signature=a&b=1&x%2Damz-date=2&X-AMZN-x",
                Ok("https://api.example.com/?b=1"),
            ),
            ("http://evil.com/bedrock/x", Ok("https://api.example.com/x")),
            ("/bedrock@evil", Err(ErrorKind::NoRoute)),
            ("/bedrockx", Err(ErrorKind::NoRoute)),
            ("/", Err(ErrorKind::NoRoute)),
            ("/Bedrock/x", Err(ErrorKind::NoRoute)),
            ("/bedrock//evil/x", Err(ErrorKind::AmbiguousTarget)),
            ("//evil/bedrock", Err(ErrorKind::AmbiguousTarget)),
            ("/bedrock/%2e%2e/x", Err(ErrorKind::AmbiguousTarget)),
            ("/bedrock/.%2E/x", Err(ErrorKind::AmbiguousTarget)),
            ("/bedrock/../x", Err(ErrorKind::AmbiguousTarget)),
            ("/bedrock/x/..", Err(ErrorKind::AmbiguousTarget)),
            ("/bedrock/./x", Err(ErrorKind::AmbiguousTarget)),
            ("/bedrock/a%2f..%2Fx", Err(ErrorKind::AmbiguousTarget)),
            ("/bedrock/a%5C..%5Cx", Err(ErrorKind::AmbiguousTarget)),
            ("/bedrock/..;/x", Err(ErrorKind::AmbiguousTarget)),
            ("/bedrock/%2e%2e%3B/x", Err(ErrorKind::AmbiguousTarget)),
            ("/bedrock/..%00/x", Err(ErrorKind::AmbiguousTarget)),
            ("/bedrock/..a/b..", Ok("https://api.example.com/..a/b..")),
            ("*", Err(ErrorKind::AmbiguousTarget)),
        ] {
            let result = directed(layer(), Request::get(target)).await;
            let result = result.map(|request| request.uri().to_string());
            assert_eq!(
                result.as_deref().map_err(|kind| *kind),
                expected,
                "{target}"
            );
        }
    }

    #[tokio::test]
    async fn puts_the_path_below_that_of_the_upstream() {
        for (upstream, target, expected) in [
            (
                "https://a.example.com/v1",
                "/x",
                "https://a.example.com/v1/x",
            ),
            (
                "https://a.example.com/v1/",
                "/x",
                "https://a.example.com/v1/x",
            ),
            (
                "https://a.example.com/v1/",
                "/",
                "https://a.example.com/v1/",
            ),
        ] {
            let layer = UpstreamLayer::new(upstream).unwrap();
            let request = directed(layer, Request::get(target)).await.unwrap();
            assert_eq!(request.uri().to_string(), expected);
        }
    }

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
    async fn removes_what_concerns_the_connection_of_the_upstream() {
        let service = service_fn(|_: Request<()>| async {
            let response = Response::builder()
                .header("connection", "close, x-hop")
                .header("x-hop", "1")
                .header("keep-alive", "timeout=5")
                .header("x-amzn-requestid", "kept");
            Ok::<_, Infallible>(response.body(()).unwrap())
        });
        let request = Request::get("/bedrock/").body(()).unwrap();
        let response = layer().layer(service).oneshot(request).await.unwrap();
        let names: Vec<_> = response.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-amzn-requestid"]);
    }

    #[tokio::test]
    async fn lets_named_parameters_pass() {
        let layer = layer().allow_amz_parameters(["X-Amz-Expected"]);
        let request = Request::get("/bedrock/?x-amz-expected=1&X-Amz-Other=2");
        let request = directed(layer, request).await.unwrap();
        assert_eq!(request.uri().query(), Some("x-amz-expected=1"));
    }

    #[tokio::test]
    async fn refuses_two_hosts() {
        let two = Request::get("/bedrock/")
            .header("host", "a")
            .header("host", "a");
        let differing = Request::get("https://a/bedrock/").header("host", "b");
        for request in [two, differing] {
            assert_eq!(
                directed(layer(), request).await.unwrap_err(),
                ErrorKind::AmbiguousHost
            );
        }
        let same = Request::get("https://A/bedrock/").header("host", "a");
        assert!(directed(layer(), same).await.is_ok());
    }

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

    #[test]
    fn knows_its_host_scope() {
        let uri = Uri::from_static("https://api.example.com/");
        let other = HeaderMap::from_iter([(header::HOST, "signed.example.com".parse().unwrap())]);
        let plain = layer().host_scope().unwrap();
        assert!(plain.check(&uri, &HeaderMap::new()).is_ok());
        assert!(plain.check(&uri, &other).is_err());
        let rewritten = layer()
            .host("signed.example.com")
            .unwrap()
            .host_scope()
            .unwrap();
        assert!(rewritten.check(&uri, &other).is_ok());
        assert!(rewritten.check(&uri, &HeaderMap::new()).is_err());
    }

    #[tokio::test]
    async fn sends_another_host_where_told() {
        let layer = layer().host("signed.example.com").unwrap();
        let request = Request::get("/bedrock/")
            .header("host", "gateway")
            .version(Version::HTTP_2);
        let request = directed(layer, request).await.unwrap();
        assert_eq!(request.headers()["host"], "signed.example.com");
        assert_eq!(request.version(), Version::HTTP_11);
    }

    #[tokio::test]
    async fn keeps_empty_segments_where_told() {
        let layer = layer().allow_empty_segments();
        let request = directed(layer, Request::get("/bedrock/a//b"))
            .await
            .unwrap();
        assert_eq!(request.uri().path(), "/a//b");
    }

    #[test]
    fn refuses_upstreams_that_are_none() {
        for bad in [
            "",
            "api.example.com",
            "/path",
            "ftp://a",
            "https://u:p@a",
            "https://a/?q",
            "https://a/../b",
            "https://",
            "https://a:x",
            "https://[::1].x:99",
        ] {
            assert!(UpstreamLayer::new(bad).is_err(), "{bad}");
        }
        assert!(layer().host("a/b").is_err());
        assert!(layer().host("u@b").is_err());
    }
}
