//! What one caller may have signed.

use std::net::IpAddr;

use http::HeaderMap;
use http::Uri;
use http::uri::Authority;
use http::uri::Scheme;
use serde::Deserialize;
use sigv4_core::ConfigError;
use sigv4_core::runtime::HostScope;

use crate::answer::Signed;
use crate::fault::Fault;
use crate::request::SignRequest;

/// What may be signed: only what is on all four lists.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AllowList {
    /// The services, by the names that their signatures have.
    pub services: Names,
    /// The regions. Each one of a set of regions has to be allowed.
    pub regions: Names,
    /// The hosts, `host` or `host:port`, in which a label `*` is any label.
    pub hosts: Hosts,
    /// The methods.
    pub methods: Names,
}

/// Names that are allowed. `*` is any.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Names(Vec<String>);

/// Hosts that are allowed.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Hosts {
    scope: HostScope,
    /// Whether any port of this machine is allowed, too.
    is_here_allowed: bool,
}

impl AllowList {
    /// Allows every service, region and method at AWS's own domains and on this machine.
    ///
    /// # Errors
    ///
    /// None, with the domains that are written here.
    pub fn aws() -> Result<Self, ConfigError> {
        let below = |domain: &'static str| {
            (1..=DEEPEST).map(move |labels| format!("{}{domain}", "*.".repeat(labels)))
        };
        let any = || Names(vec!["*".to_owned()]);
        Ok(Self {
            services: any(),
            regions: any(),
            hosts: Hosts {
                scope: HostScope::matching(AWS.into_iter().flat_map(below))?,
                is_here_allowed: true,
            },
            methods: any(),
        })
    }

    /// Refuses what is not on the lists.
    ///
    /// # Errors
    ///
    /// With the field that is not allowed.
    pub fn check(&self, request: &SignRequest) -> Result<(), Fault> {
        if !self.services.allow(&request.service) {
            return Err(Fault::new("service", "is not one that this caller may use"));
        }
        if !self.allow_regions(&request.region) {
            return Err(Fault::new("region", "is not one that this caller may use"));
        }
        if !self.methods.allow(&request.method) {
            return Err(Fault::new("method", "is not one that this caller may use"));
        }
        let target = Target::of(&request.url)?;
        self.check_host(&target.scheme, target.authority, "url")?;
        // The signature is for the host that is named here, wherever the URL leads.
        for (index, (name, value)) in request.headers.iter().enumerate() {
            if name.trim().eq_ignore_ascii_case("host") {
                let field = format!("headers[{index}].value");
                self.check_host(&target.scheme, value.trim(), &field)?;
            }
        }
        Ok(())
    }

    /// Refuses to hand out what has been signed, if it is not what was checked. Two programs that
    /// read a URL in different ways are an old way around a list: this looks at what was hashed.
    ///
    /// # Errors
    ///
    /// With the field that is not allowed.
    pub fn check_signed(&self, request: &SignRequest, signed: &Signed) -> Result<(), Fault> {
        let target = Target::of(&request.url)?;
        let mut lines = signed.canonical_request.split('\n');
        let method = lines.next().unwrap_or_default();
        let query = lines.nth(1).unwrap_or_default();
        check_query(request, query)?;
        // Behind the query, and before an empty line, come the headers.
        let headers = lines.take_while(|line| !line.is_empty());
        let headers: Vec<&str> = headers.collect();
        let mut sets = headers
            .iter()
            .filter_map(|line| line.strip_prefix("x-amz-region-set:"));
        if sets.any(|set| !self.allow_regions(set)) {
            return Err(Fault::new("region", "is not one that this caller may use"));
        }
        let mut hosts = headers.iter().filter_map(|line| line.strip_prefix("host:"));
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Fault::new(
                "headers",
                "have no host, or several, to be signed",
            ));
        };
        self.check_host(&target.scheme, host, "url")?;
        if !self.methods.allow(method) {
            return Err(Fault::new("method", "is not one that this caller may use"));
        }
        // The third line: day, region unless it is a set, service, and how the scope ends.
        let scope = signed.string_to_sign.split('\n').nth(2).unwrap_or_default();
        let mut parts = scope.rsplit('/');
        let service = (parts.next(), parts.next()).1.unwrap_or_default();
        if !self.services.allow(service) {
            return Err(Fault::new("service", "is not one that this caller may use"));
        }
        match (parts.next(), parts.next()) {
            (Some(region), Some(_)) if !self.regions.allow(region) => {
                Err(Fault::new("region", "is not one that this caller may use"))
            }
            _ => Ok(()),
        }
    }

    /// A set of regions is a list of names with commas; `*` in it is all regions, and so has to be
    /// allowed by that name.
    fn allow_regions(&self, regions: &str) -> bool {
        regions
            .split(',')
            .all(|region| self.regions.allow(region.trim()))
    }

    fn check_host(&self, scheme: &Scheme, authority: &str, field: &str) -> Result<(), Fault> {
        let fault = |message: &str| Fault::new(field.to_owned(), message.to_owned());
        let refused = || fault("names a host that this caller may have nothing signed for");
        let authority = Authority::try_from(authority).map_err(|_| fault("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(fault("must name a host without a user before it"));
        }
        if self.hosts.is_here_allowed && is_loopback(authority.host()) {
            return Ok(());
        }
        let uri = Uri::builder()
            .scheme(scheme.clone())
            .authority(authority)
            .path_and_query("/")
            .build()
            .map_err(|_| refused())?;
        self.hosts
            .scope
            .check(&uri, &HeaderMap::new())
            .map_err(|_| refused())
    }
}

