#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod body;
mod echo;
mod error;
mod future;
mod guard;
pub mod guide;
mod http_send;
mod layer;
mod recover;
mod recover_future;
mod recovered_body;
mod refusal_body;
mod refusals;
mod replay_body;
mod service;
mod upstream;

pub use sigv4_core;

pub use self::answer::AnswerBody;
pub use self::answer::AnswerErrors;
pub use self::answer::AnswerErrorsFuture;
pub use self::answer::AnswerErrorsLayer;
pub use self::answer::AnsweredError;
pub use self::body::SignedBody;
pub use self::error::Error;
pub use self::error::ErrorKind;
pub use self::future::ResponseFuture;
pub use self::guard::BrowserGuard;
pub use self::guard::Guarded;
pub use self::guard::GuardedFuture;
pub use self::http_send::ServiceSend;
pub use self::layer::SigV4Layer;
pub use self::recover::Recover;
pub use self::recover::RecoverLayer;
pub use self::recover_future::RecoverFuture;
pub use self::recovered_body::RecoveredBody;
pub use self::refusal_body::RefusalBody;
pub use self::refusals::Refusals;
pub use self::refusals::RefusalsFuture;
pub use self::refusals::RefusalsLayer;
pub use self::refusals::watch_refusal;
pub use self::replay_body::ReplayBody;
pub use self::service::SigV4;
pub use self::upstream::Upstream;
pub use self::upstream::UpstreamConfigError;
pub use self::upstream::UpstreamFuture;
pub use self::upstream::UpstreamLayer;

/// The error of every service here: an error of this crate, [`sigv4_core::Error`], or that of the
/// service inside, each to be told by `downcast_ref`.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
