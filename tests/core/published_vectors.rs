//! Vectors that others publish, from the folder that the environment variable `SIGV4_VECTORS`
//! names: AWS's suite as aws-c-auth has it today and as botocore has kept it, that of SigV4A, what
//! smithy-go asserts of SigV4A, and the worked examples of AWS's documentation.
//!
//! Without the variable there is nothing to check. With it, each file must be there.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use aws_sigv4::sign::v4::calculate_signature;
use http::Request;
use http::Uri;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sigv4_core::ContentSha256;
use sigv4_core::Credentials;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::SigningRules;
use sigv4_core::UnsignedPayload;
use sigv4_tests::oracle_v4a;
use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::suite::Expected;
use sigv4_tests::suite::RawRequest;
use sigv4_tests::time;

use crate::fixture::BACKENDS;
use crate::fixture::now;
use crate::vectors::Vector;

const TOKEN: &str = "x-amz-security-token";

/// The cases of either suite that `http` cannot hold as they are: a folded header value, and raw
/// spaces in the request target.
const RESPELLED: [&str; 4] = [
    "get-header-value-multiline",
    "get-space-normalized",
    "get-space-unnormalized",
    "normalize-path/get-space",
];

#[test]
fn signs_the_suite_of_aws_c_auth() {
    let Some(file) = read::<SuiteFile>("v4.json") else {
        return;
    };
    assert_eq!(file.cases.len(), 38);
    let mut respelled = 0;
    for case in &file.cases {
        let vector = respelled_if_listed(case.vector(), &mut respelled);
        vector.check_header();
        vector.check_query();
    }
    assert_eq!(respelled, 3);

    assert_eq!(file.smithy_rs_extra.len(), 2);
    for case in &file.smithy_rs_extra {
        case.vector().check_header();
    }
}

#[test]
fn signs_the_suite_that_botocore_has_kept() {
    let Some(file) = read::<SuiteFile>("v4-legacy.json") else {
        return;
    };
    assert_eq!(file.cases.len(), 34);
    let (mut respelled, mut tokens) = (0, 0);
    for case in &file.cases {
        let mut vector = respelled_if_listed(case.vector(), &mut respelled);
        // In these the payload is always covered, and its hash is not sent.
        vector.covers_body = true;
        // Ours takes session tokens from the credentials and from nowhere else. These cases have
        // them in the signed request only, or in the request already.
        let signed = vector.header.signed_request.as_ref();
        let token = signed.and_then(|signed| signed.header(TOKEN));
        let canonical_request = vector.header.canonical_request.as_deref();
        vector.appends_token = token.is_some() && !canonical_request.unwrap().contains(TOKEN);
        vector.token = token.map(str::to_owned);
        tokens += usize::from(vector.token.is_some());
        let headers = &mut vector.request.headers;
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case(TOKEN));
        // The signed request of this case has pieces of the token where its signature should be.
        if vector.name == "get-vanilla-with-session-token" {
            vector.header.signed_request = None;
        }
        vector.check_header();
    }
    assert_eq!((respelled, tokens), (2, 3));
}

#[test]
fn signs_the_suite_of_sigv4a_of_aws_c_auth() {
    let Some(file) = read::<SuiteFile>("v4a.json") else {
        return;
    };
    assert_eq!(file.cases.len(), 38);
    let mut respelled = 0;
    for case in &file.cases {
        let key = case.public_key.as_ref().expect("each case has its key");
        let key = PublicKey::new(&key.x, &key.y).expect("its coordinates are in hex");
        let mut vector = respelled_if_listed(case.vector(), &mut respelled);
        for backend in BACKENDS {
            vector.ecdsa = Some((backend, key.clone()));
            vector.check_header();
            vector.check_query();
        }
    }
    assert_eq!(respelled, 3);
}

#[test]
fn signs_what_smithy_go_asserts_of_sigv4a() {
    let Some(file) = read::<SuiteFile>("v4a.json") else {
        return;
    };
    assert_eq!(file.smithy_go.len(), 6);
    file.smithy_go.iter().for_each(SmithyGoCase::check);
}

#[test]
fn signs_the_examples_of_the_documentation() {
    let Some(file) = read::<DocsFile>("docs.json") else {
        return;
    };
    assert_eq!(file.cases.len(), 6);
    for case in &file.cases {
        assert_eq!(case.job.signature(), case.signature, "{}", case.name);
    }
}

