//! What becomes of a request when it is signed: computed first, and then applied all at once.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Uri;
use http::header;

use crate::canonical::headers::SignedHeaders;
use crate::canonical::sink::Sink;
use crate::date::Timestamp;
use crate::header_rules::RequestHeaderRules;
use crate::key::DerivedKey;
use crate::names;
use crate::payload::Payload;
use crate::payload::PayloadDigest;
use crate::request::Signable;
use crate::signature::Signature;
use crate::signed::Signed;
use crate::stream::head::StreamHead;
use crate::stream::seed::StreamSeed;
use crate::target::OwnHeaders;
use crate::target::View;

/// Reads the headers that are signed, and finds out what changes on account of the body.
#[inline]
pub(crate) fn read_headers<'a>(
    view: &View<'a>,
    payload: Payload<'_>,
    rules: &RequestHeaderRules<'_>,
    stream: &mut StreamHead,
    headers: &mut SignedHeaders<'a>,
) -> OwnHeaders<'a> {
    let own = view.read_headers(rules, stream, headers);
    // What is said of a body that comes encoded goes for this signature, too.
    if own.was_stream && !matches!(payload, Payload::PreChunked | Payload::Literal(_)) {
        read_again(view, payload, rules, stream, headers)
    } else {
        own
    }
}

/// Reads the headers once more, without what an earlier signature said of a body.
#[cold]
fn read_again<'a>(
    view: &View<'a>,
    payload: Payload<'_>,
    rules: &RequestHeaderRules<'_>,
    stream: &mut StreamHead,
    headers: &mut SignedHeaders<'a>,
) -> OwnHeaders<'a> {
    stream.is_plain_again(view.headers, payload.length());
    *headers = SignedHeaders::new();
    view.read_headers(rules, stream, headers)
}

/// What a request gets beside its signature.
pub(crate) struct Added<'a> {
    pub(crate) region_set: Option<&'a str>,
    pub(crate) replaces_region_set: bool,
    pub(crate) digest: PayloadDigest,
    pub(crate) stream: StreamHead,
    pub(crate) sends_digest: bool,
    pub(crate) token: Option<(&'a HeaderName, &'a HeaderValue)>,
    pub(crate) signs_token: bool,
    /// Whether the request has a digest already, or a token: where it has none, there is nothing
    /// to be removed.
    pub(crate) replaces_digest: bool,
    pub(crate) replaces_token: bool,
}

impl Added<'_> {
    /// Adds the headers that are signed to the others, and sorts them all.
    pub(crate) fn push_to<'b>(
        &'b self,
        headers: &mut SignedHeaders<'b>,
        time: &'b Timestamp,
        rules: &RequestHeaderRules<'_>,
    ) {
        self.stream.push_to(headers, rules);
        headers.push("x-amz-date", time.as_bytes());
        if let Some(region_set) = self.region_set {
            headers.push("x-amz-region-set", region_set.as_bytes());
        }
        if self.sends_digest {
            headers.push("x-amz-content-sha256", self.digest.as_bytes());
        }
        if let Some((name, token)) = self.token.filter(|_| self.signs_token) {
            headers.push(name.as_str(), token.as_bytes());
        }
        headers.sort();
    }
}

/// What becomes of a request when it is signed.
pub(crate) struct Prepared<'a> {
    pub(crate) signature: Signature,
    pub(crate) seed: Option<Arc<StreamSeed>>,
    pub(crate) authorization: HeaderValue,
    pub(crate) uri: Option<Uri>,
    pub(crate) added: Added<'a>,
}

impl Prepared<'_> {
    /// Changes the request, all at once. Nothing can fail any more: that there is room for the
    /// headers was seen when the request was [looked at](View::new).
    pub(crate) fn apply<R: Signable>(self, request: &mut R, time: Timestamp) -> Signed {
        let (added, headers) = (self.added, request.headers_mut());
        added.stream.apply(headers);
        headers.insert(header::AUTHORIZATION, self.authorization);
        let date = HeaderValue::from_bytes(time.as_bytes()).expect("digits are a header value");
        headers.insert(names::X_AMZ_DATE, date);
        if let Some(region_set) = added.region_set {
            let region_set = HeaderValue::from_str(region_set);
            let region_set = region_set.expect("names of regions are a header value");
            headers.insert(names::X_AMZ_REGION_SET, region_set);
        } else if added.replaces_region_set {
            headers.remove(names::X_AMZ_REGION_SET);
        }
        if added.sends_digest {
            headers.insert(names::X_AMZ_CONTENT_SHA256, added.digest.header_value());
        } else if added.replaces_digest {
            headers.remove(names::X_AMZ_CONTENT_SHA256);
        }
        if added.replaces_token {
            for name in [names::X_AMZ_SECURITY_TOKEN, names::X_AMZ_S3SESSION_TOKEN] {
                headers.remove(name);
            }
        }
        if let Some((name, token)) = added.token {
            headers.insert(name, token.clone());
        }
        if let Some(uri) = self.uri {
            *request.uri_mut() = uri;
        }
        Signed {
            signature: Some(self.signature),
            time,
            seed: self.seed,
        }
    }
}

/// The value of `authorization`, as it is put together: in one allocation of the right size.
pub(crate) struct AuthorizationText {
    text: Vec<u8>,
    /// Where the names of the signed headers begin.
    names: usize,
}

impl AuthorizationText {
    const BETWEEN: &str = ", Signature=";

    /// Begins with everything but the signature.
    pub(crate) fn new(key: &DerivedKey, headers: &SignedHeaders<'_>) -> Self {
        let prefix = key.authorization_prefix();
        let length = prefix.len()
            + headers.names_len()
            + Self::BETWEEN.len()
            + key.algorithm().signature_length();
        let mut text = Vec::with_capacity(length);
        text.put_str(prefix);
        headers.write_names_to(&mut text);
        Self {
            text,
            names: prefix.len(),
        }
    }

    /// Returns the names of the signed headers, which the canonical request has, too.
    pub(crate) fn signed_headers(&self) -> &[u8] {
        &self.text[self.names..]
    }

    pub(crate) fn finish(mut self, signature: &Signature) -> HeaderValue {
        self.text.put_str(Self::BETWEEN);
        self.text.put(signature.as_bytes());
        let mut value = HeaderValue::from_maybe_shared(Bytes::from(self.text))
            .expect("access key id, scope, header names and hex are visible ASCII");
        value.set_sensitive(true);
        value
    }
}
