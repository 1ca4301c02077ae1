//! Signatures in the query string: URLs that whoever holds them may use for a while.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Uri;
use http::header;
use http::uri::Authority;

use crate::canonical::headers::SignedHeaders;
use crate::canonical::request::CanonicalRequest;
use crate::credentials::Credentials;
use crate::date::Timestamp;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::names;
use crate::overrides::SigningOverrides;
use crate::payload::Payload;
use crate::payload::PayloadDigest;
use crate::payload::PayloadLiteral;
use crate::prepared::read_headers;
use crate::request::Signable;
use crate::rules::ContentSha256;
use crate::rules::SessionTokenMode;
use crate::rules::UnsignedPayload;
use crate::rules::WireForm;
use crate::scope::Scope;
use crate::signature::Signature;
use crate::signer::Signer;
use crate::stream::head::StreamHead;
use crate::target::Target;
use crate::target::View;
use crate::trace::SigningTrace;

impl Signer {
    /// Makes a URL that authorises a request like the given one, without credentials, until it
    /// expires.
    ///
    /// The request must have an absolute URI. Its method and its signed headers are part of the
    /// signature: the holder of the URL has to use the [method](Presigned::method) and send the
    /// [headers](Presigned::headers) that come with it. The request itself is not changed.
    ///
    /// `options` is a lifetime in whole seconds or [`PresignOptions`].
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use sigv4_core::{Credentials, Signer};
    ///
    /// let signer = Signer::builder("s3", "us-east-1").build()?;
    /// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
    /// let request = http::Request::get("https://examplebucket.s3.amazonaws.com/test.txt").body(())?;
    /// let link =
    ///     signer.presign(&request, Duration::from_secs(900), &credentials, SystemTime::now())?;
    /// assert!(link.headers().is_empty());
    /// let url = link.uri().to_string(); // A credential: hand it on, but keep it out of logs.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Expiry`](ErrorKind::Expiry) when the lifetime is not between a second and seven days, or
    /// longer than that of the credentials; [`RequestTarget`](ErrorKind::RequestTarget) when the URI
    /// is not absolute; else those of [`sign`](Self::sign).
    pub fn presign<R: Signable>(
        &self,
        request: &R,
        options: impl Into<PresignOptions>,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<Presigned, Error> {
        let (scope, time) = (self.scope(None)?, Timestamp::new(now)?);
        self.presign_link(scope, request, &options.into(), credentials, &time)
    }

    /// Makes a URL as [`presign`](Self::presign) does, with overrides: service, region and the
    /// meaning of `+`. Payload modes are for the adapters and are ignored.
    ///
    /// # Errors
    ///
    /// Those of [`presign`](Self::presign), and [`RegionSet`](ErrorKind::RegionSet) where the
    /// overrides name several regions and the signer is one of SigV4.
    pub fn presign_with<R: Signable>(
        &self,
        request: &R,
        options: impl Into<PresignOptions>,
        credentials: &Credentials,
        now: SystemTime,
        overrides: &SigningOverrides,
    ) -> Result<Presigned, Error> {
        let (scope, time) = (self.scope(Some(overrides))?, Timestamp::new(now)?);
        self.presign_link(scope, request, &options.into(), credentials, &time)
    }

    /// Tells what [`presign`](Self::presign) would sign, to be compared with what a server
    /// expected.
    ///
    /// # Errors
    ///
    /// Those of [`presign`](Self::presign).
    pub fn trace_presign<R: Signable>(
        &self,
        request: &R,
        options: impl Into<PresignOptions>,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<SigningTrace, Error> {
        let (scope, time) = (self.scope(None)?, Timestamp::new(now)?);
        let (options, view) = (options.into(), View::new(request)?);
        check_absolute(&view)?;
        self.presign_canonical(
            scope,
            &view,
            options.payload,
            &options,
            credentials,
            &time,
            |canonical, _| SigningTrace::new(canonical, &scope, credentials, &time, view.headers),
        )
    }

    fn presign_link<R: Signable>(
        &self,
        scope: Scope<'_>,
        request: &R,
        options: &PresignOptions,
        credentials: &Credentials,
        time: &Timestamp,
    ) -> Result<Presigned, Error> {
        let view = View::new(request)?;
        check_absolute(&view)?;
        self.presign_canonical(
            scope,
            &view,
            options.payload,
            options,
            credentials,
            time,
            |_, url| Ok(url.into_presigned(time)),
        )
    }

    /// Computes a signature for the query, and what goes with it. `covered` is the payload; where
    /// it is `None`, what the service expects of a URL that is handed on.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are what signing takes, and what is made of it"
    )]
    pub(crate) fn presign_canonical<T>(
        &self,
        scope: Scope<'_>,
        view: &View<'_>,
        covered: Option<Payload<'_>>,
        options: &PresignOptions,
        credentials: &Credentials,
        time: &Timestamp,
        use_it: impl FnOnce(&CanonicalRequest<'_>, QuerySigned<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let signing = self.options();
        let lifetime = options.lifetime(time, credentials)?;
        let payload = match covered {
            Some(payload) => payload,
            None if scope.rules.presigns_unsigned_payload => Payload::Unsigned,
            None => Payload::EMPTY,
        };
        let digest = scope.digest(view, payload)?;

        let (hoisted, kept) = split_hoisted(view.headers, options.hoist);
        let kept = View {
            headers: kept.as_ref().unwrap_or(view.headers),
            ..*view
        };
        let mut headers = SignedHeaders::new();
        let rules = signing.headers.of(kept.headers);
        let mut stream = StreamHead::default();
        let own = read_headers(&kept, payload, &rules, &mut stream, &mut headers);
        stream.push_to(&mut headers, &rules);
        own.authorization.check(signing.existing)?;
        // Without it in a header these services take every presigned payload for unsigned, and
        // Lattice takes none without it.
        let sends_digest = match covered {
            _ if options.content_sha256 == ContentSha256::Always => true,
            _ if options.content_sha256 == ContentSha256::Never => false,
            _ if scope.rules.unsigned_payload == UnsignedPayload::Always => true,
            Some(Payload::Unsigned) => !scope.rules.presigns_unsigned_payload,
            Some(_) => scope.rules.needs_content_sha256,
            None => false,
        };
        let sent_digest = sends_digest.then_some(&digest);
        if let Some(digest) = sent_digest {
            headers.push("x-amz-content-sha256", digest.as_bytes());
        }
        let names = {
            let mut headers = headers.clone();
            headers.push("host", b"");
            headers.sort();
            headers.names_text()
        };

        let credential = credentials.with_key(time, scope.key(), |key| {
            Ok(format!("{}/{}", credentials.access_key_id(), key.scope()))
        })?;
        let expires = lifetime.as_secs().to_string();
        let token_mode = signing.token_mode(scope.rules);
        let token = credentials
            .session_token()
            .filter(|_| token_mode != SessionTokenMode::Omitted);
        let token_name = if scope.rules.token_header == names::X_AMZ_S3SESSION_TOKEN {
            "X-Amz-S3session-Token"
        } else {
            "X-Amz-Security-Token"
        };
        let mut added: Vec<(&str, &[u8])> = vec![
            ("X-Amz-Algorithm", scope.algorithm.name().as_bytes()),
            ("X-Amz-Credential", credential.as_bytes()),
            ("X-Amz-Date", time.as_bytes()),
            ("X-Amz-Expires", expires.as_bytes()),
            ("X-Amz-SignedHeaders", &names),
        ];
        if let Some(region_set) = scope.region_set() {
            added.push(("X-Amz-Region-Set", region_set.as_bytes()));
        }
        if let Some(token) = token.filter(|_| token_mode == SessionTokenMode::Signed) {
            added.push((token_name, token.as_bytes()));
        }
        added.extend(
            hoisted
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice())),
        );

