//! The models: there is none behind them, and what they say is made of what they are asked.
//!
//! What is real is how it is said: the checks of a request with their words, the frames of a stream,
//! one after the other, and what can go wrong in the midst of it, which tests ask for with
//! [`Bedrock::next`].

mod frames;
mod models;
mod operation;
mod turn;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use axum::response::Response;
use http::HeaderValue;
use tokio::sync::Semaphore;

use self::operation::Operation;
pub use self::turn::Break;
pub use self::turn::Refusal;
pub use self::turn::Turn;
use crate::server::Call;
use crate::server::lock;

/// The models.
#[derive(Debug)]
pub struct Bedrock {
    turns: Mutex<VecDeque<Turn>>,
    answered: AtomicUsize,
    /// What a turn that is held may go on by.
    released: Arc<Semaphore>,
    /// How many streams nobody listened to until their end.
    left: Arc<AtomicUsize>,
}

impl Bedrock {
    pub(crate) fn new() -> Self {
        Self {
            turns: Mutex::default(),
            answered: AtomicUsize::new(0),
            released: Arc::new(Semaphore::new(0)),
            left: Arc::default(),
        }
    }

    /// Says what becomes of the next request that no earlier turn is for.
    pub fn next(&self, turn: Turn) {
        lock(&self.turns).push_back(turn);
    }

    /// Lets a turn that is [held](Turn::Held) go on by so many frames; an answer in one piece is one.
    pub fn release(&self, frames: usize) {
        self.released.add_permits(frames);
    }

    /// Returns how many streams were broken off by those who asked.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }

    pub(crate) async fn answer(&self, call: Call) -> Response {
        let number = self.answered.fetch_add(1, Ordering::SeqCst) + 1;
        let turn = lock(&self.turns).pop_front();
        let mut answer = match (turn, Operation::of(&call)) {
            (Some(Turn::Refuses(refusal)), _) | (_, Err(refusal)) => refusal.answer(),
            (turn, Ok(operation)) => self.carry_out(operation, turn, &call).await,
        };
        let id = format!("00000000-0000-4000-8000-{number:012}");
        if let Ok(id) = HeaderValue::try_from(id) {
            answer.headers_mut().insert("x-amzn-requestid", id);
        }
        answer
    }

    async fn carry_out(&self, operation: Operation, turn: Option<Turn>, call: &Call) -> Response {
        let events = match operation.perform(turn.as_ref(), call) {
            Ok(operation::Outcome::Whole(answer)) => {
                if matches!(turn, Some(Turn::Held)) {
                    self.wait().await;
                }
                return answer;
            }
            Ok(operation::Outcome::Stream(events)) => events,
            Err(refusal) => return refusal.answer(),
        };
        let held = matches!(turn, Some(Turn::Held)).then(|| Arc::clone(&self.released));
        let end = match turn {
            Some(Turn::Breaks { after, how }) => Some((after, how)),
            _ => None,
        };
        frames::send(events, held, end, Arc::clone(&self.left))
    }

    async fn wait(&self) {
        if let Ok(permit) = self.released.acquire().await {
            permit.forget();
        }
    }
}
