//! [`RecoverFuture`].

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::ops::ControlFlow::Break;
use std::ops::ControlFlow::Continue;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http::Request;
use http::Response;
use http::request;
use http::response;
use http_body::Body;
use pin_project_lite::pin_project;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::Task;
use sigv4_core::runtime::adapter;
use sigv4_core::runtime::adapter::Inquiry;
use sigv4_core::runtime::adapter::Peek;
use sigv4_core::runtime::adapter::PeekedBody;
use sigv4_core::runtime::adapter::Remedy;
use tower_service::Service;

use crate::BoxError;
use crate::recovered_body::RecoveredBody;
use crate::replay_body::Kept;
use crate::replay_body::ReplayBody;

pin_project! {
    /// The answer to a request that may be sent twice. The future of [`Recover`](crate::Recover).
    ///
    /// It boxes nothing before there is something to recover from.
    pub struct RecoverFuture<S, B, R>
    where
        S: Service<Request<ReplayBody<B>>>,
        R: Body,
    {
        #[pin]
        state: State<S::Future, R>,
        // Whom to teach; nobody where the answer is passed on whatever it is.
        authorizer: Option<Authorizer>,
        again: Option<Again<S>>,
    }
}

/// What is needed to send a request again.
struct Again<S> {
    service: S,
    head: request::Parts,
    kept: Kept,
}

pin_project! {
    #[project = StateProjection]
    #[project_replace = StateReplaced]
    enum State<F, R>
    where
        R: Body,
    {
        Sending { #[pin] response: F },
        Peeking { head: response::Parts, body: PeekedBody<Pin<Box<R>>>, peek: Peek },
        Replacing { answer: Answer<R>, replaced: Pin<Box<dyn Future<Output = bool> + Send>> },
        Readying { answer: Answer<R>, patience: Option<Task> },
        SendingAgain { #[pin] response: F },
        Ended,
    }
}

type Answer<R> = Response<RecoveredBody<R>>;

impl<S, B, R> RecoverFuture<S, B, R>
where
    S: Service<Request<ReplayBody<B>>>,
    B: Body,
    R: Body,
{
    /// Only passes the answer on.
    pub(crate) const fn passing(response: S::Future) -> Self {
        Self {
            state: State::Sending { response },
            authorizer: None,
            again: None,
        }
    }

    pub(crate) fn new(
        mut service: S,
        authorizer: Authorizer,
        limit: u64,
        request: Request<B>,
    ) -> Self {
        let (head, body) = request.into_parts();
        let (body, kept) = ReplayBody::keeping(body, limit);
        let kept = kept.map(|kept| (kept, head.clone()));
        let response = service.call(Request::from_parts(head, body));
        Self {
            state: State::Sending { response },
            authorizer: Some(authorizer),
            again: kept.map(|(kept, head)| Again {
                service,
                head,
                kept,
            }),
        }
    }
}

impl<S> Again<S> {
    /// Waits for the service, but not for long: it may wait for the first answer to be read.
    fn poll_ready<B>(
        &mut self,
        authorizer: &Authorizer,
        patience: &mut Option<Task>,
        cx: &mut Context<'_>,
    ) -> Poll<bool>
    where
        S: Service<Request<ReplayBody<B>>>,
    {
        if let Poll::Ready(result) = self.service.poll_ready(cx) {
            return Poll::Ready(result.is_ok());
        }
        let patience = patience.get_or_insert_with(|| adapter::patience(authorizer));
        ready!(patience.as_mut().poll(cx));
        Poll::Ready(false)
    }

    /// Returns the request, if it was kept whole.
    fn take_request<B: Body>(self) -> Option<(S, Request<ReplayBody<B>>)> {
        let body = self.kept.replay()?;
        Some((self.service, Request::from_parts(self.head, body)))
    }
}

impl<S, B, R> Future for RecoverFuture<S, B, R>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>, Error: Into<BoxError>>,
    B: Body,
    R: Body,
{
    type Output = Result<Answer<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Sending { response } => {
                    let answer = ready!(response.poll(cx)).map_err(Into::into)?;
                    let authorizer = this.authorizer.as_ref();
                    match authorizer.and_then(|it| inquire(it, &answer)) {
                        None => Break(answer.map(RecoveredBody::untouched)),
                        Some(inquiry) if inquiry.wants_body() && !answer.body().is_end_stream() => {
                            Continue(State::peek(inquiry, answer))
                        }
                        Some(inquiry) => act(
                            inquiry.settle(),
                            answer.map(RecoveredBody::untouched),
                            this.again,
                        ),
                    }
                }
                StateProjection::Peeking { body, peek, .. } => {
                    ready!(peek.poll(body, cx));
                    match this.state.as_mut().project_replace(State::Ended) {
                        StateReplaced::Peeking { head, body, peek } => act(
                            peek.into_inquiry().settle(),
                            Response::from_parts(head, RecoveredBody::peeked(body)),
                            this.again,
                        ),
                        _ => Continue(State::Ended),
                    }
                }
                StateProjection::Replacing { replaced, .. } => {
                    let replaced = ready!(replaced.as_mut().poll(cx));
                    match this.state.as_mut().project_replace(State::Ended) {
                        StateReplaced::Replacing { answer, .. } if replaced => {
                            Continue(State::make_ready(answer))
                        }
                        StateReplaced::Replacing { answer, .. } => Break(answer),
                        _ => Continue(State::Ended),
                    }
                }
                StateProjection::Readying { patience, .. } => {
                    let is_ready = match (&mut this.again, &*this.authorizer) {
                        (Some(again), Some(authorizer)) => {
                            ready!(again.poll_ready(authorizer, patience, cx))
                        }
                        _ => false,
                    };
                    let again = this.again.take().filter(|_| is_ready);
                    let request = again.and_then(Again::take_request);
                    match (this.state.as_mut().project_replace(State::Ended), request) {
                        (StateReplaced::Readying { answer, .. }, Some((mut service, request))) => {
                            // The second request may need what the first answer occupies.
                            drop(answer);
                            let response = service.call(request);
                            Continue(State::SendingAgain { response })
                        }
                        (StateReplaced::Readying { answer, .. }, None) => Break(answer),
                        _ => Continue(State::Ended),
                    }
                }
                StateProjection::SendingAgain { response } => {
                    let answer = ready!(response.poll(cx)).map_err(Into::into)?;
                    Break(answer.map(RecoveredBody::untouched))
                }
                StateProjection::Ended => {
                    unreachable!("a future is not polled after it has ended")
                }
            };
            match next {
                Continue(next) => this.state.set(next),
                Break(answer) => return Poll::Ready(Ok(answer)),
            }
        }
    }
}

