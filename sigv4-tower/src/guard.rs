//! [`BrowserGuard`]: keeps web pages from having requests signed.

use std::future::Future;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http::HeaderMap;
use http::Request;
use http::Response;
use http::Uri;
use http::header;
use pin_project_lite::pin_project;
use sigv4_core::ConfigError;
use sigv4_core::runtime::adapter;
use tower_layer::Layer;
use tower_service::Service;

use crate::BoxError;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::upstream::check_host;

/// Keeps web pages from using a proxy that asks nobody for a key, since only this machine can reach
/// it.
///
/// The browsers on this machine can reach it, too, for every page that they show. Two checks keep
/// those out:
///
/// - The host that a request names has to be `localhost`, an address of loopback, or one of the
///   [names](Self::allow_hosts) given here. That defeats DNS rebinding: a name that a page controls
///   and lets point to 127.0.0.1.
/// - A request that a browser marks as made by a page, by `Origin` or `Sec-Fetch-Site`, is refused;
///   by any page, since one that came through the proxy, an HTML object in a bucket for example,
///   would be of the proxy's own origin.
///
/// It is a [`Layer`] for the outside of a proxy, with
/// [`AnswerErrorsLayer`](crate::AnswerErrorsLayer) around it, which answers 421 and 403; or a value
/// whose [`check`](Self::check) somebody else asks. It is no authentication: whoever can connect
/// without a browser passes.
///
/// ```
/// use http::{HeaderMap, HeaderValue, Uri};
/// use sigv4_tower::{BrowserGuard, ErrorKind};
///
/// let guard = BrowserGuard::new().allow_hosts(["gateway.internal"])?;
/// let uri = Uri::from_static("/model/x/converse");
/// let mut headers = HeaderMap::new();
/// headers.insert("host", HeaderValue::from_static("localhost:8080"));
/// assert!(guard.check(&uri, &headers).is_ok());
/// headers.insert("host", HeaderValue::from_static("rebound.example:8080"));
/// assert_eq!(guard.check(&uri, &headers).unwrap_err().kind(), ErrorKind::UnknownHost);
/// # Ok::<(), sigv4_tower::sigv4_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct BrowserGuard {
    names: Arc<[String]>,
}

impl BrowserGuard {
    /// Makes one that knows the names of loopback.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows these hosts, too, each without a port.
    ///
    /// # Errors
    ///
    /// When one of them is no host, or has a port.
    pub fn allow_hosts<I>(self, hosts: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let mut names = self.names.to_vec();
        for host in hosts {
            let host = host.as_ref();
            if without_port(host) != Some(host) {
                let message = "must be a host without a port, such as `gateway.internal`";
                return Err(adapter::config_error("host", message));
            }
            names.push(host.to_owned());
        }
        let names = names.into();
        Ok(Self { names })
    }

    /// Refuses requests of web pages, and those that name a host that is not known.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownHost`], [`ErrorKind::AmbiguousHost`] or [`ErrorKind::WebPage`].
    pub fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
        self.check_host(uri, headers)?;
        Self::check_page(headers)
    }

    /// Refuses requests that name a host that is not known, or none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownHost`], or as [`requested_host`](Self::requested_host).
    pub fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
        match Self::requested_host(uri, headers)? {
            Some(host) if self.knows(host) => Ok(()),
            _ => Err(UNKNOWN_HOST),
        }
    }

    /// Refuses requests that a web page has made, as browsers say it. Whoever proves with a key who
    /// he is may name any host; a page in his browser is still not him.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WebPage`].
    pub fn check_page(headers: &HeaderMap) -> Result<(), Error> {
        let mut sites = headers.get_all("sec-fetch-site").iter();
        if headers.contains_key(header::ORIGIN) || !sites.all(|site| site == "none") {
            return Err(WEB_PAGE);
        }
        Ok(())
    }

    /// Returns the host that a request names, without its port, if it is a host.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AmbiguousHost`] when it names several.
    pub fn requested_host<'a>(
        uri: &'a Uri,
        headers: &'a HeaderMap,
    ) -> Result<Option<&'a str>, Error> {
        check_host(uri, headers)?;
        let authority = match headers.get(header::HOST) {
            Some(value) => value.to_str().ok(),
            None => uri.authority().map(http::uri::Authority::as_str),
        };
        Ok(authority.and_then(without_port))
    }

    /// Tells whether this host, without a port, is known.
    #[must_use]
    pub fn knows(&self, host: &str) -> bool {
        let mut names = self.names.iter();
        is_loopback(host) || names.any(|name| name.eq_ignore_ascii_case(host))
    }
}

