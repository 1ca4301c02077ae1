//! Checks one vector, wherever it was published: canonical request, string to sign, signature, and
//! the request as it goes out, byte for byte.

use std::time::Duration;
use std::time::SystemTime;

use http::Request;
use http::Uri;
use percent_encoding::percent_decode_str;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::ContentSha256;
use sigv4_core::Credentials;
use sigv4_core::EcdsaBackend;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::PresignOptions;
use sigv4_core::SessionTokenMode;
use sigv4_core::Signer;
use sigv4_core::SigningRules;
use sigv4_core::SigningTrace;
use sigv4_core::WireForm;
use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::suite::Expected;
use sigv4_tests::suite::RawRequest;

/// A request, how it is signed, and what comes of that.
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) time: SystemTime,
    pub(crate) expires_in: Duration,
    pub(crate) normalizes: bool,
    pub(crate) double_encodes: bool,
    /// Whether the header `x-amz-content-sha256` is sent with the hash of the body.
    pub(crate) sends_content_sha256: bool,
    /// Whether the signature covers the body; otherwise it covers an empty one.
    pub(crate) covers_body: bool,
    pub(crate) appends_token: bool,
    /// How SigV4A signs, and the key that verifies it. `None` for SigV4.
    pub(crate) ecdsa: Option<(EcdsaBackend, PublicKey)>,
    pub(crate) request: RawRequest,
    pub(crate) header: Expected,
    pub(crate) query: Expected,
}

impl Vector {
    /// Writes the request so that `http` can hold it, with the same canonical form: a folded value
    /// on one line, and a raw space of the target as `%20`, which then must not be encoded twice.
    pub(crate) fn respelled(mut self) -> Self {
        for (_, value) in &mut self.request.headers {
            *value = value.replace('\n', "");
        }
        self.request.target = self.request.target.replace(' ', "%20");
        self.double_encodes &= !self.request.target.contains("%20");
        // What goes out is not what the vector says any more.
        self.header.signed_request = None;
        self.query.signed_request = None;
        self
    }

    /// Checks that the types of `http` hold the request in neither form.
    pub(crate) fn check_that_http_refuses_it(&self) {
        let name = &self.name;
        assert!(self.request.to_origin_form().is_err(), "{name}");
        assert!(self.request.to_absolute_form().is_err(), "{name}");
    }

    /// Signs in the header: the target in origin form with its Host header, and as an absolute URI.
    pub(crate) fn check_header(&self) {
        let (name, signer, credentials) = (&self.name, self.signer(), self.credentials());
        let payload = if self.covers_body {
            Payload::Bytes(&self.request.body)
        } else {
            Payload::EMPTY
        };

        let mut origin_form = self.request.to_origin_form().unwrap();
        let mut absolute_form = self.request.to_absolute_form().unwrap();
        for request in [&mut origin_form, &mut absolute_form] {
            let trace = signer
                .trace(request, payload, &credentials, self.time)
                .unwrap();
            let before = request.uri().clone();
            let signed = signer
                .sign(request, payload, &credentials, self.time)
                .unwrap();
            self.check(&self.header, &trace, signed.signature().unwrap());
            assert_eq!(*request.uri(), before, "{name}");
        }
        if let Some(expected) = &self.header.signed_request {
            let mut sent = headers(&origin_form);
            let mut expected = expected.sorted_headers();
            if self.ecdsa.is_some() {
                // A random one each.
                sent.iter_mut().for_each(cut_signature_off);
                expected.iter_mut().for_each(cut_signature_off);
            }
            assert_eq!(sent, expected, "{name}");
        }
    }

    /// Compares nothing but the canonical request of the header.
    pub(crate) fn check_canonical_request(&self) {
        let request = self.request.to_origin_form().unwrap();
        let trace = self
            .signer()
            .trace(&request, Payload::EMPTY, &self.credentials(), self.time)
            .unwrap();
        let expected = self.header.canonical_request.as_deref().unwrap();
        assert_eq!(trace.canonical_request(), expected, "{}", self.name);
    }

