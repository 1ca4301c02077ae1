//! What the tests of bodies in `aws-chunked` have in common.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::SizeHint;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::ChunkedBodies;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningRules;
use sigv4_tests::aws_chunked;
use sigv4_tests::aws_chunked::Decoded;
use sigv4_tests::oracle::Verified;
use sigv4_tests::patience::soon;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use tokio::sync::oneshot;

use crate::shared::body::Pieces;

/// The least that S3 takes.
pub(crate) const CHUNK: usize = CHUNK_SIZE as usize;
const CHUNK_SIZE: u32 = 8192;

/// One of each kind, with chunks as small as possible, and what announces it.
pub(crate) const KINDS: [(AwsChunked, &str, Option<&str>); 3] = [
    (
        AwsChunked::signed(),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        None,
    ),
    (
        AwsChunked::signed().trailer(Checksum::Crc32c),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        Some("x-amz-checksum-crc32c"),
    ),
    (
        AwsChunked::unsigned(Checksum::Crc64Nvme),
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        Some("x-amz-checksum-crc64nvme"),
    ),
];

/// Chunks as small as S3 takes them.
pub(crate) fn small(encoding: AwsChunked) -> PayloadMode {
    PayloadMode::AwsChunked(encoding.chunk_size(CHUNK_SIZE).unwrap())
}

pub(crate) fn signed() -> PayloadMode {
    small(AwsChunked::signed())
}

/// Data in which no two chunks are alike.
pub(crate) fn data(length: usize) -> Bytes {
    let octet = |at: usize| (at ^ (at >> 8) ^ (at >> 13)).to_le_bytes()[0];
    (0..length).map(octet).collect()
}

/// Data in pieces that go across the chunks.
pub(crate) fn pieces(data: &Bytes) -> Pieces {
    Pieces::of(data.chunks(5001).map(Bytes::copy_from_slice))
}

/// A signer for a service that takes whatever comes in chunks.
pub(crate) fn lenient(service: &str) -> Signer {
    let rules = SigningRules::for_service(service).chunked_bodies(ChunkedBodies::Any);
    let signer = Signer::builder(service, "us-east-1").rules(rules);
    signer.build().unwrap()
}

/// Has a request judged as it arrived: its head, each chunk, and the trailer.
#[track_caller]
pub(crate) fn judged(request: &WireRequest) -> (Verified, Decoded) {
    assert!(request.is_whole());
    assert!(request.trailer_lines().is_empty());
    aws_chunked::verify(&request.head(), request.body(), secrets::SECRET_ACCESS_KEY).unwrap()
}

/// A body of known length that counts what was taken from it, and tells when it is dropped.
#[derive(Debug)]
pub(crate) struct Watched {
    left: usize,
    piece: usize,
    taken: Arc<AtomicUsize>,
    hangs: bool,
    _alive: oneshot::Sender<()>,
}

/// What is to be seen of a body from outside.
#[derive(Debug)]
pub(crate) struct Watch {
    taken: Arc<AtomicUsize>,
    dropped: oneshot::Receiver<()>,
}

impl Watched {
    pub(crate) fn new(length: usize, piece: usize) -> (Self, Watch) {
        let (alive, dropped) = oneshot::channel();
        let taken = Arc::default();
        let body = Self {
            left: length,
            piece,
            taken: Arc::clone(&taken),
            hangs: false,
            _alive: alive,
        };
        (body, Watch { taken, dropped })
    }

    /// Has it never give its last piece.
    pub(crate) fn hanging(mut self) -> Self {
        self.hangs = true;
        self
    }
}

impl Watch {
    /// Returns how many octets were taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    /// Waits until the body has been dropped.
    pub(crate) async fn dropped(self) {
        soon("the body is dropped", self.dropped).await.unwrap_err();
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let length = self.piece.min(self.left);
        if length == 0 {
            return Poll::Ready(None);
        }
        if self.hangs && length == self.left {
            return Poll::Pending;
        }
        self.left -= length;
        self.taken.fetch_add(length, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(vec![b'a'; length].into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}
