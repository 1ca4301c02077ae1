//! [`Authorizer`]: everything that is decided between a request that arrives and one that is
//! signed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::overrides::PayloadMode;
use crate::overrides::SigningOverrides;
use crate::payload::Payload;
use crate::presign::PresignOptions;
use crate::presign::Presigned;
use crate::request::Signable;
use crate::rules::UnsignedPayload;
use crate::runtime::CachedCredentials;
use crate::runtime::Clock;
use crate::runtime::CredentialsCache;
use crate::runtime::CredentialsGuard;
use crate::runtime::HostScope;
use crate::runtime::Placement;
use crate::runtime::Runtime;
use crate::runtime::SigningReceipt;
use crate::runtime::adapter;
use crate::runtime::placement::NO_STREAM_IN_QUERY;
use crate::runtime::receipt;
use crate::runtime::recovery::Circumstances;
use crate::runtime::recovery::Learning;
use crate::runtime::recovery::Skew;
use crate::scope::UNSIGNED_REFUSED;
use crate::signed::Signed;
use crate::signer::Signer;
use crate::stream;
use crate::target::View;

/// Signs requests with credentials that keep themselves fresh, for the hosts that may be signed
/// for.
///
/// The adapters `sigv4-tower` and `sigv4-reqwest` hold one. Cloning is cheap, and clones share the
/// credentials. To sign without an adapter:
///
/// ```
/// # use sigv4_core::{Credentials, Signer};
/// # use sigv4_core::runtime::{Authorizer, CredentialsCache, HostScope};
/// use sigv4_core::Payload;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let signer = Signer::builder("sqs", "us-east-1").build()?;
/// # let scope = HostScope::exact(["sqs.us-east-1.amazonaws.com"])?;
/// # let authorizer = Authorizer::builder(signer, CredentialsCache::new(credentials), scope).build();
/// let mut request = http::Request::get("https://sqs.us-east-1.amazonaws.com/").body(())?;
/// authorizer.authorize(&mut request, Payload::EMPTY).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Authorizer {
    inner: Arc<AuthorizerBuilder>,
}

impl Authorizer {
    /// Begins an authorizer. The host scope says where signatures may go; there is no default.
    pub fn builder(
        signer: Signer,
        credentials: CredentialsCache,
        scope: HostScope,
    ) -> AuthorizerBuilder {
        AuthorizerBuilder {
            signer,
            credentials,
            scope,
            clock: None,
            payload: PayloadMode::default(),
            placement: Placement::default(),
            body_limit: DEFAULT_BODY_LIMIT,
            learning: Learning::new(),
            on_signed: None,
        }
    }

    /// Signs a request whose body is known.
    ///
    /// Returns `None` for a request that keeps its `Authorization` header and is not signed, as
    /// [`ExistingAuthorization::DangerKeep`](crate::ExistingAuthorization::DangerKeep) allows.
    ///
    /// A body that is signed as it passes is encoded by what
    /// [`Authorized::signed`] gives for it.
    ///
    /// # Errors
    ///
    /// Those of [`plan`](Self::plan), [`credentials`](Self::credentials) and [`sign`](Self::sign).
    /// The request is then unchanged.
    ///
    /// # Cancel safety
    ///
    /// The request is changed when the future completes, and not before.
    pub async fn authorize<R: Signable>(
        &self,
        request: &mut R,
        payload: Payload<'_>,
    ) -> Result<Option<Authorized>, Error> {
        match self.plan(request, None)? {
            Plan::PassOn => Ok(None),
            Plan::Sign(_) => {
                let credentials = self.credentials().await?;
                self.sign(request, payload, &credentials, None)
            }
        }
    }

