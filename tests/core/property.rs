//! Random requests, signed by us and by `aws-sigv4`.
//!
//! Wherever both sign, the signatures are equal. These are the differences, each of which is
//! undone for `aws-sigv4` where it occurs and nowhere else (see [`Plan::reference`]):
//!
//! | what | `aws-sigv4` | ours |
//! |---|---|---|
//! | a path that ends in `/.` or `/..` | keeps a slash, after RFC 3986 | drops it, as aws-c-auth and the SDK for Java do |
//! | a key of S3 with raw `@`, `+`, … or other escapes | signs it as it is | signs the one canonical spelling, as S3 itself does |
//! | a raw `+` in a query | a space | what [`PlusPolicy`] says |
//! | userinfo, upper case or an empty port in the authority | part of the host | not in the host, as clients send it |
//! | tabs in header values | stay | are blanks, as in aws-c-auth |
//! | headers and parameters of an earlier signature | are signed too | are replaced |
//! | headers that are not signed | four names | the allow-list, or [`NEVER_SIGNED`](sigv4_core::NEVER_SIGNED) and what `Connection` names |
//! | `x-amz-user-agent` and `x-amz-checksum-mode` in a presigned URL | are not signed | are; not generated here |
//! | queries that are not UTF-8 | are changed | are signed as octets; not compared here |
//! | headers that are not UTF-8 | cannot be handed over | are signed as octets; not generated here |
//! | no host; a query that does not fit into a URI; an appended token of S3 Express in a query | panic | an error, or signed; not generated here |

use std::borrow::Cow;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Uri;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_decode_str;
use percent_encoding::percent_encode;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::ContentSha256;
use sigv4_core::Credentials;
use sigv4_core::EcdsaBackend;
use sigv4_core::Error;
use sigv4_core::ErrorKind;
use sigv4_core::ExistingAuthorization;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::PlusPolicy;
use sigv4_core::PresignOptions;
use sigv4_core::SessionTokenMode;
use sigv4_core::Signer;
use sigv4_core::SignerBuilder;
use sigv4_core::WireForm;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Body;
use sigv4_tests::oracle::Reference;
use sigv4_tests::oracle::Verified;
use sigv4_tests::oracle::is_s3_family;
use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::secrets;

use crate::fixture::sent;

