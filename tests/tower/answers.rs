//! Errors as answers: which status, and what the answer says and does not say.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Empty;
use http_body_util::Full;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::StickyChain;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::AnswerErrorsLayer;
use sigv4_tower::AnsweredError;
use sigv4_tower::BoxError;
use sigv4_tower::SigV4Layer;
use sigv4_tower::SignedBody;
use sigv4_tower::UpstreamLayer;
use tower::ServiceBuilder;
use tower::ServiceExt;
use tower::service_fn;

use crate::doubles::Recorder;
use crate::fixture::authorizer;
use crate::fixture::builder;
use crate::fixture::builder_with;
use crate::fixture::hyper_client;
use crate::fixture::signing_error;
use crate::shared::body::Pieces;
use crate::shared::body::Step;
use crate::shared::clock::TestClock;
use crate::shared::credentials::Failing;
use crate::shared::credentials::Gate;
use crate::shared::peer::Peer;

const HOST: &str = "sqs.us-east-1.amazonaws.com";
const UPSTREAM: &str = "https://sqs.us-east-1.amazonaws.com";

/// Sends a request through the stack of a proxy, whose client must not be called.
async fn answer(authorizer: Authorizer, request: Request<Pieces>) -> Response<Bytes> {
    let client = Recorder::new();
    let proxy = ServiceBuilder::new()
        .layer(AnswerErrorsLayer::new())
        .layer(
            UpstreamLayer::new(UPSTREAM)
                .unwrap()
                .strip_path_prefix("/sqs"),
        )
        .layer(SigV4Layer::new(authorizer))
        .service(client.clone());
    let response = proxy.oneshot(request).await.unwrap();
    assert_eq!(client.calls(), 0);
    let (head, body) = response.into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

fn post(target: &str) -> Request<Pieces> {
    Request::post(target).body(Pieces::of(["body"])).unwrap()
}

fn with_header(name: &'static str, value: &'static str) -> Request<Pieces> {
    let mut request = post("/sqs/");
    request
        .headers_mut()
        .append(name, HeaderValue::from_static(value));
    request
}

/// A request with more headers than any client sends.
fn full_of_headers() -> Request<Pieces> {
    let mut request = post("/sqs/");
    for at in 0..10_000 {
        let name = HeaderName::try_from(format!("x-{at}")).unwrap();
        request
            .headers_mut()
            .append(name, HeaderValue::from_static("1"));
    }
    request
}

#[tokio::test]
async fn each_error_has_its_status() {
    let sqs = || authorizer("sqs", HOST);
    let unsigned = SigningOverrides::new().payload(PayloadMode::Unsigned);
    let not_taken = {
        let mut request = post("/sqs/");
        request.extensions_mut().insert(unsigned);
        request
    };
    let twice = |name: &'static str, first, second| {
        let mut request = with_header(name, first);
        let second = HeaderValue::from_static(second);
        request.headers_mut().append(name, second);
        request
    };
    let two_hosts = twice("host", "a", "b");
    let two_types = twice("content-type", "text/plain", "text/html");
    let two_lengths = twice("content-length", "4", "5");
    let not_ascii = {
        let mut request = post("/sqs/");
        let value = HeaderValue::from_bytes(b"J\xfcrgen").unwrap();
        request.headers_mut().append("x-name", value);
        request
    };
    let websocket = {
        let mut request = with_header("connection", "upgrade");
        let value = HeaderValue::from_static("websocket");
        request.headers_mut().append("upgrade", value);
        request
    };
    let failing = builder_with(Failing::always(), "sqs", HOST).build();
    let unset = builder_with(StickyChain::new::<&str>([]), "sqs", HOST).build();
    for (name, authorizer, request, status, text) in [
        (
            "no credentials",
            failing,
            post("/sqs/"),
            503,
            "there are no usable credentials",
        ),
        (
            "no credentials, and none configured",
            unset,
            post("/sqs/"),
            503,
            "there are no usable credentials",
        ),
        (
            "a body over the limit",
            builder("sqs", HOST).body_limit(3).build(),
            post("/sqs/"),
            413,
            "longer than the 3 bytes",
        ),
        (
            "an upstream out of scope",
            authorizer("sqs", "elsewhere.example.com"),
            post("/sqs/"),
            403,
            "not in the host scope",
        ),
        (
            "a path of no upstream",
            sqs(),
            post("/s3/"),
            404,
            "leads to no upstream",
        ),
        (
            "dot segments",
            sqs(),
            post("/sqs/%2e%2e/x"),
            400,
            "dot segment",
        ),
        (
            "empty segments",
            sqs(),
            post("/sqs//x"),
            400,
            "empty segment",
        ),
        (
            "a transfer coding that would be lost",
            sqs(),
            with_header("transfer-encoding", "gzip, chunked"),
            501,
            "transfer coding",
        ),
        ("two hosts", sqs(), two_hosts, 400, "more than one host"),
        ("a WebSocket", sqs(), websocket, 501, "WebSocket"),
        (
            "a value that is not ASCII",
            sqs(),
            not_ascii,
            400,
            "`x-name` has a value",
        ),
        (
            "two types of a body",
            sqs(),
            two_types,
            400,
            "more than one Content-Type",
        ),
        (
            "two lengths of a body",
            sqs(),
            two_lengths,
            400,
            "several that differ",
        ),
        (
            "trailers",
            sqs(),
            post("/sqs/").map(|body| body.then(Step::Trailers)),
            400,
            "trailers",
        ),
        (
            "a client that breaks off",
            sqs(),
            post("/sqs/").map(|body| body.then(Step::Failure)),
            400,
            "could not be read to its end",
        ),
        (
            "more headers than can be signed",
            sqs(),
            full_of_headers(),
            431,
            "too many headers",
        ),
        (
            "a length that is wrong",
            sqs(),
            with_header("content-length", "5"),
            400,
            "not as long as it declared",
        ),
        (
            "a payload mode that the service does not take",
            sqs(),
            not_taken,
            400,
            "does not accept an unsigned payload",
        ),
    ] {
        let response = answer(authorizer, request).await;
        assert_eq!(response.status(), status, "{name}");
        let said = std::str::from_utf8(response.body()).unwrap();
        assert!(
            said.contains(text) && said.ends_with('\n'),
            "{name}: {said}"
        );
        assert_eq!(
            response.headers()["content-type"],
            "text/plain; charset=utf-8",
            "{name}"
        );
        assert_eq!(response.headers()["cache-control"], "no-store", "{name}");
        let retry_after = response.headers().get("retry-after");
        assert_eq!(retry_after.is_some(), status == 503, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_to_come_again_at_once() {
    let clock = TestClock::new();
    let credentials = CredentialsCache::builder(Gate::closed())
        .clock(clock.clone())
        .build();
    let signer = Signer::builder("sqs", "us-east-1").build().unwrap();
    let scope = HostScope::exact([HOST]).unwrap();
    let authorizer = Authorizer::builder(signer, credentials, scope).build();
    // The source does not answer, and the next request may ask it again.
    let (response, ()) = tokio::join!(answer(authorizer, post("/sqs/")), async {
        clock.advance(5);
    });
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
}

#[tokio::test]
async fn a_target_that_does_not_fit_below_the_upstream_is_too_long() {
    let client = Recorder::new();
    let upstream = format!("{UPSTREAM}/{}", "a".repeat(1000));
    let proxy = ServiceBuilder::new()
        .layer(AnswerErrorsLayer::new())
        .layer(UpstreamLayer::new(&upstream).unwrap())
        .layer(SigV4Layer::new(authorizer("sqs", HOST)))
        .service(client.clone());
    let request = post(&format!("/{}", "b".repeat(65_000)));
    assert_eq!(proxy.oneshot(request).await.unwrap().status(), 414);
    assert_eq!(client.calls(), 0);
}

#[tokio::test]
async fn the_error_itself_is_kept_for_the_log() {
    let failing = builder_with(Failing::always(), "sqs", HOST).build();
    let response = answer(failing, post("/sqs/")).await;
    let answered = response.extensions().get::<AnsweredError>().unwrap();
    let error = answered.get().downcast_ref::<sigv4_core::Error>().unwrap();
    assert_eq!(error.kind(), ErrorKind::Credentials);

    let response = answer(authorizer("sqs", HOST), post("/s3/")).await;
    let answered = response.extensions().get::<AnsweredError>().unwrap();
    let error = answered.get().downcast_ref::<sigv4_tower::Error>().unwrap();
    assert_eq!(error.kind(), sigv4_tower::ErrorKind::NoRoute);
}

#[tokio::test]
async fn an_error_of_the_client_says_nothing_to_the_outside() {
    let client = service_fn(|_: Request<SignedBody<Empty<Bytes>>>| async {
        let error = io::Error::other("10.1.2.3:443 refused; Authorization: secret");
        Err::<Response<Empty<Bytes>>, BoxError>(error.into())
    });
    let proxy = ServiceBuilder::new()
        .layer(AnswerErrorsLayer::new())
        .layer(SigV4Layer::new(authorizer("sqs", HOST)))
        .service(client);
    let request = Request::get(UPSTREAM).body(Empty::new()).unwrap();
    let response = proxy.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 502);
    let answered = response
        .extensions()
        .get::<AnsweredError>()
        .unwrap()
        .clone();
    assert!(answered.get().to_string().contains("10.1.2.3"));
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(text, "the upstream could not be reached\n");
}

#[tokio::test]
async fn an_error_is_found_in_what_the_client_wraps_it_into() {
    let peer = Peer::start().await;
    let authority = peer.authority();
    let client = async move {
        let overrides = SigningOverrides::new().payload(PayloadMode::Unsigned);
        let request = Request::put(format!("http://{authority}/bucket/key"))
            .header("content-length", "5")
            .extension(overrides)
            .body(Pieces::of(["hell"]))
            .unwrap();
        let proxy = ServiceBuilder::new()
            .layer(AnswerErrorsLayer::new())
            .layer(SigV4Layer::new(authorizer("s3", &authority)))
            .service(hyper_client());
        proxy.oneshot(request).await.unwrap().map(drop)
    };
    let (response, _) = peer.observe(client).await;
    assert_eq!(response.status(), 400);
    let answered = response.extensions().get::<AnsweredError>().unwrap();
    // The error is that of the client, with that of the signer somewhere inside.
    assert!(answered.get().downcast_ref::<sigv4_core::Error>().is_none());
    let error: BoxError = Box::new(Shared(answered.clone()));
    assert_eq!(signing_error(&error).kind(), ErrorKind::BodyLength);
}

/// An error that stands in for the one that was answered.
#[derive(Debug)]
struct Shared(AnsweredError);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.get(), f)
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.get().source()
    }
}

#[tokio::test]
async fn the_answer_of_the_upstream_is_passed_on() {
    let server = WireServer::start(|_| {
        WireResponse::new(403)
            .header("x-amzn-requestid", "1")
            .body("<Error/>")
    })
    .await;
    let host = server.authority();
    let authorizer = builder_with(secrets::temporary_credentials(), "s3", &host).build();
    let proxy = ServiceBuilder::new()
        .layer(AnswerErrorsLayer::new())
        .layer(SigV4Layer::new(authorizer))
        .service(hyper_client());
    let request = Request::put(format!("http://{host}/")).body(Full::<Bytes>::from("body"));
    let response = proxy.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["x-amzn-requestid"], "1");
    assert!(response.extensions().get::<AnsweredError>().is_none());
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(text, "<Error/>");
}
