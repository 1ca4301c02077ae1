//! What becomes of an `Authorization` header that is there already.

use http::HeaderValue;
use reqwest::Request;
use sigv4_core::ErrorKind;
use sigv4_core::ExistingAuthorization;
use sigv4_core::Signer;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::REGION;
use crate::fixture::WAYS;
use crate::fixture::authorizer;
use crate::fixture::client;
use crate::fixture::get;
use crate::fixture::signed_by;
use crate::fixture::signing;
use crate::fixture::signing_kind;
use crate::fixture::verified;

/// Requests with an authorization of another kind, made in all ways there are.
fn foreign(server: &WireServer) -> [Request; 4] {
    let url = server.url();
    let request = || client().get(&url);
    [
        // reqwest makes a Basic authorization of userinfo.
        get(format!("http://user:pass@{}/", server.authority())),
        request().basic_auth("user", Some("pass")).build().unwrap(),
        request().bearer_auth("token").build().unwrap(),
        request().header("authorization", "AWS4").build().unwrap(),
    ]
}

#[tokio::test]
async fn one_of_another_kind_is_refused() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = authorizer("sqs", &server.authority());
    for way in WAYS {
        for request in foreign(&server) {
            let error = way.send(&authorizer, request, None).await.unwrap_err();
            assert_eq!(signing_kind(&error), ErrorKind::ExistingAuthorization);
        }
    }
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn one_that_is_to_be_kept_goes_out_without_a_signature() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let signer = Signer::builder("sqs", REGION)
        .existing_authorization(ExistingAuthorization::DangerKeep)
        .build()
        .unwrap();
    let provider = secrets::temporary_credentials();
    let authorizer = signed_by(signer, provider, &server.authority()).build();
    let with_userinfo = format!("http://user:pass@{}/", server.authority());
    signing(authorizer.clone())
        .get(with_userinfo)
        .send()
        .await
        .unwrap();
    let arrived = server.only_request();
    assert_eq!(
        arrived.header("authorization").as_deref(),
        Some("Basic dXNlcjpwYXNz")
    );

    for way in WAYS {
        for request in foreign(&server) {
            let kept = request.headers()["authorization"].clone();
            way.send(&authorizer, request, None).await.unwrap();
            let arrived = server.requests().pop().unwrap();
            assert_eq!(
                arrived.header("authorization").unwrap(),
                kept.to_str().unwrap()
            );
            for name in ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
                assert_eq!(arrived.header(name), None, "{name}");
            }
        }
    }
    // One that has none is signed.
    for way in WAYS {
        way.send(&authorizer, get(server.url()), None)
            .await
            .unwrap();
        verified(&server.requests().pop().unwrap(), b"");
    }
}

#[tokio::test]
async fn one_of_our_own_is_replaced() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = authorizer("sqs", &server.authority());
    for way in WAYS {
        let mut request = get(format!("{}/?a=1", server.url()));
        let stale = HeaderValue::from_static("AWS4-HMAC-SHA256 Credential=stale");
        request.headers_mut().insert("authorization", stale);
        let token = HeaderValue::from_static("stale");
        request.headers_mut().insert("x-amz-security-token", token);
        way.send(&authorizer, request, None).await.unwrap();
        let arrived = server.requests().pop().unwrap();
        assert_eq!(verified(&arrived, b"").token, None);
    }
}

#[tokio::test]
async fn signing_twice_is_signing_once() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = authorizer("s3", &server.authority());
    let mut request = client()
        .put(format!("{}/a@b?q=1+1", server.url()))
        .body("body");
    request = request.header("x-amz-meta-a", "1");
    let mut request = request.build().unwrap();
    sigv4_reqwest::sign(&authorizer, &mut request, None)
        .await
        .unwrap();
    let once = (request.url().clone(), request.headers().clone());
    sigv4_reqwest::sign(&authorizer, &mut request, None)
        .await
        .unwrap();
    assert_eq!((request.url(), request.headers()), (&once.0, &once.1));
    client().execute(request).await.unwrap();
    verified(&server.only_request(), b"body");
}
