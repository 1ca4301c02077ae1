//! [`UpstreamLayer`].

use std::sync::Arc;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Uri;
use http::header;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::adapter;
use tower_layer::Layer;

use crate::error::Error;
use crate::upstream::Upstream;
use crate::upstream::UpstreamConfigError;
use crate::upstream::config::Config;
use crate::upstream::headers::is_reserved;
use crate::upstream::names::Names;
use crate::upstream::path::check_path;

/// Sends requests to one upstream, whatever host they were sent to, after removing everything that
/// a client could use to influence what is signed.
///
/// For a proxy that signs, outside of [`SigV4Layer`](crate::SigV4Layer):
///
/// - The URI is put together from the upstream's scheme and authority, the path below the
///   [prefix](Self::strip_path_prefix), and the query. A prefix matches whole segments only. Paths
///   with dot segments (`..`, `%2e%2e`, `a%2F..`) or [empty segments](Self::allow_empty_segments)
///   are refused; what is escaped twice passes as it is. Refused are also requests that name two
///   hosts, `TRACE`, transfer codings other than `chunked`, and upgrades to a WebSocket. Other
///   upgrades are not offered to the upstream.
/// - Refused are header values with octets that are not ASCII, or control characters other than tabs,
///   a repeated `Content-Type`, and a `Content-Length` that contradicts itself; one that only repeats
///   itself is sent once.
/// - `Authorization`, every `x-amz-*` and `x-amzn-*` header and every `X-Amz-*` query parameter are
///   removed, except those allowed [by name](Self::allow_amz_headers).
/// - The headers that concern the client's connection alone are removed, with those that
///   `Connection` names, and the Host header, which becomes the upstream's. Those that concern the
///   upstream's connection are removed from the answer.
///
/// Everything else passes, `Cookie` and `X-Forwarded-*` included, unless it is
/// [removed](Self::remove_headers).
///
/// ```
/// use sigv4_tower::UpstreamLayer;
///
/// let upstream = UpstreamLayer::new("https://bedrock-runtime.us-east-1.amazonaws.com")?
///     .strip_path_prefix("/bedrock")
///     .allow_amz_headers(["x-amzn-bedrock-*"]);
/// # Ok::<(), sigv4_tower::UpstreamConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct UpstreamLayer {
    config: Config,
}

