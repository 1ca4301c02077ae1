//! What bodies in `aws-chunked` do not do: copy, take more memory than a chunk, ask for more than
//! they need, or complete a body of another length than was declared.

use std::future::poll_fn;
use std::ops::Range;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::Body;
use hyper::body::Frame;
use sigv4_core::AwsChunked;
use sigv4_core::AwsChunkedBody;
use sigv4_core::Checksum;
use sigv4_core::ChunkEncoder;
use sigv4_core::Error;
use sigv4_core::ErrorKind;

use crate::aws_chunked::SEED;
use crate::aws_chunked::encoder;
use crate::aws_chunked::judge;
use crate::aws_chunked::pull_all;
use crate::aws_chunked::signer;

const KIB: usize = 1024;

fn configs() -> [AwsChunked; 3] {
    [
        AwsChunked::signed(),
        AwsChunked::signed().trailer(Checksum::Crc32c),
        AwsChunked::unsigned(Checksum::Sha1),
    ]
}

#[test]
fn large_pieces_are_not_copied() {
    for framing in [usize::MAX, 64 * KIB, 50_000, 4096] {
        let data = Bytes::from(vec![7; 1_000_000]);
        let place = data.as_ptr() as usize;
        let mut encoder = encoder(AwsChunked::signed(), Some(1_000_000));
        let (mut rest, mut sent) = (data.clone(), Vec::new());
        while !rest.is_empty() {
            encoder
                .push(rest.split_to(framing.min(rest.len())))
                .unwrap();
            sent.extend(pull_all(&mut encoder).unwrap());
        }
        encoder.finish().unwrap();
        sent.extend(pull_all(&mut encoder).unwrap());
        let is_data =
            |piece: &&Bytes| (place..place + data.len()).contains(&(piece.as_ptr() as usize));
        let same: usize = sent.iter().filter(is_data).map(Bytes::len).sum();
        // Where a piece goes over the end of a chunk, less than 4 KiB of it may be copied.
        let copied = data.len() - same;
        match framing {
            50_000 => assert!(copied <= 2 * 15 * 4095, "{copied} bytes"),
            // The piece that is left over at the end.
            4096 => assert_eq!(copied, 1_000_000 % 4096),
            _ => assert_eq!(copied, 0, "in pieces of {framing}"),
        }
        let data = sent.iter().filter(is_data).map(Bytes::len);
        assert!(data.into_iter().all(|length| length <= 64 * KIB));
        if framing == usize::MAX {
            // A head and the data for each of 16 chunks, and the end.
            assert_eq!(sent.len(), 33);
        }
    }
}

/// Data whose owners are counted.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

