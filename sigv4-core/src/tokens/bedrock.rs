//! Bedrock: short-term API keys.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::signer::Signer;
use crate::tokens::input;
use crate::tokens::token::Kind;
use crate::tokens::token::TokenSigner;

/// Makes short-term API keys of Bedrock, for the runtime APIs in one region.
///
/// They go into `Authorization: Bearer`, or into `AWS_BEARER_TOKEN_BEDROCK` for a program that
/// reads it, over TLS only. A key holds for twelve hours or as long as the credentials. Those of a
/// role mostly end before that, so that its key has to be
/// [clamped](TokenSigner::clamp_to_credentials) or asked for with a
/// [shorter lifetime](TokenSigner::expires_in).
///
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-generate.html>
///
/// ```
/// use sigv4_core::tokens;
/// # let credentials = sigv4_core::Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let now = std::time::SystemTime::now();
///
/// let key = tokens::bedrock("us-east-1")?.clamp_to_credentials().token(&credentials, now)?;
/// assert!(key.expose().starts_with("bedrock-api-key-"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the region cannot be one.
pub fn bedrock(region: &str) -> Result<TokenSigner, ConfigError> {
    let signer = Signer::builder("bedrock", region).build()?;
    // One host for all regions. The region is in the scope of the signature.
    let start = "bedrock.amazonaws.com".to_owned();
    let uri = format!("https://{start}/?Action=CallWithBearerToken");
    let mut request = input::get("region", &uri)?;
    *request.method_mut() = Method::POST;
    let kind = Kind {
        request,
        start,
        wrap: |url| {
            let url = Zeroizing::new([&*url, "&Version=1"].concat());
            let mut key = Zeroizing::new(String::from("bedrock-api-key-"));
            BASE64_STANDARD.encode_string(&*url, &mut key);
            key
        },
        lifetime: HALF_A_DAY,
        longest: HALF_A_DAY,
        said: HALF_A_DAY,
    };
    Ok(TokenSigner::new(signer, kind))
}

const HALF_A_DAY: Duration = Duration::from_secs(12 * 3600);
