//! A signer of SigV4A behind the service: the signature that arrives verifies with the key that AWS
//! publishes for the access key.

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use sigv4_core::EcdsaBackend;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_tests::oracle::Body;
use sigv4_tests::oracle_v4a;
use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::oracle_v4a::Verified;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::authorizer;
use crate::fixture::send;
use crate::fixture::signing;
use crate::fixture::signing_error;
use crate::shared::clock::DATE;
use crate::shared::clock::TestClock;

const BODY: &[u8] = b"contents";

fn asymmetric(backend: EcdsaBackend, regions: &str, host: &str) -> Authorizer {
    let signer = Signer::builder("s3", regions).sigv4a(backend);
    let credentials = Credentials::new(
        secrets::ACCESS_KEY_ID,
        secrets::SECRET_ACCESS_KEY,
        Some(secrets::SESSION_TOKEN.to_owned()),
        None,
        "fixture",
    );
    let scope = HostScope::exact([host]).unwrap();
    Authorizer::builder(
        signer.build().unwrap(),
        CredentialsCache::new(credentials),
        scope,
    )
    .clock(TestClock::new())
    .build()
}

fn put(server: &WireServer) -> Request<Full<Bytes>> {
    Request::put(format!("{}/a/b@c?x=1&uploads", server.url()))
        .header("content-type", "text/plain")
        .header("x-amz-region-set", "of-a-client")
        .header("x-amz-meta-a", "1")
        .body(Full::from(BODY))
        .unwrap()
}

#[track_caller]
fn judged<'a>(request: &WireRequest, body: impl Into<Body<'a>>) -> Verified {
    let (head, body): (_, Body<'a>) = (request.head(), body.into());
    oracle_v4a::verify(&head, body, &PublicKey::of_the_fixture()).unwrap()
}

#[tokio::test]
async fn what_arrives_verifies_with_the_public_key() {
    for backend in [EcdsaBackend::P256, EcdsaBackend::Ring] {
        let server = WireServer::start(|_| WireResponse::new(200)).await;
        let mut client = signing(asymmetric(backend, "us-*, eu-west-1", &server.authority()));
        let response = send(&mut client, put(&server)).await.unwrap();
        assert_eq!(response.status(), 200);

        let arrived = server.only_request();
        assert_eq!(arrived.body(), BODY);
        assert_eq!(arrived.target(), "/a/b%40c?uploads=&x=1");
        let verified = judged(&arrived, BODY);
        assert_eq!(verified.date, DATE);
        assert_eq!(verified.service, "s3");
        assert_eq!(verified.region_set, "us-*,eu-west-1");
        assert_eq!(verified.token.as_deref(), Some(secrets::SESSION_TOKEN));
        assert_eq!(
            verified.signed_headers,
            [
                "content-type",
                "host",
                "x-amz-content-sha256",
                "x-amz-date",
                "x-amz-meta-a",
                "x-amz-region-set",
                "x-amz-security-token",
            ]
        );
        assert_eq!(arrived.values("x-amz-region-set"), ["us-*,eu-west-1"]);
    }
}

#[tokio::test]
async fn one_request_may_be_for_other_regions() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let mut client = signing(asymmetric(EcdsaBackend::P256, "*", &server.authority()));
    let overrides = SigningOverrides::new()
        .region_set("eu-*")
        .unwrap()
        .payload(PayloadMode::Unsigned);
    for (overrides, regions, body) in [
        (Some(overrides), "eu-*", Body::Unsigned),
        (None, "*", Body::Bytes(BODY)),
    ] {
        let mut request = put(&server);
        if let Some(overrides) = overrides {
            request.extensions_mut().insert(overrides);
        }
        send(&mut client, request).await.unwrap();
        let arrived = server.requests().pop().unwrap();
        assert_eq!(judged(&arrived, body).region_set, regions);
    }
}

/// With SigV4 a set is an error, and nothing is sent.
#[tokio::test]
async fn a_set_of_regions_does_not_pass_a_signer_of_sigv4() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let mut client = signing(authorizer("s3", &server.authority()));
    let mut request = put(&server);
    let overrides = SigningOverrides::new().region_set("*").unwrap();
    request.extensions_mut().insert(overrides);
    let error = send(&mut client, request).await.unwrap_err();
    assert_eq!(signing_error(&error).kind(), ErrorKind::RegionSet);
    assert!(server.requests().is_empty());
}
