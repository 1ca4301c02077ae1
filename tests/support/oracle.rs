//! An independent judge of signatures, built on the crate `aws-sigv4`.
//!
//! [`verify`] looks at a request as it arrived, as a server would: it reads which headers were
//! signed, and by whom, for when and where, recomputes the signature from the secret and compares.
//! [`Reference`] is the layer below, for tests that need the signature of a request that was not
//! signed yet. Neither calls the code under test.
//!
//! ```
//! use sigv4_tests::oracle;
//! use sigv4_tests::secrets;
//! use sigv4_tests::time;
//!
//! let signer = sigv4_core::Signer::builder("sqs", "us-east-1").build()?;
//! let mut request = http::Request::get("https://sqs.us-east-1.amazonaws.com/").body(())?;
//! let payload = sigv4_core::Payload::EMPTY;
//! signer.sign(&mut request, payload, &secrets::credentials(), time::of_the_suite())?;
//!
//! let verified = oracle::verify(&request, b"", secrets::SECRET_ACCESS_KEY)?;
//! assert_eq!(verified.signed_headers, ["host", "x-amz-date"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::PayloadChecksumKind;
use aws_sigv4::http_request::PercentEncodingMode;
use aws_sigv4::http_request::SessionTokenMode;
use aws_sigv4::http_request::SignableBody;
use aws_sigv4::http_request::SignableRequest;
use aws_sigv4::http_request::SignatureLocation;
use aws_sigv4::http_request::SigningParams;
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::http_request::UriPathNormalizationMode;
use aws_sigv4::http_request::sign;
use aws_sigv4::sign::v4;
use aws_sigv4::sign::v4a;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::Uri;
use http::header;
use http::request::Parts;
use sha2::Digest;
use sha2::Sha256;

use crate::time;

/// Checks the signature of a request as it arrived.
///
/// `head` is the request, or its [`Parts`], with the URI of its request line and the headers that
/// came with it. `body` is what the signature is expected to cover: the bytes that arrived, or
/// [`Body::Unsigned`]. `secret` is the secret access key that belongs to the access key id.
///
/// Paths are judged as their service judges them: those of the S3 family as they are, so that only
/// a path in canonical form verifies, others normalised and encoded once more.
///
/// # Errors
///
/// When there is no signature or it does not fit, with the reason.
pub fn verify<'a>(
    head: impl Into<Head<'a>>,
    body: impl Into<Body<'a>>,
    secret: &str,
) -> Result<Verified, String> {
    let (head, body) = (head.into(), body.into());
    let claim = match head.headers.get(header::AUTHORIZATION) {
        Some(_) => Claim::from_header(&head)?,
        None => Claim::from_query(&head)?,
    };
    claim.check_what_aws_requires(&head, body)?;

    let expected = claim.reference(&head, body, secret)?.signature()?;
    if expected != claim.signature {
        return Err(format!(
            "the signature over {:?} does not match what arrived: {} {}",
            claim.signed_headers, head.method, head.uri
        ));
    }
    let unsigned_amz_headers = head
        .headers
        .keys()
        .map(|name| name.as_str())
        .filter(|name| name.starts_with("x-amz-") && !claim.signs(name))
        .map(str::to_owned)
        .collect();
    Ok(Verified {
        access_key_id: claim.access_key_id,
        date: claim.date,
        time: claim.time,
        expires_in: claim.expires_in,
        region: claim.region,
        service: claim.service,
        signed_headers: claim.signed_headers,
        unsigned_amz_headers,
        token: claim.token,
        signature: claim.signature,
    })
}

/// What a signature that fits says of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Who signed.
    pub access_key_id: String,
    /// `X-Amz-Date`: `20150830T123600Z`.
    pub date: String,
    /// The same as an instant.
    pub time: SystemTime,
    /// The lifetime of a presigned URL. `None` where the signature is in a header.
    pub expires_in: Option<Duration>,
    /// The region of the credential scope.
    pub region: String,
    /// The service of the credential scope.
    pub service: String,
    /// The signed headers, in the order in which they are listed.
    pub signed_headers: Vec<String>,
    /// The `x-amz-*` headers that arrived without being signed. S3 refuses such requests.
    pub unsigned_amz_headers: Vec<String>,
    /// The session token, wherever it was.
    pub token: Option<String>,
    /// The signature in hex.
    pub signature: String,
}