        let target = Target::new(view, &scope, signing.wire, &added)?;
        if signing.wire == WireForm::RefuseIfDifferent {
            Target::new(view, &scope, signing.wire, &[])?.check_but_for_signature(view)?;
        }
        let host = target.host(view, own.host)?;
        headers.push("host", host.as_bytes());
        headers.sort();
        let canonical = CanonicalRequest {
            method: view.method.as_str(),
            path: &target.path,
            query: &target.query.text,
            headers: &headers,
            signed_headers: &names,
            payload: &digest,
        };

        let signature = credentials.with_key(time, scope.key(), |key| canonical.sign(time, key))?;
        let mut query = target.query.text.to_string();
        if let Some(token) = token.filter(|_| token_mode == SessionTokenMode::Appended) {
            let token =
                percent_encoding::percent_encode(token.as_bytes(), crate::canonical::RESERVED);
            query.extend(["&", token_name, "="].into_iter().chain(token));
        }
        query.push_str("&X-Amz-Signature=");
        query.push_str(signature.as_str());

        let uri = target.uri(view, &query)?;
        let signed = QuerySigned {
            uri,
            signature,
            lifetime,
            view,
            headers: &headers,
            host,
            stream: &stream,
            digest: sent_digest,
        };
        use_it(&canonical, signed)
    }
}

