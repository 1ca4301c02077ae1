//! Sessions of S3 Express, which have credentials of their own.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html>

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::future;
use bytes::Bytes;
use http::Request;
use http::Response;
use http::Uri;
use http::uri::PathAndQuery;

use super::context::Context;
use super::error::FetchError;
use super::exchange::Exchange;
use super::exchange::PlainHttp;
use super::xml;
use crate::error::ConfigError;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::names;
use crate::payload::Payload;
use crate::rules::SigningRules;
use crate::runtime::CachedCredentials;
use crate::runtime::CredentialsCache;
use crate::signer::Signer;

/// Provides the credentials of a session with a directory bucket of S3 Express One Zone.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html>
///
/// Requests to such a bucket are signed for the service `s3express` with the credentials of a
/// session, which hold for five minutes, and which are had in exchange for other credentials. Put it
/// into a [`CredentialsCache`], and that into an [`Authorizer`](crate::runtime::Authorizer) for the
/// bucket:
///
/// ```
/// # use std::sync::Arc;
/// # use sigv4_core::runtime::HttpSend;
/// use sigv4_core::Signer;
/// use sigv4_core::runtime::{Authorizer, CredentialsCache, HostScope, light};
///
/// # fn example(http: Arc<dyn HttpSend>) -> Result<(), Box<dyn std::error::Error>> {
/// let context = light::Context::new(http);
/// let host = "bucket--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com";
/// let base = CredentialsCache::new(light::DefaultChain::new(context.clone()));
/// let endpoint = format!("https://{host}").parse()?;
/// let session = light::S3ExpressSession::new(context, endpoint, "us-east-1", base)?;
///
/// let signer = Signer::builder("s3express", "us-east-1").build()?;
/// let scope = HostScope::exact([host])?;
/// let authorizer = Authorizer::builder(signer, CredentialsCache::new(session), scope).build();
/// # Ok(())
/// # }
/// ```
///
/// For many buckets there is [`S3ExpressSessions`].
#[derive(Clone, Debug)]
pub struct S3ExpressSession {
    context: Context,
    uri: Uri,
    signer: Signer,
    base: SharedCredentialsProvider,
    read_only: bool,
}

impl S3ExpressSession {
    /// Makes a provider of sessions with the bucket at this endpoint, in exchange for the
    /// credentials of `base`. Plain http goes to loopback addresses only.
    ///
    /// # Errors
    ///
    /// When the endpoint has no host, or the region cannot be one.
    pub fn new(
        context: impl Into<Context>,
        endpoint: Uri,
        region: impl Into<String>,
        base: impl ProvideCredentials + 'static,
    ) -> Result<Self, ConfigError> {
        let base = SharedCredentialsProvider::new(base);
        Self::with_signer(context.into(), endpoint, signer(region.into())?, base)
    }

    fn with_signer(
        context: Context,
        endpoint: Uri,
        signer: Signer,
        base: SharedCredentialsProvider,
    ) -> Result<Self, ConfigError> {
        let mut parts = endpoint.into_parts();
        if parts.authority.is_none() {
            return Err(ConfigError::new(
                "endpoint",
                "must be a whole URI, such as https://bucket--zone--x-s3.s3express-zone.region.amazonaws.com",
            ));
        }
        parts.path_and_query = Some(PathAndQuery::from_static("/?session"));
        let uri = Uri::from_parts(parts)
            .map_err(|error| ConfigError::new("endpoint", "must be a whole URI").because(error))?;
        Ok(Self {
            context,
            uri,
            signer,
            base,
            read_only: false,
        })
    }

    /// Asks for sessions that can only read. Default: no.
    #[must_use]
    pub const fn read_only(mut self, yes: bool) -> Self {
        self.read_only = yes;
        self
    }

    async fn fetch(&self) -> provider::Result {
        let base = self.base.provide_credentials().await?;
        Ok(self.create(&base).await?)
    }

