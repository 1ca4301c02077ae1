//! Managed Streaming for Apache Kafka: the token of SASL/OAUTHBEARER.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::signer::Signer;
use crate::tokens::input;
use crate::tokens::token::Kind;
use crate::tokens::token::QUARTER;
use crate::tokens::token::TokenSigner;

/// Makes tokens for the clusters of MSK in a region that take IAM access control.
///
/// A token is for all of them; what it opens is decided by the policies of whoever made it. It goes
/// where a Kafka client has its callback for `sasl.mechanism=OAUTHBEARER`, together with
/// [when it expires](crate::tokens::Token::expires_at).
///
/// <https://docs.aws.amazon.com/msk/latest/developerguide/configure-clients-for-iam-access-control.html>
/// and the `aws-msk-iam-sasl-signer` libraries.
///
/// ```
/// use std::time::UNIX_EPOCH;
/// use sigv4_core::tokens;
/// # let credentials = sigv4_core::Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let now = std::time::SystemTime::now();
///
/// let token = tokens::msk("us-east-1")?.token(&credentials, now)?;
/// // Kafka clients want milliseconds.
/// let lifetime_ms = token.expires_at().duration_since(UNIX_EPOCH)?.as_millis();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the region cannot be one.
pub fn msk(region: &str) -> Result<TokenSigner, ConfigError> {
    let signer = Signer::builder("kafka-cluster", region).build()?;
    // Nobody connects to it. The libraries of AWS sign this name in the other partitions, too.
    let start = format!("https://kafka.{region}.amazonaws.com");
    let uri = format!("{start}/?Action=kafka-cluster:Connect");
    let kind = Kind {
        request: input::get("region", &uri)?,
        start,
        wrap: |url| {
            let url = Zeroizing::new([&*url, USER_AGENT].concat());
            Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(&*url))
        },
        lifetime: QUARTER,
        longest: QUARTER,
        said: QUARTER,
    };
    Ok(TokenSigner::new(signer, kind))
}

/// Added after signing, as the libraries of AWS do.
const USER_AGENT: &str = concat!("&User-Agent=sigv4-core%2F", env!("CARGO_PKG_VERSION"));
