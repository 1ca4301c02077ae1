//! The pieces of a body that is kept for a while.

#![cfg_attr(
    not(feature = "runtime"),
    expect(unreachable_pub, reason = "the adapters reach it through the runtime")
)]

use std::collections::VecDeque;

use bytes::Bytes;
use bytes::BytesMut;

/// Pieces of a body, kept as they are and not copied together.
///
/// Only small ones are gathered, so that a body that comes byte by byte takes no more memory than
/// it has bytes.
#[derive(Debug, Default)]
pub struct Pieces {
    pieces: VecDeque<Bytes>,
    small: BytesMut,
}

impl Pieces {
    /// Begins with none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next piece.
    pub fn push(&mut self, piece: Bytes) {
        if piece.len() >= SMALL || (self.pieces.is_empty() && self.small.is_empty()) {
            self.flush();
            if !piece.is_empty() {
                self.pieces.push_back(piece);
            }
        } else {
            self.small.extend_from_slice(&piece);
            if self.small.len() >= SMALL {
                self.flush();
            }
        }
    }

    /// Returns them in order; none of them is empty.
    #[must_use]
    pub fn finish(mut self) -> VecDeque<Bytes> {
        self.flush();
        self.pieces
    }

    /// Takes the next bytes out of the first piece, at most as many as said.
    pub(crate) fn take(&mut self, at_most: usize) -> Option<Bytes> {
        if at_most == 0 {
            return None;
        }
        if self.pieces.is_empty() {
            self.flush();
        }
        match self.pieces.front_mut() {
            Some(first) if first.len() > at_most => Some(first.split_to(at_most)),
            _ => self.pieces.pop_front(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.small.is_empty()
    }

    fn flush(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push_back(self.small.split().freeze());
        }
    }
}

/// The size from which a piece is worth keeping by itself.
pub(crate) const SMALL: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_it_was_given_in_any_measure() {
        let whole: Vec<u8> = (0..=250).cycle().take(30_000).collect();
        for size in [1, 100, SMALL, 30_000] {
            for measure in [1, 7, SMALL, 30_000] {
                let mut pieces = Pieces::new();
                for piece in whole.chunks(size) {
                    pieces.push(Bytes::copy_from_slice(piece));
                }
                let mut taken = Vec::new();
                while let Some(piece) = pieces.take(measure) {
                    assert!(!piece.is_empty() && piece.len() <= measure);
                    taken.extend_from_slice(&piece);
                }
                assert!(pieces.is_empty());
                assert_eq!(taken, whole, "pieces of {size}, taken by {measure}");
            }
        }
        assert_eq!(Pieces::new().take(1), None);
    }
}
