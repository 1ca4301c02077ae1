//! An HTTP client that answers by a script, for tests.

use std::collections::VecDeque;
use std::future::pending;
use std::future::ready;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::Request;
use http::Response;

use super::context::Context;
use super::env::Env;
use crate::runtime::clock::Clock;
use crate::runtime::http_send::HttpFuture;
use crate::runtime::http_send::HttpSend;
use crate::runtime::task::Runtime;
use crate::runtime::task::Task;

/// The script of one test, what came of it, and a time that passes only when somebody sleeps.
#[derive(Clone, Debug, Default)]
pub(super) struct Fake(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Step>,
    requests: Vec<Request<Bytes>>,
    sleeps: Vec<Duration>,
    passed: Duration,
}

#[derive(Debug)]
enum Step {
    Answer(Response<Bytes>),
    Hang,
    Refuse,
}

impl Fake {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Answers the next request so.
    pub(super) fn answer(self, status: u16, body: &str) -> Self {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = Response::builder().status(status).body(body).unwrap();
        self.then(Step::Answer(answer))
    }

    pub(super) fn answer_with(self, name: &str, value: &str, body: &str) -> Self {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = Response::builder().header(name, value).body(body).unwrap();
        self.then(Step::Answer(answer))
    }

    /// Never answers the next request.
    pub(super) fn hang(self) -> Self {
        self.then(Step::Hang)
    }

    /// Does not get the next request through.
    pub(super) fn refuse(self) -> Self {
        self.then(Step::Refuse)
    }

    fn then(self, step: Step) -> Self {
        self.0.lock().unwrap().script.push_back(step);
        self
    }

    /// A context that sends to this, at noon of a day in 2025.
    pub(super) fn context(&self, variables: &[(&str, &str)]) -> Context {
        Context::new(self.clone())
            .clock(self.clone())
            .runtime(self.clone())
            .env(Env::of(variables))
    }

    pub(super) fn requests(&self) -> Vec<Request<Bytes>> {
        self.0.lock().unwrap().requests.clone()
    }

    /// Each request as `METHOD URI`.
    pub(super) fn sent(&self) -> Vec<String> {
        let line = |request: &Request<Bytes>| format!("{} {}", request.method(), request.uri());
        self.requests().iter().map(line).collect()
    }

    pub(super) fn sleeps(&self) -> Vec<Duration> {
        self.0.lock().unwrap().sleeps.clone()
    }

    /// Lets time pass.
    pub(super) fn pass(&self, duration: Duration) {
        self.0.lock().unwrap().passed += duration;
    }
}

impl HttpSend for Fake {
    fn send(&self, request: Request<Bytes>) -> HttpFuture<'_> {
        let mut state = self.0.lock().unwrap();
        state.requests.push(request);
        match state.script.pop_front() {
            Some(Step::Answer(answer)) => Box::pin(ready(Ok(answer))),
            Some(Step::Hang) => Box::pin(pending()),
            Some(Step::Refuse) => Box::pin(ready(Err("connection refused".into()))),
            None => panic!("there is no answer for {:?}", state.requests.last()),
        }
    }
}

impl Runtime for Fake {
    fn spawn(&self, task: Task) {
        tokio::spawn(task);
    }

    fn sleep(&self, duration: Duration) -> Task {
        let state = Arc::clone(&self.0);
        state.lock().unwrap().sleeps.push(duration);
        // The limit of a request that hangs passes at once, and so does a pause.
        Box::pin(async move {
            state.lock().unwrap().passed += duration;
        })
    }
}

impl Clock for Fake {
    fn now(&self) -> SystemTime {
        const NOON: Duration = Duration::from_secs(1_751_371_200);
        SystemTime::UNIX_EPOCH + NOON + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().passed
    }
}
