//! Nothing that a person may come to read holds a secret.

use std::error::Error as _;

use reqwest::Request;
use sigv4_core::SigningOverrides;
use sigv4_reqwest::SigV4Middleware;
use sigv4_tests::secrets;

use crate::fixture::builder_with;
use crate::fixture::client;
use crate::fixture::get;
use crate::fixture::signing;

const HOST: &str = "s3.us-east-1.amazonaws.com";

#[tokio::test]
async fn in_the_debug_of_what_is_signed_and_of_what_signs() {
    for service in ["s3", "s3express", "sqs"] {
        let authorizer = builder_with(secrets::temporary_credentials(), service, HOST).build();
        let mut request = client()
            .put(format!("https://{HOST}/key"))
            .body("body")
            .build()
            .unwrap();
        let receipt = sigv4_reqwest::sign(&authorizer, &mut request, None)
            .await
            .unwrap();

        let authorization = request.headers()["authorization"].to_str().unwrap();
        let signature = authorization.split("Signature=").nth(1).unwrap().to_owned();
        for text in [
            format!("{request:?} {request:#?}"),
            format!("{receipt:?}"),
            format!("{:?}", SigV4Middleware::new(authorizer.clone())),
            format!("{:?}", signing(authorizer)),
        ] {
            secrets::assert_no_secret_nor(&text, &[&signature]);
        }
    }
}

#[tokio::test]
async fn in_any_error() {
    let secret = "5d".repeat(32);
    let with = |url: String, header: Option<(&'static str, &str)>| -> Request {
        let mut request = get(url);
        if let Some((name, value)) = header {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    };
    let query = format!("X-Amz-Signature={secret}");
    for mut request in [
        with(format!("https://elsewhere.example.com/?{query}"), None),
        with(format!("https://user:{secret}@{HOST}/?{query}"), None),
        with(format!("http://{HOST}/?{query}"), None),
        with(format!("https://{HOST}/a%2F..%2Fb?{query}"), None),
        with(
            format!("https://{HOST}/?{query}"),
            Some(("authorization", &secret)),
        ),
        with(format!("https://{HOST}/?{query}"), Some(("host", &secret))),
        with(
            format!("https://{HOST}/?{query}"),
            Some(("content-length", &secret)),
        ),
    ] {
        let authorizer = builder_with(secrets::temporary_credentials(), "s3", HOST).build();
        let overrides = SigningOverrides::new();
        let signed = sigv4_reqwest::sign(&authorizer, &mut request, Some(&overrides)).await;
        let error = signed.unwrap_err();
        let source = error.source().map(|source| format!("{source}"));
        let text = format!("{error} {error:?} {error:#?} {source:?}");
        secrets::assert_no_secret_nor(&text, &[&secret]);
        assert!(!text.contains("X-Amz-Signature"), "{text}");
    }
}