/// The head of a request: what [`verify`] looks at beside the body.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    pub(crate) method: &'a str,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
}

impl<'a> From<&'a Parts> for Head<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self {
            method: parts.method.as_str(),
            uri: &parts.uri,
            headers: &parts.headers,
        }
    }
}

impl<'a, B> From<&'a Request<B>> for Head<'a> {
    fn from(request: &'a Request<B>) -> Self {
        Self {
            method: request.method().as_str(),
            uri: request.uri(),
            headers: request.headers(),
        }
    }
}

impl<'a> Head<'a> {
    /// Returns the host as the server sees it.
    ///
    /// `aws-sigv4` panics where there is none.
    pub(crate) fn host(&self) -> Result<&'a str, String> {
        let mut values = self.headers.get_all(header::HOST).iter();
        match (values.next(), values.next(), self.uri.authority()) {
            (Some(host), None, _) => text(host.as_bytes()),
            (Some(_), Some(_), _) => Err("the Host header is repeated".to_owned()),
            (None, _, Some(authority)) => Ok(authority.as_str()),
            (None, _, None) => Err("the request names no host".to_owned()),
        }
    }

    /// Returns the one value of a header.
    pub(crate) fn header(&self, name: &str) -> Result<Option<&'a str>, String> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => text(value.as_bytes()).map(Some),
            (Some(_), Some(_)) => Err(format!("{name} is repeated")),
        }
    }
}

/// What a signature covers of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// Nothing: `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// What is signed apart from the head, of the kind that this text announces in place of a hash.
    Announced(&'a str),
}

impl Body<'_> {
    fn signable(&self) -> SignableBody<'_> {
        match self {
            Body::Bytes(bytes) => SignableBody::Bytes(bytes),
            Body::Unsigned => SignableBody::UnsignedPayload,
            Body::Announced(text) => SignableBody::Precomputed((*text).to_owned()),
        }
    }
}

impl<'a> From<&'a [u8]> for Body<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Body::Bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Body<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Body::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Body<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Body::Bytes(bytes)
    }
}

impl<'a> From<&'a Bytes> for Body<'a> {
    fn from(bytes: &'a Bytes) -> Self {
        Body::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for Body<'a> {
    fn from(text: &'a str) -> Self {
        Body::Bytes(text.as_bytes())
    }
}

/// A request as `aws-sigv4` is to sign it.
///
/// Every header that is given is signed, and `host` and `x-amz-date` beside them. [`new`](Self::new)
/// follows the service: the S3 family's paths are taken as they are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reference<'a> {
    /// The method.
    pub method: &'a str,
    /// The absolute URI.
    pub uri: Cow<'a, str>,
    /// The headers, in their order.
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// What is covered of the body.
    pub body: Body<'a>,
    /// The access key id.
    pub access_key_id: &'a str,
    /// The secret access key.
    pub secret: &'a str,
    /// The session token, which becomes a header or a parameter.
    pub token: Option<&'a str>,
    /// Whether the session token is signed. Default: yes.
    pub signs_token: bool,
    /// The signing time.
    pub time: SystemTime,
    /// The region.
    pub region: &'a str,
    /// The service.
    pub service: &'a str,
    /// Whether the signature goes into the query, and for how long it holds. Default: no.
    pub expires_in: Option<Duration>,
    /// Whether `x-amz-content-sha256` is added. Default: no.
    pub adds_content_sha256: bool,
    /// Whether the path is encoded once more. Default: not for the S3 family.
    pub double_encodes: bool,
    /// Whether the path is normalised. Default: not for the S3 family.
    pub normalizes: bool,
}

impl<'a> Reference<'a> {
    /// Begins a request for a service in a region.
    #[must_use]
    pub fn new(service: &'a str, region: &'a str, time: SystemTime) -> Self {
        let is_s3 = is_s3_family(service);
        Self {
            method: "GET",
            uri: Cow::Borrowed(""),
            headers: Vec::new(),
            body: Body::Bytes(b""),
            access_key_id: crate::secrets::ACCESS_KEY_ID,
            secret: crate::secrets::SECRET_ACCESS_KEY,
            token: None,
            signs_token: true,
            time,
            region,
            service,
            expires_in: None,
            adds_content_sha256: false,
            double_encodes: !is_s3,
            normalizes: !is_s3,
        }
    }

