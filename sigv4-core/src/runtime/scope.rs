//! Which hosts may be signed for.

use std::net::IpAddr;

use http::HeaderMap;
use http::Uri;
use http::header;
use http::uri::Authority;

use crate::canonical::host;
use crate::error::ConfigError;
use crate::error::Error;
use crate::error::ErrorKind;

/// The hosts that requests are signed for. A signature is a credential: it goes nowhere else.
///
/// A request is in scope when its scheme is `https` (or it goes to a loopback address) and its host
/// is one of those named here. Where its URI and its Host header name different hosts it is out of
/// scope, unless that very [pair](Self::dialling) was configured.
///
/// A host without a port means the default port of the scheme. Names are compared without regard to
/// case and otherwise exactly.
///
/// ```
/// use sigv4_core::runtime::HostScope;
///
/// let one = HostScope::exact(["bedrock-runtime.us-east-1.amazonaws.com"])?;
/// let buckets = HostScope::matching(["*.s3.eu-central-1.amazonaws.com"])?;
/// let tunnel = HostScope::exact(["search.example.com"])?
///     .dialling("127.0.0.1:9200", "search.example.com")?;
/// # Ok::<(), sigv4_core::ConfigError>(())
/// ```
///
/// A request whose URI is a path only (origin form) goes wherever its connection leads. Of it the
/// Host header alone is compared.
#[derive(Clone, Debug)]
pub struct HostScope {
    hosts: Vec<Pattern>,
    pairs: Vec<(Host, Host)>,
    any: bool,
    allow_http: bool,
}

impl HostScope {
    /// Allows these hosts, each `host` or `host:port`.
    ///
    /// # Errors
    ///
    /// When one of them is not a host.
    pub fn exact<I>(hosts: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let exact = |host: I::Item| {
            Ok(Pattern {
                host: Host::parse(host.as_ref())?,
                wild: false,
            })
        };
        Self::of(hosts.into_iter().map(exact))
    }

    /// Allows the hosts that match these patterns, in which a label `*` stands for exactly one
    /// label: `*.s3.us-east-1.amazonaws.com` is any bucket, but not what is below one.
    ///
    /// # Errors
    ///
    /// When one of them is not a pattern, or does not end in at least two labels of its own.
    pub fn matching<I>(patterns: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        Self::of(
            patterns
                .into_iter()
                .map(|pattern| Pattern::parse(pattern.as_ref())),
        )
    }

    /// Allows every host. A request's sender then decides who gets a signature and, with temporary
    /// credentials, the session token. Only for programs that make all of their URLs themselves.
    #[must_use]
    pub fn danger_any_host() -> Self {
        Self {
            hosts: Vec::new(),
            pairs: Vec::new(),
            any: true,
            allow_http: false,
        }
    }

    /// Allows requests that are sent to `dialled` (the URI's authority) for `host` (the Host
    /// header), as when a service is reached through a tunnel or a private endpoint. Over HTTP/1.1:
    /// a request of HTTP/2 carries the dialled authority, too, and the server may go by that.
    ///
    /// # Errors
    ///
    /// When one of the two is not a host.
    pub fn dialling(mut self, dialled: &str, host: &str) -> Result<Self, ConfigError> {
        self.pairs.push((Host::parse(dialled)?, Host::parse(host)?));
        Ok(self)
    }

    /// Adds the hosts of another scope.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.hosts.extend(other.hosts);
        self.pairs.extend(other.pairs);
        self.any |= other.any;
        self.allow_http |= other.allow_http;
        self
    }

    /// Allows plain `http` to hosts other than loopback. Whoever is on the way can then read what
    /// is sent, use the signature for some minutes, and take the session token.
    #[must_use]
    pub const fn danger_allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    fn of(
        patterns: impl Iterator<Item = Result<Pattern, ConfigError>>,
    ) -> Result<Self, ConfigError> {
        let hosts = patterns.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            hosts,
            pairs: Vec::new(),
            any: false,
            allow_http: false,
        })
    }

    /// Refuses a request that is not in scope, by its URI and its Host header.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfScope`]; or [`ErrorKind::MissingHost`] or [`ErrorKind::InvalidHost`] where
    /// it cannot be told where the request goes.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
        let mut values = headers.get_all(header::HOST).iter();
        let header = match (values.next(), values.next()) {
            (None, _) => None,
            (Some(value), None) => {
                let authority =
                    Authority::try_from(value.as_bytes()).map_err(|_| host::NOT_A_HOST)?;
                if authority.as_str().contains('@') {
                    return Err(host::NOT_A_HOST);
                }
                Some(authority)
            }
            (Some(_), Some(_)) => return Err(host::REPEATED),
        };
        let default_port = match uri.scheme_str() {
            Some("https" | "wss") => 443,
            Some("http" | "ws") => {
                let is_loopback = uri
                    .authority()
                    .is_some_and(|dialled| is_loopback(dialled.host()));
                if !self.allow_http && !is_loopback {
                    return Err(PLAIN_HTTP);
                }
                80
            }
            Some(_) => return Err(UNKNOWN_SCHEME),
            None => 443,
        };
        let here = |authority| Place::new(authority, default_port);
        let dialled = uri.authority().map(here).transpose()?;
        match (dialled, header.as_ref().map(here).transpose()?) {
            (None, None) => Err(host::MISSING),
            (Some(one), None) | (None, Some(one)) => self.check_host(&one, default_port),
            (Some(dialled), Some(host)) if dialled == host => self.check_host(&host, default_port),
            (Some(dialled), Some(host)) => {
                let is_pair = |(one, other): &(Host, Host)| {
                    one.is(&dialled, default_port) && other.is(&host, default_port)
                };
                if self.pairs.iter().any(is_pair) {
                    Ok(())
                } else {
                    Err(DIFFERENT_HOSTS)
                }
            }
        }
    }

    fn check_host(&self, place: &Place<'_>, default_port: u16) -> Result<(), Error> {
        if self.any
            || self
                .hosts
                .iter()
                .any(|pattern| pattern.matches(place, default_port))
        {
            Ok(())
        } else {
            Err(OTHER_HOST)
        }
    }
}

