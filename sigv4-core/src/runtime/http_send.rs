//! How credentials are fetched over the HTTP library of the program.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http::Response;

/// Sends one request and reads its whole answer.
///
/// It is what the light credential providers need of an HTTP client. `sigv4-reqwest` and
/// `sigv4-tower` implement it over the library that the program uses already.
///
/// An implementation follows no redirects, goes through no proxy, keeps no cookies, connects
/// quickly or not at all, and fails on an answer of more than [`MAX_ANSWER`] bytes. Dropping the
/// future breaks the exchange off.
pub trait HttpSend: fmt::Debug + Send + Sync + 'static {
    /// Sends a request. The URI is absolute.
    ///
    /// # Errors
    ///
    /// Any error means that there was no whole answer. An answer is no error, whatever its
    /// status.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future breaks the exchange off.
    fn send(&self, request: Request<Bytes>) -> HttpFuture<'_>;
}

/// The answer to a request that was sent by an [`HttpSend`].
pub type HttpFuture<'a> = Pin<Box<dyn Future<Output = HttpResult> + Send + 'a>>;

/// What became of a request that was sent by an [`HttpSend`].
pub type HttpResult = Result<Response<Bytes>, Box<dyn StdError + Send + Sync>>;

/// How many bytes an answer may have: 1 MiB. Those of credential services have a few thousand bytes.
pub const MAX_ANSWER: usize = 1024 * 1024;

impl<T: HttpSend + ?Sized> HttpSend for Arc<T> {
    fn send(&self, request: Request<Bytes>) -> HttpFuture<'_> {
        (**self).send(request)
    }
}
