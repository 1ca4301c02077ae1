//! [`Signer`]: what is to be signed and how, decided once; then applied to any number of requests.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::algorithm::Algorithm;
use crate::canonical::headers::SignedHeaders;
use crate::canonical::request::CanonicalRequest;
use crate::credentials::Credentials;
use crate::date::Timestamp;
use crate::error::ConfigError;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::header_rules::HeaderRules;
use crate::overrides::SigningOverrides;
use crate::payload::Payload;
use crate::prepared::Added;
use crate::prepared::AuthorizationText;
use crate::prepared::Prepared;
use crate::prepared::read_headers;
use crate::request::Signable;
use crate::rules::ContentSha256;
use crate::rules::ExistingAuthorization;
use crate::rules::PlusPolicy;
use crate::rules::SessionTokenMode;
use crate::rules::SigningRules;
use crate::rules::WireForm;
use crate::scope::Region;
use crate::scope::Scope;
use crate::scope::Service;
use crate::signed::Signed;
#[cfg(feature = "sigv4a")]
use crate::sigv4a::EcdsaBackend;
use crate::stream::head::StreamHead;
use crate::stream::seed::StreamSeed;
use crate::target::OwnHeaders;
use crate::target::Target;
use crate::target::View;
use crate::trace::SigningTrace;

/// Signs requests to one service in one region.
///
/// A signer is immutable and cheap to clone. It holds no credentials and reads no clock: both are
/// arguments, so that signing is a pure function that always gives the same answer.
///
/// ```
/// use std::time::SystemTime;
/// use sigv4_core::{Credentials, Payload, Signer};
///
/// let signer = Signer::builder("bedrock", "us-east-1").build()?;
/// let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
///
/// let body = br#"{"messages":[]}"#;
/// let mut request = http::Request::post(
///     "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1:0/converse",
/// )
/// .header("content-type", "application/json")
/// .body(&body[..])?;
///
/// signer.sign(&mut request, Payload::Bytes(body), &credentials, SystemTime::now())?;
/// assert!(request.headers().contains_key("authorization"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Signer {
    config: Arc<Config>,
}

impl Signer {
    /// Begins a signer for a service, by its signing name (`s3`, `bedrock`, `execute-api`), and a
    /// region (`us-east-1`).
    pub fn builder(service: impl Into<String>, region: impl Into<String>) -> SignerBuilder {
        let service = service.into();
        let options = Options {
            rules: SigningRules::for_service(&service),
            wire: WireForm::default(),
            plus: None,
            headers: HeaderRules::default(),
            existing: ExistingAuthorization::default(),
            content_sha256: ContentSha256::default(),
            session_token: None,
        };
        SignerBuilder {
            service,
            region: region.into(),
            algorithm: Algorithm::V4,
            options,
        }
    }

    /// Signs a request by its `Authorization` header.
    ///
    /// Adds `authorization`, `x-amz-date`, the session token of temporary credentials, and
    /// `x-amz-content-sha256` where the service wants it, and puts the URI into its
    /// [canonical form](WireForm::Canonical). Signing again replaces all that.
    ///
    /// `payload` says what the body is; `now` is the signing time, in whole seconds. Most services
    /// take one that is up to 5 minutes off, S3 and some others up to 15.
    ///
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
    ///
    /// # Errors
    ///
    /// When the request cannot be signed as it is. It is then unchanged.
    ///
    /// - [`RequestTarget`](ErrorKind::RequestTarget), [`MissingHost`](ErrorKind::MissingHost),
    ///   [`InvalidHost`](ErrorKind::InvalidHost), [`TooManyHeaders`](ErrorKind::TooManyHeaders),
    ///   [`ExistingAuthorization`](ErrorKind::ExistingAuthorization): for what the request is.
    /// - [`AmbiguousPlus`](ErrorKind::AmbiguousPlus), [`NotCanonical`](ErrorKind::NotCanonical):
    ///   where the signer was told to refuse that.
    /// - [`Payload`](ErrorKind::Payload), [`LengthRequired`](ErrorKind::LengthRequired),
    ///   [`BodyLength`](ErrorKind::BodyLength): where the service does not take the payload so, or
    ///   the headers contradict it.
    /// - [`Time`](ErrorKind::Time); with SigV4A [`Ecdsa`](ErrorKind::Ecdsa).
    pub fn sign<R: Signable>(
        &self,
        request: &mut R,
        payload: Payload<'_>,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<Signed, Error> {
        self.sign_scope(self.scope(None)?, request, payload, credentials, now)
    }