impl UpstreamLayer {
    /// Makes a layer for an upstream: its scheme, its authority and, where all of it is below one,
    /// a path.
    ///
    /// # Errors
    ///
    /// When `upstream` is no such URI, or has userinfo or a query.
    pub fn new(upstream: &str) -> Result<Self, UpstreamConfigError> {
        let uri: Uri = upstream.parse().map_err(|error| {
            let message = "the upstream must be a URI such as `https://api.example.com`";
            UpstreamConfigError::new(message).because(error)
        })?;
        let refuse = |message: &'static str| UpstreamConfigError::new(message);
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(refuse(
                "the upstream needs a scheme and a host, `https://api.example.com`",
            ));
        };
        if scheme != Scheme::HTTPS && scheme != Scheme::HTTP {
            return Err(refuse("the upstream's scheme must be https or http"));
        }
        let scope = HostScope::exact([authority.as_str()]);
        let Some(scope) = scope.ok().filter(|_| is_host_and_port(&authority)) else {
            return Err(refuse(
                "the upstream must be `host` or `host:port`, without userinfo",
            ));
        };
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
            scope,
            prefix: String::new(),
            host: None,
            allowed_headers: Names::default(),
            allowed_parameters: Names::default(),
            empty_segments: false,
            fixed_path: None,
            trailing_slash: false,
            follows_payload: false,
            removed_headers: Names::default(),
            set_headers: HeaderMap::new(),
            removed_answer_headers: Names::default(),
        };
        Ok(Self { config })
    }

    /// Refuses a path that servers may read differently: with dot segments in any spelling, or that
    /// is none. Every upstream refuses these; a proxy that has several may want to know before it
    /// has chosen one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AmbiguousTarget`](crate::ErrorKind::AmbiguousTarget).
    pub fn check_path(path: &str) -> Result<(), Error> {
        check_path(path, true)
    }

    /// Returns the authority that is dialled.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.config.authority.as_str()
    }

    /// Tells whether bodies are covered [as the client's own signature](Self::follow_client_payload)
    /// did.
    #[must_use]
    pub const fn follows_client_payload(&self) -> bool {
        self.config.follows_payload
    }

    /// Returns the scope of this upstream alone, for the authorizer.
    #[must_use]
    pub fn host_scope(&self) -> HostScope {
        self.config.scope.clone()
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
        let refuse = || UpstreamConfigError::new("the host must be `host` or `host:port`");
        let authority = Authority::try_from(host).map_err(|_| refuse())?;
        if !is_host_and_port(&authority) {
            return Err(refuse());
        }
        let scope =
            HostScope::exact([""; 0]).and_then(|none| none.dialling(self.authority(), host));
        self.config.scope = scope.map_err(|_| refuse())?;
        self.config.host = Some(HeaderValue::from_str(host).map_err(|_| refuse())?);
        Ok(self)
    }

    /// Lets these `x-amz-*` and `x-amzn-*` headers of the client pass; they are then signed. A name
    /// that ends in `*` stands for all that begin alike: `x-amz-meta-*`. What a signature itself is
    /// made of is replaced all the same. Default: none.
    pub fn allow_amz_headers<I>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        self.config.allowed_headers.extend(names);
        self
    }

    /// Removes these headers of the client, which the upstream is not to see: the key for a gateway,
    /// cookies. A name that ends in `*` stands for all that begin alike. It counts more than that a
    /// header is [allowed](Self::allow_amz_headers). The length of the body stays, and what says what is
    /// in a body whose [encoding is followed](Self::follow_client_payload).
    ///
    /// ```
    /// # use sigv4_tower::UpstreamLayer;
    /// let upstream = UpstreamLayer::new("https://bedrock-runtime.us-east-1.amazonaws.com")?
    ///     .remove_headers(["ocp-apim-subscription-key", "api-key", "cookie", "x-forwarded-*"])?;
    /// # Ok::<(), sigv4_tower::UpstreamConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When one of them is no name of a header, or `content-length`.
    pub fn remove_headers<I>(mut self, names: I) -> Result<Self, UpstreamConfigError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        self.config.removed_headers.extend_headers(names)?;
        Ok(self)
    }

    /// Gives each request a header with this value, in place of the client's. It is set before the
    /// request is signed: `x-amz-*` headers are signed, and others where the
    /// [header rules](sigv4_core::HeaderRules) say so.
    ///
    /// The value is kept out of `Debug`.
    ///
    /// # Errors
    ///
    /// When name or value are none of a header, or the header belongs to the signature, to the
    /// framing of the body, or to the connection.
    pub fn set_header(mut self, name: &str, value: &str) -> Result<Self, UpstreamConfigError> {
        let refuse = |why: &str| UpstreamConfigError::new(format!("the header {name:?} {why}"));
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(refuse("has no valid name"));
        };
        if header == header::HOST {
            return Err(refuse("is set by `UpstreamLayer::host`"));
        }
        if is_reserved(&header) {
            return Err(refuse(
                "cannot be set: the signature, the body or the connection decides it",
            ));
        }
        let value = HeaderValue::from_str(value)
            .ok()
            .filter(|_| value.is_ascii());
        let Some(mut value) = value else {
            return Err(refuse("must have a value of visible ASCII"));
        };
        value.set_sensitive(true);
        let mut alone = HeaderMap::new();
        alone.insert(header, value);
        if adapter::is_encoded(&alone) {
            return Err(refuse("cannot say `aws-chunked`: the payload mode does"));
        }
        self.config.set_headers.extend(alone);
        Ok(self)
    }

    /// Removes these headers of the upstream's answer. A name that ends in `*` stands for all that
    /// begin alike: `x-amz-*`. The length of the body stays.
    ///
    /// A signer inside, and what recovers from refusals there, still sees them.
    ///
    /// # Errors
    ///
    /// When one of them is no name of a header, or `content-length`.
    pub fn remove_answer_headers<I>(mut self, names: I) -> Result<Self, UpstreamConfigError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        self.config.removed_answer_headers.extend_headers(names)?;
        Ok(self)
    }

    /// Lets these `X-Amz-*` query parameters of the client pass. A name that ends in `*` stands for
    /// all that begin alike. What a signature itself is made of is replaced all the same. Default:
    /// none.
    pub fn allow_amz_parameters<I>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        self.config.allowed_parameters.extend(names);
        self
    }

    /// Covers the body as the client did in its own signature, by the `x-amz-content-sha256` that
    /// it sent. For SDK clients that have this proxy for an endpoint, and credentials that stand for
    /// nothing.
    ///
    /// | `x-amz-content-sha256` | the body |
    /// |---|---|
    /// | a hash in hex | is [hashed](sigv4_core::PayloadMode::HashedAs), and refused where the two differ |
    /// | `UNSIGNED-PAYLOAD` | passes [unsigned](sigv4_core::PayloadMode::Unsigned), where the service takes that |
    /// | `STREAMING-UNSIGNED-PAYLOAD-TRAILER` | passes [as it is](sigv4_core::PayloadMode::PreChunked), with the headers that say what is in it; uploads to S3 only |
    /// | anything else | is refused |
    /// | none | is covered as the authorizer says |
    ///
    /// It is told the signer inside by the [`SigningOverrides`](sigv4_core::SigningOverrides) of the
    /// request, whose other parts stay. Without this setting the header is dropped, and a body in
    /// aws-chunked encoding is refused.
    ///
    /// ```
    /// # use sigv4_tower::UpstreamLayer;
    /// let upstream = UpstreamLayer::new("https://s3.eu-central-1.amazonaws.com")?
    ///     .allow_empty_segments()
    ///     .allow_amz_headers(["x-amz-checksum-*", "x-amz-meta-*"])
    ///     .follow_client_payload();
    /// # Ok::<(), sigv4_tower::UpstreamConfigError>(())
    /// ```
    pub fn follow_client_payload(mut self) -> Self {
        self.config.follows_payload = true;
        self
    }

    /// Sends every request to this path, below that of the upstream, in place of the client's. The
    /// client's has to be below the [prefix](Self::strip_path_prefix) all the same, and its query
    /// passes.
    ///
    /// ```
    /// # use sigv4_tower::UpstreamLayer;
    /// let upstream = UpstreamLayer::new("https://api.example.com/prod")?.path("/orders")?;
    /// # Ok::<(), sigv4_tower::UpstreamConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When `path` is none, or has dot segments, a query or a fragment.
    pub fn path(mut self, path: &str) -> Result<Self, UpstreamConfigError> {
        let is_path = PathAndQuery::try_from(path)
            .is_ok_and(|parsed| parsed.as_str() == path && parsed.query().is_none());
        if !is_path || check_path(path, true).is_err() {
            return Err(UpstreamConfigError::new(
                "the path must begin with a slash and have no dot segments, query or fragment",
            ));
        }
        self.config.fixed_path = Some(path.to_owned());
        Ok(self)
    }

    /// Adds a slash to the end of paths that have none. What is sent is what is signed. Default: they
    /// stay without.
    pub fn ensure_trailing_slash(mut self) -> Self {
        self.config.trailing_slash = true;
        self
    }

    /// Lets paths with empty segments (`//`) pass, which to S3 are a part of the key. Other
    /// services would read them as one slash. Default: they are refused, with
    /// [`AmbiguousTarget`](crate::ErrorKind::AmbiguousTarget).
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

