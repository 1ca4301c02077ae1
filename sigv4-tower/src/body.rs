//! [`SignedBody`].

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;
use sigv4_core::runtime::Authorized;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::adapter;
use sigv4_core::runtime::adapter::EncodedBody;
use sigv4_core::runtime::adapter::HeldBody;
use sigv4_core::runtime::adapter::LengthChecked;

use crate::BoxError;

pin_project! {
    /// The body of a request that has been signed.
    ///
    /// Either the pieces that were read and hashed, passed on without copying them together, or the
    /// body itself, watched so that it ends where its declared length says, or encoded as it
    /// passes: in aws-chunked, or as signed events.
    pub struct SignedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        /// The pieces of a body that was read to its end.
        Held { pieces: VecDeque<Bytes>, remaining: u64 },
        /// A body that passes as it comes.
        Streamed { #[pin] body: LengthChecked<B> },
        /// A body that is signed while it passes.
        Encoded { #[pin] body: EncodedBody<B> },
        /// A body that passes through unsigned.
        Untouched { #[pin] body: B, length: Option<u64> },
    }
}

impl<B> SignedBody<B> {
    pub(crate) fn empty() -> Self {
        Self {
            kind: Kind::Held {
                pieces: VecDeque::new(),
                remaining: 0,
            },
        }
    }

    pub(crate) fn held(body: HeldBody) -> Self {
        let remaining = body.length();
        Self {
            kind: Kind::Held {
                pieces: body.into_pieces(),
                remaining,
            },
        }
    }

    pub(crate) fn streamed(body: B, length: Option<u64>) -> Self {
        Self {
            kind: Kind::Streamed {
                body: LengthChecked::new(body, length),
            },
        }
    }

    /// Passes a body on as it is, of whatever length.
    pub(crate) fn untouched(body: B) -> Self {
        Self::to_encode(body, None)
    }

    /// Passes a body on that may have to be encoded yet.
    pub(crate) fn to_encode(body: B, length: Option<u64>) -> Self {
        Self {
            kind: Kind::Untouched { body, length },
        }
    }

    /// Encodes an untouched body, if the signature of its request wants that.
    pub(crate) fn encoded(self, authorizer: &Authorizer, authorized: &Authorized) -> Self {
        let kind = match self.kind {
            Kind::Untouched { body, length } => {
                match EncodedBody::new(authorizer, authorized, body, length) {
                    Ok(body) => Kind::Encoded { body },
                    Err(body) => Kind::Untouched { body, length },
                }
            }
            kind => kind,
        };
        Self { kind }
    }
}

impl<B> Body for SignedBody<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProjection::Held { pieces, remaining } => {
                let piece = pieces.pop_front();
                *remaining -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
                Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
            }
            KindProjection::Untouched { body, .. } => body.poll_frame(cx).map(|frame| {
                frame.map(|frame| {
                    frame
                        .map(|frame| frame.map_data(adapter::into_bytes))
                        .map_err(Into::into)
                })
            }),
            KindProjection::Streamed { body } => body.poll_frame(cx),
            KindProjection::Encoded { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Held { pieces, .. } => pieces.is_empty(),
            Kind::Streamed { body } => body.is_end_stream(),
            Kind::Encoded { body } => body.is_end_stream(),
            Kind::Untouched { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Held { remaining, .. } => SizeHint::with_exact(*remaining),
            Kind::Streamed { body } => body.size_hint(),
            Kind::Encoded { body } => body.size_hint(),
            Kind::Untouched { body, .. } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for SignedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Held { .. } => "Held",
            Kind::Streamed { .. } => "Streamed",
            Kind::Encoded { .. } => "Encoded",
            Kind::Untouched { .. } => "Untouched",
        };
        f.debug_tuple("SignedBody").field(&kind).finish()
    }
}