    /// Returns the signature in hex.
    ///
    /// # Errors
    ///
    /// When `aws-sigv4` refuses the request.
    pub fn signature(&self) -> Result<String, String> {
        let identity = self.identity();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.time)
            .settings(self.settings())
            .build();
        self.sign(&parameters.map_err(|error| error.to_string())?.into())
    }

    /// Returns the signature of SigV4A in hex, with the region as the set of regions.
    ///
    /// Its nonces are those of RFC 6979: the same request always has the same signature.
    ///
    /// # Errors
    ///
    /// When `aws-sigv4` refuses the request.
    pub fn signature_v4a(&self) -> Result<String, String> {
        let identity = self.identity();
        let parameters = v4a::SigningParams::builder()
            .identity(&identity)
            .region_set(self.region)
            .name(self.service)
            .time(self.time)
            .settings(self.settings())
            .build();
        self.sign(&parameters.map_err(|error| error.to_string())?.into())
    }

    fn identity(&self) -> Identity {
        let token = self.token.map(str::to_owned);
        Credentials::new(self.access_key_id, self.secret, token, None, "fixture").into()
    }

    fn sign(&self, parameters: &SigningParams<'_>) -> Result<String, String> {
        let headers = self.headers.iter().map(|(name, value)| (&**name, &**value));
        let request = SignableRequest::new(self.method, &*self.uri, headers, self.body.signable());
        let signed = request
            .and_then(|request| sign(request, parameters))
            .map_err(|error| match error.source() {
                Some(source) => format!("aws-sigv4 cannot sign this: {error}: {source}"),
                None => format!("aws-sigv4 cannot sign this: {error}"),
            })?;
        let (_, signature) = signed.into_parts();
        Ok(signature)
    }

    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = if self.double_encodes {
            PercentEncodingMode::Double
        } else {
            PercentEncodingMode::Single
        };
        settings.uri_path_normalization_mode = if self.normalizes {
            UriPathNormalizationMode::Enabled
        } else {
            UriPathNormalizationMode::Disabled
        };
        settings.payload_checksum_kind = if self.adds_content_sha256 {
            PayloadChecksumKind::XAmzSha256
        } else {
            PayloadChecksumKind::NoHeader
        };
        settings.session_token_mode = if self.signs_token {
            SessionTokenMode::Include
        } else {
            SessionTokenMode::Exclude
        };
        settings.signature_location = if self.expires_in.is_some() {
            SignatureLocation::QueryParams
        } else {
            SignatureLocation::Headers
        };
        settings.session_token_name_override = match (self.service, self.expires_in) {
            ("s3express", None) => Some("x-amz-s3session-token"),
            ("s3express", Some(_)) => Some("X-Amz-S3session-Token"),
            _ => None,
        };
        settings.expires_in = self.expires_in;
        settings.excluded_headers = None;
        settings
    }
}

/// Returns the signature, in hex, of a canonical request that a test wrote down by hand.
///
/// For what `aws-sigv4` can make no canonical request of, such as headers that are not UTF-8.
#[must_use]
pub fn signature_of_canonical_request(
    canonical_request: &[u8],
    secret: &str,
    (day, time_of_day): (&str, &str),
    region: &str,
    service: &str,
) -> String {
    let time = time::parse(&format!("{day}T{time_of_day}Z")).unwrap_or(SystemTime::UNIX_EPOCH);
    let string_to_sign = format!(
        "AWS4-HMAC-SHA256\n{day}T{time_of_day}Z\n{day}/{region}/{service}/aws4_request\n{}",
        sha256_hex(canonical_request)
    );
    let key = v4::generate_signing_key(secret, time, region, service);
    v4::calculate_signature(key, string_to_sign.as_bytes())
}

/// Tells the services whose paths are object keys.
#[must_use]
pub fn is_s3_family(service: &str) -> bool {
    matches!(
        service,
        "s3" | "s3express" | "s3-outposts" | "s3-object-lambda"
    )
}

/// What a request says of its own signature.
struct Claim {
    access_key_id: String,
    date: String,
    time: SystemTime,
    region: String,
    service: String,
    signed_headers: Vec<String>,
    signature: String,
    token: Option<String>,
    expires_in: Option<Duration>,
}

