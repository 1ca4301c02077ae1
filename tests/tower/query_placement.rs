//! Signatures that are placed in the query: what arrives verifies, whatever the client brought
//! along, and each attempt has a URL of its own.

use std::future::Ready;
use std::future::ready;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Full;
use sigv4_core::AwsChunked;
use sigv4_core::EcdsaBackend;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::PresignOptions;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::WireForm;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::AuthorizerBuilder;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::Placement;
use sigv4_core::runtime::SigningReceipt;
use sigv4_tests::oracle::Body;
use sigv4_tests::oracle_v4a;
use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::secrets;
use sigv4_tests::time;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::RecoverLayer;
use sigv4_tower::SigV4Layer;
use tower::ServiceBuilder;
use tower::ServiceExt;
use tower::retry::Policy;
use tower::retry::RetryLayer;

use crate::doubles::Recorder;
use crate::fixture::REGION;
use crate::fixture::builder;
use crate::fixture::builder_with;
use crate::fixture::hyper_client;
use crate::fixture::send;
use crate::fixture::signing;
use crate::fixture::signing_error;
use crate::fixture::verified;
use crate::shared::clock::DATE;
use crate::shared::clock::TestClock;

const BODY: &[u8] = b"contents";
const MINUTE: Duration = Duration::from_secs(60);

fn in_query(builder: AuthorizerBuilder) -> Authorizer {
    builder.placement(Placement::query(MINUTE)).build()
}

async fn ok_server() -> WireServer {
    WireServer::start(|_| WireResponse::new(200)).await
}

/// How often a parameter is in the query that arrived, however its name is written.
fn count(request: &WireRequest, name: &str) -> usize {
    let target = request.target();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let names = query.split('&').map(|pair| pair.split('=').next().unwrap());
    names.filter(|it| it.eq_ignore_ascii_case(name)).count()
}

/// Headers and parameters as an earlier signature, or a client, left them.
fn with_leftovers(server: &WireServer) -> http::request::Builder {
    let stale = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Date=20000101T000000Z\
                 &x-amz-expires=99999&X%2DAmz-SignedHeaders=host&X-Amz-Signature=00\
                 &X-Amz-Security-Token=of-a-client&X-Amz-S3session-Token=of-a-client\
                 &X-Amz-Region-Set=*&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD";
    Request::builder()
        .uri(format!("{}/a/b@c?{stale}&z=1&a", server.url()))
        .header("authorization", "AWS4-HMAC-SHA256 of-a-client")
        .header("x-amz-date", "20000101T000000Z")
        .header("x-amz-security-token", "of-a-client")
        .header("x-amz-s3session-token", "of-a-client")
        .header("x-amz-region-set", "of-a-client")
        .header("x-amz-content-sha256", "of-a-client")
        .header("x-amz-meta-a", "1")
        .header("content-type", "text/plain")
}

