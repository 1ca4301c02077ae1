//! Where an upload comes from.

use std::io;
use std::io::Write;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::combinators::BoxBody;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::SizeHint;
use tokio::fs::File;
use tokio::io::AsyncRead;
use tokio::io::ReadBuf;

/// The kinds of bodies that programs have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// It is in memory.
    Memory,
    /// It comes in pieces of odd sizes and does not say how long it is.
    Pieces,
    /// It is read from a file.
    File,
}

pub(crate) const SOURCES: [Source; 3] = [Source::Memory, Source::Pieces, Source::File];

impl Source {
    pub(crate) fn body(self, data: &Bytes) -> BoxBody<Bytes, io::Error> {
        match self {
            Self::Memory => {
                let body = Full::new(data.clone());
                body.map_err(|never| match never {}).boxed()
            }
            Self::Pieces => OddPieces::of(data.clone()).boxed(),
            Self::File => FileBody::of(data).boxed(),
        }
    }

    /// Tells whether the length has to be declared.
    pub(crate) fn is_silent(self) -> bool {
        matches!(self, Self::Pieces)
    }
}

/// Data that does not say how long it is.
struct OddPieces {
    rest: Bytes,
    sizes: std::iter::Cycle<std::array::IntoIter<usize, 7>>,
}

impl OddPieces {
    fn of(rest: Bytes) -> Self {
        let sizes = [1, 4095, 70_001, 8191, 3, 16_384, 997].into_iter().cycle();
        Self { rest, sizes }
    }
}

impl Body for OddPieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let size = self.sizes.next().unwrap().min(self.rest.len());
        let piece = self.rest.split_to(size);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

/// A file that is read while it is sent.
struct FileBody {
    file: File,
    left: u64,
}

impl FileBody {
    fn of(data: &Bytes) -> Self {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(data).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        Self {
            file: File::from_std(file),
            left: data.len() as u64,
        }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let mut buffer = vec![0; 10_000];
        let mut read = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut self.file).poll_read(cx, &mut read))?;
        let length = read.filled().len();
        if length == 0 {
            return Poll::Ready(None);
        }
        self.left -= length as u64;
        buffer.truncate(length);
        Poll::Ready(Some(Ok(Frame::data(buffer.into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
