//! [`RefusalBody`].

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http::Extensions;
use http::response::Parts;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;
use sigv4_core::runtime::AwsRefusal;
use sigv4_core::runtime::adapter;
use sigv4_core::runtime::adapter::RefusalReader;

use crate::answer::AnsweredError;

pin_project! {
    /// The body of an answer, watched for what AWS says where it refuses.
    ///
    /// It gives what the body inside gives, when that gives it: the same bytes, trailers and errors.
    pub struct RefusalBody<B, H>
    where
        H: FnOnce(&AwsRefusal, &Extensions),
    {
        #[pin]
        body: B,
        watch: Watch<H>,
    }
}

impl<B, H> RefusalBody<B, H>
where
    B: Body,
    H: FnOnce(&AwsRefusal, &Extensions),
{
    pub(crate) fn new(head: &Parts, body: B, hook: H) -> Self {
        let mut watch = Watch::new(head, hook);
        if body.is_end_stream() || !watch.wants_body() {
            watch.report();
        }
        Self { body, watch }
    }
}

impl<B, H> Body for RefusalBody<B, H>
where
    B: Body,
    H: FnOnce(&AwsRefusal, &Extensions),
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        let frame = frame.map(|frame| frame.map(|frame| frame.map_data(adapter::into_bytes)));
        if this.watch.is_on() {
            match &frame {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        this.watch.push(data);
                    }
                    // Nobody may ask again then.
                    if this.body.is_end_stream() || !this.watch.wants_body() {
                        this.watch.report();
                    }
                }
                Some(Err(_)) | None => this.watch.report(),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B, H> fmt::Debug for RefusalBody<B, H>
where
    H: FnOnce(&AwsRefusal, &Extensions),
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusalBody").finish_non_exhaustive()
    }
}

/// What is watched of a refusal; nothing of other answers, and nothing when it has been told.
struct Watch<H>(Option<Box<Watched<H>>>)
where
    H: FnOnce(&AwsRefusal, &Extensions);

struct Watched<H> {
    reader: RefusalReader,
    extensions: Extensions,
    hook: H,
}

impl<H> Watch<H>
where
    H: FnOnce(&AwsRefusal, &Extensions),
{
    fn new(head: &Parts, hook: H) -> Self {
        // What this program itself answers is no word of AWS.
        if head.extensions.get::<AnsweredError>().is_some() {
            return Self(None);
        }
        let reader = RefusalReader::begin(head.status, &head.headers);
        Self(reader.map(|reader| {
            Box::new(Watched {
                reader,
                extensions: head.extensions.clone(),
                hook,
            })
        }))
    }

    const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    fn wants_body(&self) -> bool {
        self.0.as_ref().is_some_and(|it| it.reader.wants_body())
    }

    fn push(&mut self, data: &[u8]) {
        if let Some(watched) = &mut self.0 {
            watched.reader.push(data);
        }
    }

    fn report(&mut self) {
        if let Some(watched) = self.0.take() {
            let Watched {
                reader,
                extensions,
                hook,
            } = *watched;
            hook(&reader.finish(), &extensions);
        }
    }
}

impl<H> Drop for Watch<H>
where
    H: FnOnce(&AwsRefusal, &Extensions),
{
    fn drop(&mut self) {
        self.report();
    }
}
