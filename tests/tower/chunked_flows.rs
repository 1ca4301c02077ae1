//! Bodies in `aws-chunked` on their way: sent again, waited for, cancelled, read slowly, over
//! HTTP/2 and through a proxy.

use std::future::Ready;
use std::future::ready;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Waker;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Empty;
use hyper::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_tests::aws_chunked;
use sigv4_tests::patience::soon;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::BoxError;
use sigv4_tower::RecoverLayer;
use sigv4_tower::SigV4;
use sigv4_tower::SigV4Layer;
use sigv4_tower::SignedBody;
use sigv4_tower::UpstreamLayer;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::ServiceBuilder;
use tower::ServiceExt;
use tower::retry::Policy;
use tower::retry::RetryLayer;
use tower::service_fn;

use crate::fixture::Dial;
use crate::fixture::builder;
use crate::fixture::builder_with;
use crate::fixture::hyper_client;
use crate::fixture::signing;
use crate::gateway::Gateway;
use crate::shared::body::Pieces;
use crate::shared::body::Step;
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

const HOST: &str = "bucket.s3.us-east-1.amazonaws.com";
const URI: &str = "https://bucket.s3.us-east-1.amazonaws.com/key";

/// Tries three times, a second later each time.
#[derive(Clone, Debug)]
struct UntilGood(TestClock);

