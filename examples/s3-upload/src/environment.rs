//! Where S3 is, and who the program is there: the variables that AWS's own tools read.

use std::env;
use std::sync::Arc;

use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::light::DefaultChain;
use sigv4_core::runtime::light::RegionChain;
use sigv4_reqwest::CredentialsClient;

use crate::client::S3Client;
use crate::error::Chain;
use crate::error::Error;
use crate::target::Endpoint;
use crate::target::Target;

/// What the environment says.
#[derive(Clone, Debug)]
pub struct Environment {
    region: String,
    endpoint: Endpoint,
    credentials: CredentialsCache,
}

impl Environment {
    /// Reads `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, `AWS_REGION` or `AWS_DEFAULT_REGION`, and
    /// looks for credentials where they are looked for.
    ///
    /// # Errors
    ///
    /// When there is no region, or one of these values cannot be one.
    pub async fn read() -> Result<Self, Error> {
        prepare_tls();
        let http = CredentialsClient::new().map_err(|error| Error::Request(error.into()))?;
        let http = Arc::new(http);
        let region = RegionChain::new(http.clone()).region().await;
        let region = region.map_err(|error| Error::usage(Chain::of(&error).to_string()))?;
        let region = region.ok_or_else(|| Error::usage("there is no region: set AWS_REGION"))?;
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = match set("AWS_ENDPOINT_URL_S3").or_else(|| set("AWS_ENDPOINT_URL")) {
            Some(url) => Endpoint::custom(&url)?,
            None => Endpoint::aws(&region)?,
        };
        Ok(Self {
            region,
            endpoint,
            credentials: CredentialsCache::new(DefaultChain::new(http)),
        })
    }

    /// Makes a client for an object.
    ///
    /// # Errors
    ///
    /// Those of [`S3Client::new`].
    pub fn client(&self, target: &Target) -> Result<S3Client, Error> {
        S3Client::new(
            target,
            &self.endpoint,
            &self.region,
            self.credentials.clone(),
        )
    }
}

/// Says which cryptography TLS is to use, unless the program has said so.
pub(crate) fn prepare_tls() {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
