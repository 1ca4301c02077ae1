//! What a fake service does, request by request.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::watch;

use super::handout::Handout;

/// One answer of a fake service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// What a healthy service answers.
    Good,
    /// The same, with these credentials in it.
    Hand(Handout),
    /// This status with this body.
    Status(u16, &'static str),
    /// JSON or XML that ends in the middle, in an answer that is whole.
    Malformed,
    /// A good answer without this field.
    Without(&'static str),
    /// A good answer with nonsense in this field.
    Spoilt(&'static str),
    /// An answer that ends in the middle, and the connection with it.
    Half,
    /// No answer, on a connection that stays.
    Hang,
    /// The end of the connection, without an answer.
    HangUp,
    /// An answer that is held back until a gate is opened.
    Behind(Gate, Box<Self>),
}

impl Step {
    /// The answer of a service that is out of order.
    pub const SERVER_ERROR: Self = Self::Status(500, "an internal error");

    /// Holds the answer back until the gate is opened.
    #[must_use]
    pub fn behind(self, gate: &Gate) -> Self {
        Self::Behind(gate.clone(), Box::new(self))
    }
}

/// What is wrong with the fields of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit {
    Nothing,
    Without(&'static str),
    Spoil(&'static str),
}

impl Edit {
    /// Returns the value of a field as it is to be written, if it is.
    pub(super) fn apply(self, field: &str, value: &str) -> Option<String> {
        match self {
            Self::Without(without) if without == field => None,
            Self::Spoil(spoilt) if spoilt == field => Some("nonsense".to_owned()),
            Self::Nothing | Self::Without(_) | Self::Spoil(_) => Some(value.to_owned()),
        }
    }
}

/// The answers of a fake service, in their order.
#[derive(Clone)]
pub struct Script {
    steps: VecDeque<Step>,
    then: Then,
}

#[derive(Clone)]
enum Then {
    Always(Step),
    By(Arc<dyn Fn() -> Step + Send + Sync>),
}

impl Script {
    /// Answers the same to everything.
    #[must_use]
    pub fn always(step: Step) -> Self {
        Self::first([]).then(step)
    }

    /// Begins with these answers, and goes on with good ones.
    #[must_use]
    pub fn first(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            then: Then::Always(Step::Good),
        }
    }

    /// Goes on with this answer after the first ones.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.then = Then::Always(step);
        self
    }

    /// Asks a closure for every answer: where the time decides, for example.
    #[must_use]
    pub fn by(next: impl Fn() -> Step + Send + Sync + 'static) -> Self {
        Self {
            steps: VecDeque::new(),
            then: Then::By(Arc::new(next)),
        }
    }

    fn next(&mut self) -> Step {
        match (self.steps.pop_front(), &self.then) {
            (Some(step), _) => step,
            (None, Then::Always(step)) => step.clone(),
            (None, Then::By(next)) => next(),
        }
    }
}

impl From<Step> for Script {
    fn from(step: Step) -> Self {
        Self::always(step)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

/// A script that a server reads and a test rewrites.
#[derive(Debug)]
pub(super) struct Prompter(Mutex<Script>);

impl Prompter {
    pub(super) fn set(&self, script: Script) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    pub(super) fn next(&self) -> Step {
        let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        script.next()
    }
}

impl Default for Prompter {
    fn default() -> Self {
        Self(Mutex::new(Script::always(Step::Good)))
    }
}

/// Holds answers back until a test opens it. Clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
}

impl Gate {
    /// Makes a gate that is shut.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everything pass, now and later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Holds back what comes from now on.
    pub fn shut(&self) {
        self.open.send_replace(false);
    }

    pub(super) async fn pass(&self) {
        let mut open = self.open.subscribe();
        // The sender lives in this gate.
        let _ = open.wait_for(|&open| open).await;
    }
}
