//! A body of messages, each of them signed as it passes.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::SystemTime;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use pin_project_lite::pin_project;

use crate::body::BoxError;
use crate::body::into_bytes;
use crate::body::trailers_refused;
use crate::stream::event::assembler::Assembler;
use crate::stream::event::envelope::refused;
use crate::stream::event::frame;
use crate::stream::event::signer::EventSigner;

pin_project! {
    /// Signs the messages of an event stream as they pass.
    ///
    /// The body inside is a sequence of encoded messages, in whatever pieces it comes. Each is
    /// signed as soon as it is complete and passed on in a frame of its own, without waiting for
    /// the next. When the body ends, a signed empty message ends the stream.
    ///
    /// One message is held at a time, and only where it does not come in one piece: nothing is read
    /// ahead. The length of the whole is not known.
    ///
    /// ```
    /// # use http_body::Body;
    /// # fn sign<B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>>(
    /// #     messages: B, credentials: sigv4_core::Credentials, seed: &str,
    /// # ) -> Result<impl Body, Box<dyn std::error::Error>> {
    /// use std::time::SystemTime;
    /// use sigv4_core::{EventSigner, SignedEvents, Signer};
    ///
    /// let signer = Signer::builder("transcribe", "us-east-1").build()?;
    /// let events = EventSigner::new(&signer, &credentials, seed)?;
    /// let body = SignedEvents::new(messages, events, SystemTime::now);
    /// # Ok(body)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A [`sigv4_core::Error`](crate::Error) of the kind `EventStream` where the body holds
    /// something else than messages, a message beyond the limit, or ends in the midst of one; of
    /// the kind `Trailers` where it ends in trailers; of the kind `Time` where there is no date for
    /// a message; or the error of the body inside. Nothing comes behind an error, so that the
    /// service never sees the signed end of a stream that broke off.
    pub struct SignedEvents<B> {
        #[pin]
        body: B,
        signer: EventSigner,
        now: Box<dyn Fn() -> SystemTime + Send + Sync>,
        messages: Assembler,
        ended: bool,
    }
}

impl<B> SignedEvents<B> {
    /// Signs what a body holds. `now` is asked for the date of each message.
    pub fn new(
        body: B,
        signer: EventSigner,
        now: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        Self {
            body,
            signer,
            now: Box::new(now),
            messages: Assembler::new(frame::MAX_PAYLOAD),
            ended: false,
        }
    }

    /// Sets how long a message may be, in octets. Default, and the most: 16 MiB, for it becomes the
    /// payload of another.
    #[must_use]
    pub fn message_limit(mut self, limit: usize) -> Self {
        self.messages.set_limit(limit.min(frame::MAX_PAYLOAD));
        self
    }
}

impl<B> Body for SignedEvents<B>
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
        if *this.ended {
            return Poll::Ready(None);
        }
        let signed = loop {
            match this.messages.next() {
                Ok(Some(message)) => {
                    let message = message.into_bytes();
                    break this.signer.sign_message(&message, (this.now)());
                }
                Ok(None) => {}
                Err(error) => break Err(refused(error)),
            }
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.messages.push(into_bytes(data)),
                    Err(_) => break Err(trailers_refused()),
                },
                Some(Err(error)) => {
                    *this.ended = true;
                    this.messages.clear();
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    *this.ended = true;
                    let end = this.messages.finish().map_err(refused);
                    break end.and_then(|()| this.signer.end((this.now)()));
                }
            }
        };
        if signed.is_err() {
            *this.ended = true;
            this.messages.clear();
        }
        let frame = signed.map(Frame::data).map_err(BoxError::from);
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        // Not when the body inside has ended: there is still the end to be signed.
        self.ended
    }
}

impl<B> fmt::Debug for SignedEvents<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedEvents")
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}
