//! [`SigV4`].

use std::mem;
use std::task::Context;
use std::task::Poll;

use http::Request;
use http::Response;
use http_body::Body;
use sigv4_core::runtime::Authorizer;
use tower_service::Service;

use crate::BoxError;
use crate::body::SignedBody;
use crate::future::ResponseFuture;

/// Signs each request and hands it to the service inside. Made by [`SigV4Layer`].
///
/// Per request, [`SigningOverrides`](sigv4_core::SigningOverrides) in the extensions say what is
/// to be done otherwise. The answer is passed on as it is, with a
/// [`SigningReceipt`](sigv4_core::runtime::SigningReceipt) in its extensions. One thing is taken out
/// of it: where the signature went into the [query](sigv4_core::runtime::Placement::Query), headers
/// that repeat it (`Location`, `Link`) lose its parameters, or are removed if that is not enough.
/// Bodies pass as they are.
///
/// # Errors
///
/// A request that cannot be signed is not sent. The error is then a [`sigv4_core::Error`], to be
/// had by `downcast_ref`, of any [kind](sigv4_core::ErrorKind); any other error is that of the service
/// inside. Of a body that passes as a stream `BodyLength`, `Trailers` and `EventStream` may only show
/// while it is sent: they break the request off, and are among the causes of the client's error.
///
/// # Cancel safety
///
/// A future that is dropped before the request was handed on has sent nothing.
///
/// [`SigV4Layer`]: crate::SigV4Layer
#[derive(Clone, Debug)]
pub struct SigV4<S> {
    inner: S,
    authorizer: Authorizer,
}

impl<S> SigV4<S> {
    /// Signs by this authorizer what goes to `inner`.
    pub const fn new(inner: S, authorizer: Authorizer) -> Self {
        Self { inner, authorizer }
    }

    /// Returns the service inside.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the service inside, to be changed.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Takes the service out.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, R> Service<Request<B>> for SigV4<S>
where
    S: Service<Request<SignedBody<B>>, Response = Response<R>, Error: Into<BoxError>> + Clone,
    B: Body<Error: Into<BoxError>>,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready has to be the one that is called; the clone that stays
        // behind is not ready yet.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        ResponseFuture::new(ready, self.authorizer.clone(), request)
    }
}