impl<B: Clone, R, E> Policy<Request<B>, Response<R>, E> for UntilGood {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<B>,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Ready<()>> {
        let is_good = |answer: &Response<R>| answer.status().is_success();
        if result.as_ref().is_ok_and(is_good) {
            return None;
        }
        self.0.advance(1);
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
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
        let client = ServiceBuilder::new()
            .layer(RetryLayer::new(UntilGood(clock)))
            .layer(SigV4Layer::new(authorizer))
            .service(hyper_client());
        let body = pieces(&data).announcing(data.len() as u64);
        let request = Request::put(server.url()).body(body).unwrap();
        assert_eq!(client.oneshot(request).await.unwrap().status(), 200);

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
        .payload(signed())
        .build()
}

/// Refuses the first request, for one reason or the other.
fn refusal(code: &str) -> WireResponse {
    WireResponse::new(403)
        .header("date", "Sun, 30 Aug 2015 12:46:00 GMT")
        .body(format!("<Error><Code>{code}</Code></Error>"))
}

async fn recovered(code: &'static str, body: Pieces) -> (u16, Vec<WireRequest>) {
    let answer = move |request: &WireRequest| {
        let is_first = request.header("x-amz-security-token").as_deref() == Some("token-1")
            && request.header("x-amz-date").as_deref() == Some("20150830T123600Z");
        match is_first {
            true => refusal(code),
            false => WireResponse::new(200),
        }
    };
    let server = WireServer::start(answer).await;
    let authorizer = rotating(&server.authority());
    let client = ServiceBuilder::new()
        .layer(RecoverLayer::new(authorizer.clone()))
        .layer(SigV4Layer::new(authorizer))
        .service(hyper_client());
    let request = Request::put(server.url()).body(body).unwrap();
    let answer = client.oneshot(request).await.unwrap();
    (answer.status().as_u16(), server.requests())
}

#[tokio::test]
async fn recovery_encodes_them_anew() {
    let data = data(2 * CHUNK + 7);
    for (code, token, date) in [
        ("ExpiredToken", "token-2", "20150830T123600Z"),
        ("RequestTimeTooSkewed", "token-1", "20150830T124600Z"),
    ] {
        let body = pieces(&data).announcing(data.len() as u64);
        let (status, requests) = recovered(code, body).await;
        assert_eq!((status, requests.len()), (200, 2), "{code}");
        for request in &requests {
            assert!(judged(request).1.data() == data, "{code}");
        }
        let (verified, _) = judged(&requests[1]);
        assert_eq!(verified.token.as_deref(), Some(token), "{code}");
        assert_eq!(verified.date, date, "{code}");
    }
}

/// Of what passes as a stream 64 KiB are kept, before it is encoded.
#[tokio::test]
async fn recovery_keeps_so_much_and_no_more() {
    for (length, status, count) in [(65_536, 200, 2), (65_537, 403, 1)] {
        let data = data(length);
        let body = pieces(&data).announcing(length as u64);
        let (answered, requests) = recovered("ExpiredToken", body).await;
        assert_eq!((answered, requests.len()), (status, count), "{length}");
        for request in &requests {
            assert!(judged(request).1.data() == data, "{length}");
        }
    }
}

#[tokio::test]
async fn wait_for_credentials_before_anything_is_read() {
    for (encoding, kind, _) in KINDS {
        let server = WireServer::start(|_| WireResponse::new(200)).await;
        let gate = Gate::closed();
        let authorizer = builder_with(gate.clone(), "s3", &server.authority())
            .payload(small(encoding))
            .build();
        let (body, watch) = Watched::new(20_000, 5001);
        let request = Request::put(server.url()).body(body).unwrap();
        let mut sending = pin!(signing(authorizer).oneshot(request));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(sending.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(watch.taken(), 0, "{kind}");
        gate.open();
        sending.await.unwrap();
        let (_, decoded) = judged(&server.only_request());
        assert_eq!(decoded.data(), vec![b'a'; 20_000], "{kind}");
    }
}

#[tokio::test]
async fn are_dropped_with_the_future() {
    // While the credentials are awaited,
    let authorizer = builder_with(Gate::closed(), "s3", HOST).payload(signed());
    let (body, watch) = Watched::new(20_000, 5001);
    let request = Request::put(URI).body(body).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    {
        let mut sending = pin!(signing(authorizer.build()).oneshot(request));
        assert!(sending.as_mut().poll(&mut cx).is_pending());
    }
    watch.dropped().await;

    // and midway.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (body, watch) = Watched::new(10 * CHUNK, 5001);
    let request = Request::put(format!("http://{host}/key")).body(body.hanging());
    let client = signing(builder("s3", &host).payload(signed()).build());
    let sending = tokio::spawn(client.oneshot(request.unwrap()));
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

/// However slowly the body is read: a chunk is gathered, and a piece more is looked at.
#[tokio::test]
async fn are_read_no_further_than_the_next_chunk() {
    let (tell, told) = oneshot::channel();
    let tell = Arc::new(Mutex::new(Some(tell)));
    let client = service_fn(move |request: Request<SignedBody<Watched>>| {
        let tell = tell.lock().unwrap().take().unwrap();
        tell.send(request).unwrap();
        ready(Ok::<_, BoxError>(Response::new(Empty::<Bytes>::new())))
    });
    let (length, piece) = (1 << 20, 5001);
    let (body, watch) = Watched::new(length, piece);
    let request = Request::put(URI).body(body).unwrap();
    let authorizer = builder("s3", HOST).payload(signed()).build();
    SigV4::new(client, authorizer)
        .oneshot(request)
        .await
        .unwrap();
    let (head, mut body) = told.await.unwrap().into_parts();
    assert_eq!(watch.taken(), 0);
    let announced = body.size_hint().exact().unwrap();
    assert_eq!(head.headers["content-length"], announced.to_string());

    let mut sent = 0;
    let mut largest = 0;
    while let Some(frame) = next_frame(&mut body).await {
        let ahead = watch.taken().saturating_sub(sent);
        assert!(ahead <= CHUNK + piece, "{ahead} ahead of what was sent");
        let frame = frame.unwrap().into_data().unwrap();
        largest = largest.max(frame.len());
        sent += frame.len();
    }
    assert_eq!(watch.taken(), length);
    assert!(largest <= CHUNK);
}

/// The same with a client in between, whose server does not read yet.
#[tokio::test]
async fn are_not_read_for_a_server_that_does_not_read() {
    let (client, mut server) = tokio::io::duplex(4096);
    let mut handshake = hyper::client::conn::http1::Builder::new();
    let handshake = handshake
        .max_buf_size(16_384)
        .handshake(TokioIo::new(client));
    let (sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let sender = Arc::new(Mutex::new(sender));
    let client = service_fn(move |request: Request<SignedBody<Watched>>| {
        let answer = sender.lock().unwrap().send_request(request);
        async move { answer.await.map_err(BoxError::from) }
    });
    let length = 4 << 20;
    let (body, watch) = Watched::new(length, 5001);
    let request = Request::put(URI).body(body).unwrap();
    let authorizer = builder("s3", HOST).payload(signed()).build();
    let sending = tokio::spawn(SigV4::new(client, authorizer).oneshot(request));

    let mut octets = 0;
    let mut buffer = vec![0; 4096];
    // The pipe, the buffer of the client, a chunk and a piece.
    let bound = 4096 + 2 * 16_384 + CHUNK + 5001;
    while octets < length / 4 {
        octets += server.read(&mut buffer).await.unwrap();
        // As far as the client goes without being read.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let ahead = watch.taken().saturating_sub(octets);
        assert!(ahead <= bound, "{ahead} ahead of what was read");
    }
    sending.abort();
    connection.abort();
    watch.dropped().await;
}

#[tokio::test]
async fn go_over_http2() {
    let data = data(100_000);
    for (encoding, kind, _) in KINDS {
        for given in ["", "gzip"] {
            let (address, mut told) = http2::server().await;
            let client = Client::builder(TokioExecutor::new())
                .http2_only(true)
                .build(Dial(address));
            let mut request = Request::put(format!("{URI}?partNumber=1&uploadId=a"));
            if !given.is_empty() {
                request = request.header("content-encoding", given);
            }
            let body = pieces(&data).announcing(data.len() as u64);
            let request = request.body(body).unwrap();
            let authorizer = builder("s3", HOST).payload(small(encoding)).build();
            let answer = SigV4::new(client, authorizer).oneshot(request).await;
            assert_eq!(answer.unwrap().status(), 200);

            let (head, body) = told.recv().await.unwrap().into_parts();
            let secret = secrets::SECRET_ACCESS_KEY;
            let (_, decoded) = aws_chunked::verify(&head, &body, secret).unwrap();
            assert!(decoded.data() == data, "{kind}");
            let length = head.headers["content-length"].to_str().unwrap();
            assert_eq!(length, body.len().to_string());
        }
    }
}

/// A stream of HTTP/2 that is broken off is reset, and the server told so.
#[tokio::test]
async fn of_another_length_are_reset_over_http2() {
    let (address, mut told) = http2::server().await;
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build(Dial(address));
    let authorizer = builder("s3", HOST).payload(signed()).build();
    let client = SigV4::new(client, authorizer);
    for length in [CHUNK - 1, CHUNK + 1] {
        let body = pieces(&data(length)).announcing(CHUNK as u64);
        let request = Request::put(URI).body(body).unwrap();
        client.clone().oneshot(request).await.unwrap_err();
    }
    let request = Request::put(URI).body(pieces(&data(CHUNK)).announcing(CHUNK as u64));
    client.oneshot(request.unwrap()).await.unwrap();
    let (head, body) = told.recv().await.unwrap().into_parts();
    aws_chunked::verify(&head, &body, secrets::SECRET_ACCESS_KEY).unwrap();
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn are_made_by_a_proxy() {
    let upstream = WireServer::start(|_| WireResponse::new(200)).await;
    let layer = || UpstreamLayer::new(&upstream.url()).unwrap();
    let data = data(20_000);
    let send = async |head: &str, body: &[u8]| {
        let authorizer = builder("s3", &upstream.authority()).payload(signed());
        let gateway = Gateway::start(layer(), authorizer.build()).await;
        let head = format!("PUT /key HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{head}\r\n\r\n");
        let answer = gateway.exchange([head.as_bytes(), body].concat()).await.0;
        answer[9..12].to_owned()
    };
    assert_eq!(send("content-length: 20000", &data).await, "200");
    let request = upstream.only_request();
    assert!(judged(&request).1.data() == data);
    assert_eq!(request.header("transfer-encoding"), None);

    // Whoever sends of unknown length, or encoded for another signature, is told.
    let chunked = "transfer-encoding: chunked";
    assert_eq!(send(chunked, b"4\r\nbody\r\n0\r\n\r\n").await, "411");
    for encoded in [
        "content-encoding: aws-chunked",
        "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length: 5",
    ] {
        let encoded = format!("{encoded}\r\ncontent-length: 15");
        assert_eq!(send(&encoded, b"5\r\nhello\r\n0\r\n\r\n").await, "400");
    }
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn fail_with_the_error_of_the_body_and_no_other_request_after_it() {
    // A connection that was broken off is not used again.
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let client = signing(builder("s3", &server.authority()).payload(signed()).build());
    let failing = Pieces::of([data(CHUNK)]).then(Step::Failure);
    let request = Request::put(server.url()).body(failing.announcing(2 * CHUNK as u64));
    let error = client.clone().oneshot(request.unwrap()).await.unwrap_err();
    let outermost: &(dyn std::error::Error + 'static) = &*error;
    let found = std::iter::successors(Some(outermost), |&error| error.source())
        .find_map(|error| error.downcast_ref::<io::Error>());
    assert_eq!(found.unwrap().to_string(), "the disk is gone");

    let request = Request::put(server.url()).body(pieces(&data(CHUNK)).announcing(CHUNK as u64));
    client.oneshot(request.unwrap()).await.unwrap();
    // The first may have arrived in part, or not at all.
    let requests = server.requests();
    let whole: Vec<_> = requests
        .iter()
        .filter(|request| request.is_whole())
        .collect();
    assert_eq!(whole.len(), 1);
    judged(whole[0]);
}
