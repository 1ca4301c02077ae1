//! Event streams through a signer and a hyper client, over HTTP/2 and HTTP/1.1.

use http::Request;
use http::Version;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::TokioExecutor;
use sigv4_core::runtime::Authorizer;
use sigv4_tower::BoxError;
use sigv4_tower::RecoverLayer;
use sigv4_tower::SigV4Layer;
use tower::ServiceBuilder;
use tower::ServiceExt;

use crate::shared::body::Live;
use crate::shared::event_scenarios as scenarios;
use crate::shared::event_scenarios::Client;

struct Tower(Version);

const CLIENTS: [Tower; 2] = [Tower(Version::HTTP_2), Tower(Version::HTTP_11)];

impl Client for Tower {
    fn version(&self) -> Version {
        self.0
    }

    fn send(&self, authorizer: &Authorizer, request: Request<Live>) -> scenarios::Sending {
        let client = HyperClient::builder(TokioExecutor::new())
            .http2_only(self.0 == Version::HTTP_2)
            .build_http();
        let service = ServiceBuilder::new()
            .layer(RecoverLayer::new(authorizer.clone()).replay_limit(1024 * 1024))
            .layer(SigV4Layer::new(authorizer.clone()))
            .service(client);
        Box::pin(async move {
            let answer = service.oneshot(request).await?;
            Ok(answer.map(|body| body.map_err(BoxError::from).boxed()))
        })
    }
}

#[tokio::test]
async fn both_sides_talk_at_once() {
    for client in &CLIENTS {
        scenarios::both_sides_talk_at_once(client).await;
    }
}

#[tokio::test]
async fn a_stream_without_events_has_an_end() {
    for client in &CLIENTS {
        scenarios::a_stream_without_events_has_an_end(client).await;
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_has_no_end() {
    for client in &CLIENTS {
        scenarios::a_stream_that_breaks_off_has_no_end(client).await;
    }
}

#[tokio::test]
async fn a_stream_is_as_long_as_it_declared() {
    for client in &CLIENTS {
        scenarios::a_stream_is_as_long_as_it_declared(client).await;
    }
}

#[tokio::test]
async fn an_exception_is_an_error() {
    for client in &CLIENTS {
        scenarios::an_exception_is_an_error(client).await;
    }
}

#[tokio::test]
async fn midnight_passes() {
    for client in &CLIENTS {
        scenarios::midnight_passes(client).await;
    }
}

#[tokio::test]
async fn the_clock_of_the_host_is_that_of_the_events() {
    for client in &CLIENTS {
        scenarios::the_clock_of_the_host_is_that_of_the_events(client).await;
    }
}

#[tokio::test]
async fn credentials_stay_for_the_whole_stream() {
    for client in &CLIENTS {
        scenarios::credentials_stay_for_the_whole_stream(client).await;
    }
}

#[tokio::test]
async fn overrides_reach_the_events() {
    for client in &CLIENTS {
        scenarios::overrides_reach_the_events(client).await;
    }
}

#[tokio::test]
async fn what_cannot_be_signed_is_not_sent() {
    for client in &CLIENTS {
        scenarios::what_cannot_be_signed_is_not_sent(client).await;
    }
}

#[tokio::test]
async fn a_refused_stream_is_not_sent_again() {
    for client in &CLIENTS {
        scenarios::a_refused_stream_is_not_sent_again(client).await;
    }
}
