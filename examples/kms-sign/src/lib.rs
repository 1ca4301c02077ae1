//! A client of KMS for signing, without an SDK: [`KmsClient`] asks for signatures and public keys,
//! [`PublicKey`] checks the signatures here.
//!
//! ```no_run
//! use kms_sign::{Algorithm, KmsClient};
//! use sigv4_core::runtime::{CredentialsCache, light};
//! use sigv4_reqwest::CredentialsClient;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = CredentialsCache::new(light::DefaultChain::new(CredentialsClient::new()?));
//! let kms = KmsClient::new("eu-central-1", credentials)?;
//! let signed = kms.sign("alias/orders", b"message", Algorithm::EcdsaSha256).await?;
//! let key = kms.public_key(&signed.key_id).await?;
//! key.verify(Algorithm::EcdsaSha256, b"message", &signed.signature)?;
//! # Ok(())
//! # }
//! ```

mod algorithm;
mod client;
mod error;
mod message;
pub mod mistakes;
mod public_key;
mod refusal;

pub use self::algorithm::Algorithm;
pub use self::algorithm::UnknownAlgorithm;
pub use self::client::KmsClient;
pub use self::client::Signed;
pub use self::error::Error;
pub use self::error::ErrorKind;
pub use self::message::Message;
pub use self::public_key::PublicKey;
pub use self::refusal::Refusal;
