//! Signs one request.

use std::collections::HashSet;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::header;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::ConfigError;
use sigv4_core::Credentials;
use sigv4_core::EcdsaBackend;
use sigv4_core::Error;
use sigv4_core::ErrorKind;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::PayloadLiteral;
use sigv4_core::PresignOptions;
use sigv4_core::SessionTokenMode;
use sigv4_core::Signer;
use sigv4_core::SigningRules;
use sigv4_core::SigningTrace;
use sigv4_core::UnsignedPayload;
use sigv4_core::WireForm;

use crate::answer::Signed;
use crate::fault::Fault;
use crate::request::Algorithm;
use crate::request::ContentSha256;
use crate::request::Payload;
use crate::request::Placement;
use crate::request::SessionToken;
use crate::request::SignHeaders;
use crate::request::SignRequest;
use crate::url::Url;

/// Signs a request with credentials, at the time that it says, or now where it says none.
///
/// The [limits](crate::Limits) and the credentials that a request brings are for the caller to look
/// at.
///
/// # Errors
///
/// With the field for which it cannot be signed.
pub fn sign(
    request: &SignRequest,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<Signed, Fault> {
    let time = request.time.unwrap_or(now);
    let url = Url::new(&request.url)?;
    let method = method(&request.method)?;
    let headers = headers(&request.headers)?;
    let body = request.body()?.unwrap_or_default();
    check_payload(request, &body)?;
    let signer = signer(request)?;

    let mut head = Request::new(());
    *head.method_mut() = method;
    *head.uri_mut() = url.uri().clone();
    *head.headers_mut() = headers;
    let to_fault = |error: Error| fault(request, &error);
    let signed = match request.placement {
        Placement::Headers => {
            if request.expires_in.is_some() {
                return Err(Fault::new(
                    "expires_in",
                    "is for a signature in the query; leave it out, or set `placement` to `query`",
                ));
            }
            let payload = payload(request, &body);
            let trace = signer.trace(&head, payload, credentials, time);
            let signed = signer.sign(&mut head, payload, credentials, time);
            let signed = signed.map_err(to_fault)?;
            Parts {
                trace: trace.map_err(to_fault)?,
                headers: head.into_parts().0.headers,
                url: request.url.clone(),
                signature: signed.signature().unwrap_or_default().to_owned(),
            }
        }
        Placement::Query => {
            let options = presign_options(request, &body);
            let trace = signer.trace_presign(&head, options.clone(), credentials, time);
            let link = signer.presign(&head, options, credentials, time);
            let link = link.map_err(to_fault)?;
            Parts {
                trace: trace.map_err(to_fault)?,
                headers: link.headers().clone(),
                url: url.with_signature(link.uri()),
                signature: link.signature().to_owned(),
            }
        }
    };
    signed.answer(request)
}

/// Refuses a URL and a method that are none, whoever asks for them.
///
/// # Errors
///
/// With the field.
pub(crate) fn check_form(request: &SignRequest) -> Result<(), Fault> {
    Url::new(&request.url)?;
    method(&request.method)?;
    Ok(())
}

/// What signing gave.
struct Parts {
    trace: SigningTrace,
    /// Those of the request among them.
    headers: HeaderMap,
    url: String,
    signature: String,
}

impl Parts {
    fn answer(self, request: &SignRequest) -> Result<Signed, Fault> {
        let canonical_request = self.trace.canonical_request().into_owned();
        // The last line but one.
        let names = canonical_request.rsplit('\n').nth(1).unwrap_or_default();
        let signed_headers: Vec<String> = names.split(';').map(str::to_owned).collect();
        if let SignHeaders::Names(names) = &request.sign_headers {
            let is_there = |name: &String| {
                let name = name.to_ascii_lowercase();
                signed_headers.binary_search(&name).is_ok()
            };
            if let Some(at) = names.iter().position(|name| !is_there(name)) {
                return Err(not_there(at));
            }
        }
        let added = OF_SIGNATURE.iter().filter_map(|&name| {
            let value = self.headers.get(name)?.to_str().ok()?;
            Some((name.to_owned(), value.to_owned()))
        });
        Ok(Signed {
            id: request.id.clone(),
            headers: added.collect(),
            url: self.url,
            signed_headers,
            string_to_sign: self.trace.string_to_sign().to_owned(),
            canonical_request,
            signature: self.signature,
        })
    }
}

fn method(given: &str) -> Result<Method, Fault> {
    let method = Method::from_bytes(given.as_bytes()).map_err(|_| {
        Fault::new(
            "method",
            "must be the method of an HTTP request, such as GET",
        )
    })?;
    let upper = given.to_ascii_uppercase();
    if upper == "CONNECT" {
        return Err(Fault::new(
            "method",
            "cannot be CONNECT, which no service takes",
        ));
    }
    if upper != given && METHODS.contains(&&*upper) {
        return Err(Fault::new(
            "method",
            format!("must be in capital letters, as clients send it: {upper}"),
        ));
    }
    Ok(method)
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    for (at, (name, value)) in given.iter().enumerate() {
        let name_fault = |message: &str| Fault::new(format!("headers[{at}].name"), message);
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| name_fault("must be the name of a header"))?;
        if OF_SIGNATURE.contains(&name.as_str()) {
            return Err(name_fault(
                "is of a header that comes with a signature; leave it out, \
                 and see `time`, `payload`, `region` and `credentials` for what it holds",
            ));
        }
        if name == header::HOST && headers.contains_key(header::HOST) {
            return Err(name_fault("is `host` once more; leave one"));
        }
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            Fault::new(
                format!("headers[{at}].value"),
                "holds a line break or another control character, which no header can",
            )
        })?;
        headers
            .try_append(name, value)
            .map_err(|_| Fault::new("headers", "are too many for one request; send fewer"))?;
    }
    Ok(headers)
}

