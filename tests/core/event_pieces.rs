//! What the tests of event streams share: random messages, and a body that comes in pieces.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::DateTime;
use aws_smithy_types::event_stream::Header;
use aws_smithy_types::event_stream::HeaderValue;
use aws_smithy_types::event_stream::Message;
use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use http_body::Frame;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;
use sigv4_core::EventMessage;
use sigv4_core::EventValue;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

pub(crate) fn cases(cases: u32) -> Config {
    Config {
        cases,
        // A failure prints what it takes to repeat it; nothing is written into the source tree.
        failure_persistence: None,
        ..Config::default()
    }
}

/// What a body gives when it is asked.
pub(crate) enum Piece {
    Data(Bytes),
    Later,
    Trailers,
    Fails,
}

/// A body that gives its pieces and then ends, and counts how often it was asked.
pub(crate) struct Pieces {
    pub(crate) pieces: VecDeque<Piece>,
    pub(crate) asked: usize,
}

impl Pieces {
    pub(crate) fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        Self {
            pieces: pieces.into_iter().collect(),
            asked: 0,
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.asked += 1;
        Poll::Ready(match self.pieces.pop_front() {
            None => None,
            Some(Piece::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Piece::Trailers) => Some(Ok(Frame::trailers(HeaderMap::new()))),
            Some(Piece::Fails) => Some(Err("the connection broke".into())),
            Some(Piece::Later) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }
}

/// Cuts octets into pieces of these lengths, over and over. A length of 0 is an empty piece, and
/// one that is not there at once.
pub(crate) fn cut(mut octets: Bytes, lengths: &[usize]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut lengths = lengths.iter().cycle();
    while !octets.is_empty() {
        let length = lengths.next().map_or(octets.len(), |&length| length);
        if length == 0 {
            pieces.push(Piece::Later);
        }
        pieces.push(Piece::Data(octets.split_to(length.min(octets.len()))));
    }
    pieces
}

/// The lengths of pieces: from some octets to many messages, one of them at least not 0.
pub(crate) fn lengths() -> impl Strategy<Value = Vec<usize>> {
    let length = prop_oneof![Just(0), 1..4_usize, 1..40_usize, 1..2_000_usize];
    (1..300_usize, vec(length, 0..8)).prop_map(|(first, mut lengths)| {
        lengths.push(first);
        lengths
    })
}

/// A message with headers of every type.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let headers = vec(("[!-~é]{1,20}", value()), 0..5);
    (headers, vec(any::<u8>(), 0..200)).prop_map(|(headers, payload)| {
        let header = |(name, value): (String, HeaderValue)| Header::new(name, value);
        let headers = headers.into_iter().map(header).collect();
        Message::new_from_parts(headers, payload)
    })
}

fn value() -> impl Strategy<Value = HeaderValue> {
    prop_oneof![
        any::<bool>().prop_map(HeaderValue::Bool),
        any::<i8>().prop_map(HeaderValue::Byte),
        any::<i16>().prop_map(HeaderValue::Int16),
        any::<i32>().prop_map(HeaderValue::Int32),
        any::<i64>().prop_map(HeaderValue::Int64),
        vec(any::<u8>(), 0..30).prop_map(|bytes| HeaderValue::ByteArray(bytes.into())),
        ".{0,30}".prop_map(|text| HeaderValue::String(text.into())),
        prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
            .prop_map(|millis| HeaderValue::Timestamp(DateTime::from_millis(millis))),
        any::<u128>().prop_map(HeaderValue::Uuid),
    ]
}

/// Has `aws-smithy-eventstream` write a message.
pub(crate) fn written(message: &Message) -> Bytes {
    let mut encoded = Vec::new();
    write_message_to(message, &mut encoded).unwrap();
    encoded.into()
}

/// Has `aws-smithy-eventstream` read one.
pub(crate) fn read(encoded: &[u8]) -> Message {
    let mut rest = encoded;
    let message = read_message_from(&mut rest).unwrap();
    assert!(rest.is_empty(), "there is more than one message");
    message
}

/// Says a message of `aws-smithy-types` in our types.
pub(crate) fn ours(message: &Message) -> EventMessage {
    let start = EventMessage::new(message.payload().clone());
    message.headers().iter().fold(start, |message, header| {
        let value = match header.value() {
            HeaderValue::Bool(value) => EventValue::Bool(*value),
            HeaderValue::Byte(value) => EventValue::Byte(*value),
            HeaderValue::Int16(value) => EventValue::Int16(*value),
            HeaderValue::Int32(value) => EventValue::Int32(*value),
            HeaderValue::Int64(value) => EventValue::Int64(*value),
            HeaderValue::ByteArray(value) => EventValue::Bytes(value.clone()),
            HeaderValue::String(value) => EventValue::String(value.as_str().to_owned()),
            HeaderValue::Timestamp(time) => EventValue::Timestamp(time.to_millis().unwrap()),
            HeaderValue::Uuid(value) => EventValue::Uuid(*value),
            other => panic!("{other:?} is of a type that the format does not have"),
        };
        message.with_header(header.name().as_str(), value)
    })
}
