//! Looking into the body of an answer without anybody noticing.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use bytes::BytesMut;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;

use crate::runtime::Task;
use crate::runtime::framing;
use crate::runtime::recovery::Inquiry;
use crate::runtime::recovery::patience;

/// How much of a body is looked at. An error of AWS, with a canonical request in it, has a few
/// thousand bytes.
pub(in crate::runtime) const MOST: usize = 16 * 1024;

/// A body of which the beginning has been looked at.
///
/// It gives the same bytes in the same order, the same trailers, and the same error, as if nobody
/// had.
pub struct PeekedBody<B: Body> {
    body: B,
    /// What was read and has yet to be given.
    head: Bytes,
    /// What the last frame had beyond that.
    tail: Bytes,
    /// What came behind the data.
    then: Option<Result<Frame<Bytes>, B::Error>>,
    has_ended: bool,
}

impl<B: Body + Unpin> PeekedBody<B> {
    /// Begins to look into a body.
    pub const fn new(body: B) -> Self {
        Self {
            body,
            head: Bytes::new(),
            tail: Bytes::new(),
            then: None,
            has_ended: false,
        }
    }

    /// Reads one more frame. Returns `None` where there is nothing more to look at.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        if self.has_ended || self.then.is_some() || self.head.len() >= MOST {
            return Poll::Ready(None);
        }
        let mut data = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => match frame.map_data(framing::into_bytes).into_data() {
                Ok(data) => data,
                Err(trailers) => {
                    self.then = Some(Ok(trailers));
                    return Poll::Ready(None);
                }
            },
            Some(Err(error)) => {
                self.then = Some(Err(error));
                return Poll::Ready(None);
            }
            None => {
                self.has_ended = true;
                return Poll::Ready(None);
            }
        };
        let length = data.len();
        if self.head.is_empty() {
            // Most answers come in one piece, which is kept as it is.
            self.tail = data.split_off(length.min(MOST));
            self.head = data;
        } else {
            // Those that come byte by byte are gathered, so that they take no more than they have.
            self.tail = data.split_off(length.min(MOST - self.head.len()));
            let mut gathered = match std::mem::take(&mut self.head).try_into_mut() {
                Ok(gathered) => gathered,
                Err(shared) => BytesMut::from(&shared[..]),
            };
            gathered.extend_from_slice(&data);
            self.head = gathered.freeze();
        }
        Poll::Ready(Some(length))
    }

    const fn held(&self) -> u64 {
        (self.head.len() + self.tail.len()) as u64
    }
}

impl<B: Body + Unpin> Unpin for PeekedBody<B> {}

impl<B: Body + Unpin> Body for PeekedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        for held in [&mut this.head, &mut this.tail] {
            if !held.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(held)))));
            }
        }
        if let Some(then) = this.then.take() {
            return Poll::Ready(Some(then));
        }
        if this.has_ended {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        this.has_ended = frame.is_none();
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(framing::into_bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.held() == 0 && self.then.is_none() && (self.has_ended || self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held();
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(held));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(held)) {
            hint.set_upper(upper);
        }
        hint
    }
}

impl<B: Body> fmt::Debug for PeekedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeekedBody")
            .field("held", &(self.head.len() + self.tail.len()))
            .finish_non_exhaustive()
    }
}

/// Reads as much of a body as an [`Inquiry`] needs, within its limits of size and time.
pub struct Peek {
    inquiry: Inquiry,
    time_is_up: Option<Task>,
    /// How much may still be read. An empty frame counts as well.
    budget: usize,
    /// From which length on it is worth looking again.
    look_at: usize,
}

impl Peek {
    /// Begins to read.
    #[must_use]
    pub const fn new(inquiry: Inquiry) -> Self {
        Self {
            inquiry,
            time_is_up: None,
            budget: MOST,
            look_at: 1,
        }
    }

    /// Reads on. It is ready when it is known enough, or when there will be no more.
    pub fn poll<B>(&mut self, body: &mut PeekedBody<B>, cx: &mut Context<'_>) -> Poll<()>
    where
        B: Body + Unpin,
    {
        while self.budget > 0 {
            match body.poll_more(cx) {
                Poll::Ready(Some(length)) => {
                    self.budget = self.budget.saturating_sub(length.max(1));
                    // Less often the longer it gets, so that the whole work is that of two looks.
                    if body.head.len() >= self.look_at {
                        self.look_at = body.head.len() * 2;
                        if self.inquiry.read(&body.head) {
                            return Poll::Ready(());
                        }
                    }
                }
                Poll::Ready(None) => break,
                Poll::Pending => {
                    let authorizer = &self.inquiry.authorizer;
                    let time_is_up = self.time_is_up.get_or_insert_with(|| patience(authorizer));
                    ready!(time_is_up.as_mut().poll(cx));
                    break;
                }
            }
        }
        self.inquiry.read(&body.head);
        Poll::Ready(())
    }

    /// Reads as much as is needed.
    pub async fn run<B: Body + Unpin>(mut self, body: &mut PeekedBody<B>) -> Inquiry {
        poll_fn(|cx| self.poll(body, cx)).await;
        self.inquiry
    }

    /// Ends the reading.
    #[must_use]
    pub fn into_inquiry(self) -> Inquiry {
        self.inquiry
    }
}

impl fmt::Debug for Peek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peek")
            .field("inquiry", &self.inquiry)
            .finish_non_exhaustive()
    }
}
