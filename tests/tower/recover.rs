//! Recovery: what AWS says of credentials and clocks is acted upon, once and within bounds, and
//! every other answer comes as it is.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Empty;
use http_body_util::Full;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::SizeHint;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::AuthorizerBuilder;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::SigningReceipt;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Verified;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::BoxError;
use sigv4_tower::Recover;
use sigv4_tower::RecoverLayer;
use sigv4_tower::SigV4;
use sigv4_tower::SigV4Layer;
use tokio::time::Instant;
use tower::Layer;
use tower::Service;
use tower::ServiceExt;

use crate::fixture::REGION;
use crate::fixture::builder;
use crate::fixture::hyper_client;
use crate::fixture::send;
use crate::fixture::signing_error;
use crate::fixture::verified;
use crate::shared::body::Pieces;
use crate::shared::body::Step;
use crate::shared::clock::DATE;
use crate::shared::clock::TestClock;

const URI: &str = "https://sqs.us-east-1.amazonaws.com/queue";

/// Hands out other credentials each time it is asked: the tokens `token-1`, `token-2`, …
#[derive(Clone, Debug)]
struct Rotating {
    calls: Arc<AtomicU64>,
    /// The clock of the cache, by which each call takes two seconds: a cache does not ask more
    /// often than once a second.
    clock: TestClock,
}

impl Default for Rotating {
    fn default() -> Self {
        Self {
            calls: Arc::default(),
            clock: TestClock::new(),
        }
    }
}

impl Rotating {
    fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.clock.advance(2);
        future::ProvideCredentials::ready(Ok(Credentials::new(
            secrets::ACCESS_KEY_ID,
            secrets::SECRET_ACCESS_KEY,
            Some(format!("token-{number}")),
            None,
            "rotating",
        )))
    }
}

fn rotating(provider: &Rotating, service: &str, clock: &TestClock) -> AuthorizerBuilder {
    let signer = Signer::builder(service, REGION).build().unwrap();
    let cache = CredentialsCache::builder(provider.clone())
        .clock(provider.clock.clone())
        .build();
    Authorizer::builder(signer, cache, HostScope::danger_any_host()).clock(clock.clone())
}

/// Stands where AWS would: answers each request when it has read its body, or at once.
#[derive(Clone)]
struct Aws {
    answer: Arc<Answering>,
    requests: Arc<Mutex<Vec<Request<Bytes>>>>,
    reads: bool,
}

type Answering = dyn Fn(&Request<Bytes>) -> Result<Response<Pieces>, BoxError> + Send + Sync;

impl Aws {
    fn answering(
        answer: impl Fn(&Request<Bytes>) -> Response<Pieces> + Send + Sync + 'static,
    ) -> Self {
        Self::trying(move |request| Ok(answer(request)))
    }

    fn trying(
        answer: impl Fn(&Request<Bytes>) -> Result<Response<Pieces>, BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            answer: Arc::new(answer),
            requests: Arc::default(),
            reads: true,
        }
    }

    /// Lets the bodies of the requests be.
    fn at_once(mut self) -> Self {
        self.reads = false;
        self
    }

    fn behind(&self, authorizer: Authorizer) -> Recover<SigV4<Self>> {
        self.behind_layer(authorizer.clone(), &RecoverLayer::new(authorizer))
    }

    fn behind_layer(&self, authorizer: Authorizer, layer: &RecoverLayer) -> Recover<SigV4<Self>> {
        layer.layer(SigV4Layer::new(authorizer).layer(self.clone()))
    }

    fn requests(&self) -> Vec<Request<Bytes>> {
        self.requests.lock().unwrap().clone()
    }

    fn calls(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

impl<B> Service<Request<B>> for Aws
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Pieces>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Pieces>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = if this.reads {
                body.collect().await.map_err(Into::into)?.to_bytes()
            } else {
                Bytes::new()
            };
            let request = Request::from_parts(head, body);
            this.requests.lock().unwrap().push(request.clone());
            (this.answer)(&request)
        })
    }
}

fn post(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(URI).body(Full::new(body.into())).unwrap()
}

#[track_caller]
fn judged(request: &Request<Bytes>) -> Verified {
    oracle::verify(request, request.body(), secrets::SECRET_ACCESS_KEY).unwrap()
}

fn tokens(aws: &Aws) -> Vec<String> {
    let requests = aws.requests();
    let token = |request| judged(request).token.unwrap_or_default();
    requests.iter().map(token).collect()
}

