//! Recovery behind the middleware: the request is sent once more where that helps, and an answer
//! that was looked into is the same as one that was not.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::future;
use reqwest::Body;
use reqwest::Response;
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::ClientWithMiddleware;
use reqwest_retry::RetryDecision;
use reqwest_retry::RetryPolicy;
use reqwest_retry::RetryTransientMiddleware;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::AuthorizerBuilder;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::SigningReceipt;
use sigv4_core::runtime::StickyChain;
use sigv4_reqwest::SigV4Middleware;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::fixture::REGION;
use crate::fixture::builder;
use crate::fixture::builder_with;
use crate::fixture::client;
use crate::fixture::signing;
use crate::fixture::verified;
use crate::shared::body::Pieces;
use crate::shared::clock::DATE;
use crate::shared::clock::TestClock;
use crate::shared::credentials::Failing;

/// Hands out other credentials each time it is asked: the tokens `token-1`, `token-2`, …
#[derive(Clone, Debug)]
struct Rotating {
    calls: Arc<AtomicU64>,
    /// The clock of the cache, by which each call takes two seconds: a cache does not ask more
    /// often than once a second.
    clock: TestClock,
}

impl Rotating {
    fn new() -> Self {
        Self {
            calls: Arc::default(),
            clock: TestClock::new(),
        }
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn builder(&self, service: &str, host: &str) -> AuthorizerBuilder {
        let signer = Signer::builder(service, REGION).build().unwrap();
        let cache = CredentialsCache::builder(self.clone())
            .clock(self.clock.clone())
            .build();
        let scope = HostScope::exact([host]).unwrap();
        Authorizer::builder(signer, cache, scope).clock(TestClock::new())
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

const EXPIRED: &str = r#"{"__type":"ExpiredTokenException","message":"no"}"#;
const DENIED: &str = r#"{"__type":"AccessDeniedException","message":"no"}"#;

/// Refuses the first credentials.
fn refuse_the_first(request: &WireRequest) -> WireResponse {
    match request.header("x-amz-security-token").as_deref() {
        Some("token-1") => WireResponse::new(403).body(EXPIRED),
        _ => WireResponse::new(200).body("fine"),
    }
}

#[tokio::test]
async fn replaces_credentials_that_have_ended() {
    let server = WireServer::start(refuse_the_first).await;
    let provider = Rotating::new();
    let client = signing(provider.builder("s3", &server.authority()).build());
    let url = format!("{}/a%20key?q=1%202", server.url());
    for body in [
        Body::from("in memory"),
        Body::wrap(Pieces::of(["in ", "memory"])),
    ] {
        let overrides = SigningOverrides::new().region("eu-west-3").unwrap();
        let request = client.put(&url).header("x-amz-meta-a", "1").body(body);
        let answer = request.with_extension(overrides).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let receipt = answer.extensions().get::<SigningReceipt>().unwrap();
        assert_eq!(receipt.credential_generation(), 2);
        assert_eq!(answer.text().await.unwrap(), "fine");
    }
    let tokens: Vec<_> = server
        .requests()
        .iter()
        .map(|request| {
            let verified = verified(request, b"in memory");
            assert_eq!(verified.region, "eu-west-3");
            assert_eq!(request.target(), "/a%20key?q=1%202");
            assert_eq!(request.values("x-amz-meta-a"), ["1"]);
            verified.token.unwrap()
        })
        .collect();
    assert_eq!(tokens, ["token-1", "token-2", "token-2"]);
    assert_eq!(provider.calls(), 2);
}

#[tokio::test]
async fn replaces_them_without_the_middleware() {
    let server = WireServer::start(refuse_the_first).await;
    let provider = Rotating::new();
    let authorizer = provider.builder("sqs", &server.authority()).build();
    let client = client();
    for body in ["first", "second"] {
        let request = client.post(server.url()).body(body).build().unwrap();
        let answer = sigv4_reqwest::execute(&client, &authorizer, request, None).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        let receipt = answer.extensions().get::<SigningReceipt>().unwrap();
        assert_eq!(receipt.credential_generation(), 2);
    }
    let requests = server.requests();
    let bodies: [&[u8]; 3] = [b"first", b"first", b"second"];
    let verified = requests
        .iter()
        .zip(bodies)
        .map(|(request, body)| verified(request, body));
    let tokens: Vec<_> = verified.map(|verified| verified.token.unwrap()).collect();
    assert_eq!(tokens, ["token-1", "token-2", "token-2"]);

    let elsewhere = client
        .get("https://elsewhere.example.com/")
        .build()
        .unwrap();
    let error = sigv4_reqwest::execute(&client, &authorizer, elsewhere, None).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, sigv4_reqwest::ExecuteError::Signing(_)),
        "{error}"
    );
}

#[tokio::test]
async fn corrects_the_clock() {
    let server = WireServer::start(|request| {
        if request.header("x-amz-date").unwrap() == DATE {
            WireResponse::new(403)
                .header("date", "Sun, 30 Aug 2015 12:46:00 GMT")
                .header("x-amzn-errortype", "InvalidSignatureException")
                .body("{}")
        } else {
            WireResponse::new(200)
        }
    })
    .await;
    let authorizer = builder("sqs", &server.authority()).build();
    // What one client learns holds for all of the authorizer.
    for client in [signing(authorizer.clone()), signing(authorizer)] {
        let answer = client.post(server.url()).body("body").send().await;
        assert_eq!(answer.unwrap().status(), 200);
    }
    let requests = server.requests();
    let dates: Vec<_> = requests
        .iter()
        .map(|request| verified(request, b"body").date)
        .collect();
    assert_eq!(dates, [DATE, "20150830T124600Z", "20150830T124600Z"]);
}

#[tokio::test]
async fn no_request_is_sent_more_than_twice() {
    let server = WireServer::start(|_| {
        WireResponse::new(400)
            .header("date", "Sun, 30 Aug 2015 12:46:00 GMT")
            .body(EXPIRED)
    })
    .await;
    let provider = Rotating::new();
    let client = signing(provider.builder("sqs", &server.authority()).build());
    for _ in 0..20 {
        let answer = client.get(server.url()).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.text().await.unwrap(), EXPIRED);
    }
    assert_eq!(server.requests().len(), 21);
    assert_eq!(provider.calls(), 2);
}

