//! The host that is signed, and the authority that is sent.
//!
//! A Host header that is there is what the server will see, so it is signed as it is. Without one,
//! HTTP clients derive it from the URI's authority, without userinfo and default port.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use http::HeaderValue;
use http::uri::Authority;
use http::uri::Scheme;

use crate::error::Error;
use crate::error::ErrorKind;

/// The Host headers of a request.
#[derive(Clone, Copy)]
pub(crate) enum HostHeader<'a> {
    None,
    One(&'a HeaderValue),
    Many,
}

impl<'a> HostHeader<'a> {
    pub(crate) fn add(&mut self, value: &'a HeaderValue) {
        *self = match self {
            Self::None => Self::One(value),
            Self::One(_) | Self::Many => Self::Many,
        };
    }
}

/// Returns the value of the host header, as the server will see it: that of the header, or else the
/// authority, which is given in [`normal`] form.
pub(crate) fn host<'a>(
    authority: Option<&'a str>,
    header: HostHeader<'a>,
) -> Result<&'a str, Error> {
    let value = match header {
        HostHeader::One(value) => value,
        HostHeader::Many => return Err(REPEATED),
        HostHeader::None => {
            return authority
                .filter(|authority| !authority.is_empty())
                .ok_or(MISSING);
        }
    };
    let text = std::str::from_utf8(value.as_bytes().trim_ascii()).map_err(|_| NOT_A_HOST)?;
    match split(text) {
        Ok((host, _)) if !host.is_empty() && host.bytes().all(is_host_byte) => Ok(text),
        _ => Err(NOT_A_HOST),
    }
}

/// Returns an authority in lower case, without userinfo and default port, its port written as HTTP
/// clients write it.
pub(crate) fn normal<'a>(
    authority: &'a Authority,
    scheme: Option<&Scheme>,
) -> Result<Cow<'a, str>, Error> {
    let text = authority.as_str();
    // Most have no userinfo, no port, no capital letter and no bracket, which directly follow the
    // at sign. Without an early exit, this compiles to vector instructions.
    let is_plain = |plain: bool, byte: u8| plain & !matches!(byte, b':' | b'@'..=b'[');
    if text.bytes().fold(true, is_plain) {
        return Ok(Cow::Borrowed(text));
    }
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let default_port = scheme.and_then(default_port);
    let (host, port) = split(text)?;
    let text = match port.filter(|port| Some(*port) != default_port) {
        None => Cow::Borrowed(host),
        Some(port) => {
            let normal = format!("{host}:{port}");
            if normal == text {
                Cow::Borrowed(text)
            } else {
                Cow::Owned(normal)
            }
        }
    };
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Ok(Cow::Owned(text.to_ascii_lowercase()))
    } else {
        Ok(text)
    }
}

/// Returns the port that clients of a scheme leave out. `http` keeps a scheme in the letters that it
/// was written in, unless it is HTTP's.
fn default_port(scheme: &Scheme) -> Option<u16> {
    let is = |name| scheme.as_str().eq_ignore_ascii_case(name);
    if is("https") || is("wss") {
        Some(443)
    } else if is("http") || is("ws") {
        Some(80)
    } else {
        None
    }
}

/// Takes `host [ ":" port ]` apart. `http` takes more for an authority, text behind the bracket of
/// an address and anything for a port, and clients then dial something else: that is refused.
pub(crate) fn split(text: &str) -> Result<(&str, Option<u16>), Error> {
    let end = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, _) = rest.split_once(']').ok_or(NOT_AN_AUTHORITY)?;
            address.parse::<Ipv6Addr>().map_err(|_| NOT_AN_AUTHORITY)?;
            address.len() + 2
        }
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(end);
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok((host, None)),
        Some("") => Ok((host, None)),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let port = digits.parse().map_err(|_| NOT_AN_AUTHORITY)?;
            Ok((host, Some(port)))
        }
        _ => Err(NOT_AN_AUTHORITY),
    }
}

/// What may stand in `host [ ":" port ]` of RFC 3986.
const fn is_host_byte(byte: u8) -> bool {
    crate::canonical::is_unreserved(byte)
        || matches!(
            byte,
            b':' | b'['
                | b']'
                | b'%'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
        )
}

