//! Sends a request until there is an answer.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use reqwest::Client;
use reqwest::Request;
use reqwest::Response;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::Runtime;
use sigv4_reqwest::ExecuteError;

use super::endpoints;
use super::error::Error;
use super::refusal;
use super::retry;
use super::retry::Retry;
use super::retry::RetryPolicy;

/// Sends requests, each attempt signed anew.
pub(super) struct Sender {
    pub(super) http: Client,
    pub(super) authorizer: Authorizer,
    pub(super) policy: RetryPolicy,
    pub(super) head_timeout: Duration,
    pub(super) whole_timeout: Duration,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) random: Box<dyn Fn() -> f64 + Send + Sync>,
    pub(super) on_retry: Box<dyn Fn(&Retry<'_>) + Send + Sync>,
}

/// What the head of an answer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// The beginning of the answer.
    Beginning,
    /// All of it: it is sent when it is made.
    Whole,
}

impl Sender {
    /// Sends a request until it is answered with success, or is not worth it any more.
    ///
    /// Once there is such an answer nothing is sent again: what has been read of it was said.
    pub(super) async fn send(&self, request: &Request, head: Head) -> Result<Response, Error> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (error, asked_for) = match self.attempt(request, head).await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => {
                    let asked_for = retry::asked_for(answer.headers());
                    let error = refusal::read(answer).await;
                    (Error::Service(Box::new(error)), asked_for)
                }
                Err(error) => {
                    let next_attempt_in = retry::outage(&error).map(|it| it.next_attempt_in());
                    (error, next_attempt_in)
                }
            };
            // What was waited for longest would be waited for again, and paid for.
            let is_lost = head == Head::Whole && matches!(error, Error::NoAnswer(_));
            if is_lost || !retry::is_worthwhile(&error) {
                return Err(error);
            }
            let Some(pause) = self.policy.pause(attempt, (self.random)(), asked_for) else {
                return Err(error);
            };
            (self.on_retry)(&Retry {
                error: &error,
                attempt,
                pause,
            });
            self.runtime.sleep(pause).await;
        }
    }

    async fn attempt(&self, request: &Request, head: Head) -> Result<Response, Error> {
        let again = request.try_clone();
        let request = again.expect("a body of bytes can be cloned");
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let time = match head {
            Head::Beginning => self.head_timeout,
            Head::Whole => self.whole_timeout,
        };
        let executing = sigv4_reqwest::execute(&self.http, &self.authorizer, request, None);
        let answer = within(time, &*self.runtime, executing).await;
        let answer = answer.ok_or(Error::NoAnswer(time))?;
        answer.map_err(|error| match error {
            ExecuteError::Client(error) if error.is_builder() => Error::Configuration(error.into()),
            ExecuteError::Client(error) if error.is_connect() => {
                Error::Transport(Unreachable::new(host, error).into())
            }
            ExecuteError::Client(error) => transport(error),
            // Nothing was sent, and so it says; why is in its source.
            error => Error::Signing(error.into()),
        })
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Reads an answer to its end.
pub(super) async fn body(mut answer: Response, silence: &Silence) -> Result<Bytes, Error> {
    let mut body = BytesMut::new();
    loop {
        let piece = silence.bounds(answer.chunk()).await?;
        let Some(piece) = piece.map_err(transport)? else {
            break;
        };
        if piece.len() > MAX_ANSWER - body.len() {
            return Err(Error::Answer("it is longer than 64 MiB".into()));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// For how long nothing may come of an answer that has begun.
#[derive(Clone, Debug)]
pub(super) struct Silence {
    pub(super) limit: Duration,
    pub(super) runtime: Arc<dyn Runtime>,
}

impl Silence {
    /// Waits for what is to come next.
    pub(super) async fn bounds<T>(&self, next: impl Future<Output = T>) -> Result<T, Error> {
        let next = within(self.limit, &*self.runtime, next).await;
        next.ok_or(Error::Idle(self.limit))
    }
}

/// Waits for something no longer than this.
async fn within<T>(
    time: Duration,
    runtime: &dyn Runtime,
    work: impl Future<Output = T>,
) -> Option<T> {
    let (mut work, mut sleep) = (pin!(work), runtime.sleep(time));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// There is no connection to a host.
#[derive(Debug)]
struct Unreachable {
    host: String,
    cause: reqwest::Error,
}

impl Unreachable {
    fn new(host: String, cause: reqwest::Error) -> Self {
        let cause = cause.without_url();
        Self { host, cause }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be reached", self.host)?;
        match endpoints::doubt(&self.host) {
            Some(doubt) => write!(f, " ({doubt})"),
            None => Ok(()),
        }
    }
}

impl StdError for Unreachable {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.cause)
    }
}

/// Returns the id under which AWS's support finds the request.
pub(super) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amzn-requestid")?.to_str().ok()
}

/// The URL of an error says which model was asked, and nothing about what failed.
fn transport(error: reqwest::Error) -> Error {
    Error::Transport(error.without_url().into())
}

/// Models answer with up to 25 MB, pictures among them.
const MAX_ANSWER: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::use_ring;

    #[test]
    fn says_which_host_may_not_be_there_and_why() {
        use_ring();
        let cause = || Client::new().get("").build().unwrap_err();
        for (host, expected) in [
            (
                "bedrock-runtime.eu-west-1.amazonaws.com",
                "bedrock-runtime.eu-west-1.amazonaws.com cannot be reached",
            ),
            (
                "bedrock-runtime-fips.eu-west-1.amazonaws.com",
                "bedrock-runtime-fips.eu-west-1.amazonaws.com cannot be reached (not every region \
                 has the endpoint that `AWS_USE_FIPS_ENDPOINT` asks for)",
            ),
        ] {
            let error = Unreachable::new(host.to_owned(), cause());
            assert_eq!(error.to_string(), expected);
        }
    }
}