#[tokio::test]
async fn what_is_turned_off_stays_off() {
    let server = WireServer::start(refuse_the_first).await;
    let host = server.authority();
    let authorizers = [
        Rotating::new().builder("lambda", &host).build(),
        Rotating::new()
            .builder("sqs", &host)
            .recover_credentials(false)
            .build(),
    ];
    for (sent, authorizer) in authorizers.into_iter().enumerate() {
        let answer = signing(authorizer).get(server.url()).send().await.unwrap();
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.text().await.unwrap(), EXPIRED);
        assert_eq!(server.requests().len(), sent + 1);
    }
}

#[tokio::test]
async fn a_stream_is_not_sent_again_and_what_comes_later_is_right() {
    let server = WireServer::start(refuse_the_first).await;
    let client = signing(Rotating::new().builder("s3", &server.authority()).build());
    for status in [403, 200] {
        let overrides = SigningOverrides::new().payload(PayloadMode::Unsigned);
        let body = Body::wrap(Pieces::of(["a ", "stream"]).announcing(8));
        let request = client.put(format!("{}/key", server.url())).body(body);
        let answer = request.with_extension(overrides).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    assert_eq!(server.requests().len(), 2);
}

/// What can be seen of an answer, but for its body.
fn head(answer: &Response) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        answer.status(),
        answer.version(),
        answer.headers().clone(),
        answer.url().clone(),
        answer.remote_addr(),
        answer.content_length(),
    )
}

#[tokio::test]
async fn an_answer_that_was_looked_into_is_what_it_was() {
    let bodies = [
        String::new(),
        DENIED.to_owned(),
        "junk".repeat(10_000),
        format!("<Error>{DENIED}"),
    ];
    for body in bodies {
        let answer = body.clone();
        let server = WireServer::start(move |_| {
            WireResponse::new(403)
                .header("set-cookie", "a=1")
                .header("set-cookie", "b=2")
                .header("content-type", "text/plain; charset=utf-8")
                .header("x-amzn-requestid", "1")
                .body(answer.clone())
        })
        .await;
        let url = format!("{}/path?q=1", server.url());
        let plain = client().get(&url).send().await.unwrap();
        let authorizer = builder("sqs", &server.authority()).build();
        let seen = signing(authorizer).get(&url).send().await.unwrap();
        assert_eq!(head(&seen), head(&plain));
        assert_eq!(seen.url().as_str(), url);
        assert_eq!(seen.remote_addr(), Some(server.address()));
        assert_eq!(seen.content_length(), Some(body.len() as u64));
        assert!(seen.extensions().get::<SigningReceipt>().is_some());
        assert_eq!(seen.text().await.unwrap(), body);
        assert_eq!(server.requests().len(), 2);
    }
}

