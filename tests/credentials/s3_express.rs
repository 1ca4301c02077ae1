//! A session with a bucket of S3 Express, from its creation to a request that is signed with it.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::Request;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::HttpSend;
use sigv4_core::runtime::light;
use sigv4_tests::fake_aws::LoopbackHttp;
use sigv4_tests::oracle;
use sigv4_tests::secrets;
use sigv4_tests::time;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

const SESSION_SECRET: &str = "the secret of the session";

/// An answer to `CreateSession`, as the documentation of S3 has it.
fn session() -> String {
    let end = time::format(SystemTime::now() + Duration::from_secs(300));
    format!(
        "<CreateSessionResult><Credentials><SessionToken>session-token</SessionToken>\
         <SecretAccessKey>{SESSION_SECRET}</SecretAccessKey><AccessKeyId>ASIASESSION</AccessKeyId>\
         <Expiration>{end}</Expiration></Credentials></CreateSessionResult>"
    )
}

#[tokio::test]
async fn verifies_both_times() {
    let server = WireServer::start(|request| {
        if request.target() == "/?session=" {
            WireResponse::new(200).body(session())
        } else {
            WireResponse::new(200)
        }
    })
    .await;
    let http = Arc::new(LoopbackHttp::new());
    let base = Credentials::new(
        secrets::ACCESS_KEY_ID,
        secrets::SECRET_ACCESS_KEY,
        Some(secrets::SESSION_TOKEN.to_owned()),
        None,
        "test",
    );
    let endpoint = server.url().parse().unwrap();
    let session =
        light::S3ExpressSession::new(Arc::clone(&http), endpoint, "us-east-1", base).unwrap();
    let signer = Signer::builder("s3express", "us-east-1").build().unwrap();
    let scope = HostScope::exact([server.authority()]).unwrap();
    let authorizer = Authorizer::builder(signer, CredentialsCache::new(session), scope).build();

    let mut request = Request::put(format!("{}/key", server.url()))
        .body(Bytes::from_static(b"content"))
        .unwrap();
    let payload = Payload::Bytes(b"content");
    authorizer.authorize(&mut request, payload).await.unwrap();
    http.send(request).await.unwrap();

    let requests = server.requests();
    let [create, put] = &*requests else {
        panic!("{} requests", requests.len());
    };
    let created = oracle::verify(&create.head(), b"", secrets::SECRET_ACCESS_KEY).unwrap();
    assert_eq!(created.service, "s3express");
    assert_eq!(created.token.as_deref(), Some(secrets::SESSION_TOKEN));
    let put_by = oracle::verify(&put.head(), b"content", SESSION_SECRET).unwrap();
    assert_eq!(put_by.access_key_id, "ASIASESSION");
    assert_eq!(
        put.header("x-amz-s3session-token"),
        Some("session-token".into())
    );
    assert_eq!(put.header("x-amz-security-token"), None);
}