/// Refuses signatures that would also be those of a link, which holds for as long as a parameter
/// of its says: one in headers over a URL that has such parameters, or a link with others than its
/// own.
fn check_query(request: &SignRequest, canonical_query: &str) -> Result<(), Fault> {
    let fault = Fault::new("url", "has parameters of a signature in it; leave them out");
    let parameters = canonical_query.split('&');
    let named = |name: &str| {
        let of_it = parameters.clone().filter_map(move |parameter| {
            let (found, value) = parameter.split_once('=')?;
            found.eq_ignore_ascii_case(name).then_some(value)
        });
        of_it.collect::<Vec<_>>()
    };
    match request.lifetime() {
        None if OF_A_LINK.iter().any(|name| !named(name).is_empty()) => Err(fault),
        None => Ok(()),
        Some(lifetime) if named("x-amz-expires") == [lifetime.as_secs().to_string()] => Ok(()),
        Some(_) => Err(fault),
    }
}

/// Without any of these a URL is no link.
const OF_A_LINK: [&str; 5] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signature",
];

impl Names {
    fn allow(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|allowed| allowed == "*" || allowed == name)
    }
}

impl TryFrom<Vec<String>> for Names {
    type Error = &'static str;

    fn try_from(names: Vec<String>) -> Result<Self, Self::Error> {
        let is_name = |name: &String| {
            let mut bytes = name.bytes();
            !name.is_empty() && bytes.all(|byte| byte.is_ascii_graphic() && byte != b',')
        };
        if names.is_empty() {
            return Err("is empty, so that nothing may be signed; name some, or \"*\" for any");
        }
        if !names.iter().all(is_name) {
            return Err("must be names without blanks and commas, or \"*\" for any");
        }
        if names
            .iter()
            .any(|name| name.len() > 1 && name.contains('*'))
        {
            return Err("must be whole names; `*` stands alone, for any");
        }
        Ok(Self(names))
    }
}

impl TryFrom<Vec<String>> for Hosts {
    type Error = String;

    fn try_from(hosts: Vec<String>) -> Result<Self, Self::Error> {
        if hosts.is_empty() {
            return Err("is empty, so that nothing may be signed; name some hosts".to_owned());
        }
        let scope = HostScope::matching(hosts).map_err(|error| error.to_string())?;
        Ok(Self {
            scope,
            is_here_allowed: false,
        })
    }
}

/// Where a URL leads. It is cut where every reader cuts it; what is strange about the piece that
/// names the host, or about the scheme, is refused by those who know them.
struct Target<'a> {
    scheme: Scheme,
    authority: &'a str,
}

impl<'a> Target<'a> {
    fn of(url: &'a str) -> Result<Self, Fault> {
        let absolute = url.split_once("://");
        let absolute = absolute
            .and_then(|(scheme, rest)| Some((scheme.to_ascii_lowercase().parse().ok()?, rest)));
        let Some((scheme, rest)) = absolute else {
            return Err(Fault::new("url", "must begin with https:// and a host"));
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = &rest[..end];
        Ok(Self { scheme, authority })
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse().map(|address: IpAddr| address.is_loopback());
    host == "localhost" || address.unwrap_or(false)
}

/// The domains under which AWS has its services, of the partitions that the internet leads to.
const AWS: [&str; 7] = [
    "amazonaws.com",
    "api.aws",
    "on.aws",
    "amazonaws.com.cn",
    "api.amazonwebservices.com.cn",
    "amazonaws.eu",
    "api.amazonwebservices.eu",
];
/// How many labels stand before these at most: `bucket.bucket.vpce-1.s3.us-east-1.vpce`.
const DEEPEST: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> AllowList {
        let names = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            Names::try_from(names).unwrap()
        };
        AllowList {
            services: names(&["s3"]),
            regions: names(&["eu-west-1"]),
            hosts: Hosts::try_from(vec!["*.example.com".to_owned()]).unwrap(),
            methods: names(&["GET"]),
        }
    }