/// Where a request goes.
struct Place<'a> {
    host: &'a str,
    port: u16,
}

impl<'a> Place<'a> {
    fn new(authority: &'a Authority, default_port: u16) -> Result<Self, Error> {
        let text = authority.as_str();
        let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
        let (host, port) = host::split(text)?;
        Ok(Self {
            host,
            port: port.unwrap_or(default_port),
        })
    }
}

impl PartialEq for Place<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.port == other.port && self.host.eq_ignore_ascii_case(other.host)
    }
}

/// A configured host.
#[derive(Clone, Debug)]
struct Host {
    name: Box<str>,
    port: Option<u16>,
}

impl Host {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        let authority = Authority::try_from(text)
            .map_err(|error| ConfigError::new("host scope", NOT_CONFIGURABLE).because(error))?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]*".contains(&byte);
        if authority.host().is_empty() || !text.bytes().all(is_plain) || text.ends_with(':') {
            return Err(ConfigError::new("host scope", NOT_CONFIGURABLE));
        }
        if text.contains('*') {
            return Err(ConfigError::new(
                "host scope",
                "a pattern with `*` must be given to HostScope::matching",
            ));
        }
        let (host, port) = host::split(text)
            .map_err(|error| ConfigError::new("host scope", NOT_CONFIGURABLE).because(error))?;
        Ok(Self {
            name: host.to_ascii_lowercase().into(),
            port,
        })
    }

    fn is(&self, place: &Place<'_>, default_port: u16) -> bool {
        self.has_port(place, default_port) && self.name.eq_ignore_ascii_case(place.host)
    }

    fn has_port(&self, place: &Place<'_>, default_port: u16) -> bool {
        self.port.unwrap_or(default_port) == place.port
    }
}

#[derive(Clone, Debug)]
struct Pattern {
    host: Host,
    wild: bool,
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        // A name without stars, which says whether the rest of the pattern is a host.
        let host = Host::parse(&text.replace('*', "x"))?;
        let name = text.rsplit_once(':').map_or(text, |(name, _)| name);
        let mut labels: Vec<&str> = name.split('.').collect();
        let stars_are_labels = labels
            .iter()
            .all(|label| *label == "*" || !label.contains('*'));
        labels.reverse();
        // The last label of an address is a number.
        let is_address = labels
            .first()
            .is_none_or(|label| label.bytes().all(|b| b.is_ascii_digit()));
        let ends_in_a_domain =
            !is_address && labels.iter().take_while(|label| **label != "*").count() >= 2;
        let wild = text.contains('*');
        if wild && (!stars_are_labels || !ends_in_a_domain) {
            return Err(ConfigError::new(
                "host scope",
                "in a pattern `*` stands for a whole label, before at least two labels of a domain",
            ));
        }
        let name = if wild {
            name.to_ascii_lowercase().into()
        } else {
            host.name
        };
        Ok(Self {
            host: Host {
                name,
                port: host.port,
            },
            wild,
        })
    }

    fn matches(&self, place: &Place<'_>, default_port: u16) -> bool {
        if !self.wild {
            return self.host.is(place, default_port);
        }
        let mut labels = place.host.split('.');
        self.host.has_port(place, default_port)
            && self.host.name.split('.').all(|pattern| {
                labels.next().is_some_and(|label| {
                    !label.is_empty() && (pattern == "*" || pattern.eq_ignore_ascii_case(label))
                })
            })
            && labels.next().is_none()
    }
}

pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

