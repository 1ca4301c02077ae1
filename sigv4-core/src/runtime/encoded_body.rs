//! A body that is signed while it passes, whichever way.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;

use crate::body::BoxError;
use crate::runtime::Authorized;
use crate::runtime::Authorizer;
#[cfg(feature = "eventstream")]
use crate::runtime::length_checked::LengthChecked;
use crate::stream::chunked::AwsChunkedBody;
#[cfg(feature = "eventstream")]
use crate::stream::event::signed::SignedEvents;

pin_project! {
    /// The encoded body of a request that was signed with a payload that says so.
    pub struct EncodedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

#[cfg(feature = "eventstream")]
pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        AwsChunked { #[pin] body: AwsChunkedBody<B> },
        Events { #[pin] body: SignedEvents<LengthChecked<B>> },
    }
}

#[cfg(not(feature = "eventstream"))]
pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        AwsChunked { #[pin] body: AwsChunkedBody<B> },
    }
}

impl<B> EncodedBody<B> {
    /// Encodes a body of a length, if that is known, as the signature of its request says.
    ///
    /// # Errors
    ///
    /// The body as it was, where it is not signed while it passes.
    pub fn new(
        authorizer: &Authorizer,
        authorized: &Authorized,
        body: B,
        length: Option<u64>,
    ) -> Result<Self, B> {
        let signed = authorized.signed();
        if let Some(encoder) = signed.chunk_encoder() {
            let body = AwsChunkedBody::new(body, encoder);
            let kind = Kind::AwsChunked { body };
            return Ok(Self { kind });
        }
        #[cfg(feature = "eventstream")]
        if let Some(events) = signed.event_signer() {
            let body = LengthChecked::new(body, length);
            let body = SignedEvents::new(body, events, authorizer.clock_for(authorized));
            let kind = Kind::Events { body };
            return Ok(Self { kind });
        }
        #[cfg(not(feature = "eventstream"))]
        let _ = (authorizer, length);
        Err(body)
    }
}

impl<B> Body for EncodedBody<B>
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
            KindProjection::AwsChunked { body } => body.poll_frame(cx),
            #[cfg(feature = "eventstream")]
            KindProjection::Events { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::AwsChunked { body } => body.is_end_stream(),
            #[cfg(feature = "eventstream")]
            Kind::Events { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::AwsChunked { body } => body.size_hint(),
            #[cfg(feature = "eventstream")]
            Kind::Events { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for EncodedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::AwsChunked { .. } => "AwsChunked",
            #[cfg(feature = "eventstream")]
            Kind::Events { .. } => "Events",
        };
        f.debug_tuple("EncodedBody").field(&kind).finish()
    }
}
