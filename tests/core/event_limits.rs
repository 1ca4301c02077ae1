//! The limits of event stream messages, and octets that are made to do harm.

use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use aws_smithy_eventstream::frame::read_message_from;
use bytes::Bytes;
use http_body::Body;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sigv4_core::ErrorKind;
use sigv4_core::EventDecoder;
use sigv4_core::EventError;
use sigv4_core::EventErrorKind;
use sigv4_core::EventMessage;
use sigv4_core::EventSigner;
use sigv4_core::EventValue;
use sigv4_core::SignedEvents;
use sigv4_tests::secrets;

use crate::event_pieces::Piece;
use crate::event_pieces::Pieces;
use crate::event_pieces::cases;
use crate::event_pieces::ours;
use crate::event_pieces::read;
use crate::fixture::now;
use crate::fixture::signer;

const MIB: usize = 1024 * 1024;

proptest! {
    #![proptest_config(cases(2_000))]

    /// With right checksums, so that the headers are looked at.
    #[test]
    fn headers_are_read_or_refused_as_by_aws_smithy_eventstream(block in block()) {
        let octets = framed(block.len(), &block, b"payload");
        let ours_read = EventMessage::decode(octets.clone());
        match read_message_from(&*octets) {
            Ok(message) => match ours_read {
                Ok(read) => prop_assert_eq!(read, ours(&message)),
                // That takes names without a letter, and values beyond the limit.
                Err(error) => {
                    let nameless = message.headers().iter().any(|it| it.name().as_str().is_empty());
                    prop_assert!(nameless, "{}", error);
                }
            },
            Err(_) => prop_assert_eq!(ours_read.unwrap_err().kind(), EventErrorKind::Headers),
        }
    }

    #[test]
    fn no_octets_do_harm(octets in vec(any::<u8>(), 0..100), limit in any::<usize>()) {
        let mut decoder = EventDecoder::new().message_limit(limit);
        decoder.push(octets.clone());
        while let Ok(Some(_)) = decoder.next() {}
        let _ = EventMessage::decode(octets);
    }
}

/// What may look like headers.
fn block() -> impl Strategy<Value = Vec<u8>> {
    let header = (
        0..4_u8,
        vec(any::<u8>(), 0..4),
        0..12_u8,
        vec(any::<u8>(), 0..20),
    )
        .prop_map(|(length, name, kind, value)| {
            let fitting = u8::try_from(name.len()).unwrap();
            let length = if length == 3 { length } else { fitting };
            [&[length], &name[..], &[kind], &value].concat()
        });
    let text = (
        select(vec![6_u8, 7]),
        vec(select(vec![0_u8, b'a', 0xff]), 0..9),
        0..3_usize,
    )
        .prop_map(|(kind, value, more)| {
            let length = u16::try_from(value.len() + more / 2).unwrap().to_be_bytes();
            [&[1, b'n', kind], &length[..], &value].concat()
        });
    // One octet alone is no block of headers for either of them, by its length.
    vec(prop_oneof![header, text], 1..4)
        .prop_map(|headers| headers.concat())
        .prop_filter("at least two octets", |block| block.len() > 1)
}

/// Every one has the right checksums.
#[test]
fn hostile_lengths_are_refused_before_anything_is_held() {
    let max = u32::MAX;
    for (name, total, headers, expected) in [
        ("nothing", 0, 0, EventErrorKind::Prelude),
        ("less than the frame", 15, 0, EventErrorKind::Prelude),
        ("half a header", 17, 1, EventErrorKind::Prelude),
        ("headers beyond the message", 18, 3, EventErrorKind::Prelude),
        (
            "headers that would wrap around",
            16,
            max,
            EventErrorKind::Prelude,
        ),
        ("all that can be said", max, max, EventErrorKind::Prelude),
        ("headers of 4 GiB", max, max - 16, EventErrorKind::TooLarge),
        ("a payload of 4 GiB", max, 0, EventErrorKind::TooLarge),
        (
            "headers beyond 128 KiB",
            1_000_000,
            131_073,
            EventErrorKind::TooLarge,
        ),
        (
            "a message beyond 16 MiB",
            16 + 131_072 + 16_777_217,
            131_072,
            EventErrorKind::TooLarge,
        ),
    ] {
        let prelude = prelude(total, headers);
        let mut decoder = EventDecoder::new();
        decoder.push(prelude.clone());
        let error = decoder.next().expect_err(name);
        assert_eq!(error.kind(), expected, "{name}");
        assert_eq!(
            EventMessage::decode(prelude).unwrap_err().kind(),
            expected,
            "{name}"
        );
    }
    for (name, total, headers) in [
        ("the longest headers", 16 + 131_072, 131_072),
        ("the longest message", 16 + 131_072 + 16_777_216, 131_072),
        ("the shortest message", 16, 0),
    ] {
        let mut decoder = EventDecoder::new();
        decoder.push(prelude(total, headers));
        assert!(decoder.next().unwrap().is_none(), "{name}");
    }
    let mut decoder = EventDecoder::new().message_limit(usize::MAX);
    decoder.push(prelude(max, 0));
    assert!(decoder.next().unwrap().is_none(), "a limit can be lifted");
}

