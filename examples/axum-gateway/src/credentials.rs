//! Where the gateway's credentials come from, and what it says when they do not come.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sigv4_core::ConfigError;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::CredentialsEvent;
use sigv4_core::runtime::Providers;
use sigv4_tower::ServiceSend;

use crate::client::tls_config;
use crate::config::Credentials;
use crate::log;
use crate::state::NamedCache;
use crate::stats::Stats;

/// Makes the caches of all credentials, each of them once for the program.
#[derive(Debug)]
pub struct Caches {
    providers: Providers,
    stats: Stats,
    given: Vec<NamedCache>,
}

impl Caches {
    /// Prepares to fetch.
    ///
    /// # Errors
    ///
    /// When the certificates of this machine cannot be read.
    pub fn new(stats: Stats) -> io::Result<Self> {
        // A client of its own: where there is no metadata service nobody answers, and that should
        // be known soon.
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(Duration::from_secs(1)));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config()?.0)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
        let providers = Providers::light(ServiceSend::new(client));
        let given = Vec::new();
        Ok(Self {
            providers,
            stats,
            given,
        })
    }

    /// Has this cache used for the credentials of its name, whatever is configured.
    pub fn put(&mut self, cache: NamedCache) {
        self.given.push(cache);
    }

    /// Makes the caches of a configuration. One that is there already, and is to have the same
    /// source, is kept with what it holds.
    ///
    /// # Errors
    ///
    /// When one of them cannot be right, with its name.
    pub fn make(
        &self,
        configured: &[Credentials],
        existing: &[NamedCache],
    ) -> Result<Vec<NamedCache>, CredentialsConfigError> {
        let made = configured.iter().map(|credentials| {
            let is_same = |cache: &&NamedCache| {
                cache.name == credentials.name && cache.fingerprint == credentials.fingerprint
            };
            let is_given = |cache: &&NamedCache| cache.name == credentials.name;
            let given = self.given.iter().find(is_given);
            if let Some(cache) = given.or_else(|| existing.iter().find(is_same)) {
                return Ok(cache.clone());
            }
            let builder = credentials.source.cache(&self.providers);
            let builder = builder.map_err(|source| CredentialsConfigError {
                name: credentials.name.to_string(),
                source,
            })?;
            let (name, count) = (
                Arc::clone(&credentials.name),
                self.stats.credentials(&credentials.name),
            );
            let hook = move |event: &CredentialsEvent| {
                count(event);
                log::credentials(&name, event);
            };
            Ok(NamedCache {
                name: credentials.name.clone(),
                kind: credentials.source.kind(),
                cache: builder
                    .name(credentials.name.clone())
                    .on_event(hook)
                    .build(),
                fingerprint: credentials.fingerprint,
            })
        });
        made.collect()
    }
}

/// Says which credentials cannot be as they were configured.
#[derive(Debug)]
pub struct CredentialsConfigError {
    name: String,
    source: ConfigError,
}

impl std::fmt::Display for CredentialsConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "credentials.{}", self.name)
    }
}

impl Error for CredentialsConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// Asks for the credentials once, so that a gateway that can never sign says so when it starts and
/// not at the first request. A source that is away will be back.
///
/// # Errors
///
/// When somebody has to change the configuration before there can be credentials.
pub async fn check(cache: &CredentialsCache) -> Result<(), sigv4_core::Error> {
    match cache.get().await {
        Err(error) if is_configuration(&error) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Has credentials looked up again that may be in files: these may be others by now, although the
/// configuration is the same. Nobody waits for it, and nothing is lost if it fails.
pub fn look_again(cache: &NamedCache) {
    if matches!(cache.kind, "default" | "profile" | "static" | "chain") {
        cache.cache.refresh();
    }
}

/// Tells whether somebody has to change the configuration before there can be credentials.
fn is_configuration(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<CredentialsError>();
        cause.is_some_and(|cause| {
            matches!(
                cause,
                CredentialsError::CredentialsNotLoaded(_)
                    | CredentialsError::InvalidConfiguration(_)
            )
        })
    })
}
