//! Credential providers without an SDK, over the HTTP client that a program has already.
//!
//! For programs that sign with these crates in order to leave the SDK out. All are any
//! `aws_credential_types::provider::ProvideCredentials`, to be put into a
//! [`CredentialsCache`](crate::runtime::CredentialsCache): none keeps what it has fetched.
//!
//! | provider | credentials of |
//! |---|---|
//! | [`DefaultChain`] | the first of those below that is configured, in the order of the SDKs |
//! | [`Environment`] | environment variables |
//! | [`Profile`] | `~/.aws/config` and `~/.aws/credentials`, with roles and their sources |
//! | [`WebIdentity`] | a role, by a token in a file (EKS with roles for service accounts) |
//! | [`Container`] | an ECS task, an EKS pod |
//! | [`InstanceMetadata`] | an EC2 instance, by IMDSv2 |
//! | [`AssumeRole`] | a role, by other credentials |
//! | [`S3ExpressSession`] | a directory bucket of S3 Express, by other credentials |
//!
//! [`RegionChain`] finds the region. Not here are IAM Identity Center (SSO), console logins and
//! `credential_process`: they need a browser, or run a program. Where they are configured the error
//! says to use `aws-config`, whose providers fit into the same places.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use sigv4_core::Signer;
//! # use sigv4_core::runtime::{Authorizer, HostScope, HttpSend};
//! use sigv4_core::runtime::{CredentialsCache, light};
//!
//! # async fn example(http: Arc<dyn HttpSend>) -> Result<(), Box<dyn std::error::Error>> {
//! // `http` is a `sigv4_reqwest::CredentialsClient` or a `sigv4_tower::ServiceSend`.
//! let context = light::Context::new(http);
//! let region = light::RegionChain::new(context.clone()).region().await?;
//! let credentials = CredentialsCache::new(light::DefaultChain::new(context));
//! # Ok(())
//! # }
//! ```
//!
//! # How they ask
//!
//! Within one fetch a source is asked up to three times, with a short random pause between: after a
//! timeout, an answer that says to come back later (429, 5xx, throttling), and one that cannot be
//! understood. An attempt may take one second (instance metadata) or five (all others).
//!
//! Plain http goes to loopback addresses, and by [`Container`] and [`InstanceMetadata`] to those of
//! their services. Everything else is asked over https, or not at all.
//!
//! An error names the source and the variable, file or field that is at fault, and never holds a
//! value that could be secret. What a service says about a refusal is passed on in one line,
//! without what it was sent in confidence.

mod answer;
mod assume_role;
mod container;
mod context;
mod default_chain;
mod env;
mod environment;
mod error;
mod exchange;
#[cfg(test)]
mod fake;
mod files;
mod imds;
mod ini;
mod profile;
mod region;
mod s3_express;
mod sts;
#[cfg(test)]
mod suite;
mod web_identity;
mod xml;

pub use self::assume_role::AssumeRole;
pub use self::container::Container;
pub use self::context::Context;
pub use self::default_chain::DefaultChain;
pub use self::environment::Environment;
pub use self::error::FetchError;
pub use self::error::FetchErrorKind;
pub use self::imds::InstanceMetadata;
pub use self::profile::Profile;
pub use self::region::RegionChain;
pub use self::s3_express::S3ExpressSession;
pub use self::s3_express::S3ExpressSessions;
pub use self::web_identity::WebIdentity;