fn signer(request: &SignRequest) -> Result<Signer, Fault> {
    let mut rules = SigningRules::for_service(&request.service);
    if let Some(yes) = request.path.double_encode {
        rules = rules.double_encode_path(yes);
    }
    if let Some(yes) = request.path.normalize {
        rules = rules.normalize_path(yes);
    }
    if request.algorithm == Algorithm::SigV4 && request.region.contains([',', '*']) {
        return Err(Fault::new(
            "region",
            "must be one region; for a set of them, set `algorithm` to `sigv4a`",
        ));
    }
    let mut builder = Signer::builder(&request.service, &request.region)
        .rules(rules)
        .wire_form(WireForm::AsGiven)
        .headers(header_rules(request)?)
        .content_sha256(content_sha256(request));
    if request.algorithm == Algorithm::SigV4a {
        // Whose signatures are always the same for the same request.
        builder = builder.sigv4a(EcdsaBackend::P256);
    }
    if let Some(token) = request.session_token {
        builder = builder.session_token(match token {
            SessionToken::Sign => SessionTokenMode::Signed,
            SessionToken::Append => SessionTokenMode::Appended,
            SessionToken::Omit => SessionTokenMode::Omitted,
        });
    }
    builder
        .build()
        .map_err(|error| Fault::new(error.field(), message_of(&error)))
}

fn header_rules(request: &SignRequest) -> Result<HeaderRules, Fault> {
    match &request.sign_headers {
        SignHeaders::Minimal => Ok(HeaderRules::minimal()),
        SignHeaders::All => Ok(HeaderRules::all_but_never_signed()),
        SignHeaders::Names(names) => {
            // Each header is held against each rule: there are no more rules than headers.
            let there = request.headers.iter().map(|(name, _)| name.as_str());
            let there = there.chain(OF_SIGNATURE).chain([header::HOST.as_str()]);
            let mut unnamed: HashSet<_> = there.map(str::to_ascii_lowercase).collect();
            let mut named = HashSet::new();
            let mut rules = HeaderRules::none();
            for (at, name) in names.iter().enumerate() {
                let lower = name.to_ascii_lowercase();
                if named.contains(&lower) {
                    continue;
                }
                let header = HeaderMatch::exact(name).map_err(|_| {
                    Fault::new(
                        format!("sign_headers[{at}]"),
                        "must be the name of a header",
                    )
                })?;
                let lower = unnamed.take(&lower).ok_or_else(|| not_there(at))?;
                named.insert(lower);
                rules = rules.include(header);
            }
            Ok(rules)
        }
    }
}