    /// Makes a URL that authorises a request like the given one, by the credentials of the cache, if
    /// its host is in scope. What [`Signer::presign`] says holds here.
    ///
    /// Credentials of the cache may end soon:
    /// [`PresignOptions::clamp_to_credentials`](crate::PresignOptions::clamp_to_credentials) gives
    /// URLs that hold as long as they do.
    ///
    /// ```
    /// # use sigv4_core::runtime::Authorizer;
    /// use std::time::Duration;
    /// use sigv4_core::PresignOptions;
    ///
    /// # async fn example(authorizer: Authorizer) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = http::Request::get("https://bucket.s3.us-east-1.amazonaws.com/key").body(())?;
    /// let options = PresignOptions::expires_in(Duration::from_secs(900)).clamp_to_credentials();
    /// let link = authorizer.presign(&request, options).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OutOfScope`](crate::ErrorKind::OutOfScope) when its host is not in scope,
    /// [`Credentials`](crate::ErrorKind::Credentials) when there are none, and those of
    /// [`Signer::presign`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn presign<R: Signable>(
        &self,
        request: &R,
        options: impl Into<PresignOptions>,
    ) -> Result<Presigned, Error> {
        let inner = &*self.inner;
        inner.scope.check(request.uri(), request.headers())?;
        let options = options.into();
        let cached = self.credentials().await?;
        let (credentials, now) = (cached.credentials(), self.now());
        inner.signer.presign(request, options, credentials, now)
    }

    /// Decides whether a request may be signed, and what has to be known of its body for that.
    ///
    /// The first of the three steps an adapter takes: this, then [`credentials`](Self::credentials)
    /// or [`fresh_credentials`](Self::fresh_credentials), then [`sign`](Self::sign).
    ///
    /// # Errors
    ///
    /// - [`OutOfScope`](crate::ErrorKind::OutOfScope),
    ///   [`MissingHost`](crate::ErrorKind::MissingHost),
    ///   [`InvalidHost`](crate::ErrorKind::InvalidHost): by the [host scope](HostScope::check).
    /// - [`RequestTarget`](crate::ErrorKind::RequestTarget),
    ///   [`TooManyHeaders`](crate::ErrorKind::TooManyHeaders),
    ///   [`ExistingAuthorization`](crate::ErrorKind::ExistingAuthorization): such a request cannot be
    ///   signed.
    /// - [`Payload`](crate::ErrorKind::Payload): its service or the [`Placement`] does not take the
    ///   payload mode, or its body is encoded for another signature.
    /// - [`RegionSet`](crate::ErrorKind::RegionSet): the overrides name several regions for SigV4.
    pub fn plan<R: Signable>(
        &self,
        request: &R,
        overrides: Option<&SigningOverrides>,
    ) -> Result<Plan, Error> {
        if overrides.is_some_and(|overrides| !overrides.signs()) {
            return Ok(Plan::PassOn);
        }
        let inner = &*self.inner;
        inner.scope.check(request.uri(), request.headers())?;
        let view = View::new(request)?;
        if view.check_authorization(inner.signer.options().existing)? {
            return Ok(Plan::PassOn);
        }
        let mode = overrides
            .and_then(SigningOverrides::payload_mode)
            .unwrap_or(inner.payload);
        if mode != PayloadMode::PreChunked && stream::head::is_encoded(request.headers()) {
            return Err(ENCODED);
        }
        let rules = inner.signer.scope(overrides)?.rules;
        match (mode, rules.unsigned_payload) {
            (mode, _) if adapter::is_encoding(mode) || mode == PayloadMode::PreChunked => {
                if !inner.placement.takes_streams() {
                    return Err(NO_STREAM_IN_QUERY);
                }
                // Whether the service takes it, the signer says, which knows the body.
                Ok(Plan::Sign(mode))
            }
            (PayloadMode::Unsigned, UnsignedPayload::Refused) => Err(UNSIGNED_REFUSED),
            (_, UnsignedPayload::Always) => Ok(Plan::Sign(PayloadMode::Unsigned)),
            (mode, _) => Ok(Plan::Sign(mode)),
        }
    }

    /// Returns the credentials, if they can be had at once.
    #[must_use]
    pub fn fresh_credentials(&self) -> Option<CredentialsGuard> {
        let credentials = &self.inner.credentials;
        credentials.peek(credentials.clock().now())
    }

    /// Returns usable credentials, after waiting for some if there are none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](crate::ErrorKind::Credentials) when the provider has none to
    /// give.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: the refresh goes on.
    pub async fn credentials(&self) -> Result<Arc<CachedCredentials>, Error> {
        self.inner.credentials.get().await
    }

    /// Signs a request that was [planned](Self::plan) with these credentials. Returns `None` where
    /// it keeps its `Authorization` header and is not signed.
    ///
    /// # Errors
    ///
    /// [`OutOfScope`](crate::ErrorKind::OutOfScope) when its host is not in scope, and those of
    /// [`Signer::sign_with`]; with the signature in the query also
    /// [`Expiry`](crate::ErrorKind::Expiry). The request is then unchanged.
    pub fn sign<R: Signable>(
        &self,
        request: &mut R,
        payload: Payload<'_>,
        credentials: &CachedCredentials,
        overrides: Option<&SigningOverrides>,
    ) -> Result<Option<Authorized>, Error> {
        self.sign_at(self.now(), request, payload, credentials, overrides)
    }

    /// Signs a request that was [planned](Self::plan), if there are credentials that can be had at
    /// once: in place of [`fresh_credentials`](Self::fresh_credentials) and [`sign`](Self::sign),
    /// with one look at the clock.
    ///
    /// # Errors
    ///
    /// As with [`sign`](Self::sign).
    pub fn try_sign<R: Signable>(
        &self,
        request: &mut R,
        payload: Payload<'_>,
        overrides: Option<&SigningOverrides>,
    ) -> Result<TrySign, Error> {
        let credentials = &self.inner.credentials;
        let now = credentials.clock().now();
        let Some(cached) = credentials.peek(now) else {
            return Ok(TrySign::NoCredentials);
        };
        let ours = self.inner.clock.as_ref().map_or(now, |clock| clock.now());
        let authorized = self.sign_at(ours, request, payload, &cached, overrides)?;
        Ok(TrySign::Done(authorized))
    }

    fn sign_at<R: Signable>(
        &self,
        ours: SystemTime,
        request: &mut R,
        payload: Payload<'_>,
        credentials: &CachedCredentials,
        overrides: Option<&SigningOverrides>,
    ) -> Result<Option<Authorized>, Error> {
        let inner = &*self.inner;
        let began = inner.on_signed.as_ref().map(|_| self.clock().monotonic());
        inner.scope.check(request.uri(), request.headers())?;
        let signer = &inner.signer;
        let skew = inner
            .learning
            .skew(|| receipt::host_of(request.uri(), request.headers()));
        let now = skew.correct(ours);
        let used = credentials.credentials();
        let signed = match (&inner.placement, overrides) {
            (Placement::Headers, Some(overrides)) => {
                signer.sign_with(request, payload, used, now, overrides)?
            }
            (Placement::Headers, None) => signer.sign(request, payload, used, now)?,
            (Placement::Query(options), overrides) => {
                signer.sign_in_query(request, payload, options, used, now, overrides)?
            }
        };
        let receipt = || {
            let circumstances = Circumstances::new(
                &inner.learning,
                signer.rules_with(overrides),
                request.uri(),
                (ours, skew),
                used.expires_at(),
                matches!(inner.placement, Placement::Query(_)),
            );
            SigningReceipt::new(
                credentials.generation(),
                signed.signing_time(),
                circumstances,
                request.uri(),
                request.headers(),
            )
        };
        if !signed.is_signed() {
            return Ok(None);
        }
        let receipt = receipt();
        if let (Some(OnSigned(hook)), Some(began)) = (&inner.on_signed, began) {
            hook(&receipt, self.clock().monotonic().saturating_sub(began));
        }
        Ok(Some(Authorized {
            receipt,
            signed,
            skew,
        }))
    }

    /// Returns what tells the time to the events of a stream, corrected as that of the request was
    /// that opened it.
    pub fn clock_for(
        &self,
        authorized: &Authorized,
    ) -> impl Fn() -> SystemTime + Send + Sync + 'static {
        let (authorizer, skew) = (self.clone(), authorized.skew);
        move || skew.correct(authorizer.now())
    }

    /// Returns the signer.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.inner.signer
    }

    /// Returns up to how many bytes a body is held to be hashed.
    #[must_use]
    pub fn body_limit(&self) -> u64 {
        self.inner.body_limit
    }

    pub(super) fn payload(&self) -> PayloadMode {
        self.inner.payload
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock().now()
    }

    fn clock(&self) -> &dyn Clock {
        match &self.inner.clock {
            Some(clock) => &**clock,
            None => self.inner.credentials.clock(),
        }
    }

    pub(super) fn cache(&self) -> &CredentialsCache {
        &self.inner.credentials
    }

    pub(super) fn learning(&self) -> &Learning {
        &self.inner.learning
    }
}

