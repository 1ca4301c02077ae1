//! The frame around the headers and the payload of a message: its lengths and its checksums.

use bytes::Bytes;
use crc32fast::Hasher;

use crate::stream::event::error::EventError;
use crate::stream::event::error::EventErrorKind;

/// What a message begins with.
#[derive(Clone, Copy)]
pub(super) struct Prelude {
    /// The length of the whole message.
    pub(super) total: usize,
    /// The length of its headers.
    headers: usize,
}

impl Prelude {
    /// The octets that it takes.
    pub(super) const LENGTH: usize = 12;

    /// Reads a prelude. What it announces is possible, and not longer than the limit.
    pub(super) fn read(bytes: &[u8; Self::LENGTH], limit: usize) -> Result<Self, EventError> {
        let [total, headers, checksum] = words(bytes);
        if checksum != crc32fast::hash(&bytes[..8]) {
            return Err(BAD_PRELUDE);
        }
        let (total, headers) = (total as usize, headers as usize);
        match total.checked_sub(OVERHEAD) {
            // A header has two octets at least.
            Some(content) if headers <= content && headers != 1 => {}
            _ => return Err(CONTRADICTION),
        }
        if headers > MAX_HEADERS || total > limit {
            return Err(TOO_LARGE);
        }
        Ok(Self { total, headers })
    }
}

/// A whole message, whose checksums are right.
pub(super) struct Framed {
    prelude: Prelude,
    bytes: Bytes,
}

impl Framed {
    /// Takes the octets that a prelude has announced, as many as it says.
    pub(super) fn new(prelude: Prelude, bytes: Bytes) -> Result<Self, EventError> {
        let (content, checksum) = bytes.split_last_chunk().ok_or(TRUNCATED)?;
        if u32::from_be_bytes(*checksum) != crc32fast::hash(content) {
            return Err(BAD_CHECKSUM);
        }
        Ok(Self { prelude, bytes })
    }

    /// Takes octets that are a message from their first to their last.
    pub(super) fn read(bytes: Bytes) -> Result<Self, EventError> {
        let prelude = bytes.first_chunk().ok_or(TRUNCATED)?;
        let prelude = Prelude::read(prelude, MAX_MESSAGE)?;
        match bytes.len() {
            length if length < prelude.total => Err(TRUNCATED),
            length if length > prelude.total => Err(SURPLUS),
            _ => Self::new(prelude, bytes),
        }
    }

    pub(super) fn headers(&self) -> &[u8] {
        &self.bytes[Prelude::LENGTH..][..self.prelude.headers]
    }

    pub(super) fn payload(&self) -> Bytes {
        let (from, to) = (
            Prelude::LENGTH + self.prelude.headers,
            self.prelude.total - CHECKSUM,
        );
        self.bytes.slice(from..to)
    }

    /// Returns the octets of the message.
    #[cfg(any(feature = "body", test))]
    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

/// Puts a frame around headers and a payload, after they were [checked](check).
pub(super) fn write(headers: &[&[u8]], payload: &[u8]) -> Bytes {
    let headers_length = headers.iter().map(|block| block.len()).sum::<usize>();
    let total = OVERHEAD + headers_length + payload.len();
    let mut frame = Vec::with_capacity(total);
    for length in [total, headers_length] {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        frame.extend_from_slice(&length.to_be_bytes());
    }
    let mut checksum = Hasher::new();
    checksum.update(&frame);
    frame.extend_from_slice(&checksum.clone().finalize().to_be_bytes());
    headers
        .iter()
        .for_each(|block| frame.extend_from_slice(block));
    frame.extend_from_slice(payload);
    checksum.update(&frame[8..]);
    frame.extend_from_slice(&checksum.finalize().to_be_bytes());
    frame.into()
}

/// Checks that headers and a payload of these lengths fit into a message.
pub(super) fn check(headers: usize, payload: usize) -> Result<(), EventError> {
    match (headers, payload) {
        (0..=MAX_HEADERS, 0..=MAX_PAYLOAD) => Ok(()),
        (0..=MAX_HEADERS, _) => Err(LONG_PAYLOAD),
        _ => Err(LONG_HEADERS),
    }
}

fn words(bytes: &[u8; Prelude::LENGTH]) -> [u32; 3] {
    let mut words = [0; 3];
    let (read, _) = bytes.as_chunks();
    for (word, bytes) in words.iter_mut().zip(read) {
        *word = u32::from_be_bytes(*bytes);
    }
    words
}

const CHECKSUM: usize = 4;
/// What a message has beside its headers and its payload.
const OVERHEAD: usize = Prelude::LENGTH + CHECKSUM;
const MAX_HEADERS: usize = 128 * 1024;
/// 16 MiB.
pub(super) const MAX_PAYLOAD: usize = 16 * 1024 * 1024;
pub(super) const MAX_MESSAGE: usize = OVERHEAD + MAX_HEADERS + MAX_PAYLOAD;

const BAD_PRELUDE: EventError = EventError::new(
    EventErrorKind::Prelude,
    "what an event stream message begins with does not have its checksum; is it an event stream?",
);
const CONTRADICTION: EventError = EventError::new(
    EventErrorKind::Prelude,
    "the lengths of the event stream message contradict each other",
);
const SURPLUS: EventError = EventError::new(
    EventErrorKind::Prelude,
    "there is more than one event stream message; read a sequence of them with EventDecoder",
);
const BAD_CHECKSUM: EventError = EventError::new(
    EventErrorKind::Checksum,
    "the event stream message does not have its checksum",
);
pub(super) const TRUNCATED: EventError = EventError::new(
    EventErrorKind::Truncated,
    "the event stream ends in the midst of a message",
);
const TOO_LARGE: EventError = EventError::new(
    EventErrorKind::TooLarge,
    "the event stream message is longer than the limit",
);
const LONG_HEADERS: EventError = EventError::new(
    EventErrorKind::TooLarge,
    "the headers of the event stream message are longer than 128 KiB; use the payload",
);
const LONG_PAYLOAD: EventError = EventError::new(
    EventErrorKind::TooLarge,
    "the payload of the event stream message is longer than 16 MiB; divide it",
);
