//! Messages out of the pieces that a stream comes in.

use std::collections::VecDeque;

use bytes::Buf;
use bytes::Bytes;

use crate::stream::event::error::EventError;
use crate::stream::event::frame::Framed;
use crate::stream::event::frame::Prelude;
use crate::stream::event::frame::TRUNCATED;

/// Finds where messages begin and end. What lies in one piece is not copied; of what does not, one
/// message is held, and only after its length was found to be within the limit.
pub(super) struct Assembler {
    /// None of them is empty.
    pieces: VecDeque<Bytes>,
    /// The beginning of a message that goes on in the pieces.
    begun: Vec<u8>,
    /// The prelude of the next message, once it was read.
    prelude: Option<Prelude>,
    limit: usize,
}

impl Assembler {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            pieces: VecDeque::new(),
            begun: Vec::new(),
            prelude: None,
            limit,
        }
    }

    pub(super) const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.pieces.push_back(piece);
        }
    }

    /// Returns the next message, if it is there as a whole.
    pub(super) fn next(&mut self) -> Result<Option<Framed>, EventError> {
        let prelude = match self.prelude {
            Some(prelude) => prelude,
            None => {
                let Some(bytes) = self.peek() else {
                    return Ok(None);
                };
                *self.prelude.insert(Prelude::read(&bytes, self.limit)?)
            }
        };
        let Some(bytes) = self.take(prelude.total) else {
            return Ok(None);
        };
        self.prelude = None;
        Framed::new(prelude, bytes).map(Some)
    }

    /// Checks that the pieces have ended with a message.
    pub(super) fn finish(&self) -> Result<(), EventError> {
        if self.begun.is_empty() && self.pieces.is_empty() {
            Ok(())
        } else {
            Err(TRUNCATED)
        }
    }

    /// Drops what is held.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.limit);
    }

    /// Returns the prelude of the next message, which stays where it is.
    fn peek(&mut self) -> Option<[u8; Prelude::LENGTH]> {
        let front = self.pieces.front().filter(|_| self.begun.is_empty());
        if let Some(prelude) = front.and_then(|front| front.first_chunk()) {
            return Some(*prelude);
        }
        self.gather(Prelude::LENGTH);
        self.begun.first_chunk().copied()
    }

    /// Takes the next octets, if there are so many.
    fn take(&mut self, length: usize) -> Option<Bytes> {
        if self.begun.is_empty()
            && let Some(front) = self.pieces.front_mut()
            && front.len() >= length
        {
            let taken = front.split_to(length);
            self.drop_empty();
            return Some(taken);
        }
        self.gather(length);
        (self.begun.len() == length).then(|| std::mem::take(&mut self.begun).into())
    }

    /// Copies out of the pieces until there are so many octets, or no pieces are left.
    fn gather(&mut self, length: usize) {
        while let Some(front) = self.pieces.front_mut() {
            let held = self.begun.len();
            let now = front.len().min(length.saturating_sub(held));
            if now == 0 {
                break;
            }
            if self.begun.capacity() - held < now {
                // As a vector grows by itself, but never beyond the message.
                let capacity = (held * 2).max(held + now).min(length);
                self.begun.reserve_exact(capacity - held);
            }
            self.begun.extend_from_slice(&front[..now]);
            front.advance(now);
            self.drop_empty();
        }
    }

    fn drop_empty(&mut self) {
        if self.pieces.front().is_some_and(Bytes::is_empty) {
            self.pieces.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventErrorKind;
    use crate::stream::event::frame;

    #[test]
    fn does_not_copy_what_lies_in_one_piece() {
        let message = frame::write(&[], b"payload");
        let piece = Bytes::from([&message[..], &message, &message].concat());
        let mut assembler = Assembler::new(frame::MAX_MESSAGE);
        assembler.push(piece.clone());
        for at in [0, message.len(), 2 * message.len()] {
            let found = assembler.next().unwrap().unwrap().into_bytes();
            assert_eq!(found, message);
            assert_eq!(found.as_ptr(), piece[at..].as_ptr());
        }
        assert!(assembler.next().unwrap().is_none());
        assembler.finish().unwrap();
    }

    #[test]
    fn holds_no_more_than_the_message() {
        let message = frame::write(&[], &[7; 1_000]);
        let mut assembler = Assembler::new(message.len());
        for piece in message.chunks(13) {
            assembler.push(Bytes::copy_from_slice(piece));
            let Some(found) = assembler.next().unwrap() else {
                assert!(assembler.begun.capacity() <= message.len());
                assert!(assembler.pieces.is_empty());
                continue;
            };
            assert_eq!(found.into_bytes(), message);
        }
        assembler.finish().unwrap();
        assert_eq!(assembler.begun.capacity(), 0);
    }

    #[test]
    fn holds_nothing_of_a_message_beyond_the_limit() {
        let message = frame::write(&[], &[7; 1_000]);
        let mut assembler = Assembler::new(message.len() - 1);
        assembler.push(message.slice(..11));
        assert!(assembler.next().unwrap().is_none());
        assembler.push(message.slice(11..12));
        let error = assembler.next().err().unwrap();
        assert_eq!(error.kind(), EventErrorKind::TooLarge);
        assert!(assembler.begun.capacity() <= Prelude::LENGTH);
    }
}
