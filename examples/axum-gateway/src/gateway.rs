//! The gateway itself: who may ask, where it goes, how it is signed.

use axum::Router;
use axum::body::Body;
use axum::middleware;
use http::Request;
use http::Response;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use sigv4_core::runtime::Authorizer;
use sigv4_tower::AnswerErrorsLayer;
use sigv4_tower::AnsweredError;
use sigv4_tower::BoxError;
use sigv4_tower::RecoverLayer;
use sigv4_tower::ReplayBody;
use sigv4_tower::SigV4Layer;
use sigv4_tower::SignedBody;
use sigv4_tower::UpstreamLayer;
use tower::Layer;
use tower::Service;
use tower::ServiceBuilder;

use crate::credentials::chain;
use crate::guard;
use crate::guard::Guard;

/// The client that sends what was signed.
pub type SigningClient<C> = Client<C, SignedRequestBody>;

/// The body of a signed request: sent again where AWS says that the credentials have ended.
pub type SignedRequestBody = SignedBody<ReplayBody<Body>>;

/// Puts the gateway together. `on_the_way` stands between the signature and the client, where
/// nothing may be changed any more; it is there for the demonstration, to show what happens then.
pub fn router<C, L, S>(
    guard: Guard,
    upstream: UpstreamLayer,
    authorizer: Authorizer,
    on_the_way: L,
    client: SigningClient<C>,
) -> Router
where
    C: Connect + Clone + Send + Sync + 'static,
    L: Layer<SigningClient<C>, Service = S>,
    S: Service<
            Request<SignedRequestBody>,
            Response = Response<hyper::body::Incoming>,
            Error: Into<BoxError>,
            Future: Send,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    let signed = ServiceBuilder::new()
        .layer(AnswerErrorsLayer::new())
        .layer(upstream)
        .layer(RecoverLayer::new(authorizer.clone()))
        .layer(SigV4Layer::new(authorizer))
        .layer(on_the_way)
        .service(client);
    Router::new()
        .fallback_service(signed)
        .layer(middleware::map_response(log))
        .layer(middleware::from_fn_with_state(guard, guard::check))
}

/// Prints why a request was answered here and not by the upstream.
async fn log(response: axum::response::Response) -> axum::response::Response {
    if let Some(answered) = response.extensions().get::<AnsweredError>() {
        eprintln!("{}: {}", response.status(), chain(answered.get()));
    }
    response
}