    /// Signs a request as [`sign`](Self::sign) does, with per-request overrides.
    ///
    /// Service, region and the meaning of `+` are taken from them. `do_not_sign` and the payload
    /// mode are for the adapters; this method ignores them.
    ///
    /// # Errors
    ///
    /// Those of [`sign`](Self::sign), and [`RegionSet`](ErrorKind::RegionSet) where the overrides
    /// name several regions and the signer is one of SigV4. The request is then unchanged.
    pub fn sign_with<R: Signable>(
        &self,
        request: &mut R,
        payload: Payload<'_>,
        credentials: &Credentials,
        now: SystemTime,
        overrides: &SigningOverrides,
    ) -> Result<Signed, Error> {
        self.sign_scope(
            self.scope(Some(overrides))?,
            request,
            payload,
            credentials,
            now,
        )
    }

    /// Tells what [`sign`](Self::sign) would sign, to be compared with what a server expected.
    ///
    /// An `Authorization` header that [is kept](ExistingAuthorization::DangerKeep) makes no
    /// difference here.
    ///
    /// # Errors
    ///
    /// Those of [`sign`](Self::sign).
    pub fn trace<R: Signable>(
        &self,
        request: &R,
        payload: Payload<'_>,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<SigningTrace, Error> {
        self.trace_scope(self.scope(None)?, request, payload, credentials, now)
    }

    /// Tells what [`sign_with`](Self::sign_with) would sign.
    ///
    /// # Errors
    ///
    /// Those of [`sign_with`](Self::sign_with).
    pub fn trace_with<R: Signable>(
        &self,
        request: &R,
        payload: Payload<'_>,
        credentials: &Credentials,
        now: SystemTime,
        overrides: &SigningOverrides,
    ) -> Result<SigningTrace, Error> {
        self.trace_scope(
            self.scope(Some(overrides))?,
            request,
            payload,
            credentials,
            now,
        )
    }

