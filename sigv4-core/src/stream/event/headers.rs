//! The headers of a message, between our types and octets.

use aws_smithy_eventstream::frame;
use aws_smithy_types::DateTime;
use aws_smithy_types::event_stream::Header;
use aws_smithy_types::event_stream::HeaderValue;

use crate::stream::event::error::EventError;
use crate::stream::event::error::EventErrorKind;
use crate::stream::event::frame as framed;
use crate::stream::event::message::EventHeader;
use crate::stream::event::message::EventValue;

/// Writes headers as they are in a message.
pub(super) fn encode(headers: &[EventHeader]) -> Result<Vec<u8>, EventError> {
    let headers: Vec<_> = headers.iter().map(to_smithy).collect::<Result<_, _>>()?;
    let mut block = Vec::new();
    frame::write_headers_to(&headers, &mut block).map_err(|error| MALFORMED.because(error))?;
    Ok(block)
}

/// Reads what is between the prelude and the payload of a message.
pub(super) fn decode(block: &[u8]) -> Result<Vec<EventHeader>, EventError> {
    if block.is_empty() {
        return Ok(Vec::new());
    }
    // Headers are only read as a part of a message. Here it has no payload, so that none is copied.
    let message = framed::write(&[block], b"");
    let message = frame::read_message_from(&*message).map_err(|error| MALFORMED.because(error))?;
    message.headers().iter().map(from_smithy).collect()
}

fn to_smithy(header: &EventHeader) -> Result<Header, EventError> {
    check_name(header.name.len())?;
    let value = match &header.value {
        EventValue::Bool(value) => HeaderValue::Bool(*value),
        EventValue::Byte(value) => HeaderValue::Byte(*value),
        EventValue::Int16(value) => HeaderValue::Int16(*value),
        EventValue::Int32(value) => HeaderValue::Int32(*value),
        EventValue::Int64(value) => HeaderValue::Int64(*value),
        EventValue::Bytes(value) => {
            check_value(value.len())?;
            HeaderValue::ByteArray(value.clone())
        }
        EventValue::String(value) => {
            check_value(value.len())?;
            HeaderValue::String(value.clone().into())
        }
        EventValue::Timestamp(millis) => HeaderValue::Timestamp(DateTime::from_millis(*millis)),
        EventValue::Uuid(value) => HeaderValue::Uuid(*value),
    };
    Ok(Header::new(header.name.clone(), value))
}

fn from_smithy(header: &Header) -> Result<EventHeader, EventError> {
    check_name(header.name().as_str().len())?;
    let value = match header.value() {
        HeaderValue::Bool(value) => EventValue::Bool(*value),
        HeaderValue::Byte(value) => EventValue::Byte(*value),
        HeaderValue::Int16(value) => EventValue::Int16(*value),
        HeaderValue::Int32(value) => EventValue::Int32(*value),
        HeaderValue::Int64(value) => EventValue::Int64(*value),
        HeaderValue::ByteArray(value) => {
            check_value(value.len())?;
            EventValue::Bytes(value.clone())
        }
        HeaderValue::String(value) => {
            check_value(value.as_str().len())?;
            EventValue::String(value.as_str().to_owned())
        }
        HeaderValue::Timestamp(time) => {
            let millis = time.to_millis().map_err(|error| MALFORMED.because(error))?;
            EventValue::Timestamp(millis)
        }
        HeaderValue::Uuid(value) => EventValue::Uuid(*value),
        // The format has no other types.
        _ => return Err(MALFORMED),
    };
    Ok(EventHeader {
        name: header.name().as_str().to_owned(),
        value,
    })
}

fn check_name(length: usize) -> Result<(), EventError> {
    match length {
        0 => Err(NAMELESS),
        1..=MAX_NAME => Ok(()),
        _ => Err(LONG_NAME),
    }
}

fn check_value(length: usize) -> Result<(), EventError> {
    if length > MAX_VALUE {
        return Err(LONG_VALUE);
    }
    Ok(())
}

const MAX_NAME: usize = 255;
/// The field for the length could say twice as much; the format does not allow it.
const MAX_VALUE: usize = 32_767;

const MALFORMED: EventError = EventError::new(
    EventErrorKind::Headers,
    "the headers of the event stream message are malformed",
);
const NAMELESS: EventError = EventError::new(
    EventErrorKind::Headers,
    "a header of the event stream message has no name",
);
const LONG_NAME: EventError = EventError::new(
    EventErrorKind::TooLarge,
    "the name of a header of the event stream message is longer than 255 octets",
);
const LONG_VALUE: EventError = EventError::new(
    EventErrorKind::TooLarge,
    "the value of a header of the event stream message is longer than 32767 octets; \
     put it into the payload",
);