/// Decides what an [`Authorizer`] does. Everything but its arguments has a default.
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthorizerBuilder {
    signer: Signer,
    credentials: CredentialsCache,
    scope: HostScope,
    clock: Option<Arc<dyn Clock>>,
    payload: PayloadMode,
    placement: Placement,
    body_limit: u64,
    learning: Learning,
    on_signed: Option<OnSigned>,
}

/// Whom to tell of signatures.
#[derive(Clone)]
struct OnSigned(Arc<SignedHook>);

type SignedHook = dyn Fn(&SigningReceipt, Duration) + Send + Sync;

impl fmt::Debug for OnSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnSigned").finish_non_exhaustive()
    }
}

/// 10 MiB
const DEFAULT_BODY_LIMIT: u64 = 10 * 1024 * 1024;

impl AuthorizerBuilder {
    /// Sets how bodies are covered. Default: [`PayloadMode::Hashed`].
    pub const fn payload(mut self, payload: PayloadMode) -> Self {
        self.payload = payload;
        self
    }

    /// Sets where signatures go. Default: [`Placement::Headers`].
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// Sets up to how many bytes a body is held in memory to be hashed; a longer one is an error,
    /// [`BodyTooLarge`](crate::ErrorKind::BodyTooLarge). It counts for each request. Default: 10 MiB.
    pub const fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets where the time comes from that signatures carry. Default: the
    /// [clock of the credentials cache](crate::runtime::CredentialsCacheBuilder::clock).
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Sets whether an answer that says that the credentials have ended, or are not known, has the
    /// cache ask its provider for others, and the request sent once more with these: by the
    /// middleware of `sigv4-reqwest`, and by `RecoverLayer` of `sigv4-tower`.
    ///
    /// Default: where AWS itself [writes the answers](crate::SigningRules::answered_by_aws).
    /// However often an answer says so, the cache asks once for each set of credentials and every
    /// 30 s at most.
    pub const fn recover_credentials(mut self, yes: bool) -> Self {
        self.learning.credentials(yes);
        self
    }

