//! Bodies in `aws-chunked` on their way: sent again, waited for, cancelled, read slowly, over
//! HTTP/2.

use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Waker;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use hyper::body::Body as _;
use reqwest::Body;
use reqwest::Client;
use reqwest_middleware::ClientBuilder;
use reqwest_retry::RetryDecision;
use reqwest_retry::RetryPolicy;
use reqwest_retry::RetryTransientMiddleware;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_reqwest::SigV4Middleware;
use sigv4_tests::aws_chunked;
use sigv4_tests::patience::soon;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::fixture::WAYS;
use crate::fixture::builder;
use crate::fixture::builder_with;
use crate::fixture::client;
use crate::fixture::signing;
use crate::shared::body::next_frame;
use crate::shared::chunked::CHUNK;
use crate::shared::chunked::KINDS;
use crate::shared::chunked::Watched;
use crate::shared::chunked::data;
use crate::shared::chunked::judged;
use crate::shared::chunked::pieces;
use crate::shared::chunked::signed;
use crate::shared::chunked::small;
use crate::shared::clock::TestClock;
use crate::shared::credentials::Gate;
use crate::shared::http2;

/// Tries three times and at once, while the clock goes on by a second.
struct AtOnce(TestClock);

impl RetryPolicy for AtOnce {
    fn should_retry(&self, _: SystemTime, past_retries: u32) -> RetryDecision {
        if past_retries == 2 {
            return RetryDecision::DoNotRetry;
        }
        self.0.advance(1);
        RetryDecision::Retry {
            execute_after: UNIX_EPOCH,
        }
    }
}

#[tokio::test]
async fn retries_encode_them_anew() {
    let data = data(2 * CHUNK + 7);
    for (encoding, kind, _) in KINDS {
        let third = |request: &WireRequest| {
            let date = request.header("x-amz-date").unwrap_or_default();
            WireResponse::new(if date.ends_with("3602Z") { 200 } else { 503 })
        };
        let server = WireServer::start(third).await;
        let clock = TestClock::new();
        let authorizer = builder("s3", &server.authority())
            .clock(clock.clone())
            .payload(small(encoding))
            .build();
        let retry = RetryTransientMiddleware::new_with_policy(AtOnce(clock));
        let client = ClientBuilder::new(client())
            .with(retry)
            .with(SigV4Middleware::new(authorizer))
            .build();
        let request = client.put(server.url()).body(data.clone());
        assert_eq!(request.send().await.unwrap().status(), 200);

        let attempts = server.requests();
        let judged: Vec<_> = attempts.iter().map(judged).collect();
        assert!(judged.iter().all(|(_, decoded)| decoded.data() == data));
        let dates: Vec<_> = judged.iter().map(|(verified, _)| &*verified.date).collect();
        assert_eq!(
            dates,
            ["20150830T123600Z", "20150830T123601Z", "20150830T123602Z"],
            "{kind}"
        );
    }
}

/// Hands out the tokens `token-1`, `token-2`, …, by the clock of the cache each time two seconds
/// later: a cache does not ask more often than once a second.
#[derive(Clone, Debug)]
struct Rotating {
    calls: Arc<Mutex<u64>>,
    clock: TestClock,
}

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        self.clock.advance(2);
        let (id, secret) = (secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
        let token = Some(format!("token-{calls}"));
        future::ProvideCredentials::ready(Ok(Credentials::new(id, secret, token, None, "test")))
    }
}

fn rotating(host: &str) -> Authorizer {
    let provider = Rotating {
        calls: Arc::default(),
        clock: TestClock::new(),
    };
    let clock = provider.clock.clone();
    let cache = CredentialsCache::builder(provider).clock(clock);
    let signer = Signer::builder("s3", "us-east-1").build().unwrap();
    let scope = HostScope::exact([host]).unwrap();
    Authorizer::builder(signer, cache.build(), scope)
        .clock(TestClock::new())
        .build()
}

