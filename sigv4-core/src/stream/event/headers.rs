//! The headers of a message, between our types and octets.
//!
//! Each is the length of its name, the name, a type, and the value: what has no fixed length says it
//! in two octets. Numbers have the most significant octet first.
//! <https://smithy.io/2.0/aws/amazon-eventstream.html>

use bytes::Bytes;

use crate::stream::event::error::EventError;
use crate::stream::event::error::EventErrorKind;
use crate::stream::event::message::EventHeader;
use crate::stream::event::message::EventValue;

/// Writes headers as they are in a message.
pub(super) fn encode(headers: &[EventHeader]) -> Result<Vec<u8>, EventError> {
    let mut block = Vec::new();
    for header in headers {
        block.push(check_name(header.name.len())?);
        block.extend_from_slice(header.name.as_bytes());
        encode_value(&header.value, &mut block)?;
    }
    Ok(block)
}

/// Reads what is between the prelude and the payload of a message.
pub(super) fn decode(mut block: &[u8]) -> Result<Vec<EventHeader>, EventError> {
    let mut headers = Vec::new();
    while !block.is_empty() {
        let [length] = take(&mut block)?;
        check_name(length.into())?;
        let name = text(take_slice(&mut block, length.into())?)?;
        let value = decode_value(&mut block)?;
        headers.push(EventHeader { name, value });
    }
    Ok(headers)
}

fn encode_value(value: &EventValue, block: &mut Vec<u8>) -> Result<(), EventError> {
    let mut fixed = |type_code, octets: &[u8]| {
        block.push(type_code);
        block.extend_from_slice(octets);
    };
    match value {
        EventValue::Bool(true) => fixed(TRUE, &[]),
        EventValue::Bool(false) => fixed(FALSE, &[]),
        EventValue::Byte(value) => fixed(BYTE, &value.to_be_bytes()),
        EventValue::Int16(value) => fixed(INT16, &value.to_be_bytes()),
        EventValue::Int32(value) => fixed(INT32, &value.to_be_bytes()),
        EventValue::Int64(value) => fixed(INT64, &value.to_be_bytes()),
        EventValue::Timestamp(millis) => fixed(TIMESTAMP, &millis.to_be_bytes()),
        EventValue::Uuid(value) => fixed(UUID, &value.to_be_bytes()),
        EventValue::Bytes(value) => {
            fixed(BYTES, &check_value(value.len())?.to_be_bytes());
            block.extend_from_slice(value);
        }
        EventValue::String(value) => {
            fixed(STRING, &check_value(value.len())?.to_be_bytes());
            block.extend_from_slice(value.as_bytes());
        }
    }
    Ok(())
}

fn decode_value(block: &mut &[u8]) -> Result<EventValue, EventError> {
    let [type_code] = take(block)?;
    Ok(match type_code {
        TRUE => EventValue::Bool(true),
        FALSE => EventValue::Bool(false),
        BYTE => EventValue::Byte(i8::from_be_bytes(take(block)?)),
        INT16 => EventValue::Int16(i16::from_be_bytes(take(block)?)),
        INT32 => EventValue::Int32(i32::from_be_bytes(take(block)?)),
        INT64 => EventValue::Int64(i64::from_be_bytes(take(block)?)),
        BYTES => EventValue::Bytes(Bytes::copy_from_slice(take_value(block)?)),
        STRING => EventValue::String(text(take_value(block)?)?),
        TIMESTAMP => EventValue::Timestamp(i64::from_be_bytes(take(block)?)),
        UUID => EventValue::Uuid(u128::from_be_bytes(take(block)?)),
        _ => return Err(MALFORMED),
    })
}

/// Takes a value that says its length.
fn take_value<'a>(block: &mut &'a [u8]) -> Result<&'a [u8], EventError> {
    let length = u16::from_be_bytes(take(block)?);
    let value = take_slice(block, length.into())?;
    check_value(value.len())?;
    Ok(value)
}

fn take<const N: usize>(block: &mut &[u8]) -> Result<[u8; N], EventError> {
    let (taken, rest) = block.split_first_chunk().ok_or(MALFORMED)?;
    *block = rest;
    Ok(*taken)
}

fn take_slice<'a>(block: &mut &'a [u8], length: usize) -> Result<&'a [u8], EventError> {
    let (taken, rest) = block.split_at_checked(length).ok_or(MALFORMED)?;
    *block = rest;
    Ok(taken)
}

fn text(octets: &[u8]) -> Result<String, EventError> {
    let text = str::from_utf8(octets).map_err(|error| MALFORMED.because(error))?;
    Ok(text.to_owned())
}

fn check_name(length: usize) -> Result<u8, EventError> {
    match u8::try_from(length) {
        Ok(0) => Err(NAMELESS),
        Ok(length) => Ok(length),
        Err(_) => Err(LONG_NAME),
    }
}

fn check_value(length: usize) -> Result<u16, EventError> {
    match u16::try_from(length) {
        Ok(length @ 0..=MAX_VALUE) => Ok(length),
        _ => Err(LONG_VALUE),
    }
}

/// The field for the length could say twice as much; the format does not allow it.
const MAX_VALUE: u16 = 32_767;

// The types of values.
const TRUE: u8 = 0;
const FALSE: u8 = 1;
const BYTE: u8 = 2;
const INT16: u8 = 3;
const INT32: u8 = 4;
const INT64: u8 = 5;
const BYTES: u8 = 6;
const STRING: u8 = 7;
const TIMESTAMP: u8 = 8;
const UUID: u8 = 9;

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
