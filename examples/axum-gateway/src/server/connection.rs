//! One connection of a client, from its first byte to its last.

use std::io;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use http::Request;
use http::Response;
use http::Version;
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerifier;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::Phase;
use crate::body::Answer;
use crate::callers::Callers;
use crate::gateway::Answering;
use crate::gateway::Gateway;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// To send the head of a request.
    pub(crate) head: Duration,
    /// Between requests.
    pub(crate) idle: Duration,
    /// To take the next bytes of an answer.
    pub(crate) write: Duration,
}

/// Where requests come from.
#[derive(Debug)]
pub struct Arrival {
    listener: usize,
    /// The certificate of the client, and then those that lead to its issuer.
    certificates: Vec<CertificateDer<'static>>,
    /// Who the certificate says it is, by the callers that were asked last.
    known: Mutex<Option<(usize, Option<usize>)>>,
}

impl Arrival {
    pub(super) fn new(listener: usize, certificates: Vec<CertificateDer<'static>>) -> Self {
        Self {
            listener,
            certificates,
            known: Mutex::default(),
        }
    }

    /// Returns the index of the listener.
    #[must_use]
    pub const fn listener(&self) -> usize {
        self.listener
    }

    /// Returns who calls, as the certificate of the connection says. It is looked into once for
    /// each configuration, and not for each request: what was valid when the connection began need
    /// not be so by the issuers of a later one.
    #[must_use]
    pub fn caller(
        &self,
        callers: &Callers,
        clients: Option<&dyn ClientCertVerifier>,
    ) -> Option<usize> {
        let (certificate, issuers) = self.certificates.split_first()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match *known {
            Some((generation, caller)) if generation == callers.generation() => caller,
            _ => {
                let verdict = clients?.verify_client_cert(certificate, issuers, UnixTime::now());
                let caller = verdict.ok().and_then(|_| callers.certified(certificate));
                *known = Some((callers.generation(), caller));
                caller
            }
        }
    }
}

/// Serves a connection until it ends.
pub(super) async fn serve<I>(
    io: I,
    arrival: Arrival,
    gateway: Arc<Gateway>,
    timeouts: Timeouts,
    mut phase: watch::Receiver<Phase>,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pulse = Arc::new(Pulse::default());
    let io = Felt {
        io,
        pulse: Arc::clone(&pulse),
    };
    let requests = Requests {
        gateway,
        arrival,
        pulse: Arc::clone(&pulse),
    };
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), requests));

    let mut watchdog = Watchdog::new(timeouts);
    let mut ticks = tokio::time::interval(watchdog.period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            changed = phase.changed() => match *phase.borrow_and_update() {
                Phase::Draining if changed.is_ok() => connection.as_mut().graceful_shutdown(),
                _ => return,
            },
            _ = ticks.tick() => match watchdog.look(&pulse) {
                Verdict::Fine => {}
                Verdict::Idle => connection.as_mut().graceful_shutdown(),
                Verdict::Stuck => return,
            }
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The watchdog does that, without a timer for each request.
        .header_read_timeout(None)
        .max_buf_size(LONGEST_HEAD as usize)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(LONGEST_HEAD)
        .max_concurrent_streams(256)
        .adaptive_window(true)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// 64 KiB: room for the longest headers that AWS takes, and for a token.
const LONGEST_HEAD: u32 = 64 * 1024;

/// Hands the requests of a connection to the gateway.
struct Requests {
    gateway: Arc<Gateway>,
    arrival: Arrival,
    pulse: Arc<Pulse>,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Answer>;
    type Error = std::convert::Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        if request.version() == Version::HTTP_2 {
            self.pulse.is_multiplexed.store(true, Ordering::Relaxed);
        }
        let exchange = Exchange::begin(&self.pulse, &request);
        self.gateway.take(&self.arrival, exchange, request)
    }
}

