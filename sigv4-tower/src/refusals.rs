//! [`RefusalsLayer`]: what AWS says when it refuses, told to whoever counts and logs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http::Extensions;
use http::Request;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use sigv4_core::runtime::AwsRefusal;
use tower_layer::Layer;
use tower_service::Service;

use crate::refusal_body::RefusalBody;

/// Tells a hook why AWS refused a request: for the metrics and logs of a proxy.
///
/// Answers of status 4xx are looked at as they pass, for the error code that is in a header or in
/// the first 16 KiB of the body. The answer reaches the client unchanged and without delay.
///
/// ```
/// use http::Extensions;
/// use sigv4_core::runtime::{AwsRefusal, SigningReceipt};
/// use sigv4_tower::{RecoverLayer, RefusalsLayer, SigV4Layer};
/// use tower::ServiceBuilder;
///
/// # fn example<S>(authorizer: sigv4_core::runtime::Authorizer, client: S) {
/// let refusals = RefusalsLayer::new(|refusal: &AwsRefusal, extensions: &Extensions| {
///     let host = extensions.get::<SigningReceipt>().map(SigningReceipt::host);
///     let (cause, code) = (refusal.cause(), refusal.code());
///     eprintln!("{host:?} refused: {} ({code:?}): {}", cause.as_str(), cause.advice());
/// });
/// let client = ServiceBuilder::new()
///     .layer(refusals)
///     .layer(RecoverLayer::new(authorizer.clone()))
///     .layer(SigV4Layer::new(authorizer))
///     .service(client);
/// # }
/// ```
///
/// # The hook
///
/// It gets what was found, and the extensions that the answer had when it passed this layer, the
/// [`SigningReceipt`](sigv4_core::runtime::SigningReceipt) among them. It is called once for each
/// such answer: at the end of the body, when 16 KiB of it have passed, or when it is dropped before;
/// at once where the body is empty or [compressed](AwsRefusal::read). That is in the middle of
/// sending the answer, so that it should be quick and must not panic.
///
/// To tell it what belongs to one request only, such as its id, put [`watch_refusal`] around the
/// answer instead of this layer around the service.
///
/// # Where it goes
///
/// Outside of [`RecoverLayer`](crate::RecoverLayer), which looks at answers that never arrive here:
/// those of a first attempt. Inside or outside of [`AnswerErrorsLayer`](crate::AnswerErrorsLayer)
/// makes no difference: the answers of that one are not AWS's, and are not told.
#[derive(Clone, Copy)]
#[must_use]
pub struct RefusalsLayer<H> {
    hook: H,
}

impl<H> RefusalsLayer<H>
where
    H: Fn(&AwsRefusal, &Extensions) + Clone,
{
    /// Makes a layer that tells this hook, of which there will be a clone for each request.
    pub const fn new(hook: H) -> Self {
        Self { hook }
    }
}

impl<H> fmt::Debug for RefusalsLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusalsLayer").finish_non_exhaustive()
    }
}

impl<S, H: Clone> Layer<S> for RefusalsLayer<H> {
    type Service = Refusals<S, H>;

    fn layer(&self, inner: S) -> Refusals<S, H> {
        Refusals {
            inner,
            hook: self.hook.clone(),
        }
    }
}

/// Tells a hook of refusals. Made by [`RefusalsLayer`].
///
/// # Errors
///
/// Those of the service inside.
///
/// # Cancel safety
///
/// That of the service inside. The hook is told nothing of an answer that has not come.
#[derive(Clone)]
pub struct Refusals<S, H> {
    inner: S,
    hook: H,
}

impl<S: fmt::Debug, H> fmt::Debug for Refusals<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, B, R, H> Service<Request<B>> for Refusals<S, H>
where
    S: Service<Request<B>, Response = Response<R>>,
    H: Fn(&AwsRefusal, &Extensions) + Clone,
    R: Body,
{
    type Response = Response<RefusalBody<R, H>>;
    type Error = S::Error;
    type Future = RefusalsFuture<S::Future, H>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        RefusalsFuture {
            response: self.inner.call(request),
            hook: Some(self.hook.clone()),
        }
    }
}

pin_project! {
    /// The answer, with a body that is watched. The future of [`Refusals`].
    pub struct RefusalsFuture<F, H> {
        #[pin]
        response: F,
        hook: Option<H>,
    }
}

impl<F, R, E, H> Future for RefusalsFuture<F, H>
where
    F: Future<Output = Result<Response<R>, E>>,
    H: FnOnce(&AwsRefusal, &Extensions),
    R: Body,
{
    type Output = Result<Response<RefusalBody<R, H>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.response.poll(cx))?;
        let hook = this.hook.take();
        let hook = hook.expect("a future is not polled after it has ended");
        Poll::Ready(Ok(watch_refusal(response, hook)))
    }
}

impl<F, H> fmt::Debug for RefusalsFuture<F, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusalsFuture").finish_non_exhaustive()
    }
}

/// Tells a hook why AWS refused the request that this is the answer to, if it did: what
/// [`RefusalsLayer`] does with every answer, for one.
///
/// ```
/// use sigv4_tower::{AnswerErrorsLayer, RefusalBody, watch_refusal};
/// # use std::convert::Infallible;
/// use tower::{Service, ServiceExt};
///
/// # async fn forward<S, B, R>(service: S, request: http::Request<B>) -> Result<(), Infallible>
/// # where S: Service<http::Request<B>, Response = http::Response<R>, Error = Infallible>, R: http_body::Body,
/// # {
/// let id = request.headers().get("x-request-id").cloned();
/// let response = service.oneshot(request).await?;
/// let response = watch_refusal(response, move |refusal, _| {
///     eprintln!("{id:?} was refused: {}", refusal.cause().as_str());
/// });
/// # Ok(())
/// # }
/// ```
pub fn watch_refusal<R, H>(response: Response<R>, hook: H) -> Response<RefusalBody<R, H>>
where
    R: Body,
    H: FnOnce(&AwsRefusal, &Extensions),
{
    let (head, body) = response.into_parts();
    let body = RefusalBody::new(&head, body, hook);
    Response::from_parts(head, body)
}
