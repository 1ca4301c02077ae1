//! Where the keys and the region come from.

use std::error::Error;

use bedrock_chat::client::use_ring;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::Providers;
use sigv4_reqwest::CredentialsClient;

use crate::screen::explain;

/// Finds the region, unless it is given, and says where credentials come from: from where the SDKs
/// look for them. They are fetched when the first request is signed.
pub(crate) async fn find(
    region: Option<String>,
) -> Result<(String, CredentialsCache), Box<dyn Error>> {
    use_ring();
    let http = CredentialsClient::new()?;
    #[cfg(not(feature = "aws-config"))]
    let providers = Providers::light(http);
    #[cfg(feature = "aws-config")]
    let providers = Providers::aws_config(http);
    let source = CredentialSource::default();
    let region = match region {
        Some(region) => region,
        None => {
            let found = source.region(&providers).await;
            found.map_err(|error| format!("{}, or give --region", explain(&error)))?
        }
    };
    Ok((region, source.cache(&providers)?.build()))
}