/// A request whose signature is in its query.
pub(crate) struct QuerySigned<'a> {
    pub(crate) uri: Uri,
    #[cfg_attr(
        not(feature = "runtime"),
        expect(dead_code, reason = "a link has it in its URL")
    )]
    pub(crate) signature: Signature,
    lifetime: Duration,
    view: &'a View<'a>,
    headers: &'a SignedHeaders<'a>,
    host: &'a str,
    pub(crate) stream: &'a StreamHead,
    /// What is sent as `x-amz-content-sha256`.
    pub(crate) digest: Option<&'a PayloadDigest>,
}

impl QuerySigned<'_> {
    fn into_presigned(self, time: &Timestamp) -> Presigned {
        Presigned {
            method: self.view.method.clone(),
            headers: self.headers_to_send(),
            uri: self.uri,
            expires_at: time.time() + self.lifetime,
        }
    }

    /// Returns the signed headers as the holder of a URL has to send them.
    fn headers_to_send(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for name in self.headers.names().filter(|name| *name != "host") {
            let changed = self.stream.value(name);
            let given = self.view.headers.get_all(name).iter();
            for value in changed
                .into_iter()
                .chain(given.filter(|_| changed.is_none()))
            {
                let name = HeaderName::from_bytes(name.as_bytes()).expect("it was a header's name");
                headers.append(name, value.clone());
            }
        }
        if let Some(digest) = self.digest {
            headers.insert(names::X_AMZ_CONTENT_SHA256, digest.header_value());
        }
        if self.uri.authority().map(Authority::as_str) != Some(self.host) {
            let host = HeaderValue::from_str(self.host).expect("a host is visible ASCII");
            headers.insert(header::HOST, host);
        }
        headers
    }
}

/// Refuses what would be no link.
fn check_absolute(view: &View<'_>) -> Result<(), Error> {
    if view.uri.scheme().is_none() || view.uri.authority().is_none() {
        Err(RELATIVE)
    } else {
        Ok(())
    }
}

/// Says how a URL is presigned. A [`Duration`] converts into it.
#[derive(Clone, Debug)]
#[must_use]
pub struct PresignOptions {
    expires_in: Duration,
    clamp: bool,
    pub(crate) hoist: bool,
    payload: Option<Payload<'static>>,
    content_sha256: ContentSha256,
}

impl PresignOptions {
    /// Begins options for URLs with this lifetime, rounded down to whole seconds; at most
    /// [`MAX_LIFETIME`](Self::MAX_LIFETIME).
    pub const fn expires_in(expires_in: Duration) -> Self {
        Self {
            expires_in,
            clamp: false,
            hoist: false,
            payload: None,
            content_sha256: ContentSha256::Auto,
        }
    }

    /// The longest that AWS lets a presigned URL live: seven days, which is 604800 s.
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
    pub const MAX_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

    /// Shortens the lifetime of the URL to that of the credentials, where it would be longer.
    /// Default: such a URL is an error, since it would stop working before its time.
    pub const fn clamp_to_credentials(mut self) -> Self {
        self.clamp = true;
        self
    }

    /// Moves `x-amz-*` headers into the query, so that the holder need not send them; except those
    /// that the SDK for Go keeps as headers: `x-amz-acl`, `-copy-source*`,
    /// `-expected-bucket-owner`, `-grant-*`, `-meta-*`, `-mfa`, `-object-lock-*`, `-request-payer`,
    /// `-server-side-encryption*`, `-storage-class`, `-tagging*` and `-website-redirect-location`.
    /// Default: all stay headers.
    pub const fn hoist_headers(mut self) -> Self {
        self.hoist = true;
        self
    }

    /// Covers a body with this SHA-256. For S3 and its kin the holder then has to send it as
    /// `x-amz-content-sha256`. Default: S3 and its kin cover no body, the others an empty one.
    pub const fn payload_sha256(mut self, hash: [u8; 32]) -> Self {
        self.payload = Some(Payload::Sha256(hash));
        self
    }

    /// Covers a body by the text that stands in place of its hash, as
    /// [`payload_sha256`](Self::payload_sha256) does by a hash.
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
    pub const fn payload_literal(mut self, literal: PayloadLiteral) -> Self {
        self.payload = Some(Payload::Literal(literal));
        self
    }

    /// Sets whether the holder has to send `x-amz-content-sha256`. Default: where the service needs
    /// it to tell what is covered of a body. What the [`Signer`] does by default is not meant for
    /// URLs and makes no difference here.
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
    pub const fn content_sha256(mut self, content_sha256: ContentSha256) -> Self {
        self.content_sha256 = content_sha256;
        self
    }

