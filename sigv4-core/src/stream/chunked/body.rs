//! A body in chunks, as HTTP clients take it.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;

use crate::body::BoxError;
use crate::body::into_bytes;
use crate::body::trailers_refused;
use crate::stream::chunked::encoder::ChunkEncoder;

pin_project! {
    /// Encodes a body as `aws-chunked` while it passes.
    ///
    /// The body inside is asked for more only when the next chunk needs it. Where its length was
    /// declared to the [`ChunkEncoder`], the size hint is exact.
    ///
    /// # Errors
    ///
    /// A [`sigv4_core::Error`](crate::Error) of the kind `BodyLength` when the body is longer or
    /// shorter than was declared, or `Trailers` when it ends in trailers; or the error of the body
    /// inside. The last chunk has then not been given out, and the client breaks the request off.
    ///
    /// ```
    /// # #[cfg(feature = "checksums")]
    /// # mod example {
    /// use sigv4_core::{AwsChunked, AwsChunkedBody, Checksum, ChunkEncoder};
    ///
    /// # fn encode<B: http_body::Body>(body: B) -> Result<AwsChunkedBody<B>, sigv4_core::Error> {
    /// let length = body.size_hint().exact();
    /// let chunked = AwsChunked::unsigned(Checksum::Crc64Nvme);
    /// let body = AwsChunkedBody::new(body, ChunkEncoder::new(chunked, None, length)?);
    /// # Ok(body)
    /// # }
    /// # }
    /// ```
    pub struct AwsChunkedBody<B> {
        #[pin]
        body: B,
        encoder: ChunkEncoder,
        failed: bool,
    }
}

impl<B> AwsChunkedBody<B> {
    /// Encodes a body by an encoder that has not been used yet.
    pub const fn new(body: B, encoder: ChunkEncoder) -> Self {
        Self {
            body,
            encoder,
            failed: false,
        }
    }
}

impl<B> Body for AwsChunkedBody<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        while !*this.failed {
            let encoder = &mut *this.encoder;
            let step = match encoder.pull() {
                Ok(Some(piece)) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Ok(None) if encoder.is_ended() => break,
                Ok(None) => match ready!(this.body.as_mut().poll_frame(cx)) {
                    Some(Ok(frame)) => frame
                        .into_data()
                        .map_err(|_| trailers_refused())
                        .and_then(|data| encoder.push(into_bytes(data)))
                        .map_err(Into::into),
                    Some(Err(error)) => Err(error.into()),
                    None => encoder.finish().map_err(Into::into),
                },
                Err(error) => Err(error.into()),
            };
            if let Err(error) = step {
                *this.failed = true;
                return Poll::Ready(Some(Err(error)));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.failed || self.encoder.is_ended()
    }

    fn size_hint(&self) -> SizeHint {
        match self.encoder.remaining_length() {
            Some(remaining) if !self.failed => SizeHint::with_exact(remaining),
            _ => SizeHint::default(),
        }
    }
}

impl<B> fmt::Debug for AwsChunkedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsChunkedBody")
            .field("encoder", &self.encoder)
            .finish_non_exhaustive()
    }
}
