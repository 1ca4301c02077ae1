//! Which headers a signature covers.

use std::fmt;

use http::HeaderMap;
use http::header;

use crate::error::ConfigError;

/// Says which of a request's headers are signed.
///
/// Every header that is signed must reach the server unchanged, and proxies, load balancers and
/// HTTP clients add, drop and rewrite headers. The default is therefore an allow-list: `host`,
/// `content-type`, `content-md5` and every `x-amz-*`, which is what AWS requires.
///
/// `host` and what the signer itself adds (`x-amz-date` and its kin) are signed whatever the rules
/// say. An inclusion wins over an exclusion.
///
/// ```
/// use sigv4_core::{HeaderMatch, HeaderRules, Signer};
///
/// let rules = HeaderRules::minimal()
///     .include(HeaderMatch::exact("content-length")?)
///     .exclude(HeaderMatch::prefix("x-amz-meta-debug-")?);
/// let signer = Signer::builder("s3", "us-east-1").headers(rules).build()?;
/// # Ok::<(), sigv4_core::ConfigError>(())
/// ```
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
#[derive(Clone, Debug, Default)]
pub struct HeaderRules {
    base: Base,
    include: Vec<HeaderMatch>,
    exclude: Vec<HeaderMatch>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Base {
    #[default]
    Minimal,
    None,
    AllButNeverSigned,
    AllOfTheMessage,
}

impl HeaderRules {
    /// Signs `host`, `content-type`, `content-md5` and every `x-amz-*`.
    #[must_use]
    pub fn minimal() -> Self {
        Self::default()
    }

    /// Signs no header but `host` and those that the signer itself adds, for a list of names to be
    /// [included](Self::include) that is to hold exactly.
    ///
    /// AWS wants `content-type` and every `x-amz-*` that is sent to be signed, and S3 refuses a
    /// request with one that is not: prefer [`minimal`](Self::minimal).
    ///
    /// ```
    /// use sigv4_core::{HeaderMatch, HeaderRules};
    ///
    /// let rules = HeaderRules::none()
    ///     .include(HeaderMatch::exact("content-type")?)
    ///     .include(HeaderMatch::exact("range")?);
    /// # Ok::<(), sigv4_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn none() -> Self {
        Self {
            base: Base::None,
            ..Self::default()
        }
    }

    /// Signs every header, except those of [`NEVER_SIGNED`], those that begin with a prefix of
    /// [`NEVER_SIGNED_PREFIXES`], and those that the request's `Connection` header names.
    ///
    /// What most SDKs do. A hop that rewrites a header then breaks the signature: prefer
    /// [`minimal`](Self::minimal) with what is needed [included](Self::include).
    #[must_use]
    pub fn all_but_never_signed() -> Self {
        Self {
            base: Base::AllButNeverSigned,
            ..Self::default()
        }
    }

    /// Signs every header, except those that are a connection's own: `Authorization`, those of
    /// [`CONNECTION_HEADERS`], and those that the request's `Connection` header names.
    ///
    /// What Envoy's filter `aws_request_signing` does, `user-agent` and `content-length` included,
    /// for programs that take over its configuration. It holds only as long as no hop changes any
    /// header: prefer [`minimal`](Self::minimal), or
    /// [`all_but_never_signed`](Self::all_but_never_signed), which knows those that hops rewrite.
    #[must_use]
    pub fn all_of_the_message() -> Self {
        Self {
            base: Base::AllOfTheMessage,
            ..Self::default()
        }
    }

    /// Signs the headers that match, too, whatever else is said of them.
    #[must_use]
    pub fn include(mut self, header: HeaderMatch) -> Self {
        self.include.push(header);
        self
    }

    /// Leaves the headers that match out of the signature, unless they are
    /// [included](Self::include).
    #[must_use]
    pub fn exclude(mut self, header: HeaderMatch) -> Self {
        self.exclude.push(header);
        self
    }