impl<S> Layer<S> for BrowserGuard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        let guard = self.clone();
        Guarded { inner, guard }
    }
}

/// Lets no request of a web page through. Made by [`BrowserGuard`].
///
/// # Errors
///
/// An [`Error`] of the kind [`UnknownHost`](ErrorKind::UnknownHost),
/// [`WebPage`](ErrorKind::WebPage) or [`AmbiguousHost`](ErrorKind::AmbiguousHost) for a request that
/// is refused; else the error of the service inside.
///
/// # Cancel safety
///
/// That of the service inside.
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    inner: S,
    guard: BrowserGuard,
}

impl<S, B, R> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = GuardedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let state = match self.guard.check(request.uri(), request.headers()) {
            Ok(()) => State::Passed {
                response: self.inner.call(request),
            },
            Err(error) => State::Refused { error: Some(error) },
        };
        GuardedFuture { state }
    }
}

pin_project! {
    /// The answer to a request that was let through. The future of [`Guarded`].
    #[derive(Debug)]
    pub struct GuardedFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[derive(Debug)]
    enum State<F> {
        Refused { error: Option<Error> },
        Passed { #[pin] response: F },
    }
}

impl<F, R, E> Future for GuardedFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().state.project() {
            StateProjection::Passed { response } => ready!(response.poll(cx)).map_err(Into::into),
            StateProjection::Refused { error } => Err(error
                .take()
                .expect("a future is not polled after it has ended")
                .into()),
        })
    }
}

/// Returns the host of what a Host header or an authority says. Nothing, if it is not that: userinfo
/// and what a browser would not send are none.
fn without_port(authority: &str) -> Option<&str> {
    let end = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end)?;
    let is_host = |octet: u8| {
        octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_' | b':' | b'[' | b']')
    };
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|octet| octet.is_ascii_digit());
    let is_fine = !host.is_empty()
        && host.bytes().all(is_host)
        && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    is_fine.then_some(host)
}