fn dates(aws: &Aws) -> Vec<String> {
    let requests = aws.requests();
    requests
        .iter()
        .map(|request| judged(request).date)
        .collect()
}

fn ok() -> Response<Pieces> {
    Response::new(Pieces::of(["fine"]))
}

/// A refusal with the code in a JSON body.
fn refusal(code: &str) -> Response<Pieces> {
    let body = format!(r#"{{"__type":"{code}","message":"no"}}"#);
    let mut response = Response::new(Pieces::of([body]));
    *response.status_mut() = http::StatusCode::FORBIDDEN;
    response
}

/// Adds the date that is so many seconds after that of the test clock at its start.
fn dated(mut response: Response<Pieces>, seconds: i64) -> Response<Pieces> {
    let seconds = (12 * 60 + 36) * 60 + seconds;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let date = format!("Sun, 30 Aug 2015 {hour:02}:{minute:02}:{second:02} GMT");
    response.headers_mut().insert("date", date.parse().unwrap());
    response
}

fn has_token(request: &Request<Bytes>, token: &str) -> bool {
    request
        .headers()
        .get("x-amz-security-token")
        .is_some_and(|value| value == token)
}

async fn text<B: Body<Data = Bytes, Error = io::Error>>(response: Response<B>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn replaces_credentials_that_have_ended() {
    type Form = fn() -> Response<Pieces>;
    let forms: [(&str, Form); 5] = [
        ("json, the code at last", || {
            let pieces = [
                r#"{"message":"The token is over","#,
                r#""code":"InvalidToken"}"#,
            ];
            refusal("").map(|_| Pieces::of(pieces))
        }),
        ("json", || {
            refusal("com.amazon.coral.service#ExpiredTokenException")
        }),
        ("header", || {
            let mut response = refusal("Other");
            let code = "ExpiredTokenException:http://internal.amazon.com/coral/";
            response
                .headers_mut()
                .insert("x-amzn-errortype", code.parse().unwrap());
            response
        }),
        ("s3", || {
            let xml = "<?xml version=\"1.0\"?>\n<Error><Code>ExpiredToken</Code></Error>";
            let mut response =
                Response::new(Pieces::of([&xml[..30], &xml[30..]]).then(Step::Pause));
            *response.status_mut() = http::StatusCode::BAD_REQUEST;
            response
        }),
        ("sts", || {
            let xml = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error>";
            refusal(xml).map(|_| Pieces::of([xml]).then(Step::Hang))
        }),
    ];
    for (name, form) in forms {
        let aws = Aws::answering(move |request| {
            if has_token(request, "token-1") {
                form()
            } else {
                ok()
            }
        });
        let provider = Rotating::default();
        let authorizer = rotating(&provider, "sqs", &TestClock::new()).build();
        let mut client = aws.behind(authorizer);
        let body = "replayed byte for byte, \u{e4}";
        let answer = send(&mut client, post(body)).await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        let receipt = answer.extensions().get::<SigningReceipt>().unwrap();
        assert_eq!(receipt.credential_generation(), 2, "{name}");
        assert_eq!(text(answer).await, "fine", "{name}");

        assert_eq!(tokens(&aws), ["token-1", "token-2"], "{name}");
        assert!(aws.requests().iter().all(|request| request.body() == body));
        // Those that come later need no recovery.
        send(&mut client, post("later")).await.unwrap();
        assert_eq!(tokens(&aws).len(), 3, "{name}");
        assert_eq!(provider.calls(), 2, "{name}");
    }
}

#[tokio::test]
async fn a_late_refusal_of_old_credentials_replaces_nothing() {
    let aws = Aws::answering(|request| {
        if has_token(request, "token-1") {
            refusal("ExpiredToken")
        } else {
            ok()
        }
    });
    let provider = Rotating::default();
    let authorizer = rotating(&provider, "sqs", &TestClock::new()).build();
    authorizer.credentials().await.unwrap();
    let mut client = aws.behind(authorizer);
    // Both are signed before either is answered.
    let early = client.call(post(""));
    let late = client.call(post(""));
    assert_eq!(early.await.unwrap().status(), 200);
    assert_eq!(provider.calls(), 2);
    assert_eq!(late.await.unwrap().status(), 200);
    assert_eq!(tokens(&aws), ["token-1", "token-2", "token-1", "token-2"]);
    assert_eq!(provider.calls(), 2);
}

#[tokio::test]
async fn the_second_request_is_made_of_the_first_as_it_came() {
    let aws = Aws::answering(|request| {
        if has_token(request, "token-1") {
            refusal("ExpiredToken")
        } else {
            ok()
        }
    });
    let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
    let overrides = SigningOverrides::new()
        .service("s3")
        .and_then(|overrides| overrides.region("eu-west-3"))
        .unwrap();
    let request = Request::put("https://user@Bucket.example.com:443/a//b?x=1&a=%7e")
        .header("x-amz-meta-a", "1")
        .header("x-amz-meta-a", "2")
        .header("content-type", "text/plain")
        .extension(overrides)
        .extension("of the program")
        .body(Pieces::of(["in ", "several", " pieces"]).then(Step::Pause))
        .unwrap();
    let answer = send(&mut aws.behind(authorizer), request).await.unwrap();
    assert_eq!(answer.status(), 200);

    let requests = aws.requests();
    let [first, second] = &requests[..] else {
        panic!("{requests:?} are two");
    };
    let own = ["authorization", "x-amz-security-token"];
    let without_own = |request: &Request<Bytes>| {
        let mut headers: HeaderMap = request.headers().clone();
        own.iter().for_each(|name| drop(headers.remove(*name)));
        headers
    };
    assert_eq!(without_own(first), without_own(second));
    assert_eq!(first.uri(), second.uri());
    assert_eq!(first.method(), second.method());
    assert_eq!(first.version(), second.version());
    for request in [first, second] {
        let verified = judged(request);
        assert_eq!((&*verified.service, &*verified.region), ("s3", "eu-west-3"));
        assert_eq!(request.body(), "in several pieces");
        assert_eq!(request.extensions().get(), Some(&"of the program"));
    }
}

#[tokio::test]
async fn corrects_the_clock_of_each_host() {
    // One of the two hosts is ten minutes ahead.
    let aws = Aws::answering(|request| {
        let date = request.headers()["x-amz-date"].to_str().unwrap();
        match request.uri().host() {
            Some("ahead.example.com") if date == DATE => {
                dated(refusal("RequestTimeTooSkewed"), 600)
            }
            _ => ok(),
        }
    });
    let clock = TestClock::new();
    let authorizer = rotating(&Rotating::default(), "sqs", &clock).build();
    let mut client = aws.behind(authorizer);
    for uri in [
        "https://ahead.example.com/",
        "https://AHEAD.example.com:443/",
        "https://right.example.com/",
    ] {
        let request = Request::post(uri).body(Full::<Bytes>::from("body"));
        let answer = send(&mut client, request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200, "{uri}");
    }
    assert_eq!(
        dates(&aws),
        [DATE, "20150830T124600Z", "20150830T124600Z", DATE]
    );
    // It goes with the clock, and nothing was fetched for it.
    clock.advance(5);
    let request = Request::get("https://ahead.example.com/").body(Full::<Bytes>::default());
    send(&mut client, request.unwrap()).await.unwrap();
    assert_eq!(dates(&aws).last().unwrap(), "20150830T124605Z");
}

#[tokio::test]
async fn nothing_is_believed_without_https_but_from_loopback() {
    for (uri, calls) in [
        ("http://sqs.example.com/", 1),
        ("https://sqs.example.com/", 2),
        ("http://127.0.0.1:1/", 2),
    ] {
        let aws = Aws::answering(|_| dated(refusal("RequestTimeTooSkewed"), 600));
        let signer = Signer::builder("sqs", REGION).build().unwrap();
        let scope = HostScope::danger_any_host().danger_allow_http();
        let cache = CredentialsCache::new(secrets::credentials());
        let authorizer = Authorizer::builder(signer, cache, scope).clock(TestClock::new());
        let request = Request::get(uri).body(Full::<Bytes>::default()).unwrap();
        let answer = send(&mut aws.behind(authorizer.build()), request).await;
        assert_eq!(answer.unwrap().status(), 403, "{uri}");
        assert_eq!(aws.calls(), calls, "{uri}");
    }
}

#[tokio::test]
async fn a_refusal_for_any_other_reason_is_passed_on() {
    let bodies = [
        "",
        "not JSON",
        "{",
        r#"{"__type":"AccessDeniedException","message":"ExpiredToken"}"#,
        r#"{"message":"x","code":"AccessDenied"}"#,
        "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
        r#"{"__type":"ExpiredTok"#,
        "<Error><Code>ExpiredToken",
    ];
    for body in bodies {
        for status in [400, 401, 403] {
            let aws = Aws::answering(move |_| {
                let mut response = dated(Response::new(Pieces::of([body])), 600);
                *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                response
            });
            let provider = Rotating::default();
            let authorizer = rotating(&provider, "sqs", &TestClock::new()).build();
            let answer = send(&mut aws.behind(authorizer), post("b")).await.unwrap();
            assert_eq!(answer.status(), status, "{body}");
            assert_eq!(text(answer).await, body);
            assert_eq!((aws.calls(), provider.calls()), (1, 1), "{body}");
        }
    }
}

#[tokio::test]
async fn unsigned_requests_are_left_alone() {
    let aws = Aws::answering(|_| refusal("ExpiredToken"));
    let provider = Rotating::default();
    let authorizer = rotating(&provider, "sqs", &TestClock::new()).build();
    let mut request = post("body");
    request
        .extensions_mut()
        .insert(SigningOverrides::new().do_not_sign());
    let answer = send(&mut aws.behind(authorizer), request).await.unwrap();
    assert_eq!(answer.status(), 403);
    assert_eq!((aws.calls(), provider.calls()), (1, 0));
}

#[tokio::test]
async fn what_is_turned_off_stays_off() {
    type Change = fn(AuthorizerBuilder) -> AuthorizerBuilder;
    let as_it_is: Change = |builder| builder;
    // How many requests come of a refusal of the credentials, and of one of the time.
    for (service, change, expected) in [
        ("sqs", as_it_is, (2, 2)),
        ("sqs", |builder| builder.recover_credentials(false), (1, 2)),
        ("sqs", |builder| builder.correct_clock(false), (2, 1)),
        ("execute-api", as_it_is, (1, 1)),
        ("lambda", as_it_is, (1, 1)),
        ("vpc-lattice-svcs", as_it_is, (1, 1)),
        (
            "lambda",
            |builder| builder.recover_credentials(true),
            (2, 1),
        ),
        ("lambda", |builder| builder.correct_clock(true), (1, 2)),
    ] {
        let of = |code: &'static str| async move {
            let aws = Aws::answering(move |_| dated(refusal(code), 600));
            let builder = rotating(&Rotating::default(), service, &TestClock::new());
            let answer = send(&mut aws.behind(change(builder).build()), post("b")).await;
            assert_eq!(answer.unwrap().status(), 403);
            aws.calls()
        };
        let calls = (of("ExpiredToken").await, of("RequestTimeTooSkewed").await);
        assert_eq!(calls, expected, "{service}");
    }
    // The service of one request decides for that request.
    let aws = Aws::answering(|_| refusal("ExpiredToken"));
    let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
    let mut client = aws.behind(authorizer);
    for (service, calls) in [("lambda", 1), ("sns", 3)] {
        let mut request = post("b");
        let overrides = SigningOverrides::new().service(service).unwrap();
        request.extensions_mut().insert(overrides);
        send(&mut client, request).await.unwrap();
        assert_eq!(aws.calls(), calls, "{service}");
    }
}

#[tokio::test]
async fn a_hostile_server_gets_no_request_more_than_twice() {
    let counter = AtomicU64::new(0);
    let aws = Aws::answering(move |request| {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        let minutes = [13, -13, 4, 0, 7, -9][(number % 6) as usize];
        assert!(!request.body().is_empty());
        match number % 3 {
            0 => dated(refusal("RequestTimeTooSkewed"), minutes * 60),
            1 => dated(refusal("ExpiredToken"), minutes * 60),
            _ => dated(refusal("RequestExpired"), minutes * 60),
        }
    });
    let provider = Rotating::default();
    let mut client = aws.behind(rotating(&provider, "sqs", &TestClock::new()).build());
    for number in 0..300 {
        let body = format!("request {number}");
        let answer = send(&mut client, post(body)).await.unwrap();
        assert_eq!(answer.status(), 403);
    }
    let mut times = HashMap::new();
    for request in aws.requests() {
        judged(&request);
        *times.entry(request.into_body()).or_insert(0) += 1;
    }
    assert_eq!(times.len(), 300);
    assert_eq!(times.values().max(), Some(&2));
    // The first time, and once because the server said so: no time has passed.
    assert_eq!(provider.calls(), 2);
    for _ in 0..10 {
        provider.clock.advance(10);
        for _ in 0..10 {
            send(&mut client, post("b")).await.unwrap();
        }
    }
    assert!(provider.calls() <= 2 + 4, "{} calls", provider.calls());
}

/// Gives one byte a minute.
struct Trickle {
    left: Vec<u8>,
    pause: Pin<Box<tokio::time::Sleep>>,
}

impl Trickle {
    fn of(text: &str) -> Self {
        Self {
            left: text.bytes().rev().collect(),
            pause: Box::pin(tokio::time::sleep(Duration::from_secs(60))),
        }
    }
}

impl Body for Trickle {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        std::task::ready!(self.pause.as_mut().poll(cx));
        let next = Instant::now() + Duration::from_secs(60);
        self.pause.as_mut().reset(next);
        let byte = self.left.pop();
        Poll::Ready(byte.map(|byte| Ok(Frame::data(Bytes::from(vec![byte])))))
    }
}

