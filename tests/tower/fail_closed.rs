//! A request that cannot be signed as it should is not sent at all, and the error says why.

use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use bytes::Bytes;
use http::HeaderName;
use http::Method;
use http::Request;
use http::Response;
use http::Uri;
use http_body_util::Empty;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::WireForm;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::StickyChain;
use sigv4_tests::secrets;
use sigv4_tests::time;
use sigv4_tower::BoxError;
use sigv4_tower::SigV4;
use sigv4_tower::SignedBody;
use tower::ServiceExt;
use tower::service_fn;

use crate::doubles::Recorder;
use crate::fixture::REGION;
use crate::fixture::authorizer;
use crate::fixture::builder;
use crate::fixture::builder_with;
use crate::fixture::get;
use crate::fixture::signing;
use crate::shared::body::Pieces;
use crate::shared::body::Step;
use crate::shared::clock::TestClock;
use crate::shared::credentials::Failing;
use crate::shared::peer::Peer;

const HOST: &str = "sqs.us-east-1.amazonaws.com";
const URI: &str = "https://sqs.us-east-1.amazonaws.com/";

/// Returns why a request was refused, after a look that the client was not called.
async fn refusal(authorizer: Authorizer, request: Request<Pieces>) -> sigv4_core::Error {
    let client = Recorder::new();
    let error = SigV4::new(client.clone(), authorizer)
        .oneshot(request)
        .await
        .unwrap_err();
    assert_eq!(client.calls(), 0);
    // It is the error itself, not one that wraps it.
    *error.downcast::<sigv4_core::Error>().unwrap()
}

fn request(uri: &str) -> Request<Pieces> {
    Request::post(uri).body(Pieces::of(["body"])).unwrap()
}

fn with_headers(headers: &[(&'static str, &'static str)]) -> Request<Pieces> {
    let mut request = request(URI);
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn without_credentials() {
    for request in [
        request(URI),
        Request::get(URI).body(Pieces::default()).unwrap(),
    ] {
        let authorizer = builder_with(Failing::always(), "sqs", HOST).build();
        let error = refusal(authorizer, request).await;
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(error.is_retryable());
        let outage = error.credentials_outage().unwrap();
        let cause = outage.source().unwrap().source().unwrap();
        assert!(cause.downcast_ref::<CredentialsError>().is_some());
    }
}

#[tokio::test]
async fn without_a_source_of_credentials() {
    let unset = StickyChain::new::<&str>([]);
    let error = refusal(builder_with(unset, "sqs", HOST).build(), request(URI)).await;
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn with_credentials_that_cannot_be_signed_with() {
    #[derive(Debug)]
    struct Broken;

    impl ProvideCredentials for Broken {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Ok(aws_credential_types::Credentials::new(
                "AKID", "secret\n", None, None, "file",
            )))
        }
    }

    let error = refusal(builder_with(Broken, "sqs", HOST).build(), request(URI)).await;
    assert_eq!(error.kind(), ErrorKind::Credentials);
    let ended = secrets::credentials().with_expiry(UNIX_EPOCH);
    let error = refusal(builder_with(ended, "sqs", HOST).build(), request(URI)).await;
    assert_eq!(error.kind(), ErrorKind::Credentials);
}

#[tokio::test]
async fn to_a_host_out_of_scope() {
    for (name, request) in [
        (
            "another host",
            request("https://sqs.us-east-2.amazonaws.com/"),
        ),
        (
            "a host that begins so",
            request("https://sqs.us-east-1.amazonaws.com.evil.com/"),
        ),
        (
            "a host behind userinfo",
            request("https://sqs.us-east-1.amazonaws.com@evil.com/"),
        ),
        (
            "another port",
            request("https://sqs.us-east-1.amazonaws.com:8443/"),
        ),
        ("plain http", request("http://sqs.us-east-1.amazonaws.com/")),
        (
            "another scheme",
            request("ftp://sqs.us-east-1.amazonaws.com/"),
        ),
        ("another Host header", with_headers(&[("host", "evil.com")])),
        ("another URI behind the right Host header", {
            let mut request = with_headers(&[("host", HOST)]);
            *request.uri_mut() = Uri::from_static("https://evil.com/");
            request
        }),
    ] {
        let error = refusal(authorizer("sqs", HOST), request).await;
        assert_eq!(error.kind(), ErrorKind::OutOfScope, "{name}");
        assert!(!error.is_retryable(), "{name}");
    }
}