    fn request(placement: &str) -> SignRequest {
        let json = format!(
            r#"{{"method": "GET", "url": "https://a.example.com/x", "service": "s3",
                "region": "eu-west-1", "placement": "{placement}", "expires_in": 60}}"#
        );
        SignRequest::parse(json.as_bytes()).unwrap()
    }

    const CANONICAL: &str = "GET\n/x\nb=1\nhost:a.example.com\nx-amz-date:20261122T000000Z\n\n\
                             host;x-amz-date\nUNSIGNED-PAYLOAD";
    const TO_SIGN: &str = "AWS4-HMAC-SHA256\n20261122T000000Z\n\
                           20261122/eu-west-1/s3/aws4_request\n00";

    /// What comes out of the signer is judged by itself: whatever was read differently before.
    #[test]
    fn hands_out_only_what_is_on_the_list() {
        let is_link = "b=1&X-Amz-Expires=60";
        let as_link = CANONICAL.replace("b=1", is_link);
        for (name, placement, canonical, to_sign, field) in [
            (
                "fine",
                "headers",
                CANONICAL.to_owned(),
                TO_SIGN.to_owned(),
                "",
            ),
            ("a link", "query", as_link.clone(), TO_SIGN.to_owned(), ""),
            (
                "another host",
                "headers",
                CANONICAL.replace("a.ex", "a.b.ex"),
                TO_SIGN.into(),
                "url",
            ),
            (
                "no host",
                "headers",
                CANONICAL.replace("host:", "x:"),
                TO_SIGN.into(),
                "headers",
            ),
            (
                "two hosts",
                "headers",
                CANONICAL.replace("host:", "host:b.example.com\nhost:"),
                TO_SIGN.into(),
                "headers",
            ),
            (
                "another method",
                "headers",
                CANONICAL.replace("GET", "PUT"),
                TO_SIGN.into(),
                "method",
            ),
            (
                "another service",
                "headers",
                CANONICAL.into(),
                TO_SIGN.replace("s3", "iam"),
                "service",
            ),
            (
                "another region",
                "headers",
                CANONICAL.into(),
                TO_SIGN.replace("eu-", "us-"),
                "region",
            ),
            (
                "another set",
                "headers",
                CANONICAL.replace("x-amz-date:", "x-amz-region-set:*\nx-amz-date:"),
                TO_SIGN.replace("/eu-west-1", ""),
                "region",
            ),
            (
                "a link in headers",
                "headers",
                as_link.clone(),
                TO_SIGN.into(),
                "url",
            ),
            (
                "in another case",
                "headers",
                as_link.to_lowercase(),
                TO_SIGN.into(),
                "url",
            ),
            (
                "a longer link",
                "query",
                as_link.replace("=60", "=61"),
                TO_SIGN.into(),
                "url",
            ),
            (
                "two lives",
                "query",
                as_link.replace(is_link, "X-Amz-Expires=60&x-amz-expires=61"),
                TO_SIGN.into(),
                "url",
            ),
        ] {
            let signed = Signed {
                id: None,
                headers: Vec::new(),
                url: String::new(),
                signed_headers: Vec::new(),
                canonical_request: canonical,
                string_to_sign: to_sign,
                signature: String::new(),
            };
            let judged = list().check_signed(&request(placement), &signed);
            let found = judged
                .err()
                .map_or_else(String::new, |fault| fault.field.to_string());
            assert_eq!(found, field, "{name}");
        }
    }

    #[test]
    fn knows_where_aws_is() {
        let list = AllowList::aws().unwrap();
        for (host, is_aws) in [
            ("sts.amazonaws.com", true),
            ("a1.execute-api.eu-west-1.amazonaws.com", true),
            ("b.bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com", true),
            ("b.s3.cn-north-1.amazonaws.com.cn", true),
            ("sqs.cn-north-1.api.amazonwebservices.com.cn", true),
            ("a1.execute-api.eusc-de-east-1.amazonaws.eu", true),
            ("bedrock.us-east-1.api.aws", true),
            ("x.lambda-url.us-east-1.on.aws", true),
            ("amazonaws.com", false),
            ("amazonaws.com.example", false),
            ("sts.amazonaws.com.example", false),
            ("xamazonaws.com", false),
            ("x.aws", false),
        ] {
            let found = list.check_host(&Scheme::HTTPS, host, "url");
            assert_eq!(found.is_ok(), is_aws, "{host}");
        }
    }
}