/// Tells whether an authority is nothing but a host and a port; `http` takes more for one.
fn is_host_and_port(authority: &Authority) -> bool {
    HostScope::exact([authority.as_str()]).is_ok()
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::Version;

    use super::*;
    use crate::upstream::testing::directed;
    use crate::upstream::testing::layer;

    #[test]
    fn knows_its_host_scope() {
        let uri = Uri::from_static("https://api.example.com/");
        let other = HeaderMap::from_iter([(header::HOST, "signed.example.com".parse().unwrap())]);
        let plain = layer().host_scope();
        assert!(plain.check(&uri, &HeaderMap::new()).is_ok());
        assert!(plain.check(&uri, &other).is_err());
        let rewritten = layer().host("signed.example.com").unwrap().host_scope();
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

    #[test]
    fn sets_no_header_that_somebody_else_decides() {
        for name in [
            "Host",
            "Authorization",
            "x-amz-date",
            "X-Amz-Content-Sha256",
            "x-amz-security-token",
            "x-amz-s3session-token",
            "x-amz-region-set",
            "x-amz-decoded-content-length",
            "x-amz-trailer",
            "content-length",
            "transfer-encoding",
            "connection",
            "te",
            "upgrade",
            "keep-alive",
            "expect",
            "",
            "a b",
        ] {
            let error = layer().set_header(name, "1").unwrap_err().to_string();
            assert!(error.contains(&format!("{name:?}")), "{error}");
        }
        for value in ["a\r\nb: c", "\u{fc}", "\0"] {
            let error = layer().set_header("x-a", value).unwrap_err().to_string();
            assert!(error.contains("x-a") && !error.contains(value), "{error}");
        }
        let error = layer().set_header("content-encoding", "gzip, AWS-chunked");
        assert!(error.unwrap_err().to_string().contains("aws-chunked"));
        assert!(layer().set_header("content-encoding", "gzip").is_ok());
    }

    #[test]
    fn removes_no_header_that_is_none() {
        for name in ["content-length", "Content-Length", "", "a b", "a b*"] {
            let error = layer().remove_headers(["x-a", name]).unwrap_err();
            assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
            assert!(layer().remove_answer_headers([name]).is_err(), "{name}");
        }
    }

    #[test]
    fn does_not_show_what_it_sets() {
        let layer = layer().set_header("api-key", "a secret").unwrap();
        let shown = format!("{layer:?}");
        assert!(
            shown.contains("api-key") && !shown.contains("a secret"),
            "{shown}"
        );
    }
}
