//! Credentials that outlive requests.

#[cfg(feature = "aws-config")]
pub(super) mod aws_config;
pub(super) mod builder;
pub(super) mod cache;
pub(super) mod cached;
pub(super) mod chain;
pub(super) mod event;
mod file;
mod flight;
mod keeper;
#[cfg(feature = "light-credentials")]
pub mod light;
pub(super) mod outage;
mod policy;
pub(super) mod source;
mod verdict;
