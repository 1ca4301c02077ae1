//! [`RecoveredBody`].

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;
use sigv4_core::runtime::adapter;
use sigv4_core::runtime::adapter::PeekedBody;

pin_project! {
    /// The body of an answer that may have been looked into.
    ///
    /// It gives what the body inside gives: the same bytes, trailers and errors.
    pub struct RecoveredBody<B: Body> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B: Body> {
        Untouched { #[pin] body: B },
        Peeked { body: PeekedBody<Pin<Box<B>>> },
    }
}

impl<B: Body> RecoveredBody<B> {
    pub(crate) const fn untouched(body: B) -> Self {
        Self {
            kind: Kind::Untouched { body },
        }
    }

    pub(crate) const fn peeked(body: PeekedBody<Pin<Box<B>>>) -> Self {
        Self {
            kind: Kind::Peeked { body },
        }
    }
}

impl<B: Body> Body for RecoveredBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProjection::Untouched { body } => body.poll_frame(cx).map(|frame| {
                frame.map(|frame| frame.map(|frame| frame.map_data(adapter::into_bytes)))
            }),
            KindProjection::Peeked { body } => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Untouched { body } => body.is_end_stream(),
            Kind::Peeked { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Untouched { body } => body.size_hint(),
            Kind::Peeked { body } => body.size_hint(),
        }
    }
}

impl<B: Body> fmt::Debug for RecoveredBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveredBody").finish_non_exhaustive()
    }
}
