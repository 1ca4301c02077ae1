//! Bodies as they pass: watched for stalling, and counted.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use http::Extensions;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use sigv4_core::runtime::AwsRefusal;
use sigv4_tower::BoxError;
use sigv4_tower::RefusalBody;
use sigv4_tower::watch_refusal;
use tokio::time::Instant;
use tokio::time::Sleep;

use crate::admission::Permit;
use crate::fault::Fault;
use crate::server::Exchange;
use crate::server::Upload;
use crate::stack::Route;
use crate::stack::UpstreamBody;
use crate::stats::RequestGuard;

/// The body of a client's request.
pub struct Inbound {
    body: Incoming,
    route: Arc<Route>,
    upload: Upload,
    patience: Patience,
    bytes: u64,
}

impl Inbound {
    pub(crate) fn new(body: Incoming, route: Arc<Route>, upload: Upload) -> Self {
        let patience = Patience::new(route.idle());
        Self {
            body,
            route,
            upload,
            patience,
            bytes: 0,
        }
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        let Poll::Ready(frame) = this.patience.watch(frame, cx) else {
            return Poll::Pending;
        };
        match frame {
            Err(()) => Poll::Ready(Some(Err(Fault::UploadStalled.into()))),
            Ok(frame) => {
                this.bytes += length(frame.as_ref());
                if frame.is_none() || this.body.is_end_stream() {
                    this.upload.has_ended();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.route.stats().request_bytes(self.bytes);
        }
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound").finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of an answer: the upstream's, or a line of text.
    pub struct Answer {
        #[pin]
        kind: Kind,
        // What lasts until the answer has gone out.
        tail: Option<Tail>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind {
        Text { text: Option<Bytes> },
        Upstream { #[pin] body: UpstreamBody },
        // An error of the client's, as the upstream says. What AWS says about it is looked at.
        Watched { #[pin] body: RefusalBody<UpstreamBody, Hook> },
    }
}

type Hook = Box<dyn FnOnce(&AwsRefusal, &Extensions) + Send + Sync>;

/// What a request holds while its answer is on the way.
pub(crate) struct Tail {
    route: Arc<Route>,
    patience: Patience,
    bytes: u64,
    exchange: Exchange,
    _held: (Permit, RequestGuard),
}

impl Tail {
    pub(crate) fn new(
        route: Arc<Route>,
        permit: Permit,
        mut exchange: Exchange,
        counted: RequestGuard,
    ) -> Self {
        // Its head, to begin with.
        exchange.offer();
        Self {
            patience: Patience::new(route.idle()),
            route,
            bytes: 0,
            exchange,
            _held: (permit, counted),
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.route.stats().answer_bytes(self.bytes);
        }
    }
}

impl Answer {
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        let text = Some(text.into());
        Self {
            kind: Kind::Text { text },
            tail: None,
        }
    }

    pub(crate) const fn upstream(body: UpstreamBody, tail: Option<Tail>) -> Self {
        let kind = Kind::Upstream { body };
        Self { kind, tail }
    }

    /// Has a hook told why AWS refused, when that has passed.
    pub(crate) fn watched(
        response: Response<UpstreamBody>,
        tail: Tail,
        hook: impl FnOnce(&AwsRefusal) + Send + Sync + 'static,
    ) -> Response<Self> {
        let hook: Hook = Box::new(move |refusal, _| hook(refusal));
        watch_refusal(response, hook).map(|body| Self {
            kind: Kind::Watched { body },
            tail: Some(tail),
        })
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if let Some(tail) = this.tail {
            tail.exchange.asked_for_more();
        }
        let frame = match this.kind.project() {
            KindProjection::Text { text } => {
                return Poll::Ready(text.take().map(|text| Ok(Frame::data(text))));
            }
            KindProjection::Upstream { body } => body.poll_frame(cx),
            KindProjection::Watched { body } => body.poll_frame(cx),
        };
        let Some(tail) = this.tail else {
            return frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)));
        };
        match ready!(tail.patience.watch(frame, cx)) {
            Err(()) => Poll::Ready(Some(Err(Fault::AnswerStalled.into()))),
            Ok(frame) => {
                tail.exchange.offer();
                tail.bytes += length(frame.as_ref());
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Text { text } => text.is_none(),
            Kind::Upstream { body } => body.is_end_stream(),
            Kind::Watched { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Text { text } => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Kind::Upstream { body } => body.size_hint(),
            Kind::Watched { body } => body.size_hint(),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

fn length<E>(frame: Option<&Result<Frame<Bytes>, E>>) -> u64 {
    let data = frame.and_then(|frame| frame.as_ref().ok()?.data_ref());
    data.map_or(0, |data| data.len() as u64)
}

/// How long the next bytes may take.
///
/// A timer runs only while they are waited for: a body that is there costs none.
pub(crate) struct Patience {
    idle: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl Patience {
    pub(crate) const fn new(idle: Duration) -> Self {
        Self {
            idle,
            sleep: None,
            is_waiting: false,
        }
    }

    /// Passes on what has come; an error says that nothing has for too long.
    fn watch<T>(&mut self, polled: Poll<T>, cx: &mut Context<'_>) -> Poll<Result<T, ()>> {
        if let Poll::Ready(item) = polled {
            self.is_waiting = false;
            return Poll::Ready(Ok(item));
        }
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                if !self.is_waiting {
                    sleep.as_mut().reset(Instant::now() + self.idle);
                }
                sleep
            }
            none => none.insert(Box::pin(tokio::time::sleep(self.idle))),
        };
        self.is_waiting = true;
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(()))
    }
}
