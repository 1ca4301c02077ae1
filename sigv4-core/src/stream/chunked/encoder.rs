//! The encoder: data in, what goes over the wire out, one chunk at a time.

use std::collections::VecDeque;
use std::fmt;
use std::mem;

use bytes::Bytes;
use http::HeaderMap;
use sha2::Digest;
use sha2::Sha256;

use crate::body::length_mismatch;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::pieces::Pieces;
use crate::stream::chunked::CRLF;
use crate::stream::chunked::SIGNATURE_EXTENSION;
use crate::stream::chunked::SIGNATURE_TRAILER;
use crate::stream::chunked::checksum::ChecksumHasher;
use crate::stream::chunked::config::AwsChunked;
use crate::stream::chunked::signer::ChunkSigner;

/// Encodes a body as `aws-chunked`. It does no I/O: data is [pushed](Self::push) into it, and what
/// is to be sent is [pulled](Self::pull) out.
///
/// It keeps one chunk, since the signature of a chunk goes before its data. Data is not copied but
/// passed on as the same [`Bytes`], except for pieces of less than 4 KiB, which are gathered. A
/// large piece is worked off one chunk with each pull.
///
/// Where the length was declared, it has to be that: the chunk that completes it is held back until
/// [`finish`](Self::finish), so that a server gets a complete body only if it was the declared one.
///
/// ```
/// # #[cfg(feature = "checksums")]
/// # {
/// use sigv4_core::{AwsChunked, Checksum, ChunkEncoder};
///
/// let chunked = AwsChunked::unsigned(Checksum::Crc32);
/// let mut encoder = ChunkEncoder::new(chunked, None, Some(9))?;
/// assert_eq!(encoder.remaining_length(), Some(50));
///
/// let mut sent = Vec::new();
/// for piece in ["1234", "56789"] {
///     encoder.push(piece.into())?;
///     while let Some(bytes) = encoder.pull()? {
///         sent.extend_from_slice(&bytes);
///     }
/// }
/// encoder.finish()?;
/// while let Some(bytes) = encoder.pull()? {
///     sent.extend_from_slice(&bytes);
/// }
/// assert_eq!(sent, b"9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n");
/// # }
/// # Ok::<(), sigv4_core::Error>(())
/// ```
pub struct ChunkEncoder {
    config: AwsChunked,
    signer: Option<ChunkSigner>,
    checksum: Option<ChecksumHasher>,
    /// What is still missing of the declared length, if there is one.
    missing: Option<u64>,
    /// What has not been given out of the encoded length, where that is known.
    remaining: Option<u64>,
    /// Data that no chunk has taken yet.
    waiting: Pieces,
    chunk: Chunk,
    /// The pieces that are next.
    ready: VecDeque<Bytes>,
    /// Whether the line of data that was last is still to be ended.
    owes_line_end: bool,
    state: State,
}

/// A chunk that is being gathered.
#[derive(Default)]
struct Chunk {
    pieces: Pieces,
    length: usize,
    hash: Sha256,
}

enum State {
    Open,
    /// All data is there.
    Finished,
    /// All is encoded.
    Ended,
    Failed(Error),
}

impl ChunkEncoder {
    /// Begins a body of `decoded_length` bytes before the encoding; `None` where that is not known.
    ///
    /// The signer is for signed chunks, and only for those.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`] when a signer is missing or is too much, [`ErrorKind::BodyLength`]
    /// when the encoded length is more than a number of 64 bits can say.
    pub fn new(
        config: AwsChunked,
        signer: Option<ChunkSigner>,
        decoded_length: Option<u64>,
    ) -> Result<Self, Error> {
        if config.is_signed() != signer.is_some() {
            return Err(WRONG_SIGNER);
        }
        let signature_length = signer.as_ref().map_or(0, ChunkSigner::signature_length);
        let encoded_length = decoded_length
            .map(|decoded| {
                config
                    .encoded_length_by(decoded, signature_length)
                    .ok_or(TOO_LONG)
            })
            .transpose()?;
        Ok(Self {
            config,
            signer,
            checksum: config.checksum().map(|checksum| checksum.hasher()),
            missing: decoded_length,
            remaining: encoded_length,
            waiting: Pieces::new(),
            chunk: Chunk::default(),
            ready: VecDeque::new(),
            owes_line_end: false,
            state: State::Open,
        })
    }

    /// Takes the next data. Pull what there is before the next push; otherwise it is kept.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BodyLength`] when it is more than was declared, or comes after the end.
    /// Nothing more is given out after an error.
    pub fn push(&mut self, data: Bytes) -> Result<(), Error> {
        if let State::Failed(error) = &self.state {
            return Err(error.clone());
        }
        if data.is_empty() {
            return Ok(());
        }
        if !matches!(self.state, State::Open) {
            return Err(self.fail(length_mismatch()));
        }
        if let Some(missing) = &mut self.missing {
            match missing.checked_sub(data.len() as u64) {
                Some(left) => *missing = left,
                None => return Err(self.fail(length_mismatch())),
            }
        }
        self.waiting.push(data);
        Ok(())
    }

