//! Messages out of the octets of an answer.

use std::fmt;

use bytes::Bytes;

use crate::stream::event::assembler::Assembler;
use crate::stream::event::error::EventError;
use crate::stream::event::error::EventErrorKind;
use crate::stream::event::frame;
use crate::stream::event::message::EventMessage;
use crate::stream::event::message::name;

/// Decodes the messages of an event stream, in whatever pieces its octets come.
///
/// A message is given as soon as it is complete. One that says that the service has failed, an
/// exception or an error, is an [error](EventError). Behind an error there is nothing more.
///
/// <https://smithy.io/2.0/aws/amazon-eventstream.html>
///
/// ```
/// use sigv4_core::{EventDecoder, EventMessage};
///
/// let encoded = EventMessage::new("{}").with_header(":event-type", "messageStart").encode()?;
/// let mut decoder = EventDecoder::new();
/// decoder.push(encoded.slice(..10));
/// assert!(decoder.next()?.is_none(), "the message is not complete");
///
/// decoder.push(encoded.slice(10..));
/// let message = decoder.next()?.ok_or("the message is complete")?;
/// assert_eq!(message.event_type(), Some("messageStart"));
/// assert!(decoder.next()?.is_none());
/// decoder.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventDecoder {
    messages: Assembler,
    failed: bool,
}

impl EventDecoder {
    /// Makes a decoder at the beginning of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            messages: Assembler::new(frame::MAX_MESSAGE),
            failed: false,
        }
    }

    /// Sets how long a message may be, in octets, with its headers and its checksums. Default: as
    /// long as [`EventMessage::encode`] makes one, a little over 16 MiB.
    ///
    /// A longer one is an error before anything of it but its length was read.
    #[must_use]
    pub const fn message_limit(mut self, limit: usize) -> Self {
        self.messages.set_limit(limit);
        self
    }

    /// Takes the next octets of the stream.
    ///
    /// Take what they complete with [`next`](Self::next) before there are more: until then they are
    /// all held.
    pub fn push(&mut self, bytes: impl Into<Bytes>) {
        if !self.failed {
            self.messages.push(bytes.into());
        }
    }

    /// Returns the next message, or `None` when there are not enough octets for it.
    ///
    /// # Errors
    ///
    /// When the octets are no message ([`Prelude`](crate::EventErrorKind::Prelude),
    /// [`Checksum`](crate::EventErrorKind::Checksum), [`Headers`](crate::EventErrorKind::Headers),
    /// [`TooLarge`](crate::EventErrorKind::TooLarge)), or the message says that the service has
    /// failed ([`Exception`](crate::EventErrorKind::Exception),
    /// [`ServiceError`](crate::EventErrorKind::ServiceError)). From then on the answer is `None`.
    #[expect(
        clippy::should_implement_trait,
        reason = "the end of an iterator is final, a lack of octets is not"
    )]
    pub fn next(&mut self) -> Result<Option<EventMessage>, EventError> {
        if self.failed {
            return Ok(None);
        }
        let message = self.read();
        if message.is_err() {
            self.fail();
        }
        message
    }

    /// Checks that the stream has ended behind a message, when there are no more octets and
    /// [`next`](Self::next) has given every message.
    ///
    /// # Errors
    ///
    /// [`Truncated`](crate::EventErrorKind::Truncated) when it ends in the midst of one. Not when
    /// `next` has told of an error already.
    pub fn finish(&mut self) -> Result<(), EventError> {
        let end = self.messages.finish();
        if end.is_err() {
            self.fail();
        }
        end
    }

    /// Ends the stream for good.
    pub(super) fn fail(&mut self) {
        self.failed = true;
        self.messages.clear();
    }

    #[cfg(feature = "body")]
    pub(super) const fn has_failed(&self) -> bool {
        self.failed
    }

    fn read(&mut self) -> Result<Option<EventMessage>, EventError> {
        let Some(frame) = self.messages.next()? else {
            return Ok(None);
        };
        let message = EventMessage::from_frame(&frame)?;
        let (kind, text) = match message.message_type() {
            Some("exception") => (EventErrorKind::Exception, EXCEPTION),
            Some("error") => (EventErrorKind::ServiceError, SERVICE_ERROR),
            // Whoever forgets to say what kind of message it is means what else there is.
            None if message.header(name::EXCEPTION_TYPE).is_some() => {
                (EventErrorKind::Exception, EXCEPTION)
            }
            None if message.header(name::ERROR_CODE).is_some() => {
                (EventErrorKind::ServiceError, SERVICE_ERROR)
            }
            None if message.header(name::MESSAGE_TYPE).is_some() => return Err(NO_TYPE),
            _ => return Ok(Some(message)),
        };
        Err(EventError::told(kind, text, message))
    }
}

impl Default for EventDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for EventDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventDecoder")
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

const NO_TYPE: EventError = EventError::new(
    EventErrorKind::Headers,
    "the type of an event stream message is not text",
);
const EXCEPTION: &str = "the service ended the event stream with an exception";
const SERVICE_ERROR: &str = "the service ended the event stream with an error";