impl Claim {
    fn from_header(head: &Head<'_>) -> Result<Self, String> {
        let value = head.header("authorization")?.unwrap_or_default();
        let fields = value
            .strip_prefix("AWS4-HMAC-SHA256 ")
            .ok_or("Authorization does not begin with `AWS4-HMAC-SHA256 `")?;
        let field = |name: &str| {
            let mut found = fields
                .split(", ")
                .filter_map(|field| field.strip_prefix(name)?.strip_prefix('='));
            match (found.next(), found.next()) {
                (Some(value), None) => Ok(value.to_owned()),
                _ => Err(format!("Authorization does not hold {name} once")),
            }
        };
        let date = head.header("x-amz-date")?.ok_or("there is no x-amz-date")?;
        let token = match head.header("x-amz-security-token")? {
            Some(token) => Some(token),
            None => head.header("x-amz-s3session-token")?,
        };
        let fields = Fields {
            credential: field("Credential")?,
            date: date.to_owned(),
            signed_headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        };
        fields.claim(token.map(str::to_owned), None)
    }

    fn from_query(head: &Head<'_>) -> Result<Self, String> {
        let pairs = pairs(head.uri.query().unwrap_or(""))?;
        let find = |name: &str| {
            let mut found = pairs.iter().filter(|(key, _)| key == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Ok(Some(value.clone())),
                (None, _) => Ok(None),
                (Some(_), Some(_)) => Err(format!("{name} is repeated")),
            }
        };
        let require = |name: &str| find(name)?.ok_or_else(|| format!("there is no {name}"));
        if find("X-Amz-Signature")?.is_none() {
            return Err("the request is not signed".to_owned());
        }
        if require("X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
            return Err("X-Amz-Algorithm is not AWS4-HMAC-SHA256".to_owned());
        }
        let seconds = require("X-Amz-Expires")?
            .parse()
            .ok()
            .filter(|seconds| (1..=604_800).contains(seconds))
            .ok_or("X-Amz-Expires is not between a second and seven days")?;
        let token = match find("X-Amz-Security-Token")? {
            Some(token) => Some(token),
            None => find("X-Amz-S3session-Token")?,
        };
        let fields = Fields {
            credential: require("X-Amz-Credential")?,
            date: require("X-Amz-Date")?,
            signed_headers: require("X-Amz-SignedHeaders")?,
            signature: require("X-Amz-Signature")?,
        };
        fields.claim(token, Some(Duration::from_secs(seconds)))
    }

    fn signs(&self, name: &str) -> bool {
        self.signed_headers.iter().any(|signed| signed == name)
    }

    fn check_what_aws_requires(&self, head: &Head<'_>, body: Body<'_>) -> Result<(), String> {
        if !self.signed_headers.is_sorted_by(|a, b| a < b) {
            return Err("SignedHeaders is not sorted, or repeats a name".to_owned());
        }
        if !self.signs("host") {
            return Err("host is not signed".to_owned());
        }
        if self.expires_in.is_none() && !self.signs("x-amz-date") {
            return Err("x-amz-date is not signed".to_owned());
        }
        if let Some(missing) = self
            .signed_headers
            .iter()
            .find(|name| *name != "host" && !head.headers.contains_key(name.as_str()))
        {
            return Err(format!("{missing} is signed and did not arrive"));
        }
        let sent = head.header("x-amz-content-sha256")?;
        if is_s3_family(&self.service) && self.expires_in.is_none() && sent.is_none() {
            return Err("S3 wants x-amz-content-sha256".to_owned());
        }
        match (sent, body) {
            (None, _) | (Some("UNSIGNED-PAYLOAD"), Body::Unsigned) => Ok(()),
            (Some(sent), Body::Bytes(bytes)) if sent == sha256_hex(bytes) => Ok(()),
            (Some(sent), Body::Announced(text)) if sent == text => Ok(()),
            (Some(_), _) => Err("x-amz-content-sha256 is not that of the body".to_owned()),
        }
    }

