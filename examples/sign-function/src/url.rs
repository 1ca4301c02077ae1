//! The URL of a request, which is taken and given back byte for byte.

use std::borrow::Cow;

use http::Uri;
use http::uri::Authority;
use percent_encoding::percent_decode_str;

use crate::fault::Fault;

/// A URL as it was given, and as it is signed.
pub(crate) struct Url<'a> {
    /// What is sent of it, and what is not: the fragment, with its `#`.
    sent: &'a str,
    fragment: &'a str,
    uri: Uri,
}

impl<'a> Url<'a> {
    pub(crate) fn new(given: &'a str) -> Result<Self, Fault> {
        let end = given.find('#').unwrap_or(given.len());
        let (sent, fragment) = given.split_at(end);
        if fragment.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(fault(NOT_SENDABLE));
        }
        if sent.len() > MAX_LENGTH {
            return Err(fault("is longer than 65,534 bytes, which is too long"));
        }
        let uri: Result<Uri, _> = as_a_uri(sent).parse();
        let uri = uri.map_err(|_| fault(why_it_is_none(sent)))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        if !SCHEMES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme))
        {
            return Err(fault(NOT_ABSOLUTE));
        }
        let authority = uri.authority().map_or("", Authority::as_str);
        if authority.contains('@') {
            return Err(fault(
                "holds a user name, of which clients make another Authorization header; \
                 take it out",
            ));
        }
        if authority.is_empty() || !authority.bytes().all(is_of_host) {
            return Err(fault(
                "must name a host in ASCII letters, digits, `-`, `_` and `.`, \
                 or an address, IPv6 in brackets",
            ));
        }
        let names = uri.query().unwrap_or_default().split('&');
        let mut names = names.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
        if names.any(is_of_signature) {
            return Err(fault(
                "carries parameters of a signature (X-Amz-Signature and its kin) already; \
                 give it without them",
            ));
        }
        Ok(Self {
            sent,
            fragment,
            uri,
        })
    }

    /// Returns what is signed: all but the fragment.
    pub(crate) const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the URL with the parameters of a signature behind its query, out of that of another
    /// URL which holds them, too.
    pub(crate) fn with_signature(&self, signed: &Uri) -> String {
        let parameters: Vec<&str> = signed
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| is_of_signature(pair.split_once('=').map_or(*pair, |(name, _)| name)))
            .collect();
        let between = match self.sent.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        let (sent, fragment) = (self.sent, self.fragment);
        format!("{sent}{between}{}{fragment}", parameters.join("&"))
    }
}

/// Tells the query parameters that carry a signature, as the signer does.
fn is_of_signature(name: &str) -> bool {
    let name = percent_decode_str(name).decode_utf8_lossy();
    OF_SIGNATURE
        .iter()
        .any(|own| own.eq_ignore_ascii_case(&name))
}

/// Escapes what some clients send in a query as it is and `Uri` does not take. It is signed as if it
/// was escaped, in either spelling.
fn as_a_uri(sent: &str) -> Cow<'_, str> {
    match sent.split_once('?') {
        Some((path, query)) if query.contains(['"', '<', '>']) => {
            let query = query.replace('"', "%22");
            let query = query.replace('<', "%3C").replace('>', "%3E");
            Cow::Owned(format!("{path}?{query}"))
        }
        _ => Cow::Borrowed(sent),
    }
}

/// Says what may be wrong with a text that is no URI.
fn why_it_is_none(text: &str) -> &'static str {
    let is_foreign = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '`');
    if text.contains(is_foreign) {
        NOT_SENDABLE
    } else {
        NOT_ABSOLUTE
    }
}

/// What a host may hold. Clients differ in what they make of anything else.
const fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'[' | b']')
}

fn fault(message: &str) -> Fault {
    Fault::new("url", message)
}

/// As long as `Uri` takes it.
const MAX_LENGTH: usize = 65_534;
const SCHEMES: [&str; 4] = ["http", "https", "ws", "wss"];
const NOT_ABSOLUTE: &str = "must be an absolute URL, such as https://host/path?query";
const NOT_SENDABLE: &str =
    "holds a blank or another character that cannot be sent in a URL; percent-encode it";
const OF_SIGNATURE: [&str; 10] = [
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Region-Set",
    "X-Amz-S3session-Token",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];