    /// Signs in the query.
    pub(crate) fn check_query(&self) {
        let (name, signer, credentials) = (&self.name, self.signer(), self.credentials());
        let mut options = PresignOptions::expires_in(self.expires_in);
        if self.covers_body {
            options = options.payload_sha256(Sha256::digest(&self.request.body).into());
        }
        let request = self.request.to_absolute_form().unwrap();
        let trace = signer
            .trace_presign(&request, options.clone(), &credentials, self.time)
            .unwrap();
        let presigned = signer
            .presign(&request, options, &credentials, self.time)
            .unwrap();
        let query = pairs(presigned.uri().query().unwrap());
        let (last, signature) = query.last().unwrap();
        assert_eq!(last, "X-Amz-Signature", "{name}");
        self.check(&self.query, &trace, signature);

        if let Some(expected) = &self.query.signed_request {
            let uri: Uri = expected.target.parse().unwrap();
            assert_eq!(presigned.uri().path(), uri.path(), "{name}");
            // The suite does not sort what it sends.
            let sorted = |query: &str| {
                let mut pairs = pairs(query);
                pairs.retain(|(name, _)| self.ecdsa.is_none() || name != "X-Amz-Signature");
                pairs.sort();
                pairs
            };
            let query = presigned.uri().query().unwrap();
            assert_eq!(sorted(query), sorted(uri.query().unwrap()), "{name}");
        }
    }

    fn check(&self, expected: &Expected, trace: &SigningTrace, signature: &str) {
        let name = &self.name;
        if let Some(expected) = &expected.canonical_request {
            let actual = trace.canonical_request_bytes();
            assert_eq!(String::from_utf8_lossy(actual), *expected, "{name}");
            assert_eq!(actual, expected.as_bytes(), "{name}");
        }
        if let Some(expected) = &expected.string_to_sign {
            assert_eq!(trace.string_to_sign(), expected, "{name}");
        }
        let expected = expected.signature.as_deref();
        let expected = expected.expect("every vector has a signature");
        match &self.ecdsa {
            None => assert_eq!(signature, expected, "{name}"),
            Some((_, key)) => check_ecdsa(name, key, trace.string_to_sign(), signature, expected),
        }
    }

    fn signer(&self) -> Signer {
        let length = HeaderMatch::exact("content-length").unwrap();
        let rules = SigningRules::standard()
            .normalize_path(self.normalizes)
            .double_encode_path(self.double_encodes);
        let mut builder = Signer::builder(&*self.service, &*self.region);
        if let Some((backend, _)) = self.ecdsa {
            builder = builder.sigv4a(backend);
        }
        builder
            .rules(rules)
            .wire_form(WireForm::AsGiven)
            .headers(HeaderRules::all_but_never_signed().include(length))
            .content_sha256(if self.sends_content_sha256 {
                ContentSha256::Always
            } else {
                ContentSha256::Never
            })
            .session_token(if self.appends_token {
                SessionTokenMode::Appended
            } else {
                SessionTokenMode::Signed
            })
            .build()
            .unwrap()
    }

    fn credentials(&self) -> Credentials {
        let credentials = Credentials::new(&*self.access_key_id, &*self.secret).unwrap();
        match &self.token {
            Some(token) => credentials.with_session_token(&**token).unwrap(),
            None => credentials,
        }
    }
}

/// Checks a signature that cannot be compared, since most of its kind are random.
fn check_ecdsa(name: &str, key: &PublicKey, text: &str, ours: &str, published: &str) {
    for signature in [ours, published] {
        let verdict = key.verify(text.as_bytes(), signature);
        verdict.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    // One bit of the text, and one digit of the signature.
    for at in (0..text.len()).step_by(17) {
        let mut other = text.as_bytes().to_vec();
        other[at] ^= 1;
        assert!(key.verify(&other, ours).is_err(), "{name}: octet {at}");
    }
    for at in (0..ours.len()).step_by(17) {
        let mut other = ours.as_bytes().to_vec();
        other[at] = if other[at] == b'0' { b'1' } else { b'0' };
        let other = String::from_utf8(other).unwrap();
        let verdict = key.verify(text.as_bytes(), &other);
        assert!(verdict.is_err(), "{name}: hex digit {at}");
    }
}

/// Leaves nothing of an `Authorization` header behind `Signature=`.
fn cut_signature_off((_, value): &mut (String, String)) {
    if let Some(at) = value.find("Signature=") {
        value.truncate(at);
    }
}

/// The headers of a request, trimmed and sorted.
fn headers<B>(request: &Request<B>) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.trim_ascii().to_vec()).unwrap();
    let mut headers: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
        .collect();
    headers.sort();
    headers
}

/// The parameters of a query, decoded.
fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
