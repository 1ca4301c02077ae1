//! The authority that reqwest sends in HTTP/2 is the one that was signed.

use http::Version;
use reqwest::Body;
use reqwest::Client;
use reqwest::Method;
use reqwest::Request;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_tests::oracle;
use sigv4_tests::secrets;

use crate::fixture::REGION;
use crate::shared::body::Pieces;
use crate::shared::http2;

#[tokio::test]
async fn is_in_normal_form() {
    let host = "bucket.s3.example.com";
    for (authority, mode) in [
        (host.to_owned(), PayloadMode::Hashed),
        (format!("{host}:80"), PayloadMode::Hashed),
        (format!("user:pass@{host}:80"), PayloadMode::Hashed),
        (host.to_uppercase(), PayloadMode::Unsigned),
    ] {
        let (address, mut told) = http2::server().await;
        let client = Client::builder()
            .redirect(sigv4_reqwest::redirect_policy())
            .http2_prior_knowledge()
            .resolve(host, address)
            .no_proxy()
            .build()
            .unwrap();
        let signer = Signer::builder("s3", REGION).build().unwrap();
        let credentials = CredentialsCache::new(secrets::temporary_credentials());
        let scope = HostScope::exact([host]).unwrap().danger_allow_http();
        let authorizer = Authorizer::builder(signer, credentials, scope).build();

        let url = format!("http://{authority}/b:c?q=1+1").parse().unwrap();
        let mut request = Request::new(Method::PUT, url);
        *request.body_mut() = Some(Body::wrap(Pieces::of(["one ", "two"])));
        let overrides = SigningOverrides::new().payload(mode);
        sigv4_reqwest::sign(&authorizer, &mut request, Some(&overrides))
            .await
            .unwrap();
        client.execute(request).await.unwrap();

        let arrived = told.recv().await.unwrap();
        assert_eq!(arrived.version(), Version::HTTP_2);
        assert_eq!(arrived.uri().authority().unwrap(), host, "{authority}");
        assert_eq!(arrived.headers().get("host"), None, "{authority}");
        assert_eq!(arrived.uri().path_and_query().unwrap(), "/b%3Ac?q=1%201");
        assert_eq!(arrived.body(), "one two");
        let covered = match mode {
            PayloadMode::Unsigned => oracle::Body::Unsigned,
            _ => arrived.body().into(),
        };
        oracle::verify(&arrived, covered, secrets::SECRET_ACCESS_KEY).unwrap();
    }
}
