//! A body that is read to its end and hashed before its request is sent.

use std::collections::VecDeque;

use bytes::Bytes;
use bytes::BytesMut;
use sha2::Digest;
use sha2::Sha256;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::payload::Payload;

/// Takes a body piece by piece, hashes it on the way, and keeps the pieces.
///
/// Pieces are kept as they are and not copied together. Only small ones are gathered, so that a
/// body that comes byte by byte takes no more memory than its limit allows.
#[derive(Debug)]
pub struct BodyHolder {
    pieces: VecDeque<Bytes>,
    small: BytesMut,
    length: u64,
    limit: u64,
    hash: Sha256,
}

/// The size from which a piece is worth keeping by itself.
const SMALL: usize = 4096;

impl BodyHolder {
    /// Begins a body of at most so many bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            pieces: VecDeque::new(),
            small: BytesMut::new(),
            length: 0,
            limit,
            hash: Sha256::new(),
        }
    }

    /// Takes note of a length that is known before the first piece.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BodyTooLarge`] when a body of at least so many bytes is longer than the limit.
    pub fn expect_at_least(&self, length: u64) -> Result<(), Error> {
        if length > self.limit {
            Err(too_large(self.limit))
        } else {
            Ok(())
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BodyTooLarge`] when the body is longer than the limit.
    pub fn push(&mut self, piece: Bytes) -> Result<(), Error> {
        self.length = self.length.saturating_add(piece.len() as u64);
        if self.length > self.limit {
            return Err(too_large(self.limit));
        }
        self.hash.update(&piece);
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
        Ok(())
    }

    /// Ends the body.
    #[must_use]
    pub fn finish(mut self) -> HeldBody {
        self.flush();
        let payload = Payload::Sha256(self.hash.finalize().into());
        HeldBody {
            pieces: self.pieces,
            length: self.length,
            payload,
        }
    }

    fn flush(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push_back(self.small.split().freeze());
        }
    }
}

/// A whole body, its length and its hash.
#[derive(Debug)]
pub struct HeldBody {
    pieces: VecDeque<Bytes>,
    length: u64,
    payload: Payload<'static>,
}

impl HeldBody {
    /// Returns the number of bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Returns what is to be signed of it.
    #[must_use]
    pub const fn payload(&self) -> Payload<'static> {
        self.payload
    }

    /// Returns the pieces, in order; none of them is empty.
    #[must_use]
    pub fn into_pieces(self) -> VecDeque<Bytes> {
        self.pieces
    }

    /// Returns the body as one piece, copied together if it was not one already.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        if self.pieces.len() == 1 {
            return self.pieces.pop_front().unwrap_or_default();
        }
        self.pieces
            .iter()
            .fold(BytesMut::new(), |mut whole, piece| {
                whole.extend_from_slice(piece);
                whole
            })
            .freeze()
    }
}

fn too_large(limit: u64) -> Error {
    Error::with_message(
        ErrorKind::BodyTooLarge,
        format!(
            "the body is longer than the {limit} bytes that are held to be hashed; \
             raise the limit, or send it unsigned where the service allows that"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_it_is_given() {
        for size in [1, 100, SMALL - 1, SMALL, SMALL + 1, 70_000] {
            let whole: Vec<u8> = (0..=255).cycle().take(70_000).collect();
            let mut holder = BodyHolder::new(70_000);
            for piece in whole.chunks(size) {
                holder.push(Bytes::copy_from_slice(piece)).unwrap();
            }
            let body = holder.finish();
            assert_eq!(body.length(), 70_000);
            let Payload::Sha256(hash) = body.payload() else {
                panic!("a hash")
            };
            assert_eq!(hash[..], Sha256::digest(&whole)[..]);
            assert!(
                body.pieces.len() <= 70_000 / SMALL.min(size.max(SMALL)) + 2,
                "{size}"
            );
            assert_eq!(body.into_bytes(), whole, "pieces of {size}");
        }
    }

    #[test]
    fn passes_large_pieces_on_without_copying_them() {
        let piece = Bytes::from(vec![7; SMALL]);
        let mut holder = BodyHolder::new(u64::MAX);
        holder.push(piece.clone()).unwrap();
        holder.push(piece.clone()).unwrap();
        let pieces = holder.finish().into_pieces();
        assert_eq!(pieces.len(), 2);
        assert!(pieces.iter().all(|kept| kept.as_ptr() == piece.as_ptr()));
    }

    #[test]
    fn refuses_one_byte_beyond_the_limit() {
        let mut holder = BodyHolder::new(10);
        holder.push(Bytes::from_static(b"0123456789")).unwrap();
        let error = holder.push(Bytes::from_static(b"x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BodyTooLarge);
        assert!(error.to_string().contains("10 bytes"));
    }
}
