//! Uploads of what has no known length: each part is held in memory until S3 has it.

use std::convert::Infallible;
use std::future::Future;
use std::num::NonZeroU16;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use sha2::Digest;
use sha2::Sha256;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;
use tokio::task::spawn_blocking;

use crate::checksum::Crc64;
use crate::client::Content;
use crate::client::Receipt;
use crate::client::Stored;
use crate::error::Error;
use crate::plan::MAX_PARTS;
use crate::plan::Size;
use crate::progress::Sending;
use crate::source::PIECE;
use crate::upload::Uploaded;
use crate::upload::Uploader;
use crate::upload::check;

impl Uploader {
    /// Uploads what can be read from somewhere, until it ends or until `stop` is ready. As many
    /// parts as are sent at the same time are in memory, and no more.
    ///
    /// It cannot go on in another run, since nobody can read it again: where it fails, the upload
    /// is aborted.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn stream(
        &self,
        input: impl AsyncRead + Unpin,
        stop: impl Future<Output = ()>,
    ) -> Result<Uploaded, Error> {
        let mut input = Input {
            input,
            buffer: Vec::new(),
            size: usize::try_from(self.options.part_size).unwrap_or(usize::MAX),
            is_at_end: false,
        };
        let mut stop = std::pin::pin!(stop);
        let first = tokio::select! {
            first = input.part() => first?,
            () = &mut stop => return Err(Error::Interrupted),
        };
        // Only a look behind a full part tells whether it is the last.
        if first.len() == input.size {
            tokio::select! {
                at_end = input.look_ahead() => at_end?,
                () = &mut stop => return Err(Error::Interrupted),
            }
        }
        if input.is_at_end {
            let uploaded = tokio::select! {
                uploaded = self.bytes_in_one_piece(first) => uploaded,
                () = &mut stop => Err(Error::Interrupted),
            };
            self.progress.finish();
            return uploaded;
        }
        let attempt = || self.client.create_multipart_upload();
        let id = self
            .answered("the beginning of the upload", attempt)
            .await?;
        let result = tokio::select! {
            result = self.parts_of(&id, first, &mut input) => result,
            () = &mut stop => Err(Error::Interrupted),
        };
        self.progress.finish();
        if result.is_err() {
            self.abort_unknown(&id).await;
        }
        result
    }

    async fn bytes_in_one_piece(&self, bytes: Bytes) -> Result<Uploaded, Error> {
        let held = Held::new(bytes).await?;
        let attempt = || self.send_held(&held, |content| self.client.put_object(content));
        self.retried("the object", attempt).await?;
        Ok(Uploaded {
            length: held.bytes.len() as u64,
            checksum: held.checksum,
            parts: None,
        })
    }

    /// Uploads one part after the other as they are read.
    async fn parts_of<R: AsyncRead + Unpin>(
        &self,
        id: &str,
        first: Bytes,
        input: &mut Input<R>,
    ) -> Result<Uploaded, Error> {
        let mut stored: Vec<Stored> = Vec::new();
        let mut sending = JoinSet::new();
        let mut number = NonZeroU16::MIN;
        sending.spawn(self.clone().bytes_part(id.to_owned(), number, first));
        loop {
            let may_read = sending.len() < self.options.parallel.max(1) && !input.is_at_end;
            tokio::select! {
                Some(sent) = sending.join_next() => {
                    stored.push(sent.unwrap_or(Err(Error::Interrupted))?);
                }
                bytes = input.part(), if may_read => {
                    let bytes = bytes?;
                    if bytes.is_empty() {
                        continue;
                    }
                    number = number.saturating_add(1);
                    if u64::from(number.get()) > MAX_PARTS {
                        return Err(Error::usage(format!(
                            "there is more to read than 10,000 parts of {} can hold: \
                             set a greater --part-size",
                            Size(self.options.part_size)
                        )));
                    }
                    sending.spawn(self.clone().bytes_part(id.to_owned(), number, bytes));
                }
                else => break,
            }
        }
        stored.sort_by_key(|part| part.number);
        let checksum = self.complete(id, &stored).await?;
        Ok(Uploaded {
            length: stored.iter().map(|part| part.length).sum(),
            checksum,
            parts: Some(number.get()),
        })
    }

    async fn bytes_part(
        self,
        id: String,
        number: NonZeroU16,
        bytes: Bytes,
    ) -> Result<Stored, Error> {
        let number = number.get();
        let held = Held::new(bytes).await?;
        let attempt = || {
            self.send_held(&held, |content| {
                self.client.upload_part(&id, number, content)
            })
        };
        let receipt = self.retried(&format!("part {number}"), attempt).await?;
        Ok(Stored {
            number,
            tag: receipt.tag,
            checksum: held.checksum,
            length: held.bytes.len() as u64,
        })
    }

    /// Sends what is held in memory once.
    async fn send_held<F>(
        &self,
        held: &Held,
        call: impl FnOnce(Content) -> F,
    ) -> Result<Receipt, Error>
    where
        F: Future<Output = Result<Receipt, Error>>,
    {
        let attempt = self.progress.begin();
        let content = Content::Hashed {
            body: reqwest::Body::wrap(Pieces {
                left: held.bytes.clone(),
                sending: attempt.sending(),
            }),
            sha256: held.sha256,
            checksum: held.checksum,
        };
        let receipt = self.watched(&attempt, call(content)).await?;
        check(&receipt, held.checksum)?;
        attempt.acknowledge();
        Ok(receipt)
    }
}