#[tokio::test]
async fn what_arrives_verifies_and_has_one_signature() {
    let hashed = &[
        "content-type",
        "host",
        "x-amz-content-sha256",
        "x-amz-meta-a",
    ][..];
    let plain = &["content-type", "host", "x-amz-meta-a"][..];
    let unsigned = || SigningOverrides::new().payload(PayloadMode::Unsigned);
    let none = SigningOverrides::new;
    for (name, service, method, overrides, body, covered, signed) in [
        (
            "S3",
            "s3",
            "GET",
            none(),
            &b""[..],
            Body::Bytes(b""),
            hashed,
        ),
        (
            "S3, body",
            "s3",
            "PUT",
            none(),
            BODY,
            Body::Bytes(BODY),
            hashed,
        ),
        (
            "S3, unsigned",
            "s3",
            "PUT",
            unsigned(),
            BODY,
            Body::Unsigned,
            plain,
        ),
        (
            "Express",
            "s3express",
            "PUT",
            none(),
            BODY,
            Body::Bytes(BODY),
            hashed,
        ),
        (
            "aoss, unsigned",
            "aoss",
            "POST",
            unsigned(),
            BODY,
            Body::Unsigned,
            hashed,
        ),
        (
            "Lattice",
            "vpc-lattice-svcs",
            "POST",
            none(),
            BODY,
            Body::Unsigned,
            hashed,
        ),
        ("SQS", "sqs", "GET", none(), b"", Body::Bytes(b""), plain),
        (
            "SQS, body",
            "sqs",
            "POST",
            none(),
            BODY,
            Body::Bytes(BODY),
            plain,
        ),
        (
            "another service, by overrides",
            "sqs",
            "PUT",
            none().service("s3").unwrap(),
            BODY,
            Body::Bytes(BODY),
            hashed,
        ),
    ] {
        let server = ok_server().await;
        let credentials = secrets::temporary_credentials();
        let authorizer = in_query(builder_with(credentials, service, &server.authority()));
        let request = with_leftovers(&server).method(method).extension(overrides);
        let request = request.body(Full::<Bytes>::from(body)).unwrap();
        let response = send(&mut signing(authorizer), request).await.unwrap();
        let receipt = response.extensions().get::<SigningReceipt>().unwrap();
        assert_eq!(receipt.signed_at(), time::of_the_suite(), "{name}");

        let arrived = server.only_request();
        assert_eq!(arrived.body(), body, "{name}");
        let verified = verified(&arrived, covered);
        assert_eq!(verified.date, DATE, "{name}");
        assert_eq!(verified.expires_in, Some(MINUTE), "{name}");
        assert_eq!(
            verified.token.as_deref(),
            Some(secrets::SESSION_TOKEN),
            "{name}"
        );
        assert_eq!(verified.signed_headers, signed, "{name}");
        assert!(verified.unsigned_amz_headers.is_empty(), "{name}");
        let is_express = service == "s3express";
        for (parameter, expected) in [
            ("X-Amz-Algorithm", 1),
            ("X-Amz-Credential", 1),
            ("X-Amz-Date", 1),
            ("X-Amz-Expires", 1),
            ("X-Amz-SignedHeaders", 1),
            ("X%2DAmz-SignedHeaders", 0),
            ("X-Amz-Signature", 1),
            ("X-Amz-Security-Token", usize::from(!is_express)),
            ("X-Amz-S3session-Token", usize::from(is_express)),
            ("X-Amz-Region-Set", 0),
            ("X-Amz-Content-Sha256", 0),
            ("a", 1),
            ("z", 1),
        ] {
            assert_eq!(count(&arrived, parameter), expected, "{name}: {parameter}");
        }
        for header in [
            "authorization",
            "x-amz-date",
            "x-amz-security-token",
            "x-amz-s3session-token",
            "x-amz-region-set",
        ] {
            assert_eq!(arrived.header(header), None, "{name}: {header}");
        }
    }
}

#[tokio::test]
async fn what_arrives_verifies_with_sigv4a() {
    let server = ok_server().await;
    let signer = Signer::builder("s3", "us-*").sigv4a(EcdsaBackend::P256);
    let cache = CredentialsCache::new(secrets::temporary_credentials());
    let scope = HostScope::exact([server.authority()]).unwrap();
    let authorizer = Authorizer::builder(signer.build().unwrap(), cache, scope);
    let authorizer = in_query(authorizer.clock(TestClock::new()));
    let request = with_leftovers(&server).method("PUT");
    let request = request.body(Full::<Bytes>::from(BODY)).unwrap();
    send(&mut signing(authorizer), request).await.unwrap();

    let (arrived, key) = (server.only_request(), PublicKey::of_the_fixture());
    let verified = oracle_v4a::verify(&arrived.head(), BODY, &key).unwrap();
    assert_eq!((&*verified.date, &*verified.region_set), (DATE, "us-*"));
    assert_eq!(verified.expires_in, Some(MINUTE));
    assert_eq!(verified.token.as_deref(), Some(secrets::SESSION_TOKEN));
    assert_eq!(count(&arrived, "X-Amz-Region-Set"), 1);
    assert_eq!(arrived.header("x-amz-region-set"), None);
}

#[tokio::test]
async fn headers_that_move_into_the_query_are_there_once() {
    let server = ok_server().await;
    let options = PresignOptions::expires_in(MINUTE).hoist_headers();
    let authorizer = builder("s3", &server.authority()).placement(Placement::Query(options));
    let request = Request::put(format!("{}/key", server.url()))
        .header("x-amz-sdk-checksum-algorithm", "SHA256")
        .header("x-amz-acl", "private");
    let request = request.body(Full::<Bytes>::from(BODY)).unwrap();
    let mut client = signing(authorizer.build());
    send(&mut client, request).await.unwrap();

    let arrived = server.only_request();
    assert!(verified(&arrived, BODY).unsigned_amz_headers.is_empty());
    assert_eq!(count(&arrived, "x-amz-sdk-checksum-algorithm"), 1);
    assert_eq!(arrived.header("x-amz-sdk-checksum-algorithm"), None);
    assert_eq!(arrived.header("x-amz-acl").as_deref(), Some("private"));
}

