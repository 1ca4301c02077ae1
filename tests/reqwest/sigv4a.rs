//! A signer of SigV4A, by the middleware and by the function: the signature that arrives verifies
//! with the key that AWS publishes for the access key.

use aws_credential_types::Credentials;
use sigv4_core::EcdsaBackend;
use sigv4_core::ErrorKind;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_tests::oracle_v4a;
use sigv4_tests::oracle_v4a::PublicKey;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::WAYS;
use crate::fixture::authorizer;
use crate::fixture::client;
use crate::fixture::signed_by;
use crate::fixture::signing_kind;
use crate::shared::clock::DATE;

const BODY: &str = "contents";

fn asymmetric(backend: EcdsaBackend, regions: &str, host: &str) -> Authorizer {
    let signer = Signer::builder("s3", regions).sigv4a(backend);
    let credentials = Credentials::new(
        secrets::ACCESS_KEY_ID,
        secrets::SECRET_ACCESS_KEY,
        Some(secrets::SESSION_TOKEN.to_owned()),
        None,
        "fixture",
    );
    signed_by(signer.build().unwrap(), credentials, host).build()
}

fn put(server: &WireServer) -> reqwest::Request {
    client()
        .put(format!("{}/a/b@c?x=1&uploads", server.url()))
        .header("content-type", "text/plain")
        .header("x-amz-region-set", "of-a-client")
        .body(BODY)
        .build()
        .unwrap()
}

#[tokio::test]
async fn what_arrives_verifies_with_the_public_key() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let eu = SigningOverrides::new().region_set("eu-*").unwrap();
    for backend in [EcdsaBackend::P256, EcdsaBackend::Ring] {
        let authorizer = asymmetric(backend, "us-*, eu-west-1", &server.authority());
        for way in WAYS {
            for (overrides, regions) in [(None, "us-*,eu-west-1"), (Some(eu.clone()), "eu-*")] {
                let request = put(&server);
                let response = way.send(&authorizer, request, overrides).await.unwrap();
                assert_eq!(response.status(), 200);

                let arrived = server.requests().pop().unwrap();
                assert_eq!(arrived.body(), BODY.as_bytes());
                assert_eq!(arrived.target(), "/a/b%40c?uploads=&x=1");
                let key = PublicKey::of_the_fixture();
                let verified = oracle_v4a::verify(&arrived.head(), BODY, &key).unwrap();
                assert_eq!(verified.date, DATE);
                assert_eq!(verified.region_set, regions);
                assert_eq!(verified.token.as_deref(), Some(secrets::SESSION_TOKEN));
                assert_eq!(arrived.values("x-amz-region-set"), [regions]);
            }
        }
    }
    assert_eq!(server.requests().len(), 8);
}

/// With SigV4 a set is an error, and nothing is sent.
#[tokio::test]
async fn a_set_of_regions_does_not_pass_a_signer_of_sigv4() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = authorizer("s3", &server.authority());
    for way in WAYS {
        let overrides = SigningOverrides::new().region_set("*").unwrap();
        let sent = way.send(&authorizer, put(&server), Some(overrides)).await;
        assert_eq!(signing_kind(&sent.unwrap_err()), ErrorKind::RegionSet);
    }
    assert!(server.requests().is_empty());
}