pub(crate) fn cases(cases: u32) -> Config {
    Config {
        cases,
        // A failure prints what it takes to repeat it; nothing is written into the source tree.
        failure_persistence: None,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn ours_is_the_signature_of_aws_sigv4(plan in plan()) {
        let mut request = plan.request();
        let signer = plan.signer(WireForm::AsGiven);
        let expected = plan.reference().signature();
        let ours = match plan.lifetime {
            Some(lifetime) => {
                let options = plan.options(lifetime);
                let presigned = signer.presign(&request, options, &plan.credentials(), plan.time());
                presigned.map(|presigned| signature_of(presigned.uri()))
            }
            None => {
                let payload = plan.payload();
                let signed = signer.sign(&mut request, payload, &plan.credentials(), plan.time());
                signed.map(|signed| signed.signature().unwrap().to_owned())
            }
        };
        if plan.lifetime.is_none() && plan.query_is_signed() {
            let error = ours.unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::ExistingAuthorization);
        } else {
            prop_assert_eq!(ours.unwrap(), expected.unwrap());
        }
    }

    /// Both make their nonces as RFC 6979 has it.
    #[test]
    fn ours_is_the_signature_of_sigv4a_of_aws_sigv4(plan in plan(), regions in region_set()) {
        let mut request = plan.request();
        let plan = Plan { region: regions, ..plan };
        let signer = plan.builder(WireForm::AsGiven).sigv4a(EcdsaBackend::P256).build().unwrap();
        let reference = plan.reference();
        let ours = match plan.lifetime {
            Some(lifetime) => {
                let options = plan.options(lifetime);
                let presigned = signer.presign(&request, options, &plan.credentials(), plan.time());
                presigned.map(|presigned| signature_of(presigned.uri()))
            }
            None => {
                let payload = plan.payload();
                let signed = signer.sign(&mut request, payload, &plan.credentials(), plan.time());
                signed.map(|signed| signed.signature().unwrap().to_owned())
            }
        };
        if plan.lifetime.is_none() && plan.query_is_signed() {
            let error = ours.unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::ExistingAuthorization);
        } else {
            prop_assert_eq!(ours.unwrap(), reference.signature_v4a().unwrap());
        }
    }

    /// Random nonces: nothing to compare with, but the same text is signed.
    #[test]
    fn what_ring_signs_verifies(plan in plan(), regions in region_set()) {
        prop_assume!(plan.lifetime.is_some() || !plan.query_is_signed());
        let plan = Plan { region: regions, ..plan };
        let [p256, ring] = [EcdsaBackend::P256, EcdsaBackend::Ring].map(|backend| {
            let mut request = plan.request();
            let signer = plan.builder(WireForm::AsGiven).sigv4a(backend).build().unwrap();
            let (credentials, time) = (plan.credentials(), plan.time());
            let (trace, signature) = match plan.lifetime {
                Some(lifetime) => {
                    let options = || plan.options(lifetime);
                    let trace = signer.trace_presign(&request, options(), &credentials, time);
                    let presigned = signer.presign(&request, options(), &credentials, time);
                    (trace, signature_of(presigned.unwrap().uri()))
                }
                None => {
                    let trace = signer.trace(&request, plan.payload(), &credentials, time);
                    let signed = signer.sign(&mut request, plan.payload(), &credentials, time);
                    (trace, signed.unwrap().signature().unwrap().to_owned())
                }
            };
            (trace.unwrap().string_to_sign().to_owned(), signature)
        });
        prop_assert_eq!(&p256.0, &ring.0);
        prop_assert_ne!(&p256.1, &ring.1);
        for (text, signature) in [p256, ring] {
            let verdict = PublicKey::of_the_fixture().verify(text.as_bytes(), &signature);
            prop_assert_eq!(verdict, Ok(()));
        }
    }

    #[test]
    fn what_is_sent_verifies_and_means_the_same(plan in plan()) {
        // The judge leaves a token in the query out for this service, as the service does.
        let signs_token = plan.token_mode() == SessionTokenMode::Signed;
        let is_refused = plan.service == "iotdevicegateway" && signs_token;
        prop_assume!(plan.lifetime.is_none() || !is_refused);

        let mut request = plan.request();
        let before = request.uri().clone();
        let signer = plan.signer(WireForm::Canonical);
        let (sent, verified) = match plan.lifetime {
            Some(lifetime) => {
                let options = plan.options(lifetime);
                let presigned = signer
                    .presign(&request, options, &plan.credentials(), plan.time())
                    .unwrap();
                let mut sent = sent(&presigned);
                if plan.token_mode() == SessionTokenMode::Appended {
                    // No server can tell that a token was appended: this one never sees it.
                    let appended = take_token_away(&mut sent);
                    prop_assert_eq!(appended, plan.has_token);
                }
                let verified = verify(&sent, plan.presigned_body());
                prop_assert_eq!(verified.expires_in, Some(lifetime));
                (sent, verified)
            }
            None => {
                signer
                    .sign(&mut request, plan.payload(), &plan.credentials(), plan.time())
                    .unwrap();
                let verified = verify(&request, plan.body());
                (request, verified)
            }
        };
        prop_assert_eq!(&*verified.access_key_id, secrets::ACCESS_KEY_ID);
        prop_assert_eq!(&*verified.service, plan.service);
        prop_assert_eq!(&*verified.region, plan.region);
        let is_away = plan.lifetime.is_some() && plan.token_mode() == SessionTokenMode::Appended;
        let token = plan.token_sent().filter(|_| !is_away);
        prop_assert_eq!(verified.token.as_deref(), token);
        let whole_second = Duration::from_secs(plan.seconds);
        prop_assert_eq!(verified.time, UNIX_EPOCH + whole_second);
        if plan.is_minimal && signs_token {
            prop_assert!(verified.unsigned_amz_headers.is_empty());
        }

        let uri = sent.uri();
        prop_assert_eq!(uri.scheme(), before.scheme());
        prop_assert_eq!(uri.authority().unwrap().as_str(), plan.authority.1);
        prop_assert_eq!(meaning_of_path(uri.path(), plan.service), plan.meaning_of_path());
        prop_assert_eq!(meaning_of_query(uri.query(), PlusPolicy::Reject), plan.meaning_of_query());
    }

    #[test]
    fn signing_twice_is_signing_once_later(
        plan in plan(),
        first in (any::<bool>(), 0..END, any::<bool>()),
    ) {
        let (first_has_token, first_seconds, first_is_presigned) = first;
        let earlier = UNIX_EPOCH + Duration::from_secs(first_seconds);
        let credentials = credentials(first_has_token.then_some("an-earlier-token"));
        let signer = plan.signer(WireForm::Canonical);
        let sign = |request: &mut Request<()>| {
            let signed = signer.sign(request, plan.payload(), &plan.credentials(), plan.time());
            signed.unwrap().signature().unwrap().to_owned()
        };

        let mut once = plan.request();
        let expected = sign(&mut once);

        let mut twice = plan.request();
        signer.sign(&mut twice, plan.payload(), &credentials, earlier).unwrap();
        prop_assert_eq!(&sign(&mut twice), &expected);
        prop_assert_eq!(state(&twice), state(&once));

        // A presigned URL is signed as the URL that it was made of.
        if first_is_presigned {
            let mut again = plan.request();
            let presigned = signer
                .presign(&again, Duration::from_secs(60), &credentials, earlier)
                .unwrap();
            *again.uri_mut() = presigned.uri().clone();
            prop_assert_eq!(sign(&mut again), expected);
            // A question mark with nothing behind it is gone by then.
            let expected = once.uri().to_string();
            let expected = expected.strip_suffix('?').unwrap_or(&expected);
            prop_assert_eq!(again.uri().to_string(), expected);
        }
    }
}

