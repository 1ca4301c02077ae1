//! Signatures of events that others publish: as facts, and from the folder that the environment
//! variable `SIGV4_VECTORS` names.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use aws_sigv4::sign::v4::calculate_signature;
use aws_sigv4::sign::v4::generate_signing_key;
use aws_smithy_eventstream::frame::write_headers_to;
use aws_smithy_types::event_stream::Header;
use aws_smithy_types::event_stream::HeaderValue;
use aws_smithy_types::event_stream::Message;
use bytes::Bytes;
use serde::Deserialize;
use sigv4_core::Credentials;
use sigv4_core::EventSigner;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::SigningRules;
use sigv4_tests::suite::RawRequest;
use sigv4_tests::time;

use crate::event_pieces;
use crate::event_pieces::written;
use crate::published_vectors;

/// The signatures of aws-c-auth, `tests/test_event_signing.c`: `A`, `B`, `C` and the end.
#[test]
fn signs_the_events_of_aws_c_auth() {
    let seed = "e1d8e8c8815e60969f2a34765c9a15945ffc0badbaa4b7e3b163ea19131e949b";
    let credentials = Credentials::new("access", "secret").unwrap();
    let signer = Signer::builder("demo", "us-east-1").build().unwrap();
    let mut signer = EventSigner::new(&signer, &credentials, seed).unwrap();
    // 1981-01-16, 06:30:00 UTC.
    let start = UNIX_EPOCH + Duration::from_secs(348_474_600);
    let at = |seconds: u64| start + Duration::from_millis(seconds * 1000 + 999);
    for (payload, seconds, expected) in [
        (
            "A",
            1,
            "7aabf85b765e6a4d0d500b6e968657b14726fa3e1eb7e839302728ffd77629a5",
        ),
        (
            "B",
            2,
            "f72aa9642f571d24a6e1ae42f10f073ad9448d8a028b6bcd82da081335adda02",
        ),
        (
            "C",
            3,
            "632af120435b57ec241d8bfbb12e496dfd5e2730a1a02ac0ab6eaa230ae02e9a",
        ),
    ] {
        let envelope = signer
            .sign_message(payload.as_bytes(), at(seconds))
            .unwrap();
        check_envelope(&envelope, payload.as_bytes(), at(seconds), expected);
    }
    let end = signer.end(at(4)).unwrap();
    let expected = "c6f679ddb3af68f5e82f0cf6761244cb2338cf11e7d01a24130aea1b7c17e53e";
    check_envelope(&end, b"", at(4), expected);
}

#[test]
fn signs_the_events_of_every_published_chain() {
    let Some(file) = published_vectors::read::<File>("eventstream.json") else {
        return;
    };
    let mut counted = (0, 0, 0);
    for case in &file.cases {
        let (Some(mut bare), Some(mut enveloping)) = (case.signer(), case.signer()) else {
            continue;
        };
        counted.0 += 1;
        for event in &case.events {
            counted.1 += 1;
            let payload = event.payload();
            let expected = event.expected(case);
            let signature = bare.sign(&event.headers(), &payload, event.time()).unwrap();
            let hex = signature.to_hex();
            assert_eq!(str::from_utf8(&hex).unwrap(), expected, "{}", case.name);
            if event.has_own_date() {
                counted.2 += 1;
                let envelope = match &*payload {
                    [] => enveloping.end(event.time()),
                    payload => enveloping.sign_message(payload, event.time()),
                };
                check_envelope(&envelope.unwrap(), &payload, event.time(), &expected);
            }
        }
    }
    assert_eq!(file.cases.len(), 4);
    assert_eq!(counted, (3, 9, 5), "cases, events, envelopes");
}

/// Checks that an envelope has these, as `aws-smithy-eventstream` reads it.
#[track_caller]
fn check_envelope(envelope: &[u8], payload: &[u8], time: SystemTime, signature: &str) {
    let message = event_pieces::read(envelope);
    assert_eq!(message.payload(), payload);
    let signature = HeaderValue::ByteArray(unhex(signature).into());
    assert_eq!(
        message.headers(),
        [date(time), Header::new(":chunk-signature", signature)]
    );
}

