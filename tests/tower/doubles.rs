//! Services that stand where the HTTP client would.

use std::convert::Infallible;
use std::future::Ready;
use std::future::ready;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Empty;
use tower::Service;

/// Answers 200 and notes what it was called with. Clones share the notes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    heads: Arc<Mutex<Vec<Request<()>>>>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Returns the heads of the requests so far.
    pub(crate) fn heads(&self) -> Vec<Request<()>> {
        self.heads.lock().unwrap().clone()
    }

    /// Returns how often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

impl<B> Service<Request<B>> for Recorder {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.heads.lock().unwrap().push(request.map(drop));
        ready(Ok(Response::new(Empty::new())))
    }
}
