//! Keeps web pages from having requests signed.
//!
//! A gateway on loopback can be reached by every page that the user's browser shows. Two checks
//! keep those out. The Host header has to name this gateway, which defeats DNS rebinding: a name
//! that a page controls and lets point to 127.0.0.1. And a request that a browser marks as made by
//! a page is refused; by any page, since one that came through the gateway, an HTML object in a
//! bucket for example, would be of the gateway's own origin.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderMap;
use http::StatusCode;
use http::Uri;
use http::header;
use http::uri::Authority;

/// The names under which the gateway may be asked, besides those of loopback.
#[derive(Clone, Debug)]
pub struct Guard {
    names: Arc<[String]>,
}

impl Guard {
    /// Allows the names of loopback alone.
    #[must_use]
    pub fn loopback() -> Self {
        let names = Arc::default();
        Self { names }
    }

    /// Allows these names.
    ///
    /// # Errors
    ///
    /// When one is not a host, and says which.
    pub fn new(names: &[String]) -> Result<Self, String> {
        let is_host = |name: &&String| {
            Authority::try_from(name.as_str()).is_ok_and(|host| host.as_str() == host.host())
        };
        match names.iter().find(|name| !is_host(name)) {
            Some(bad) => Err(format!("--allow-host {bad}: must be a host without a port")),
            None => Ok(Self {
                names: names.iter().map(|name| name.to_ascii_lowercase()).collect(),
            }),
        }
    }

    pub(crate) fn verdict(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), (StatusCode, &'static str)> {
        let header = match headers.get(header::HOST) {
            Some(value) => Authority::try_from(value.as_bytes()).ok(),
            None => uri.authority().cloned(),
        };
        if !header.is_some_and(|host| self.is_ours(&host)) {
            return Err((
                StatusCode::MISDIRECTED_REQUEST,
                "the Host header is neither loopback nor a name given with --allow-host\n",
            ));
        }
        let mut sites = headers.get_all("sec-fetch-site").iter();
        if headers.contains_key(header::ORIGIN) || !sites.all(|site| site == "none") {
            return Err((
                StatusCode::FORBIDDEN,
                "requests of web pages are not signed\n",
            ));
        }
        Ok(())
    }

    fn is_ours(&self, authority: &Authority) -> bool {
        let host = authority.host();
        let port = authority
            .port_u16()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        // Nothing but a host and a port; `http` takes more for an authority.
        if authority.as_str() != format!("{host}{port}") {
            return false;
        }
        let address = match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(inside) => inside.parse::<Ipv6Addr>().map(IpAddr::from),
            None => host.parse::<Ipv4Addr>().map(IpAddr::from),
        };
        host.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.is_loopback())
            || self
                .names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(host))
    }
}

/// Answers a request that is not to be signed, and passes the others on.
pub async fn check(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    match guard.verdict(request.uri(), request.headers()) {
        Ok(()) => {
            // Cookies know no ports: those of any other server on this machine would go to AWS.
            request.headers_mut().remove(header::COOKIE);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_web_pages_out() {
        let guard = Guard::new(&["Gateway.internal".to_owned()]).unwrap();
        const OK: u16 = 0;
        for (host, name, value, expected) in [
            ("localhost:8080", "accept", "*/*", OK),
            ("127.0.0.1:8080", "accept", "*/*", OK),
            ("127.0.0.2", "accept", "*/*", OK),
            ("[::1]:8080", "accept", "*/*", OK),
            ("gateway.internal:8080", "accept", "*/*", OK),
            ("evil.example", "accept", "*/*", 421),
            ("localhost.evil.example", "accept", "*/*", 421),
            ("127.0.0.1.evil.example", "accept", "*/*", 421),
            ("user@localhost@evil", "accept", "*/*", 421),
            ("u@localhost", "accept", "*/*", 421),
            ("localhost:abc", "accept", "*/*", 421),
            ("[127.0.0.1]", "accept", "*/*", 421),
            ("10.0.0.1", "accept", "*/*", 421),
            ("localhost:8080", "origin", "http://localhost:8080", 403),
            ("localhost:8080", "origin", "http://localhost:3000", 403),
            ("localhost:8080", "origin", "https://evil.example", 403),
            ("localhost:8080", "origin", "null", 403),
            ("localhost:8080", "sec-fetch-site", "none", OK),
            ("localhost:8080", "sec-fetch-site", "same-origin", 403),
            ("localhost:8080", "sec-fetch-site", "same-site", 403),
            ("localhost:8080", "sec-fetch-site", "cross-site", 403),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            headers.insert(http::HeaderName::from_static(name), value.parse().unwrap());
            let verdict = guard.verdict(&Uri::from_static("/"), &headers);
            let status = verdict.err().map_or(OK, |(status, _)| status.as_u16());
            assert_eq!(status, expected, "{host} {name}: {value}");
        }
        let verdict = guard.verdict(&Uri::from_static("/"), &HeaderMap::new());
        assert_eq!(verdict.unwrap_err().0, StatusCode::MISDIRECTED_REQUEST);
    }

    #[test]
    fn refuses_names_that_are_no_hosts() {
        for bad in ["", "a:80", "a:", "u@a", "http://a", "a b"] {
            assert!(Guard::new(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