/// What is going on in a connection, as far as its watchdog has to know.
#[derive(Debug, Default)]
struct Pulse {
    /// Requests whose answers have not ended.
    in_flight: AtomicUsize,
    /// Whether a body is still to come, over HTTP/1.
    is_uploading: AtomicBool,
    /// Whether anything has come since there was a request.
    has_begun: AtomicBool,
    /// Whether the connection is one of HTTP/2, where bytes come without requests.
    is_multiplexed: AtomicBool,
    /// Whether the client does not take what is to be sent.
    is_blocked: AtomicBool,
    /// Whether it has taken some since that was asked last.
    has_taken: AtomicBool,
    /// The rounds of the watchdog: each is as long as a client may take for a part of an answer.
    round: AtomicUsize,
    /// Answers with a part that the client has not made room for, by the round, even or odd, in
    /// which it was there. In HTTP/2 an answer can wait while the connection takes everything.
    offered: [AtomicUsize; 2],
}

impl Pulse {
    /// Begins the next round, and tells whether an answer has waited for the whole of this one.
    fn has_waited_for_a_round(&self) -> bool {
        let next = self.round.load(Ordering::Relaxed).wrapping_add(1);
        self.round.store(next, Ordering::Relaxed);
        // Those of the round before this one: its place is that of the next.
        self.offered[next % 2].load(Ordering::Relaxed) > 0
    }
}

/// A request that is worked on. Its connection is not idle while this is alive.
#[derive(Debug)]
pub struct Exchange {
    pulse: Arc<Pulse>,
    /// Where a part of its answer is counted that the client has not made room for.
    offered: Option<usize>,
}

impl Exchange {
    fn begin(pulse: &Arc<Pulse>, request: &Request<Incoming>) -> Self {
        let is_uploading = request.version() < Version::HTTP_2 && !request.body().is_end_stream();
        pulse.is_uploading.store(is_uploading, Ordering::Relaxed);
        pulse.has_begun.store(false, Ordering::Relaxed);
        pulse.in_flight.fetch_add(1, Ordering::Relaxed);
        let pulse = Arc::clone(pulse);
        let offered = None;
        Self { pulse, offered }
    }

    /// A part of the answer is there for the client: the watchdog looks at how long it takes.
    pub(crate) fn offer(&mut self) {
        if self.offered.is_none() {
            let place = self.pulse.round.load(Ordering::Relaxed) % 2;
            self.pulse.offered[place].fetch_add(1, Ordering::Relaxed);
            self.offered = Some(place);
        }
    }