/// Sends three times, a second later each time.
#[derive(Clone, Debug)]
struct Thrice {
    clock: TestClock,
    left: u32,
}

impl<B: Clone, R, E> Policy<Request<B>, Response<R>, E> for Thrice {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<B>, _: &mut Result<Response<R>, E>) -> Option<Ready<()>> {
        self.clock.advance(1);
        self.left = self.left.checked_sub(1)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn an_answer_that_repeats_its_url_does_not_give_the_signature_away() {
    let server = WireServer::start(|request| {
        let url = format!("https://a.example{}", request.target());
        let nested = url.replace('%', "%25");
        let nested = nested.replace('?', "%3F").replace('&', "%26");
        WireResponse::new(307)
            .header("location", &url)
            .header("content-location", request.target())
            .header("refresh", format!("1; url={url}"))
            .header("link", format!("<{url}>; rel=\"self\""))
            .header("x-next", format!("/login?next={nested}"))
            .header("x-amz-request-id", "kept")
            .body(url)
    })
    .await;
    let credentials = secrets::temporary_credentials();
    let authorizer = in_query(builder_with(credentials, "s3", &server.authority()));
    let request = crate::fixture::get(format!("{}/a?b=1", server.url()));
    let response = send(&mut signing(authorizer), request).await.unwrap();

    let arrived = server.only_request();
    assert_eq!(count(&arrived, "X-Amz-Signature"), 1);
    let value = |name| {
        let value: Option<&http::HeaderValue> = response.headers().get(name);
        value.map(|value| value.to_str().unwrap())
    };
    assert_eq!(value("location"), Some("https://a.example/a?b=1"));
    assert_eq!(value("content-location"), Some("/a?b=1"));
    assert_eq!(value("refresh"), Some("1; url=https://a.example/a?b=1"));
    assert_eq!(
        value("link"),
        Some("<https://a.example/a?b=1>; rel=\"self\"")
    );
    assert_eq!(value("x-next"), None);
    assert_eq!(value("x-amz-request-id"), Some("kept"));
}

#[tokio::test]
async fn each_attempt_has_a_date_of_its_own() {
    let server = ok_server().await;
    let clock = TestClock::new();
    let authorizer = in_query(builder("sqs", &server.authority()).clock(clock.clone()));
    let client = ServiceBuilder::new()
        .layer(RetryLayer::new(Thrice { clock, left: 2 }))
        .layer(SigV4Layer::new(authorizer))
        .service(hyper_client());
    let request = Request::post(format!("{}/?q=1", server.url()));
    let request = request.body(Full::<Bytes>::from(BODY)).unwrap();
    client.oneshot(request).await.unwrap();

    let requests = server.requests();
    let dates = requests.iter().map(|request| verified(request, BODY).date);
    assert_eq!(
        dates.collect::<Vec<_>>(),
        ["20150830T123600Z", "20150830T123601Z", "20150830T123602Z"]
    );
}

#[tokio::test]
async fn what_was_signed_before_is_signed_again_in_every_wire_form() {
    const HOST: &str = "sqs.us-east-1.amazonaws.com";
    for wire in [
        WireForm::Canonical,
        WireForm::AsGiven,
        WireForm::RefuseIfDifferent,
    ] {
        let signer = Signer::builder("sqs", REGION).wire_form(wire).build();
        let cache = CredentialsCache::new(secrets::temporary_credentials());
        let (scope, clock) = (HostScope::exact([HOST]).unwrap(), TestClock::new());
        let authorizer = Authorizer::builder(signer.unwrap(), cache, scope).clock(clock.clone());
        let authorizer = in_query(authorizer);
        for query in ["", "?a=1&z=2"] {
            let uri = format!("https://{HOST}/{query}");
            let mut request = Request::post(uri).body(()).unwrap();
            let mut signatures = Vec::new();
            for _ in 0..3 {
                let payload = sigv4_core::Payload::Bytes(BODY);
                let authorized = authorizer.authorize(&mut request, payload).await.unwrap();
                let authorized = authorized.unwrap();
                let verified =
                    sigv4_tests::oracle::verify(&request, BODY, secrets::SECRET_ACCESS_KEY);
                let verified = verified.unwrap();
                assert_eq!(authorized.signed().signature(), Some(&*verified.signature));
                assert_eq!(authorized.receipt().signed_at(), verified.time);
                signatures.push(verified.signature);
                clock.advance(1);
            }
            signatures.dedup();
            assert_eq!(signatures.len(), 3, "{wire:?}");
        }
        // What is not canonical is still refused, where that is what was asked for.
        let uri = format!("https://{HOST}/?z=1&a=1&X-Amz-Date=1");
        let mut request = Request::post(uri).body(()).unwrap();
        let signed = authorizer
            .authorize(&mut request, sigv4_core::Payload::EMPTY)
            .await;
        match wire {
            WireForm::RefuseIfDifferent => {
                assert_eq!(signed.unwrap_err().kind(), ErrorKind::NotCanonical);
            }
            _ => assert!(signed.unwrap().is_some()),
        }
    }
}

#[tokio::test]
async fn holds_no_longer_than_the_credentials() {
    let end = time::of_the_suite() + Duration::from_secs(20);
    let credentials = || secrets::credentials().with_expiry(end);
    let server = ok_server().await;
    let builder = || {
        let signer = Signer::builder("sqs", REGION).build().unwrap();
        let cache = CredentialsCache::builder(credentials()).clock(time::of_the_suite());
        let scope = HostScope::exact([server.authority()]).unwrap();
        Authorizer::builder(signer, cache.build(), scope)
    };
    let request = || {
        Request::post(server.url())
            .body(Full::<Bytes>::from(BODY))
            .unwrap()
    };
    send(&mut signing(in_query(builder())), request())
        .await
        .unwrap();
    let arrived = verified(&server.only_request(), BODY);
    assert_eq!(arrived.expires_in, Some(Duration::from_secs(20)));

    // Unless that is an error.
    let strict = Placement::Query(PresignOptions::expires_in(MINUTE));
    let client = &mut signing(builder().placement(strict).build());
    let error = send(client, request()).await.unwrap_err();
    assert_eq!(signing_error(&error).kind(), ErrorKind::Expiry);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn streams_are_refused_before_anything_is_sent_and_errors_change_nothing() {
    const HOST: &str = "s3.us-east-1.amazonaws.com";
    let chunks = PayloadMode::AwsChunked(AwsChunked::signed());
    for mode in [chunks, PayloadMode::Events] {
        let client = Recorder::new();
        let service = if mode == chunks { "s3" } else { "transcribe" };
        let authorizer = in_query(builder(service, HOST).payload(mode));
        let uri = format!("https://{HOST}/key?X-Amz-Signature=00");
        let request = Request::put(&uri).header("x-amz-date", "stale");
        let request = request.body(Full::<Bytes>::from(BODY)).unwrap();

        let refused = authorizer.plan(&request, None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Payload);
        let mut signer = sigv4_tower::SigV4::new(client.clone(), authorizer.clone());
        let error = send(&mut signer, request.clone()).await.unwrap_err();
        assert_eq!(signing_error(&error).kind(), ErrorKind::Payload);
        assert_eq!(client.calls(), 0);

        // And by whoever did not ask.
        let payload = match mode {
            PayloadMode::Events => sigv4_core::Payload::Events,
            _ => sigv4_core::Payload::AwsChunked {
                encoding: AwsChunked::signed(),
                length: Some(1),
            },
        };
        let mut head = request.map(drop);
        let credentials = authorizer.credentials().await.unwrap();
        let refused = authorizer.sign(&mut head, payload, &credentials, None);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Payload);
        assert_eq!(head.uri().to_string(), uri);
        assert_eq!(head.headers()["x-amz-date"], "stale");
        assert_eq!(head.headers().len(), 1);
    }
}

#[tokio::test]
async fn a_recovered_request_has_a_url_of_its_own() {
    let skewed = r#"{"__type":"RequestTimeTooSkewed","message":"no"}"#;
    let expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    for (service, refusal) in [("sqs", skewed), ("s3", expired)] {
        let server = WireServer::start(move |request| {
            if request.target().contains("X-Amz-Date=20150830T1236") {
                // Ten minutes later.
                let answer = WireResponse::new(403).header("date", "Sun, 30 Aug 2015 12:46:00 GMT");
                answer.body(refusal)
            } else {
                WireResponse::new(200)
            }
        })
        .await;
        let authorizer = in_query(builder(service, &server.authority()));
        let client = ServiceBuilder::new()
            .layer(RecoverLayer::new(authorizer.clone()))
            .layer(SigV4Layer::new(authorizer))
            .service(hyper_client());
        let request = Request::put(format!("{}/key?b&a", server.url()));
        let request = request.body(Full::<Bytes>::from(BODY)).unwrap();
        let response = client.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{service}");

        let requests = server.requests();
        let dates = requests.iter().map(|request| verified(request, BODY).date);
        assert_eq!(
            dates.collect::<Vec<_>>(),
            ["20150830T123600Z", "20150830T124600Z"]
        );
    }
}

#[tokio::test]
async fn nothing_of_ours_shows_the_url() {
    const HOST: &str = "s3.us-east-1.amazonaws.com";
    let authorizer = in_query(builder_with(secrets::temporary_credentials(), "s3", HOST));
    let mut request = Request::put(format!("https://{HOST}/key"))
        .body(())
        .unwrap();
    let payload = sigv4_core::Payload::Bytes(BODY);
    let authorized = authorizer.authorize(&mut request, payload).await.unwrap();
    let authorized = authorized.unwrap();
    let signature = authorized.signed().signature().unwrap().to_owned();
    assert!(request.uri().query().unwrap().ends_with(&signature));

    let head = &mut request;
    let mut texts = vec![format!("{authorizer:#?} {authorized:#?}")];
    texts.push(format!("{:#?}", authorized.into_receipt()));
    // An error over the signed request, too.
    *head.uri_mut() = head
        .uri()
        .to_string()
        .replace(HOST, "elsewhere.example.com")
        .parse()
        .unwrap();
    let error = authorizer.authorize(head, payload).await.unwrap_err();
    texts.push(format!("{error} {error:#?}"));
    for text in texts {
        secrets::assert_no_secret_nor(&text, &[&signature]);
        assert!(!text.contains("X-Amz-Signature"), "{text}");
    }
}

#[tokio::test]
async fn the_time_of_a_signature_is_told_to_a_hook() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    const HOST: &str = "sqs.us-east-1.amazonaws.com";
    for placement in [Placement::Headers, Placement::query(MINUTE)] {
        let sink = Arc::clone(&sink);
        let authorizer = builder("sqs", HOST)
            .placement(placement)
            .clock(sigv4_core::runtime::SystemClock::new())
            .on_signed(move |receipt, took| {
                sink.lock().unwrap().push((receipt.host().to_owned(), took));
            })
            .build();
        let mut request = Request::get(format!("https://{HOST}/")).body(()).unwrap();
        authorizer
            .authorize(&mut request, sigv4_core::Payload::EMPTY)
            .await
            .unwrap();
        // What is not signed is not told.
        let mut elsewhere = Request::get("https://example.com/").body(()).unwrap();
        let refused = authorizer
            .authorize(&mut elsewhere, sigv4_core::Payload::EMPTY)
            .await;
        refused.unwrap_err();
    }
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 2);
    for (host, took) in told.iter() {
        assert_eq!(host, HOST);
        assert!((Duration::from_nanos(1)..MINUTE).contains(took), "{took:?}");
    }
}

/// Counts how often it is asked how much time has passed.
#[derive(Clone, Debug, Default)]
struct Counting {
    looks: Arc<AtomicU64>,
}

impl Clock for Counting {
    fn now(&self) -> SystemTime {
        time::of_the_suite()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.looks.fetch_add(1, Ordering::Relaxed))
    }
}

#[tokio::test]
async fn without_a_hook_nobody_looks_at_the_clock() {
    const HOST: &str = "sqs.us-east-1.amazonaws.com";
    for (has_hook, looks) in [(false, 0), (true, 2)] {
        let clock = Counting::default();
        let mut builder = builder("sqs", HOST).clock(clock.clone());
        if has_hook {
            builder = builder.on_signed(|_, took| assert_eq!(took, Duration::from_secs(1)));
        }
        let mut request = Request::get(format!("https://{HOST}/")).body(()).unwrap();
        let payload = sigv4_core::Payload::EMPTY;
        builder
            .build()
            .authorize(&mut request, payload)
            .await
            .unwrap();
        assert_eq!(clock.looks.load(Ordering::Relaxed), looks);
    }
}