proptest! {
    #![proptest_config(cases(384))]

    /// Whatever a request holds: no panic, and either a signature or an error that changed nothing.
    #[test]
    fn any_request_is_signed_or_left_as_it_is(
        request in anything(),
        signers in vec(any_signer(), 3),
        has_token in any::<bool>(),
        is_unsigned in any::<bool>(),
        nanos in any::<u64>(),
    ) {
        let time = UNIX_EPOCH + Duration::from_nanos(nanos);
        let credentials = credentials(has_token.then_some(secrets::SESSION_TOKEN));
        let payload = if is_unsigned { Payload::Unsigned } else { Payload::EMPTY };
        for signer in &signers {
            let mut signed = request.clone();
            let result = signer.sign(&mut signed, payload, &credentials, time);
            let trace = signer.trace(&request, payload, &credentials, time);
            match result {
                Ok(result) if result.signature().is_some() => {
                    let values = signed.headers().get_all("authorization");
                    prop_assert_eq!(values.iter().count(), 1);
                    let value = &signed.headers()["authorization"];
                    prop_assert!(value.is_sensitive());
                    let text = value.to_str().unwrap();
                    prop_assert!(text.ends_with(result.signature().unwrap()));
                    // What is displayed of it does not panic either.
                    let trace = trace.unwrap();
                    prop_assert!(!trace.to_string().is_empty());
                    let again = signer.trace(&signed, payload, &credentials, time).unwrap();
                    prop_assert_eq!(trace.string_to_sign(), again.string_to_sign());
                }
                result => {
                    prop_assert_eq!(state(&signed), state(&request));
                    if let (Err(error), Err(traced)) = (result, trace) {
                        prop_assert_eq!(error.kind(), traced.kind());
                    }
                }
            }
            let options = PresignOptions::expires_in(Duration::from_secs(60)).hoist_headers();
            let presigned = signer.presign(&request, options.clone(), &credentials, time);
            let trace = signer.trace_presign(&request, options, &credentials, time);
            prop_assert_eq!(kind(&presigned), kind(&trace));
        }
    }
}

fn kind<T>(result: &Result<T, Error>) -> Option<ErrorKind> {
    result.as_ref().err().map(Error::kind)
}

fn signature_of(uri: &Uri) -> String {
    let query = uri.query().unwrap();
    let (_, signature) = query.rsplit_once("X-Amz-Signature=").unwrap();
    signature.to_owned()
}

fn verify(request: &Request<()>, body: Body<'_>) -> Verified {
    oracle::verify(request, body, secrets::SECRET_ACCESS_KEY).unwrap()
}

/// Removes the session token from a presigned URL, if it is there.
fn take_token_away(request: &mut Request<()>) -> bool {
    let uri = request.uri().to_string();
    let Some((before, rest)) = uri.split_once("&X-Amz-Security-Token=") else {
        return false;
    };
    let (_, after) = rest.split_once('&').expect("the signature is behind it");
    *request.uri_mut() = format!("{before}&{after}").parse().unwrap();
    true
}

pub(crate) fn credentials(token: Option<&str>) -> Credentials {
    match token {
        Some(token) => secrets::credentials().with_session_token(token).unwrap(),
        None => secrets::credentials(),
    }
}

/// The URI as text, since `Uri` compares authorities without regard to case.
pub(crate) fn state(request: &Request<()>) -> (Method, String, HeaderMap) {
    let (method, uri) = (request.method().clone(), request.uri().to_string());
    (method, uri, request.headers().clone())
}

// ---- Requests that both can sign ----

/// Midnight after 9999-12-31.
const END: u64 = 253_402_300_800;