pub(crate) const MISSING: Error = Error::new(
    ErrorKind::MissingHost,
    "the request names no host; give it an absolute URI or a Host header",
);
const NOT_AN_AUTHORITY: Error = Error::new(
    ErrorKind::InvalidHost,
    "the authority of the URI is not `host` or `host:port`, with an address in brackets only if it \
     is IPv6 and a port up to 65535; correct it",
);
pub(crate) const REPEATED: Error = Error::new(
    ErrorKind::InvalidHost,
    "the Host header is repeated; leave one",
);
pub(crate) const NOT_A_HOST: Error = Error::new(
    ErrorKind::InvalidHost,
    "the Host header is empty or holds what no host can; write `host` or `host:port`",
);

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::*;

    fn of(uri: &str, hosts: &[&[u8]]) -> Result<String, ErrorKind> {
        let uri: Uri = uri.parse().unwrap();
        let hosts: Vec<_> = hosts
            .iter()
            .map(|host| HeaderValue::from_bytes(host).unwrap())
            .collect();
        let mut header = HostHeader::None;
        hosts.iter().for_each(|host| header.add(host));
        let authority = uri
            .authority()
            .map(|authority| normal(authority, uri.scheme()));
        let authority = authority.transpose().map_err(|error| error.kind())?;
        host(authority.as_deref(), header)
            .map(str::to_owned)
            .map_err(|error| error.kind())
    }

    #[test]
    fn derives_the_host_from_the_authority() {
        for (uri, expected) in [
            ("https://example.com/", "example.com"),
            ("https://Example.COM/", "example.com"),
            ("https://example.com:443/", "example.com"),
            ("http://example.com:80/", "example.com"),
            ("http://example.com:443/", "example.com:443"),
            ("https://example.com:8182/", "example.com:8182"),
            ("https://user:pass@example.com/", "example.com"),
            ("https://user:pass@example.com:443/", "example.com"),
            ("https://[2001:DB8::80]/", "[2001:db8::80]"),
            ("http://[::80]:80/", "[::80]"),
            ("https://[::1]:9000/", "[::1]:9000"),
            ("wss://example.com:443/", "example.com"),
            ("WSS://example.com:443/", "example.com"),
            ("ws://example.com:443/", "example.com:443"),
            ("mysql://example.com:443/", "example.com:443"),
            ("https://example.com:/", "example.com"),
            // As hyper writes the Host header of these.
            ("https://example.com:0443/", "example.com"),
            ("https://example.com:08443/", "example.com:8443"),
            ("https://EXAMPLE.com:0/", "example.com:0"),
        ] {
            assert_eq!(of(uri, &[]), Ok(expected.to_owned()), "{uri}");
        }
    }

    #[test]
    fn signs_a_host_header_as_it_is() {
        assert_eq!(of("/path", &[b"example.com"]), Ok("example.com".to_owned()));
        assert_eq!(
            of("https://dialled/", &[b"Signed:443"]),
            Ok("Signed:443".to_owned())
        );
    }

    #[test]
    fn refuses_what_is_no_host() {
        assert_eq!(of("/path", &[]), Err(ErrorKind::MissingHost));
        for bad in [
            "https://h:+443/",
            "https://h:99999/",
            "https://u:1@h:x/",
            "https://[::1].x:8443/",
            "https://u@[::1]x:8443/",
            "https://[v1.x]/",
        ] {
            assert_eq!(of(bad, &[]), Err(ErrorKind::InvalidHost), "{bad}");
        }
        for bad in [
            &b""[..],
            b" ",
            b"a b",
            b"u@h",
            b"h/p",
            b"h\xff",
            b"h?x",
            b"[::1].evil:99",
            b"h:x",
            b"[h]",
        ] {
            assert_eq!(of("/path", &[bad]), Err(ErrorKind::InvalidHost), "{bad:?}");
        }
        assert_eq!(of("/path", &[b"a", b"a"]), Err(ErrorKind::InvalidHost));
    }
}
