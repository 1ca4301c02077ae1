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

    fn flush(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push_back(self.small.split().freeze());
        }
    }
}

/// The size from which a piece is worth keeping by itself.
pub(crate) const SMALL: usize = 4096;
