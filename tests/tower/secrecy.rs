//! Nothing that a person may come to read holds a secret: neither `Debug` nor what `tracing` is
//! told, down to the last level and inside of the signer.

use std::convert::Infallible;
use std::fmt;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Full;
use sigv4_core::runtime::SigningReceipt;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::AnswerErrorsLayer;
use sigv4_tower::SigV4;
use sigv4_tower::SigV4Layer;
use sigv4_tower::SignedBody;
use sigv4_tower::UpstreamLayer;
use tower::Layer;
use tower::Service;
use tower::ServiceBuilder;
use tower::ServiceExt;
use tower::service_fn;
use tower_http::LatencyUnit;
use tower_http::trace::DefaultMakeSpan;
use tower_http::trace::DefaultOnRequest;
use tower_http::trace::DefaultOnResponse;
use tower_http::trace::TraceLayer;
use tracing::Level;
use tracing::Metadata;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing::span;

use crate::doubles::Recorder;
use crate::fixture::builder_with;
use crate::fixture::get;
use crate::fixture::hyper_client;
use crate::fixture::verified;

/// Writes down whatever `tracing` is told.
#[derive(Clone, Debug, Default)]
struct Scribe {
    text: Arc<Mutex<String>>,
}

impl Scribe {
    fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }
}

impl Subscriber for Scribe {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Pen(&mut self.text.lock().unwrap()));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Pen(&mut self.text.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Pen(&mut self.text.lock().unwrap()));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Pen<'a>(&'a mut String);

impl Visit for Pen<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        writeln!(self.0, "{field}={value:?}").unwrap();
    }
}

#[tokio::test]
async fn in_what_a_trace_layer_inside_of_the_signer_tells() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let host = server.authority();
    let scribe = Scribe::default();
    let guard = tracing::subscriber::set_default(scribe.clone());
    for service in ["sqs", "s3", "s3express"] {
        let authorizer = builder_with(secrets::temporary_credentials(), service, &host).build();
        let trace = TraceLayer::new_for_http()
            .make_span_with(
                DefaultMakeSpan::new()
                    .level(Level::TRACE)
                    .include_headers(true),
            )
            .on_request(DefaultOnRequest::new().level(Level::TRACE))
            .on_response(
                DefaultOnResponse::new()
                    .level(Level::TRACE)
                    .include_headers(true)
                    .latency_unit(LatencyUnit::Micros),
            );
        let client = ServiceBuilder::new()
            .layer(SigV4Layer::new(authorizer))
            .layer(trace)
            .service(hyper_client());
        let request = Request::put(format!("http://{host}/key")).body(Full::<Bytes>::from("body"));
        client.oneshot(request.unwrap()).await.unwrap();
    }
    // The judge may tell `tracing` what it likes.
    drop(guard);

    let text = scribe.text();
    assert!(
        text.contains("x-amz-date") && text.contains("started processing request"),
        "{text}"
    );
    for request in server.requests() {
        let signature = verified(&request, b"body").signature;
        secrets::assert_no_secret_nor(&text, &[&signature]);
    }
}

#[tokio::test]
async fn in_the_debug_of_any_type() {
    const HOST: &str = "s3.us-east-1.amazonaws.com";
    let uri = format!("https://{HOST}/key?X-Amz-Signature=stale");
    let authorizer = builder_with(secrets::temporary_credentials(), "s3", HOST).build();
    let layer = SigV4Layer::new(authorizer.clone());
    let mut texts = vec![format!("{layer:?}"), format!("{authorizer:#?}")];

    // Before and after there are credentials in the cache, and in every state of the future.
    let client = Recorder::new();
    let mut signer = layer.layer(client.clone());
    for _ in 0..2 {
        texts.push(format!("{signer:?}"));
        let body = Full::<Bytes>::from("body");
        let request = Request::put(&uri).body(body).unwrap();
        let future = signer.call(request);
        texts.push(format!("{future:?}"));
        let response = future.await.unwrap();
        texts.push(format!("{:?}", response.extensions()));
        texts.push(format!(
            "{:?}",
            response.extensions().get::<SigningReceipt>()
        ));
        let future = signer.call(get(&uri));
        texts.push(format!("{future:?}"));
    }
    texts.push(format!("{:?}", authorizer.credentials().await.unwrap()));

    // What the client gets, headers included.
    let authorization = client.heads()[0].headers()["authorization"].clone();
    let authorization = authorization.to_str().unwrap().to_owned();
    let signature = authorization.split("Signature=").nth(1).unwrap().to_owned();
    texts.extend(client.heads().iter().map(|head| format!("{head:?}")));
    let echo = service_fn(|request: Request<SignedBody<Full<Bytes>>>| async move {
        let text = format!("{request:?}");
        Ok::<_, Infallible>(Response::new(text))
    });
    let request = Request::put(&uri)
        .body(Full::<Bytes>::from("body"))
        .unwrap();
    let response = SigV4::new(echo, authorizer).oneshot(request).await.unwrap();
    texts.push(response.into_body());

    for text in texts {
        secrets::assert_no_secret_nor(&text, &[&signature]);
    }
}

#[tokio::test]
async fn in_any_error() {
    const HOST: &str = "s3.us-east-1.amazonaws.com";
    let secret = format!("X-Amz-Signature={}", "5d".repeat(32));
    let authorizer = || builder_with(secrets::temporary_credentials(), "s3", HOST).build();
    for request in [
        Request::get(format!("https://elsewhere.example.com/?{secret}")),
        Request::get(format!("http://{HOST}/?{secret}")),
        Request::get(format!("https://{HOST}/?{secret}")).header("authorization", &secret),
        Request::get(format!("https://{HOST}/?{secret}")).header("host", "evil.com"),
        Request::get(format!("https://{HOST}/?{secret}")).header("content-length", &secret),
    ] {
        let request = request.body(Full::<Bytes>::from("body")).unwrap();
        let client = SigV4::new(Recorder::new(), authorizer());
        let error = client.oneshot(request).await.unwrap_err();
        let text = format!("{error} {error:?} {error:#?}");
        secrets::assert_no_secret_nor(&text, &[&"5d".repeat(32)]);
        assert!(!text.contains("X-Amz-Signature"), "{text}");
    }
}

#[test]
fn in_what_the_layers_of_a_proxy_show() {
    let upstream = UpstreamLayer::new("https://s3.us-east-1.amazonaws.com").unwrap();
    let authorizer = builder_with(secrets::temporary_credentials(), "s3", "a").build();
    let stack = ServiceBuilder::new()
        .layer(AnswerErrorsLayer::new())
        .layer(upstream)
        .layer(SigV4Layer::new(authorizer))
        .service(Recorder::new());
    secrets::assert_no_secret(&format!("{stack:?}"));
}