/// Gives empty frames for ever.
struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::new()))))
    }
}

/// A service that answers 403 with a body of any type.
fn refusing<R, F>(
    body: F,
) -> impl Service<
    Request<sigv4_tower::SignedBody<sigv4_tower::ReplayBody<Full<Bytes>>>>,
    Response = Response<R>,
    Error = BoxError,
    Future: Send,
> + Clone
where
    F: Fn() -> R + Clone + Send + 'static,
    R: Send + 'static,
{
    tower::service_fn(move |_| {
        let mut response = Response::new(body());
        *response.status_mut() = http::StatusCode::FORBIDDEN;
        std::future::ready(Ok(response))
    })
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_passed_on_in_time() {
    let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
    let layer = RecoverLayer::new(authorizer.clone());
    let text = r#"{"__type":"ExpiredToken"}"#;
    let inner = refusing(move || Trickle::of(text));
    let client = layer.layer(SigV4Layer::new(authorizer.clone()).layer(inner));
    let begin = Instant::now();
    let answer = client.oneshot(post("b")).await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
    assert_eq!(answer.status(), 403);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, text);
    // Nobody waited longer for the bytes than without.
    assert_eq!(begin.elapsed(), Duration::from_secs(60 * 26));

    // A body that has a lot of nothing to say.
    let inner = refusing(|| Nothing);
    let client = layer
        .clone()
        .layer(SigV4Layer::new(authorizer.clone()).layer(inner));
    let answer = client.oneshot(post("b")).await.unwrap();
    assert_eq!(answer.status(), 403);

    // A body that never says anything.
    let inner = refusing(|| Pieces::default().then(Step::Hang));
    let client = layer.layer(SigV4Layer::new(authorizer).layer(inner));
    let begin = Instant::now();
    client.oneshot(post("b")).await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_code_is_acted_upon_before_its_body_ends() {
    let aws = Aws::answering(|request| {
        if has_token(request, "token-1") {
            let body = Pieces::of([r#"{"__type":"#, r#""ExpiredToken","#]);
            refusal("").map(|_| body.then(Step::Hang))
        } else {
            ok()
        }
    });
    let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
    let answer = send(&mut aws.behind(authorizer), post("b")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(aws.calls(), 2);
}

/// Reads a body as a client does.
async fn read<B>(body: B) -> (Vec<u8>, Option<HeaderMap>, Option<String>)
where
    B: Body<Data = Bytes, Error = io::Error>,
{
    let mut body = std::pin::pin!(body);
    let (mut data, mut trailers, mut error) = (Vec::new(), None, None);
    let mut expected = body.size_hint();
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(piece)) => {
                if let Some(exact) = expected.exact() {
                    expected = SizeHint::with_exact(exact - piece.len() as u64);
                    assert_eq!(body.size_hint().exact(), expected.exact());
                }
                data.extend_from_slice(&piece);
            }
            Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
            Err(cause) => {
                error = Some(cause.to_string());
                break;
            }
        }
        assert!(trailers.is_none() || data.len() as u64 >= expected.lower());
    }
    (data, trailers, error)
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_what_it_was() {
    let junk: Vec<u8> = (0..40_000_u32).map(|n| (n % 251) as u8).collect();
    let xml = format!("<Error>{}", "<a b='".repeat(10_000));
    let json = format!("{{\"message\":\"{}", "\\\"[{".repeat(10_000));
    let bytewise = || json.bytes().map(|byte| Bytes::from(vec![byte]));
    let denied = r#"{"__type":"AccessDeniedException"}"#;
    let bodies = [
        ("empty", Pieces::default()),
        (
            "denied",
            Pieces::of([denied]).announcing(denied.len() as u64),
        ),
        (
            "denied, then trailers",
            Pieces::of([denied]).then(Step::Trailers),
        ),
        ("only trailers", Pieces::default().then(Step::Trailers)),
        ("junk", Pieces::of([junk.clone()]).announcing(40_000)),
        (
            "junk in pieces",
            Pieces::of(junk.chunks(1000).map(<[u8]>::to_vec))
                .announcing(40_000)
                .then(Step::Trailers),
        ),
        (
            "junk, then a failure",
            Pieces::of([&junk[..100], &[], &junk[100..]].map(<[u8]>::to_vec)).then(Step::Failure),
        ),
        ("a failure", Pieces::default().then(Step::Failure)),
        ("byte by byte", Pieces::of(bytewise())),
        ("xml", Pieces::of([xml.clone()])),
        (
            "cut off",
            Pieces::of(["{\"__type\":\"Expired"]).then(Step::Failure),
        ),
        (
            "empty frames",
            Pieces::of(vec![""; 20_000]).then(Step::Data("x".into())),
        ),
        (
            "a long pause",
            Pieces::of(["<Error>"])
                .then(Step::Pause)
                .then(Step::Data("<Code>".into())),
        ),
        (
            "exactly as much as is looked at",
            Pieces::of([junk[..16_384].to_vec()]).announcing(16_384),
        ),
        (
            "one more",
            Pieces::of([junk[..16_384].to_vec(), vec![1]]).announcing(16_385),
        ),
    ];
    for (name, body) in bodies {
        let answer = body.clone();
        let aws = Aws::answering(move |_| {
            let mut response = refusal("").map(|_| answer.clone());
            *response.version_mut() = http::Version::HTTP_2;
            let headers = response.headers_mut();
            headers.append("set-cookie", "a=1".parse().unwrap());
            headers.append("set-cookie", "b=2".parse().unwrap());
            headers.append("x-huge", "h".repeat(100_000).parse().unwrap());
            headers.append("x-amzn-errortype-", "ExpiredToken".parse().unwrap());
            response.extensions_mut().insert("of the client");
            response
        });
        let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
        let mut client = aws.behind(authorizer);
        let response = send(&mut client, post("b")).await.unwrap();
        assert_eq!(aws.calls(), 1, "{name}");
        assert_eq!(response.status(), 403);
        assert_eq!(response.version(), http::Version::HTTP_2);
        assert_eq!(response.headers().len(), 4);
        assert_eq!(response.extensions().get(), Some(&"of the client"));
        assert!(response.extensions().get::<SigningReceipt>().is_some());
        let hint = response.body().size_hint();
        assert_eq!(hint.exact(), body.size_hint().exact(), "{name}");
        assert_eq!(read(response.into_body()).await, read(body).await, "{name}");
    }
}

#[tokio::test]
async fn an_answer_that_was_looked_into_has_not_ended() {
    let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
    let layer = RecoverLayer::new(authorizer.clone());
    // The body inside has: a server that asks would send nothing of it.
    let inner = refusing(|| Full::<Bytes>::from("denied"));
    let client = layer.layer(SigV4Layer::new(authorizer).layer(inner));
    let mut answer = client.oneshot(post("b")).await.unwrap().into_body();
    assert!(!answer.is_end_stream());
    assert_eq!(answer.size_hint().exact(), Some(6));
    let piece = answer.frame().await.unwrap().unwrap();
    assert_eq!(piece.into_data().unwrap(), "denied");
    assert!(answer.is_end_stream());
}

#[tokio::test]
async fn only_refusals_are_looked_into() {
    for status in [200, 204, 302, 404, 409, 429, 500, 503] {
        let aws = Aws::answering(move |_| {
            // To read any of it would take for ever.
            let mut response = Response::new(Pieces::default().then(Step::Hang));
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            response
        });
        let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
        let answer = send(&mut aws.behind(authorizer), post("b")).await.unwrap();
        assert_eq!(answer.status(), status);
    }
}

/// A request whose body passes as a stream.
fn stream(body: Pieces) -> Request<Pieces> {
    let overrides = SigningOverrides::new()
        .service("s3")
        .unwrap()
        .payload(PayloadMode::Unsigned);
    Request::put(URI).extension(overrides).body(body).unwrap()
}

#[tokio::test]
async fn a_body_is_kept_up_to_a_limit() {
    let expired = || {
        Aws::answering(|request| {
            if has_token(request, "token-1") {
                refusal("ExpiredToken")
            } else {
                ok()
            }
        })
    };
    let piece = || Bytes::from(vec![7; 1024]);
    let of = |pieces: usize| Pieces::of((0..pieces).map(|_| piece()));
    let streamed = stream;
    let hashed = |body| Request::put(URI).body(body).unwrap();
    for (name, limit, request, calls) in [
        ("a stream at the limit", None, streamed(of(64)), 2),
        ("a stream beyond it", None, streamed(of(65)), 1),
        (
            "one that says so",
            None,
            streamed(of(1).announcing_at_least(70_000)),
            1,
        ),
        ("a higher limit", Some(65 * 1024), streamed(of(65)), 2),
        ("no limit to speak of", Some(0), streamed(of(1)), 1),
        ("nothing to keep", Some(0), streamed(of(0)), 2),
        ("what is hashed is there anyway", None, hashed(of(2000)), 2),
        ("unless it is not to be", Some(1024), hashed(of(2)), 1),
    ] {
        let aws = expired();
        let provider = Rotating::default();
        let authorizer = rotating(&provider, "sqs", &TestClock::new()).build();
        let mut layer = RecoverLayer::new(authorizer.clone());
        if let Some(limit) = limit {
            layer = layer.replay_limit(limit);
        }
        let mut client = aws.behind_layer(authorizer, &layer);
        let answer = send(&mut client, request).await.unwrap();
        assert_eq!(aws.calls(), calls, "{name}");
        assert_eq!(answer.status() == 200, calls == 2, "{name}");
        // The credentials are replaced in any case, for those that come later.
        let later = send(&mut client, stream(of(1))).await.unwrap();
        assert_eq!(later.status(), 200, "{name}");
        let bodies: Vec<_> = aws.requests().into_iter().map(Request::into_body).collect();
        assert!(calls == 1 || bodies[0] == bodies[1], "{name}");
    }
}

#[tokio::test]
async fn a_body_that_was_not_read_to_its_end_is_not_sent_again() {
    let expired = |request: &Request<Bytes>| {
        if has_token(request, "token-1") {
            refusal("ExpiredToken")
        } else {
            ok()
        }
    };
    for (name, request, calls) in [
        ("unread", stream(Pieces::of(["unread"])), 1),
        (
            "empty, which is known",
            stream(Pieces::default().announcing(0)),
            2,
        ),
    ] {
        let aws = Aws::answering(expired).at_once();
        let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
        let answer = send(&mut aws.behind(authorizer), request).await.unwrap();
        assert_eq!(aws.calls(), calls, "{name}");
        assert_eq!(answer.status() == 200, calls == 2);
    }
    // A body that is hashed was read before.
    let aws = Aws::answering(expired).at_once();
    let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
    let answer = send(&mut aws.behind(authorizer), post("hashed")).await;
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test]
async fn a_failing_body_fails_as_before() {
    let aws = Aws::answering(|_| ok());
    let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
    let mut client = aws.behind(authorizer);
    let body = Pieces::of(["a"]).then(Step::Trailers);
    let request = Request::post(URI).body(body).unwrap();
    let error = send(&mut client, request).await.unwrap_err();
    assert_eq!(signing_error(&error).kind(), ErrorKind::Trailers);
    let body = Pieces::of(["a"]).then(Step::Failure);
    let request = Request::post(URI).body(body).unwrap();
    let error = send(&mut client, request).await.unwrap_err();
    assert_eq!(signing_error(&error).kind(), ErrorKind::BodyRead);
    assert_eq!(aws.calls(), 0);
}

#[tokio::test]
async fn the_second_answer_is_passed_on_whatever_it_is() {
    let aws = Aws::answering(|_| refusal("ExpiredToken"));
    let provider = Rotating::default();
    let authorizer = rotating(&provider, "sqs", &TestClock::new()).build();
    let answer = send(&mut aws.behind(authorizer), post("b")).await.unwrap();
    assert_eq!(answer.status(), 403);
    assert_eq!(
        text(answer).await,
        r#"{"__type":"ExpiredToken","message":"no"}"#
    );
    assert_eq!((aws.calls(), provider.calls()), (2, 2));

    // And so is its failure: the second request may have been carried out.
    let aws = Aws::trying(|request| {
        if has_token(request, "token-1") {
            Ok(refusal("ExpiredToken"))
        } else {
            Err("the connection is gone".into())
        }
    });
    let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
    let error = send(&mut aws.behind(authorizer), post("b")).await;
    assert_eq!(error.unwrap_err().to_string(), "the connection is gone");
    assert_eq!(aws.calls(), 2);
}

/// Is ready so many times; its clones count together.
#[derive(Clone)]
struct ReadyFor {
    times: Arc<AtomicU64>,
    then_fails: bool,
    is_ready: bool,
    inner: Aws,
}

impl<B> Service<Request<B>> for ReadyFor
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Pieces>;
    type Error = BoxError;
    type Future = <Aws as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let taken = |left: u64| left.checked_sub(1);
        let order = Ordering::SeqCst;
        match self.times.fetch_update(order, order, taken) {
            Ok(_) => {
                self.is_ready = true;
                Poll::Ready(Ok(()))
            }
            Err(_) if self.then_fails => Poll::Ready(Err("closed".into())),
            Err(_) => Poll::Pending,
        }
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        assert!(self.is_ready, "called without having been polled ready");
        self.is_ready = false;
        self.inner.call(request)
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_is_passed_on_where_the_client_is_not_ready_again() {
    for (times, then_fails, calls, status) in
        [(2, false, 2, 200), (1, true, 1, 403), (1, false, 1, 403)]
    {
        let aws = Aws::answering(|request| {
            if has_token(request, "token-1") {
                refusal("ExpiredToken")
            } else {
                ok()
            }
        });
        let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
        let inner = ReadyFor {
            times: Arc::new(AtomicU64::new(times)),
            then_fails,
            is_ready: false,
            inner: aws.clone(),
        };
        let mut client =
            RecoverLayer::new(authorizer.clone()).layer(SigV4Layer::new(authorizer).layer(inner));
        let answer = send(&mut client, post("b")).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(aws.calls(), calls);
        assert!(
            text(answer)
                .await
                .contains(if status == 200 { "fine" } else { "Expired" })
        );
    }
}

#[tokio::test]
async fn works_over_a_connection() {
    // Judged as it arrived, by a server that is ten minutes behind.
    let server = WireServer::start(|request| {
        if request.header("x-amz-date").unwrap() == DATE {
            WireResponse::new(403)
                .header("date", "Sun, 30 Aug 2015 12:26:00 GMT")
                .body("<Error><Code>RequestTimeTooSkewed</Code></Error>")
        } else {
            WireResponse::new(200)
        }
    })
    .await;
    let authorizer = builder("s3", &server.authority()).build();
    let mut client = RecoverLayer::new(authorizer.clone())
        .layer(SigV4Layer::new(authorizer).layer(hyper_client()));
    for _ in 0..2 {
        let request =
            Request::put(format!("{}/key", server.url())).body(Full::<Bytes>::from("body"));
        let answer = send(&mut client, request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let requests = server.requests();
    let dates: Vec<_> = requests
        .iter()
        .map(|request| verified(request, b"body").date)
        .collect();
    assert_eq!(dates, [DATE, "20150830T122600Z", "20150830T122600Z"]);
}

#[tokio::test]
async fn a_stream_that_a_client_has_read_is_sent_again() {
    // A client that has got all that was declared does not ask for the end.
    let server = WireServer::start(|request| {
        if request.header("x-amz-date").unwrap() == DATE {
            WireResponse::new(403)
                .header("date", "Sun, 30 Aug 2015 12:26:00 GMT")
                .header("x-amzn-errortype", "RequestTimeTooSkewed")
        } else {
            WireResponse::new(200)
        }
    })
    .await;
    let authorizer = builder("s3", &server.authority())
        .payload(PayloadMode::Unsigned)
        .build();
    let mut client = RecoverLayer::new(authorizer.clone())
        .layer(SigV4Layer::new(authorizer).layer(hyper_client()));
    let request = Request::put(format!("{}/key", server.url())).body(Full::<Bytes>::from("body"));
    let answer = send(&mut client, request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        verified(&request, oracle::Body::Unsigned);
        assert_eq!(request.body(), b"body");
    }
}

#[tokio::test]
async fn a_dropped_future_sends_nothing_more() {
    let aws = Aws::answering(|_| refusal("").map(|_| Pieces::default().then(Step::Hang)));
    let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
    let mut client = aws.behind(authorizer);
    {
        let mut answer = std::pin::pin!(client.call(post("b")));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(answer.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(aws.calls(), 1);
}

/// What a program relies on in a spawned task.
#[tokio::test]
async fn its_future_can_be_sent_to_another_thread() {
    let aws = Aws::answering(|_| ok());
    let authorizer = rotating(&Rotating::default(), "sqs", &TestClock::new()).build();
    let client = aws.behind(authorizer);
    let request = Request::get(URI).body(Empty::<Bytes>::new()).unwrap();
    let answer = tokio::spawn(client.oneshot(request)).await.unwrap();
    assert_eq!(answer.unwrap().status(), 200);
}
