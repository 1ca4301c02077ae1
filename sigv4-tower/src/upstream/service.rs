//! [`Upstream`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http::Request;
use http::Response;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::BoxError;
use crate::error::Error;
use crate::upstream::config::Config;

/// Sends requests to one upstream. Made by [`UpstreamLayer`](crate::UpstreamLayer).
///
/// # Errors
///
/// An [`Error`] of any [kind](crate::ErrorKind) but `UnknownHost` and `WebPage` for a request that is
/// refused; else the error of the service inside.
///
/// # Cancel safety
///
/// That of the service inside.
#[derive(Clone, Debug)]
pub struct Upstream<S> {
    pub(super) inner: S,
    pub(super) config: Arc<Config>,
}

impl<S, B, R> Service<Request<B>> for Upstream<S>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = UpstreamFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let state = match self.config.direct(&mut request) {
            Ok(()) => State::Sending {
                response: self.inner.call(request),
                config: Arc::clone(&self.config),
            },
            Err(error) => State::Refused { error: Some(error) },
        };
        UpstreamFuture { state }
    }
}

pin_project! {
    /// The answer of the upstream. The future of [`Upstream`].
    #[derive(Debug)]
    pub struct UpstreamFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[derive(Debug)]
    enum State<F> {
        Refused { error: Option<Error> },
        Sending { #[pin] response: F, config: Arc<Config> },
    }
}

impl<F, R, E> Future for UpstreamFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Refused { error } => {
                let error = error
                    .take()
                    .expect("a future is not polled after it has ended");
                Poll::Ready(Err(error.into()))
            }
            StateProjection::Sending { response, config } => {
                let mut response = ready!(response.poll(cx)).map_err(Into::into)?;
                config.clean_answer(response.headers_mut());
                Poll::Ready(Ok(response))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::HeaderName;
    use http::Request;
    use http::Response;
    use tower::ServiceExt;
    use tower::service_fn;
    use tower_layer::Layer;

    use crate::upstream::testing::layer;

    #[tokio::test]
    async fn removes_what_concerns_the_connection_of_the_upstream() {
        let service = service_fn(|_: Request<()>| async {
            let response = Response::builder()
                .header("connection", "close, x-hop")
                .header("x-hop", "1")
                .header("keep-alive", "timeout=5")
                .header("transfer-encoding", "chunked")
                .header("content-length", "3")
                .header("x-amzn-requestid", "kept");
            Ok::<_, Infallible>(response.body(()).unwrap())
        });
        let request = Request::get("/bedrock/").body(()).unwrap();
        let response = layer().layer(service).oneshot(request).await.unwrap();
        let names: Vec<_> = response.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-amzn-requestid"]);
    }
}
