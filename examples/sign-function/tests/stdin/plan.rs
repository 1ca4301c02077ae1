//! Random requests, as the program takes them and as `aws-sigv4` does.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_decode_str;
use percent_encoding::percent_encode;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use sigv4_tests::oracle::Body;
use sigv4_tests::oracle::Reference;
use sigv4_tests::oracle::is_s3_family;
use sigv4_tests::secrets;
use time::OffsetDateTime;
use time::UtcOffset;
use time::format_description::well_known::Rfc3339;

/// What has to be undone for `aws-sigv4` to come to the same signature, because the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Difference {
    /// It keeps a slash for `/.` and `/..` at the end of a path that is normalised; aws-c-auth and
    /// the SDK for Java do not.
    DotsAtTheEnd,
    /// Where a path is encoded once, it takes it as it is. S3 compares the one canonical spelling.
    SpellingOfKeys,
    /// It reads a raw `+` in a query as a space. To S3 it is a plus.
    PlusInQuery,
    /// It refuses quotes and angle brackets in a query, which some clients send as they are.
    QuotesInQuery,
    /// It signs an authority as it is written. Clients send it in lower case, without an empty port.
    Authority,
    /// It folds spaces and leaves tabs. aws-c-auth, botocore and Java fold both.
    Tabs,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    method: &'static str,
    /// Scheme and authority as given, and the host that a client makes of them.
    authority: (&'static str, &'static str),
    host: Option<&'static str>,
    path: String,
    query: Option<String>,
    fragment: Option<&'static str>,
    headers: Vec<(String, String)>,
    pub(crate) service: &'static str,
    region: &'static str,
    regions: &'static str,
    pub(crate) is_v4a: bool,
    pub(crate) lifetime: Option<u64>,
    pub(crate) token: Option<Option<&'static str>>,
    sign_headers: Sign,
    payload: Option<Covered>,
    content_sha256: Option<&'static str>,
    double_encode: Option<bool>,
    normalize: Option<bool>,
    body: Vec<u8>,
    seconds: u64,
    nanos: u32,
    offset: i8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Default,
    Minimal,
    All,
    /// Those of the headers whose bits are set.
    Names(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Covered {
    Signed,
    Unsigned,
    /// The hash of the body, and the body is not there.
    Hash,
    Sentinel(&'static str),
}

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let target = (
        select(
            &[
                "GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS", "PROPFIND", "m-search",
            ][..],
        ),
        select(AUTHORITIES),
        option::weighted(
            0.2,
            select(&["signed.example.com", "Signed.Example.COM:443", "[::1]:9000"][..]),
        ),
        path(),
        option::weighted(0.7, query()),
        option::weighted(0.1, select(&["", "part", "a?b=c&d", "/%zz"][..])),
    );
    let headers = vec((name(), header_value()), 0..12);
    let scope = (
        select(SERVICES),
        select(&["us-east-1", "eu-central-1", "us-gov-west-1", "local"][..]),
        select(&["*", "us-*", "us-east-1", "us-east-1,eu-west-1", "eu-*,*"][..]),
        option::of(1..=604_800_u64),
    );
    let token = option::of(option::weighted(
        0.4,
        select(&["sign", "append", "omit"][..]),
    ));
    let sign = prop_oneof![
        Just(Sign::Default),
        Just(Sign::Minimal),
        Just(Sign::All),
        any::<u16>().prop_map(Sign::Names),
    ];
    let payload = prop_oneof![
        Just(None),
        Just(Some(Covered::Signed)),
        Just(Some(Covered::Unsigned)),
        Just(Some(Covered::Hash)),
        select(SENTINELS).prop_map(|name| Some(Covered::Sentinel(name))),
    ];
    let path_rule = || option::weighted(0.15, any::<bool>());
    let how = (
        token,
        sign,
        payload,
        option::weighted(0.4, select(&["always", "auto", "never"][..])),
        path_rule(),
        path_rule(),
    );
    let body = prop_oneof![
        Just(Vec::new()),
        vec(any::<u8>(), 0..80),
        "[ -~é✓\\n]{0,40}".prop_map(String::into_bytes)
    ];
    let time = (0..END, 0..1_000_000_000_u32, -12..=14_i8);
    (target, headers, scope, how, body, time)
        .prop_map(|(target, headers, scope, how, body, time)| Plan {
            method: target.0,
            authority: target.1,
            host: target.2,
            path: target.3,
            query: target.4,
            fragment: target.5,
            headers,
            service: scope.0,
            region: scope.1,
            regions: scope.2,
            is_v4a: false,
            lifetime: scope.3,
            // `aws-sigv4` panics at a token of this service that is appended to a query.
            token: how
                .0
                .map(|mode| mode.filter(|_| !(scope.0 == "s3express" && scope.3.is_some()))),
            sign_headers: how.1,
            payload: how.2,
            content_sha256: how.3,
            double_encode: how.4,
            normalize: how.5,
            body,
            seconds: time.0,
            nanos: time.1,
            offset: time.2,
        })
        .prop_filter(
            "a query that is UTF-8, since `aws-sigv4` changes others",
            |plan| {
                percent_decode_str(plan.query.as_deref().unwrap_or(""))
                    .decode_utf8()
                    .is_ok()
            },
        )
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(HEADERS).prop_map(|(name, _)| name.to_owned()),
        1 => "[xX]-Custom-[a-z]{1,3}",
        1 => "X-Amz-Meta-[a-z]{1,3}",
    ]
}

