//! A body that ends where its declared length says, or fails.

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;

use crate::body::BoxError;
use crate::runtime::framing;

pin_project! {
    /// Passes a body on as it comes and sees to it that it has its declared length.
    ///
    /// A body that is shorter or longer ends in an error, so that the client breaks the request
    /// off; it never goes out as a valid one of the declared length. Trailers are an error, too.
    /// Not for a declared length of 0: a client does not look at such a body at all.
    ///
    /// # Errors
    ///
    /// A [`sigv4_core::Error`](crate::Error) of the kind `BodyLength` or `Trailers`, or the error
    /// of the body inside.
    pub struct LengthChecked<B> {
        #[pin]
        body: B,
        // What is still missing of the declared length, if there is one.
        remaining: Option<u64>,
        // The piece that completes it. It is held back until the body has ended: a client that has
        // got all that was declared asks no more, and what is too much would go unnoticed.
        last: Option<Bytes>,
        ended: bool,
    }
}

impl<B> LengthChecked<B> {
    /// Checks a body against its declared length; `None` where it is not known.
    pub const fn new(body: B, length: Option<u64>) -> Self {
        Self {
            body,
            remaining: length,
            last: None,
            ended: false,
        }
    }

    const fn is_complete(&self) -> bool {
        matches!(self.remaining, None | Some(0))
    }
}

impl<B> Body for LengthChecked<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        while !*this.ended {
            let frame = match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => frame
                    .into_data()
                    .map_err(|_| framing::trailers_refused().into()),
                Some(Err(error)) => Err(error.into()),
                None if this.remaining.is_none_or(|remaining| remaining == 0) => {
                    *this.ended = true;
                    break;
                }
                None => Err(framing::length_mismatch().into()),
            };
            let counted = frame.map(framing::into_bytes).and_then(|piece| {
                if let Some(remaining) = this.remaining {
                    let left = remaining.checked_sub(piece.len() as u64);
                    *remaining = left.ok_or_else(framing::length_mismatch)?;
                }
                Ok(piece)
            });
            match counted {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) if *this.remaining == Some(0) && !this.body.is_end_stream() => {
                    *this.last = Some(piece);
                }
                Ok(piece) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Err(error) => {
                    *this.ended = true;
                    *this.last = None;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        Poll::Ready(this.last.take().map(|last| Ok(Frame::data(last))))
    }

    fn is_end_stream(&self) -> bool {
        // A body that ends early has to be asked once more, to be told so.
        self.last.is_none() && (self.ended || (self.body.is_end_stream() && self.is_complete()))
    }

    fn size_hint(&self) -> SizeHint {
        match self.remaining {
            Some(remaining) => {
                let held_back = self.last.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(remaining + held_back as u64)
            }
            None => self.body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for LengthChecked<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LengthChecked")
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::poll_fn;
    use std::pin::pin;

    use super::*;
    use crate::ErrorKind;

    /// Gives its pieces and says nothing of its length or its end.
    struct Pieces(VecDeque<&'static str>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            match self.0.pop_front() {
                // One that is not ready at once.
                Some("…") => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Some("trailers") => Poll::Ready(Some(Ok(Frame::trailers(http::HeaderMap::new())))),
                piece => Poll::Ready(piece.map(|piece| Ok(Frame::data(Bytes::from(piece))))),
            }
        }
    }

    async fn read(length: Option<u64>, pieces: &[&'static str]) -> (String, Option<ErrorKind>) {
        let pieces = Pieces(pieces.iter().copied().collect());
        let mut body = pin!(LengthChecked::new(pieces, length));
        let mut text = String::new();
        while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            match frame {
                Ok(frame) => text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap()),
                Err(error) => {
                    assert!(body.is_end_stream());
                    return (
                        text,
                        Some(error.downcast_ref::<crate::Error>().unwrap().kind()),
                    );
                }
            }
        }
        assert!(body.is_end_stream());
        (text, None)
    }

    #[tokio::test]
    async fn passes_on_a_body_of_the_declared_length() {
        for length in [None, Some(5)] {
            for pieces in [
                &["hello"][..],
                &["he", "", "…", "llo"],
                &["hell", "o", "…", ""],
            ] {
                assert_eq!(
                    read(length, pieces).await,
                    ("hello".to_owned(), None),
                    "{pieces:?}"
                );
            }
        }
        assert_eq!(read(Some(0), &[]).await, (String::new(), None));
    }

    #[tokio::test]
    async fn never_completes_a_body_of_another_length() {
        for (length, pieces) in [
            (5, &["hell"][..]),
            (5, &[]),
            (5, &["hello", "!"]),
            (5, &["hello", "…", "!"]),
            (5, &["hello!"]),
            (0, &["h"]),
        ] {
            let (passed, error) = read(Some(length), pieces).await;
            assert_eq!(error, Some(ErrorKind::BodyLength), "{pieces:?}");
            assert!(
                length == 0 || passed.len() < 5,
                "{pieces:?} passed {passed}"
            );
        }
    }

    #[tokio::test]
    async fn refuses_trailers() {
        for length in [None, Some(1)] {
            let (_, error) = read(length, &["a", "trailers"]).await;
            assert_eq!(error, Some(ErrorKind::Trailers));
        }
    }

    #[tokio::test]
    async fn knows_its_length() {
        let pieces = Pieces(VecDeque::from(["hel", "lo", "…"]));
        let mut body = pin!(LengthChecked::new(pieces, Some(5)));
        assert_eq!(body.size_hint().exact(), Some(5));
        poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        assert_eq!(body.size_hint().exact(), Some(2));
        let held = poll_fn(|cx| Poll::Ready(body.as_mut().poll_frame(cx).is_pending())).await;
        assert!(held, "the last piece waits for the end of the body");
        assert_eq!(body.size_hint().exact(), Some(2));
        assert!(!body.is_end_stream());
    }
}