/// A request, and how it is to be signed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) method: &'static str,
    /// Scheme and authority as given, and the host that a client makes of them.
    authority: (&'static str, &'static str),
    host: Option<&'static str>,
    path: String,
    query: Option<String>,
    headers: Vec<(Named, String)>,
    pub(crate) service: &'static str,
    region: &'static str,
    has_token: bool,
    token_mode: Option<SessionTokenMode>,
    is_minimal: bool,
    pub(crate) lifetime: Option<Duration>,
    plus: Option<PlusPolicy>,
    body: Vec<u8>,
    is_unsigned: bool,
    seconds: u64,
    nanos: u32,
}

/// The name of a header, and by which rules it is signed.
#[derive(Clone, Debug)]
struct Named {
    name: Cow<'static, str>,
    signed: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// By the allow-list and all the more otherwise.
    All,
    /// Where everything is that is not left out.
    Broad,
    /// Left out.
    None,
    /// It carries a signature.
    Signer,
}

const HEADERS: [(&str, By); 35] = [
    ("content-type", By::All),
    ("content-md5", By::All),
    ("x-amz-target", By::All),
    ("x-amz-acl", By::All),
    ("x-amz-meta-note", By::All),
    ("x-amz-", By::All),
    ("accept", By::Broad),
    ("cookie", By::Broad),
    ("date", By::Broad),
    ("if-match", By::Broad),
    ("origin", By::Broad),
    ("range", By::Broad),
    ("x-amzn-requestid", By::Broad),
    ("x-custom", By::Broad),
    ("x-real-ips", By::Broad),
    ("a!#$%&'*+-.^_`|~1", By::Broad),
    ("accept-encoding", By::None),
    ("connection", By::None),
    ("content-length", By::None),
    ("expect", By::None),
    ("forwarded", By::None),
    ("proxy-authorization", By::None),
    ("referer", By::None),
    ("sec-fetch-mode", By::None),
    ("te", By::None),
    ("traceparent", By::None),
    ("transfer-encoding", By::None),
    ("user-agent", By::None),
    ("x-amzn-trace-id", By::None),
    ("x-b3-traceid", By::None),
    ("x-forwarded-for", By::None),
    ("x-amz-date", By::Signer),
    ("x-amz-content-sha256", By::Signer),
    ("x-amz-security-token", By::Signer),
    ("x-amz-region-set", By::Signer),
];

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let target = (
        select(
            &[
                "GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS", "PROPFIND", "m-search",
            ][..],
        ),
        select(
            &[
                ("https://host.amazonaws.com", "host.amazonaws.com"),
                ("https://host.amazonaws.com:443", "host.amazonaws.com"),
                ("http://localhost:80", "localhost"),
                ("http://localhost:443", "localhost:443"),
                ("https://host.amazonaws.com:8182", "host.amazonaws.com:8182"),
                ("https://Host.AmazonAWS.com", "host.amazonaws.com"),
                (
                    "https://user:pa%20ss@host.amazonaws.com",
                    "host.amazonaws.com",
                ),
                ("https://user@HOST:8443", "host:8443"),
                ("https://host.amazonaws.com:", "host.amazonaws.com"),
                ("https://[2001:DB8::80]:443", "[2001:db8::80]"),
                ("http://[::1]:9000", "[::1]:9000"),
                ("wss://host.amazonaws.com", "host.amazonaws.com"),
            ][..],
        ),
        option::weighted(
            0.2,
            select(&["signed.example.com", "Signed.Example.COM:443", "[::1]:9000"][..]),
        ),
        path(),
        option::weighted(0.7, query()),
    );
    let headers = vec((named(), header_value()), 0..12);
    let how = (
        select(&SERVICES[..]),
        select(&["us-east-1", "eu-central-1", "us-gov-west-1", "local"][..]),
        any::<bool>(),
        option::weighted(
            0.3,
            select(
                &[
                    SessionTokenMode::Signed,
                    SessionTokenMode::Appended,
                    SessionTokenMode::Omitted,
                ][..],
            ),
        ),
        any::<bool>(),
        option::of((1..=604_800_u64).prop_map(Duration::from_secs)),
        option::of(select(&[PlusPolicy::Space, PlusPolicy::Literal][..])),
    );
    let body = (vec(any::<u8>(), 0..80), any::<bool>());
    let time = (0..END, 0..1_000_000_000_u32);
    (target, headers, how, body, time)
        .prop_map(
            |(target, headers, how, (body, is_unsigned), (seconds, nanos))| Plan {
                method: target.0,
                authority: target.1,
                host: target.2,
                path: target.3,
                query: target.4,
                headers,
                service: how.0,
                region: how.1,
                has_token: how.2,
                // `aws-sigv4` panics at a name for the token that is not in lower case.
                token_mode: how.3.filter(|_| !(how.0 == "s3express" && how.5.is_some())),
                is_minimal: how.4,
                lifetime: how.5,
                plus: how.6,
                body,
                is_unsigned,
                seconds,
                nanos,
            },
        )
        .prop_filter("a query that is UTF-8", |plan| {
            percent_decode_str(plan.query.as_deref().unwrap_or(""))
                .decode_utf8()
                .is_ok()
        })
}