/// Values with blanks wherever they may be.
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
            2 => select(&["%20", "%2F", "%2f", "%3A", "%7e", "%41", "%c3%a9", "%25", "%00", "%2e"][..])
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
            1 => "[/?:@!$'()*,;\\[\\]^`|{}\"<>é✓%]{1,2}",
            1 => Just("%zz".to_owned()),
        ],
        0..3,
    )
    .prop_map(|pieces| pieces.concat());
    let key = prop_oneof![3 => text.clone(), 3 => "[abXx]"];
    let pair = prop_oneof![
        6 => (key.clone(), text).prop_map(|(key, value)| format!("{key}={value}")),
        1 => key,
        1 => Just(String::new()),
        1 => select(&["a=1=2", "X-Amz-Foo=1", "x-id=PutObject"][..]).prop_map(str::to_owned),
    ];
    vec(pair, 0..6).prop_map(|pairs| pairs.join("&"))
}

impl Plan {
    pub(crate) fn url(&self) -> String {
        let mut url = self.url_sent();
        if let Some(fragment) = self.fragment {
            url.push('#');
            url.push_str(fragment);
        }
        url
    }

    /// Returns the URL without its fragment.
    pub(crate) fn url_sent(&self) -> String {
        let mut url = format!("{}{}", self.authority.0, self.path);
        if let Some(query) = &self.query {
            url.push('?');
            url.push_str(query);
        }
        url
    }

