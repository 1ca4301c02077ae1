//! What can be wrong with the messages of an event stream.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::stream::event::message::EventMessage;
use crate::stream::event::message::name;

/// Says why a message could not be encoded or decoded, or what ended a stream of them.
///
/// A service that fails in the midst of a stream says so in a frame of its own, since the status of
/// the answer was 200 long ago. That is an error of the kind [`Exception`] or [`ServiceError`], and
/// holds what the service said.
///
/// `Display` says which it was and never holds a payload or the text of a message.
///
/// <https://smithy.io/2.0/aws/amazon-eventstream.html>
///
/// ```
/// use bytes::Bytes;
/// use sigv4_core::{EventDecoder, EventErrorKind, EventMessage};
///
/// let frame = EventMessage::new(r#"{"message":"Too many requests"}"#)
///     .with_header(":message-type", "exception")
///     .with_header(":exception-type", "throttlingException")
///     .encode()?;
/// let mut decoder = EventDecoder::new();
/// decoder.push(frame);
/// let Err(error) = decoder.next() else { panic!("the frame is an exception") };
/// assert_eq!(error.kind(), EventErrorKind::Exception);
/// assert_eq!(error.exception_type(), Some("throttlingException"));
/// assert_eq!(error.payload(), Some(&Bytes::from(r#"{"message":"Too many requests"}"#)));
/// # Ok::<(), sigv4_core::EventError>(())
/// ```
///
/// [`Exception`]: EventErrorKind::Exception
/// [`ServiceError`]: EventErrorKind::ServiceError
#[derive(Clone, Debug)]
pub struct EventError {
    kind: EventErrorKind,
    message: &'static str,
    /// The frame that the service ended the stream with.
    frame: Option<Box<EventMessage>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl EventError {
    pub(super) const fn new(kind: EventErrorKind, message: &'static str) -> Self {
        Self {
            kind,
            message,
            frame: None,
            source: None,
        }
    }

    pub(super) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// Makes an error of a frame that says that the service has failed.
    pub(super) fn told(kind: EventErrorKind, message: &'static str, frame: EventMessage) -> Self {
        Self {
            frame: Some(Box::new(frame)),
            ..Self::new(kind, message)
        }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> EventErrorKind {
        self.kind
    }

    /// Returns the name of the exception that the service ended the stream with, for example
    /// `throttlingException`.
    #[must_use]
    pub fn exception_type(&self) -> Option<&str> {
        self.text(name::EXCEPTION_TYPE)
    }

    /// Returns the code of the error that the service ended the stream with, for example
    /// `InternalError`.
    #[must_use]
    pub fn error_code(&self) -> Option<&str> {
        self.text(name::ERROR_CODE)
    }

    /// Returns what the service said about that error. That of an exception is in its
    /// [payload](Self::payload).
    #[must_use]
    pub fn error_message(&self) -> Option<&str> {
        self.text(name::ERROR_MESSAGE)
    }

    /// Returns the payload of the frame that the service ended the stream with. For an exception
    /// it is the exception itself, mostly JSON with a `message`.
    #[must_use]
    pub fn payload(&self) -> Option<&Bytes> {
        self.frame().map(EventMessage::payload)
    }

    /// Returns the frame that the service ended the stream with.
    #[must_use]
    pub fn frame(&self) -> Option<&EventMessage> {
        self.frame.as_deref()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.frame()?.text(name)
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)?;
        let name = self.exception_type().or_else(|| self.error_code());
        match name.filter(|name| is_name(name)) {
            Some(name) => write!(f, ": {name}"),
            None => Ok(()),
        }
    }
}

impl StdError for EventError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// Names what was wrong with a message or a stream of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventErrorKind {
    /// The first twelve octets do not have their checksum, or their lengths contradict each other:
    /// what was read is no event stream, or the place in it was lost.
    Prelude,
    /// A message does not have its checksum.
    Checksum,
    /// The octets end in the midst of a message.
    Truncated,
    /// The headers of a message are not such as the format allows.
    Headers,
    /// A message, or what is in it, is longer than it may be.
    TooLarge,
    /// The service ended the stream with an exception of its model.
    Exception,
    /// The service ended the stream with an error that is not in its model.
    ServiceError,
    /// The body that the stream is read from failed.
    Body,
}

/// Tells whether a text of the service's is a plain name that may stand in a log.
fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=100).contains(&text.len()) && text.bytes().all(allowed)
}
