//! [`ReplayBody`].

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;
use sigv4_core::runtime::adapter;
use sigv4_core::runtime::adapter::Pieces;

pin_project! {
    /// The body of a request that may have to be sent again.
    ///
    /// It passes on what the body inside gives, as it comes, and keeps it up to a limit. What is
    /// kept are the same `Bytes`, not copies, except for small pieces.
    pub struct ReplayBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Passing { #[pin] body: B },
        Keeping { #[pin] body: B, keeper: Keeper },
        /// What was kept.
        Again { pieces: VecDeque<Bytes>, remaining: u64 },
    }
}

/// Takes down a body while it passes.
struct Keeper {
    /// What has passed so far; `None` where it was too much, or the end was seen.
    pieces: Option<Pieces>,
    room: u64,
    kept: Kept,
}

/// A body that has passed, once it has done so to its end.
///
/// Only a body that was read to its end is ever sent again: while one is still being read nobody
/// can tell what the first answer was about, and two requests would share it.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    whole: Arc<OnceLock<VecDeque<Bytes>>>,
}

impl<B: Body> ReplayBody<B> {
    pub(crate) const fn passing(body: B) -> Self {
        Self {
            kind: Kind::Passing { body },
        }
    }

    /// Keeps up to so many bytes. A body that says that it is longer is not kept.
    pub(crate) fn keeping(body: B, limit: u64) -> (Self, Option<Kept>) {
        if body.size_hint().lower() > limit {
            return (Self::passing(body), None);
        }
        let kept = Kept::default();
        let mut keeper = Keeper {
            pieces: Some(Pieces::new()),
            room: limit,
            kept: kept.clone(),
        };
        if body.is_end_stream() {
            keeper.finish();
        }
        let kind = Kind::Keeping { body, keeper };
        (Self { kind }, Some(kept))
    }
}

impl Keeper {
    fn push(&mut self, piece: Bytes) {
        match self.room.checked_sub(piece.len() as u64) {
            Some(room) => {
                self.room = room;
                if let Some(pieces) = &mut self.pieces {
                    pieces.push(piece);
                }
            }
            None => self.give_up(),
        }
    }

    fn finish(&mut self) {
        if let Some(pieces) = self.pieces.take() {
            // It is taken once, and therefore set once.
            let _ = self.kept.whole.set(pieces.finish());
        }
    }

    fn give_up(&mut self) {
        self.pieces = None;
    }
}

impl Kept {
    /// Returns the body, if it has passed to its end and was not too long.
    pub(crate) fn replay<B>(&self) -> Option<ReplayBody<B>> {
        let pieces = self.whole.get()?.clone();
        let remaining = pieces.iter().map(|piece| piece.len() as u64).sum();
        let kind = Kind::Again { pieces, remaining };
        Some(ReplayBody { kind })
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.whole.get().is_some()
    }
}

impl<B: Body> Body for ReplayBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = match self.project().kind.project() {
            KindProjection::Passing { body } => ready!(body.poll_frame(cx))
                .map(|frame| frame.map(|frame| frame.map_data(adapter::into_bytes))),
            KindProjection::Keeping { mut body, keeper } => {
                let frame = ready!(body.as_mut().poll_frame(cx))
                    .map(|frame| frame.map(|frame| frame.map_data(adapter::into_bytes)));
                match &frame {
                    None => keeper.finish(),
                    Some(Ok(frame)) => match frame.data_ref() {
                        Some(data) => {
                            keeper.push(data.clone());
                            // Who knows that there is no more need not ask for it.
                            if body.is_end_stream() {
                                keeper.finish();
                            }
                        }
                        None => keeper.give_up(),
                    },
                    Some(Err(_)) => keeper.give_up(),
                }
                frame
            }
            KindProjection::Again { pieces, remaining } => {
                let piece = pieces.pop_front();
                *remaining -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
                piece.map(|piece| Ok(Frame::data(piece)))
            }
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Passing { body } | Kind::Keeping { body, .. } => body.is_end_stream(),
            Kind::Again { pieces, .. } => pieces.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Passing { body } | Kind::Keeping { body, .. } => body.size_hint(),
            Kind::Again { remaining, .. } => SizeHint::with_exact(*remaining),
        }
    }
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Passing { .. } => "Passing",
            Kind::Keeping { .. } => "Keeping",
            Kind::Again { .. } => "Again",
        };
        f.debug_tuple("ReplayBody").field(&kind).finish()
    }
}
