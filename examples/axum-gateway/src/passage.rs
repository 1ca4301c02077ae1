//! The body of a request on its way: how much of it is held, and when the last of it was taken.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;
use sigv4_tower::BoxError;
use tokio::time::Instant;

use crate::admission::Admission;
use crate::client::SignedRequestBody;

/// What the two ends of a body know of each other: where it comes in, and where it goes out.
///
/// It lasts as long as anything that has the body: what is held is let go with it.
#[derive(Debug)]
pub(crate) struct Passage {
    begun: Instant,
    is_sent: AtomicBool,
    awaits_client: AtomicBool,
    /// When, in milliseconds since it was begun.
    taken: AtomicU64,
    /// Why it came to no end, if it did not: over HTTP/2 a client does not say.
    broken: OnceLock<Broken>,
    held: AtomicU64,
    limit: u64,
    idle: Duration,
    admission: Admission,
}

impl Passage {
    /// Begins, where as much as `limit` may be held of all bodies, and the client may take as long as
    /// `idle` for its next bytes.
    pub(crate) fn new(admission: &Admission, limit: u64, idle: Duration) -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            is_sent: AtomicBool::new(false),
            awaits_client: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            broken: OnceLock::new(),
            held: AtomicU64::new(0),
            limit,
            idle,
            admission: admission.clone(),
        })
    }

    /// Returns when it was begun.
    pub(crate) const fn begun(&self) -> Instant {
        self.begun
    }

    /// Takes note of what has come from the client. Before the request is sent nobody can do
    /// anything with it but hold it. Tells whether there was room.
    #[must_use]
    pub(crate) fn came(&self, bytes: u64) -> bool {
        self.awaits_client.store(false, Ordering::Relaxed);
        if bytes == 0 || self.is_sent.load(Ordering::Relaxed) {
            return true;
        }
        self.held.fetch_add(bytes, Ordering::Relaxed);
        self.admission.hold(bytes) <= self.limit
    }

    /// Takes note that the next bytes are waited for.
    pub(crate) fn awaits_client(&self) {
        self.awaits_client.store(true, Ordering::Relaxed);
    }

    /// Takes note that the request is sent: what comes now passes.
    pub(crate) fn is_sent(&self) {
        self.is_sent.store(true, Ordering::Relaxed);
    }

    fn was_taken(&self) {
        let millis = self.begun.elapsed().as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        self.taken.store(millis, Ordering::Relaxed);
    }

    /// Returns why the body came to no end, if it did not.
    pub(crate) fn broken(&self) -> Option<BoxError> {
        self.broken.get().cloned().map(Into::into)
    }

    /// Returns since when the upstream is waited for, and nobody else.
    pub(crate) fn awaits_upstream_since(&self) -> Instant {
        let taken = self.begun + Duration::from_millis(self.taken.load(Ordering::Relaxed));
        // Who is late then is the client, which is told so. But where the upstream takes nothing
        // nobody asks for more of the body, so that nobody would tell it.
        let is_clients = self.awaits_client.load(Ordering::Relaxed);
        taken
            + if is_clients {
                self.idle
            } else {
                Duration::ZERO
            }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.admission.let_go(*self.held.get_mut());
    }
}

/// Says that the body of a request came to no end; why, its cause says.
#[derive(Clone, Debug)]
struct Broken(Arc<dyn Error + Send + Sync>);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of the request came to no end")
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

pin_project! {
    /// The body of a request as it is sent.
    pub struct Outgoing {
        #[pin]
        body: SignedRequestBody,
        passage: Option<Arc<Passage>>,
    }
}

impl Outgoing {
    pub(crate) const fn new(body: SignedRequestBody, passage: Option<Arc<Passage>>) -> Self {
        Self { body, passage }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        let Some(passage) = this.passage else {
            return Poll::Ready(frame);
        };
        passage.was_taken();
        let note = |error: BoxError| {
            let broken = Broken(error.into());
            passage.broken.get_or_init(|| broken.clone());
            broken.into()
        };
        Poll::Ready(frame.map(|frame| frame.map_err(note)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_held_until_it_is_let_go() {
        let admission = Admission::new();
        let first = Passage::new(&admission, 10, Duration::ZERO);
        let second = Passage::new(&admission, 10, Duration::ZERO);
        assert!(first.came(6));
        assert!(second.came(4));
        assert!(!second.came(1), "there is no room for all of it");
        second.is_sent();
        assert!(second.came(100), "what passes is not held");
        assert_eq!(admission.held_bytes(), 11);
        drop(second);
        assert!(first.came(4));
        drop(first);
        assert_eq!(admission.held_bytes(), 0);
    }
}
