//! Every way through the signer over a server that others wrote: which names are signed, for what
//! service, region and date, with which token and hash.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use http_body_util::Full;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::ExistingAuthorization;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Verified;
use sigv4_tests::secrets;
use sigv4_tower::SigV4;
use sigv4_tower::SigV4Layer;
use tower::ServiceBuilder;
use tower::ServiceExt;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::ResponseTemplate;
use wiremock::matchers::any;

use crate::doubles::Recorder;
use crate::fixture::REGION;
use crate::fixture::authorizer;
use crate::fixture::builder;
use crate::fixture::builder_with;
use crate::fixture::get;
use crate::fixture::hyper_client;
use crate::fixture::send;
use crate::fixture::signing;
use crate::shared::body::Pieces;
use crate::shared::clock::DATE;

const BODY: &[u8] = br#"{"QueueName":"jobs"}"#;

/// A server that answers everything with 200.
struct Upstream(MockServer);

impl Upstream {
    async fn start() -> Self {
        let server = MockServer::start().await;
        let ok = Mock::given(any()).respond_with(ResponseTemplate::new(200));
        ok.mount(&server).await;
        Self(server)
    }

    fn host(&self) -> String {
        self.0.address().to_string()
    }

    fn url(&self, target: &str) -> String {
        format!("{}{target}", self.0.uri())
    }

    /// Returns the one request that arrived.
    async fn request(&self) -> Request<Vec<u8>> {
        let mut requests = self.0.received_requests().await.unwrap();
        assert_eq!(requests.len(), 1);
        let arrived = requests.remove(0);
        let mut target = arrived.url.path().to_owned();
        if let Some(query) = arrived.url.query() {
            target = format!("{target}?{query}");
        }
        let mut request = Request::new(arrived.body);
        *request.method_mut() = arrived.method;
        *request.uri_mut() = target.parse().unwrap();
        *request.headers_mut() = arrived.headers;
        request
    }

    /// Returns what the signature of the one request says, after it was found to fit.
    async fn verdict<'a>(&self, body: impl Into<oracle::Body<'a>>) -> Verified {
        let request = self.request().await;
        let body: oracle::Body<'a> = body.into();
        oracle::verify(&request, body, secrets::SECRET_ACCESS_KEY).unwrap()
    }
}

/// Checks everything that a signature says beside the service.
#[track_caller]
fn assert_says(verified: &Verified, scope: (&str, &str), signed_headers: &[&str]) {
    assert_eq!((&*verified.service, &*verified.region), scope);
    assert_eq!(verified.signed_headers, signed_headers);
    assert_eq!(verified.access_key_id, secrets::ACCESS_KEY_ID);
    assert_eq!(verified.date, DATE);
    assert!(verified.unsigned_amz_headers.is_empty());
}

#[tokio::test]
async fn signs_a_request_without_a_body() {
    let upstream = Upstream::start().await;
    let request = get(upstream.url("/?Action=ListQueues&Version=2012-11-05"));
    let client = signing(authorizer("sqs", &upstream.host()));
    client.oneshot(request).await.unwrap();

    let verified = upstream.verdict(b"").await;
    assert_says(&verified, ("sqs", REGION), &["host", "x-amz-date"]);
    assert_eq!(verified.token, None);
}

