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
        Self::of_kind(region, Kind::default())
    }

    fn of_kind(region: &str, kind: Kind) -> Self {
        let fips = if kind.fips { "-fips" } else { "" };
        let suffix = if kind.dual_stack {
            sigv4_core::dual_stack_dns_suffix(region)
        } else {
            sigv4_core::dns_suffix(region)
        };
        let url = |name| format!("https://{name}{fips}.{region}.{suffix}");
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
    ///
    /// Where none of them says where a service is, `AWS_USE_FIPS_ENDPOINT` and
    /// `AWS_USE_DUALSTACK_ENDPOINT` say of which kind the endpoint of the region is to be. Not every
    /// region has all kinds; where there is none, the connection fails and its error says so. What
    /// the profile says of endpoints is not read.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html>
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`], where one of the last two is neither `true` nor `false`.
    pub fn of_environment(region: &str) -> Result<Self, Error> {
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

    fn of_variables(
        region: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let read = |name| variable(name).filter(|value| !value.trim().is_empty());
        let is_set = |name| read(name).map_or(Ok(false), |value| truth(name, &value));
        let kind = Kind {
            fips: is_set("AWS_USE_FIPS_ENDPOINT")?,
            dual_stack: is_set("AWS_USE_DUALSTACK_ENDPOINT")?,
        };
        let mut endpoints = Self::of_kind(region, kind);
        if read("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        {
            return Ok(endpoints);
        }
        let either = || read("AWS_ENDPOINT_URL");
        if let Some(url) = read("AWS_ENDPOINT_URL_BEDROCK_RUNTIME").or_else(either) {
            endpoints.runtime = url;
        }
        if let Some(url) = read("AWS_ENDPOINT_URL_BEDROCK").or_else(either) {
            endpoints.control = url;
        }
        Ok(endpoints)
    }

    pub(super) fn parse(&self) -> Result<(Endpoint, Endpoint), Error> {
        Ok((
            Endpoint::parse(&self.runtime)?,
            Endpoint::parse(&self.control)?,
        ))
    }
}

/// Which of the endpoints of a region.
#[derive(Clone, Copy, Debug, Default)]
struct Kind {
    /// One whose TLS is validated by FIPS 140.
    fips: bool,
    /// One that speaks IPv6 as well.
    dual_stack: bool,
}

/// Reads a variable that turns something on. What is neither is no guess: somebody may rely on it.
fn truth(name: &str, value: &str) -> Result<bool, Error> {
    let value = value.trim();
    if value.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if value.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        let message = format!("`{name}` is neither true nor false");
        Err(Error::Configuration(message.into()))
    }
}

/// Says why there may be no such host, although Bedrock is in its region.
pub(super) fn doubt(host: &str) -> Option<&'static str> {
    let (service, rest) = host.split_once('.')?;
    let (region, suffix) = rest.split_once('.')?;
    if !service.starts_with("bedrock") {
        None
    } else if service.ends_with("-fips") {
        Some("not every region has the endpoint that `AWS_USE_FIPS_ENDPOINT` asks for")
    } else if suffix == sigv4_core::dual_stack_dns_suffix(region) {
        Some("not every region has the endpoint that `AWS_USE_DUALSTACK_ENDPOINT` asks for")
    } else {
        None
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
            let endpoints = Endpoints::of_variables(region, |_| None).unwrap();
            assert_eq!(endpoints.runtime, runtime);
            assert_eq!(endpoints.control, control);
        }
    }

    #[test]
    fn the_environment_says_otherwise() {
        const RUNTIME: (&str, &str) = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://localhost:1");
        const CONTROL: (&str, &str) = ("AWS_ENDPOINT_URL_BEDROCK", "http://localhost:2");
        const BOTH: (&str, &str) = ("AWS_ENDPOINT_URL", "http://localhost:3");
        const FIPS: (&str, &str) = ("AWS_USE_FIPS_ENDPOINT", "true");
        const DUAL_STACK: (&str, &str) = ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE");
        let of_region = Endpoints::of_region("us-east-1");
        let (runtime, control) = (&*of_region.runtime, &*of_region.control);
        let fips = (
            "https://bedrock-runtime-fips.us-east-1.amazonaws.com",
            "https://bedrock-fips.us-east-1.amazonaws.com",
        );
        let dual_stack = (
            "https://bedrock-runtime.us-east-1.api.aws",
            "https://bedrock.us-east-1.api.aws",
        );
        let fips_and_dual_stack = (
            "https://bedrock-runtime-fips.us-east-1.api.aws",
            "https://bedrock-fips.us-east-1.api.aws",
        );
        for (name, variables, expected) in [
            ("FIPS", vec![FIPS], fips),
            ("dual stack", vec![DUAL_STACK], dual_stack),
            (
                "FIPS and dual stack",
                vec![FIPS, DUAL_STACK],
                fips_and_dual_stack,
            ),
            (
                "neither",
                vec![(FIPS.0, "False"), (DUAL_STACK.0, "")],
                (runtime, control),
            ),
            ("FIPS but for one", vec![FIPS, RUNTIME], (RUNTIME.1, fips.1)),
            (
                "FIPS with ignored URLs",
                vec![FIPS, BOTH, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")],
                fips,
            ),
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
            let endpoints = Endpoints::of_variables("us-east-1", read).unwrap();
            assert_eq!(
                (&*endpoints.runtime, &*endpoints.control),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_neither_true_nor_false_is_an_error() {
        for name in ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"] {
            let read = |wanted: &str| (wanted == name).then(|| "1".to_owned());
            let error = Endpoints::of_variables("us-east-1", read).unwrap_err();
            let Error::Configuration(error) = error else {
                unreachable!("{name}: {error:?}")
            };
            assert_eq!(
                error.to_string(),
                format!("`{name}` is neither true nor false")
            );
        }
    }

    #[test]
    fn doubts_what_not_every_region_has() {
        for (host, named) in [
            ("bedrock-runtime.eu-west-1.amazonaws.com", None),
            ("bedrock-runtime-fips.eu-west-1.amazonaws.com", Some("FIPS")),
            ("bedrock-fips.eu-west-1.api.aws", Some("FIPS")),
            ("bedrock.eu-west-1.api.aws", Some("DUALSTACK")),
            (
                "bedrock.cn-north-1.api.amazonwebservices.com.cn",
                Some("DUALSTACK"),
            ),
            ("proxy.example.com", None),
            ("127.0.0.1", None),
            ("localhost", None),
        ] {
            let doubt = doubt(host);
            assert_eq!(doubt.is_some(), named.is_some(), "{host}");
            let doubt = doubt.unwrap_or_default();
            assert!(doubt.contains(named.unwrap_or_default()), "{host}");
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