fn counted(data: Vec<u8>, count: &Arc<AtomicUsize>) -> Bytes {
    count.fetch_add(1, Ordering::Relaxed);
    Bytes::from_owner(Counted(data, Arc::clone(count)))
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_body_that_comes_byte_by_byte_takes_no_more_than_its_bytes() {
    for pulls in [true, false] {
        let held = Arc::new(AtomicUsize::new(0));
        let mut encoder = encoder(AwsChunked::signed(), None);
        let mut sent = Vec::new();
        for _ in 0..150_000 {
            encoder.push(counted(vec![7], &held)).unwrap();
            if pulls {
                sent.extend(pull_all(&mut encoder).unwrap());
                let pieces: usize = sent.drain(..).map(|_| 1).sum();
                // A head, the first byte, and 64 KiB gathered in pieces of 4 KiB.
                assert!(pieces <= 1 + 1 + 16, "{pieces} pieces for one chunk");
            }
            assert!(held.load(Ordering::Relaxed) <= 1);
        }
        encoder.finish().unwrap();
        assert!(pull_all(&mut encoder).unwrap().len() < 3 * 20);
        assert!(encoder.is_ended());
        assert_eq!(held.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn what_was_given_out_is_let_go() {
    let held = Arc::new(AtomicUsize::new(0));
    let mut encoder = encoder(AwsChunked::signed(), None);
    let mut most = 0;
    for _ in 0..200 {
        encoder.push(counted(vec![7; 10_000], &held)).unwrap();
        most = most.max(held.load(Ordering::Relaxed));
        pull_all(&mut encoder).unwrap();
    }
    // As many as a chunk of 64 KiB touches.
    assert!(most <= 8, "{most} pieces of 10,000 bytes");
}

/// Encodes pieces; returns what was given out until the end or an error.
fn try_encode(config: AwsChunked, declared: u64, pieces: &[Bytes]) -> (Vec<u8>, Result<(), Error>) {
    let mut encoder = encoder(config, Some(declared));
    let mut sent = Vec::new();
    let mut run = || {
        for piece in pieces {
            encoder.push(piece.clone())?;
            sent.extend(pull_all(&mut encoder)?);
        }
        encoder.finish()?;
        sent.extend(pull_all(&mut encoder)?);
        Ok(())
    };
    let result: Result<(), Error> = run();
    if let Err(error) = &result {
        // And so it stays.
        for again in [
            encoder.pull().err(),
            encoder.finish().err(),
            encoder.push("x".into()).err(),
        ] {
            assert_eq!(again.unwrap().kind(), error.kind());
        }
        assert!(!encoder.is_ended());
    }
    (sent.concat(), result)
}

#[test]
fn a_body_of_another_length_is_never_completed() {
    let lengths: [Range<usize>; 5] = [0..3, 4095..4098, 8190..8195, 16_382..16_387, 24_575..24_579];
    let lengths: Vec<_> = lengths.into_iter().flatten().collect();
    let data: Bytes = (0..=250).cycle().take(30_000).collect();
    for config in configs() {
        let config = config.chunk_size(8192).unwrap();
        for &declared in &lengths {
            for &actual in &lengths {
                for framing in [1000, 8192, 30_000] {
                    let data = data.slice(..actual);
                    let pieces: Vec<_> = data
                        .chunks(framing)
                        .map(|piece| data.slice_ref(piece))
                        .collect();
                    let (sent, result) = try_encode(config, declared as u64, &pieces);
                    let name = format!("{config:?}: {declared} declared, {actual} came");
                    if declared == actual {
                        result.unwrap();
                        assert!(judge(&sent, config).unwrap().data() == data, "{name}");
                        continue;
                    }
                    assert_eq!(result.unwrap_err().kind(), ErrorKind::BodyLength, "{name}");
                    // Nothing of the chunk that would complete the body.
                    let full = declared.saturating_sub(1) / 8192;
                    let whole = config.encoded_length(full as u64 * 8192).unwrap();
                    let end = config.encoded_length(0).unwrap();
                    assert!(sent.len() as u64 <= whole - end, "{name}");
                }
            }
        }
    }
}

#[test]
fn nothing_is_given_out_after_an_error() {
    let mut encoder = encoder(AwsChunked::signed(), Some(100_000));
    encoder.push(Bytes::from(vec![7; 99_999])).unwrap();
    // The head of the first chunk, whose data is ready to go.
    encoder.pull().unwrap().unwrap();
    encoder.push("ab".into()).unwrap_err();
    assert_eq!(encoder.pull().unwrap_err().kind(), ErrorKind::BodyLength);
}

#[test]
fn nothing_comes_after_the_end() {
    for declared in [None, Some(1)] {
        let mut encoder = encoder(AwsChunked::signed(), declared);
        encoder.push("a".into()).unwrap();
        encoder.finish().unwrap();
        encoder.finish().unwrap();
        encoder.push(Bytes::new()).unwrap();
        let error = encoder.push("b".into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BodyLength);
        assert!(encoder.pull().is_err());
    }
}

#[test]
fn a_signer_is_for_signed_chunks_only() {
    for (config, signer) in [
        (AwsChunked::signed(), None),
        (AwsChunked::unsigned(Checksum::Crc32), Some(signer(SEED))),
    ] {
        let error = ChunkEncoder::new(config, signer, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Payload);
    }
    let error = ChunkEncoder::new(AwsChunked::signed(), Some(signer(SEED)), Some(u64::MAX));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::BodyLength);
}

/// A body that counts how often it is asked. `None` is a piece that is not there yet.
struct Asked {
    frames: std::vec::IntoIter<Option<Result<Frame<Bytes>, &'static str>>>,
    polls: Arc<AtomicUsize>,
}

impl Asked {
    fn new(frames: Vec<Option<Result<Frame<Bytes>, &'static str>>>) -> (Self, Arc<AtomicUsize>) {
        let polls = Arc::new(AtomicUsize::new(0));
        let body = Self {
            frames: frames.into_iter(),
            polls: Arc::clone(&polls),
        };
        (body, polls)
    }
}

impl Body for Asked {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        match self.frames.next() {
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => Poll::Ready(frame.flatten()),
        }
    }
}

fn data(length: usize) -> Option<Result<Frame<Bytes>, &'static str>> {
    Some(Ok(Frame::data(Bytes::from(vec![7; length]))))
}

#[test]
fn asks_for_no_more_than_the_next_chunk_needs() {
    let (inner, polls) = Asked::new((0..12).map(|_| data(16 * KIB)).collect());
    let mut body = pin!(AwsChunkedBody::new(
        inner,
        encoder(AwsChunked::signed(), None)
    ));
    let mut cx = Context::from_waker(Waker::noop());
    for chunk in 1..=3 {
        // Its head, and its data as it came.
        for _ in 0..5 {
            assert!(matches!(
                body.as_mut().poll_frame(&mut cx),
                Poll::Ready(Some(Ok(_)))
            ));
            assert_eq!(polls.load(Ordering::Relaxed), 4 * chunk);
        }
    }
    assert!(!body.is_end_stream());
    assert!(matches!(
        body.as_mut().poll_frame(&mut cx),
        Poll::Ready(Some(Ok(_)))
    ));
    assert_eq!(polls.load(Ordering::Relaxed), 13);
    assert!(body.is_end_stream());
    assert!(matches!(
        body.as_mut().poll_frame(&mut cx),
        Poll::Ready(None)
    ));
    assert_eq!(polls.load(Ordering::Relaxed), 13);
}

#[test]
fn waits_where_the_body_inside_waits_and_can_be_dropped_there() {
    let (inner, polls) = Asked::new(vec![data(10), None, data(70_000), None, data(1)]);
    let mut body = Box::pin(AwsChunkedBody::new(
        inner,
        encoder(AwsChunked::signed(), None),
    ));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(body.as_mut().poll_frame(&mut cx).is_pending());
    assert_eq!(polls.load(Ordering::Relaxed), 2);
    for _ in 0..3 {
        assert!(body.as_mut().poll_frame(&mut cx).is_ready());
    }
    assert!(body.as_mut().poll_frame(&mut cx).is_pending());
    assert_eq!(polls.load(Ordering::Relaxed), 4);
    drop(body);
    assert_eq!(Arc::strong_count(&polls), 1);
}

#[tokio::test]
async fn the_size_hint_is_what_is_left() {
    for config in configs() {
        for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
            for declared in [None, Some(length as u64)] {
                let frames = vec![data(length / 3), None, data(length - length / 3), data(0)];
                let (inner, _) = Asked::new(frames);
                let mut body = pin!(AwsChunkedBody::new(inner, encoder(config, declared)));
                let mut left = declared.and_then(|length| config.encoded_length(length));
                let mut sent = Vec::new();
                loop {
                    assert_eq!(body.size_hint().exact(), left);
                    let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await else {
                        break;
                    };
                    assert!(!sent.ends_with(b"\r\n\r\n"), "asked again after the end");
                    let piece = frame.unwrap().into_data().unwrap();
                    left = left.map(|left| left - piece.len() as u64);
                    sent.extend_from_slice(&piece);
                    assert_eq!(body.is_end_stream(), sent.ends_with(b"\r\n\r\n"));
                }
                assert_eq!(judge(&sent, config).unwrap().data().len(), length);
            }
        }
    }
}

