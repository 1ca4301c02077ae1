//! [`BedrockClientBuilder`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::Runtime;
use sigv4_core::runtime::TokioRuntime;

use super::bedrock::BedrockClient;
use super::endpoints::Endpoints;
use super::error::Error;
use super::retry::Retry;
use super::retry::RetryPolicy;
use super::send::Sender;
use super::send::Silence;
use super::tls;

/// Decides how a [`BedrockClient`] behaves. Everything but the region and the credentials has a
/// default.
#[must_use]
pub struct BedrockClientBuilder {
    region: String,
    credentials: CredentialsCache,
    endpoints: Option<Endpoints>,
    connect_timeout: Duration,
    head_timeout: Duration,
    whole_timeout: Duration,
    idle_timeout: Duration,
    clock: Option<Arc<dyn Clock>>,
    policy: RetryPolicy,
    runtime: Arc<dyn Runtime>,
    random: Box<dyn Fn() -> f64 + Send + Sync>,
    on_retry: Box<dyn Fn(&Retry<'_>) + Send + Sync>,
}

impl BedrockClientBuilder {
    pub(super) fn new(region: String, credentials: CredentialsCache) -> Self {
        Self {
            region,
            credentials,
            endpoints: None,
            connect_timeout: CONNECT_TIMEOUT,
            head_timeout: HEAD_TIMEOUT,
            whole_timeout: WHOLE_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            clock: None,
            policy: RetryPolicy::new(),
            runtime: Arc::new(TokioRuntime::new()),
            random: Box::new(fastrand::f64),
            on_retry: Box::new(|_| {}),
        }
    }

    /// Sets where Bedrock is. Default: where the region has it. A signature goes to these hosts and
    /// to no other.
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = Some(endpoints);
        self
    }

    /// Sets how often a request is sent, and how long is waited in between.
    pub const fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets what is told when a request is about to be sent again.
    pub fn on_retry(mut self, hook: impl Fn(&Retry<'_>) + Send + Sync + 'static) -> Self {
        self.on_retry = Box::new(hook);
        self
    }

    /// Sets how long a connection may take. Default: 5 s.
    pub const fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// Sets how long an answer may take to begin that comes while it is made, and a list of models.
    /// Default: 2 minutes, for models that think before they speak.
    ///
    /// A request that takes longer is sent again as the [policy](Self::retry) has it. What a model
    /// had begun by then may be charged all the same.
    pub const fn head_timeout(mut self, time: Duration) -> Self {
        self.head_timeout = time;
        self
    }

    /// Sets how long an answer may take to begin that comes when it is whole. Default: an hour,
    /// which is how long AWS gives a model.
    /// <https://docs.aws.amazon.com/nova/latest/nova2-userguide/important-timeout-configuration.html>
    ///
    /// A request that takes longer is not sent again.
    pub const fn whole_timeout(mut self, time: Duration) -> Self {
        self.whole_timeout = time;
        self
    }

    /// Sets for how long nothing may come of an answer that has begun. Default: 2 minutes.
    ///
    /// Nothing limits how long an answer may take of which something comes.
    pub const fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle_timeout = time;
        self
    }

    /// Sets what tells the time to signatures. Default: the clock of the credentials.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Sets what waits between attempts, and for answers no longer than they may take. Default: tokio.
    pub fn runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Arc::new(runtime);
        self
    }

    /// Sets what chance is: a number from 0 to 1, by which the time between attempts is multiplied.
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Box::new(random);
        self
    }

    /// Makes the client. Nobody is asked anything yet.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`], when the region or an endpoint cannot be one, or TLS cannot be set
    /// up.
    pub fn build(self) -> Result<BedrockClient, Error> {
        tls::use_ring();
        let endpoints = self.endpoints;
        let endpoints = endpoints.unwrap_or_else(|| Endpoints::of_region(&self.region));
        let (runtime, control) = endpoints.parse()?;
        let invalid = |error: sigv4_core::ConfigError| Error::Configuration(error.into());
        let signer = Signer::builder("bedrock", self.region)
            .build()
            .map_err(invalid)?;
        let scope = HostScope::exact([runtime.host(), control.host()]).map_err(invalid)?;
        let mut authorizer = Authorizer::builder(signer, self.credentials, scope);
        if let Some(clock) = self.clock {
            authorizer = authorizer.clock(clock);
        }
        let http = reqwest::Client::builder()
            .redirect(sigv4_reqwest::redirect_policy())
            // Who sends again is here, signed anew.
            .retry(reqwest::retry::never())
            .connect_timeout(self.connect_timeout)
            .build()
            .map_err(|error| Error::Configuration(error.into()))?;
        let sender = Sender {
            http,
            authorizer: authorizer.build(),
            policy: self.policy,
            head_timeout: self.head_timeout,
            whole_timeout: self.whole_timeout,
            runtime: Arc::clone(&self.runtime),
            random: self.random,
            on_retry: self.on_retry,
        };
        let silence = Silence {
            limit: self.idle_timeout,
            runtime: self.runtime,
        };
        Ok(BedrockClient::new(sender, runtime, control, silence))
    }
}

impl fmt::Debug for BedrockClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BedrockClientBuilder")
            .field("region", &self.region)
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const HEAD_TIMEOUT: Duration = Duration::from_secs(2 * 60);
const WHOLE_TIMEOUT: Duration = Duration::from_secs(60 * 60);
const IDLE_TIMEOUT: Duration = Duration::from_secs(2 * 60);