#[tokio::test]
async fn signs_a_body_in_one_piece() {
    let upstream = Upstream::start().await;
    let request = Request::post(upstream.url("/"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")
        .header("x-amz-target", "AmazonSQS.CreateQueue")
        .header("user-agent", "a-program/1.0")
        .header("x-forwarded-for", "192.0.2.1")
        .body(Full::<Bytes>::from(BODY))
        .unwrap();
    let client = signing(authorizer("sqs", &upstream.host()));
    client.oneshot(request).await.unwrap();

    let signed = [
        "content-md5",
        "content-type",
        "host",
        "x-amz-date",
        "x-amz-target",
    ];
    assert_says(&upstream.verdict(BODY).await, ("sqs", REGION), &signed);
    let arrived = upstream.request().await;
    assert_eq!(arrived.headers()["user-agent"], "a-program/1.0");
    assert_eq!(arrived.body(), BODY);
}

#[tokio::test]
async fn signs_a_body_in_many_pieces() {
    let upstream = Upstream::start().await;
    let body = Pieces::of(["one ", "", "two ", "three"]);
    let request = Request::post(upstream.url("/")).body(body).unwrap();
    let client = signing(authorizer("sqs", &upstream.host()));
    client.oneshot(request).await.unwrap();

    let verified = upstream.verdict("one two three").await;
    assert_says(&verified, ("sqs", REGION), &["host", "x-amz-date"]);
    assert_eq!(upstream.request().await.headers()["content-length"], "13");
}

#[tokio::test]
async fn sends_the_content_hash_where_the_service_wants_it() {
    for service in ["s3", "aoss", "glacier"] {
        let upstream = Upstream::start().await;
        let request = Request::put(upstream.url("/bucket/key"))
            .body(Full::<Bytes>::from(BODY))
            .unwrap();
        let client = signing(authorizer(service, &upstream.host()));
        client.oneshot(request).await.unwrap();

        // That the hash is the one of the body is for the judge to see.
        let signed = ["host", "x-amz-content-sha256", "x-amz-date"];
        assert_says(&upstream.verdict(BODY).await, (service, REGION), &signed);
    }
}

#[tokio::test]
async fn leaves_the_body_out_of_the_signature_where_it_is_told_to() {
    let upstream = Upstream::start().await;
    let authorizer = builder("s3", &upstream.host())
        .payload(PayloadMode::Unsigned)
        .build();
    let body = Pieces::of(["one ", "two"]);
    let request = Request::put(upstream.url("/bucket/key"))
        .body(body)
        .unwrap();
    signing(authorizer).oneshot(request).await.unwrap();

    let signed = ["host", "x-amz-content-sha256", "x-amz-date"];
    assert_says(
        &upstream.verdict(oracle::Body::Unsigned).await,
        ("s3", REGION),
        &signed,
    );
    assert_eq!(upstream.request().await.body(), b"one two");
}

#[tokio::test]
async fn never_covers_the_body_for_a_service_that_does_not_look_at_it() {
    let upstream = Upstream::start().await;
    let request = Request::post(upstream.url("/"))
        .body(Full::<Bytes>::from(BODY))
        .unwrap();
    let client = signing(authorizer("vpc-lattice-svcs", &upstream.host()));
    client.oneshot(request).await.unwrap();

    let signed = ["host", "x-amz-content-sha256", "x-amz-date"];
    let verified = upstream.verdict(oracle::Body::Unsigned).await;
    assert_says(&verified, ("vpc-lattice-svcs", REGION), &signed);
}

#[tokio::test]
async fn takes_a_hash_that_is_known_already() {
    let hash: [u8; 32] = Sha256::digest(b"one two").into();
    for service in ["s3", "sqs"] {
        let upstream = Upstream::start().await;
        let overrides = SigningOverrides::new().payload(PayloadMode::Sha256(hash));
        let request = Request::put(upstream.url("/bucket/key"))
            .extension(overrides)
            .body(Pieces::of(["one ", "two"]))
            .unwrap();
        let client = signing(authorizer(service, &upstream.host()));
        client.oneshot(request).await.unwrap();
        upstream.verdict(b"one two").await;
    }
}

#[tokio::test]
async fn a_hash_that_is_not_that_of_the_body_does_not_verify() {
    let upstream = Upstream::start().await;
    let overrides = SigningOverrides::new().payload(PayloadMode::Sha256([7; 32]));
    let request = Request::put(upstream.url("/bucket/key"))
        .extension(overrides)
        .body(Full::<Bytes>::from(BODY))
        .unwrap();
    signing(authorizer("s3", &upstream.host()))
        .oneshot(request)
        .await
        .unwrap();

    let arrived = upstream.request().await;
    oracle::verify(&arrived, BODY, secrets::SECRET_ACCESS_KEY).unwrap_err();
}

#[tokio::test]
async fn overrides_change_one_request() {
    let upstream = Upstream::start().await;
    let overrides = SigningOverrides::new()
        .service("s3")
        .and_then(|overrides| overrides.region("eu-central-1"))
        .unwrap()
        .payload(PayloadMode::Unsigned);
    let request = Request::put(upstream.url("/bucket/key"))
        .extension(overrides)
        .body(Full::<Bytes>::from(BODY))
        .unwrap();
    let mut client = signing(authorizer("sqs", &upstream.host()));
    send(&mut client, request).await.unwrap();
    let verified = upstream.verdict(oracle::Body::Unsigned).await;
    let signed = ["host", "x-amz-content-sha256", "x-amz-date"];
    assert_says(&verified, ("s3", "eu-central-1"), &signed);

    upstream.0.reset().await;
    let plain = Request::put(upstream.url("/"))
        .body(Full::<Bytes>::from(BODY))
        .unwrap();
    send(&mut client, plain).await.unwrap();
    let verified = upstream.verdict(BODY).await;
    assert_says(&verified, ("sqs", REGION), &["host", "x-amz-date"]);
}

#[tokio::test]
async fn overrides_stay_with_the_request() {
    let client = Recorder::new();
    let overrides = SigningOverrides::new().region("eu-central-1").unwrap();
    for body in [Pieces::default(), Pieces::of(["body"])] {
        let request = Request::post("https://sqs.eu-central-1.amazonaws.com/")
            .extension(overrides.clone())
            .body(body)
            .unwrap();
        let authorizer = authorizer("sqs", "sqs.eu-central-1.amazonaws.com");
        SigV4::new(client.clone(), authorizer)
            .oneshot(request)
            .await
            .unwrap();
    }
    for head in client.heads() {
        assert!(head.extensions().get::<SigningOverrides>().is_some());
    }
}

#[tokio::test]
async fn lets_a_request_pass_that_is_not_to_be_signed() {
    let upstream = Upstream::start().await;
    let request = Request::post(upstream.url("/a/../b?q=a+b"))
        .extension(SigningOverrides::new().do_not_sign())
        .header("authorization", "Bearer of-another-kind")
        .body(Full::<Bytes>::from(BODY))
        .unwrap();
    // Not even the host is asked about.
    let client = signing(authorizer("sqs", "elsewhere.example.com"));
    client.oneshot(request).await.unwrap();

    let arrived = upstream.request().await;
    assert_eq!(arrived.headers()["authorization"], "Bearer of-another-kind");
    assert!(!arrived.headers().contains_key("x-amz-date"));
    assert_eq!(arrived.body(), BODY);
}

#[tokio::test]
async fn keeps_an_authorization_that_it_is_told_to_keep() {
    let upstream = Upstream::start().await;
    let signer = Signer::builder("sqs", REGION)
        .existing_authorization(ExistingAuthorization::DangerKeep)
        .build()
        .unwrap();
    let credentials = CredentialsCache::new(secrets::temporary_credentials());
    let scope = HostScope::exact([upstream.host()]).unwrap();
    let request = Request::get(upstream.url("/"))
        .header("authorization", "Basic dXNlcjpwYXNz")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let client = signing(Authorizer::builder(signer, credentials, scope).build());
    client.oneshot(request).await.unwrap();

    let arrived = upstream.request().await;
    assert_eq!(arrived.headers()["authorization"], "Basic dXNlcjpwYXNz");
    for name in ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
        assert!(!arrived.headers().contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn sends_and_signs_a_session_token() {
    for (service, name) in [
        ("sqs", "x-amz-security-token"),
        ("s3express", "x-amz-s3session-token"),
    ] {
        let upstream = Upstream::start().await;
        let provider = secrets::temporary_credentials();
        let authorizer = builder_with(provider, service, &upstream.host()).build();
        signing(authorizer)
            .oneshot(get(upstream.url("/")))
            .await
            .unwrap();

        let verified = upstream.verdict(b"").await;
        assert_eq!(verified.token.as_deref(), Some(secrets::SESSION_TOKEN));
        assert!(verified.signed_headers.iter().any(|signed| signed == name));
        assert_eq!(
            upstream.request().await.headers()[name],
            secrets::SESSION_TOKEN
        );
    }
}

#[tokio::test]
async fn appends_the_token_where_the_service_does_not_want_it_signed() {
    let upstream = Upstream::start().await;
    let provider = secrets::temporary_credentials();
    let authorizer = builder_with(provider, "iotdevicegateway", &upstream.host()).build();
    signing(authorizer)
        .oneshot(get(upstream.url("/mqtt")))
        .await
        .unwrap();

    let verified = upstream.verdict(b"").await;
    assert_eq!(verified.signed_headers, ["host", "x-amz-date"]);
    assert_eq!(verified.unsigned_amz_headers, ["x-amz-security-token"]);
}

#[tokio::test]
async fn replaces_an_earlier_signature() {
    let upstream = Upstream::start().await;
    // The outer signer has a token, which must not outlive its signature.
    let host = upstream.host();
    let outer = builder_with(secrets::temporary_credentials(), "s3", &host).build();
    let client = ServiceBuilder::new()
        .layer(SigV4Layer::new(outer))
        .layer(SigV4Layer::new(authorizer("sqs", &host)))
        .service(hyper_client());
    let request = Request::post(upstream.url("/?a=1"))
        .body(Full::<Bytes>::from(BODY))
        .unwrap();
    client.oneshot(request).await.unwrap();

    let verified = upstream.verdict(BODY).await;
    // The hash that the outer signature has left is there to be signed, and right.
    let signed = ["host", "x-amz-content-sha256", "x-amz-date"];
    assert_says(&verified, ("sqs", REGION), &signed);
    assert_eq!(verified.token, None);
    assert!(
        !upstream
            .request()
            .await
            .headers()
            .contains_key("x-amz-security-token")
    );
}
