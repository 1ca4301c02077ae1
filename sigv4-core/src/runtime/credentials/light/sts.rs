//! Roles, from the Security Token Service (STS).
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use std::time::Duration;
use std::time::UNIX_EPOCH;

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::Request;
use http::Response;
use http::Uri;
use http::header::ACCEPT;
use http::header::CONTENT_TYPE;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use zeroize::Zeroizing;

use super::context::Context;
use super::error::FetchError;
use super::exchange;
use super::exchange::Exchange;
use super::exchange::PlainHttp;
use super::files::Selection;
use super::files::SharedConfig;
use super::region;
use super::xml;
use crate::partition::dns_suffix;
use crate::payload::Payload;
use crate::signer::Signer;

/// Which STS is asked. What is not said is taken from the environment and the shared files.
#[derive(Clone, Debug, Default)]
pub(super) struct Sts {
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<Uri>,
}

/// Which role is assumed, and how.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) session_name: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) duration: Option<Duration>,
}

impl Role {
    pub(super) fn new(arn: impl Into<String>) -> Self {
        Self {
            arn: arn.into(),
            session_name: None,
            external_id: None,
            duration: None,
        }
    }
}

/// On whose behalf a role is assumed.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// Of credentials, by signing.
    Credentials(&'a Credentials),
    /// Of an identity elsewhere, by its token.
    WebIdentity(&'a str),
}

impl Sts {
    /// Assumes a role.
    pub(super) async fn assume(
        &self,
        provider: &'static str,
        context: &Context,
        shared: &SharedConfig,
        selection: &Selection,
        role: &Role,
        by: By<'_>,
    ) -> Result<Credentials, FetchError> {
        let exchange = Exchange {
            provider,
            plain: PlainHttp::Loopback,
            attempt: Duration::from_secs(5),
        };
        let configured = self.configured_endpoint(provider, context, shared)?;
        let region = match (&configured, by) {
            // Without a signature only the address depends on the region.
            (Some(_), By::WebIdentity(_)) => None,
            _ => Some(self.region(provider, context, shared, selection).await?),
        };
        let uri = match (configured, &region) {
            (Some(uri), _) => exchange::joined(provider, &uri, "/")?,
            (None, Some(region)) => regional_endpoint(provider, context, shared, region)?,
            (None, None) => return Err(FetchError::configuration(provider, NO_REGION)),
        };
        let signing = match (by, region) {
            (By::Credentials(source), Some(region)) => Some(prepared(provider, source, region)?),
            _ => None,
        };
        let body = Bytes::from_owner(form(context, role, by));
        let make = || {
            let request = Request::post(uri.clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(ACCEPT, "application/xml");
            let mut request = exchange.ready(request, body.clone())?;
            if let Some((signer, credentials)) = &signing {
                signer
                    .sign(
                        &mut request,
                        Payload::Bytes(&body),
                        credentials,
                        context.now(),
                    )
                    .map_err(|error| {
                        FetchError::configuration(provider, "the request cannot be signed")
                            .because(error)
                    })?;
            }
            Ok(request)
        };
        let judge = |answer: &Response<Bytes>| {
            let sent = match by {
                By::Credentials(source) => [
                    source.session_token().unwrap_or_default(),
                    source.secret_access_key(),
                ],
                By::WebIdentity(token) => [token, ""],
            };
            xml::credentials(provider, by.action(), answer, &sent)
        };
        exchange.run(context, make, judge).await
    }

    async fn region(
        &self,
        provider: &'static str,
        context: &Context,
        shared: &SharedConfig,
        selection: &Selection,
    ) -> Result<String, FetchError> {
        if let Some(region) = &self.region {
            return region::valid(provider, region, "that was set");
        }
        if let Some(region) = region::of_variables(provider, context)? {
            return Ok(region);
        }
        if let Some(region) = region::of_profile(provider, shared)? {
            return Ok(region);
        }
        region::of_instance(provider, context, selection)
            .await?
            .ok_or_else(|| FetchError::configuration(provider, NO_REGION))
    }

    /// Returns the endpoint that somebody wants instead of that of the region.
    ///
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    fn configured_endpoint(
        &self,
        provider: &'static str,
        context: &Context,
        shared: &SharedConfig,
    ) -> Result<Option<Uri>, FetchError> {
        if let Some(endpoint) = &self.endpoint {
            return Ok(Some(endpoint.clone()));
        }
        let variables = context.variables();
        let ignored = variables.is_true(provider, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?
            || is_true(shared.get("ignore_configured_endpoint_urls"));
        if ignored {
            return Ok(None);
        }
        let services = shared
            .get("services")
            .and_then(|name| shared.sections.section("services", name));
        let of_service = services.and_then(|section| section.get_nested("sts", "endpoint_url"));
        let (endpoint, place) = if let Some(url) = variables.get(provider, OWN_URL)? {
            (url, "variable `AWS_ENDPOINT_URL_STS`")
        } else if let Some(url) = variables.get(provider, URL)? {
            (url, "variable `AWS_ENDPOINT_URL`")
        } else if let Some(url) = of_service {
            (url.to_owned(), "services section of the profile")
        } else if let Some(url) = shared.get("endpoint_url") {
            (url.to_owned(), "property `endpoint_url` of the profile")
        } else {
            return Ok(None);
        };
        let parsed = endpoint.trim().parse().map_err(|error| {
            let message = format!("the {place} is not a URI");
            FetchError::configuration(provider, message).because(error)
        });
        parsed.map(Some)
    }
}

impl By<'_> {
    const fn action(self) -> &'static str {
        match self {
            Self::Credentials(_) => "AssumeRole",
            Self::WebIdentity(_) => "AssumeRoleWithWebIdentity",
        }
    }
}

fn prepared(
    provider: &'static str,
    source: &Credentials,
    region: String,
) -> Result<(Signer, crate::credentials::Credentials), FetchError> {
    let unusable = |what| move |error| FetchError::configuration(provider, what).because(error);
    let signer = Signer::builder("sts", region)
        .build()
        .map_err(unusable("requests to the region cannot be signed"))?;
    let credentials = crate::credentials::Credentials::try_from(source).map_err(unusable(
        "the credentials to assume the role with are unusable",
    ))?;
    Ok((signer, credentials))
}

/// Returns the endpoint of a region. The global one is for one partition and farther away.
fn regional_endpoint(
    provider: &'static str,
    context: &Context,
    shared: &SharedConfig,
    region: &str,
) -> Result<Uri, FetchError> {
    let fips = context
        .variables()
        .is_true(provider, "AWS_USE_FIPS_ENDPOINT")?
        || is_true(shared.get("use_fips_endpoint"));
    // The regions of GovCloud have but one endpoint, and that is validated.
    let host = if fips && !region.starts_with("us-gov-") {
        "sts-fips"
    } else {
        "sts"
    };
    let uri = format!("https://{host}.{region}.{}/", dns_suffix(region));
    uri.parse().map_err(|error| {
        FetchError::configuration(provider, "the region has no endpoint").because(error)
    })
}

/// Writes the request as a form. It may hold a token, so that it is wiped.
fn form(context: &Context, role: &Role, by: By<'_>) -> Zeroizing<Vec<u8>> {
    let token_length = match by {
        By::Credentials(_) => 0,
        By::WebIdentity(token) => token.len(),
    };
    // No growing, which would leave pieces behind.
    let capacity = 1024 + 3 * (token_length + role.arn.len());
    let mut form = Zeroizing::new(String::with_capacity(capacity));
    form.push_str("Action=");
    form.push_str(by.action());
    form.push_str("&Version=2011-06-15");
    let mut push = |name, value: &str| {
        form.push('&');
        form.push_str(name);
        form.push('=');
        form.extend(utf8_percent_encode(value, FORM));
    };
    push("RoleArn", &role.arn);
    match &role.session_name {
        Some(name) => push("RoleSessionName", name),
        None => {
            let since = context.now().duration_since(UNIX_EPOCH).unwrap_or_default();
            push("RoleSessionName", &format!("sigv4-{}", since.as_millis()));
        }
    }
    if let Some(duration) = role.duration {
        push("DurationSeconds", &duration.as_secs().to_string());
    }
    if let (Some(id), By::Credentials(_)) = (&role.external_id, by) {
        push("ExternalId", id);
    }
    if let By::WebIdentity(token) = by {
        push("WebIdentityToken", token);
    }
    Zeroizing::new(std::mem::take(&mut *form).into_bytes())
}

fn is_true(property: Option<&str>) -> bool {
    property.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

const OWN_URL: &str = "AWS_ENDPOINT_URL_STS";
const URL: &str = "AWS_ENDPOINT_URL";
const NO_REGION: &str = "there is no region to ask STS in; set `AWS_REGION`, or `region` in the \
                         profile";
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::error::FetchErrorKind;
    use super::super::fake::Fake;
    use super::super::xml::tests::whole;
    use super::*;

    const WEB: &str = "AssumeRoleWithWebIdentity";

    async fn assume(
        fake: &Fake,
        variables: &[(&str, &str)],
        sts: &Sts,
        by: By<'_>,
    ) -> Result<Credentials, FetchError> {
        let context = fake.context(variables);
        let selection = Selection::default();
        let shared = SharedConfig::load("Test", &context, &selection).unwrap();
        let role = Role::new("arn:aws:iam::123456789012:role/my+role");
        sts.assume("Test", &context, &shared, &selection, &role, by)
            .await
    }

    fn source() -> Credentials {
        Credentials::new(
            "AKIDEXAMPLE",
            "s3cr3t",
            Some("t0ken".to_owned()),
            None,
            "test",
        )
    }

    #[tokio::test]
    async fn finds_the_endpoint() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let config = ("AWS_CONFIG_FILE", file.to_str().unwrap());
        let region = ("AWS_REGION", "eu-west-1");
        let services = "services = s\nendpoint_url = http://localhost/profile\n[services s]\n\
                        sts =\n  endpoint_url = http://localhost/services";
        for (name, variables, profile, expected) in [
            (
                "of the region",
                vec![],
                "",
                "https://sts.eu-west-1.amazonaws.com/",
            ),
            (
                "validated",
                vec![("AWS_USE_FIPS_ENDPOINT", "true")],
                "",
                "https://sts-fips.eu-west-1.amazonaws.com/",
            ),
            (
                "validated by the profile",
                vec![("AWS_REGION", "us-gov-east-1")],
                "use_fips_endpoint = true",
                "https://sts.us-gov-east-1.amazonaws.com/",
            ),
            (
                "of its own variable",
                vec![
                    (URL, "http://localhost/all"),
                    (OWN_URL, "http://localhost/own"),
                ],
                services,
                "http://localhost/own/",
            ),
            (
                "of the variable",
                vec![(URL, "http://localhost/all")],
                services,
                "http://localhost/all/",
            ),
            (
                "of the services",
                vec![],
                services,
                "http://localhost/services/",
            ),
            (
                "of the profile",
                vec![],
                "endpoint_url = http://localhost/profile",
                "http://localhost/profile/",
            ),
            (
                "none of these",
                vec![
                    ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
                    (OWN_URL, "http://localhost/own"),
                ],
                services,
                "https://sts.eu-west-1.amazonaws.com/",
            ),
        ] {
            fs::write(&file, format!("[default]\n{profile}")).unwrap();
            let fake = Fake::new().answer(200, &whole("AssumeRole"));
            let variables = [vec![region, config], variables].concat();
            let by = source();
            let assumed = assume(&fake, &variables, &Sts::default(), By::Credentials(&by)).await;
            assert!(assumed.is_ok(), "{name}: {assumed:?}");
            assert_eq!(fake.sent(), [format!("POST {expected}")], "{name}");
        }
    }

    #[tokio::test]
    async fn sends_a_token_to_another_machine_by_https_only() {
        for url in [
            "http://example.com/",
            "http://169.254.169.254/",
            "ftp://localhost/",
            "::",
        ] {
            let fake = Fake::new();
            let variables = [("AWS_ENDPOINT_URL_STS", url)];
            let assumed = assume(&fake, &variables, &Sts::default(), By::WebIdentity("jwt")).await;
            let error = assumed.unwrap_err();
            assert_eq!(error.kind(), FetchErrorKind::Configuration, "{url}");
            assert_eq!(fake.sent(), [""; 0], "{url}");
        }
    }

    #[tokio::test]
    async fn needs_a_region_for_a_signature_or_an_address() {
        let off = ("AWS_EC2_METADATA_DISABLED", "true");
        let local = Sts {
            endpoint: Some(Uri::from_static("http://127.0.0.1:4566")),
            ..Sts::default()
        };
        let source = source();
        for (sts, by) in [
            (&Sts::default(), By::Credentials(&source)),
            (&Sts::default(), By::WebIdentity("jwt")),
            (&local, By::Credentials(&source)),
        ] {
            let error = assume(&Fake::new(), &[off], sts, by).await.unwrap_err();
            assert_eq!(error.kind(), FetchErrorKind::Configuration);
            assert!(error.to_string().contains("`AWS_REGION`"), "{error}");
        }
        let fake = Fake::new().answer(200, &whole(WEB));
        let by = By::WebIdentity("jwt");
        assume(&fake, &[off], &local, by).await.unwrap();

        // On an instance, it is the region of the instance.
        let fake = Fake::new()
            .answer(200, "TOKEN")
            .answer(200, "eu-south-2")
            .answer(200, &whole(WEB));
        assume(&fake, &[], &Sts::default(), by).await.unwrap();
        assert_eq!(fake.sent()[2], "POST https://sts.eu-south-2.amazonaws.com/");
    }

    #[tokio::test]
    async fn signs_each_attempt_at_its_own_time() {
        let fake = Fake::new()
            .answer(503, "")
            .answer(200, &whole("AssumeRole"));
        let by = source();
        let region = [("AWS_REGION", "us-east-1")];
        let context = fake.context(&region).random(|| 0.0);
        fake.pass(Duration::from_millis(950));
        let selection = Selection::default();
        let shared = SharedConfig::load("Test", &context, &selection).unwrap();
        let role = Role {
            session_name: Some("a name&".to_owned()),
            external_id: Some("4711".to_owned()),
            duration: Some(Duration::from_secs(900)),
            ..Role::new("arn:aws:iam::123456789012:role/my+role")
        };
        let sts = Sts::default();
        sts.assume(
            "Test",
            &context,
            &shared,
            &selection,
            &role,
            By::Credentials(&by),
        )
        .await
        .unwrap();
        let requests = fake.requests();
        assert_eq!(requests.len(), 2);
        for (request, date) in requests
            .iter()
            .zip(["20250701T120000Z", "20250701T120001Z"])
        {
            let headers = request.headers();
            assert_eq!(headers["x-amz-date"], date);
            assert_eq!(headers["x-amz-security-token"], "t0ken");
            assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
            let authorization = headers["authorization"].to_str().unwrap();
            let scope = "Credential=AKIDEXAMPLE/20250701/us-east-1/sts/aws4_request, ";
            assert!(authorization.contains(scope), "{authorization}");
            assert_eq!(
                request.body(),
                "Action=AssumeRole&Version=2011-06-15\
                 &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fmy%2Brole\
                 &RoleSessionName=a%20name%26&DurationSeconds=900&ExternalId=4711"
            );
        }
        assert_ne!(
            requests[0].headers()["authorization"],
            requests[1].headers()["authorization"]
        );
    }

    #[tokio::test]
    async fn does_not_sign_for_a_web_identity() {
        let fake = Fake::new().answer(200, &whole(WEB));
        let region = [("AWS_REGION", "cn-north-1")];
        assume(&fake, &region, &Sts::default(), By::WebIdentity("a.b+c=="))
            .await
            .unwrap();
        let request = &fake.requests()[0];
        assert!(!request.headers().contains_key("authorization"));
        assert_eq!(request.uri(), "https://sts.cn-north-1.amazonaws.com.cn/");
        assert_eq!(
            request.body(),
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15\
             &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fmy%2Brole\
             &RoleSessionName=sigv4-1751371200000&WebIdentityToken=a.b%2Bc%3D%3D"
        );
    }
}