fn region_set() -> impl Strategy<Value = &'static str> {
    select(&["*", "us-*", "us-east-1", "us-east-1,eu-west-1", "eu-*,*"][..])
}

const SERVICES: [&str; 11] = [
    "aoss",
    "bedrock",
    "execute-api",
    "glacier",
    "iotdevicegateway",
    "s3",
    "s3-object-lambda",
    "s3-outposts",
    "s3express",
    "sqs",
    "vpc-lattice-svcs",
];

fn named() -> impl Strategy<Value = Named> {
    let listed = select(&HEADERS[..]).prop_map(|(name, signed)| Named {
        name: Cow::Borrowed(name),
        signed,
    });
    let other = "x-custom-[a-z]{1,3}".prop_map(|name| Named {
        name: Cow::Owned(name),
        signed: By::Broad,
    });
    let meta = "x-amz-meta-[a-z]{1,3}".prop_map(|name| Named {
        name: Cow::Owned(name),
        signed: By::All,
    });
    prop_oneof![6 => listed, 1 => other, 1 => meta]
}

/// Values with blanks wherever they may be, and what `Connection` may say.
fn header_value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -~]{0,20}",
        2 => "[ \tab,\"]{0,12}",
        1 => "[ a-zé✓\u{a0}]{0,8}",
        1 => Just("keep-alive, X-Custom".to_owned()),
        1 => Just(String::new()),
    ]
}