/// The guide publishes the key that it derives. A string to sign, signed with it by `aws-sigv4`,
/// gives our signature.
#[test]
fn derives_the_key_of_the_documentation() {
    let Some(file) = read::<DocsFile>("docs.json") else {
        return;
    };
    assert_eq!(file.signing_key.len(), 1);
    for key in &file.signing_key {
        let signer = Signer::builder(&*key.service, &*key.region)
            .build()
            .unwrap();
        let credentials = Credentials::new("AKIDEXAMPLE", &*key.secret_key).unwrap();
        assert_eq!(key.date, "20150830", "the day of `now`");
        let mut request = Request::get("https://iam.amazonaws.com/").body(()).unwrap();
        let trace = signer
            .trace(&request, Payload::EMPTY, &credentials, now())
            .unwrap();
        let signed = signer
            .sign(&mut request, Payload::EMPTY, &credentials, now())
            .unwrap();
        let derived: Vec<u8> = (0..key.key_hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&key.key_hex[at..at + 2], 16).unwrap())
            .collect();
        let expected = calculate_signature(derived, trace.string_to_sign().as_bytes());
        assert_eq!(signed.signature(), Some(&*expected));
    }
}

/// The key that is published verifies what ours signs.
#[test]
fn derives_the_keys_of_sigv4a_that_are_published() {
    let Some(file) = read::<DocsFile>("docs.json") else {
        return;
    };
    assert_eq!(file.v4a_key_derivation.len(), 1);
    for pair in &file.v4a_key_derivation {
        let key = PublicKey::new(&pair.x, &pair.y).unwrap();
        let credentials = Credentials::new(&*pair.access_key, &*pair.secret_key).unwrap();
        for backend in BACKENDS {
            let signer = Signer::builder("s3", "*").sigv4a(backend).build().unwrap();
            let mut request = Request::get("https://host.com/").body(()).unwrap();
            signer
                .sign(&mut request, Payload::EMPTY, &credentials, now())
                .unwrap();
            oracle_v4a::verify(&request, b"", &key).unwrap();
        }
    }
}

fn respelled_if_listed(vector: Vector, respelled: &mut usize) -> Vector {
    if !RESPELLED.contains(&&*vector.name) {
        return vector;
    }
    vector.check_that_http_refuses_it();
    *respelled += 1;
    vector.respelled()
}

/// Reads a file of the folder. `None` where no folder is named.
pub(crate) fn read<T: DeserializeOwned>(file: &str) -> Option<T> {
    let Some(folder) = env::var_os("SIGV4_VECTORS") else {
        println!("SIGV4_VECTORS names no folder: {file} is not checked");
        return None;
    };
    let path = PathBuf::from(folder).join(file);
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{file}: {error}")))
}

#[derive(Deserialize)]
struct SuiteFile {
    cases: Vec<SuiteCase>,
    #[serde(default)]
    smithy_rs_extra: Vec<SuiteCase>,
    #[serde(default)]
    smithy_go: Vec<SmithyGoCase>,
}

#[derive(Deserialize)]
struct SuiteCase {
    name: String,
    credentials: CaseCredentials,
    region: String,
    service: String,
    timestamp: String,
    #[serde(default)]
    flags: Flags,
    request: CaseRequest,
    header: CaseExpected,
    #[serde(default)]
    query: CaseExpected,
    public_key: Option<Coordinates>,
}

#[derive(Deserialize)]
struct Coordinates {
    x: String,
    y: String,
}

#[derive(Deserialize)]
struct CaseCredentials {
    access_key: String,
    secret_key: String,
    session_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Flags {
    normalize: bool,
    sign_body: bool,
    omit_session_token: bool,
    double_uri_encode: bool,
    expiration_in_seconds: u64,
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            normalize: true,
            sign_body: false,
            omit_session_token: false,
            double_uri_encode: true,
            expiration_in_seconds: 3600,
        }
    }
}