    /// Sets whether an answer that refuses the time of a signature corrects the clock for its host,
    /// and has the request sent once more: by the same.
    ///
    /// Default: where AWS itself [writes the answers](crate::SigningRules::answered_by_aws). Only
    /// answers that came over https, or from a loopback address, are believed. The URLs of
    /// [`Authorizer::presign`] are made at the time that is given, which is never corrected.
    pub const fn correct_clock(mut self, yes: bool) -> Self {
        self.learning.clock(yes);
        self
    }

    /// Sets by how much the clock is corrected at most, forward or back. A greater difference is
    /// not believed. With zero nothing is corrected. Default: 15 minutes.
    pub const fn max_skew(mut self, bound: Duration) -> Self {
        self.learning.max_skew(bound);
        self
    }

    /// Sets what lets time pass while an answer is looked into. Default: the
    /// [runtime of the credentials cache](crate::runtime::CredentialsCacheBuilder::runtime).
    pub fn runtime(mut self, runtime: impl Runtime) -> Self {
        self.learning.runtime(runtime);
        self
    }

    /// Sets what is told of every signature that was made, and how long that took; for metrics.
    ///
    /// The time is that of the canonical request, the keys and the signature, by the monotonic part
    /// of the [clock](Self::clock). A body that is given in one piece is hashed in this time, one
    /// that is hashed as it is read is not, and credentials have been waited for before. Without a
    /// hook no clock is read for this.
    ///
    /// It is called while the request waits, and should be quick.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// # use sigv4_core::runtime::AuthorizerBuilder;
    ///
    /// # fn example(builder: AuthorizerBuilder) {
    /// let microseconds = Arc::new(AtomicU64::new(0));
    /// let sum = Arc::clone(&microseconds);
    /// let builder = builder.on_signed(move |_receipt, took| {
    ///     let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    ///     sum.fetch_add(took, Ordering::Relaxed);
    /// });
    /// # }
    /// ```
    pub fn on_signed(
        mut self,
        hook: impl Fn(&SigningReceipt, Duration) + Send + Sync + 'static,
    ) -> Self {
        self.on_signed = Some(OnSigned(Arc::new(hook)));
        self
    }