    /// The client has made room for more.
    pub(crate) fn asked_for_more(&mut self) {
        if let Some(place) = self.offered.take() {
            self.pulse.offered[place].fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Tells whether the body has not come whole. The connection ends with an answer that does not
    /// wait for it, of which the client has to be told.
    pub(crate) fn is_uploading(&self) -> bool {
        self.pulse.is_uploading.load(Ordering::Relaxed)
    }

    /// Returns what is to be told when the body has come whole.
    pub(crate) fn upload(&self) -> Upload {
        Upload {
            pulse: Arc::clone(&self.pulse),
        }
    }
}

/// The body of a request that is worked on.
#[derive(Debug)]
pub struct Upload {
    pulse: Arc<Pulse>,
}

impl Upload {
    /// Takes note that it has come whole.
    pub(crate) fn has_ended(&self) {
        self.pulse.is_uploading.store(false, Ordering::Relaxed);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.asked_for_more();
        self.pulse.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

enum Verdict {
    Fine,
    /// Nothing has been asked for a while.
    Idle,
    /// A head is not finished, or an answer not taken.
    Stuck,
}

/// Looks at a connection now and then, and counts how often it was in the same state.
struct Watchdog {
    timeouts: Timeouts,
    period: Duration,
    in_head: u32,
    idle: u32,
    blocked: u32,
    round: u32,
}

impl Watchdog {
    fn new(timeouts: Timeouts) -> Self {
        let shortest = timeouts.head.min(timeouts.idle).min(timeouts.write);
        let period = (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(5));
        Self {
            timeouts,
            period,
            in_head: 0,
            idle: 0,
            blocked: 0,
            round: 0,
        }
    }

    fn look(&mut self, pulse: &Pulse) -> Verdict {
        let is_working = pulse.in_flight.load(Ordering::Relaxed) > 0;
        let is_multiplexed = pulse.is_multiplexed.load(Ordering::Relaxed);
        let has_begun = pulse.has_begun.load(Ordering::Relaxed) && !is_multiplexed;
        let has_taken = pulse.has_taken.swap(false, Ordering::Relaxed);
        let is_blocked = pulse.is_blocked.load(Ordering::Relaxed) && !has_taken;
        let count = |count: &mut u32, is_so: bool| *count = if is_so { *count + 1 } else { 0 };
        count(&mut self.in_head, !is_working && has_begun);
        count(&mut self.idle, !is_working && !has_begun);
        count(&mut self.blocked, is_blocked);
        count(&mut self.round, true);
        let period = self.period;
        let is_over = |count: u32, timeout| period.saturating_mul(count) > timeout;
        let has_waited = is_over(self.round, self.timeouts.write) && {
            self.round = 0;
            pulse.has_waited_for_a_round()
        };
        // Who is told to leave and stays is cut off.
        if is_over(self.in_head, self.timeouts.head)
            || is_over(self.blocked, self.timeouts.write)
            || has_waited
            || is_over(self.idle, self.timeouts.idle.saturating_mul(2))
        {
            Verdict::Stuck
        } else if is_over(self.idle, self.timeouts.idle) {
            Verdict::Idle
        } else {
            Verdict::Fine
        }
    }
}

/// A connection whose pulse is felt.
struct Felt<I> {
    io: I,
    pulse: Arc<Pulse>,
}

impl<I> Felt<I> {
    fn has_written<T>(&self, polled: Poll<T>) -> Poll<T> {
        let is_blocked = polled.is_pending();
        self.pulse.is_blocked.store(is_blocked, Ordering::Relaxed);
        if !is_blocked {
            self.pulse.has_taken.store(true, Ordering::Relaxed);
        }
        polled
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Felt<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        let pulse = &self.pulse;
        if buf.filled().len() > before && pulse.in_flight.load(Ordering::Relaxed) == 0 {
            pulse.has_begun.store(true, Ordering::Relaxed);
        }
        Poll::Ready(result)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Felt<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        self.has_written(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.has_written(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts = Timeouts {
        head: Duration::from_secs(1),
        idle: Duration::from_secs(1),
        write: Duration::from_secs(2),
    };

    /// Looks for three times as long as a client may take, and does this before each look.
    fn is_cut_off(pulse: &Pulse, mut before: impl FnMut()) -> bool {
        let mut watchdog = Watchdog::new(TIMEOUTS);
        let looks = TIMEOUTS.write.as_millis() * 3 / watchdog.period.as_millis();
        (0..looks).any(|_| {
            before();
            matches!(watchdog.look(pulse), Verdict::Stuck)
        })
    }

    #[test]
    fn answers_are_cut_off_when_nobody_takes_them() {
        let pulse = Arc::new(Pulse::default());
        let exchange = |is_offered| {
            let mut exchange = Exchange::begin(&pulse);
            if is_offered {
                exchange.offer();
            }
            exchange
        };
        let mut taken = exchange(true);
        let mut take = || {
            taken.asked_for_more();
            taken.offer();
        };
        assert!(!is_cut_off(&pulse, &mut take), "each part is taken");
        let waits_for_upstream = exchange(false);
        assert!(!is_cut_off(&pulse, &mut take), "there is nothing to take");
        let left = exchange(true);
        assert!(is_cut_off(&pulse, &mut take), "one is not taken");
        drop((left, waits_for_upstream));
        assert!(!is_cut_off(&pulse, &mut take), "that one has gone");
        assert_eq!(pulse.in_flight.load(Ordering::Relaxed), 1);
    }
}
