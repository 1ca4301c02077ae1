//! Where the gateway's credentials come from, and what it says when they do not come.

use std::error::Error;
use std::io;
use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::CredentialsCacheBuilder;
use sigv4_core::runtime::CredentialsEvent;
use sigv4_core::runtime::light;
use sigv4_tower::ServiceSend;

/// The default chain of AWS's own tools: environment, profile, web identity, container, instance.
///
/// # Errors
///
/// When the certificates of this machine cannot be read.
pub fn from_the_default_chain() -> io::Result<CredentialsCacheBuilder> {
    // A client of its own: where there is no metadata service nobody answers, and that should be
    // known soon.
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(Duration::from_secs(1)));
    let connector = HttpsConnectorBuilder::new()
        .with_native_roots()?
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let chain = light::DefaultChain::new(ServiceSend::new(client));
    Ok(cached(chain).name("the default chain"))
}

/// Caches what a provider hands out, and prints what goes wrong with it.
pub fn cached(provider: impl ProvideCredentials + 'static) -> CredentialsCacheBuilder {
    CredentialsCache::builder(provider).on_event(|event| match event {
        CredentialsEvent::RefreshSucceeded { generation, .. } if *generation > 1 => {
            eprintln!("credentials: refreshed, set {generation}");
        }
        CredentialsEvent::RefreshFailed {
            error, failures, ..
        } => eprintln!("credentials: attempt {failures} failed: {}", chain(error)),
        CredentialsEvent::Invalidated { generation, .. } => {
            eprintln!("credentials: AWS says that set {generation} has ended");
        }
        _ => {}
    })
}

/// Tells whether somebody has to change the configuration before there can be credentials.
#[must_use]
pub fn is_configuration(error: &(dyn Error + 'static)) -> bool {
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

/// An error with its causes, in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let text: Vec<String> = causes.map(ToString::to_string).collect();
    text.join(": ")
}
