//! Where a request goes: its URI, put together from parts.

use bytes::Bytes;
use http::HeaderMap;
use http::Uri;
use http::header;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::upstream::config::Config;
use crate::upstream::headers::is_amz;
use crate::upstream::path::check_path;

impl Config {
    pub(super) fn uri(&self, given: &Uri) -> Result<Uri, Error> {
        let path = given.path();
        check_path(path, self.empty_segments)?;
        let rest = path.strip_prefix(self.prefix.as_str()).ok_or(NO_ROUTE)?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return Err(NO_ROUTE);
        }

        let rest = self.fixed_path.as_deref().unwrap_or(rest);
        let query_length = given.query().map_or(0, str::len);
        let length = self.base_path.len() + rest.len() + query_length + "/?".len();
        let mut target = String::with_capacity(length);
        target.push_str(&self.base_path);
        target.push_str(rest);
        if target.is_empty() || (self.trailing_slash && !target.ends_with('/')) {
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
        // Most are not even written like one.
        if !pair.starts_with(['x', 'X', '%']) {
            return true;
        }
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        let name = percent_decode_str(name)
            .decode_utf8_lossy()
            .to_ascii_lowercase();
        !is_amz(&name) || self.allowed_parameters.contain(&name)
    }
}

/// Refuses a request with two hosts: `:authority` or an absolute target, and a Host header.
pub(crate) fn check_host(uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
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
const TOO_LONG: Error = Error::new(
    ErrorKind::TargetTooLong,
    "the request target is too long for the upstream",
);
const TWO_HOSTS: Error = Error::new(
    ErrorKind::AmbiguousHost,
    "the request names more than one host; leave one",
);

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::UpstreamLayer;
    use crate::upstream::testing::directed;
    use crate::upstream::testing::layer;

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
    async fn ends_paths_in_a_slash_where_told() {
        for (target, expected) in [
            ("/bedrock", "/"),
            ("/bedrock/", "/"),
            ("/bedrock/a", "/a/"),
            ("/bedrock/a/?b=/c", "/a/?b=/c"),
            ("/bedrock/a?b", "/a/?b"),
            ("/bedrock/a%2F", "/a%2F/"),
        ] {
            let layer = layer().ensure_trailing_slash();
            let request = directed(layer, Request::get(target)).await.unwrap();
            assert_eq!(request.uri().path_and_query().unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn sends_all_to_one_path_where_told() {
        for (upstream, target, expected) in [
            ("https://a.example.com", "/bedrock", Ok("/sign/a%20b")),
            (
                "https://a.example.com",
                "/bedrock/x/y?z=1",
                Ok("/sign/a%20b?z=1"),
            ),
            (
                "https://a.example.com/v1/",
                "/bedrock/x",
                Ok("/v1/sign/a%20b"),
            ),
            (
                "https://a.example.com",
                "/bedrock/..",
                Err(ErrorKind::AmbiguousTarget),
            ),
            ("https://a.example.com", "/x", Err(ErrorKind::NoRoute)),
        ] {
            let layer = UpstreamLayer::new(upstream)
                .and_then(|layer| layer.strip_path_prefix("/bedrock").path("/sign/a%20b"))
                .unwrap();
            let result = directed(layer, Request::get(target)).await;
            let sent = result.map(|request| request.uri().path_and_query().unwrap().to_string());
            assert_eq!(sent.as_deref().map_err(|kind| *kind), expected, "{target}");
        }
        let both = layer().ensure_trailing_slash().path("/sign").unwrap();
        let request = directed(both, Request::get("/bedrock/x")).await.unwrap();
        assert_eq!(request.uri().path(), "/sign/");
    }

    #[test]
    fn takes_nothing_but_a_path_for_one() {
        for bad in [
            "",
            "sign",
            "*",
            "/a?b",
            "/a#b",
            "/a/../b",
            "/a/%2e%2e",
            "/a b",
            "https://b/",
        ] {
            assert!(layer().path(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn lets_named_parameters_pass() {
        let layer = layer().allow_amz_parameters(["X-Amz-Expected", "X-Amz-My-*"]);
        let request = Request::get("/bedrock/?x-amz-expected=1&X-Amz-Other=2&x-AMZ-my-a=3");
        let request = directed(layer, request).await.unwrap();
        assert_eq!(request.uri().query(), Some("x-amz-expected=1&x-AMZ-my-a=3"));
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
}