    /// Puts together what `aws-sigv4` is to sign: nothing but what is said to be signed.
    fn reference<'a>(
        &'a self,
        head: &Head<'a>,
        body: Body<'a>,
        secret: &'a str,
    ) -> Result<Reference<'a>, String> {
        let mut reference = Reference::new(&self.service, &self.region, self.time);
        reference.method = head.method;
        reference.uri = Cow::Owned(self.uri(head)?);
        reference.body = body;
        reference.access_key_id = &self.access_key_id;
        reference.secret = secret;
        reference.expires_in = self.expires_in;
        reference
            .headers
            .push((Cow::Borrowed("host"), Cow::Borrowed(head.host()?.trim())));
        // A token that was signed as a header is one of the headers that arrived. In a query it is
        // a parameter, which `aws-sigv4` adds by itself.
        if self.expires_in.is_some() {
            reference.token = self.token.as_deref();
            reference.signs_token = self.service != "iotdevicegateway";
        }
        let signed = |name: &str| name != "host" && name != "x-amz-date" && self.signs(name);
        for (name, value) in head.headers {
            if signed(name.as_str()) {
                let value = text(value.as_bytes())?;
                // AWS folds tabs as it folds spaces, which `aws-sigv4` does not.
                let value = value.replace('\t', " ");
                reference
                    .headers
                    .push((Cow::Borrowed(name.as_str()), Cow::Owned(value)));
            }
        }
        Ok(reference)
    }

    /// Returns the URI without what `aws-sigv4` adds to it by itself.
    fn uri(&self, head: &Head<'_>) -> Result<String, String> {
        let mut query: Vec<&str> = head.uri.query().unwrap_or("").split('&').collect();
        if self.expires_in.is_some() {
            query.retain(|pair| {
                let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
                !OF_THE_SIGNATURE.contains(&name)
            });
        }
        let mut query = query.join("&");
        if is_s3_family(&self.service) {
            // `aws-sigv4` reads a plus as a space. To S3 it is a plus.
            query = query.replace('+', "%2B");
        }
        if pairs(&query).is_err() {
            return Err("aws-sigv4 cannot judge a query that is not UTF-8".to_owned());
        }
        let question_mark = if query.is_empty() { "" } else { "?" };
        let uri = format!(
            "https://judge.invalid{}{question_mark}{query}",
            head.uri.path()
        );
        // `aws-sigv4` panics where the encoded query does not fit into a URI.
        if uri.len() > MAX_LENGTH {
            return Err("the URI is too long for aws-sigv4".to_owned());
        }
        Ok(uri)
    }
}

/// The fields of a signature as text.
struct Fields {
    credential: String,
    date: String,
    signed_headers: String,
    signature: String,
}

impl Fields {
    fn claim(self, token: Option<String>, expires_in: Option<Duration>) -> Result<Claim, String> {
        let time = time::parse(&self.date).ok_or("X-Amz-Date is no date")?;
        let scope: Vec<&str> = self.credential.split('/').collect();
        let [access_key_id, day, region, service, "aws4_request"] = scope[..] else {
            return Err("the credential is not id/day/region/service/aws4_request".to_owned());
        };
        if !self.date.starts_with(&format!("{day}T")) {
            return Err("the day of the credential scope is not that of X-Amz-Date".to_owned());
        }
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if self.signature.len() != 64 || !self.signature.bytes().all(is_hex) {
            return Err("the signature is not 64 hex digits".to_owned());
        }
        Ok(Claim {
            access_key_id: access_key_id.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: self.signed_headers.split(';').map(str::to_owned).collect(),
            date: self.date,
            time,
            signature: self.signature,
            token,
            expires_in,
        })
    }
}

/// Decodes a query. A plus stays a plus.
fn pairs(query: &str) -> Result<Vec<(String, String)>, String> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .map(Cow::into_owned)
            .map_err(|_| "the query is not UTF-8".to_owned())
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