    async fn create(&self, base: &Credentials) -> Result<Credentials, FetchError> {
        let exchange = Exchange {
            provider: NAME,
            plain: PlainHttp::Loopback,
            attempt: Duration::from_secs(5),
        };
        let prepared = crate::credentials::Credentials::try_from(base).map_err(|error| {
            let message = "the credentials to create the session with are unusable";
            FetchError::configuration(NAME, message).because(error)
        })?;
        let make = || {
            let mut request = Request::get(self.uri.clone());
            if self.read_only {
                request = request.header("x-amz-create-session-mode", "ReadOnly");
            }
            let mut request = exchange.ready(request, Bytes::new())?;
            self.signer
                .sign(&mut request, Payload::EMPTY, &prepared, self.context.now())
                .map_err(|error| {
                    FetchError::configuration(NAME, "the request cannot be signed").because(error)
                })?;
            Ok(request)
        };
        let judge = |answer: &Response<Bytes>| {
            let sent = [
                base.session_token().unwrap_or_default(),
                base.secret_access_key(),
            ];
            xml::credentials(NAME, "CreateSession", answer, &sent)
        };
        exchange.run(&self.context, make, judge).await
    }
}

/// Makes the signer of the request for a session. Unlike all others to S3 Express it carries the
/// token of the credentials it is signed with in the usual header.
fn signer(region: String) -> Result<Signer, ConfigError> {
    let mut rules = SigningRules::for_service("s3express");
    rules.token_header = names::X_AMZ_SECURITY_TOKEN;
    Signer::builder("s3express", region).rules(rules).build()
}

impl ProvideCredentials for S3ExpressSession {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fetch())
    }
}

/// Keeps the sessions with the directory buckets that a program uses.
///
/// For each bucket and each [generation](CachedCredentials::generation) of the credentials there is
/// one session at a time, in a [`CredentialsCache`] of its own. When the credentials have been
/// replaced, the session that is there is used until there is one for the new ones, or it ends.
/// Those of the hundred buckets that were used last are kept. Clones share them.
///
/// ```
/// # use std::sync::Arc;
/// # use sigv4_core::runtime::HttpSend;
/// use std::time::SystemTime;
///
/// use sigv4_core::{Payload, Signer};
/// use sigv4_core::runtime::{CredentialsCache, light};
///
/// # async fn example(http: Arc<dyn HttpSend>) -> Result<(), Box<dyn std::error::Error>> {
/// let context = light::Context::new(http);
/// let base = CredentialsCache::new(light::DefaultChain::new(context.clone()));
/// let sessions = light::S3ExpressSessions::new(context, "us-east-1", base)?;
/// let signer = Signer::builder("s3express", "us-east-1").build()?;
///
/// let bucket = "https://bucket--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com";
/// let session = sessions.get(&bucket.parse()?).await?;
/// let mut request = http::Request::get(format!("{bucket}/key")).body(())?;
/// signer.sign(&mut request, Payload::EMPTY, session.credentials(), SystemTime::now())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct S3ExpressSessions {
    context: Context,
    signer: Signer,
    base: CredentialsCache,
    sessions: Arc<Mutex<Vec<Session>>>,
}

#[derive(Debug)]
struct Session {
    bucket: Uri,
    generation: u64,
    credentials: CredentialsCache,
    /// Those of the session before, which are good until they end.
    previous: Option<Arc<CachedCredentials>>,
}

/// Of how many buckets sessions are kept.
const BUCKETS: usize = 100;