async fn recovered(code: &'static str, body: Body) -> (u16, Vec<WireRequest>) {
    let answer = move |request: &WireRequest| {
        let is_first = request.header("x-amz-security-token").as_deref() == Some("token-1")
            && request.header("x-amz-date").as_deref() == Some("20150830T123600Z");
        match is_first {
            true => WireResponse::new(403)
                .header("date", "Sun, 30 Aug 2015 12:46:00 GMT")
                .body(format!("<Error><Code>{code}</Code></Error>")),
            false => WireResponse::new(200),
        }
    };
    let server = WireServer::start(answer).await;
    let client = signing(rotating(&server.authority()));
    let overrides = SigningOverrides::new().payload(signed());
    let request = client.put(server.url()).header("content-encoding", "gzip");
    let answer = request.with_extension(overrides).body(body).send().await;
    (answer.unwrap().status().as_u16(), server.requests())
}

#[tokio::test]
async fn recovery_encodes_anew_what_is_in_memory() {
    let data = data(100_000);
    for (code, token, date) in [
        ("ExpiredToken", "token-2", "20150830T123600Z"),
        ("RequestTimeTooSkewed", "token-1", "20150830T124600Z"),
    ] {
        let (status, requests) = recovered(code, data.clone().into()).await;
        assert_eq!((status, requests.len()), (200, 2), "{code}");
        for request in &requests {
            assert!(judged(request).1.data() == data, "{code}");
            let codings = request.header("content-encoding");
            assert_eq!(codings.as_deref(), Some("aws-chunked,gzip"));
        }
        let (verified, _) = judged(&requests[1]);
        assert_eq!(verified.token.as_deref(), Some(token), "{code}");
        assert_eq!(verified.date, date, "{code}");
    }
}

#[tokio::test]
async fn recovery_sends_no_stream_again() {
    let data = data(CHUNK);
    for code in ["ExpiredToken", "RequestTimeTooSkewed"] {
        let body = pieces(&data).announcing(data.len() as u64);
        let (status, requests) = recovered(code, Body::wrap(body)).await;
        assert_eq!((status, requests.len()), (403, 1), "{code}");
        assert!(judged(&requests[0]).1.data() == data, "{code}");
    }
    // There is nothing of an empty one that could not be sent again.
    let (status, requests) = recovered("ExpiredToken", Body::from("")).await;
    assert_eq!((status, requests.len()), (200, 2));
}

