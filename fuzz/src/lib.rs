//! What the fuzz targets share: requests and signers out of arbitrary bytes.

use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Uri;
use http::Version;
use libfuzzer_sys::arbitrary;
use libfuzzer_sys::arbitrary::Arbitrary;
use sigv4_core::ContentSha256;
use sigv4_core::Credentials;
use sigv4_core::ExistingAuthorization;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::PlusPolicy;
use sigv4_core::SessionTokenMode;
use sigv4_core::Signer;
use sigv4_core::SignerBuilder;
use sigv4_core::SigningRules;
use sigv4_core::WireForm;

/// Returns credentials, with a session token or without.
///
/// # Panics
///
/// Never: they are constant.
#[must_use]
pub fn credentials(with_token: bool) -> Credentials {
    let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        .expect("the credentials are those of AWS's documentation");
    if with_token {
        credentials
            .with_session_token("IQoJb3JpZ2luX2VjEXAMPLE//////////+token==")
            .expect("the token is ASCII")
    } else {
        credentials
    }
}

/// Returns a time that no test depends on.
#[must_use]
pub fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_718_020_800)
}

/// A request as it may come: whatever `http` lets pass.
#[derive(Arbitrary, Debug)]
pub struct AnyRequest<'a> {
    method: AnyMethod<'a>,
    uri: &'a [u8],
    headers: Vec<(AnyName<'a>, &'a [u8])>,
    is_http2: bool,
}

#[derive(Arbitrary, Debug)]
enum AnyMethod<'a> {
    Get,
    Put,
    Post,
    Connect,
    Options,
    Other(&'a [u8]),
}

/// Header names that mean something to a signer are drawn often.
#[derive(Arbitrary, Debug)]
enum AnyName<'a> {
    Host,
    Authorization,
    ContentType,
    Connection,
    Date,
    Digest,
    Token,
    SessionToken,
    Meta,
    Other(&'a [u8]),
}

impl AnyRequest<'_> {
    /// Makes the request, if it is one.
    #[must_use]
    pub fn build(&self) -> Option<Request<()>> {
        let mut request = Request::new(());
        *request.method_mut() = match self.method {
            AnyMethod::Get => Method::GET,
            AnyMethod::Put => Method::PUT,
            AnyMethod::Post => Method::POST,
            AnyMethod::Connect => Method::CONNECT,
            AnyMethod::Options => Method::OPTIONS,
            AnyMethod::Other(name) => Method::from_bytes(name).ok()?,
        };
        *request.uri_mut() = Uri::try_from(self.uri).ok()?;
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            if let (Some(name), Ok(value)) = (name.build(), HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        }
        if self.is_http2 {
            *request.version_mut() = Version::HTTP_2;
        }
        Some(request)
    }
}

impl AnyName<'_> {
    fn build(&self) -> Option<HeaderName> {
        HeaderName::from_bytes(match self {
            Self::Host => b"host",
            Self::Authorization => b"authorization",
            Self::ContentType => b"content-type",
            Self::Connection => b"connection",
            Self::Date => b"x-amz-date",
            Self::Digest => b"x-amz-content-sha256",
            Self::Token => b"x-amz-security-token",
            Self::SessionToken => b"x-amz-s3session-token",
            Self::Meta => b"x-amz-meta-a",
            Self::Other(name) => name,
        })
        .ok()
    }
}

/// A signer in any of its configurations.
#[derive(Arbitrary, Debug)]
pub struct AnySigner {
    service: Service,
    path: Option<(bool, bool)>,
    plus: Option<Plus>,
    headers: Headers,
    keeps_authorization: bool,
    content_sha256: Option<bool>,
    token: Option<Token>,
}

#[derive(Arbitrary, Debug)]
enum Service {
    Standard,
    S3,
    S3Express,
    Lattice,
    Iot,
}

#[derive(Arbitrary, Debug)]
enum Plus {
    Literal,
    Space,
    Reject,
}