impl S3ExpressSessions {
    /// Makes a store of sessions with buckets of a region, in exchange for these credentials.
    ///
    /// # Errors
    ///
    /// When the region cannot be one.
    pub fn new(
        context: impl Into<Context>,
        region: impl Into<String>,
        base: CredentialsCache,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            context: context.into(),
            signer: signer(region.into())?,
            base,
            sessions: Arc::default(),
        })
    }

    /// Returns the credentials of a session with the bucket at this endpoint.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`] when there is no session, or there are no credentials to have one
    /// for, [`ErrorKind::MissingHost`] when the endpoint is not a whole URI.
    ///
    /// # Cancel safety
    ///
    /// As with [`CredentialsCache::get`].
    pub async fn get(&self, endpoint: &Uri) -> Result<Arc<CachedCredentials>, Error> {
        let base = self.base.get().await?;
        let (session, previous) = self.session(endpoint, &base)?;
        if let Some(previous) = previous
            && session.last().is_none()
        {
            session.begin();
            // A provider that need not wait is there already.
            return Ok(session.last().unwrap_or(previous));
        }
        session.get().await
    }

    /// Reports that S3 refused the credentials of this session with the bucket at this endpoint as
    /// ended. They are [replaced](CredentialsCache::replace), and the others returned, if there are
    /// any.
    ///
    /// # Cancel safety
    ///
    /// As with [`CredentialsCache::get`].
    pub async fn replace(
        &self,
        endpoint: &Uri,
        refused: &CachedCredentials,
    ) -> Option<Arc<CachedCredentials>> {
        let base = self.base.get().await.ok()?;
        let (session, _) = self.session(endpoint, &base).ok()?;
        match session.last() {
            Some(last)
                if last.credentials().access_key_id() == refused.credentials().access_key_id() =>
            {
                session.replace(last.generation()).await
            }
            // There is another one already.
            _ => session.get().await.ok(),
        }
    }

    /// Returns the cache of sessions with a bucket for these credentials, and what is left of the
    /// session for those before.
    fn session(
        &self,
        endpoint: &Uri,
        base: &CachedCredentials,
    ) -> Result<(CredentialsCache, Option<Arc<CachedCredentials>>), Error> {
        let provider = S3ExpressSession::with_signer(
            self.context.clone(),
            endpoint.clone(),
            self.signer.clone(),
            SharedCredentialsProvider::new(base.provided().clone()),
        );
        let provider = provider.map_err(|error| NO_BUCKET.because(error))?;
        let bucket = provider.uri.clone();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sessions
            .iter()
            .position(|session| session.bucket == bucket)
            .map(|at| sessions.remove(at));
        let session = match known {
            // Somebody may have come with newer ones in the meantime.
            Some(session) if session.generation >= base.generation() => session,
            known => Session {
                generation: base.generation(),
                credentials: CredentialsCache::builder(provider)
                    .name(format!(
                        "S3 Express at {}",
                        bucket.host().unwrap_or_default()
                    ))
                    .clock(self.context.shared_clock())
                    .runtime(self.context.shared_runtime())
                    .build(),
                bucket,
                previous: known.and_then(|known| known.credentials.last().or(known.previous)),
            },
        };
        let now = self.context.now();
        let previous = session.previous.clone().filter(|previous| {
            let end = previous.credentials().expires_at();
            end.is_none_or(|end| now < end)
        });
        let credentials = session.credentials.clone();
        // The last one is the one that was used last.
        sessions.push(session);
        if sessions.len() > BUCKETS {
            sessions.remove(0);
        }
        Ok((credentials, previous))
    }
}

const NO_BUCKET: Error = Error::new(
    ErrorKind::MissingHost,
    "there is no session with a bucket whose host is not known",
);

