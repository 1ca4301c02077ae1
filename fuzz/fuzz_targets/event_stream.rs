//! Any octets, and any headers in a frame whose checksums are right: they decode to the same
//! messages in whatever pieces they come, and what was decoded encodes to what it was decoded from.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sigv4_core::EventDecoder;
use sigv4_core::EventErrorKind;
use sigv4_core::EventMessage;

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, octets) = input;
    check(octets, piece);
    let (headers, payload) = octets.split_at(octets.len().min(usize::from(piece)));
    check(&frame(headers, payload), piece);
});

fn check(octets: &[u8], piece: u8) {
    let whole = decode(octets, octets.len());
    let pieces = decode(octets, usize::from(piece));
    assert_eq!(whole.0.len(), pieces.0.len(), "pieces make no difference");
    assert_eq!(whole.1, pieces.1, "nor for errors");

    let mut at = 0;
    for (message, other) in whole.0.iter().zip(&pieces.0) {
        let encoded = message.encode().expect("what was decoded can be encoded");
        assert_eq!(octets[at..at + encoded.len()], encoded, "as it was");
        assert_eq!(other.encode().ok(), Some(encoded.clone()));
        at += encoded.len();
    }
}

/// total length | headers length | crc32 of these | headers | payload | crc32 of it all
fn frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).expect("short").to_be_bytes();
    let mut frame = Vec::new();
    frame.extend(length(headers.len() + payload.len() + 16));
    frame.extend(length(headers.len()));
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend(headers);
    frame.extend(payload);
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame
}

fn decode(octets: &[u8], piece: usize) -> (Vec<EventMessage>, Option<EventErrorKind>) {
    let mut decoder = EventDecoder::new();
    let mut messages = Vec::new();
    for piece in octets.chunks(piece.max(1)) {
        decoder.push(piece.to_vec());
        loop {
            match decoder.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error.kind())),
            }
        }
    }
    let end = decoder.finish();
    (messages, end.err().map(|error| error.kind()))
}
