//! Where an object goes: `s3://bucket/key`, and the URL that this is.

use std::fmt;
use std::str::FromStr;

use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use reqwest::Url;
use sigv4_core::dns_suffix;

use crate::error::Error;

/// An object: `s3://bucket/key`. The key is taken as it is written, without any escapes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    bucket: String,
    key: String,
}

/// Why a text is not the address of an object that can be uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// It does not begin with `s3://`.
    Scheme,
    /// The name of the bucket is none.
    Bucket,
    /// There is no key.
    NoKey,
    /// The key has more than 1024 bytes.
    LongKey,
    /// A segment of the key is `.` or `..`, which no URL can have: HTTP clients take it away.
    DotSegment,
}

impl Target {
    /// Returns the bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let rest = text.strip_prefix("s3://").ok_or(TargetError::Scheme)?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        let is_edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(is_name)
            && is_edge(bucket.bytes().next())
            && is_edge(bucket.bytes().last())
            && !bucket.contains("..");
        if !is_bucket {
            return Err(TargetError::Bucket);
        }
        if key.is_empty() {
            return Err(TargetError::NoKey);
        }
        if key.len() > MAX_KEY {
            return Err(TargetError::LongKey);
        }
        if key.split('/').any(|segment| [".", ".."].contains(&segment)) {
            return Err(TargetError::DotSegment);
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "is not the address of an object: write s3://bucket/key",
            Self::Bucket => {
                "names no bucket: 3 to 63 lower-case letters, digits, hyphens and dots, \
                 as in s3://bucket/key"
            }
            Self::NoKey => "has no key: write s3://bucket/key",
            Self::LongKey => "has a key of more than 1024 bytes, which S3 does not take",
            Self::DotSegment => {
                "has a key with a segment `.` or `..`, which HTTP clients take out of \
                 URLs, so that another object would be written: choose another key"
            }
        })
    }
}

impl std::error::Error for TargetError {}

/// The endpoint that a bucket is reached at.
#[derive(Clone, Debug)]
pub struct Endpoint {
    base: Url,
    is_aws: bool,
}

impl Endpoint {
    /// Takes that of AWS in a region.
    ///
    /// # Errors
    ///
    /// When the name of the region cannot be in a URL.
    pub fn aws(region: &str) -> Result<Self, Error> {
        let suffix = dns_suffix(region);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let base = format!("https://s3.{region}.{suffix}");
        match Url::parse(&base) {
            Ok(base) if region.bytes().all(is_plain) => Ok(Self { base, is_aws: true }),
            _ => Err(Error::usage(format!("{region} is not a region"))),
        }
    }

    /// Takes another one, as `AWS_ENDPOINT_URL_S3` says it. Buckets are in its path.
    ///
    /// # Errors
    ///
    /// When it is not a URL that a bucket can be appended to.
    pub fn custom(url: &str) -> Result<Self, Error> {
        let base = Url::parse(url).ok().filter(|url| {
            ["http", "https"].contains(&url.scheme())
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
        let is_aws = false;
        base.map(|base| Self { base, is_aws }).ok_or_else(|| {
            Error::usage(
                "the endpoint is not a URL such as https://s3.example.com: \
                 correct AWS_ENDPOINT_URL_S3",
            )
        })
    }

    /// Tells whether it is on this machine, where no proxy is asked.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// Returns the URL of an object: that of its bucket on AWS, unless there is a dot in the name,
    /// which no certificate covers.
    ///
    /// # Errors
    ///
    /// When it cannot be written so that clients leave it as it is.
    pub fn object(&self, target: &Target) -> Result<Url, Error> {
        let key = utf8_percent_encode(&target.key, ESCAPED);
        let base = self.base.as_str().trim_end_matches('/');
        let bucket = &target.bucket;
        let text = match base.strip_prefix("https://") {
            Some(host) if self.is_aws && !bucket.contains('.') => {
                format!("https://{bucket}.{host}/{key}")
            }
            _ => format!("{base}/{bucket}/{key}"),
        };
        let url = Url::parse(&text).ok().filter(|url| url.as_str() == text);
        url.ok_or_else(|| Error::usage(format!("{target} {}", TargetError::DotSegment)))
    }
}

const MAX_KEY: usize = 1024;
/// All but the unreserved characters, and the slashes, which S3 takes as they are.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_escaped_once() {
        let aws = Endpoint::aws("eu-central-1").unwrap();
        let base = "https://bucket.s3.eu-central-1.amazonaws.com/";
        for (key, escaped) in [
            ("a/b.c-d_e~f", "a/b.c-d_e~f"),
            ("a b", "a%20b"),
            ("a+b", "a%2Bb"),
            ("a%20b", "a%2520b"),
            ("é", "%C3%A9"),
            ("日本", "%E6%97%A5%E6%9C%AC"),
            ("🦀", "%F0%9F%A6%80"),
            ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
            ("a//b", "a//b"),
            ("/a", "/a"),
            ("a/", "a/"),
            ("a\\b", "a%5Cb"),
            ("...", "..."),
            ("a..b", "a..b"),
            ("%2e%2e/a", "%252e%252e/a"),
            ("a\nb", "a%0Ab"),
            ("a'(b)*!", "a%27%28b%29%2A%21"),
        ] {
            let target: Target = format!("s3://bucket/{key}").parse().expect(key);
            assert_eq!(target.key(), key);
            let url = aws.object(&target).expect(key);
            assert_eq!(url.as_str(), format!("{base}{escaped}"), "{key}");
        }
    }