#[tokio::test]
async fn wait_for_credentials_before_anything_is_read() {
    for way in WAYS {
        let server = WireServer::start(|_| WireResponse::new(200)).await;
        let gate = Gate::closed();
        let authorizer = builder_with(gate.clone(), "s3", &server.authority())
            .payload(signed())
            .build();
        let (body, watch) = Watched::new(20_000, 5001);
        let request = client().put(server.url()).body(Body::wrap(body)).build();
        let mut sending = pin!(way.send(&authorizer, request.unwrap(), None));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(sending.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(watch.taken(), 0, "{way:?}");
        gate.open();
        sending.await.unwrap();
        let (_, decoded) = judged(&server.only_request());
        assert_eq!(decoded.data(), vec![b'a'; 20_000], "{way:?}");
    }
}

#[tokio::test]
async fn are_as_they_were_where_signing_is_cancelled() {
    let url = "https://bucket.s3.us-east-1.amazonaws.com/key";
    let authorizer = builder_with(Gate::closed(), "s3", "bucket.s3.us-east-1.amazonaws.com");
    let authorizer = authorizer.payload(signed()).build();
    let (body, watch) = Watched::new(20_000, 5001);
    let mut request = client().put(url).body(Body::wrap(body)).build().unwrap();
    let before = request.headers().clone();
    {
        let mut signing = pin!(sigv4_reqwest::sign(&authorizer, &mut request, None));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(signing.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(*request.headers(), before);
    assert_eq!(request.body().unwrap().size_hint().exact(), Some(20_000));
    assert_eq!(watch.taken(), 0);
    drop(request);
    watch.dropped().await;
}

#[tokio::test]
async fn are_dropped_with_the_future() {
    for way in WAYS {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (body, watch) = Watched::new(10 * CHUNK, 5001);
        let request = client().put(format!("http://{host}/key"));
        let request = request.body(Body::wrap(body.hanging())).build().unwrap();
        let authorizer = builder("s3", &host).payload(signed()).build();
        let sending = tokio::spawn(async move { way.send(&authorizer, request, None).await });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut octets = Vec::new();
        while octets.len() < 3 * CHUNK {
            assert_ne!(stream.read_buf(&mut octets).await.unwrap(), 0);
        }
        sending.abort();
        watch.dropped().await;
        // The server is not left with what might be a whole request.
        let rest = soon("the connection ends", stream.read_to_end(&mut octets)).await;
        assert!(rest.is_err() || !octets.ends_with(b"\r\n\r\n"));
    }
}

/// However slowly the body is read: a chunk is gathered, and a piece more is looked at.
#[tokio::test]
async fn are_read_no_further_than_the_next_chunk() {
    let host = "bucket.s3.us-east-1.amazonaws.com";
    let (length, piece) = (1 << 20, 5001);
    let (body, watch) = Watched::new(length, piece);
    let request = client().put(format!("https://{host}/key"));
    let mut request = request.body(Body::wrap(body)).build().unwrap();
    let authorizer = builder("s3", host).payload(signed()).build();
    let signed = sigv4_reqwest::sign(&authorizer, &mut request, None).await;
    assert!(signed.unwrap().is_some());
    assert_eq!(watch.taken(), 0);

    let mut body = request.body_mut().take().unwrap();
    assert_eq!(
        body.size_hint().exact().map(|length| length.to_string()),
        request.headers()["content-length"]
            .to_str()
            .ok()
            .map(str::to_owned)
    );
    let mut sent = 0;
    while let Some(frame) = next_frame(&mut body).await {
        let ahead = watch.taken().saturating_sub(sent);
        assert!(ahead <= CHUNK + piece, "{ahead} ahead of what was sent");
        sent += frame.unwrap().into_data().unwrap().len();
    }
    assert_eq!(watch.taken(), length);
}

#[tokio::test]
async fn go_over_http2() {
    let host = "bucket.s3.example.com";
    let data = data(100_000);
    for (encoding, kind, _) in KINDS {
        for body in [
            Body::from(data.clone()),
            Body::wrap(pieces(&data).announcing(data.len() as u64)),
        ] {
            let (address, mut told) = http2::server().await;
            let client = Client::builder()
                .redirect(sigv4_reqwest::redirect_policy())
                .http2_prior_knowledge()
                .resolve(host, address)
                .no_proxy()
                .build()
                .unwrap();
            let signer = Signer::builder("s3", "us-east-1").build().unwrap();
            let credentials = CredentialsCache::new(secrets::credentials());
            let scope = HostScope::exact([host]).unwrap().danger_allow_http();
            let authorizer = Authorizer::builder(signer, credentials, scope)
                .payload(small(encoding))
                .build();
            let client = ClientBuilder::new(client)
                .with(SigV4Middleware::new(authorizer))
                .build();
            let request = client.put(format!("http://{host}/key")).body(body);
            assert_eq!(request.send().await.unwrap().status(), 200);

            let (head, body) = told.recv().await.unwrap().into_parts();
            let secret = secrets::SECRET_ACCESS_KEY;
            let (_, decoded) = aws_chunked::verify(&head, &body, secret).unwrap();
            assert!(decoded.data() == data, "{kind}");
            let length = head.headers["content-length"].to_str().unwrap();
            assert_eq!(length, body.len().to_string());
        }
    }
}
