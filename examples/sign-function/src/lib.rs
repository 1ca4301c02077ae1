//! Signs requests to AWS for programs that cannot compute a signature: the request comes as JSON,
//! and the answer says which headers to add, or which URL to call.
//!
//! [`SignRequest::parse`] reads a request, [`Limits::check`] holds it against what is allowed, and
//! [`sign`] signs it. [`run_on_lines`] does all that for a stream of lines.

pub mod allowed;
mod answer;
mod azure;
pub mod callers;
pub mod config;
mod environment;
mod fault;
mod limits;
mod log;
pub mod openapi;
mod request;
pub mod serve;
pub mod server;
mod signing;
mod stdin;
mod url;

pub use crate::answer::Refused;
pub use crate::answer::Signed;
pub use crate::environment::EnvironmentCredentials;
pub use crate::fault::Fault;
pub use crate::limits::Limits;
pub use crate::request::Algorithm;
pub use crate::request::ContentSha256;
pub use crate::request::Id;
pub use crate::request::PathRules;
pub use crate::request::Payload;
pub use crate::request::Placement;
pub use crate::request::RequestCredentials;
pub use crate::request::SessionToken;
pub use crate::request::SignHeaders;
pub use crate::request::SignRequest;
pub use crate::signing::sign;
pub use crate::stdin::run_on_lines;
