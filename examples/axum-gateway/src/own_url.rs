//! Keeps a URL that carries a signature from those who ask the gateway.
//!
//! Servers that send a client on, or say where something is, often repeat the URL that they were
//! asked for. With a signature in its query whoever reads it could send the request once more.

use http::HeaderMap;
use http::HeaderName;
use http::Uri;

/// The signature in the URL of a request.
#[derive(Clone)]
pub(crate) struct OwnUrl {
    signature: Box<[u8]>,
}

impl OwnUrl {
    /// Finds the signature that the gateway has put into a URL, if it has.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let mut pairs = uri.query()?.rsplit('&');
        let signature = pairs.find_map(|pair| pair.strip_prefix("X-Amz-Signature="))?;
        (!signature.is_empty()).then(|| Self {
            signature: signature.as_bytes().into(),
        })
    }

    /// Removes the headers of an answer that repeat it, in whatever URL.
    pub(crate) fn remove_from(&self, headers: &mut HeaderMap) {
        let repeats = |value: &[u8]| {
            let mut windows = value.windows(self.signature.len());
            windows.any(|window| window.eq_ignore_ascii_case(&self.signature))
        };
        let names: Vec<HeaderName> = headers
            .iter()
            .filter(|(_, value)| repeats(value.as_bytes()))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            headers.remove(name);
        }
    }
}

impl std::fmt::Debug for OwnUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnUrl").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn is_removed_in_every_spelling_and_nothing_else_is() {
        let uri = Uri::from_static("https://a/b?X-Amz-Date=1&X-Amz-Signature=abc123");
        let own_url = OwnUrl::of(&uri).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("location", "https://a/c?X-Amz-Signature=abc123"),
            ("link", "</b?x-amz-signature=ABC123>; rel=self"),
            ("x-to", "/in?to=%2Fb%3FX-Amz-Signature%3Dabc123%26a"),
            ("x-other", "/b?X-Amz-Signature=abc124"),
            ("etag", ""),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        own_url.remove_from(&mut headers);
        let mut kept: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        kept.sort_unstable();
        assert_eq!(kept, ["etag", "x-other"]);
        for unsigned in [
            "https://a/b",
            "https://a/b?c=X-Amz-Signature=1",
            "https://a/?X-Amz-Signature",
            "https://a/?X-Amz-Signature=",
        ] {
            assert!(
                OwnUrl::of(&Uri::from_static(unsigned)).is_none(),
                "{unsigned}"
            );
        }
        assert!(!format!("{own_url:?}").contains("abc"));
    }
}
