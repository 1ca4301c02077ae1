//! IoT Core: MQTT over a WebSocket.

use crate::error::ConfigError;
use crate::presign::PresignOptions;
use crate::signer::Signer;
use crate::tokens::input;
use crate::tokens::token::Kind;
use crate::tokens::token::QUARTER;
use crate::tokens::token::TokenSigner;
use crate::tokens::token::as_it_is;

/// Makes URLs for WebSockets to the message broker of IoT Core, which carry MQTT (subprotocol
/// `mqtt`).
///
/// `host` is the data endpoint of the account (`aws iot describe-endpoint --endpoint-type
/// iot:Data-ATS`). The session token of temporary credentials is added after signing: this service
/// leaves it out of the signature.
///
/// <https://docs.aws.amazon.com/iot/latest/developerguide/protocols.html>,
/// <https://docs.aws.amazon.com/iot/latest/developerguide/iam-users-groups-roles.html>
///
/// ```
/// use sigv4_core::tokens;
/// # let credentials = sigv4_core::Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// # let now = std::time::SystemTime::now();
///
/// let host = "abc123-ats.iot.us-east-1.amazonaws.com";
/// let url = tokens::iot("us-east-1", host)?.token(&credentials, now)?;
/// assert!(url.expose().starts_with(&format!("wss://{host}/mqtt?X-Amz-Algorithm=")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the region or the host cannot be one.
pub fn iot(region: &str, host: &str) -> Result<TokenSigner, ConfigError> {
    let signer = Signer::builder("iotdevicegateway", region).build()?;
    let start = format!("wss://{}", input::host(host)?);
    let uri = format!("{start}/mqtt");
    let kind = Kind {
        request: input::get("host", &uri)?,
        start,
        wrap: as_it_is,
        lifetime: QUARTER,
        longest: PresignOptions::MAX_LIFETIME,
        said: PresignOptions::MAX_LIFETIME,
    };
    Ok(TokenSigner::new(signer, kind))
}