const NAME: &str = "S3ExpressSession";

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::super::fake::Fake;
    use super::*;
    use crate::runtime::Runtime;
    use crate::runtime::Task;

    const BUCKET: &str =
        "https://bucket--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com";

    /// An answer as S3 documents it, to a request at noon.
    fn answer(id: &str, end: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<CreateSessionResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Credentials>
<SessionToken>t0ken</SessionToken><SecretAccessKey>s3cr3t</SecretAccessKey>
<AccessKeyId>{id}</AccessKeyId><Expiration>{end}</Expiration>
</Credentials></CreateSessionResult>"#
        )
    }

    fn base(token: Option<&str>) -> Credentials {
        let token = token.map(str::to_owned);
        Credentials::new("AKIDBASE", "base-secret", token, None, "test")
    }

    fn session(fake: &Fake, token: Option<&str>) -> S3ExpressSession {
        let endpoint = BUCKET.parse().unwrap();
        S3ExpressSession::new(fake.context(&[]), endpoint, "us-east-1", base(token)).unwrap()
    }

    #[tokio::test]
    async fn asks_the_bucket_with_the_token_in_the_usual_header() {
        for token in [None, Some("base-token")] {
            let fake = Fake::new().answer(200, &answer("ASIAONE", "2025-07-01T12:05:00Z"));
            let session = session(&fake, token).provide_credentials().await.unwrap();
            assert_eq!(session.access_key_id(), "ASIAONE");
            assert_eq!(session.secret_access_key(), "s3cr3t");
            assert_eq!(session.session_token(), Some("t0ken"));
            assert!(session.expiry().is_some());

            assert_eq!(fake.sent(), [format!("GET {BUCKET}/?session=")]);
            let headers = fake.requests()[0].headers().clone();
            let sent = headers.get("x-amz-security-token");
            assert_eq!(sent.map(|token| token.to_str().unwrap()), token);
            assert!(!headers.contains_key("x-amz-s3session-token"));
            let authorization = headers["authorization"].to_str().unwrap();
            assert!(authorization.contains("/us-east-1/s3express/aws4_request"));
        }
    }

    #[tokio::test]
    async fn says_what_the_bucket_said() {
        let body = "<Error><Code>AccessDenied</Code><Message>Not for base-token</Message></Error>";
        let fake = Fake::new().answer(403, body);
        let base = base(Some("base-token"));
        let error = session(&fake, None).create(&base).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("403: AccessDenied: Not for (redacted)"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn there_is_one_session_for_each_bucket_and_generation() {
        let fake = Fake::new()
            .answer(200, &answer("ASIAONE", "2025-07-01T12:05:00Z"))
            .answer(200, &answer("ASIATWO", "2025-07-01T12:05:00Z"))
            .answer(200, &answer("ASIATHREE", "2025-07-01T12:05:00Z"));
        let context = fake.context(&[]);
        let base = CredentialsCache::builder(Rotating::default())
            .clock(context.shared_clock())
            .build();
        let sessions = S3ExpressSessions::new(context, "us-east-1", base.clone()).unwrap();
        let id = async |bucket: &str| {
            let session = sessions.get(&bucket.parse().unwrap()).await.unwrap();
            session.credentials().access_key_id().to_owned()
        };
        let other = BUCKET.replace("bucket", "other");
        assert_eq!(id(BUCKET).await, "ASIAONE");
        assert_eq!(id(BUCKET).await, "ASIAONE");
        assert_eq!(id(&other).await, "ASIATWO");
        assert_eq!(id(BUCKET).await, "ASIAONE");
        fake.pass(Duration::from_secs(2));
        assert_eq!(base.replace(1).await.unwrap().generation(), 2);
        // The old one will do until the new one is there.
        assert_eq!(id(BUCKET).await, "ASIAONE");
        settle().await;
        assert_eq!(id(BUCKET).await, "ASIATHREE");
        assert_eq!(fake.requests().len(), 3);
        let signed = fake.requests()[2].headers()["authorization"].clone();
        assert!(signed.to_str().unwrap().contains("Credential=AKID1/"));
    }

    #[tokio::test]
    async fn a_session_outlives_the_credentials_it_was_made_for() {
        let mut fake = Fake::new().answer(200, &answer("ASIAONE", "2025-07-01T12:05:00Z"));
        for _ in 0..100 {
            fake = fake.refuse();
        }
        let context = fake.context(&[]);
        let base = CredentialsCache::builder(Rotating::default())
            .clock(context.shared_clock())
            .build();
        let sessions = S3ExpressSessions::new(context, "us-east-1", base.clone()).unwrap();
        let bucket: Uri = BUCKET.parse().unwrap();
        sessions.get(&bucket).await.unwrap();
        fake.pass(Duration::from_secs(2));
        base.replace(1).await.unwrap();
        // From now on S3 does not answer.
        for _ in 0..10 {
            fake.pass(Duration::from_secs(10));
            let session = sessions.get(&bucket).await.unwrap();
            assert_eq!(session.credentials().access_key_id(), "ASIAONE");
            settle().await;
        }
        fake.pass(Duration::from_secs(300));
        let error = sessions.get(&bucket).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
    }

    #[tokio::test]
    async fn a_session_that_was_refused_is_replaced() {
        let fake = Fake::new()
            .answer(200, &answer("ASIAONE", "2025-07-01T12:05:00Z"))
            .answer(200, &answer("ASIATWO", "2025-07-01T12:05:00Z"));
        let context = fake.context(&[]);
        let base = CredentialsCache::builder(base(None))
            .clock(context.shared_clock())
            .build();
        let sessions = S3ExpressSessions::new(context, "us-east-1", base).unwrap();
        let bucket: Uri = BUCKET.parse().unwrap();
        let refused = sessions.get(&bucket).await.unwrap();
        fake.pass(Duration::from_secs(2));
        for _ in 0..3 {
            let other = sessions.replace(&bucket, &refused).await.unwrap();
            assert_eq!(other.credentials().access_key_id(), "ASIATWO");
        }
        assert_eq!(fake.requests().len(), 2);
    }

    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn sessions_of_the_buckets_used_last_are_kept() {
        let mut fake = Fake::new();
        for number in 0..BUCKETS + 2 {
            fake = fake.answer(
                200,
                &answer(&format!("ASIA{number}"), "2025-07-01T12:05:00Z"),
            );
        }
        let context = fake.context(&[]);
        let base = CredentialsCache::builder(base(None))
            .clock(context.shared_clock())
            .build();
        let sessions = S3ExpressSessions::new(context, "us-east-1", base).unwrap();
        let bucket = |number: usize| -> Uri {
            format!("https://b{number}--use1-az4--x-s3.example.com")
                .parse()
                .unwrap()
        };
        for number in 0..BUCKETS {
            sessions.get(&bucket(number)).await.unwrap();
        }
        sessions.get(&bucket(0)).await.unwrap();
        assert_eq!(fake.requests().len(), BUCKETS);
        sessions.get(&bucket(BUCKETS)).await.unwrap();
        // The one that was not used for the longest time had to go.
        sessions.get(&bucket(0)).await.unwrap();
        assert_eq!(fake.requests().len(), BUCKETS + 1);
        sessions.get(&bucket(1)).await.unwrap();
        assert_eq!(fake.requests().len(), BUCKETS + 2);
    }

    #[tokio::test]
    async fn asks_for_a_session_that_can_only_read_where_that_is_wanted() {
        for (read_only, mode) in [
            (None, None),
            (Some(false), None),
            (Some(true), Some("ReadOnly")),
        ] {
            let fake = Fake::new().answer(200, &answer("ASIAONE", "2025-07-01T12:05:00Z"));
            let mut session = session(&fake, None);
            if let Some(yes) = read_only {
                session = session.read_only(yes);
            }
            session.provide_credentials().await.unwrap();
            let requests = fake.requests();
            let sent = requests[0].headers().get("x-amz-create-session-mode");
            assert_eq!(sent.map(|mode| mode.to_str().unwrap()), mode);
            let authorization = requests[0].headers()["authorization"].to_str().unwrap();
            // Nobody on the way can turn it into one that can write.
            let signed = authorization.contains("x-amz-create-session-mode");
            assert_eq!(signed, mode.is_some());
        }
    }

    #[tokio::test]
    async fn says_no_secret_that_the_bucket_says() {
        let body = "<Error><Code>Denied</Code><Message>base-secret of base-token</Message></Error>";
        let fake = Fake::new().answer(403, body);
        let base = base(Some("base-token"));
        let error = session(&fake, None).create(&base).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("Denied: (redacted) of (redacted)"), "{text}");
    }

    #[tokio::test]
    async fn a_session_goes_over_plain_http_on_this_machine_only() {
        // Not even to the agents of containers, which are on it, too.
        for host in ["bucket.example.com", "169.254.170.2", "169.254.170.23"] {
            let fake = Fake::new();
            let endpoint = format!("http://{host}").parse().unwrap();
            let session =
                S3ExpressSession::new(fake.context(&[]), endpoint, "us-east-1", base(None));
            session.unwrap().provide_credentials().await.unwrap_err();
            assert!(fake.requests().is_empty(), "{host}");
        }
    }

    #[tokio::test]
    async fn a_bucket_that_hangs_is_asked_again_after_five_seconds() {
        let answer = answer("ASIAONE", "2025-07-01T12:05:00Z");
        let fake = Fake::new().hang().answer(200, &answer);
        let session = session(&fake, None);
        session.provide_credentials().await.unwrap();
        assert_eq!(fake.sleeps()[0], Duration::from_secs(5));
    }

    #[tokio::test]
    async fn sessions_know_buckets_by_the_whole_endpoint_but_its_path() {
        let mut fake = Fake::new();
        for id in ["ASIAONE", "ASIATWO", "ASIATHREE"] {
            fake = fake.answer(200, &answer(id, "2025-07-01T12:05:00Z"));
        }
        let context = fake.context(&[]);
        let base = CredentialsCache::builder(base(None))
            .clock(context.shared_clock())
            .build();
        let sessions = S3ExpressSessions::new(context, "us-east-1", base).unwrap();
        for (endpoint, id) in [
            ("https://127.0.0.1:8443", "ASIAONE"),
            ("https://127.0.0.1:8444", "ASIATWO"),
            ("http://127.0.0.1:8443", "ASIATHREE"),
            ("https://127.0.0.1:8443/key?versions", "ASIAONE"),
        ] {
            let session = sessions.get(&endpoint.parse().unwrap()).await.unwrap();
            assert_eq!(session.credentials().access_key_id(), id, "{endpoint}");
        }
    }

    #[tokio::test]
    async fn sessions_name_the_bucket_that_has_none() {
        let fake = Fake::new().answer(403, "<Error><Code>AccessDenied</Code></Error>");
        let context = fake.context(&[]);
        let base = CredentialsCache::builder(base(None))
            .clock(context.shared_clock())
            .build();
        let sessions = S3ExpressSessions::new(context, "us-east-1", base).unwrap();
        let error = sessions.get(&BUCKET.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        let name = error.credentials_outage().unwrap().source_name().to_owned();
        let host = BUCKET.strip_prefix("https://").unwrap();
        assert_eq!(name, format!("S3 Express at {host}"));

        let nowhere = sessions.get(&Uri::from_static("/bucket")).await;
        assert_eq!(nowhere.unwrap_err().kind(), ErrorKind::MissingHost);
    }

    #[tokio::test]
    async fn sessions_wait_on_the_runtime_of_the_context() {
        let fake = Fake::new().hang();
        let endless = Endless::default();
        let context = fake.context(&[]).runtime(endless.clone());
        let base = CredentialsCache::builder(base(None))
            .clock(context.shared_clock())
            .build();
        let sessions = S3ExpressSessions::new(context, "us-east-1", base).unwrap();
        let bucket = BUCKET.parse().unwrap();
        assert!(sessions.get(&bucket).now_or_never().is_none());
        // For the attempt, the refresh and the request.
        let slept = endless.0.lock().unwrap().clone();
        assert_eq!(slept, [5, 30, 10].map(Duration::from_secs));
    }

    /// Notes how long somebody wants to sleep, and does not wake them up.
    #[derive(Clone, Debug, Default)]
    struct Endless(Arc<Mutex<Vec<Duration>>>);

    impl Runtime for Endless {
        fn spawn(&self, _: Task) {}

        fn sleep(&self, duration: Duration) -> Task {
            self.0.lock().unwrap().push(duration);
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn an_endpoint_has_a_host() {
        let fake = Fake::new();
        let endpoint = Uri::from_static("/bucket");
        let made = S3ExpressSession::new(fake.context(&[]), endpoint, "us-east-1", base(None));
        assert_eq!(made.unwrap_err().field(), "endpoint");
    }

    /// Other credentials each time.
    #[derive(Debug, Default)]
    struct Rotating(std::sync::atomic::AtomicUsize);

    impl ProvideCredentials for Rotating {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let id = format!("AKID{number}");
            future::ProvideCredentials::ready(Ok(Credentials::new(
                id, "secret", None, None, "test",
            )))
        }
    }
}