fn path() -> impl Strategy<Value = String> {
    let segment = vec(
        prop_oneof![
            6 => "[a-zA-Z0-9._~-]{1,6}",
            2 => select(&["%20", "%2F", "%2f", "%3A", "%7e", "%41", "%c3%a9", "%25", "%00"][..])
                .prop_map(str::to_owned),
            2 => "[:@!$&'()*+,;=]{1,3}",
            1 => "[\\[\\]\\\\^|\"{}é✓%]{1,2}",
            1 => Just("%zz".to_owned()),
        ],
        0..3,
    )
    .prop_map(|pieces| pieces.concat());
    let segment = prop_oneof![
        5 => segment,
        2 => select(&["", ".", "..", "...", ".a", "%2e%2e"][..]).prop_map(str::to_owned),
    ];
    prop_oneof![
        9 => vec(segment, 1..6).prop_map(|segments| format!("/{}", segments.join("/"))),
        1 => Just(String::new()),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let text = vec(
        prop_oneof![
            4 => "[a-zA-Z0-9._~-]{1,4}",
            2 => select(&["%20", "%2B", "%26", "%3D", "%7e", "%E1%88%B4", "%c3%a9", "+"][..])
                .prop_map(str::to_owned),
            1 => "[/?:@!$'()*,;\\[\\]^`|{}é✓%]{1,2}",
            1 => Just("%zz".to_owned()),
        ],
        0..3,
    )
    .prop_map(|pieces| pieces.concat());
    let key = prop_oneof![3 => text.clone(), 3 => "[ab]"];
    let pair = prop_oneof![
        6 => (key.clone(), text).prop_map(|(key, value)| format!("{key}={value}")),
        1 => key,
        1 => Just(String::new()),
        1 => Just("a=1=2".to_owned()),
    ];
    let own = select(&["X-Amz-Signature=00", "x-amz-date=a", "X%2DAmz-Expires=1"][..]);
    (vec(pair, 0..6), option::weighted(0.05, own)).prop_map(|(mut pairs, own)| {
        pairs.extend(own.map(str::to_owned));
        pairs.join("&")
    })
}

impl Plan {
    pub(crate) fn request(&self) -> Request<()> {
        let mut uri = format!("{}{}", self.authority.0, self.path);
        if let Some(query) = &self.query {
            uri.push('?');
            uri.push_str(query);
        }
        let mut request = Request::builder()
            .method(self.method)
            .uri(uri.parse::<Uri>().unwrap())
            .body(())
            .unwrap();
        let headers = request.headers_mut();
        if let Some(host) = self.host {
            headers.insert("host", HeaderValue::from_static(host));
        }
        for (named, value) in &self.headers {
            let name: HeaderName = named.name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        request
    }

    pub(crate) fn signer(&self, wire: WireForm) -> Signer {
        self.builder(wire).build().unwrap()
    }

    fn builder(&self, wire: WireForm) -> SignerBuilder {
        let mut builder = Signer::builder(self.service, self.region).wire_form(wire);
        if !self.is_minimal {
            builder = builder.headers(HeaderRules::all_but_never_signed());
        }
        if let Some(mode) = self.token_mode {
            builder = builder.session_token(mode);
        }
        if let Some(plus) = self.plus {
            builder = builder.plus(plus);
        }
        builder
    }

    fn options(&self, lifetime: Duration) -> PresignOptions {
        let options = PresignOptions::expires_in(lifetime);
        if self.presigns_body() {
            options.payload_sha256(Sha256::digest(&self.body).into())
        } else {
            options
        }
    }

    /// Whether a presigned URL is told to cover the body.
    fn presigns_body(&self) -> bool {
        let may_leave_it = is_s3_family(self.service) && self.is_unsigned;
        !self.body.is_empty() && !may_leave_it
    }

    pub(crate) fn credentials(&self) -> Credentials {
        credentials(self.has_token.then_some(secrets::SESSION_TOKEN))
    }

    pub(crate) fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::new(self.seconds, self.nanos)
    }

    fn takes_unsigned(&self) -> bool {
        is_s3_family(self.service) || self.service == "aoss"
    }

    fn payload(&self) -> Payload<'_> {
        if self.is_unsigned && self.takes_unsigned() {
            Payload::Unsigned
        } else {
            Payload::Bytes(&self.body)
        }
    }

    /// What a signature in the header covers.
    fn body(&self) -> Body<'_> {
        let is_unsigned = self.is_unsigned && self.takes_unsigned();
        if is_unsigned || self.service == "vpc-lattice-svcs" {
            Body::Unsigned
        } else {
            Body::Bytes(&self.body)
        }
    }

    fn presigned_body(&self) -> Body<'_> {
        let is_left = is_s3_family(self.service) && !self.presigns_body();
        if is_left || self.service == "vpc-lattice-svcs" {
            Body::Unsigned
        } else {
            Body::Bytes(&self.body)
        }
    }

    /// Whether the service wants `x-amz-content-sha256`.
    fn wants_hash(&self) -> bool {
        is_s3_family(self.service)
            || matches!(self.service, "glacier" | "aoss" | "vpc-lattice-svcs")
    }

    fn sends_hash(&self) -> bool {
        let has = |name: &str| self.headers.iter().any(|(named, _)| named.name == name);
        self.wants_hash() || has("x-amz-content-sha256")
    }

    /// The header that the holder of a presigned URL has to send for its body.
    fn presigned_hash(&self) -> Option<String> {
        let is_sent = self.wants_hash() && self.presigns_body();
        match self.presigned_body() {
            Body::Bytes(bytes) if is_sent => {
                let hash = Sha256::digest(bytes);
                Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
            }
            Body::Unsigned if self.service == "vpc-lattice-svcs" => {
                Some("UNSIGNED-PAYLOAD".to_owned())
            }
            _ => None,
        }
    }

    fn token_mode(&self) -> SessionTokenMode {
        self.token_mode.unwrap_or(match self.service {
            "iotdevicegateway" => SessionTokenMode::Appended,
            _ => SessionTokenMode::Signed,
        })
    }

    fn token_sent(&self) -> Option<&'static str> {
        let is_sent = self.has_token && self.token_mode() != SessionTokenMode::Omitted;
        is_sent.then_some(secrets::SESSION_TOKEN)
    }

    fn plus(&self) -> PlusPolicy {
        match self.plus {
            Some(plus) => plus,
            None if is_s3_family(self.service) => PlusPolicy::Literal,
            None => PlusPolicy::Space,
        }
    }

    /// Tells whether the query carries a parameter of a signature.
    fn query_is_signed(&self) -> bool {
        let query = self.query.as_deref().unwrap_or("");
        query.split('&').any(is_of_a_signature)
    }

    /// The same request for `aws-sigv4`, with the differences undone.
    fn reference(&self) -> Reference<'_> {
        let mut reference = Reference::new(self.service, self.region, self.time());
        reference.method = self.method;
        reference.uri = Cow::Owned(self.reference_uri());
        reference.headers = self.reference_headers();
        reference.token = self.token_sent();
        reference.signs_token = self.token_mode() == SessionTokenMode::Signed;
        reference.expires_in = self.lifetime;
        if self.lifetime.is_some() {
            reference.body = self.presigned_body();
            let hash = self.presigned_hash();
            let header = hash.map(|hash| ("x-amz-content-sha256".into(), hash.into()));
            reference.headers.extend(header);
        } else {
            reference.body = self.body();
            reference.adds_content_sha256 = self.sends_hash();
        }
        reference
    }

    fn reference_uri(&self) -> String {
        let (given, host) = self.authority;
        let (scheme, authority) = given.split_once("://").unwrap();
        let is_odd = authority.contains('@')
            || authority.ends_with(':')
            || authority.bytes().any(|byte| byte.is_ascii_uppercase());
        let authority = if is_odd { host } else { authority };

        let path = if self.path.is_empty() {
            "/"
        } else {
            &self.path
        };
        let path = if is_s3_family(self.service) {
            Cow::Owned(canonical_key(path))
        } else if path.ends_with("/.") || path.ends_with("/..") {
            Cow::Owned(without_dots(path))
        } else {
            Cow::Borrowed(path)
        };

        let query = self.query.as_deref().unwrap_or("");
        let pairs: Vec<&str> = query
            .split('&')
            .filter(|pair| !is_of_a_signature(pair))
            .collect();
        let mut query = pairs.join("&");
        if self.plus() == PlusPolicy::Literal {
            query = query.replace('+', "%2B");
        }
        format!("{scheme}://{authority}{path}?{query}")
    }

    fn reference_headers(&self) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        let names_custom = self.headers.iter().any(|(named, value)| {
            named.name == "connection" && value.to_ascii_lowercase().contains("x-custom")
        });
        let host = self
            .host
            .map(|host| (Cow::Borrowed("host"), Cow::Borrowed(host)));
        let signed = self.headers.iter().filter(|(named, _)| match named.signed {
            By::All => true,
            By::Broad if named.name == "x-custom" && names_custom => false,
            By::Broad => !self.is_minimal,
            By::None | By::Signer => false,
        });
        let headers = signed.map(|(named, value)| {
            let value = value.replace('\t', " ");
            (Cow::Borrowed(&*named.name), Cow::Owned(value))
        });
        host.into_iter().chain(headers).collect()
    }

    fn meaning_of_path(&self) -> Vec<u8> {
        let path = if self.path.is_empty() {
            "/"
        } else {
            &self.path
        };
        meaning_of_path(path, self.service)
    }

    fn meaning_of_query(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let query = self.query.as_deref();
        meaning_of_query(query, self.plus())
    }
}