fn not_there(at: usize) -> Fault {
    Fault::new(
        format!("sign_headers[{at}]"),
        "is not among the headers; add it there, or leave it out here",
    )
}

const fn content_sha256(request: &SignRequest) -> sigv4_core::ContentSha256 {
    match request.content_sha256 {
        ContentSha256::Always => sigv4_core::ContentSha256::Always,
        ContentSha256::Auto => sigv4_core::ContentSha256::Auto,
        ContentSha256::Never => sigv4_core::ContentSha256::Never,
    }
}

/// Refuses what can be no signature that a service takes.
fn check_payload(request: &SignRequest, body: &[u8]) -> Result<(), Fault> {
    let rules = SigningRules::for_service(&request.service);
    let fault = |message| Err(Fault::new("payload", message));
    match request.payload {
        Some(Payload::Unsigned) if rules.unsigned_payload_mode() == UnsignedPayload::Refused => {
            fault("cannot be `unsigned`: the service wants the body to be hashed")
        }
        Some(Payload::Literal(literal))
            if literal.is_sha256()
                && request.body_length().is_some()
                && literal != PayloadLiteral::sha256(&Sha256::digest(body).into()) =>
        {
            fault("is not the SHA-256 of the body that stands beside it; leave one of them out")
        }
        _ => Ok(()),
    }
}

fn payload<'a>(request: &SignRequest, body: &'a [u8]) -> sigv4_core::Payload<'a> {
    match request.payload {
        None | Some(Payload::Signed) => sigv4_core::Payload::Bytes(body),
        Some(Payload::Unsigned) => sigv4_core::Payload::Unsigned,
        Some(Payload::Literal(literal)) => sigv4_core::Payload::Literal(literal),
    }
}

fn presign_options(request: &SignRequest, body: &[u8]) -> PresignOptions {
    let lifetime = request.lifetime().unwrap_or_default();
    let options = PresignOptions::expires_in(lifetime).content_sha256(content_sha256(request));
    let rules = SigningRules::for_service(&request.service);
    match request.payload {
        None | Some(Payload::Unsigned) if rules.presigns_unsigned() => options,
        None | Some(Payload::Signed) => options.payload_sha256(Sha256::digest(body).into()),
        Some(Payload::Unsigned) => options.payload_literal(PayloadLiteral::UNSIGNED),
        Some(Payload::Literal(literal)) => options.payload_literal(literal),
    }
}

/// Says which field it is that cannot be signed.
fn fault(request: &SignRequest, error: &Error) -> Fault {
    let mut headers = request.headers.iter();
    let host = headers.position(|(name, _)| name.eq_ignore_ascii_case("host"));
    if let (ErrorKind::InvalidHost, Some(at)) = (error.kind(), host) {
        return Fault::new(format!("headers[{at}].value"), error.to_string());
    }
    let field = match error.kind() {
        ErrorKind::RequestTarget
        | ErrorKind::MissingHost
        | ErrorKind::InvalidHost
        | ErrorKind::AmbiguousPlus
        | ErrorKind::NotCanonical
        | ErrorKind::ExistingAuthorization => "url",
        ErrorKind::TooManyHeaders => "headers",
        ErrorKind::Payload | ErrorKind::LengthRequired => "payload",
        ErrorKind::Time => "time",
        ErrorKind::Expiry => "expires_in",
        ErrorKind::RegionSet => "region",
        ErrorKind::Credentials => "credentials",
        _ => "request",
    };
    Fault::new(field, error.to_string())
}

/// Returns what is wrong with a value, without its name.
pub(crate) fn message_of(error: &ConfigError) -> String {
    let text = error.to_string();
    match text.split_once(": ") {
        Some((_, message)) => message.to_owned(),
        None => text,
    }
}

/// The headers that a signature brings, in the order in which they are answered.
const OF_SIGNATURE: [&str; 6] = [
    "x-amz-date",
    "x-amz-content-sha256",
    "x-amz-region-set",
    "x-amz-security-token",
    "x-amz-s3session-token",
    "authorization",
];
const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE",
];
