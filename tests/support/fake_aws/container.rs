//! The credential service of ECS and of EKS Pod Identity.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use super::handout::Handout;
use super::script::Edit;
use super::script::Prompter;
use super::script::Script;
use super::server::Reply;
use super::server::SeenRequest;
use super::server::Server;
use super::server::json;

/// A container credential service. It hands out `Handout::new("container")` at every path.
#[derive(Debug)]
pub struct FakeContainer {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    script: Prompter,
    authorization: Mutex<Option<String>>,
}

impl FakeContainer {
    /// Starts the service.
    pub async fn start() -> Self {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let server = Server::start(move |request| shared.reply(request)).await;
        Self { server, state }
    }

    /// Answers by this script from now on.
    pub fn answer_with(&self, script: impl Into<Script>) {
        self.state.script.set(script.into());
    }

    /// Refuses requests with another `Authorization` than this.
    pub fn require_authorization(&self, value: &str) {
        let mut authorization = self.state.authorization.lock();
        **authorization
            .as_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut()) = Some(value.to_owned());
    }

    /// Returns `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Returns the address of the listener.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns what it was asked, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.server.requests()
    }

    /// Forgets what it was asked so far.
    pub fn forget(&self) {
        self.server.forget();
    }

    /// Waits until it was asked so many times.
    pub async fn arrived(&self, count: usize) -> Vec<SeenRequest> {
        self.server.arrived(count).await
    }
}

impl State {
    fn reply(&self, request: &SeenRequest) -> Reply {
        let authorization = self.authorization.lock();
        let required = authorization.unwrap_or_else(PoisonError::into_inner);
        if required.is_some() && required.as_deref() != request.header("authorization") {
            let error = [
                ("code", "Unauthorized".to_owned()),
                (
                    "message",
                    "the Authorization header is not the token".to_owned(),
                ),
            ];
            return json(401, &error, Edit::Nothing).into();
        }
        drop(required);
        Reply::new(self.script.next(), |handout, edit| {
            let handout = handout.unwrap_or_else(|| Handout::new("container"));
            let mut fields = handout.json();
            fields.push(("AccountId", handout.account_id));
            json(200, &fields, edit)
        })
    }
}
