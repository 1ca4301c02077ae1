//! Messages out of the body of an answer.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http_body::Body;
use pin_project_lite::pin_project;

use crate::body::BoxError;
use crate::body::into_bytes;
use crate::stream::event::decoder::EventDecoder;
use crate::stream::event::error::EventError;
use crate::stream::event::error::EventErrorKind;
use crate::stream::event::message::EventMessage;

pin_project! {
    /// Reads the messages of an event stream out of the body of an answer.
    ///
    /// For answers of the type `application/vnd.amazon.eventstream`, such as those of Bedrock's
    /// `ConverseStream`. Each message is given as soon as it is complete, and the body is read no
    /// further than for the next one. Trailers are passed over.
    ///
    /// ```
    /// # use http_body::Body;
    /// # async fn read<B>(answer: http::Response<B>) -> Result<(), sigv4_core::EventError>
    /// # where B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin {
    /// use sigv4_core::EventStream;
    ///
    /// let mut events = EventStream::new(answer.into_body());
    /// while let Some(event) = events.next().await? {
    ///     match event.event_type() {
    ///         Some("contentBlockDelta") => println!("{} bytes of JSON", event.payload().len()),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub struct EventStream<B> {
        #[pin]
        body: B,
        decoder: EventDecoder,
        body_ended: bool,
    }
}

impl<B> EventStream<B> {
    /// Reads from a body.
    pub const fn new(body: B) -> Self {
        Self {
            body,
            decoder: EventDecoder::new(),
            body_ended: false,
        }
    }

    /// Sets how long a message may be, in octets; see [`EventDecoder::message_limit`]. Default: a
    /// little over 16 MiB.
    #[must_use]
    pub fn message_limit(mut self, limit: usize) -> Self {
        self.decoder = self.decoder.message_limit(limit);
        self
    }
}

impl<B> EventStream<B>
where
    B: Body<Error: Into<BoxError>>,
{
    /// Returns the next message, or `None` when the stream has ended.
    ///
    /// For a body that is not `Unpin`, give `Box::pin(body)` to [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// When the body fails, ends in the midst of a message, or holds something else than messages,
    /// and when the service says that it has failed; see [`EventErrorKind`]. The stream has then
    /// ended.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped before it has an answer loses nothing: the next one goes on where it
    /// was.
    pub async fn next(&mut self) -> Result<Option<EventMessage>, EventError>
    where
        B: Unpin,
    {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Attempts to read the next message, as [`next`](Self::next) does.
    ///
    /// # Errors
    ///
    /// Those of [`next`](Self::next).
    pub fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<EventMessage>, EventError>> {
        let mut this = self.project();
        loop {
            let message = this.decoder.next();
            if !matches!(message, Ok(None)) || *this.body_ended || this.decoder.has_failed() {
                return Poll::Ready(message);
            }
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        this.decoder.push(into_bytes(data));
                    }
                }
                Some(Err(error)) => {
                    this.decoder.fail();
                    return Poll::Ready(Err(BODY_FAILED.because(error)));
                }
                None => {
                    *this.body_ended = true;
                    return Poll::Ready(this.decoder.finish().map(|()| None));
                }
            }
        }
    }
}

impl<B> fmt::Debug for EventStream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").finish_non_exhaustive()
    }
}

const BODY_FAILED: EventError = EventError::new(
    EventErrorKind::Body,
    "the body that the event stream is read from failed",
);
