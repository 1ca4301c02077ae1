//! A route at work: the layers that a request passes on its way to the upstream.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::Placement;
use sigv4_tower::AnswerBody;
use sigv4_tower::AnswerErrors;
use sigv4_tower::AnswerErrorsLayer;
use sigv4_tower::Recover;
use sigv4_tower::RecoverLayer;
use sigv4_tower::RecoveredBody;
use sigv4_tower::SigV4;
use sigv4_tower::SigV4Layer;
use sigv4_tower::Upstream;
use tower::Service;
use tower::ServiceBuilder;

use crate::body::Inbound;
use crate::client::Clients;
use crate::client::Sender;
use crate::config;
use crate::server::Upload;
use crate::stats::RouteStats;
use crate::stats::Stats;

/// What a request passes, from the outside in.
type Stack = AnswerErrors<Upstream<Recover<SigV4<Sender>>>>;

/// The body of an answer as the stack gives it.
pub type UpstreamBody = AnswerBody<RecoveredBody<Incoming>>;

/// The answer on its way. Whatever happens, there is one.
pub type UpstreamFuture = <Stack as Service<Request<Inbound>>>::Future;

/// A route at work.
pub struct Route {
    name: Arc<str>,
    matches: config::Match,
    stack: Stack,
    stats: RouteStats,
    idle: Duration,
}

impl Route {
    /// Puts the layers of a route together.
    #[must_use]
    pub fn new(
        route: &config::Route,
        credentials: CredentialsCache,
        clients: &mut Clients,
        stats: &Stats,
    ) -> Self {
        let stats = stats.route(&route.name);
        let placement = match route.in_query {
            Some(lifetime) => Placement::query(lifetime),
            None => Placement::Headers,
        };
        let authorizer =
            Authorizer::builder(route.signer.clone(), credentials, route.scope.clone())
                .payload(route.payload)
                .body_limit(route.body_limit)
                .placement(placement)
                .on_signed({
                    let stats = stats.clone();
                    move |_, took| stats.signing_took(took)
                })
                .build();
        let client = clients.get(route.protocol, route.timeouts.connect);
        // One order is right. Who answers for errors stands outside of all that may fail; what a
        // client sent is cleaned before it is signed; a request is signed anew when it is sent
        // again; and between the signature and the client nothing changes it any more.
        let stack = ServiceBuilder::new()
            .layer(AnswerErrorsLayer::new())
            .layer(route.layer.clone())
            .layer(RecoverLayer::new(authorizer.clone()))
            .layer(SigV4Layer::new(authorizer))
            .service(Sender::new(client, route.timeouts.answer));
        Self {
            name: Arc::clone(&route.name),
            matches: route.matches.clone(),
            stack,
            stats,
            idle: route.timeouts.idle,
        }
    }

    /// Sends a request on its way.
    #[must_use]
    pub fn send(self: &Arc<Self>, request: Request<Incoming>, upload: Upload) -> UpstreamFuture {
        let request = request.map(|body| Inbound::new(body, Arc::clone(self), upload));
        // All services in the stack are always ready: so is a client that opens connections as it
        // needs them.
        self.stack.clone().call(request)
    }

    /// Returns its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns which requests it takes.
    #[must_use]
    pub const fn matches(&self) -> &config::Match {
        &self.matches
    }

    /// Returns its counters.
    #[must_use]
    pub const fn stats(&self) -> &RouteStats {
        &self.stats
    }

    /// Returns how long the next bytes of a body may take.
    #[must_use]
    pub const fn idle(&self) -> Duration {
        self.idle
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
