//! Sends a request until there is an answer.

use std::fmt;
use std::sync::Arc;
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
use tokio::time::timeout;

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
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) random: Box<dyn Fn() -> f64 + Send + Sync>,
    pub(super) on_retry: Box<dyn Fn(&Retry<'_>) + Send + Sync>,
}

impl Sender {
    /// Sends a request until it is answered with success, or is not worth it any more.
    ///
    /// Once there is such an answer nothing is sent again: what has been read of it was said.
    pub(super) async fn send(&self, request: &Request) -> Result<Response, Error> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (error, asked_for) = match self.attempt(request).await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => {
                    let asked_for = retry::asked_for(answer.headers());
                    let error = refusal::read(answer).await;
                    (Error::Service(Box::new(error)), asked_for)
                }
                Err(error) => (error, None),
            };
            if !retry::is_worthwhile(&error) {
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

    async fn attempt(&self, request: &Request) -> Result<Response, Error> {
        let again = request.try_clone();
        let request = again.expect("a body of bytes can be cloned");
        let answer = sigv4_reqwest::execute(&self.http, &self.authorizer, request, None).await;
        answer.map_err(|error| match error {
            ExecuteError::Client(error) if error.is_builder() => Error::Configuration(error.into()),
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
pub(super) async fn body(mut answer: Response, idle_timeout: Duration) -> Result<Bytes, Error> {
    let mut body = BytesMut::new();
    loop {
        let piece = timeout(idle_timeout, answer.chunk()).await;
        let piece = piece.map_err(|_| Error::Idle(idle_timeout))?;
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