/// The header of a date, in whole seconds.
fn date(time: SystemTime) -> Header {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let time = UNIX_EPOCH + Duration::from_secs(seconds);
    Header::new(":date", HeaderValue::Timestamp(time.into()))
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    credentials: CaseCredentials,
    region: String,
    service: String,
    prior_signature_hex: Option<String>,
    request: Option<CaseRequest>,
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct CaseCredentials {
    access_key: String,
    secret_key: String,
}

#[derive(Deserialize)]
struct CaseRequest {
    method: String,
    uri: String,
    headers: Vec<(String, String)>,
    timestamp: String,
    payload: String,
    double_uri_encode: bool,
    normalize: bool,
    authorization: String,
    signature: String,
}

#[derive(Deserialize)]
struct Event {
    unix: Option<u64>,
    timestamp: Option<String>,
    headers: Option<String>,
    headers_hex: Option<String>,
    payload_hex: Option<String>,
    inner_message: Option<InnerMessage>,
    signature: Option<String>,
    string_to_sign: Option<String>,
}

#[derive(Deserialize)]
struct InnerMessage {
    headers: Vec<(String, InnerValue)>,
    payload_hex: String,
}

#[derive(Deserialize)]
struct InnerValue {
    string: String,
}

impl Case {
    /// `None` for the case whose service is in upper case, as no service is and no signer takes it.
    /// It is among the unit tests of `EventSigner`.
    fn signer(&self) -> Option<EventSigner> {
        let CaseCredentials {
            access_key,
            secret_key,
        } = &self.credentials;
        let credentials = Credentials::new(&**access_key, &**secret_key).unwrap();
        let Some(seed) = &self.prior_signature_hex else {
            let request = self.request.as_ref().unwrap();
            return Some(request.sign(self, &credentials));
        };
        let signer = Signer::builder(&*self.service, &*self.region).build();
        let Ok(signer) = signer else {
            assert_eq!(self.name, "ruby-js-event");
            return None;
        };
        Some(EventSigner::new(&signer, &credentials, seed).unwrap())
    }
}

impl CaseRequest {
    /// Signs the request that begins the chain.
    fn sign(&self, case: &Case, credentials: &Credentials) -> EventSigner {
        let rules = SigningRules::standard()
            .double_encode_path(self.double_uri_encode)
            .normalize_path(self.normalize)
            .event_streams(true);
        // It has no type, so that its signature does not cover the one that is added.
        let no_type = HeaderMatch::exact("content-type").unwrap();
        let signer = Signer::builder(&*case.service, &*case.region)
            .rules(rules)
            .headers(HeaderRules::all_but_never_signed().exclude(no_type))
            .build()
            .unwrap();
        let (method, uri, headers) = (&self.method, &self.uri, &self.headers);
        let raw = RawRequest::new(method.clone(), uri.clone(), headers.clone(), Vec::new());
        let mut request = raw.to_origin_form().unwrap();
        let time = time::parse(&self.timestamp).unwrap();
        let signed = signer.sign(&mut request, Payload::Events, credentials, time);
        let signed = signed.unwrap();
        assert_eq!(request.headers()["authorization"], *self.authorization);
        assert_eq!(request.headers()["x-amz-content-sha256"], *self.payload);
        assert_eq!(signed.signature(), Some(&*self.signature));
        signed.event_signer().unwrap()
    }
}

impl Event {
    fn time(&self) -> SystemTime {
        match (self.unix, &self.timestamp) {
            (Some(seconds), None) => UNIX_EPOCH + Duration::from_secs(seconds),
            (None, Some(text)) => time::parse(text).unwrap(),
            _ => panic!("an event has one date"),
        }
    }

    fn has_own_date(&self) -> bool {
        self.headers.as_deref() == Some(":date of timestamp")
    }

    fn headers(&self) -> Vec<u8> {
        if let Some(hex) = &self.headers_hex {
            return unhex(hex);
        }
        assert!(self.has_own_date());
        let mut block = Vec::new();
        write_headers_to(&[date(self.time())], &mut block).unwrap();
        block
    }

    fn payload(&self) -> Bytes {
        match (&self.payload_hex, &self.inner_message) {
            (Some(hex), None) => unhex(hex).into(),
            (None, Some(inner)) => {
                let header = |(name, value): &(String, InnerValue)| {
                    let value = HeaderValue::String(value.string.clone().into());
                    Header::new(name.clone(), value)
                };
                let headers = inner.headers.iter().map(header).collect();
                written(&Message::new_from_parts(headers, unhex(&inner.payload_hex)))
            }
            _ => panic!("an event has one payload"),
        }
    }

    /// The signature, which `aws-sigv4` makes where only the string to sign is published.
    fn expected(&self, case: &Case) -> String {
        match (&self.signature, &self.string_to_sign) {
            (Some(signature), None) => signature.clone(),
            (None, Some(text)) => {
                let (time, secret) = (self.time(), &case.credentials.secret_key);
                let key = generate_signing_key(secret, time, &case.region, &case.service);
                calculate_signature(key, text.as_bytes())
            }
            _ => panic!("an event has a signature or a string to sign"),
        }
    }
}