const NOT_CONFIGURABLE: &str = "must be `host` or `host:port`, without scheme, userinfo and path";
const PLAIN_HTTP: Error = Error::new(
    ErrorKind::OutOfScope,
    "the request would carry its signature over plain http to a host that is not loopback; \
     use https",
);
const UNKNOWN_SCHEME: Error = Error::new(
    ErrorKind::OutOfScope,
    "the scheme of the request is neither https nor http; use https",
);
const OTHER_HOST: Error = Error::new(
    ErrorKind::OutOfScope,
    "the request goes to a host that is not in the host scope; add it there if it is meant",
);
const DIFFERENT_HOSTS: Error = Error::new(
    ErrorKind::OutOfScope,
    "the URI and the Host header of the request name different hosts; \
     make them one, or add the pair to the host scope",
);

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(scope: &HostScope, uri: &str, host: Option<&str>) -> Option<ErrorKind> {
        let mut headers = HeaderMap::new();
        if let Some(host) = host {
            headers.insert(header::HOST, host.parse().unwrap());
        }
        scope
            .check(&uri.parse().unwrap(), &headers)
            .err()
            .map(|error| error.kind())
    }

    #[test]
    fn signs_for_configured_hosts_only() {
        let scope = HostScope::exact(["API.example.com", "other.example.com:8443"]).unwrap();
        const OUT: Option<ErrorKind> = Some(ErrorKind::OutOfScope);
        for (uri, host, expected) in [
            ("https://api.example.com/", None, None),
            ("https://API.example.com:443/", None, None),
            (
                "https://api.example.com/",
                Some("api.example.com:443"),
                None,
            ),
            ("/path", Some("api.example.com"), None),
            ("https://user@api.example.com/", None, None),
            ("https://other.example.com:8443/", None, None),
            ("https://api.example.com:0443/", None, None),
            (
                "https://api.example.com:99999/",
                None,
                Some(ErrorKind::InvalidHost),
            ),
            (
                "https://api.example.com:+443/",
                None,
                Some(ErrorKind::InvalidHost),
            ),
            ("https://other.example.com/", None, OUT),
            ("https://api.example.com:8443/", None, OUT),
            ("https://api.example.com.evil.com/", None, OUT),
            ("https://evil.com/api.example.com", None, OUT),
            ("https://api.example.com@evil.com/", None, OUT),
            ("https://api.example.com./", None, OUT),
            ("https://api.example.com/", Some("evil.com"), OUT),
            ("https://evil.com/", Some("api.example.com"), OUT),
            ("/path", Some("evil.com"), OUT),
            ("http://api.example.com/", None, OUT),
            ("ftp://api.example.com/", None, OUT),
            ("/path", None, Some(ErrorKind::MissingHost)),
            ("/path", Some("a b"), Some(ErrorKind::InvalidHost)),
            (
                "/path",
                Some("x@api.example.com"),
                Some(ErrorKind::InvalidHost),
            ),
        ] {
            assert_eq!(kind(&scope, uri, host), expected, "{uri} {host:?}");
        }
    }

    #[test]
    fn a_star_is_one_label() {
        let scope = HostScope::matching(["*.s3.example.com", "exact.example.com"]).unwrap();
        for (host, inside) in [
            ("bucket.s3.example.com", true),
            ("exact.example.com", true),
            ("s3.example.com", false),
            ("a.b.s3.example.com", false),
            (".s3.example.com", false),
            ("bucket.s3.example.com.evil.com", false),
            ("buckets3.example.com", false),
        ] {
            let out = kind(&scope, &format!("https://{host}/"), None).is_some();
            assert_eq!(out, !inside, "{host}");
        }
    }

    #[test]
    fn allows_plain_http_to_loopback() {
        let scope =
            HostScope::exact(["localhost:80", "127.0.0.1:9000", "[::1]", "10.0.0.1"]).unwrap();
        for (uri, inside) in [
            ("http://localhost/", true),
            ("http://127.0.0.1:9000/", true),
            ("http://[::1]/", true),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(kind(&scope, uri, None).is_none(), inside, "{uri}");
        }
        assert_eq!(
            kind(&scope.danger_allow_http(), "http://10.0.0.1/", None),
            None
        );
    }

    #[test]
    fn allows_a_pair_of_dialled_and_signed_host() {
        let scope = HostScope::exact(["api.example.com"])
            .unwrap()
            .dialling("127.0.0.1:9200", "api.example.com")
            .unwrap();
        assert_eq!(
            kind(&scope, "http://127.0.0.1:9200/", Some("api.example.com")),
            None
        );
        for (uri, host) in [
            ("http://127.0.0.1:9200/", Some("evil.com")),
            ("http://127.0.0.1:9201/", Some("api.example.com")),
            ("http://127.0.0.1:9200/", None),
        ] {
            assert_eq!(
                kind(&scope, uri, host),
                Some(ErrorKind::OutOfScope),
                "{uri} {host:?}"
            );
        }
    }

    #[test]
    fn refuses_what_cannot_be_meant() {
        for bad in [
            "",
            "a:99999",
            "[::1].evil",
            "[]",
            "https://a.b",
            "a b",
            "u@h",
            "h/p",
            "h:",
            "*",
            "a.*.b",
            "*.com",
        ] {
            assert!(HostScope::exact([bad]).is_err(), "{bad}");
        }
        for bad in ["*", "*.com", "a.*", "a*.example.com", "*.*", "*.0.0.1"] {
            assert!(HostScope::matching([bad]).is_err(), "{bad}");
        }
    }
}