    /// Prepares the rules for the headers of one request.
    pub(crate) fn of<'a>(&'a self, headers: &'a HeaderMap) -> RequestHeaderRules<'a> {
        let hop_by_hop = match self.base {
            Base::Minimal | Base::None => Vec::new(),
            Base::AllButNeverSigned | Base::AllOfTheMessage => named_by_connection(headers),
        };
        RequestHeaderRules {
            rules: self,
            hop_by_hop,
            is_minimal: self.base == Base::Minimal
                && self.include.is_empty()
                && self.exclude.is_empty(),
        }
    }
}

/// Returns the headers that `Connection` names and that are there, each once.
fn named_by_connection(headers: &HeaderMap) -> Vec<&[u8]> {
    let mut named: Vec<&[u8]> = Vec::new();
    for value in headers.get_all(header::CONNECTION) {
        for token in value.as_bytes().split(|&byte| byte == b',') {
            let token = token.trim_ascii();
            let is_there = std::str::from_utf8(token).is_ok_and(|name| headers.contains_key(name));
            if is_there && !named.iter().any(|name| name.eq_ignore_ascii_case(token)) {
                named.push(token);
            }
        }
    }
    named
}

/// [`HeaderRules`] together with what one request's `Connection` headers name.
pub(crate) struct RequestHeaderRules<'a> {
    rules: &'a HeaderRules,
    hop_by_hop: Vec<&'a [u8]>,
    /// Whether there is nothing but the allow-list.
    is_minimal: bool,
}

impl RequestHeaderRules<'_> {
    /// Tells whether a header, named in lower case, is signed.
    #[inline]
    pub(crate) fn signs(&self, name: &str) -> bool {
        if self.is_minimal {
            is_minimal(name)
        } else {
            self.signs_by_rules(name)
        }
    }

    fn signs_by_rules(&self, name: &str) -> bool {
        let rules = self.rules;
        if rules.include.iter().any(|header| header.matches(name)) {
            return true;
        }
        let base = match rules.base {
            Base::Minimal => is_minimal(name),
            Base::None => false,
            Base::AllButNeverSigned => !is_never_signed(name) && !self.is_hop_by_hop(name),
            Base::AllOfTheMessage => !is_of_connection(name) && !self.is_hop_by_hop(name),
        };
        base && !rules.exclude.iter().any(|header| header.matches(name))
    }

    fn is_hop_by_hop(&self, name: &str) -> bool {
        let name = name.as_bytes();
        self.hop_by_hop
            .iter()
            .any(|hop| hop.eq_ignore_ascii_case(name))
    }
}

fn is_minimal(name: &str) -> bool {
    name.starts_with("x-amz-") || matches!(name, "content-type" | "content-md5")
}

