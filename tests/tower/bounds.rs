//! The types fit where they are meant to be put: what compiles here is the test.

use std::convert::Infallible;

use axum::Router;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::AnswerBody;
use sigv4_tower::AnswerErrors;
use sigv4_tower::AnswerErrorsLayer;
use sigv4_tower::ResponseFuture;
use sigv4_tower::SigV4;
use sigv4_tower::SigV4Layer;
use sigv4_tower::SignedBody;
use sigv4_tower::Upstream;
use sigv4_tower::UpstreamLayer;
use tower::ServiceBuilder;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use tower_http::map_request_body::MapRequestBodyLayer;

use crate::fixture::HyperClient;
use crate::fixture::authorizer;
use crate::fixture::hyper_client;
use crate::fixture::send;
use crate::fixture::signing;
use crate::fixture::verified;
use crate::shared::body::Pieces;

type Body = axum::body::Body;

const fn is_shareable<T: Clone + Send + Sync + 'static>() {}
const fn is_send<T: Send + 'static>() {}
const fn is_unpin<T: Unpin>() {}

#[test]
fn what_is_shared_can_be() {
    is_shareable::<SigV4Layer>();
    is_shareable::<UpstreamLayer>();
    is_shareable::<AnswerErrorsLayer>();
    is_shareable::<AnswerErrors<Upstream<SigV4<HyperClient<Body>>>>>();
    is_shareable::<SigV4<HyperClient<Incoming>>>();
    is_send::<ResponseFuture<HyperClient<Body>, Body>>();
    is_send::<SignedBody<Body>>();
    is_unpin::<SignedBody<Full<Bytes>>>();
    is_unpin::<AnswerBody<Incoming>>();
}

#[test]
fn axum_takes_the_stack_as_a_fallback() {
    let client: HyperClient<Body> = hyper_client();
    let stack = ServiceBuilder::new()
        .layer(AnswerErrorsLayer::new())
        .layer(UpstreamLayer::new("https://sqs.us-east-1.amazonaws.com").unwrap())
        .layer(SigV4Layer::new(authorizer(
            "sqs",
            "sqs.us-east-1.amazonaws.com",
        )))
        .service(client);
    let _: Router = Router::new()
        .route_service("/one", stack.clone())
        .nest_service("/two", stack.clone())
        .fallback_service(stack);
}

#[test]
fn a_stack_can_be_boxed() {
    type Boxed =
        BoxCloneSyncService<Request<Full<Bytes>>, Response<AnswerBody<Incoming>>, Infallible>;

    let stack = ServiceBuilder::new()
        .layer(AnswerErrorsLayer::new())
        .service(signing(authorizer("sqs", "sqs.us-east-1.amazonaws.com")));
    let _: Boxed = BoxCloneSyncService::new(stack);
}

#[tokio::test]
async fn a_client_with_a_body_type_of_its_own_is_bridged() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    // Takes one kind of body, whatever the program makes.
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    let mut client = ServiceBuilder::new()
        .layer(SigV4Layer::new(authorizer("sqs", &server.authority())))
        .layer(MapRequestBodyLayer::new(Body::new::<SignedBody<Pieces>>))
        .service(client);
    let request = Request::post(format!("{}/", server.url())).body(Pieces::of(["one ", "two"]));
    send(&mut client, request.unwrap()).await.unwrap();
    verified(&server.only_request(), b"one two");
}

#[tokio::test]
async fn a_body_need_not_be_sync() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let body = Full::<Bytes>::from("body").boxed_unsync();
    let request = Request::post(server.url()).body(body).unwrap();
    let client = signing(authorizer("sqs", &server.authority()));
    client.oneshot(request).await.unwrap();
    verified(&server.only_request(), b"body");
}

#[test]
fn the_service_inside_can_be_reached() {
    let client: HyperClient<Full<Bytes>> = hyper_client();
    let mut signer = SigV4::new(client, authorizer("sqs", "sqs.us-east-1.amazonaws.com"));
    let _: &HyperClient<_> = signer.get_ref();
    let _: &mut HyperClient<_> = signer.get_mut();
    let _: HyperClient<Full<Bytes>> = signer.into_inner();
}