    /// Returns how long what is signed now may hold.
    pub(crate) fn lifetime(
        &self,
        now: &Timestamp,
        credentials: &Credentials,
    ) -> Result<Duration, Error> {
        let wanted = Duration::from_secs(self.expires_in.as_secs());
        if wanted.is_zero() || self.expires_in > Self::MAX_LIFETIME {
            return Err(LIFETIME);
        }
        let Some(end) = credentials.expires_at() else {
            return Ok(wanted);
        };
        let left = end.duration_since(now.time()).unwrap_or_default();
        let left = Duration::from_secs(left.as_secs());
        if left.is_zero() {
            Err(EXPIRED)
        } else if left >= wanted {
            Ok(wanted)
        } else if self.clamp {
            Ok(left)
        } else {
            Err(OUTLIVES)
        }
    }
}

impl From<Duration> for PresignOptions {
    fn from(expires_in: Duration) -> Self {
        Self::expires_in(expires_in)
    }
}

/// A presigned request: a URL that is a credential until it expires.
///
/// `Debug` shows neither the URL nor the values of the headers, and there is no `Display`, so that
/// it does not end up in a log by accident. [`uri`](Self::uri) is the way to get at it.
#[derive(Clone)]
pub struct Presigned {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    expires_at: SystemTime,
}

impl Presigned {
    /// Returns the method that the holder has to use.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the URL.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the headers that the holder has to send with these values. `host` is among them only
    /// where it is another than the URL's.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the signature in hex, the last parameter of the URL.
    ///
    /// It is a part of the credential that the URL is. The first message of an event stream over
    /// a WebSocket is signed with it as the signature before.
    #[must_use]
    pub fn signature(&self) -> &str {
        let query = self.uri.query().unwrap_or_default();
        query
            .rsplit_once('=')
            .map_or(query, |(_, signature)| signature)
    }

    /// Returns when the URL stops working, in whole seconds: the signing time and the lifetime. The
    /// service's clock counts.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }
}

impl fmt::Debug for Presigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presigned")
            .field("method", &self.method)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Parameters that were headers: name and value.
type Hoisted = Vec<(String, Vec<u8>)>;

/// Takes the headers that move into the query from the others, and returns the others if there are
/// such.
fn split_hoisted(headers: &HeaderMap, hoist: bool) -> (Hoisted, Option<HeaderMap>) {
    if !hoist {
        return (Hoisted::new(), None);
    }
    let mut kept = headers.clone();
    let mut hoisted = Hoisted::new();
    for (name, value) in headers {
        if is_hoistable(name) {
            hoisted.push((title_case(name), value.as_bytes().trim_ascii().to_vec()));
            kept.remove(name);
        }
    }
    (hoisted, Some(kept))
}

/// After `RequiredSignedHeaders` of the SDK for Go, which S3 accepts.
pub(crate) fn is_hoistable(name: &HeaderName) -> bool {
    const HEADERS_ONLY: [&str; 14] = [
        "x-amz-acl",
        "x-amz-copy-source",
        // This one and the trailer tell how a body is sent.
        "x-amz-decoded-content-length",
        "x-amz-expected-bucket-owner",
        "x-amz-grant-",
        "x-amz-meta-",
        "x-amz-mfa",
        "x-amz-object-lock-",
        "x-amz-request-payer",
        "x-amz-server-side-encryption",
        "x-amz-storage-class",
        "x-amz-tagging",
        "x-amz-trailer",
        "x-amz-website-redirect-location",
    ];
    let name = name.as_str();
    // A header named like a parameter of the signature would become a second one of that name.
    name.starts_with("x-amz-")
        && !names::is_own_header(name)
        && !names::is_own_parameter(name.as_bytes())
        && !HEADERS_ONLY.iter().any(|prefix| name.starts_with(prefix))
}

fn title_case(name: &HeaderName) -> String {
    let mut after_hyphen = true;
    let title = |letter: char| {
        let begins = std::mem::replace(&mut after_hyphen, letter == '-');
        if begins {
            letter.to_ascii_uppercase()
        } else {
            letter
        }
    };
    name.as_str().chars().map(title).collect()
}

const LIFETIME: Error = Error::new(
    ErrorKind::Expiry,
    "a presigned URL, token or form lives for at least a second and at most seven days (604800 s)",
);
const EXPIRED: Error = Error::new(
    ErrorKind::Expiry,
    "the credentials have expired; what is presigned with them would never work",
);
const OUTLIVES: Error = Error::new(
    ErrorKind::Expiry,
    "what is presigned would outlive the credentials and stop working before its time; \
     ask for less, or clamp it to the credentials",
);
const RELATIVE: Error = Error::new(
    ErrorKind::RequestTarget,
    "a presigned URL needs a scheme and an authority; give the request an absolute URI",
);
