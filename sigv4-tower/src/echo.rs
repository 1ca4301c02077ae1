//! [`Echo`]: keeps a signature that went out in a URL from coming back in the answer.

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Uri;
use percent_encoding::percent_decode;
use percent_encoding::percent_decode_str;

/// What an answer must not repeat: the signature in the URL of its request, and the token there.
///
/// Servers repeat the URL they were asked for in `Location`, `Content-Location`, `Link` and others.
/// Whoever reads it could use it for as long as the signature holds. A URL that the server itself
/// has signed, as that of a download, is another one and passes.
#[derive(Debug)]
pub(crate) struct Echo {
    signature: Secret,
    token: Option<Secret>,
}

struct Secret(Box<[u8]>);

impl Echo {
    /// Looks for the signature in a URL that was signed.
    pub(crate) fn of(uri: &Uri) -> Option<Box<Self>> {
        let query = uri.query()?;
        let find = |wanted: &str| {
            let mut pairs = query.rsplit('&').filter_map(|pair| pair.split_once('='));
            let (_, value) = pairs.find(|(name, _)| *name == wanted)?;
            let value: Vec<u8> = percent_decode_str(value).collect();
            (!value.is_empty()).then(|| Secret(value.into()))
        };
        Some(Box::new(Self {
            signature: find("X-Amz-Signature")?,
            token: find("X-Amz-Security-Token").or_else(|| find("X-Amz-S3session-Token")),
        }))
    }

    /// Takes the parameters of the signature out of the URLs that repeat it. Where that is not
    /// enough, the header is removed.
    pub(crate) fn remove_from(&self, headers: &mut HeaderMap) {
        let mut names: Vec<HeaderName> = Vec::new();
        for (name, value) in &*headers {
            if !names.contains(name) && self.is_in(value.as_bytes()) {
                names.push(name.clone());
            }
        }
        for name in names {
            let values = headers.get_all(&name).iter();
            let cleaned: Vec<_> = values.filter_map(|value| self.cleaned(value)).collect();
            headers.remove(&name);
            for value in cleaned {
                headers.append(&name, value);
            }
        }
    }

    fn cleaned(&self, value: &HeaderValue) -> Option<HeaderValue> {
        if !self.is_in(value.as_bytes()) {
            return Some(value.clone());
        }
        let without = without_signature(value.to_str().ok()?);
        let is_clean = !self.is_in(without.as_bytes());
        is_clean.then(|| without.try_into().ok()).flatten()
    }

    /// Tells whether a text has it in it, also where it stands in the query of another URL.
    fn is_in(&self, text: &[u8]) -> bool {
        let mut decoded = text.to_vec();
        for _ in 0..MAX_NESTING {
            if self.is_plain_in(&decoded) {
                return true;
            }
            let next: Vec<u8> = percent_decode(&decoded).collect();
            if next == decoded {
                return false;
            }
            decoded = next;
        }
        // Nobody writes so in good faith.
        true
    }