    pub(crate) fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.seconds)
    }

    pub(crate) fn line(&self, id: usize) -> String {
        let mut request = Map::new();
        let mut put = |name: &str, value: Value| request.insert(name.to_owned(), value);
        put("id", id.to_string().into());
        put("method", self.method.into());
        put("url", self.url().into());
        put("service", self.service.into());
        put(
            "region",
            if self.is_v4a {
                self.regions
            } else {
                self.region
            }
            .into(),
        );
        if self.is_v4a {
            put("algorithm", "sigv4a".into());
        }
        let host = self.host.map(|host| ("Host".to_owned(), host.to_owned()));
        let headers: Vec<_> = host.iter().chain(&self.headers).collect();
        put("headers", json!(headers));
        if let Some(lifetime) = self.lifetime {
            put("placement", "query".into());
            put("expires_in", lifetime.into());
        }
        match self.payload {
            None => None,
            Some(Covered::Signed) => put("payload", "signed".into()),
            Some(Covered::Unsigned) if !self.takes_unsigned() => None,
            Some(Covered::Unsigned) => put("payload", "unsigned".into()),
            Some(Covered::Hash) => put("payload", hex(&Sha256::digest(&self.body)).into()),
            Some(Covered::Sentinel(name)) => put("payload", name.into()),
        };
        if !self.body.is_empty() && !matches!(self.payload, Some(Covered::Hash)) {
            match String::from_utf8(self.body.clone()) {
                Ok(text) => put("body", text.into()),
                Err(_) => put("body_base64", STANDARD.encode(&self.body).into()),
            };
        }
        if let Some(content_sha256) = self.content_sha256 {
            put("content_sha256", content_sha256.into());
        }
        match self.sign_headers {
            Sign::Default => None,
            Sign::Minimal => put("sign_headers", "minimal".into()),
            Sign::All => put("sign_headers", "all".into()),
            Sign::Names(_) => put("sign_headers", json!(self.named())),
        };
        let rules = [
            ("double_encode", self.double_encode),
            ("normalize", self.normalize),
        ];
        let rules = rules
            .iter()
            .filter_map(|(name, rule)| Some(((*name).to_owned(), (*rule)?.into())));
        let rules: Map<String, Value> = rules.collect();
        if !rules.is_empty() {
            put("path", rules.into());
        }
        if let Some(Some(mode)) = self.token {
            put("session_token", mode.into());
        }
        put("time", self.time_text().into());
        let mut credentials = json!({
            "access_key_id": secrets::ACCESS_KEY_ID,
            "secret_access_key": secrets::SECRET_ACCESS_KEY,
        });
        if self.token.is_some() {
            credentials["session_token"] = secrets::SESSION_TOKEN.into();
        }
        put("credentials", credentials);
        Value::from(request).to_string()
    }

    /// Writes the time with a fraction and an offset.
    fn time_text(&self) -> String {
        let time = OffsetDateTime::from(UNIX_EPOCH + Duration::new(self.seconds, self.nanos));
        let offset = UtcOffset::from_hms(self.offset, 0, 0).unwrap();
        // The year is of four digits.
        let shifted = time
            .checked_to_offset(offset)
            .filter(|time| (0..=9999).contains(&time.year()));
        shifted.unwrap_or(time).format(&Rfc3339).unwrap()
    }

    /// Returns the headers that are named to be signed.
    fn named(&self) -> Vec<String> {
        let Sign::Names(bits) = self.sign_headers else {
            return Vec::new();
        };
        let headers = self.headers.iter().enumerate();
        headers
            .filter(|(at, _)| bits >> (at % 16) & 1 == 1)
            .map(|(_, (name, _))| name.clone())
            .collect()
    }

    fn signs(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let is_minimal =
            name.starts_with("x-amz-") || ["content-type", "content-md5"].contains(&&*name);
        match self.sign_headers {
            Sign::Default | Sign::Minimal => is_minimal,
            Sign::All => {
                let names_custom = self.headers.iter().any(|(name, value)| {
                    name.eq_ignore_ascii_case("connection")
                        && value.to_ascii_lowercase().contains("x-custom")
                });
                let known = HEADERS
                    .iter()
                    .find(|(known, _)| known.eq_ignore_ascii_case(&name));
                known.is_none_or(|(_, is_signed)| *is_signed)
                    && !(name == "x-custom" && names_custom)
            }
            Sign::Names(_) => self
                .named()
                .iter()
                .any(|named| named.eq_ignore_ascii_case(&name)),
        }
    }

    fn takes_unsigned(&self) -> bool {
        is_s3_family(self.service) || ["aoss", "vpc-lattice-svcs"].contains(&self.service)
    }

    /// Returns what the signature covers of the body, and whether `x-amz-content-sha256` says it.
    pub(crate) fn covered(&self) -> (Body<'_>, bool) {
        let is_s3 = is_s3_family(self.service);
        let is_lattice = self.service == "vpc-lattice-svcs";
        let needs = is_s3 || ["glacier", "aoss", "vpc-lattice-svcs"].contains(&self.service);
        let body = match self.payload {
            Some(Covered::Sentinel(name)) => Body::Announced(name),
            Some(Covered::Hash) => Body::Bytes(&self.body),
            _ if is_lattice => Body::Unsigned,
            Some(Covered::Unsigned) if self.takes_unsigned() => Body::Unsigned,
            None | Some(Covered::Unsigned) if is_s3 && self.lifetime.is_some() => Body::Unsigned,
            _ => Body::Bytes(&self.body),
        };
        let is_default_of_links = match self.payload {
            None | Some(Covered::Unsigned) => is_s3,
            _ => false,
        };
        let is_sent = match self.content_sha256 {
            Some("always") => true,
            Some("never") => false,
            _ if self.lifetime.is_some() && is_default_of_links => false,
            _ => needs || (self.lifetime.is_none() && body == Body::Unsigned),
        };
        (body, is_sent)
    }

    /// The same request for `aws-sigv4`, and what was undone for it.
    pub(crate) fn reference(&self) -> (Reference<'_>, BTreeSet<Difference>) {
        let mut undone = BTreeSet::new();
        let region = if self.is_v4a {
            self.regions
        } else {
            self.region
        };
        let mut reference = Reference::new(self.service, region, self.time());
        reference.method = self.method;
        reference.double_encodes = self.double_encode.unwrap_or(reference.double_encodes);
        reference.normalizes = self.normalize.unwrap_or(reference.normalizes);
        reference.uri = Cow::Owned(self.reference_uri(&reference, &mut undone));
        reference.expires_in = self.lifetime.map(Duration::from_secs);
        let mode = self.token_mode();
        if self.token.is_some() && mode != "omit" {
            reference.token = Some(secrets::SESSION_TOKEN);
        }
        reference.signs_token = mode == "sign";
        let (body, sends_hash) = self.covered();
        reference.body = body;
        if sends_hash && self.lifetime.is_none() {
            reference.adds_content_sha256 = true;
        } else if sends_hash {
            reference
                .headers
                .push(("x-amz-content-sha256".into(), text_of(body).into()));
        }
        if let Some(host) = self.host {
            reference.headers.push(("host".into(), host.into()));
        }
        for (name, value) in self.headers.iter().filter(|(name, _)| self.signs(name)) {
            if value.contains('\t') {
                undone.insert(Difference::Tabs);
            }
            reference.headers.push((
                name.to_ascii_lowercase().into(),
                value.replace('\t', " ").into(),
            ));
        }
        (reference, undone)
    }

    pub(crate) fn token_mode(&self) -> &'static str {
        let default = if self.service == "iotdevicegateway" {
            "append"
        } else {
            "sign"
        };
        self.token.flatten().unwrap_or(default)
    }

    fn reference_uri(
        &self,
        reference: &Reference<'_>,
        undone: &mut BTreeSet<Difference>,
    ) -> String {
        let (given, host) = self.authority;
        let (scheme, mut authority) = given.split_once("://").unwrap();
        if authority.ends_with(':') || authority.bytes().any(|byte| byte.is_ascii_uppercase()) {
            authority = host;
            if self.host.is_none() {
                undone.insert(Difference::Authority);
            }
        }
        let mut path = if self.path.is_empty() {
            "/".to_owned()
        } else {
            self.path.clone()
        };
        if !reference.double_encodes {
            let canonical = canonical_key(&path);
            if canonical != path {
                undone.insert(Difference::SpellingOfKeys);
                path = canonical;
            }
        }
        if reference.normalizes && (path.ends_with("/.") || path.ends_with("/..")) {
            undone.insert(Difference::DotsAtTheEnd);
            path = without_dots(&path);
        }
        let mut query = self.query.clone().unwrap_or_default();
        if is_s3_family(self.service) && query.contains('+') {
            undone.insert(Difference::PlusInQuery);
            query = query.replace('+', "%2B");
        }
        for (given, escaped) in [('"', "%22"), ('<', "%3C"), ('>', "%3E")] {
            if query.contains(given) {
                undone.insert(Difference::QuotesInQuery);
                query = query.replace(given, escaped);
            }
        }
        format!("{scheme}://{authority}{path}?{query}")
    }
}