    #[test]
    fn buckets_are_in_the_host_or_in_the_path() {
        let object = |endpoint: Endpoint, text: &str| {
            let target: Target = text.parse().unwrap();
            endpoint.object(&target).unwrap().to_string()
        };
        for (endpoint, target, url) in [
            (
                Endpoint::aws("us-east-1"),
                "s3://bucket/key",
                "https://bucket.s3.us-east-1.amazonaws.com/key",
            ),
            (
                Endpoint::aws("us-east-1"),
                "s3://www.example.com/key",
                "https://s3.us-east-1.amazonaws.com/www.example.com/key",
            ),
            (
                Endpoint::aws("cn-north-1"),
                "s3://bucket/key",
                "https://bucket.s3.cn-north-1.amazonaws.com.cn/key",
            ),
            (
                Endpoint::custom("http://127.0.0.1:9000"),
                "s3://bucket/key",
                "http://127.0.0.1:9000/bucket/key",
            ),
            (
                Endpoint::custom("https://store.example.com/s3/"),
                "s3://bucket/a/b",
                "https://store.example.com/s3/bucket/a/b",
            ),
        ] {
            assert_eq!(object(endpoint.unwrap(), target), url);
        }
    }

    #[test]
    fn what_cannot_be_uploaded_is_refused() {
        let long = format!("s3://bucket/{}", "é".repeat(513));
        for (text, error) in [
            ("bucket/key", TargetError::Scheme),
            ("https://bucket/key", TargetError::Scheme),
            ("s3://", TargetError::Bucket),
            ("s3:///key", TargetError::Bucket),
            ("s3://Bucket/key", TargetError::Bucket),
            ("s3://bu/key", TargetError::Bucket),
            ("s3://bucket@host/key", TargetError::Bucket),
            ("s3://-bucket/key", TargetError::Bucket),
            ("s3://bu..cket/key", TargetError::Bucket),
            ("s3://bucket", TargetError::NoKey),
            ("s3://bucket/", TargetError::NoKey),
            ("s3://bucket/.", TargetError::DotSegment),
            ("s3://bucket/a/../b", TargetError::DotSegment),
            ("s3://bucket/a/./b", TargetError::DotSegment),
            ("s3://bucket/..", TargetError::DotSegment),
            (&long, TargetError::LongKey),
        ] {
            assert_eq!(text.parse::<Target>(), Err(error), "{text}");
        }
    }

    #[test]
    fn endpoints_that_are_none_are_refused() {
        for url in [
            "",
            "127.0.0.1:9000",
            "ftp://example.com",
            "https://user:pass@example.com",
            "https://example.com?a=b",
        ] {
            assert!(Endpoint::custom(url).is_err(), "{url}");
        }
        assert!(Endpoint::aws("evil.example.com/").is_err());
        for (url, expected) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("https://example.com", false),
        ] {
            assert_eq!(Endpoint::custom(url).unwrap().is_loopback(), expected);
        }
    }
}
