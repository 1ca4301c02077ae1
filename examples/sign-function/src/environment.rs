//! Credentials from where programs look for them on the machine that they run on.

use std::error::Error;
use std::io;

use sigv4_core::Credentials;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::light::DefaultChain;
use sigv4_reqwest::CredentialsClient;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;

use crate::fault::Fault;

/// The credentials of the environment, for a program that waits for them.
///
/// Nothing is looked for, and no thread is started, before the first are asked for: a program whose
/// requests bring their own never does.
#[derive(Debug, Default)]
pub struct EnvironmentCredentials {
    source: Option<(Runtime, CredentialsCache)>,
}

impl EnvironmentCredentials {
    /// Looks for nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { source: None }
    }

    /// Returns the credentials to sign with now.
    ///
    /// # Errors
    ///
    /// When there are none, with what each place said that was looked at.
    pub fn get(&mut self) -> Result<Credentials, Fault> {
        let source = match self.source.take() {
            Some(source) => source,
            None => begin().map_err(|error| fault(&error))?,
        };
        let (runtime, cache) = self.source.insert(source);
        let cached = runtime.block_on(cache.get());
        let cached = cached.map_err(|error| fault(&error))?;
        Ok(cached.credentials().clone())
    }
}

fn begin() -> io::Result<(Runtime, CredentialsCache)> {
    // A thread of its own replaces credentials that end while the program waits for lines.
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let client = client().map_err(io::Error::other)?;
    let cache = runtime.block_on(async { CredentialsCache::new(DefaultChain::new(client)) });
    Ok((runtime, cache))
}

/// Makes the client that asks for credentials, with the TLS of `ring`, which needs no C compiler's
/// minutes as that of reqwest's own choice does.
pub(crate) fn client() -> reqwest::Result<CredentialsClient> {
    // Fails where there is one already, which does as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    CredentialsClient::new()
}

fn fault(error: &dyn Error) -> Fault {
    let mut message = String::from("are not in the request, and there are none here: ");
    message += &error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message += ": ";
        message += &cause.to_string();
        source = cause.source();
    }
    Fault::new("credentials", message)
}
