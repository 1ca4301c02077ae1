//! Version 2 of the instance metadata service.

use std::net::SocketAddr;
use std::sync::Arc;

use super::handout::Handout;
use super::script::Prompter;
use super::script::Script;
use super::server::Reply;
use super::server::SeenRequest;
use super::server::Server;
use super::server::json;
use super::server::respond;
use super::server::status;

/// An instance metadata service that insists on session tokens.
///
/// It has one role, [`FakeImds::ROLE`], whose credentials are `Handout::new("instance")`, and is in
/// [`FakeImds::REGION`].
#[derive(Debug)]
pub struct FakeImds {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    tokens: Prompter,
    roles: Prompter,
    credentials: Prompter,
}

impl FakeImds {
    /// The role of the instance.
    pub const ROLE: &str = "instance-role";
    /// Where the instance is.
    pub const REGION: &str = "eu-central-1";

    /// Starts the service.
    pub async fn start() -> Self {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let server = Server::start(move |request| shared.reply(request)).await;
        Self { server, state }
    }

    /// Answers requests for credentials by this script from now on.
    pub fn answer_with(&self, script: impl Into<Script>) {
        self.state.credentials.set(script.into());
    }

    /// Answers requests for a session token by this script from now on.
    pub fn answer_tokens_with(&self, script: impl Into<Script>) {
        self.state.tokens.set(script.into());
    }

    /// Answers requests for the name of the role by this script from now on.
    pub fn answer_roles_with(&self, script: impl Into<Script>) {
        self.state.roles.set(script.into());
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
        match (request.method(), request.path()) {
            ("PUT", "/latest/api/token") => {
                let ttl = request.header(TTL).and_then(|ttl| ttl.parse().ok());
                // Requests that a proxy forwards are answered to somebody else.
                let is_forwarded = request.headers().contains_key("x-forwarded-for");
                let Some(ttl @ 1..=21_600_u32) = ttl.filter(|_| !is_forwarded) else {
                    return status(400, "the time to live is missing or out of range").into();
                };
                Reply::new(self.tokens.next(), |_, _| {
                    let mut response = respond(200, "text/plain", TOKEN.to_owned());
                    response.headers_mut().insert(TTL, ttl.into());
                    response
                })
            }
            ("GET", _) if request.header("x-aws-ec2-metadata-token") != Some(TOKEN) => {
                status(401, "the session token is missing").into()
            }
            ("GET", "/latest/meta-data/iam/security-credentials/") => {
                Reply::new(self.roles.next(), |_, _| status(200, FakeImds::ROLE))
            }
            ("GET", path) if path == format!("{CREDENTIALS}{}", FakeImds::ROLE) => {
                Reply::new(self.credentials.next(), |handout, edit| {
                    let handout = handout.unwrap_or_else(|| Handout::new("instance"));
                    json(200, &handout.json(), edit)
                })
            }
            ("GET", "/latest/meta-data/placement/region") => status(200, FakeImds::REGION).into(),
            ("GET", _) => status(404, "not found").into(),
            _ => status(405, "method not allowed").into(),
        }
    }
}

const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "AQAEAFixtureMetadataToken==";
const CREDENTIALS: &str = "/latest/meta-data/iam/security-credentials/";
