#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod execute;
pub mod guide;
mod http_send;
#[cfg(feature = "middleware")]
mod middleware;
mod recover;
mod request;

pub use sigv4_core;

pub use self::error::Error;
pub use self::error::ErrorKind;
pub use self::error::ExecuteError;
#[cfg(feature = "middleware")]
#[cfg_attr(docsrs, doc(cfg(feature = "middleware")))]
pub use self::error::is_retryable;
pub use self::execute::execute;
pub use self::http_send::CredentialsClient;
#[cfg(feature = "middleware")]
#[cfg_attr(docsrs, doc(cfg(feature = "middleware")))]
pub use self::middleware::SigV4Middleware;
pub use self::request::sign;

/// Returns a redirect policy that follows none: for the `reqwest::Client` of a signing program.
///
/// reqwest follows redirects below any middleware. It sends the old signature to the new path of
/// the same host, which refuses it, and `x-amz-security-token` to any other origin, which can use
/// it together with a leaked secret. AWS's APIs redirect next to never; where they do (S3, to the
/// region of a bucket) the answer says where to, and the request has to be signed for that.
///
/// ```
/// let client = reqwest::Client::builder().redirect(sigv4_reqwest::redirect_policy());
/// ```
#[must_use]
pub fn redirect_policy() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::none()
}
