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

use http::HeaderMap;
use http::header;

use crate::route::host_of;

/// The names under which a listener may be asked, besides those of loopback.
#[derive(Clone, Debug)]
pub struct Guard {
    names: Vec<String>,
}

impl Guard {
    /// Allows these names.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        let names = names.to_vec();
        Self { names }
    }

    /// Tells whether somebody who showed no key may ask under this host.
    #[must_use]
    pub fn knows(&self, host: Option<&str>) -> bool {
        host.is_some_and(|host| {
            is_loopback(host)
                || self
                    .names
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(host))
        })
    }
}

/// Tells whether a web page has made a request, as browsers say it.
#[must_use]
pub fn is_of_a_page(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    headers.contains_key(header::ORIGIN) || !sites.all(|site| site == "none")
}

/// Tells whether this is a host, without a port.
#[must_use]
pub fn is_host(name: &str) -> bool {
    host_of(name) == Some(name)
}

/// Returns the host that a request names, if it is one and not several.
#[must_use]
pub fn host<'a>(uri: &'a http::Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let authority = match headers.get(header::HOST) {
        Some(value) => value.to_str().ok()?,
        None => uri.authority()?.as_str(),
    };
    host_of(authority)
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

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::*;

    #[test]
    fn knows_under_which_names_it_is_asked() {
        let guard = Guard::new(&["gateway.internal".to_owned()]);
        for (host_header, expected) in [
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("127.0.0.1:8080", true),
            ("127.0.0.2", true),
            ("[::1]:8080", true),
            ("Gateway.internal:8080", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("user@localhost@evil", false),
            ("u@localhost", false),
            ("localhost:abc", false),
            ("[127.0.0.1]", false),
            ("10.0.0.1", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host_header.parse().unwrap());
            let uri = Uri::from_static("/");
            let known = guard.knows(host(&uri, &headers));
            assert_eq!(known, expected, "{host_header}");
        }
        assert!(!guard.knows(host(&Uri::from_static("/"), &HeaderMap::new())));
        let h2 = Uri::from_static("http://localhost:8080/");
        assert!(guard.knows(host(&h2, &HeaderMap::new())));
    }

    #[test]
    fn refuses_names_that_are_no_hosts() {
        for bad in ["", "a:80", "a:", "u@a", "http://a", "a b"] {
            assert!(!is_host(bad), "{bad}");
        }
        assert!(is_host("gateway.internal") && is_host("[::1]"));
    }

    #[test]
    fn keeps_web_pages_out() {
        for (name, value, expected) in [
            ("accept", "*/*", false),
            ("origin", "http://localhost:8080", true),
            ("origin", "https://evil.example", true),
            ("origin", "null", true),
            ("sec-fetch-site", "none", false),
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "same-site", true),
            ("sec-fetch-site", "cross-site", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(is_of_a_page(&headers), expected, "{name}: {value}");
        }
    }
}