#[tokio::test]
async fn an_error_ends_the_body() {
    let trailers = || Some(Ok(Frame::trailers(HeaderMap::new())));
    let lost = || Some(Err("lost"));
    let kind = ErrorKind::BodyLength;
    for (name, frames, declared, expected) in [
        ("lost", vec![data(5), lost(), data(5)], None, None),
        ("lost at the end", vec![data(5), lost()], Some(5), None),
        (
            "trailers",
            vec![data(5), trailers()],
            None,
            Some(ErrorKind::Trailers),
        ),
        (
            "trailers at the end",
            vec![data(5), trailers()],
            Some(5),
            Some(ErrorKind::Trailers),
        ),
        ("longer", vec![data(5), None, data(1)], Some(5), Some(kind)),
        (
            "longer at once",
            vec![data(6), data(1)],
            Some(5),
            Some(kind),
        ),
        ("shorter", vec![data(4)], Some(5), Some(kind)),
        ("nothing", vec![], Some(5), Some(kind)),
        ("something", vec![data(1)], Some(0), Some(kind)),
    ] {
        let (inner, _) = Asked::new(frames);
        let mut body = pin!(AwsChunkedBody::new(
            inner,
            encoder(AwsChunked::signed(), declared)
        ));
        let frame = poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        let Some(Err(error)) = frame else {
            panic!("{name}: not an error at once")
        };
        assert_eq!(
            error.downcast_ref::<Error>().map(Error::kind),
            expected,
            "{name}"
        );
        assert!(expected.is_some() || error.to_string() == "lost", "{name}");
        assert!(body.is_end_stream(), "{name}");
        assert!(
            poll_fn(|cx| body.as_mut().poll_frame(cx)).await.is_none(),
            "{name}"
        );
    }
}