fn is_never_signed(name: &str) -> bool {
    NEVER_SIGNED.contains(&name)
        || NEVER_SIGNED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// The headers that [`HeaderRules::all_but_never_signed`] leaves out, because something between the
/// signer and the server is known to add, change or drop them: the union of what aws-c-auth,
/// botocore and the SDKs for Rust, JavaScript, Go and Java leave out, and of what proxies rewrite.
pub const NEVER_SIGNED: &[&str] = &[
    "accept-encoding",
    "authorization",
    "b3",
    "baggage",
    "cache-control",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "from",
    "keep-alive",
    "max-forwards",
    "pragma",
    "referer",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-amzn-trace-id",
    "x-real-ip",
];

/// The beginnings of header names that [`HeaderRules::all_but_never_signed`] leaves out.
pub const NEVER_SIGNED_PREFIXES: &[&str] = &["proxy-", "sec-", "x-b3-", "x-forwarded-"];

fn is_of_connection(name: &str) -> bool {
    name == "authorization" || CONNECTION_HEADERS.contains(&name)
}

/// The headers that concern one connection and do not reach the server as they were sent, which
/// [`HeaderRules::all_of_the_message`] leaves out.
///
/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1>
pub const CONNECTION_HEADERS: &[&str] = &[
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A pattern for header names, compared without regard to case.
#[derive(Clone)]
pub struct HeaderMatch(Pattern);

#[derive(Clone)]
enum Pattern {
    Exact(Box<str>),
    Prefix(Box<str>),
    Suffix(Box<str>),
    Contains(Box<str>),
    #[cfg(feature = "regex")]
    Regex(regex_lite::Regex),
}

impl HeaderMatch {
    /// Matches one header.
    ///
    /// # Errors
    ///
    /// When `name` is empty or holds what no header name can.
    pub fn exact(name: &str) -> Result<Self, ConfigError> {
        Ok(Self(Pattern::Exact(part_of_name(name)?)))
    }

    /// Matches the headers whose names begin with `prefix`.
    ///
    /// # Errors
    ///
    /// When `prefix` is empty or holds what no header name can.
    pub fn prefix(prefix: &str) -> Result<Self, ConfigError> {
        Ok(Self(Pattern::Prefix(part_of_name(prefix)?)))
    }

    /// Matches the headers whose names end with `suffix`.
    ///
    /// # Errors
    ///
    /// When `suffix` is empty or holds what no header name can.
    pub fn suffix(suffix: &str) -> Result<Self, ConfigError> {
        Ok(Self(Pattern::Suffix(part_of_name(suffix)?)))
    }

    /// Matches the headers whose names contain `part`.
    ///
    /// # Errors
    ///
    /// When `part` is empty or holds what no header name can.
    pub fn contains(part: &str) -> Result<Self, ConfigError> {
        Ok(Self(Pattern::Contains(part_of_name(part)?)))
    }

    /// Matches the headers whose whole names, in lower case, match a regular expression in the
    /// syntax of the crate `regex-lite`. It runs in linear time.
    ///
    /// # Errors
    ///
    /// When `pattern` is not a regular expression.
    #[cfg(feature = "regex")]
    #[cfg_attr(docsrs, doc(cfg(feature = "regex")))]
    pub fn regex(pattern: &str) -> Result<Self, ConfigError> {
        let whole = format!("^(?i:{pattern})$");
        regex_lite::Regex::new(pattern)
            .and_then(|_| regex_lite::Regex::new(&whole))
            .map(|regex| Self(Pattern::Regex(regex)))
            .map_err(|error| {
                ConfigError::new("header match", "not a regular expression").because(error)
            })
    }

    /// Tells whether a header, named in lower case, matches.
    fn matches(&self, name: &str) -> bool {
        match &self.0 {
            Pattern::Exact(exact) => name == &**exact,
            Pattern::Prefix(prefix) => name.starts_with(&**prefix),
            Pattern::Suffix(suffix) => name.ends_with(&**suffix),
            Pattern::Contains(part) => name.contains(&**part),
            #[cfg(feature = "regex")]
            Pattern::Regex(regex) => regex.is_match(name),
        }
    }
}

impl fmt::Debug for HeaderMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Exact(text) => f.debug_tuple("Exact").field(text).finish(),
            Pattern::Prefix(text) => f.debug_tuple("Prefix").field(text).finish(),
            Pattern::Suffix(text) => f.debug_tuple("Suffix").field(text).finish(),
            Pattern::Contains(text) => f.debug_tuple("Contains").field(text).finish(),
            #[cfg(feature = "regex")]
            Pattern::Regex(regex) => f.debug_tuple("Regex").field(&regex.as_str()).finish(),
        }
    }
}

