//! Where Bedrock is.

use std::env;
use std::fmt;

use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use reqwest::Url;

use super::error::Error;

/// The two addresses of Bedrock: that of the models, and that of the list of them.
///
/// Both sign for the service `bedrock`.
#[derive(Clone, Debug)]
#[must_use]
pub struct Endpoints {
    runtime: String,
    control: String,
}

impl Endpoints {
    /// Returns those of a region: `bedrock-runtime.REGION` and `bedrock.REGION`, under the name that
    /// the region's partition has.
    pub fn of_region(region: &str) -> Self {
        let suffix = sigv4_core::dns_suffix(region);
        let url = |name| format!("https://{name}.{region}.{suffix}");
        Self {
            runtime: url("bedrock-runtime"),
            control: url("bedrock"),
        }
    }

    /// Returns those that the environment says, as far as it does, and otherwise those of the region.
    ///
    /// The variables are those of the SDKs: `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`,
    /// `AWS_ENDPOINT_URL_BEDROCK`, and `AWS_ENDPOINT_URL` for both; none of them counts where
    /// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is `true`.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    pub fn of_environment(region: &str) -> Self {
        Self::of_variables(region, |name| env::var(name).ok())
    }

    /// Sets the address of the models.
    pub fn runtime(mut self, url: impl Into<String>) -> Self {
        self.runtime = url.into();
        self
    }

    /// Sets the address of the list of models.
    pub fn control(mut self, url: impl Into<String>) -> Self {
        self.control = url.into();
        self
    }

    fn of_variables(region: &str, variable: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name| variable(name).filter(|value| !value.trim().is_empty());
        let mut endpoints = Self::of_region(region);
        if read("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        {
            return endpoints;
        }
        let either = || read("AWS_ENDPOINT_URL");
        if let Some(url) = read("AWS_ENDPOINT_URL_BEDROCK_RUNTIME").or_else(either) {
            endpoints.runtime = url;
        }
        if let Some(url) = read("AWS_ENDPOINT_URL_BEDROCK").or_else(either) {
            endpoints.control = url;
        }
        endpoints
    }

    pub(super) fn parse(&self) -> Result<(Endpoint, Endpoint), Error> {
        Ok((
            Endpoint::parse(&self.runtime)?,
            Endpoint::parse(&self.control)?,
        ))
    }
}

/// An address, checked.
#[derive(Clone)]
pub(super) struct Endpoint {
    base: Url,
}

impl Endpoint {
    fn parse(text: &str) -> Result<Self, Error> {
        let base = Url::parse(text.trim()).map_err(|error| {
            Error::Configuration(format!("the endpoint URL cannot be read: {error}").into())
        })?;
        let is_plain = base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() || !is_plain {
            return Err(Error::Configuration(
                "an endpoint URL is `https://host`, with a port and a path if need be".into(),
            ));
        }
        Ok(Self { base })
    }

    /// Returns `host` or `host:port`, as a host scope has it.
    pub(super) fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Returns the URL of a path, each segment of which is encoded by itself: the colons of a model
    /// id, and the slashes of an ARN.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut path = self.base.path().trim_end_matches('/').to_owned();
        for segment in segments {
            path.push('/');
            path.extend(utf8_percent_encode(segment, SEGMENT));
        }
        let mut url = self.base.clone();
        url.set_path(&path);
        url
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str())
    }
}

/// Everything but what no canonical path encodes.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own() {
        for (region, runtime, control) in [
            (
                "us-east-1",
                "https://bedrock-runtime.us-east-1.amazonaws.com",
                "https://bedrock.us-east-1.amazonaws.com",
            ),
            (
                "us-gov-west-1",
                "https://bedrock-runtime.us-gov-west-1.amazonaws.com",
                "https://bedrock.us-gov-west-1.amazonaws.com",
            ),
            (
                "cn-north-1",
                "https://bedrock-runtime.cn-north-1.amazonaws.com.cn",
                "https://bedrock.cn-north-1.amazonaws.com.cn",
            ),
        ] {
            let endpoints = Endpoints::of_variables(region, |_| None);
            assert_eq!(endpoints.runtime, runtime);
            assert_eq!(endpoints.control, control);
        }
    }

    #[test]
    fn the_environment_says_otherwise() {
        const RUNTIME: (&str, &str) = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://localhost:1");
        const CONTROL: (&str, &str) = ("AWS_ENDPOINT_URL_BEDROCK", "http://localhost:2");
        const BOTH: (&str, &str) = ("AWS_ENDPOINT_URL", "http://localhost:3");
        let of_region = Endpoints::of_region("us-east-1");
        let (runtime, control) = (&*of_region.runtime, &*of_region.control);
        for (name, variables, expected) in [
            ("one", vec![RUNTIME], (RUNTIME.1, control)),
            ("the other", vec![CONTROL], (runtime, CONTROL.1)),
            ("both", vec![BOTH], (BOTH.1, BOTH.1)),
            (
                "the particular one counts",
                vec![BOTH, CONTROL],
                (BOTH.1, CONTROL.1),
            ),
            ("blank", vec![("AWS_ENDPOINT_URL", " ")], (runtime, control)),
            (
                "ignored",
                vec![BOTH, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")],
                (runtime, control),
            ),
        ] {
            let read = |wanted: &str| {
                let found = variables.iter().find(|(name, _)| *name == wanted);
                found.map(|(_, value)| (*value).to_owned())
            };
            let endpoints = Endpoints::of_variables("us-east-1", read);
            assert_eq!(
                (&*endpoints.runtime, &*endpoints.control),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_model_is_one_segment_of_the_path() {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.meta.llama3-v1:0";
        for (base, model, expected) in [
            (
                "https://h",
                "a.b-v2:0",
                "https://h/model/a.b-v2%3A0/converse",
            ),
            ("https://h/", "a", "https://h/model/a/converse"),
            (
                "https://h:8443/proxy/",
                "a/b",
                "https://h:8443/proxy/model/a%2Fb/converse",
            ),
            (
                "https://h",
                arn,
                "https://h/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3A\
                 inference-profile%2Fus.meta.llama3-v1%3A0/converse",
            ),
            (
                "https://h",
                "a b%é",
                "https://h/model/a%20b%25%C3%A9/converse",
            ),
        ] {
            let endpoint = Endpoint::parse(base).unwrap();
            let url = endpoint.url(&["model", model, "converse"]);
            assert_eq!(url.as_str(), expected);
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "h",
            "ftp://h",
            "https://u:p@h",
            "https://h?a",
            "https://h#a",
            "data:x",
        ] {
            let error = Endpoint::parse(text).unwrap_err();
            assert!(matches!(error, Error::Configuration(_)), "{text}");
            assert!(!format!("{error:?}").contains("u:p"), "{text}");
        }
    }
}