/// Answers one request with these octets, and with those when it is told to.
async fn in_two_parts(first: &'static str, rest: &'static str) -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let (go_on, told) = oneshot::channel();
    tokio::spawn(async move {
        let mut stream = accept(&listener).await;
        stream.write_all(first.as_bytes()).await.unwrap();
        told.await.unwrap();
        stream.write_all(rest.as_bytes()).await.unwrap();
    });
    (authority, go_on)
}

/// Accepts a connection and reads the head of its request.
async fn accept(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut head).await.unwrap(), 0);
    }
    stream
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_an_answer_is_not_waited_for() {
    // The time that is waited for more passes at once, since nothing else happens.
    for (first, rest, body) in [
        (
            "HTTP/1.1 403 No\r\ncontent-length: 12\r\n\r\n<Error>",
            "<Cod>",
            "<Error><Cod>",
        ),
        (
            "HTTP/1.1 403 No\r\ntransfer-encoding: chunked\r\n\r\n7\r\n<Error>\r\n",
            "5\r\n<Cod>\r\n0\r\n\r\n",
            "<Error><Cod>",
        ),
    ] {
        let (host, go_on) = in_two_parts(first, rest).await;
        let url = format!("http://{host}/");
        let client = signing(builder("sqs", &host).build());
        let mut answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), 403);
        let is_chunked = answer.headers().contains_key("transfer-encoding");
        assert_eq!(answer.content_length(), (!is_chunked).then_some(12));
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "<Error>");
        go_on.send(()).unwrap();
        assert_eq!(answer.text().await.unwrap(), body[7..]);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_still_does() {
    let (host, go_on) =
        in_two_parts("HTTP/1.1 403 No\r\ncontent-length: 9\r\n\r\n<Error", "").await;
    go_on.send(()).unwrap();
    let client = signing(builder("sqs", &host).build());
    let mut answer = client.get(format!("http://{host}/")).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "<Error");
    let error = answer.chunk().await.unwrap_err();
    assert!(error.is_body() || error.is_decode(), "{error:?}");
}

#[tokio::test]
async fn the_error_of_the_second_request_is_returned() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move {
        let mut stream = accept(&listener).await;
        let head = "HTTP/1.1 403 No\r\nconnection: close\r\nx-amzn-errortype: ExpiredToken\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        drop(stream);
        // The second one gets no answer.
        drop(accept(&listener).await);
    });
    let client = signing(Rotating::new().builder("sqs", &host).build());
    let url = format!("http://{host}/");
    let error = client.get(url).send().await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    server.await.unwrap();
}

/// Tries again once, and at once.
struct Once;

impl RetryPolicy for Once {
    fn should_retry(&self, _: std::time::SystemTime, past_retries: u32) -> RetryDecision {
        if past_retries == 1 {
            return RetryDecision::DoNotRetry;
        }
        RetryDecision::Retry {
            execute_after: std::time::UNIX_EPOCH,
        }
    }
}

#[tokio::test]
async fn what_is_retryable_is_seen_through_what_others_wrap_it_into() {
    let url = "http://127.0.0.1:1/";
    let retrying = |authorizer: Authorizer| -> ClientWithMiddleware {
        ClientBuilder::new(client())
            .with(RetryTransientMiddleware::new_with_policy(Once))
            .with(SigV4Middleware::new(authorizer))
            .build()
    };
    let away = || SharedCredentialsProvider::new(Failing::always());
    let unset = || SharedCredentialsProvider::new(StickyChain::new::<&str>([]));
    for (name, credentials, host, expected) in [
        ("no credentials", away(), "127.0.0.1:1", true),
        ("none configured", unset(), "127.0.0.1:1", false),
        ("out of scope", away(), "127.0.0.1:2", false),
    ] {
        let authorizer = || builder_with(credentials.clone(), "sqs", host).build();
        let clients = [
            signing(authorizer()),
            retrying(authorizer()),
            // Two of them, one around the other.
            ClientBuilder::new(client())
                .with(RetryTransientMiddleware::new_with_policy(Once))
                .with(RetryTransientMiddleware::new_with_policy(Once))
                .with(SigV4Middleware::new(authorizer()))
                .build(),
        ];
        for client in clients {
            let error = client.get(url).send().await.unwrap_err();
            assert_eq!(
                sigv4_reqwest::is_retryable(&error),
                expected,
                "{name}: {error:?}"
            );
        }
    }
    let authorizer = builder("sqs", "127.0.0.1:1").build();
    let error = retrying(authorizer).get(url).send().await.unwrap_err();
    assert!(!sigv4_reqwest::is_retryable(&error), "{error:?}");
}
