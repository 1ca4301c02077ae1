//! The clients: what they send, and whether the answers are those that they must be.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use crate::BoxError;
use crate::exchange::Connection;
use crate::kinds;
use crate::kinds::BAD;
use crate::random::Random;

/// One of this many requests is bad.
const BAD_IN: usize = 20;

/// What the clients share.
#[derive(Default)]
pub(crate) struct Load {
    pub(crate) ends: AtomicBool,
    /// The upstream is gone from the first of these to the second.
    pub(crate) killed: OnceLock<Instant>,
    pub(crate) restarted: OnceLock<Instant>,
    pub(crate) good: AtomicU64,
    pub(crate) bad: AtomicU64,
    /// Of the good ones, those that were answered with 502 or 503 while the upstream was away.
    pub(crate) away: AtomicU64,
    /// Of the good ones, those that were answered with 200 after it had come back.
    pub(crate) after: AtomicU64,
    pub(crate) kinds: Mutex<BTreeMap<&'static str, u64>>,
    pub(crate) faults: Mutex<Vec<String>>,
    /// One body over the limit is sent at a time, so that what the gateway keeps is measured and
    /// not how much memory 64 of them need at once.
    large: tokio::sync::Mutex<()>,
}

impl Load {
    /// Sends requests on one connection after the other until the load ends.
    pub(crate) async fn client(&self, gateway: SocketAddr, mut random: Random) {
        let mut kept = None;
        while !self.ends.load(Ordering::Relaxed) {
            match self.send(&mut kept, gateway, &mut random).await {
                Ok(()) => {}
                Err(fault) => {
                    self.faults
                        .lock()
                        .expect("nobody panics with it")
                        .push(fault);
                    return;
                }
            }
        }
    }

    async fn send(
        &self,
        kept: &mut Option<Connection>,
        gateway: SocketAddr,
        random: &mut Random,
    ) -> Result<(), String> {
        let connection = match kept.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(gateway).await,
        };
        let connection = connection.map_err(|error| format!("connecting: {error}"))?;
        if random.below(BAD_IN) == 0 {
            self.bad(connection, gateway, random).await
        } else {
            *kept = self.good(connection, gateway, random).await?;
            Ok(())
        }
    }

    async fn good(
        &self,
        connection: Connection,
        gateway: SocketAddr,
        random: &mut Random,
    ) -> Result<Option<Connection>, String> {
        let number = self.good.fetch_add(1, Ordering::Relaxed);
        let good = kinds::good(random, gateway, number);
        let started = Instant::now();
        let answered = connection.exchange(&good.octets).await;
        let fault = |what: String| {
            let first = good.octets.split(|octet| *octet == b'\r').next();
            let line = String::from_utf8_lossy(first.unwrap_or_default()).into_owned();
            Err(format!("a good request, {line}: {what}"))
        };
        let (answer, kept) = match answered {
            Ok(answered) => answered,
            Err(error) => return fault(error.to_string()),
        };
        let is_after = self.restarted.get().is_some_and(|at| started > *at);
        let may_be_away = self.killed.get().is_some() && !is_after;
        match answer.status {
            200 if answer.body == good.receipt.as_bytes() => {
                self.after.fetch_add(u64::from(is_after), Ordering::Relaxed);
            }
            502 | 503 if may_be_away => {
                self.away.fetch_add(1, Ordering::Relaxed);
            }
            200 => {
                let text = String::from_utf8_lossy(&answer.body);
                return fault(format!("another one arrived: {text}, not {}", good.receipt));
            }
            status => {
                let text = String::from_utf8_lossy(&answer.body);
                return fault(format!("answered with {status}: {}", text.trim_end()));
            }
        }
        Ok(kept)
    }

    /// Sends a bad request. Its connection is not used again: what a server does with it is its
    /// own affair.
    async fn bad(
        &self,
        connection: Connection,
        gateway: SocketAddr,
        random: &mut Random,
    ) -> Result<(), String> {
        let large = BAD.len() - 1;
        let mut index = random.below(BAD.len());
        let one = self.large.try_lock();
        if one.is_err() && index == large {
            index = random.below(large);
        }
        let one = one.ok().filter(|_| index == large);
        let bad = &BAD[index];
        let octets = (bad.make)(random, gateway);
        let result = match bad.status {
            None => connection.cut_off(&octets).await,
            Some(expected) => {
                let answered = connection.exchange(&octets).await;
                answered.and_then(|(answer, _)| expect(answer.status, expected))
            }
        };
        drop(one);
        self.bad.fetch_add(1, Ordering::Relaxed);
        *self
            .kinds
            .lock()
            .expect("nobody panics with it")
            .entry(bad.name)
            .or_default() += 1;
        result.map_err(|error| format!("{}: {error}", bad.name))
    }
}

fn expect(status: u16, expected: u16) -> Result<(), BoxError> {
    if status == expected {
        Ok(())
    } else {
        Err(format!("answered with {status}, not {expected}").into())
    }
}