    /// Makes the authorizer. It has learnt nothing yet.
    #[must_use]
    pub fn build(mut self) -> Authorizer {
        self.learning.begin();
        Authorizer {
            inner: Arc::new(self),
        }
    }
}

/// A request that has been signed.
#[derive(Clone, Debug)]
pub struct Authorized {
    receipt: SigningReceipt,
    signed: Signed,
    skew: Skew,
}

impl Authorized {
    /// Returns with which credentials, when and for which host it was signed.
    #[must_use]
    pub const fn receipt(&self) -> &SigningReceipt {
        &self.receipt
    }

    /// Takes the receipt out.
    #[must_use]
    pub fn into_receipt(self) -> SigningReceipt {
        self.receipt
    }

    /// Returns the signature, and what signs a body as it passes.
    #[must_use]
    pub const fn signed(&self) -> &Signed {
        &self.signed
    }
}

/// What [`Authorizer::try_sign`] did.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is returned, and a box would be an allocation"
)]
pub enum TrySign {
    /// The request is signed; where it keeps its `Authorization` header, it is not.
    Done(Option<Authorized>),
    /// The request is as it was: credentials have to be waited for.
    NoCredentials,
}

const ENCODED: Error = Error::new(
    ErrorKind::Payload,
    "the body is in the encoding of another signature (aws-chunked, or signed events); \
     send it plain",
);

/// What an adapter has to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plan {
    /// Send it as it is.
    PassOn,
    /// Sign it, and cover the body in this way.
    Sign(PayloadMode),
}

#[cfg(test)]
mod tests {
    use std::time::Duration;
    use std::time::SystemTime;

    use http::Request;

    use super::*;
    use crate::ErrorKind;
    use crate::credentials::Credentials;
    use crate::rules::ExistingAuthorization;

