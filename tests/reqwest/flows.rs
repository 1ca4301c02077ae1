//! Both ways through the signer over a server that others wrote: which names are signed, for what
//! service, region and date, with which token and hash.

use http::Request;
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::Extension;
use sigv4_core::PayloadMode;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_reqwest::SigV4Middleware;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Verified;
use sigv4_tests::secrets;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::ResponseTemplate;
use wiremock::matchers::any;

use crate::fixture::REGION;
use crate::fixture::WAYS;
use crate::fixture::authorizer;
use crate::fixture::builder;
use crate::fixture::builder_with;
use crate::fixture::client;
use crate::fixture::get;
use crate::fixture::signing;
use crate::shared::clock::DATE;

const BODY: &str = r#"{"QueueName":"jobs"}"#;

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

    /// Returns the one request that arrived since the last time.
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

/// Checks everything that a signature says beside the token.
#[track_caller]
fn assert_says(verified: &Verified, scope: (&str, &str), signed_headers: &[&str]) {
    assert_eq!((&*verified.service, &*verified.region), scope);
    assert_eq!(verified.signed_headers, signed_headers);
    assert_eq!(verified.access_key_id, secrets::ACCESS_KEY_ID);
    assert_eq!(verified.date, DATE);
    assert!(verified.unsigned_amz_headers.is_empty());
}

/// Sends what `request` makes both ways and has each judged.
async fn both_ways(
    authorizer: impl Fn(&str) -> Authorizer,
    request: impl Fn(&Upstream) -> reqwest::Request,
    overrides: Option<SigningOverrides>,
    body: oracle::Body<'_>,
) -> [(Verified, Request<Vec<u8>>); 2] {
    let mut results = Vec::new();
    for way in WAYS {
        let upstream = Upstream::start().await;
        let authorizer = authorizer(&upstream.host());
        let request = request(&upstream);
        way.send(&authorizer, request, overrides.clone())
            .await
            .unwrap();
        results.push((upstream.verdict(body).await, upstream.request().await));
    }
    results.try_into().unwrap()
}

#[tokio::test]
async fn signs_a_request_without_a_body() {
    let request = |upstream: &Upstream| get(upstream.url("/?Action=ListQueues&Version=2012-11-05"));
    let sqs = |host: &str| authorizer("sqs", host);
    for (verified, _) in both_ways(sqs, request, None, b"".into()).await {
        assert_says(&verified, ("sqs", REGION), &["host", "x-amz-date"]);
        assert_eq!(verified.token, None);
    }
}

