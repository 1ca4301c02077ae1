//! Event streams through the middleware, over HTTP/2 and HTTP/1.1.

use http::Extensions;
use http::Request;
use http::Version;
use http_body_util::BodyExt;
use reqwest::Body;
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::ClientWithMiddleware;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_reqwest::SigV4Middleware;

use crate::shared::body::Live;
use crate::shared::event_scenarios as scenarios;
use crate::shared::event_scenarios::BoxError;
use crate::shared::event_scenarios::Client;
use crate::shared::event_server::EventServer;
use crate::shared::event_server::Manner;

struct Reqwest(Version);

const CLIENTS: [Reqwest; 2] = [Reqwest(Version::HTTP_2), Reqwest(Version::HTTP_11)];

impl Reqwest {
    fn client(&self, authorizer: &Authorizer) -> ClientWithMiddleware {
        let client = reqwest::Client::builder()
            .redirect(sigv4_reqwest::redirect_policy())
            .no_proxy();
        let client = match self.0 {
            Version::HTTP_2 => client.http2_prior_knowledge(),
            _ => client.http1_only(),
        };
        ClientBuilder::new(client.build().unwrap())
            .with(SigV4Middleware::new(authorizer.clone()))
            .build()
    }
}

impl Client for Reqwest {
    fn version(&self) -> Version {
        self.0
    }

    fn send(&self, authorizer: &Authorizer, mut request: Request<Live>) -> scenarios::Sending {
        let client = self.client(authorizer);
        let mut extensions = Extensions::new();
        if let Some(overrides) = request.extensions_mut().remove::<SigningOverrides>() {
            extensions.insert(overrides);
        }
        Box::pin(async move {
            let request = request.map(Body::wrap).try_into()?;
            let answer = client.execute_with_extensions(request, &mut extensions);
            let answer = http::Response::<Body>::from(answer.await?);
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

/// What is in memory as a whole is no stream yet: it can be signed anew from its beginning, as the
/// events that it holds are.
#[tokio::test]
async fn a_refused_stream_that_is_in_memory_is_signed_again() {
    const MANNERS: &[Manner] = &[
        Manner::RefusesAtTheEnd("ExpiredToken", "Sun, 30 Aug 2015 12:36:00 GMT"),
        Manner::Talks,
    ];
    for client in &CLIENTS {
        let mut server = EventServer::start(client.version(), MANNERS).await;
        let (authorizer, _) = scenarios::rotating(&server);
        let events = [scenarios::event("one"), scenarios::event("two")].concat();
        let url = format!("http://{}/", server.authority());
        let request = reqwest::Client::new().post(url).body(events);
        let client = client.client(&authorizer);
        let answer = client.execute(request.build().unwrap());
        assert_eq!(answer.await.unwrap().status(), 200);
        for id in ["AKID1", "AKID2"] {
            assert_eq!(server.opened().await.0.access_key_id, id);
            for text in ["one", "two"] {
                assert_eq!(server.heard().await.0, text);
            }
            server.ended().await;
        }
    }
}
