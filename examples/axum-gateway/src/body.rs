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
use crate::passage::Passage;
use crate::record::Record;
use crate::server::Upload;
use crate::stack::Route;
use crate::stack::UpstreamBody;
use crate::stats::RequestGuard;

/// The body of a client's request.
pub struct Inbound {
    body: Incoming,
    route: Arc<Route>,
    upload: Upload,
    passage: Option<Arc<Passage>>,
    patience: Patience,
    bytes: u64,
}

impl Inbound {
    pub(crate) fn new(
        body: Incoming,
        route: Arc<Route>,
        upload: Upload,
        passage: Option<Arc<Passage>>,
    ) -> Self {
        let mut patience = Patience::new(route.timeouts().idle);
        if let Some(passage) = &passage {
            patience.end = passage.begun().checked_add(route.timeouts().upload);
        }
        Self {
            body,
            route,
            upload,
            passage,
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
            if let Some(passage) = &this.passage {
                passage.awaits_client();
            }
            return Poll::Pending;
        };
        match frame {
            Err(Late::Next) => Poll::Ready(Some(Err(Fault::UploadStalled.into()))),
            Err(Late::Whole) => Poll::Ready(Some(Err(Fault::UploadTimeout.into()))),
            Ok(frame) => {
                let bytes = length(frame.as_ref());
                this.bytes += bytes;
                if let Some(passage) = &this.passage
                    && !passage.came(bytes)
                {
                    return Poll::Ready(Some(Err(Fault::TooManyBytes.into())));
                }
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
    record: Record,
    patience: Patience,
    bytes: u64,
    /// How many there are, if the upstream has said so.
    length: Option<u64>,
    _held: (Permit, RequestGuard),
}

impl Tail {
    /// Makes it for an answer that was told to have this length.
    pub(crate) fn new(
        record: Record,
        body: &UpstreamBody,
        permit: Permit,
        counted: RequestGuard,
    ) -> Self {
        let mut tail = Self {
            patience: Patience::new(record.route().timeouts().idle),
            record,
            bytes: 0,
            length: body.size_hint().exact(),
            _held: (permit, counted),
        };
        // Its head, to begin with.
        tail.record.exchange_mut().offer();
        if body.is_end_stream() {
            tail.record.end();
        }
        tail
    }

    /// Looks at what the upstream sent, if it did.
    fn pass<E: Into<BoxError>>(
        &mut self,
        frame: Poll<Option<Result<Frame<Bytes>, E>>>,
        is_last: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match ready!(self.patience.watch(frame, cx)) {
            Err(_) => Some(Err(Fault::AnswerStalled.into())),
            Ok(frame) => frame.map(|frame| frame.map_err(Into::into)),
        };
        self.record.exchange_mut().offer();
        self.bytes += length(frame.as_ref());
        match &frame {
            None => self.record.end(),
            // Who counts along does not ask for the end.
            Some(Ok(_)) if is_last || self.length == Some(self.bytes) => self.record.end(),
            Some(Ok(_)) => {}
            Some(Err(error)) => self.record.break_off(&**error),
        }
        Poll::Ready(frame)
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.record.route().stats().answer_bytes(self.bytes);
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
            tail.record.exchange_mut().asked_for_more();
        }
        let (frame, is_last) = match this.kind.project() {
            KindProjection::Text { text } => {
                return Poll::Ready(text.take().map(|text| Ok(Frame::data(text))));
            }
            KindProjection::Upstream { mut body } => {
                let frame = body.as_mut().poll_frame(cx);
                (frame, body.is_end_stream())
            }
            KindProjection::Watched { mut body } => {
                let frame = body.as_mut().poll_frame(cx);
                (frame, body.is_end_stream())
            }
        };
        let Some(tail) = this.tail else {
            return frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)));
        };
        tail.pass(frame, is_last, cx)
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
struct Patience {
    idle: Duration,
    /// Until when all of them have to be there.
    end: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

/// What has not come in time.
enum Late {
    /// The next bytes.
    Next,
    /// All of them.
    Whole,
}

impl Patience {
    const fn new(idle: Duration) -> Self {
        Self {
            idle,
            end: None,
            sleep: None,
            is_waiting: false,
        }
    }

    /// Passes on what has come; an error says that it has not for too long.
    fn watch<T>(&mut self, polled: Poll<T>, cx: &mut Context<'_>) -> Poll<Result<T, Late>> {
        if let Poll::Ready(item) = polled {
            self.is_waiting = false;
            return Poll::Ready(Ok(item));
        }
        if !self.is_waiting {
            let next = Instant::now() + self.idle;
            let until = self.end.map_or(next, |end| next.min(end));
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().reset(until),
                none => *none = Some(Box::pin(tokio::time::sleep_until(until))),
            }
        }
        self.is_waiting = true;
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(cx));
        }
        let is_whole = self.end.is_some_and(|end| end <= Instant::now());
        Poll::Ready(Err(if is_whole { Late::Whole } else { Late::Next }))
    }
}
