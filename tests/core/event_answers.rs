//! Event streams that services answer with, written by `aws-smithy-eventstream`.

use std::future::Future;
use std::pin::pin;
use std::task::Context;
use std::task::Waker;

use aws_smithy_types::event_stream::Message;
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use sigv4_core::EventDecoder;
use sigv4_core::EventError;
use sigv4_core::EventErrorKind;
use sigv4_core::EventMessage;
use sigv4_core::EventStream;
use sigv4_core::EventValue;

use crate::event_pieces::Piece;
use crate::event_pieces::Pieces;
use crate::event_pieces::cases;
use crate::event_pieces::cut;
use crate::event_pieces::lengths;
use crate::event_pieces::message;
use crate::event_pieces::ours;
use crate::event_pieces::written;

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn messages_are_found_in_whatever_pieces_they_come(
        messages in vec(message(), 0..6),
        lengths in lengths(),
    ) {
        let octets: Bytes = messages.iter().flat_map(written).collect();
        let expected: Vec<_> = messages.iter().map(ours).collect();
        for lengths in [&lengths[..], &[1]] {
            let (found, error) = read(cut(octets.clone(), lengths));
            prop_assert!(error.is_none(), "{:?}", error);
            prop_assert_eq!(&found, &expected);
        }
        prop_assert_eq!(decoded(&octets, octets.len().max(1)).0, expected);
    }
}