pub(crate) fn text(bytes: &[u8]) -> Result<&str, String> {
    str::from_utf8(bytes)
        .map_err(|_| "aws-sigv4 cannot judge a header that is not UTF-8".to_owned())
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A third of what a URI can hold: each octet may become three, and parameters are added.
const MAX_LENGTH: usize = 20_000;
/// The parameters that `aws-sigv4` adds to a query, and the one that is never signed.
const OF_THE_SIGNATURE: [&str; 8] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
    "X-Amz-S3session-Token",
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::Method;

    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// The example "GET Object" of the documentation of S3, as it would arrive.
    fn published() -> Request<()> {
        Request::get("/test.txt")
            .header("host", "examplebucket.s3.amazonaws.com")
            .header("range", "bytes=0-9")
            .header("x-amz-content-sha256", EMPTY)
            .header("x-amz-date", "20130524T000000Z")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
                 SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
                 Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            )
            .body(())
            .unwrap()
    }

    /// The example of the documentation for query parameters.
    const PRESIGNED: &str = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
        &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
        &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

    fn presigned(uri: &str) -> Request<()> {
        let request = Request::get(uri).header("host", "examplebucket.s3.amazonaws.com");
        request.body(()).unwrap()
    }

    #[test]
    fn accepts_what_aws_publishes() {
        let verified = verify(&published(), b"", SECRET).unwrap();
        assert_eq!(verified.access_key_id, "AKIAIOSFODNN7EXAMPLE");
        assert_eq!((&*verified.region, &*verified.service), ("us-east-1", "s3"));
        assert_eq!(verified.date, "20130524T000000Z");
        assert_eq!((verified.token, verified.expires_in), (None, None));

        let verified = verify(&presigned(PRESIGNED), Body::Unsigned, SECRET).unwrap();
        assert_eq!(verified.signed_headers, ["host"]);
        assert_eq!(verified.expires_in, Some(Duration::from_secs(86_400)));
    }

    #[test]
    fn refuses_each_tampering_with_headers() {
        let change = |name: &'static str, value: &str| {
            let mut request = published();
            request.headers_mut().insert(name, value.parse().unwrap());
            request
        };
        let authorization = published().headers()["authorization"]
            .to_str()
            .unwrap()
            .to_owned();
        let forged = |from: &str, to: &str| {
            assert!(authorization.contains(from), "{from}");
            change("authorization", &authorization.replace(from, to))
        };
        let with = |edit: fn(&mut Request<()>)| {
            let mut request = published();
            edit(&mut request);
            request
        };
        for (name, request) in [
            ("another host", change("host", "evil.s3.amazonaws.com")),
            ("a signed header", change("range", "bytes=0-99")),
            ("a later date", change("x-amz-date", "20130524T000001Z")),
            ("another day", change("x-amz-date", "20130525T000000Z")),
            (
                "another hash",
                change("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ),
            (
                "another path",
                with(|request| *request.uri_mut() = Uri::from_static("/test.txu")),
            ),
            (
                "a query",
                with(|request| *request.uri_mut() = Uri::from_static("/test.txt?acl")),
            ),
            (
                "another method",
                with(|request| *request.method_mut() = Method::PUT),
            ),
            (
                "a header taken away",
                with(|request| drop(request.headers_mut().remove("range"))),
            ),
            (
                "no signature",
                with(|request| drop(request.headers_mut().remove("authorization"))),
            ),
            ("another signature", forged("Signature=f0", "Signature=e0")),
            ("another region", forged("us-east-1", "us-west-1")),
            ("another service", forged("/s3/", "/s4/")),
            ("fewer signed headers", forged("host;range;", "host;")),
            ("names out of order", forged("host;range", "range;host")),
            ("host not signed", forged("host;range", "range")),
            (
                "another algorithm",
                forged("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"),
            ),
        ] {
            assert!(verify(&request, b"", SECRET).is_err(), "{name}");
        }
        assert!(verify(&published(), b"body", SECRET).is_err());
        assert!(verify(&published(), Body::Unsigned, SECRET).is_err());
        assert!(verify(&published(), b"", "another secret").is_err());
    }

    #[test]
    fn refuses_each_tampering_with_a_query() {
        for (from, to) in [
            ("/test.txt", "/test.txu"),
            ("Expires=86400", "Expires=86401"),
            ("Expires=86400", "Expires=604801"),
            ("20130524T000000Z", "20130524T000001Z"),
            ("us-east-1", "us-west-1"),
            ("404", "405"),
            ("&X-Amz-Signature", "&acl=&X-Amz-Signature"),
            ("&X-Amz-Date=", "&X-Amz-Date=20130524T000000Z&X-Amz-Date="),
        ] {
            assert!(PRESIGNED.contains(from), "{from}");
            let request = presigned(&PRESIGNED.replace(from, to));
            assert!(verify(&request, Body::Unsigned, SECRET).is_err(), "{to}");
        }
        assert!(verify(&presigned(PRESIGNED), b"", SECRET).is_err());
    }

    #[test]
    fn refuses_what_it_cannot_judge_without_a_panic() {
        let mut no_host = published();
        no_host.headers_mut().remove("host");
        let mut not_utf8 = published();
        not_utf8
            .headers_mut()
            .insert("range", HeaderValue::from_bytes(b"\xff").unwrap());
        let mut query = published();
        *query.uri_mut() = Uri::from_static("/test.txt?a=%ff");
        for request in [no_host, not_utf8, query] {
            assert!(verify(&request, b"", SECRET).is_err());
        }
    }
}