/// Lower-cases text that occurs in header names, which `http` holds in lower case.
fn part_of_name(text: &str) -> Result<Box<str>, ConfigError> {
    match http::HeaderName::try_from(text) {
        Ok(name) => Ok(name.as_str().into()),
        Err(error) => Err(ConfigError::new(
            "header match",
            "must be a header name or a part of one: letters, digits and hyphens",
        )
        .because(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(rules: &HeaderRules, name: &str) -> bool {
        rules.of(&HeaderMap::new()).signs(name)
    }

    #[test]
    fn signs_an_allow_list_by_default() {
        let rules = HeaderRules::default();
        for name in [
            "content-type",
            "content-md5",
            "x-amz-target",
            "x-amz-meta-a",
        ] {
            assert!(signs(&rules, name), "{name}");
        }
        for name in [
            "accept",
            "user-agent",
            "x-amzn-trace-id",
            "content-length",
            "x-amzn-foo",
        ] {
            assert!(!signs(&rules, name), "{name}");
        }
    }

    #[test]
    fn signs_exactly_what_is_included() {
        let rules = HeaderRules::none()
            .include(HeaderMatch::exact("Range").unwrap())
            .include(HeaderMatch::exact("x-amz-acl").unwrap());
        for name in ["range", "x-amz-acl"] {
            assert!(signs(&rules, name), "{name}");
        }
        for name in ["content-type", "content-md5", "x-amz-target", "ranges"] {
            assert!(!signs(&rules, name), "{name}");
        }
    }

    #[test]
    fn leaves_out_what_hops_rewrite() {
        let rules = HeaderRules::all_but_never_signed();
        for name in [
            "accept",
            "x-custom",
            "content-type",
            "x-amz-target",
            "cookie",
        ] {
            assert!(signs(&rules, name), "{name}");
        }
        for name in NEVER_SIGNED {
            assert!(!signs(&rules, name), "{name}");
        }
        for name in [
            "x-forwarded-for",
            "proxy-authorization",
            "sec-fetch-site",
            "x-b3-traceid",
        ] {
            assert!(!signs(&rules, name), "{name}");
        }
    }

    #[test]
    fn leaves_out_what_concerns_the_connection_alone() {
        let rules = HeaderRules::all_of_the_message();
        for name in ["user-agent", "content-length", "via", "x-forwarded-for"] {
            assert!(signs(&rules, name), "{name}");
        }
        for name in CONNECTION_HEADERS.iter().chain(&["authorization"]) {
            assert!(!signs(&rules, name), "{name}");
        }
    }

    #[test]
    fn leaves_out_what_connection_names() {
        for rules in [
            HeaderRules::all_but_never_signed(),
            HeaderRules::all_of_the_message(),
        ] {
            check_what_connection_names(&rules);
        }
    }

    fn check_what_connection_names(rules: &HeaderRules) {
        let mut headers = HeaderMap::new();
        headers.append(header::CONNECTION, "close, X-Hop".parse().unwrap());
        headers.append(header::CONNECTION, "x-other".parse().unwrap());
        for name in ["x-hop", "x-other", "x-kept"] {
            headers.insert(name, "1".parse().unwrap());
        }
        assert!(!rules.of(&headers).signs("x-hop"));
        assert!(!rules.of(&headers).signs("x-other"));
        assert!(rules.of(&headers).signs("x-kept"));
    }

    #[test]
    fn lets_an_inclusion_win_over_an_exclusion() {
        let rules = HeaderRules::minimal()
            .exclude(HeaderMatch::prefix("X-Amz-Meta-").unwrap())
            .include(HeaderMatch::exact("X-Amz-Meta-Kept").unwrap())
            .include(HeaderMatch::exact("User-Agent").unwrap());
        assert!(!signs(&rules, "x-amz-meta-dropped"));
        assert!(signs(&rules, "x-amz-meta-kept"));
        assert!(signs(&rules, "user-agent"));
    }

    #[test]
    fn matches_every_kind_of_pattern() {
        for (name, pattern, yes, no) in [
            ("exact", HeaderMatch::exact("x-a"), "x-a", "x-ab"),
            ("prefix", HeaderMatch::prefix("x-a"), "x-ab", "y-x-a"),
            ("suffix", HeaderMatch::suffix("-A"), "x-a", "x-ab"),
            ("contains", HeaderMatch::contains("-a-"), "x-a-b", "x-ab"),
            #[cfg(feature = "regex")]
            ("regex", HeaderMatch::regex("x-[0-9]+|Y"), "x-12", "x-12-3"),
            #[cfg(feature = "regex")]
            (
                "regex is anchored as a whole",
                HeaderMatch::regex("a|b"),
                "b",
                "ab",
            ),
        ] {
            let pattern = pattern.unwrap();
            assert!(pattern.matches(yes), "{name}");
            assert!(!pattern.matches(no), "{name}");
        }
    }

    #[test]
    fn refuses_patterns_that_match_no_header() {
        for bad in ["", "x y", "x:y", "é"] {
            assert_eq!(
                HeaderMatch::exact(bad).unwrap_err().field(),
                "header match",
                "{bad}"
            );
        }
        #[cfg(feature = "regex")]
        for bad in ["(", "a)(b"] {
            assert!(HeaderMatch::regex(bad).is_err(), "{bad}");
        }
    }
}