fn is_loopback(host: &str) -> bool {
    let inside = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let address = match inside {
        Some(inside) => inside.parse::<Ipv6Addr>().map(IpAddr::from),
        None => host.parse::<Ipv4Addr>().map(IpAddr::from),
    };
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

const UNKNOWN_HOST: Error = Error::new(
    ErrorKind::UnknownHost,
    "the Host header is neither loopback nor a name of this proxy",
);
const WEB_PAGE: Error = Error::new(ErrorKind::WebPage, "requests of web pages are not signed");

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::StatusCode;
    use tower::ServiceBuilder;
    use tower::ServiceExt;
    use tower::service_fn;

    use super::*;
    use crate::AnswerErrorsLayer;

    fn guard() -> BrowserGuard {
        BrowserGuard::new()
            .allow_hosts(["gateway.internal", "[fd00::1]"])
            .unwrap()
    }

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn knows_under_which_names_it_is_asked() {
        let unknown = Err(ErrorKind::UnknownHost);
        let ambiguous = Err(ErrorKind::AmbiguousHost);
        for (host, expected) in [
            ("localhost:8080", Ok(())),
            ("LOCALHOST", Ok(())),
            ("127.0.0.1:8080", Ok(())),
            ("127.0.0.2", Ok(())),
            ("[::1]:8080", Ok(())),
            ("Gateway.internal:8080", Ok(())),
            ("[fd00::1]:8080", Ok(())),
            ("evil.example", unknown),
            ("localhost.evil.example", unknown),
            ("127.0.0.1.evil.example", unknown),
            ("user@localhost@evil", unknown),
            ("u@localhost", unknown),
            ("localhost:abc", unknown),
            ("[127.0.0.1]", unknown),
            ("10.0.0.1", unknown),
            ("", unknown),
        ] {
            let headers = headers(&[("host", host)]);
            let found = guard().check(&Uri::from_static("/"), &headers);
            assert_eq!(found.map_err(|error| error.kind()), expected, "{host}");
        }
        for (uri, list, expected) in [
            ("/", &[][..], unknown),
            ("http://localhost:8080/", &[], Ok(())),
            ("http://evil.example/", &[], unknown),
            ("http://evil.example/", &[("host", "localhost")], ambiguous),
            (
                "/",
                &[("host", "localhost"), ("host", "localhost")],
                ambiguous,
            ),
        ] {
            let found = guard().check(&Uri::from_static(uri), &headers(list));
            assert_eq!(found.map_err(|error| error.kind()), expected, "{uri}");
        }
    }

    #[test]
    fn keeps_web_pages_out() {
        for (name, value, is_kept_out) in [
            ("accept", "*/*", false),
            ("origin", "http://localhost:8080", true),
            ("origin", "https://evil.example", true),
            ("origin", "null", true),
            ("sec-fetch-site", "none", false),
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "same-site", true),
            ("sec-fetch-site", "cross-site", true),
        ] {
            let headers = headers(&[("host", "localhost"), (name, value)]);
            let found = guard().check(&Uri::from_static("/"), &headers);
            let expected = is_kept_out.then_some(ErrorKind::WebPage);
            assert_eq!(found.err().map(|error| error.kind()), expected, "{value}");
        }
        let twice = headers(&[("sec-fetch-site", "none"), ("sec-fetch-site", "same-site")]);
        assert!(BrowserGuard::check_page(&twice).is_err());
    }

    #[test]
    fn takes_ports_off_hosts() {
        for (given, expected) in [
            ("a.example", Some("a.example")),
            ("a.example:80", Some("a.example")),
            ("a.example:", Some("a.example")),
            ("[::1]:80", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("::1", None),
            ("a:b", None),
            ("a:80:80", None),
            ("u@a", None),
            ("u:80@a", None),
            ("[::1]x", None),
            ("[::1", None),
            ("a/b", None),
            ("", None),
            (":80", None),
        ] {
            assert_eq!(without_port(given), expected, "{given}");
        }
    }

    #[test]
    fn refuses_names_that_are_no_hosts() {
        for bad in ["", "a:80", "a:", "u@a", "http://a", "a b"] {
            assert!(BrowserGuard::new().allow_hosts([bad]).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn answers_as_a_layer_of_a_proxy() {
        for (list, expected) in [
            (&[("host", "localhost")][..], StatusCode::OK),
            (&[("host", "evil.example")], StatusCode::MISDIRECTED_REQUEST),
            (
                &[("host", "localhost"), ("origin", "https://evil.example")],
                StatusCode::FORBIDDEN,
            ),
            (
                &[("host", "localhost"), ("host", "localhost")],
                StatusCode::BAD_REQUEST,
            ),
        ] {
            let inside = service_fn(|_: Request<()>| async {
                Ok::<_, Infallible>(Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
            });
            let proxy = ServiceBuilder::new()
                .layer(AnswerErrorsLayer::new())
                .layer(guard())
                .service(inside);
            let mut request = Request::new(());
            *request.headers_mut() = headers(list);
            let response = proxy.oneshot(request).await.unwrap();
            assert_eq!(response.status(), expected, "{list:?}");
        }
    }
}