fn inquire<R>(authorizer: &Authorizer, answer: &Response<R>) -> Option<Inquiry> {
    let (headers, extensions) = (answer.headers(), answer.extensions());
    Inquiry::of(authorizer, answer.status(), headers, extensions)
}

impl<F, R: Body> State<F, R> {
    fn peek(inquiry: Inquiry, answer: Response<R>) -> Self {
        let (head, body) = answer.into_parts();
        Self::Peeking {
            head,
            body: PeekedBody::new(Box::pin(body)),
            peek: Peek::new(inquiry),
        }
    }

    const fn make_ready(answer: Answer<R>) -> Self {
        Self::Readying {
            answer,
            patience: None,
        }
    }
}

/// Decides what comes after an answer: nothing, so that it is passed on, or another state.
fn act<S, F, R: Body>(
    remedy: Remedy,
    answer: Answer<R>,
    again: &Option<Again<S>>,
) -> ControlFlow<Answer<R>, State<F, R>> {
    let is_whole = again.as_ref().is_some_and(|again| again.kept.is_whole());
    match remedy {
        Remedy::Nothing => Break(answer),
        Remedy::SendAgain if is_whole => Continue(State::make_ready(answer)),
        Remedy::SendAgain => Break(answer),
        Remedy::ReplaceCredentials(replacement) if is_whole => Continue(State::Replacing {
            answer,
            replaced: replacement.wait(),
        }),
        Remedy::ReplaceCredentials(replacement) => {
            replacement.begin();
            Break(answer)
        }
    }
}

impl<S, B, R> fmt::Debug for RecoverFuture<S, B, R>
where
    S: Service<Request<ReplayBody<B>>>,
    R: Body,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Sending { .. } => "Sending",
            State::Peeking { .. } => "Peeking",
            State::Replacing { .. } => "Replacing",
            State::Readying { .. } => "Readying",
            State::SendingAgain { .. } => "SendingAgain",
            State::Ended => "Ended",
        };
        f.debug_tuple("RecoverFuture").field(&state).finish()
    }
}