/// Returns the text that stands for a body.
pub(crate) fn text_of(body: Body<'_>) -> String {
    match body {
        Body::Bytes(bytes) => hex(&Sha256::digest(bytes)),
        Body::Announced(text) => text.to_owned(),
        _ => "UNSIGNED-PAYLOAD".to_owned(),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A path as S3 spells it when it compares signatures.
fn canonical_key(path: &str) -> String {
    let octets: Vec<u8> = percent_decode_str(path).collect();
    percent_encode(&octets, KEY).to_string()
}

/// A text without slashes, as it stands in a canonical query.
pub(crate) fn encoded(text: &str) -> String {
    percent_encode(text.as_bytes(), KEY).to_string()
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

/// Everything but the unreserved characters and the slash.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// Midnight after 9999-12-31.
const END: u64 = 253_402_300_800;
const AUTHORITIES: &[(&str, &str)] = &[
    ("https://host.amazonaws.com", "host.amazonaws.com"),
    ("https://host.amazonaws.com:443", "host.amazonaws.com"),
    ("http://localhost:80", "localhost"),
    ("http://localhost:443", "localhost:443"),
    ("https://host.amazonaws.com:8182", "host.amazonaws.com:8182"),
    ("https://Host.AmazonAWS.com", "host.amazonaws.com"),
    ("https://host.amazonaws.com:", "host.amazonaws.com"),
    ("https://[2001:DB8::80]:443", "[2001:db8::80]"),
    ("http://[::1]:9000", "[::1]:9000"),
    ("wss://host.amazonaws.com", "host.amazonaws.com"),
];
const SERVICES: &[&str] = &[
    "aoss",
    "bedrock",
    "execute-api",
    "glacier",
    "iotdevicegateway",
    "kms",
    "s3",
    "s3-object-lambda",
    "s3-outposts",
    "s3express",
    "sqs",
    "vpc-lattice-svcs",
];
const SENTINELS: &[&str] = &[
    "UNSIGNED-PAYLOAD",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-EVENTS",
];
/// Headers, and whether they are signed where all are that nothing on the way changes.
const HEADERS: &[(&str, bool)] = &[
    ("Content-Type", true),
    ("content-md5", true),
    ("X-Amz-Target", true),
    ("x-amz-acl", true),
    ("x-amz-meta-note", true),
    ("x-amz-", true),
    ("Accept", true),
    ("cookie", true),
    ("Date", true),
    ("if-match", true),
    ("origin", true),
    ("range", true),
    ("x-amzn-requestid", true),
    ("X-Custom", true),
    ("x-real-ips", true),
    ("a!#$%&'*+-.^_`|~1", true),
    ("Accept-Encoding", false),
    ("connection", false),
    ("Content-Length", false),
    ("expect", false),
    ("forwarded", false),
    ("proxy-authorization", false),
    ("referer", false),
    ("sec-fetch-mode", false),
    ("te", false),
    ("traceparent", false),
    ("transfer-encoding", false),
    ("User-Agent", false),
    ("x-amzn-trace-id", false),
    ("x-b3-traceid", false),
    ("x-forwarded-for", false),
];
