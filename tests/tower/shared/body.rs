//! Bodies that come piece by piece, and not always as they were announced.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::SizeHint;
use sigv4_tests::patience::soon;
use tokio::sync::mpsc;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::UnboundedSender;

/// A body that does one step after the other and does not know when it is at its end.
///
/// Unless it is [told](Self::announcing) to, it says nothing of its length either.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    steps: VecDeque<Step>,
    announced: SizeHint,
}

/// What a body does when it is asked for more.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// It gives a piece.
    Data(Bytes),
    /// It is not ready at once, and wakes who asked.
    Pause,
    /// It never answers.
    Hang,
    /// It gives trailers.
    Trailers,
    /// It fails.
    Failure,
}

impl Pieces {
    /// Makes a body of these pieces.
    pub(crate) fn of<I>(pieces: I) -> Self
    where
        I: IntoIterator<Item: Into<Bytes>>,
    {
        let steps = pieces.into_iter().map(|piece| Step::Data(piece.into()));
        Self {
            steps: steps.collect(),
            announced: SizeHint::default(),
        }
    }

    /// Adds a step.
    pub(crate) fn then(mut self, step: Step) -> Self {
        self.steps.push_back(step);
        self
    }

    /// Has the body say that it is so long, whether or not that is true.
    pub(crate) fn announcing(mut self, length: u64) -> Self {
        self.announced = SizeHint::with_exact(length);
        self
    }

    /// Has the body say that it is at least so long.
    pub(crate) fn announcing_at_least(mut self, length: u64) -> Self {
        self.announced.set_lower(length);
        self
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Some(step) = self.steps.pop_front() else {
            return Poll::Ready(None);
        };
        match step {
            Step::Data(piece) => {
                if let Some(left) = self.announced.exact() {
                    let left = left.saturating_sub(piece.len() as u64);
                    self.announced = SizeHint::with_exact(left);
                }
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Step::Pause => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Step::Hang => {
                self.steps.push_front(Step::Hang);
                Poll::Pending
            }
            Step::Trailers => {
                let mut trailers = HeaderMap::new();
                trailers.insert("x-checksum", HeaderValue::from_static("1"));
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Step::Failure => Poll::Ready(Some(Err(io::Error::other("the disk is gone")))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.announced
    }
}

/// Waits for the next frame of a body: not for ever, whatever keeps it from coming.
pub(crate) async fn next_frame<B>(body: &mut B) -> Option<Result<Frame<B::Data>, B::Error>>
where
    B: Body + Unpin,
{
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
    soon("a frame, or the end of the body", frame).await
}

/// Bodies of another length than the five bytes that are declared.
pub(crate) fn wrong_bodies() -> [(&'static str, Pieces); 10] {
    const NONE: [&str; 0] = [];
    [
        ("one byte short", Pieces::of(["hell"])),
        (
            "one byte short, in pieces",
            Pieces::of(["he", "ll"]).then(Step::Pause),
        ),
        ("empty", Pieces::of(NONE)),
        ("empty, after a while", Pieces::of(NONE).then(Step::Pause)),
        ("one byte long", Pieces::of(["hello!"])),
        ("one byte long, in pieces", Pieces::of(["hel", "lo!"])),
        ("one piece long", Pieces::of(["hello", "!"])),
        (
            "one piece long, after a while",
            Pieces::of(["hello"])
                .then(Step::Pause)
                .then(Step::Data("!".into())),
        ),
        (
            "long, behind an empty piece",
            Pieces::of(["hello", "", "!"]),
        ),
        (
            "another request long",
            Pieces::of(["hello", "PUT /smuggled HTTP/1.1\r\n\r\n"]),
        ),
    ]
}

/// A body that is being produced: what is sent into its channel, until that is closed.
#[derive(Debug)]
pub(crate) struct Live {
    pieces: UnboundedReceiver<io::Result<Bytes>>,
}

impl Live {
    pub(crate) fn new() -> (UnboundedSender<io::Result<Bytes>>, Self) {
        let (sender, pieces) = mpsc::unbounded_channel();
        (sender, Self { pieces })
    }
}

impl Body for Live {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let piece = self.pieces.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