#[tokio::test]
async fn with_what_cannot_be_signed() {
    let in_its_query = |uri: &'static str, wire| {
        let signer = Signer::builder("sqs", REGION)
            .wire_form(wire)
            .build()
            .unwrap();
        let credentials = CredentialsCache::new(secrets::credentials());
        let scope = HostScope::exact([HOST]).unwrap();
        let authorizer = Authorizer::builder(signer, credentials, scope).build();
        (authorizer, request(uri))
    };
    let of_sqs = |request| (authorizer("sqs", HOST), request);
    let unsigned = |mut request: Request<Pieces>| {
        let overrides = SigningOverrides::new().payload(PayloadMode::Unsigned);
        request.extensions_mut().insert(overrides);
        request
    };
    let with = |change: fn(&mut Request<Pieces>)| {
        let mut request = request(URI);
        change(&mut request);
        request
    };
    for (name, (authorizer, request), kind) in [
        (
            "an Authorization of another kind",
            of_sqs(with_headers(&[("authorization", "Basic dXNlcjpwYXNz")])),
            ErrorKind::ExistingAuthorization,
        ),
        (
            "one of another kind beside one of ours",
            of_sqs(with_headers(&[
                ("authorization", "AWS4-HMAC-SHA256 Credential=a"),
                ("authorization", "Bearer b"),
            ])),
            ErrorKind::ExistingAuthorization,
        ),
        (
            "two Host headers",
            of_sqs(with_headers(&[("host", HOST), ("host", HOST)])),
            ErrorKind::InvalidHost,
        ),
        (
            "a Host header with userinfo",
            of_sqs(with_headers(&[(
                "host",
                "evil@sqs.us-east-1.amazonaws.com",
            )])),
            ErrorKind::InvalidHost,
        ),
        (
            "a port that is none",
            of_sqs(request("https://sqs.us-east-1.amazonaws.com:99999/")),
            ErrorKind::InvalidHost,
        ),
        (
            "a port that is none in the Host header",
            of_sqs(with_headers(&[(
                "host",
                "sqs.us-east-1.amazonaws.com:+443",
            )])),
            ErrorKind::InvalidHost,
        ),
        (
            "no host",
            of_sqs(with(|request| {
                *request.uri_mut() = Uri::from_static("/path");
            })),
            ErrorKind::MissingHost,
        ),
        (
            "a tunnel",
            of_sqs(with(|request| {
                *request.method_mut() = Method::CONNECT;
                *request.uri_mut() = Uri::from_static("sqs.us-east-1.amazonaws.com:443");
            })),
            ErrorKind::RequestTarget,
        ),
        (
            "an unsigned payload that the service does not take",
            of_sqs(unsigned(request(URI))),
            ErrorKind::Payload,
        ),
        (
            "a path that is not canonical",
            in_its_query(
                "https://sqs.us-east-1.amazonaws.com/a/../b",
                WireForm::RefuseIfDifferent,
            ),
            ErrorKind::NotCanonical,
        ),
        (
            "a signature in the query that is to be left there",
            in_its_query(
                "https://sqs.us-east-1.amazonaws.com/?X-Amz-Signature=a",
                WireForm::AsGiven,
            ),
            ErrorKind::ExistingAuthorization,
        ),
        (
            "a body that fails",
            of_sqs(request(URI).map(|body| body.then(Step::Failure))),
            ErrorKind::BodyRead,
        ),
        (
            "a body with trailers",
            of_sqs(request(URI).map(|body| body.then(Step::Trailers))),
            ErrorKind::Trailers,
        ),
        (
            "a body of another length",
            of_sqs(with_headers(&[("content-length", "5")])),
            ErrorKind::BodyLength,
        ),
        (
            "a body over the limit",
            (builder("sqs", HOST).body_limit(3).build(), request(URI)),
            ErrorKind::BodyTooLarge,
        ),
        (
            "so many headers that none fits any more",
            of_sqs(full_of_headers()),
            ErrorKind::TooManyHeaders,
        ),
    ] {
        assert_eq!(refusal(authorizer, request).await.kind(), kind, "{name}");
    }
}

/// A request with as many headers as `http` can hold.
fn full_of_headers() -> Request<Pieces> {
    let mut request = request(URI);
    let headers = request.headers_mut();
    for at in 0.. {
        let name = HeaderName::try_from(format!("x-{at}")).unwrap();
        if headers.try_append(name, "1".parse().unwrap()).is_err() {
            break;
        }
    }
    request
}

#[tokio::test]
async fn with_a_clock_that_cannot_be_right() {
    #[derive(Debug)]
    struct BeforeTime;

    impl Clock for BeforeTime {
        fn now(&self) -> SystemTime {
            UNIX_EPOCH - Duration::from_secs(1)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    let authorizer = builder("sqs", HOST).clock(BeforeTime).build();
    assert_eq!(
        refusal(authorizer, request(URI)).await.kind(),
        ErrorKind::Time
    );
}

#[tokio::test]
async fn when_credentials_end_while_the_body_is_read() {
    let clock = TestClock::new();
    let end = time::of_the_suite() + Duration::from_secs(60);
    let provider = secrets::credentials().with_expiry(end);
    let credentials = CredentialsCache::builder(provider).clock(clock.clone());
    let signer = Signer::builder("sqs", REGION).build().unwrap();
    let scope = HostScope::exact([HOST]).unwrap();
    let authorizer = Authorizer::builder(signer, credentials.build(), scope).build();
    authorizer.credentials().await.unwrap();

    let client = Recorder::new();
    let body = Pieces::of(["body"]).then(Step::Pause);
    let request = Request::post(URI).body(body).unwrap();
    let mut answer = pin!(SigV4::new(client.clone(), authorizer).oneshot(request));
    let pending = poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx).is_pending()));
    assert!(pending.await);
    clock.advance(60);
    let error = answer.await.unwrap_err();
    let error = error.downcast::<sigv4_core::Error>().unwrap();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert_eq!(client.calls(), 0);
}

#[tokio::test]
async fn nothing_reaches_the_wire() {
    let peer = Peer::start().await;
    let authority = peer.authority();
    let client = async move {
        let uri = format!("http://{authority}/");
        let without = builder_with(Failing::always(), "sqs", &authority).build();
        signing(without).oneshot(get(&uri)).await.unwrap_err();
        let elsewhere = authorizer("sqs", HOST);
        signing(elsewhere).oneshot(get(&uri)).await.unwrap_err();
    };
    let ((), received) = peer.observe(client).await;
    assert_eq!(received, []);
}

#[tokio::test]
async fn an_error_of_the_client_is_passed_on_as_it_is() {
    let client = service_fn(|_: Request<SignedBody<Empty<Bytes>>>| async {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        Err::<Response<()>, BoxError>(refused.into())
    });
    let error = SigV4::new(client, authorizer("sqs", HOST))
        .oneshot(get(URI))
        .await
        .unwrap_err();
    let error = error.downcast::<io::Error>().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}