#[tokio::test]
async fn signs_a_body_and_the_headers_that_aws_wants_signed() {
    let request = |upstream: &Upstream| {
        client()
            .post(upstream.url("/"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", "AmazonSQS.CreateQueue")
            .header("x-custom", "1")
            .header("user-agent", "a-program/1.0")
            .body(BODY)
            .build()
            .unwrap()
    };
    let sqs = |host: &str| authorizer("sqs", host);
    for (verified, arrived) in both_ways(sqs, request, None, BODY.into()).await {
        let signed = ["content-type", "host", "x-amz-date", "x-amz-target"];
        assert_says(&verified, ("sqs", REGION), &signed);
        assert_eq!(arrived.headers()["x-custom"], "1");
        assert_eq!(arrived.headers()["user-agent"], "a-program/1.0");
        assert_eq!(arrived.body(), BODY.as_bytes());
    }
}

#[tokio::test]
async fn sends_the_content_hash_where_the_service_wants_it() {
    let request = |upstream: &Upstream| {
        client()
            .put(upstream.url("/bucket/key"))
            .body(BODY)
            .build()
            .unwrap()
    };
    let s3 = |host: &str| authorizer("s3", host);
    for (verified, _) in both_ways(s3, request, None, BODY.into()).await {
        let signed = ["host", "x-amz-content-sha256", "x-amz-date"];
        assert_says(&verified, ("s3", REGION), &signed);
    }
}

#[tokio::test]
async fn leaves_the_body_out_of_the_signature_where_it_is_told_to() {
    let request = |upstream: &Upstream| {
        client()
            .put(upstream.url("/bucket/key"))
            .body(BODY)
            .build()
            .unwrap()
    };
    let s3 = |host: &str| builder("s3", host).payload(PayloadMode::Unsigned).build();
    for (verified, arrived) in both_ways(s3, request, None, oracle::Body::Unsigned).await {
        let signed = ["host", "x-amz-content-sha256", "x-amz-date"];
        assert_says(&verified, ("s3", REGION), &signed);
        assert_eq!(arrived.body(), BODY.as_bytes());
    }
}

#[tokio::test]
async fn sends_and_signs_a_session_token() {
    for (service, name) in [
        ("sqs", "x-amz-security-token"),
        ("s3express", "x-amz-s3session-token"),
    ] {
        let request = |upstream: &Upstream| get(upstream.url("/"));
        let of_a_role =
            |host: &str| builder_with(secrets::temporary_credentials(), service, host).build();
        for (verified, arrived) in both_ways(of_a_role, request, None, b"".into()).await {
            assert_eq!(verified.token.as_deref(), Some(secrets::SESSION_TOKEN));
            assert!(verified.signed_headers.iter().any(|signed| signed == name));
            assert_eq!(arrived.headers()[name], secrets::SESSION_TOKEN);
        }
    }
}

fn for_s3_in_frankfurt() -> SigningOverrides {
    SigningOverrides::new()
        .service("s3")
        .and_then(|overrides| overrides.region("eu-central-1"))
        .unwrap()
        .payload(PayloadMode::Unsigned)
}

#[tokio::test]
async fn overrides_change_one_request() {
    let request = |upstream: &Upstream| {
        client()
            .put(upstream.url("/bucket/key"))
            .body(BODY)
            .build()
            .unwrap()
    };
    let sqs = |host: &str| authorizer("sqs", host);
    let overrides = Some(for_s3_in_frankfurt());
    for (verified, _) in both_ways(sqs, request, overrides, oracle::Body::Unsigned).await {
        let signed = ["host", "x-amz-content-sha256", "x-amz-date"];
        assert_says(&verified, ("s3", "eu-central-1"), &signed);
    }
}

#[tokio::test]
async fn overrides_come_with_a_request_or_with_every_one() {
    let upstream = Upstream::start().await;
    let client = signing(authorizer("sqs", &upstream.host()));
    let request = client.put(upstream.url("/bucket/key")).body(BODY);
    request
        .with_extension(for_s3_in_frankfurt())
        .send()
        .await
        .unwrap();
    let verified = upstream.verdict(oracle::Body::Unsigned).await;
    assert_eq!(
        (&*verified.service, &*verified.region),
        ("s3", "eu-central-1")
    );

    upstream.0.reset().await;
    client
        .put(upstream.url("/"))
        .body(BODY)
        .send()
        .await
        .unwrap();
    assert_eq!(upstream.verdict(BODY).await.service, "sqs");

    upstream.0.reset().await;
    let client = ClientBuilder::from_client(client)
        .with_init(Extension(for_s3_in_frankfurt()))
        .build();
    client
        .put(upstream.url("/bucket/key"))
        .body(BODY)
        .send()
        .await
        .unwrap();
    assert_eq!(upstream.verdict(oracle::Body::Unsigned).await.service, "s3");
}

#[tokio::test]
async fn lets_a_request_pass_that_is_not_to_be_signed() {
    for way in WAYS {
        let upstream = Upstream::start().await;
        let request = client()
            .post(upstream.url("/a?q=a+b"))
            .bearer_auth("of-another-kind")
            .body(BODY)
            .build()
            .unwrap();
        let overrides = Some(SigningOverrides::new().do_not_sign());
        // Not even the host is asked about.
        let elsewhere = authorizer("sqs", "elsewhere.example.com");
        way.send(&elsewhere, request, overrides).await.unwrap();

        let arrived = upstream.request().await;
        assert_eq!(arrived.headers()["authorization"], "Bearer of-another-kind");
        assert!(!arrived.headers().contains_key("x-amz-date"));
        assert_eq!(arrived.uri(), "/a?q=a+b");
        assert_eq!(arrived.body(), BODY.as_bytes());
    }
}

#[tokio::test]
async fn replaces_an_earlier_signature() {
    let upstream = Upstream::start().await;
    let host = upstream.host();
    let outer = builder_with(secrets::temporary_credentials(), "s3", &host).build();
    let client = ClientBuilder::new(client())
        .with(SigV4Middleware::new(outer))
        .with(SigV4Middleware::new(authorizer("sqs", &host)))
        .build();
    client
        .post(upstream.url("/?a=1"))
        .body(BODY)
        .send()
        .await
        .unwrap();
    let verified = upstream.verdict(BODY).await;
    assert_eq!(
        (&*verified.service, verified.token.as_deref()),
        ("sqs", None)
    );
    assert!(
        !upstream
            .request()
            .await
            .headers()
            .contains_key("x-amz-security-token")
    );
}
