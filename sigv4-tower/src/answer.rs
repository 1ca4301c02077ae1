//! [`AnswerErrorsLayer`]: errors as HTTP answers, for the outside of a proxy.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;
use sigv4_core::ErrorKind as SigningErrorKind;
use sigv4_core::runtime::CredentialsOutage;
use sigv4_core::runtime::adapter;
use tower_layer::Layer;
use tower_service::Service;

use crate::BoxError;
use crate::error::ErrorKind;

/// Answers a request that was not forwarded with the status that its error amounts to.
///
/// For the outside of a proxy: the service then never fails, as axum's
/// `Router::fallback_service` wants it.
///
/// | error | status | kind |
/// |---|---|---|
/// | no usable credentials | 503, with the time of the next attempt in `Retry-After` | `Credentials` of [`sigv4_core::ErrorKind`] |
/// | body over the limit | 413 | `BodyTooLarge` of the same |
/// | length of the body needed and not known | 411 | `LengthRequired` of the same |
/// | host out of scope | 403 | `OutOfScope` of the same |
/// | too many headers | 431 | `TooManyHeaders` of either |
/// | a fault of this program: its clock, the lifetime or the regions it signs for | 500 | `Time`, `Expiry`, `RegionSet`, `Ecdsa` of the same |
/// | any other reason not to sign the request | 400 | all others of the same |
/// | no route to an upstream | 404 | `NoRoute` of [`ErrorKind`](crate::ErrorKind) |
/// | `TRACE` | 405 | `Method` |
/// | target too long for the upstream | 414 | `TargetTooLong` |
/// | a transfer coding other than `chunked`; an upgrade to a WebSocket | 501 | `TransferCoding`, `Upgrade` |
/// | a target or a host that servers read differently | 400 | `AmbiguousTarget`, `AmbiguousHost` |
/// | headers that servers read differently | 400 | `HeaderValue`, `RepeatedHeader`, `ContentLength` |
/// | a body that comes signed, or with a hash that is none | 400 | `EncodedBody`, `PayloadHash` |
/// | a host that the proxy is not asked under | 421 | `UnknownHost` |
/// | a request of a web page | 403 | `WebPage` |
/// | any error of the service inside | 502 | |
///
/// An error of the request's body that arises while it is sent is found among the causes of the
/// client's; over HTTP/2 hyper does not name it, and it is a 502.
///
/// The text of the answer is that of the error, which names what is wrong and never a value. A 502
/// has a fixed text, since the error of a client may hold addresses. The error itself is in the
/// extensions of the answer, as [`AnsweredError`], for a layer outside to log.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct AnswerErrorsLayer;

impl AnswerErrorsLayer {
    /// Makes the layer.
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for AnswerErrorsLayer {
    type Service = AnswerErrors<S>;

    fn layer(&self, inner: S) -> AnswerErrors<S> {
        AnswerErrors {
            inner,
            unready: None,
        }
    }
}

/// Answers errors. Made by [`AnswerErrorsLayer`].
///
/// # Errors
///
/// None.
///
/// # Cancel safety
///
/// That of the service inside.
#[derive(Debug)]
pub struct AnswerErrors<S> {
    inner: S,
    /// Why the service inside will not take a request; it is told to the next one.
    unready: Option<BoxError>,
}

impl<S: Clone> Clone for AnswerErrors<S> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            unready: None,
        }
    }
}

impl<S, B, R> Service<Request<B>> for AnswerErrors<S>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
{
    type Response = Response<AnswerBody<R>>;
    type Error = Infallible;
    type Future = AnswerErrorsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.unready.is_none() {
            self.unready = ready!(self.inner.poll_ready(cx)).err().map(Into::into);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let state = match self.unready.take() {
            Some(error) => State::Failed { error: Some(error) },
            None => State::Sending {
                response: self.inner.call(request),
            },
        };
        AnswerErrorsFuture { state }
    }
}

pin_project! {
    /// The answer, whatever happens. The future of [`AnswerErrors`].
    #[derive(Debug)]
    pub struct AnswerErrorsFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[derive(Debug)]
    enum State<F> {
        Failed { error: Option<BoxError> },
        Sending { #[pin] response: F },
    }
}

impl<F, R, E> Future for AnswerErrorsFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response<AnswerBody<R>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match self.project().state.project() {
            StateProjection::Sending { response } => ready!(response.poll(cx)).map_err(Into::into),
            StateProjection::Failed { error } => Err(error
                .take()
                .expect("a future is not polled after it has ended")),
        };
        Poll::Ready(Ok(match result {
            Ok(response) => response.map(|body| AnswerBody {
                kind: Kind::Inner { body },
            }),
            Err(error) => answer(error),
        }))
    }
}