#[test]
fn what_is_too_long_is_not_written() {
    let fine = |message: EventMessage| {
        let encoded = message.encode().unwrap();
        assert_eq!(ours(&read(&encoded)), message);
        assert_eq!(EventMessage::decode(encoded).unwrap(), message);
    };
    let refused = |message: EventMessage, expected: EventErrorKind| {
        assert_eq!(message.encode().unwrap_err().kind(), expected);
    };
    let empty = EventMessage::default;
    let too_large = EventErrorKind::TooLarge;

    fine(empty().with_header("n".repeat(255), EventValue::Bool(true)));
    refused(
        empty().with_header("n".repeat(256), EventValue::Bool(true)),
        too_large,
    );
    refused(
        empty().with_header("€".repeat(86), EventValue::Bool(true)),
        too_large,
    );
    refused(
        empty().with_header("", EventValue::Bool(true)),
        EventErrorKind::Headers,
    );

    fine(empty().with_header("n", "v".repeat(32_767)));
    refused(empty().with_header("n", "v".repeat(32_768)), too_large);
    refused(empty().with_header("n", "v".repeat(65_536)), too_large);
    let bytes = |length| EventValue::Bytes(vec![7; length].into());
    fine(empty().with_header("n", bytes(32_767)));
    refused(empty().with_header("n", bytes(32_768)), too_large);

    // Four headers of 32 KiB, and their names and types.
    let three = (0..3).fold(empty(), |message, _| {
        message.with_header("n", bytes(32_763))
    });
    fine(three.clone().with_header("n", bytes(32_763)));
    refused(three.with_header("n", bytes(32_764)), too_large);

    fine(EventMessage::new(vec![7; 16 * MIB]));
    refused(EventMessage::new(vec![7; 16 * MIB + 1]), too_large);
}

/// Another implementation may write them; the format forbids it all the same.
#[test]
fn a_value_beyond_the_limit_is_not_read() {
    for (length, fine) in [(32_767_u16, true), (32_768, false)] {
        for kind in [6, 7] {
            let value = vec![b'v'; length.into()];
            let block = [&[1, b'n', kind], &length.to_be_bytes()[..], &value].concat();
            let read = EventMessage::decode(framed(block.len(), &block, b""));
            match read {
                Ok(_) => assert!(fine),
                Err(error) => assert_eq!((error.kind(), fine), (EventErrorKind::TooLarge, false)),
            }
        }
    }
}

#[test]
fn a_message_that_does_not_fit_into_another_is_not_signed() {
    let seed = "5eed";
    let new = || {
        let (signer, credentials) = (signer("transcribe"), secrets::credentials());
        EventSigner::new(&signer, &credentials, seed).unwrap()
    };
    let (mut failed, mut other) = (new(), new());
    let longest = vec![7; 16 * MIB];
    // An empty one would end the stream.
    for refused in [vec![7; 16 * MIB + 1], Vec::new()] {
        let error = failed.sign_message(&refused, now()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::EventStream);
    }
    let signed = failed.sign_message(&longest, now()).unwrap();
    assert_eq!(
        signed,
        other.sign_message(&longest, now()).unwrap(),
        "the chain is unchanged"
    );
    assert_eq!(read(&signed).payload(), &longest);

    // Nor does the limit of a body go beyond that.
    let announced = [Piece::Data(prelude(
        u32::try_from(16 * MIB).unwrap() + 1,
        0,
    ))];
    let body = SignedEvents::new(Pieces::new(announced), failed, now).message_limit(usize::MAX);
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Some(Err(error))) = pin!(body).poll_frame(&mut cx) else {
        panic!("the length of the message is beyond the limit");
    };
    let cause = error.source().unwrap().downcast_ref::<EventError>();
    assert_eq!(cause.unwrap().kind(), EventErrorKind::TooLarge);
}

fn prelude(total: u32, headers: u32) -> Bytes {
    let mut octets = [total.to_be_bytes(), headers.to_be_bytes()].concat();
    octets.extend(crc32(&octets).to_be_bytes());
    octets.into()
}

fn framed(headers: usize, block: &[u8], payload: &[u8]) -> Bytes {
    let total = 16 + block.len() + payload.len();
    let prelude = prelude(total.try_into().unwrap(), headers.try_into().unwrap());
    let mut octets = [&prelude, block, payload].concat();
    octets.extend(crc32(&octets).to_be_bytes());
    octets.into()
}

/// CRC-32 of ISO-HDLC, bit by bit.
fn crc32(octets: &[u8]) -> u32 {
    let bit = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    let octet = |crc: u32, octet: &u8| (0..8).fold(crc ^ u32::from(*octet), bit);
    !octets.iter().fold(!0, octet)
}