/// Two messages, the lengths of which the next tests need.
fn two() -> (Bytes, usize) {
    let message = |kind: &str| {
        EventMessage::new(r#"{"text":"said"}"#)
            .with_header(":message-type", "event")
            .with_header(":event-type", kind)
            .encode()
            .unwrap()
    };
    let (first, second) = (message("start"), message("stop"));
    let length = first.len();
    ([&first[..], &second].concat().into(), length)
}

#[test]
fn no_octet_can_be_another() {
    let (octets, first) = two();
    for at in 0..octets.len() {
        for bit in 0..8 {
            let mut tampered = octets.to_vec();
            tampered[at] ^= 1 << bit;
            let (whole, within) = if at < first { (0, at) } else { (1, at - first) };
            let expected = match within {
                0..12 => EventErrorKind::Prelude,
                _ => EventErrorKind::Checksum,
            };
            for piece in [1, 7, octets.len()] {
                let (found, error) = decoded(&tampered, piece);
                assert_eq!(found.len(), whole, "bit {bit} of octet {at}");
                assert_eq!(error.unwrap().kind(), expected, "bit {bit} of octet {at}");
            }
        }
    }
}

#[test]
fn a_stream_ends_behind_a_message_or_in_an_error() {
    let (octets, first) = two();
    for length in 0..=octets.len() {
        for piece in [1, 7, octets.len()] {
            let (found, error) = decoded(&octets[..length], piece);
            let whole = usize::from(length >= first) + usize::from(length == octets.len());
            assert_eq!(found.len(), whole, "{length} octets");
            let kind = error.map(|error| error.kind());
            let ends = [0, first, octets.len()].contains(&length);
            let expected = (!ends).then_some(EventErrorKind::Truncated);
            assert_eq!(kind, expected, "{length} octets");
        }
        let (_, error) = read(cut(octets.slice(..length), &[5]));
        assert_eq!(
            error.map(|error| error.kind()),
            decoded(&octets[..length], 5).1.map(|error| error.kind())
        );
        if length < first {
            let error = EventMessage::decode(octets.slice(..length)).unwrap_err();
            assert_eq!(error.kind(), EventErrorKind::Truncated, "{length} octets");
        }
    }
    let error = EventMessage::decode(octets).unwrap_err();
    assert_eq!(error.kind(), EventErrorKind::Prelude, "more than one");
}

/// Frames of a service that fails, as <https://smithy.io/2.0/aws/amazon-eventstream.html> has them.
#[test]
fn a_service_that_fails_is_an_error() {
    let (event, _) = two();
    let payload = r#"{"message":"the secret of the user"}"#;
    let exception = |kind: &str| {
        EventMessage::new(payload)
            .with_header(":message-type", "exception")
            .with_header(":exception-type", kind)
            .with_header(":content-type", "application/json")
    };
    let octets = |frame: &EventMessage| {
        [&event, &frame.encode().unwrap(), &event]
            .map(|it| &it[..])
            .concat()
    };

    let frame = exception("throttlingException");
    let (found, error) = decoded(&octets(&frame), 9);
    assert_eq!(found.len(), 2, "the two events before it, and none behind");
    let error = error.unwrap();
    assert_eq!(error.kind(), EventErrorKind::Exception);
    assert_eq!(error.exception_type(), Some("throttlingException"));
    assert_eq!((error.error_code(), error.error_message()), (None, None));
    assert_eq!(error.payload().unwrap(), payload);
    assert_eq!(error.frame(), Some(&frame));
    assert_eq!(
        error.frame().unwrap().content_type(),
        Some("application/json")
    );
    assert_eq!(
        error.to_string(),
        "the service ended the event stream with an exception: throttlingException"
    );
    assert!(!format!("{error:?}").contains("secret"));

    // One that does not say what kind of message it is.
    let frame = EventMessage::new(payload).with_header(":exception-type", "validationException");
    let error = decoded(&octets(&frame), 9).1.unwrap();
    assert_eq!(error.kind(), EventErrorKind::Exception);
    assert_eq!(error.exception_type(), Some("validationException"));

    let frame = EventMessage::new(payload).with_header(":error-code", "InternalError");
    let error = decoded(&octets(&frame), 9).1.unwrap();
    assert_eq!(error.kind(), EventErrorKind::ServiceError);
    let octets_for_text = EventValue::Bytes("exception".into());
    let frame = EventMessage::new(payload).with_header(":message-type", octets_for_text);
    let error = decoded(&octets(&frame), 9).1.unwrap();
    assert_eq!(error.kind(), EventErrorKind::Headers);

    let frame = EventMessage::default()
        .with_header(":message-type", "error")
        .with_header(":error-code", "InternalError")
        .with_header(":error-message", "the secret of the user");
    let (found, error) = decoded(&octets(&frame), usize::MAX);
    assert_eq!(found.len(), 2);
    let error = error.unwrap();
    assert_eq!(error.kind(), EventErrorKind::ServiceError);
    assert_eq!(error.exception_type(), None);
    assert_eq!(error.error_code(), Some("InternalError"));
    assert_eq!(error.error_message(), Some("the secret of the user"));
    assert_eq!(
        error.to_string(),
        "the service ended the event stream with an error: InternalError"
    );
    assert!(!format!("{error:?}").contains("secret"));

    // What is no plain name is for those who ask, and not for logs.
    for kind in ["a\nb", "a b", "", &"a".repeat(101)] {
        let error = decoded(&octets(&exception(kind)), 9).1.unwrap();
        assert_eq!(error.exception_type(), Some(kind));
        let text = "the service ended the event stream with an exception";
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_body_that_fails_is_an_error() {
    let (octets, first) = two();
    let pieces = [
        Piece::Data(octets.slice(..first + 3)),
        Piece::Fails,
        Piece::Data(octets.slice(first + 3..)),
    ];
    let (found, error) = read(pieces);
    assert_eq!(found.len(), 1);
    let error = error.unwrap();
    assert_eq!(error.kind(), EventErrorKind::Body);
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the connection broke");
}

#[test]
fn trailers_of_an_answer_are_passed_over() {
    let (octets, _) = two();
    let (found, error) = read([Piece::Data(octets), Piece::Trailers]);
    assert_eq!((found.len(), error.is_none()), (2, true));
}

#[test]
fn a_call_that_is_dropped_loses_nothing() {
    let (octets, _) = two();
    let lengths = [1, 0, 3, 0];
    let mut events = EventStream::new(Pieces::new(cut(octets.clone(), &lengths)));
    let mut cx = Context::from_waker(Waker::noop());
    let (mut found, mut dropped) = (Vec::new(), 0);
    loop {
        let poll = pin!(events.next()).poll(&mut cx);
        match poll {
            std::task::Poll::Pending => dropped += 1,
            std::task::Poll::Ready(Ok(Some(message))) => found.push(message),
            std::task::Poll::Ready(Ok(None)) => break,
            std::task::Poll::Ready(Err(error)) => panic!("{error}"),
        }
    }
    assert!(dropped > 50, "{dropped} calls were dropped");
    assert_eq!(found, decoded(&octets, usize::MAX).0);
}

#[test]
fn a_message_is_given_before_there_is_more() {
    let (octets, first) = two();
    let mut decoder = EventDecoder::new();
    for at in 0..first {
        assert!(decoder.next().unwrap().is_none());
        decoder.push(octets.slice(at..=at));
    }
    assert_eq!(decoder.next().unwrap().unwrap().event_type(), Some("start"));
}

/// Messages of the tests of aws-c-event-stream, `tests/message_deserializer_test.c`.
#[test]
fn reads_the_messages_that_aws_c_event_stream_publishes() {
    let bare = b"\0\0\0\x1d\0\0\0\0\xfd\x52\x8c\x5a{'foo':'bar'}\xc3\x65\x39\x36";
    let with_header = b"\0\0\0\x3d\0\0\0\x20\x07\xfd\x83\x96\
        \x0ccontent-type\x07\0\x10application/json{'foo':'bar'}\x8d\x9c\x08\xb1";
    let expected = EventMessage::new("{'foo':'bar'}");
    assert_eq!(EventMessage::decode(&bare[..]).unwrap(), expected);
    assert_eq!(expected.encode().unwrap(), &bare[..]);
    let expected = expected.with_header("content-type", "application/json");
    assert_eq!(EventMessage::decode(&with_header[..]).unwrap(), expected);
    assert_eq!(expected.encode().unwrap(), &with_header[..]);
    let empty = written(&Message::new(Bytes::new()));
    assert_eq!(
        EventMessage::decode(empty).unwrap(),
        EventMessage::default()
    );
}

/// Decodes octets in pieces of a length. Behind an error there is nothing.
fn decoded(octets: &[u8], length: usize) -> (Vec<EventMessage>, Option<EventError>) {
    let mut decoder = EventDecoder::new();
    let mut found = Vec::new();
    for piece in octets.chunks(length) {
        decoder.push(Bytes::copy_from_slice(piece));
        loop {
            match decoder.next() {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break,
                Err(error) => {
                    decoder.push(Bytes::copy_from_slice(octets));
                    assert!(decoder.next().unwrap().is_none());
                    decoder.finish().unwrap();
                    return (found, Some(error));
                }
            }
        }
    }
    (found, decoder.finish().err())
}

/// Reads a body to its end, which is behind its first error.
fn read(pieces: impl IntoIterator<Item = Piece>) -> (Vec<EventMessage>, Option<EventError>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut events = EventStream::new(Pieces::new(pieces));
        let mut found = Vec::new();
        let error = loop {
            match events.next().await {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        assert!(events.next().await.unwrap().is_none());
        (found, error)
    })
}
