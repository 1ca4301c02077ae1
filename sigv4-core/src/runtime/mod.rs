//! What the adapters for HTTP stacks share: who may be signed for, with which credentials, at what
//! time.
//!
//! ```
//! use sigv4_core::{Credentials, Signer};
//! use sigv4_core::runtime::{Authorizer, CredentialsCache, HostScope};
//!
//! // Any `aws_credential_types::provider::ProvideCredentials` will do; so will fixed credentials.
//! let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
//! let signer = Signer::builder("bedrock", "us-east-1").build()?;
//! let scope = HostScope::exact(["bedrock-runtime.us-east-1.amazonaws.com"])?;
//! let authorizer = Authorizer::builder(signer, CredentialsCache::new(credentials), scope).build();
//! # Ok::<(), sigv4_core::ConfigError>(())
//! ```
//!
//! An [`Authorizer`] is what `sigv4-tower` and `sigv4-reqwest` hold. It is cheap to clone, and its
//! clones share the credentials, so that one program needs one [`CredentialsCache`].

#[doc(hidden)]
pub mod adapter;
mod authorizer;
mod clock;
mod credentials;
mod encoded_body;
mod framing;
mod held_body;
mod http_send;
mod length_checked;
mod placement;
mod receipt;
mod recovery;
mod refusal;
mod scope;
mod task;

pub use self::authorizer::Authorized;
pub use self::authorizer::Authorizer;
pub use self::authorizer::AuthorizerBuilder;
pub use self::authorizer::Plan;
pub use self::authorizer::TrySign;
pub use self::clock::Clock;
pub use self::clock::SystemClock;
#[cfg(feature = "aws-config")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-config")))]
pub use self::credentials::aws_config::http::SdkHttpClient;
pub use self::credentials::builder::CredentialsCacheBuilder;
pub use self::credentials::builder::IdentityPolicy;
pub use self::credentials::cache::CredentialsCache;
pub use self::credentials::cache::Readiness;
pub use self::credentials::cached::CachedCredentials;
pub use self::credentials::cached::CredentialsGuard;
pub use self::credentials::chain::StickyChain;
pub use self::credentials::event::CredentialsEvent;
#[cfg(feature = "light-credentials")]
#[cfg_attr(docsrs, doc(cfg(feature = "light-credentials")))]
pub use self::credentials::light;
pub use self::credentials::outage::CredentialsOutage;
pub use self::credentials::source::CredentialSource;
pub use self::credentials::source::providers::Providers;
pub use self::credentials::source::settings::AssumeRoleSource;
pub use self::credentials::source::settings::ChainSource;
pub use self::credentials::source::settings::ProfileSource;
pub use self::credentials::source::settings::StaticKeys;
pub use self::credentials::source::settings::WebIdentitySource;
pub use self::credentials::source::value::SecretText;
pub use self::http_send::HttpFuture;
pub use self::http_send::HttpResult;
pub use self::http_send::HttpSend;
pub use self::http_send::MAX_ANSWER;
pub use self::placement::Placement;
pub use self::receipt::SigningReceipt;
pub use self::refusal::AwsRefusal;
pub use self::refusal::RefusalCause;
pub use self::scope::HostScope;
pub use self::task::Runtime;
pub use self::task::Task;
pub use self::task::TokioRuntime;