fn answer<R>(error: BoxError) -> Response<AnswerBody<R>> {
    let (status, text) = status_and_text(&*error);
    let body = AnswerBody {
        kind: Kind::Text {
            text: Some(Bytes::from(text)),
        },
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, retry_after(&*error));
    }
    response.extensions_mut().insert(AnsweredError {
        error: Arc::from(error),
    });
    response
}

/// Whole seconds until the next attempt to get credentials, rounded up.
fn retry_after(error: &(dyn StdError + 'static)) -> HeaderValue {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    let wait = causes
        .find_map(|error| {
            error
                .downcast_ref::<sigv4_core::Error>()?
                .credentials_outage()
        })
        .map_or(Duration::ZERO, CredentialsOutage::next_attempt_in);
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    HeaderValue::from(seconds.max(1))
}

fn status_and_text(error: &(dyn StdError + 'static)) -> (StatusCode, String) {
    // A client wraps an error of the request's body into one of its own.
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    let found = causes.find_map(|error| {
        let status = match (
            error
                .downcast_ref::<sigv4_core::Error>()
                .map(sigv4_core::Error::kind),
            error.downcast_ref::<crate::Error>().map(crate::Error::kind),
        ) {
            (Some(kind), _) => signing_status(kind),
            (_, Some(kind)) => upstream_status(kind),
            (None, None) => return None,
        };
        Some((status, format!("{error}\n")))
    });
    found.unwrap_or_else(|| {
        (
            StatusCode::BAD_GATEWAY,
            "the upstream could not be reached\n".to_owned(),
        )
    })
}

fn upstream_status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NoRoute => StatusCode::NOT_FOUND,
        ErrorKind::Method => StatusCode::METHOD_NOT_ALLOWED,
        ErrorKind::TransferCoding | ErrorKind::Upgrade => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::TargetTooLong => StatusCode::URI_TOO_LONG,
        ErrorKind::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        ErrorKind::UnknownHost => StatusCode::MISDIRECTED_REQUEST,
        ErrorKind::WebPage => StatusCode::FORBIDDEN,
        ErrorKind::AmbiguousTarget
        | ErrorKind::AmbiguousHost
        | ErrorKind::HeaderValue
        | ErrorKind::RepeatedHeader
        | ErrorKind::ContentLength
        | ErrorKind::PayloadHash
        | ErrorKind::EncodedBody => StatusCode::BAD_REQUEST,
    }
}

fn signing_status(kind: SigningErrorKind) -> StatusCode {
    match kind {
        SigningErrorKind::Credentials => StatusCode::SERVICE_UNAVAILABLE,
        SigningErrorKind::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        SigningErrorKind::LengthRequired => StatusCode::LENGTH_REQUIRED,
        SigningErrorKind::OutOfScope => StatusCode::FORBIDDEN,
        SigningErrorKind::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        // What a client cannot be blamed for.
        SigningErrorKind::Time
        | SigningErrorKind::Expiry
        | SigningErrorKind::RegionSet
        | SigningErrorKind::Ecdsa => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The error behind an answer of [`AnswerErrors`], for whoever logs it: in the extensions of the
/// response.
#[derive(Clone, Debug)]
pub struct AnsweredError {
    error: Arc<dyn StdError + Send + Sync>,
}

impl AnsweredError {
    /// Returns the error.
    #[must_use]
    pub fn get(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.error
    }
}

pin_project! {
    /// The body of an answer: that of the service inside, or the text of an error.
    pub struct AnswerBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Text { text: Option<Bytes> },
    }
}

impl<B: Body> Body for AnswerBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProjection::Inner { body } => body.poll_frame(cx).map(|frame| {
                frame.map(|frame| frame.map(|frame| frame.map_data(adapter::into_bytes)))
            }),
            KindProjection::Text { text } => {
                Poll::Ready(text.take().map(|text| Ok(Frame::data(text))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Text { text } => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Text { text } => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
        }
    }
}

impl<B> fmt::Debug for AnswerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").finish_non_exhaustive()
    }
}