/// A part that is held in memory.
struct Held {
    bytes: Bytes,
    sha256: [u8; 32],
    checksum: Crc64,
}

impl Held {
    async fn new(bytes: Bytes) -> Result<Self, Error> {
        let computed = spawn_blocking(move || Self {
            sha256: Sha256::digest(&bytes).into(),
            checksum: Crc64::of(&bytes),
            bytes,
        });
        computed.await.map_err(|_| Error::Interrupted)
    }
}

/// It as a body, which tells how much of it has gone.
struct Pieces {
    left: Bytes,
    sending: Sending,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.left.len().min(PIECE);
        let piece = self.left.split_to(length);
        self.sending.add(length as u64);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

/// What is read in parts.
struct Input<R> {
    input: R,
    buffer: Vec<u8>,
    size: usize,
    is_at_end: bool,
}

impl<R: AsyncRead + Unpin> Input<R> {
    /// Reads a part, which is as long as parts are, unless the input ends. What was read stays in
    /// the buffer where the future is dropped.
    async fn part(&mut self) -> Result<Bytes, Error> {
        self.fill(self.size).await?;
        Ok(std::mem::take(&mut self.buffer).into())
    }

    /// Finds out whether there is more.
    async fn look_ahead(&mut self) -> Result<(), Error> {
        self.fill(1).await
    }

    async fn fill(&mut self, length: usize) -> Result<(), Error> {
        if self.buffer.capacity() < length {
            self.buffer.reserve_exact(length - self.buffer.len());
        }
        while !self.is_at_end && self.buffer.len() < length {
            let left = (length - self.buffer.len()) as u64;
            let read = (&mut self.input)
                .take(left)
                .read_buf(&mut self.buffer)
                .await;
            let read = read.map_err(Error::io("read standard input"))?;
            self.is_at_end = read == 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_are_full_but_for_the_last() {
        for (length, expected) in [
            (0, vec![0]),
            (1, vec![1]),
            (9, vec![9]),
            (10, vec![10, 0]),
            (11, vec![10, 1]),
            (30, vec![10, 10, 10, 0]),
        ] {
            let data = vec![7; length];
            // Pieces that fit to nothing.
            let input = (&data[..length / 3]).chain(&data[length / 3..]);
            let mut input = Input {
                input,
                buffer: Vec::new(),
                size: 10,
                is_at_end: false,
            };
            let mut parts = Vec::new();
            while !input.is_at_end {
                parts.push(input.part().await.unwrap().len());
            }
            assert_eq!(parts, expected, "{length}");
        }
    }
}
