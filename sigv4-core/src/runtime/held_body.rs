//! A body that is read to its end and hashed before its request is sent.

use std::collections::VecDeque;

use bytes::Bytes;
use bytes::BytesMut;
use sha2::Digest;
use sha2::Sha256;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::payload::Payload;
use crate::pieces::Pieces;
use crate::runtime::framing;

/// Takes a body piece by piece, hashes it on the way, and keeps the [pieces](Pieces).
#[derive(Debug)]
pub struct BodyHolder {
    pieces: Pieces,
    length: u64,
    limit: u64,
    declared: Option<u64>,
    hash: Sha256,
    expected: Option<[u8; 32]>,
}

impl BodyHolder {
    /// Begins a body of at most `limit` bytes, that has `declared` bytes if it says how many.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BodyTooLarge`] when the declared length is over the limit.
    pub fn new(limit: u64, declared: Option<u64>) -> Result<Self, Error> {
        let holder = Self {
            pieces: Pieces::new(),
            length: 0,
            limit,
            declared,
            hash: Sha256::new(),
            expected: None,
        };
        holder.expect_at_least(declared.unwrap_or(0))?;
        Ok(holder)
    }

    /// Refuses a body with another hash than this one, if there is one.
    #[must_use]
    pub const fn expecting(mut self, hash: Option<[u8; 32]>) -> Self {
        self.expected = hash;
        self
    }

    /// Takes note of how long the body is at least.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BodyTooLarge`] when that is over the limit.
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
    /// [`ErrorKind::BodyLength`] when the body is longer than it declared,
    /// [`ErrorKind::BodyTooLarge`] when it is longer than the limit.
    pub fn push(&mut self, piece: Bytes) -> Result<(), Error> {
        self.length = self.length.saturating_add(piece.len() as u64);
        if self.declared.is_some_and(|declared| self.length > declared) {
            return Err(framing::length_mismatch());
        }
        if self.length > self.limit {
            return Err(too_large(self.limit));
        }
        self.hash.update(&piece);
        self.pieces.push(piece);
        Ok(())
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BodyLength`] when the body is shorter than it declared,
    /// [`ErrorKind::PayloadHash`] when it has another hash than is [expected](Self::expecting).
    pub fn finish(self) -> Result<HeldBody, Error> {
        framing::agreed_length(self.declared, Some(self.length))?;
        let hash: [u8; 32] = self.hash.finalize().into();
        if self.expected.is_some_and(|expected| expected != hash) {
            return Err(OTHER_HASH);
        }
        Ok(HeldBody {
            pieces: self.pieces.finish(),
            length: self.length,
            payload: Payload::Sha256(hash),
        })
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
        let length = self.pieces.iter().map(Bytes::len).sum();
        let mut whole = BytesMut::with_capacity(length);
        self.pieces
            .iter()
            .for_each(|piece| whole.extend_from_slice(piece));
        whole.freeze()
    }
}

/// Compares the hash of a body that is in memory and returns what is to be signed of it.
///
/// # Errors
///
/// [`ErrorKind::PayloadHash`] when it has another hash.
pub fn check_hash(body: &[u8], expected: [u8; 32]) -> Result<Payload<'static>, Error> {
    if Sha256::digest(body).as_slice() == expected {
        Ok(Payload::Sha256(expected))
    } else {
        Err(OTHER_HASH)
    }
}

const OTHER_HASH: Error = Error::new(
    ErrorKind::PayloadHash,
    "the body has another SHA-256 than was said of it; send it again, or correct the hash",
);

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
    use crate::pieces::SMALL;

    #[test]
    fn keeps_what_it_is_given() {
        for size in [1, 100, SMALL - 1, SMALL, SMALL + 1, 70_000] {
            let whole: Vec<u8> = (0..=255).cycle().take(70_000).collect();
            let mut holder = BodyHolder::new(70_000, Some(70_000)).unwrap();
            for piece in whole.chunks(size) {
                holder.push(Bytes::copy_from_slice(piece)).unwrap();
            }
            let body = holder.finish().unwrap();
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
        let mut holder = BodyHolder::new(u64::MAX, None).unwrap();
        holder.push(piece.clone()).unwrap();
        holder.push(piece.clone()).unwrap();
        let pieces = holder.finish().unwrap().into_pieces();
        assert_eq!(pieces.len(), 2);
        assert!(pieces.iter().all(|kept| kept.as_ptr() == piece.as_ptr()));
    }

    #[test]
    fn refuses_one_byte_beyond_the_limit() {
        let mut holder = BodyHolder::new(10, None).unwrap();
        holder.push(Bytes::from_static(b"0123456789")).unwrap();
        let error = holder.push(Bytes::from_static(b"x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BodyTooLarge);
        assert!(error.to_string().contains("10 bytes"));
        assert_eq!(
            BodyHolder::new(10, Some(11)).unwrap_err().kind(),
            ErrorKind::BodyTooLarge
        );
    }

    #[test]
    fn refuses_a_body_that_is_not_what_it_declared() {
        let mut longer = BodyHolder::new(10, Some(3)).unwrap();
        let error = longer.push(Bytes::from_static(b"four")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BodyLength);
        let mut shorter = BodyHolder::new(10, Some(5)).unwrap();
        shorter.push(Bytes::from_static(b"four")).unwrap();
        assert_eq!(shorter.finish().unwrap_err().kind(), ErrorKind::BodyLength);
    }

    #[test]
    fn refuses_another_hash_than_is_expected() {
        let hash_of = |text: &str| <[u8; 32]>::from(Sha256::digest(text));
        for (text, said, expected) in [
            ("hello", None, Ok(())),
            ("hello", Some("hello"), Ok(())),
            ("", Some(""), Ok(())),
            ("hello", Some("hellp"), Err(ErrorKind::PayloadHash)),
            ("hello", Some(""), Err(ErrorKind::PayloadHash)),
            ("", Some("hello"), Err(ErrorKind::PayloadHash)),
        ] {
            let holder = BodyHolder::new(10, None).unwrap();
            let mut holder = holder.expecting(said.map(hash_of));
            holder.push(Bytes::from(text.to_owned())).unwrap();
            let held = holder.finish().map(drop);
            assert_eq!(
                held.map_err(|error| error.kind()),
                expected,
                "{text} {said:?}"
            );
        }
    }
}