    /// Returns the signing name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        self.config.service.as_str()
    }

    /// Returns the region; with SigV4A, the set of regions.
    #[must_use]
    pub fn region(&self) -> &str {
        self.config.region.as_str()
    }

    /// Returns the name of the algorithm, as `Authorization` has it: `AWS4-HMAC-SHA256`, or
    /// `AWS4-ECDSA-P256-SHA256` for SigV4A.
    #[must_use]
    pub fn algorithm_name(&self) -> &'static str {
        self.config.algorithm.name()
    }

    /// Returns the rules of the service.
    #[must_use]
    pub fn rules(&self) -> &SigningRules {
        &self.config.options.rules
    }

    /// Returns how a raw `+` in a query is read, where that was [said](SignerBuilder::plus).
    ///
    /// For adapters to clients whose query builders give the sign a meaning of their own.
    #[must_use]
    pub fn plus_policy(&self) -> Option<PlusPolicy> {
        self.options().plus
    }

    /// Returns what a signature is for.
    pub(crate) fn scope<'a>(
        &'a self,
        overrides: Option<&'a SigningOverrides>,
    ) -> Result<Scope<'a>, Error> {
        let config = &*self.config;
        let options = &config.options;
        let service = overrides.and_then(SigningOverrides::of_service);
        let (service, rules) = service.unwrap_or((&config.service, &options.rules));
        let region = overrides
            .and_then(SigningOverrides::of_region)
            .unwrap_or(&config.region);
        if region.is_set() && config.algorithm.is_regional() {
            return Err(REGION_SET);
        }
        let plus = overrides
            .and_then(SigningOverrides::plus_policy)
            .or(options.plus);
        Ok(Scope {
            algorithm: config.algorithm,
            service: service.as_str(),
            region: region.as_str(),
            rules,
            plus: plus.unwrap_or(rules.plus),
        })
    }

    /// Returns the rules that a request is signed by.
    #[cfg(feature = "runtime")]
    pub(crate) fn rules_with<'a>(
        &'a self,
        overrides: Option<&'a SigningOverrides>,
    ) -> &'a SigningRules {
        let service = overrides.and_then(SigningOverrides::of_service);
        service.map_or_else(|| self.rules(), |(_, rules)| rules)
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.config.algorithm
    }

    pub(crate) fn options(&self) -> &Options {
        &self.config.options
    }

    fn trace_scope<R: Signable>(
        &self,
        scope: Scope<'_>,
        request: &R,
        payload: Payload<'_>,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<SigningTrace, Error> {
        let time = Timestamp::new(now)?;
        let view = View::new(request)?;
        let mut headers = SignedHeaders::new();
        let rules = self.options().headers.of(view.headers);
        let mut stream = payload.head(scope.algorithm, view.headers)?;
        let own = read_headers(&view, payload, &rules, &mut stream, &mut headers);
        own.authorization.check(self.options().existing)?;
        let added = self.added(&scope, &view, &own, payload, stream, credentials)?;
        let target = self.target(&scope, &view)?;
        headers.push("host", target.host(&view, own.host)?.as_bytes());
        added.push_to(&mut headers, &time, &rules);
        target.rewritten(&view, self.options().wire)?;
        let canonical = CanonicalRequest {
            method: view.method.as_str(),
            path: &target.path,
            query: &target.query.text,
            headers: &headers,
            signed_headers: &headers.names_text(),
            payload: &added.digest,
        };
        SigningTrace::new(&canonical, &scope, credentials, &time, view.headers)
    }

    fn sign_scope<R: Signable>(
        &self,
        scope: Scope<'_>,
        request: &mut R,
        payload: Payload<'_>,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<Signed, Error> {
        let time = Timestamp::new(now)?;
        let view = View::new(request)?;
        let Some(prepared) = self.prepare(&scope, &view, payload, credentials, &time)? else {
            return Ok(Signed {
                signature: None,
                time,
                seed: None,
            });
        };
        Ok(prepared.apply(request, time))
    }

    /// Computes everything that signing changes, and changes nothing yet.
    fn prepare<'a>(
        &self,
        scope: &Scope<'a>,
        view: &View<'_>,
        payload: Payload<'_>,
        credentials: &'a Credentials,
        time: &Timestamp,
    ) -> Result<Option<Prepared<'a>>, Error> {
        let options = self.options();
        let mut headers = SignedHeaders::new();
        let rules = options.headers.of(view.headers);
        let mut stream = payload.head(scope.algorithm, view.headers)?;
        let own = read_headers(view, payload, &rules, &mut stream, &mut headers);
        if own.authorization.check(options.existing)? {
            return Ok(None);
        }
        let added = self.added(scope, view, &own, payload, stream, credentials)?;
        let target = self.target(scope, view)?;
        headers.push("host", target.host(view, own.host)?.as_bytes());
        added.push_to(&mut headers, time, &rules);
        let uri = target.rewritten(view, options.wire)?;
        let mut seed = None;
        let (signature, authorization) = credentials.with_key(time, scope.key(), |key| {
            let authorization = AuthorizationText::new(key, &headers);
            let canonical = CanonicalRequest {
                method: view.method.as_str(),
                path: &target.path,
                query: &target.query.text,
                headers: &headers,
                signed_headers: authorization.signed_headers(),
                payload: &added.digest,
            };
            let signature = canonical.sign(time, key)?;
            if let Some(payload) = payload.stream() {
                seed = Some(StreamSeed::new(credentials, key, payload));
            }
            let authorization = authorization.finish(&signature);
            Ok((signature, authorization))
        })?;
        Ok(Some(Prepared {
            signature,
            seed,
            authorization,
            uri,
            added,
        }))
    }

    /// Decides what is sent beside the signature.
    fn added<'a>(
        &self,
        scope: &Scope<'a>,
        view: &View<'_>,
        own: &OwnHeaders<'_>,
        payload: Payload<'_>,
        stream: StreamHead,
        credentials: &'a Credentials,
    ) -> Result<Added<'a>, Error> {
        let options = self.options();
        let token_mode = options.token_mode(scope.rules);
        Ok(Added {
            region_set: scope.region_set(),
            replaces_region_set: own.has_region_set,
            digest: scope.digest(view, payload)?,
            stream,
            sends_digest: match options.content_sha256 {
                // Without it nobody would know what kind of body it is.
                _ if payload.is_streamed() => true,
                ContentSha256::Always => true,
                ContentSha256::Never => false,
                ContentSha256::Auto => {
                    scope.rules.needs_content_sha256
                        || matches!(payload, Payload::Unsigned)
                        || own.has_content_sha256
                }
            },
            token: credentials
                .session_token()
                .filter(|_| token_mode != SessionTokenMode::Omitted)
                .map(|token| (&scope.rules.token_header, token)),
            signs_token: token_mode == SessionTokenMode::Signed,
            replaces_digest: own.has_content_sha256,
            replaces_token: own.has_token,
        })
    }

    /// Brings the target of a request into canonical form for header placement.
    fn target<'a>(&self, scope: &Scope<'_>, view: &View<'a>) -> Result<Target<'a>, Error> {
        let wire = self.options().wire;
        let target = Target::new(view, scope, wire, &[])?;
        if target.query.was_signed && wire != WireForm::Canonical {
            return Err(SIGNED_QUERY);
        }
        Ok(target)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("service", &self.service())
            .field("region", &self.region())
            .finish_non_exhaustive()
    }
}

