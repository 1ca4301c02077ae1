//! A message of an event stream, and the values of its headers.

use std::fmt;

use bytes::Bytes;

use crate::stream::event::error::EventError;
use crate::stream::event::frame;
use crate::stream::event::frame::Framed;
use crate::stream::event::headers;

/// A message of an event stream: headers with types, and a payload.
///
/// <https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html>,
/// <https://smithy.io/2.0/aws/amazon-eventstream.html>
///
/// What is sent to a service is mostly an event: its [`:message-type`](Self::message_type) is
/// `event`, its [`:event-type`](Self::event_type) the name that the service's model has for it.
///
/// ```
/// use sigv4_core::EventMessage;
///
/// let message = EventMessage::new(&b"a few milliseconds of audio"[..])
///     .with_header(":message-type", "event")
///     .with_header(":event-type", "AudioEvent")
///     .with_header(":content-type", "application/octet-stream");
/// let encoded = message.encode()?;
///
/// let decoded = EventMessage::decode(encoded)?;
/// assert_eq!(decoded.event_type(), Some("AudioEvent"));
/// assert_eq!(decoded, message);
/// # Ok::<(), sigv4_core::EventError>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct EventMessage {
    headers: Vec<EventHeader>,
    payload: Bytes,
}

#[derive(Clone, PartialEq)]
pub(super) struct EventHeader {
    pub(super) name: String,
    pub(super) value: EventValue,
}

impl EventMessage {
    /// Makes a message with a payload and without headers.
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self {
            headers: Vec::new(),
            payload: payload.into(),
        }
    }

    /// Adds a header behind those that are there.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<EventValue>) -> Self {
        self.headers.push(EventHeader {
            name: name.into(),
            value: value.into(),
        });
        self
    }

    /// Reads a message.
    ///
    /// The octets are one whole message. [`EventDecoder`](crate::EventDecoder) reads those of a
    /// stream. The payload is not copied.
    ///
    /// # Errors
    ///
    /// When they are something else; see [`EventErrorKind`](crate::EventErrorKind).
    pub fn decode(encoded: impl Into<Bytes>) -> Result<Self, EventError> {
        Self::from_frame(&Framed::read(encoded.into())?)
    }

    pub(super) fn from_frame(frame: &Framed) -> Result<Self, EventError> {
        Ok(Self {
            headers: headers::decode(frame.headers())?,
            payload: frame.payload(),
        })
    }

    /// Writes the message.
    ///
    /// # Errors
    ///
    /// When it does not fit into the format: the name of a header has 1 to 255 octets and its value
    /// up to 32767, all headers together up to 128 KiB and the payload up to 16 MiB. The kind is
    /// [`Headers`](crate::EventErrorKind::Headers) or [`TooLarge`](crate::EventErrorKind::TooLarge).
    pub fn encode(&self) -> Result<Bytes, EventError> {
        let headers = headers::encode(&self.headers)?;
        frame::check(headers.len(), self.payload.len())?;
        Ok(frame::write(&[&headers], &self.payload))
    }

    /// Returns the names and the values of the headers, in their order.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&str, &EventValue)> {
        let headers = self.headers.iter();
        headers.map(|header| (header.name.as_str(), &header.value))
    }

    /// Returns the value of the first header of a name. Case counts.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&EventValue> {
        let mut headers = self.headers.iter();
        headers
            .find(|header| header.name == name)
            .map(|header| &header.value)
    }

    /// Returns the payload.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// Takes the payload out of the message.
    #[must_use]
    pub fn into_payload(self) -> Bytes {
        self.payload
    }

    /// Returns the header `:message-type`: `event`, `exception` or `error`.
    #[must_use]
    pub fn message_type(&self) -> Option<&str> {
        self.text(name::MESSAGE_TYPE)
    }

    /// Returns the header `:event-type`, for example `contentBlockDelta`.
    #[must_use]
    pub fn event_type(&self) -> Option<&str> {
        self.text(name::EVENT_TYPE)
    }

    /// Returns the header `:content-type`, which tells what the payload is.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.text(name::CONTENT_TYPE)
    }

    /// Returns the value of a header that is a string.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.header(name)? {
            EventValue::String(text) => Some(text),
            _ => None,
        }
    }
}

/// Shows the names of the headers and the length of the payload.
impl fmt::Debug for EventMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("EventMessage")
            .field("headers", &names)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .finish()
    }
}

/// The value of a header of an event stream message.
///
/// ```
/// use sigv4_core::{EventMessage, EventValue};
///
/// let message = EventMessage::default()
///     .with_header("text", "a text")
///     .with_header(":date", EventValue::Timestamp(1_440_938_160_000));
/// assert_eq!(message.header("text"), Some(&EventValue::String("a text".to_owned())));
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum EventValue {
    /// True or false, each of which is a type of its own on the wire.
    Bool(bool),
    /// An integer of one octet.
    Byte(i8),
    /// An integer of two octets.
    Int16(i16),
    /// An integer of four octets.
    Int32(i32),
    /// An integer of eight octets.
    Int64(i64),
    /// Octets.
    Bytes(Bytes),
    /// A text.
    String(String),
    /// An instant, in milliseconds since 1970.
    Timestamp(i64),
    /// A UUID, its first octet the most significant.
    Uuid(u128),
}

impl From<&str> for EventValue {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for EventValue {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

/// Shows the length of octets and texts only: among them are signatures, and what users say.
impl fmt::Debug for EventValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "Bool({value})"),
            Self::Byte(value) => write!(f, "Byte({value})"),
            Self::Int16(value) => write!(f, "Int16({value})"),
            Self::Int32(value) => write!(f, "Int32({value})"),
            Self::Int64(value) => write!(f, "Int64({value})"),
            Self::Bytes(value) => write!(f, "Bytes({} bytes)", value.len()),
            Self::String(value) => write!(f, "String({} bytes)", value.len()),
            Self::Timestamp(millis) => write!(f, "Timestamp({millis})"),
            Self::Uuid(value) => write!(f, "Uuid({value:032x})"),
        }
    }
}

/// The names of headers that the format itself gives a meaning to.
pub(super) mod name {
    pub(in crate::stream::event) const CHUNK_SIGNATURE: &str = ":chunk-signature";
    pub(in crate::stream::event) const CONTENT_TYPE: &str = ":content-type";
    pub(in crate::stream::event) const DATE: &str = ":date";
    pub(in crate::stream::event) const ERROR_CODE: &str = ":error-code";
    pub(in crate::stream::event) const ERROR_MESSAGE: &str = ":error-message";
    pub(in crate::stream::event) const EVENT_TYPE: &str = ":event-type";
    pub(in crate::stream::event) const EXCEPTION_TYPE: &str = ":exception-type";
    pub(in crate::stream::event) const MESSAGE_TYPE: &str = ":message-type";
}
