//! [`UpstreamLayer`]: turns what a client sent to a proxy into a request to one upstream.

mod client_payload;
mod config;
mod config_error;
mod headers;
mod layer;
mod names;
mod path;
mod service;
mod target;
#[cfg(test)]
mod testing;

pub use self::config_error::UpstreamConfigError;
pub use self::layer::UpstreamLayer;
pub use self::service::Upstream;
pub use self::service::UpstreamFuture;
pub(crate) use self::target::check_host;