    fn authorizer(existing: ExistingAuthorization) -> Authorizer {
        let signer = Signer::builder("sqs", "us-east-1").existing_authorization(existing);
        let credentials = Credentials::new("AKIDEXAMPLE", "secret").unwrap();
        let scope = HostScope::exact(["sqs.example.com"]).unwrap();
        Authorizer::builder(
            signer.build().unwrap(),
            CredentialsCache::new(credentials),
            scope,
        )
        .clock(SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160))
        .build()
    }

    #[tokio::test]
    async fn signs_for_no_other_host_whatever_was_planned() {
        let authorizer = authorizer(ExistingAuthorization::ReplaceOwn);
        let credentials = authorizer.credentials().await.unwrap();
        let mut request = Request::get("https://elsewhere.example.com/")
            .body(())
            .unwrap();
        let signed = authorizer.sign(&mut request, Payload::EMPTY, &credentials, None);
        assert_eq!(signed.unwrap_err().kind(), ErrorKind::OutOfScope);
        assert!(request.headers().is_empty());
    }

    #[tokio::test]
    async fn credentials_end_by_the_clock_of_their_cache_and_not_by_that_of_the_signature() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let hour = Duration::from_secs(3600);
        for (signed_at, date) in [
            (now - 2 * hour, "20150830T103600Z"),
            (now, "20150830T123600Z"),
            (now + 2 * hour, "20150830T143600Z"),
        ] {
            let credentials = aws_credential_types::Credentials::new(
                "AKIDEXAMPLE",
                "secret",
                None,
                Some(now + hour),
                "test",
            );
            let cache = CredentialsCache::builder(credentials).clock(now).build();
            let authorizer = Authorizer::builder(
                Signer::builder("sqs", "us-east-1").build().unwrap(),
                cache,
                HostScope::exact(["sqs.example.com"]).unwrap(),
            )
            .clock(signed_at)
            .build();
            authorizer.credentials().await.unwrap();
            let mut request = Request::get("https://sqs.example.com/").body(()).unwrap();
            let done = authorizer.try_sign(&mut request, Payload::EMPTY, None);
            assert!(matches!(done.unwrap(), TrySign::Done(Some(_))));
            assert_eq!(request.headers()["x-amz-date"], date);
        }
    }

    #[tokio::test]
    async fn presigns_for_no_other_host_and_no_longer_than_the_credentials_last() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let end = now + Duration::from_secs(600);
        let credentials = Credentials::new("AKIDEXAMPLE", "secret").unwrap();
        let cache = CredentialsCache::builder(credentials.with_expiry(end)).clock(now);
        let authorizer = Authorizer::builder(
            Signer::builder("sqs", "us-east-1").build().unwrap(),
            cache.build(),
            HostScope::exact(["sqs.example.com"]).unwrap(),
        )
        .build();
        let presign = async |uri: &str, options: PresignOptions| {
            let request = Request::get(uri).body(()).unwrap();
            authorizer.presign(&request, options).await
        };
        let options = PresignOptions::expires_in(Duration::from_secs(900));
        for (uri, kind) in [
            ("https://elsewhere.example.com/", ErrorKind::OutOfScope),
            ("http://sqs.example.com/", ErrorKind::OutOfScope),
            ("https://sqs.example.com/", ErrorKind::Expiry),
        ] {
            let refused = presign(uri, options.clone()).await;
            assert_eq!(refused.unwrap_err().kind(), kind, "{uri}");
        }
        let options = options.clamp_to_credentials();
        let link = presign("https://sqs.example.com/", options).await.unwrap();
        assert_eq!(link.expires_at(), end);
        let query = link.uri().query().unwrap();
        assert!(query.contains("X-Amz-Date=20150830T123600Z"), "{query}");
    }

    #[tokio::test]
    async fn gives_a_receipt_for_what_was_signed_and_for_nothing_else() {
        let request = || Request::get("https://user:pass@sqs.example.com/");
        let mut plain = request().body(()).unwrap();
        let authorized = authorizer(ExistingAuthorization::ReplaceOwn)
            .authorize(&mut plain, Payload::EMPTY)
            .await
            .unwrap()
            .unwrap();
        let receipt = authorized.receipt();
        assert_eq!(receipt.host(), "sqs.example.com");
        assert_eq!(receipt.credential_generation(), 1);
        assert!(!format!("{receipt:?}").contains("pass"));

        let mut kept = request()
            .header("authorization", "Bearer token")
            .body(())
            .unwrap();
        let receipt = authorizer(ExistingAuthorization::DangerKeep)
            .authorize(&mut kept, Payload::EMPTY)
            .await
            .unwrap();
        assert!(receipt.is_none());
        assert_eq!(kept.headers().len(), 1);
    }
}