    fn is_plain_in(&self, text: &[u8]) -> bool {
        let Secret(signature) = &self.signature;
        let token = self.token.as_ref().map(|Secret(token)| token);
        text.windows(signature.len())
            .any(|part| part.eq_ignore_ascii_case(signature))
            || token.is_some_and(|token| text.windows(token.len()).any(|part| *part == **token))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Removes the parameters of signatures from the URLs in a text, which may be a URL or have some in
/// it, as `Link` and `Refresh` do.
fn without_signature(text: &str) -> String {
    let mut parts = text.split('?');
    let mut cleaned = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(ENDS).unwrap_or(part.len());
        let (query, rest) = part.split_at(end);
        let mut separator = '?';
        for pair in query.split('&').filter(|pair| !is_of_a_signature(pair)) {
            cleaned.push(separator);
            cleaned.push_str(pair);
            separator = '&';
        }
        cleaned.push_str(rest);
    }
    cleaned
}

fn is_of_a_signature(pair: &str) -> bool {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    let name = percent_decode_str(name).decode_utf8_lossy();
    let mut parameters = PARAMETERS.iter();
    parameters.any(|parameter| name.eq_ignore_ascii_case(parameter))
}

/// How often a URL may be escaped, each time to stand in another one.
const MAX_NESTING: usize = 5;
/// What ends the query of a URL among other text.
const ENDS: [char; 8] = ['#', '<', '>', '"', '\'', ' ', ',', ';'];
const PARAMETERS: [&str; 10] = [
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

#[cfg(test)]
mod tests {
    use http::header;
    use percent_encoding::NON_ALPHANUMERIC;
    use percent_encoding::utf8_percent_encode;

    use super::*;

    const SIGNATURE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const TOKEN: &str = "IQoJb3JpZ2lu/+X==";

    fn signed() -> String {
        let token = utf8_percent_encode(TOKEN, NON_ALPHANUMERIC);
        format!(
            "https://a.example/x?b=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID&\
             X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-Security-Token={token}&\
             X-Amz-SignedHeaders=host&X-Amz-Signature={SIGNATURE}"
        )
    }

    #[test]
    fn takes_the_signature_out_of_urls() {
        let url = signed();
        let echo = Echo::of(&url.parse().unwrap()).unwrap();
        let nested = utf8_percent_encode(&url, NON_ALPHANUMERIC).to_string();
        let twice = utf8_percent_encode(&nested, NON_ALPHANUMERIC).to_string();
        let query = url.split_once('?').unwrap().1;
        let theirs = "a".repeat(64);
        let others = format!("/y?X-Amz-Security-Token=theirs&X-Amz-Signature={theirs}");
        let reordered = format!("/y?X-Amz-Signature={SIGNATURE}&c=2");
        let token = format!("/y?t={TOKEN}");
        for (name, value, expected) in [
            ("the URL", url.clone(), Some("https://a.example/x?b=1")),
            (
                "with a fragment",
                format!("{url}#top"),
                Some("https://a.example/x?b=1#top"),
            ),
            ("in another order", reordered, Some("/y?c=2")),
            (
                "nothing else in the query",
                format!("/y?X-Amz-Signature={SIGNATURE}"),
                Some("/y"),
            ),
            (
                "in upper case",
                url.to_uppercase().replace("HTTPS", "https"),
                Some("https://A.EXAMPLE/X?B=1"),
            ),
            (
                "in a link",
                format!("<{url}>; rel=\"self\", </other?x=1>; rel=\"next\""),
                Some("<https://a.example/x?b=1>; rel=\"self\", </other?x=1>; rel=\"next\""),
            ),
            (
                "in a refresh",
                format!("0; url={url}"),
                Some("0; url=https://a.example/x?b=1"),
            ),
            ("in another URL", format!("/login?next={nested}"), None),
            ("in one in one", format!("/login?next={twice}"), None),
            ("as a text", format!("asked for {query}"), None),
            ("the token under another name", token, None),
            ("signed by the server", others.clone(), Some(&*others)),
            ("plain", "/next?b=1".to_owned(), Some("/next?b=1")),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, value.parse().unwrap());
            headers.insert(header::ETAG, HeaderValue::from_static("\"kept\""));
            echo.remove_from(&mut headers);
            let found = headers.get(header::LOCATION);
            let found = found.map(|value| value.to_str().unwrap());
            assert_eq!(found, expected, "{name}");
            assert_eq!(headers[header::ETAG], "\"kept\"", "{name}");
        }
    }

    #[test]
    fn leaves_other_values_of_a_header_in_their_order() {
        let echo = Echo::of(&signed().parse().unwrap()).unwrap();
        let mut headers = HeaderMap::new();
        let quoted = format!("{SIGNATURE} is it");
        for value in ["</a?x=1>", &quoted, &format!("<{}>", signed()), "</b>"] {
            headers.append(header::LINK, value.parse().unwrap());
        }
        echo.remove_from(&mut headers);
        let values: Vec<_> = headers.get_all(header::LINK).iter().collect();
        assert_eq!(values, ["</a?x=1>", "<https://a.example/x?b=1>", "</b>"]);
    }

    #[test]
    fn is_nothing_where_no_url_was_signed() {
        for url in ["/x", "/x?b=1", "/x?X-Amz-Signature=", "/x?X-Amz-Signature"] {
            assert!(Echo::of(&url.parse().unwrap()).is_none(), "{url}");
        }
        let echo = Echo::of(&signed().parse().unwrap()).unwrap();
        let shown = format!("{echo:?}");
        assert!(
            !shown.contains(SIGNATURE) && !shown.contains(TOKEN),
            "{shown}"
        );
    }
}