fn is_of_a_signature(pair: &str) -> bool {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    let name = percent_decode_str(name).decode_utf8_lossy();
    let own = ["x-amz-signature", "x-amz-date", "x-amz-expires"];
    own.iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// Everything but the unreserved characters and the slash.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// A path as S3 spells it when it compares signatures.
fn canonical_key(path: &str) -> String {
    let octets: Vec<u8> = percent_decode_str(path).collect();
    percent_encode(&octets, KEY).to_string()
}

/// What is left of a path by the rule of aws-c-auth. Its last segment is a dot segment.
fn without_dots(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

/// The octets of a path that a server decodes it to.
fn meaning_of_path(path: &str, service: &str) -> Vec<u8> {
    if is_s3_family(service) {
        return percent_decode_str(path).collect();
    }
    let ends_with_slash = path.ends_with('/');
    let mut normal = without_dots(path);
    if ends_with_slash && normal != "/" {
        normal.push('/');
    }
    percent_decode_str(&normal).collect()
}

/// The parameters of a query that a server decodes, apart from those of a signature, sorted. A plus
/// that is still there is none that anyone may read differently.
fn meaning_of_query(query: Option<&str>, plus: PlusPolicy) -> Vec<(Vec<u8>, Vec<u8>)> {
    let decode = |text: &str| -> Vec<u8> {
        let text = match plus {
            PlusPolicy::Space => text.replace('+', " "),
            PlusPolicy::Literal => text.to_owned(),
            _ => {
                assert!(!text.contains('+'), "a canonical query has no raw plus");
                text.to_owned()
            }
        };
        percent_decode_str(&text).collect()
    };
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .unwrap_or("")
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .filter(|(name, _)| !name.to_ascii_lowercase().starts_with(b"x-amz-"))
        .collect();
    pairs.sort();
    pairs
}

// ---- Requests of any kind ----

pub(crate) fn anything() -> impl Strategy<Value = Request<()>> {
    let method = prop_oneof![
        select(&["GET", "PUT", "CONNECT", "OPTIONS", "x"][..]).prop_map(str::to_owned),
        "[!#$%&'*+.^_`|~0-9a-zA-Z-]{1,8}",
    ];
    let name = prop_oneof![
        3 => select(&HEADERS[..]).prop_map(|(name, _)| name.to_owned()),
        1 => select(&[
            "host", "authorization", "connection", "x-amz-s3session-token", "x-amz-expires",
            "x-amz-signature", "x-amz-checksum-mode",
        ][..]).prop_map(str::to_owned),
        2 => "[!#$%&'*+.^_`|~0-9a-z-]{1,12}",
    ];
    let octet = prop_oneof![3 => 32..127_u8, 1 => 128..=255_u8, 1 => Just(b' '), 1 => Just(b'\t')];
    let value = prop_oneof![
        6 => vec(octet, 0..24),
        1 => select(&[
            "AWS4-HMAC-SHA256 Credential=a", "Bearer a", "host.com", "host.com:443", "close, x-a",
        ][..]).prop_map(|value| value.as_bytes().to_vec()),
    ];
    let headers = prop_oneof![
        6 => vec((name.clone(), value.clone()), 0..12),
        1 => vec((name, value), 100..300),
    ];
    // The same header many times: what the map counts and what it has room for differ then.
    let repeated = prop_oneof![3 => Just(0), 1 => 1..60_usize];
    (method, uri(), headers, repeated).prop_map(|(method, uri, headers, repeated)| {
        let mut request = Request::new(());
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        *request.uri_mut() = uri;
        let map = request.headers_mut();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_bytes(&value).unwrap());
        }
        for _ in 0..repeated {
            map.append("x-repeated", HeaderValue::from_static("value"));
        }
        request
    })
}