    /// Ends the data.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BodyLength`] when it is less than was declared. Nothing more is given out
    /// after an error.
    pub fn finish(&mut self) -> Result<(), Error> {
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            State::Open if self.missing.is_some_and(|missing| missing > 0) => {
                Err(self.fail(length_mismatch()))
            }
            State::Open => {
                self.state = State::Finished;
                Ok(())
            }
            State::Finished | State::Ended => Ok(()),
        }
    }

    /// Returns the next piece to be sent, never an empty one. `None` when that needs more data; or
    /// when there is nothing more to come, which [`is_ended`](Self::is_ended) tells.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BodyLength`] when the encoder has failed with it before, and what
    /// [`ChunkSigner::sign_chunk`] fails with.
    pub fn pull(&mut self) -> Result<Option<Bytes>, Error> {
        if self.ready.is_empty() {
            self.encode_next()?;
        }
        let piece = self.ready.pop_front();
        if let (Some(piece), Some(remaining)) = (&piece, &mut self.remaining) {
            *remaining -= piece.len() as u64;
        }
        Ok(piece)
    }

    /// Tells whether everything has been given out.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended) && self.ready.is_empty()
    }

    /// Returns how many bytes there are still to be pulled, where the length was declared. In the
    /// beginning that is the length of the encoded body.
    #[must_use]
    pub const fn remaining_length(&self) -> Option<u64> {
        self.remaining
    }

    /// Encodes at most one chunk.
    fn encode_next(&mut self) -> Result<(), Error> {
        if let State::Failed(error) = &self.state {
            return Err(error.clone());
        }
        self.fill_chunk();
        let encoded = match self.state {
            State::Open if self.is_full() && !self.is_complete() => self.encode_chunk(),
            State::Finished if self.chunk.length > 0 => self.encode_chunk(),
            State::Finished => self.encode_end(),
            _ => Ok(()),
        };
        encoded.map_err(|error| self.fail(error))
    }

    fn fill_chunk(&mut self) {
        let size = self.config.bytes_per_chunk();
        while let Some(piece) = self.waiting.take(size - self.chunk.length) {
            if self.signer.is_some() {
                self.chunk.hash.update(&piece);
            }
            if let Some(checksum) = &mut self.checksum {
                checksum.update(&piece);
            }
            self.chunk.length += piece.len();
            self.chunk.pieces.push(piece);
        }
    }

    fn is_full(&self) -> bool {
        self.chunk.length == self.config.bytes_per_chunk()
    }

    /// Tells whether the chunk completes the declared length.
    fn is_complete(&self) -> bool {
        self.missing == Some(0) && self.waiting.is_empty()
    }

    fn encode_chunk(&mut self) -> Result<(), Error> {
        let chunk = mem::take(&mut self.chunk);
        let head = self.head(chunk.length, chunk.hash)?;
        self.ready = chunk.pieces.finish();
        self.ready.push_front(head.into());
        self.owes_line_end = true;
        Ok(())
    }

    /// Encodes the empty chunk that is the last, and the trailers.
    fn encode_end(&mut self) -> Result<(), Error> {
        let mut end = self.head(0, Sha256::new())?;
        if let Some(checksum) = self.checksum.take() {
            let (name, value) = checksum.finish();
            let name_text = name.as_str().as_bytes();
            for part in [name_text, b":", value.as_bytes(), CRLF.as_bytes()] {
                end.extend_from_slice(part);
            }
            if let Some(signer) = &mut self.signer {
                let signature = signer.sign_trailers(&HeaderMap::from_iter([(name, value)]))?;
                end.extend_from_slice(SIGNATURE_TRAILER.as_bytes());
                end.push(b':');
                signature.write_padded(signer.signature_length(), &mut end);
                end.extend_from_slice(CRLF.as_bytes());
            }
        }
        end.extend_from_slice(CRLF.as_bytes());
        self.ready.push_back(end.into());
        self.state = State::Ended;
        Ok(())
    }

    /// Returns the line before the data of a chunk, behind the end of the line before.
    fn head(&mut self, length: usize, hash: Sha256) -> Result<Vec<u8>, Error> {
        let mut head = Vec::with_capacity(HEAD_CAPACITY);
        if mem::take(&mut self.owes_line_end) {
            head.extend_from_slice(CRLF.as_bytes());
        }
        head.extend_from_slice(format!("{length:x}").as_bytes());
        if let Some(signer) = &mut self.signer {
            let signature = signer.sign_chunk(&hash.finalize().into())?;
            head.extend_from_slice(SIGNATURE_EXTENSION.as_bytes());
            signature.write_padded(signer.signature_length(), &mut head);
        }
        head.extend_from_slice(CRLF.as_bytes());
        Ok(head)
    }

    /// Drops what has not been given out.
    fn fail(&mut self, error: Error) -> Error {
        self.waiting = Pieces::new();
        self.chunk = Chunk::default();
        self.ready = VecDeque::new();
        self.state = State::Failed(error.clone());
        error
    }
}

impl fmt::Debug for ChunkEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkEncoder")
            .field("config", &self.config)
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}

/// Enough for a size and the longest signature.
const HEAD_CAPACITY: usize = 176;

const WRONG_SIGNER: Error = Error::new(
    ErrorKind::Payload,
    "signed chunks need a signer for them, and others have none; give it where chunks are signed",
);
const TOO_LONG: Error = Error::new(
    ErrorKind::BodyLength,
    "the body is too long for its encoded length to be said; leave the length out",
);
