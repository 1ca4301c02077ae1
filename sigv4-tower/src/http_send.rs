//! [`ServiceSend`]: what the light credential providers send their requests with.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::pin;

use bytes::Buf;
use bytes::BufMut;
use bytes::Bytes;
use bytes::BytesMut;
use http::Request;
use http::Response;
use http_body::Body;
use sigv4_core::runtime::HttpFuture;
use sigv4_core::runtime::HttpSend;
use sigv4_core::runtime::MAX_ANSWER;
use tower_service::Service;

use crate::BoxError;

/// Sends requests for credentials through a service, such as a hyper client.
///
/// The body that the service takes is any that can be made of [`Bytes`], such as
/// `http_body_util::Full<Bytes>` or that of axum.
///
/// Give it a client of its own: one that follows no redirects, takes no proxy, and is quick to give
/// a connection up, because where there is no metadata service nobody answers. hyper's client does
/// neither of the first two by itself:
///
/// ```
/// use std::time::Duration;
///
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use hyper_rustls::HttpsConnectorBuilder;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::client::legacy::connect::HttpConnector;
/// use hyper_util::rt::TokioExecutor;
/// use sigv4_tower::ServiceSend;
///
/// # fn example() -> std::io::Result<()> {
/// let mut connector = HttpConnector::new();
/// connector.enforce_http(false);
/// connector.set_connect_timeout(Some(Duration::from_secs(1)));
/// let connector = HttpsConnectorBuilder::new()
///     .with_native_roots()?
///     .https_or_http()
///     .enable_http1()
///     .wrap_connector(connector);
/// let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
///
/// let http = ServiceSend::new(client);
/// # fn is_enough(_: impl sigv4_tower::sigv4_core::runtime::HttpSend) {}
/// # is_enough(http);
/// // `CredentialsCache::new(light::DefaultChain::new(http))`, with the feature
/// // `light-credentials` of `sigv4-core`.
/// # Ok(())
/// # }
/// ```
pub struct ServiceSend<S, B> {
    service: S,
    body: PhantomData<fn() -> B>,
}

impl<S, B> ServiceSend<S, B> {
    /// Makes it of a service, which is cloned for each request.
    pub const fn new(service: S) -> Self {
        Self {
            service,
            body: PhantomData,
        }
    }
}

impl<S, B, R> HttpSend for ServiceSend<S, B>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: From<Bytes> + Send + 'static,
    R: Body + Send,
    R::Data: Send,
    R::Error: Into<BoxError>,
{
    fn send(&self, request: Request<Bytes>) -> HttpFuture<'_> {
        let mut service = self.service.clone();
        Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            let answer = service.call(request.map(B::from)).await;
            let (head, body) = answer.map_err(Into::into)?.into_parts();
            Ok(Response::from_parts(head, read(body).await?))
        })
    }
}

impl<S: Clone, B> Clone for ServiceSend<S, B> {
    fn clone(&self) -> Self {
        Self::new(self.service.clone())
    }
}

impl<S, B> fmt::Debug for ServiceSend<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceSend").finish_non_exhaustive()
    }
}

/// Reads a body to its end, if that is near enough.
async fn read<B>(body: B) -> Result<Bytes, BoxError>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    // Room for all of it at once: growing would leave pieces of a secret behind.
    let expected = body.size_hint().exact().unwrap_or(16 * 1024);
    let expected = usize::try_from(expected).unwrap_or(usize::MAX);
    if expected > MAX_ANSWER {
        return Err(TOO_LONG.into());
    }
    let mut read = BytesMut::with_capacity(expected);
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(piece) = frame.map_err(Into::into)?.into_data() {
            if piece.remaining() > MAX_ANSWER - read.len() {
                return Err(TOO_LONG.into());
            }
            read.put(piece);
        }
    }
    Ok(read.freeze())
}

const TOO_LONG: &str = "the answer is longer than any with credentials";

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::Context;
    use std::task::Poll;

    use http_body::Frame;
    use http_body_util::BodyExt;
    use http_body_util::Full;
    use tower::service_fn;

    use super::*;

    /// A body in pieces, of unknown length.
    struct Pieces(VecDeque<Result<Bytes, &'static str>>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = &'static str;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
            Poll::Ready(self.0.pop_front().map(|piece| piece.map(Frame::data)))
        }
    }

    fn pieces<const N: usize>(pieces: [Result<Bytes, &'static str>; N]) -> Pieces {
        Pieces(pieces.into())
    }

    fn request() -> Request<Bytes> {
        Request::put("http://127.0.0.1/path")
            .header("x-a", "b")
            .body(Bytes::from_static(b"body"))
            .unwrap()
    }

    #[tokio::test]
    async fn sends_a_request_as_it_is_and_returns_the_answer() {
        let service = service_fn(|request: Request<Full<Bytes>>| async {
            let (head, body) = request.into_parts();
            assert_eq!((head.method.as_str(), head.uri.path()), ("PUT", "/path"));
            assert_eq!(head.headers["x-a"], "b");
            let body = body.collect().await?.to_bytes();
            let answer = Response::builder().status(403).header("x-c", "d");
            Ok::<_, Infallible>(answer.body(Full::new(body)).unwrap())
        });
        let answer = ServiceSend::new(service).send(request()).await.unwrap();
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.headers()["x-c"], "d");
        assert_eq!(answer.body(), "body");
    }

    #[tokio::test]
    async fn passes_errors_on() {
        let service = service_fn(|_: Request<Full<Bytes>>| async {
            Err::<Response<Full<Bytes>>, _>(BoxError::from("down"))
        });
        let error = ServiceSend::new(service).send(request()).await.unwrap_err();
        assert_eq!(error.to_string(), "down");

        let service = service_fn(|_: Request<Full<Bytes>>| async {
            let half = Ok(Bytes::from_static(b"half"));
            Ok::<_, Infallible>(Response::new(pieces([half, Err("broken off")])))
        });
        let error = ServiceSend::new(service).send(request()).await.unwrap_err();
        assert_eq!(error.to_string(), "broken off");
    }

    #[tokio::test]
    async fn fails_on_an_answer_that_is_too_long() {
        for (name, length, is_fine) in [
            ("the longest", MAX_ANSWER, true),
            ("longer", MAX_ANSWER + 1, false),
        ] {
            let declared = service_fn(move |_: Request<Full<Bytes>>| async move {
                let body = Full::new(Bytes::from(vec![b'x'; length]));
                Ok::<_, Infallible>(Response::new(body))
            });
            let answer = ServiceSend::new(declared).send(request()).await;
            assert_eq!(answer.is_ok(), is_fine, "{name}, declared");

            let streamed = service_fn(move |_: Request<Full<Bytes>>| async move {
                let piece = |length| Ok(Bytes::from(vec![b'x'; length]));
                let body = pieces([piece(length - 1), piece(1)]);
                Ok::<_, Infallible>(Response::new(body))
            });
            let answer = ServiceSend::new(streamed).send(request()).await;
            assert_eq!(answer.is_ok(), is_fine, "{name}, in pieces");
        }
    }
}