/// Decides how a [`Signer`] signs. Everything has a default; see each method.
#[derive(Clone, Debug)]
#[must_use]
pub struct SignerBuilder {
    service: String,
    region: String,
    algorithm: Algorithm,
    options: Options,
}

impl SignerBuilder {
    /// Signs with SigV4A, which covers a set of regions: the region that was given is then a list
    /// with commas (`us-east-1,us-west-2`), or `*` for all. Default: SigV4, for one region.
    ///
    /// For multi-region access points of S3, global endpoints of EventBridge, key-value stores of
    /// CloudFront, and whatever else AWS says needs it.
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html>
    ///
    /// ```
    /// use sigv4_core::{EcdsaBackend, Signer};
    ///
    /// // For bucket `mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com`.
    /// let signer = Signer::builder("s3", "*").sigv4a(EcdsaBackend::P256).build()?;
    /// # Ok::<(), sigv4_core::ConfigError>(())
    /// ```
    #[cfg(feature = "sigv4a")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sigv4a")))]
    pub fn sigv4a(mut self, backend: EcdsaBackend) -> Self {
        self.algorithm = Algorithm::V4a(backend);
        self
    }

    /// Sets the rules of the service. Default: [those of its name](SigningRules::for_service).
    pub fn rules(mut self, rules: SigningRules) -> Self {
        self.options.rules = rules;
        self
    }

    /// Sets what becomes of a URI that is not in canonical form. Default:
    /// [`WireForm::Canonical`], which replaces it.
    pub fn wire_form(mut self, wire: WireForm) -> Self {
        self.options.wire = wire;
        self
    }

    /// Sets what a raw `+` in a query means. Default: as the [rules](SigningRules::plus) of the
    /// service have it, which is a plus for the S3 family and else a space.
    pub fn plus(mut self, plus: PlusPolicy) -> Self {
        self.options.plus = Some(plus);
        self
    }

    /// Sets which headers are signed. Default: [`HeaderRules::minimal`].
    pub fn headers(mut self, headers: HeaderRules) -> Self {
        self.options.headers = headers;
        self
    }

    /// Sets what becomes of an `Authorization` header that is there already. Default:
    /// [`ExistingAuthorization::ReplaceOwn`].
    pub fn existing_authorization(mut self, existing: ExistingAuthorization) -> Self {
        self.options.existing = existing;
        self
    }

    /// Sets whether `x-amz-content-sha256` is sent. Default: [`ContentSha256::Auto`].
    pub fn content_sha256(mut self, content_sha256: ContentSha256) -> Self {
        self.options.content_sha256 = content_sha256;
        self
    }

    /// Sets where the session token goes. Default: it is signed, except for the services that want
    /// it [otherwise](SigningRules::session_token): `iotdevicegateway`.
    pub fn session_token(mut self, session_token: SessionTokenMode) -> Self {
        self.options.session_token = Some(session_token);
        self
    }

    /// Makes the signer.
    ///
    /// # Errors
    ///
    /// When the service or the region is not a valid name of one; a set of regions is, with SigV4A.
    /// [`field`](ConfigError::field) says which.
    pub fn build(self) -> Result<Signer, ConfigError> {
        let service = Service::new(&self.service)?;
        let region = match self.algorithm {
            Algorithm::V4 => Region::new(&self.region)?,
            #[cfg(feature = "sigv4a")]
            Algorithm::V4a(_) => Region::set(&self.region)?,
        };
        Ok(Signer {
            config: Arc::new(Config {
                service,
                region,
                algorithm: self.algorithm,
                options: self.options,
            }),
        })
    }
}

#[derive(Clone)]
struct Config {
    service: Service,
    region: Region,
    algorithm: Algorithm,
    options: Options,
}

/// How a signer signs, apart from what it signs for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    rules: SigningRules,
    pub(crate) wire: WireForm,
    plus: Option<PlusPolicy>,
    pub(crate) headers: HeaderRules,
    pub(crate) existing: ExistingAuthorization,
    content_sha256: ContentSha256,
    session_token: Option<SessionTokenMode>,
}

impl Options {
    pub(crate) fn token_mode(&self, rules: &SigningRules) -> SessionTokenMode {
        self.session_token.unwrap_or(rules.session_token)
    }
}

const REGION_SET: Error = Error::new(
    ErrorKind::RegionSet,
    "a set of regions was given for one request, which SigV4 cannot sign for; \
     give one region, or build the signer with SigV4A",
);
const SIGNED_QUERY: Error = Error::new(
    ErrorKind::ExistingAuthorization,
    "the query carries X-Amz-* authentication and the wire form forbids removing it; \
     sign the URL without it",
);