#[derive(Deserialize)]
struct CaseRequest {
    method: String,
    uri: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl CaseRequest {
    fn raw(&self) -> RawRequest {
        RawRequest::new(
            self.method.clone(),
            self.uri.clone(),
            self.headers.clone(),
            self.body.clone().into_bytes(),
        )
    }
}

#[derive(Default, Deserialize)]
struct CaseExpected {
    canonical_request: Option<String>,
    string_to_sign: Option<String>,
    signature: Option<String>,
    signed_request: Option<CaseRequest>,
}

impl CaseExpected {
    fn expected(&self) -> Expected {
        Expected::new(
            self.canonical_request.clone(),
            self.string_to_sign.clone(),
            self.signature.clone(),
            self.signed_request.as_ref().map(CaseRequest::raw),
        )
    }
}

impl SuiteCase {
    fn vector(&self) -> Vector {
        let flags = &self.flags;
        Vector {
            name: self.name.clone(),
            access_key_id: self.credentials.access_key.clone(),
            secret: self.credentials.secret_key.clone(),
            token: self.credentials.session_token.clone(),
            region: self.region.clone(),
            service: self.service.clone(),
            time: time::parse(&self.timestamp).expect("a case has a date"),
            expires_in: Duration::from_secs(flags.expiration_in_seconds),
            normalizes: flags.normalize,
            double_encodes: flags.double_uri_encode,
            sends_content_sha256: flags.sign_body,
            covers_body: flags.sign_body,
            appends_token: flags.omit_session_token,
            ecdsa: None,
            request: self.request.raw(),
            header: self.header.expected(),
            query: self.query.expected(),
        }
    }
}

/// Nothing but the string to sign is published of these.
#[derive(Deserialize)]
struct SmithyGoCase {
    name: String,
    credentials: CaseCredentials,
    region: String,
    service: String,
    timestamp: String,
    request: SmithyGoRequest,
    payload: String,
    sha256_header: bool,
    double_uri_encode: bool,
    normalize: bool,
    string_to_sign: String,
}

#[derive(Deserialize)]
struct SmithyGoRequest {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl SmithyGoCase {
    fn check(&self) {
        let (name, given) = (&self.name, &self.request);
        let mut builder = Request::builder().method(&*given.method).uri(&*given.url);
        for (name, value) in &given.headers {
            builder = builder.header(name, value);
        }
        let request = builder.body(()).unwrap();
        let payload = match &*self.payload {
            "signed" => Payload::Bytes(given.body.as_bytes()),
            "unsigned" => Payload::Unsigned,
            other => panic!("{name}: {other} is no payload"),
        };
        let rules = SigningRules::standard()
            .normalize_path(self.normalize)
            .double_encode_path(self.double_uri_encode)
            .unsigned_payload(UnsignedPayload::Allowed);
        let (id, secret) = (&self.credentials.access_key, &self.credentials.secret_key);
        let mut credentials = Credentials::new(&**id, &**secret).unwrap();
        if let Some(token) = &self.credentials.session_token {
            credentials = credentials.with_session_token(&**token).unwrap();
        }
        let time = time::parse(&self.timestamp).expect("a case has a date");
        for backend in BACKENDS {
            let signer = Signer::builder(&*self.service, &*self.region)
                .sigv4a(backend)
                .rules(rules.clone())
                .headers(HeaderRules::all_but_never_signed())
                .content_sha256(if self.sha256_header {
                    ContentSha256::Always
                } else {
                    ContentSha256::Never
                })
                .build()
                .unwrap();
            let trace = signer.trace(&request, payload, &credentials, time).unwrap();
            assert_eq!(trace.string_to_sign(), self.string_to_sign, "{name}");
            let signed = signer.sign(&mut request.clone(), payload, &credentials, time);
            PublicKey::of(id, secret)
                .verify(
                    self.string_to_sign.as_bytes(),
                    signed.unwrap().signature().unwrap(),
                )
                .unwrap();
        }
    }
}

#[derive(Deserialize)]
struct DocsFile {
    signing_key: Vec<SigningKey>,
    v4a_key_derivation: Vec<KeyPair>,
    cases: Vec<DocsCase>,
}

#[derive(Deserialize)]
struct KeyPair {
    access_key: String,
    secret_key: String,
    x: String,
    y: String,
}

#[derive(Deserialize)]
struct SigningKey {
    secret_key: String,
    date: String,
    region: String,
    service: String,
    key_hex: String,
}

#[derive(Deserialize)]
struct DocsCase {
    name: String,
    job: Job,
    signature: String,
}

#[derive(Deserialize)]
struct Job {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body_b64: String,
    access_key: String,
    secret_key: String,
    region: String,
    service: String,
    time: u64,
    mode: Option<String>,
    expires: Option<u64>,
}

impl Job {
    fn signature(&self) -> String {
        let signer = Signer::builder(&*self.service, &*self.region)
            .headers(HeaderRules::all_but_never_signed())
            .build()
            .unwrap();
        let credentials = Credentials::new(&*self.access_key, &*self.secret_key).unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(self.time);
        let mut builder = Request::builder()
            .method(&*self.method)
            .uri(self.url.parse::<Uri>().unwrap());
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let mut request = builder.body(()).unwrap();
        match self.mode.as_deref() {
            None => {
                let body = decode_base64(&self.body_b64);
                let payload = Payload::Bytes(&body);
                let signed = signer.sign(&mut request, payload, &credentials, time);
                signed.unwrap().signature().unwrap().to_owned()
            }
            Some("presign") => {
                let lifetime = Duration::from_secs(self.expires.expect("a lifetime is given"));
                let presigned = signer.presign(&request, lifetime, &credentials, time);
                let url = presigned.unwrap().uri().to_string();
                let (_, signature) = url.rsplit_once("X-Amz-Signature=").unwrap();
                signature.to_owned()
            }
            Some(other) => panic!("{other} is no mode"),
        }
    }
}

/// Decodes base64 of the standard alphabet.
fn decode_base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=').bytes().map(|byte| {
        let digit = ALPHABET.iter().position(|&letter| letter == byte);
        u32::try_from(digit.expect("base64 of the standard alphabet")).unwrap()
    });
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        bits = (bits << 6) | digit;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    bytes
}