fn uri() -> impl Strategy<Value = Uri> {
    let text = prop_oneof![
        3 => "/[!-~é]{0,24}",
        3 => "https?://[a-zA-Z0-9.:@\\[\\]%-]{1,12}[/?][!-~é]{0,24}",
        1 => "[!-~]{1,12}",
        1 => "[a-z]{1,5}://[!-~]{1,24}",
        1 => select(&[
            "*", "host:443", "host", "/", "/?", "//", "https://host", "https://host?", "http://h/*",
            "https://host/?a+b=%zz%", "https://host/%", "/{|}\"", "https://:443/", "http://u@:80/",
            "https://host:/", "https://host:99999/", "https://[::1]/", "https://@/", "ftp://host/",
        ][..]).prop_map(str::to_owned),
    ];
    text.prop_filter_map("a URI", |text| text.parse().ok())
}

pub(crate) fn any_signer() -> impl Strategy<Value = Signer> {
    let matches = option::weighted(
        0.3,
        select(&["x-", "-a", "e", "host", "authorization", "x-amz-date"][..])
            .prop_map(|part| HeaderMatch::contains(part).unwrap()),
    );
    (
        select(&SERVICES[..]),
        select(
            &[
                WireForm::Canonical,
                WireForm::AsGiven,
                WireForm::RefuseIfDifferent,
            ][..],
        ),
        select(&[PlusPolicy::Literal, PlusPolicy::Space, PlusPolicy::Reject][..]),
        any::<bool>(),
        select(
            &[
                ExistingAuthorization::ReplaceOwn,
                ExistingAuthorization::DangerKeep,
            ][..],
        ),
        select(
            &[
                ContentSha256::Auto,
                ContentSha256::Always,
                ContentSha256::Never,
            ][..],
        ),
        (matches.clone(), matches),
        option::weighted(0.2, select(&[EcdsaBackend::P256, EcdsaBackend::Ring][..])),
    )
        .prop_map(
            |(service, wire, plus, is_minimal, existing, hash, (include, exclude), ecdsa)| {
                let mut rules = if is_minimal {
                    HeaderRules::minimal()
                } else {
                    HeaderRules::all_but_never_signed()
                };
                rules = include.into_iter().fold(rules, HeaderRules::include);
                rules = exclude.into_iter().fold(rules, HeaderRules::exclude);
                let builder = Signer::builder(service, "us-east-1");
                ecdsa
                    .into_iter()
                    .fold(builder, SignerBuilder::sigv4a)
                    .wire_form(wire)
                    .plus(plus)
                    .headers(rules)
                    .existing_authorization(existing)
                    .content_sha256(hash)
                    .build()
                    .unwrap()
            },
        )
}