#[derive(Arbitrary, Debug)]
enum Headers {
    Minimal,
    AllButNeverSigned,
    Matched,
}

#[derive(Arbitrary, Debug)]
enum Token {
    Signed,
    Appended,
    Omitted,
}

impl AnySigner {
    /// Makes the signer.
    ///
    /// # Panics
    ///
    /// Never: its names and patterns are constant.
    #[must_use]
    pub fn build(&self, wire: WireForm) -> Signer {
        let service = match self.service {
            Service::Standard => "execute-api",
            Service::S3 => "s3",
            Service::S3Express => "s3express",
            Service::Lattice => "vpc-lattice-svcs",
            Service::Iot => "iotdevicegateway",
        };
        let mut rules = SigningRules::for_service(service);
        if let Some((encode_twice, normalize)) = self.path {
            rules = rules
                .double_encode_path(encode_twice)
                .normalize_path(normalize);
        }
        let headers = match self.headers {
            Headers::Minimal => HeaderRules::minimal(),
            Headers::AllButNeverSigned => HeaderRules::all_but_never_signed(),
            Headers::Matched => HeaderRules::minimal()
                .include(HeaderMatch::contains("a").expect("it is a part of a name"))
                .exclude(HeaderMatch::suffix("-a").expect("it is a part of a name")),
        };
        let mut builder = Signer::builder(service, "us-east-1")
            .rules(rules)
            .wire_form(wire)
            .headers(headers)
            .existing_authorization(if self.keeps_authorization {
                ExistingAuthorization::DangerKeep
            } else {
                ExistingAuthorization::ReplaceOwn
            })
            .content_sha256(match self.content_sha256 {
                None => ContentSha256::Auto,
                Some(true) => ContentSha256::Always,
                Some(false) => ContentSha256::Never,
            });
        builder = self.plus_of(builder);
        match self.token {
            None => builder,
            Some(Token::Signed) => builder.session_token(SessionTokenMode::Signed),
            Some(Token::Appended) => builder.session_token(SessionTokenMode::Appended),
            Some(Token::Omitted) => builder.session_token(SessionTokenMode::Omitted),
        }
        .build()
        .expect("service and region are names")
    }

    /// Tells whether a request that has an `Authorization` header is left as it is.
    #[must_use]
    pub const fn keeps_authorization(&self) -> bool {
        self.keeps_authorization
    }

    fn plus_of(&self, builder: SignerBuilder) -> SignerBuilder {
        match self.plus {
            None => builder,
            Some(Plus::Literal) => builder.plus(PlusPolicy::Literal),
            Some(Plus::Space) => builder.plus(PlusPolicy::Space),
            Some(Plus::Reject) => builder.plus(PlusPolicy::Reject),
        }
    }
}

/// What may become different when a request is signed.
#[must_use]
pub fn head(request: &Request<()>) -> (Method, Uri, HeaderMap) {
    (
        request.method().clone(),
        request.uri().clone(),
        request.headers().clone(),
    )
}

/// Decodes the escapes of a part of a URI. A percent sign that begins none is itself.
#[must_use]
pub fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let mut octets = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| Some(digit(at + 1)? * 16 + digit(at + 2)?))
            .flatten()
            .and_then(|octet| u8::try_from(octet).ok());
        octets.push(escape.unwrap_or(bytes[at]));
        at += if escape.is_some() { 3 } else { 1 };
    }
    octets
}

/// Tells whether every octet but the unreserved ones of RFC 3986 is escaped, in upper-case hex, and
/// no other.
#[must_use]
pub fn is_encoded(text: &str) -> bool {
    let is_unreserved = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    let encoded: String = decoded(text)
        .into_iter()
        .map(|octet| {
            if is_unreserved(octet) {
                char::from(octet).to_string()
            } else {
                format!("%{octet:02X}")
            }
        })
        .collect();
    encoded == text
}
