//! How a program gets at the reason for which a request was not sent.

use std::error::Error as StdError;

use sigv4_core::ErrorKind as SigningErrorKind;
use sigv4_core::runtime::StickyChain;
use sigv4_reqwest::Error;
use sigv4_reqwest::ErrorKind;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::authorizer;
use crate::fixture::builder_with;
use crate::fixture::client;
use crate::fixture::get;
use crate::fixture::signing;
use crate::shared::credentials::Failing;

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn leads_from_the_middleware_to_the_cause() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let client = signing(builder_with(Failing::always(), "sqs", &server.authority()).build());
    let error = is_send(client.get(server.url()).send()).await.unwrap_err();
    assert!(error.is_middleware());
    let reqwest_middleware::Error::Middleware(error) = &error else {
        panic!("{error:?} is of a middleware");
    };

    let ours = error.downcast_ref::<Error>().unwrap();
    assert_eq!(
        ours.kind(),
        ErrorKind::Signing(SigningErrorKind::Credentials)
    );
    assert!(ours.is_retryable());
    let core = ours
        .source()
        .unwrap()
        .downcast_ref::<sigv4_core::Error>()
        .unwrap();
    assert_eq!(core.kind(), SigningErrorKind::Credentials);
    let outage = core.credentials_outage().unwrap();
    let cause = outage.source().unwrap().source().unwrap();
    assert!(cause.is::<aws_credential_types::provider::error::CredentialsError>());
    // Each level says its own part.
    assert_eq!(ours.to_string(), "the request was not signed and not sent");
    assert!(core.to_string().contains("no usable credentials"));
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn is_the_same_without_the_middleware() {
    let mut request = get("https://elsewhere.example.com/");
    let authorizer = authorizer("sqs", "sqs.us-east-1.amazonaws.com");
    let signing = sigv4_reqwest::sign(&authorizer, &mut request, None);
    let error = is_send(signing).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Signing(SigningErrorKind::OutOfScope)
    );
    assert!(!error.is_retryable());
    assert!(error.source().unwrap().is::<sigv4_core::Error>());
}

#[tokio::test]
async fn tells_a_url_that_is_none_to_sign() {
    let authorizer = authorizer("sqs", "sqs.us-east-1.amazonaws.com");
    for url in ["data:text/plain,secret", "mailto:somebody@example.com"] {
        let mut request = reqwest::Request::new(reqwest::Method::GET, url.parse().unwrap());
        let error = sigv4_reqwest::sign(&authorizer, &mut request, None)
            .await
            .unwrap_err();
        let kinds = [
            ErrorKind::Url,
            ErrorKind::Signing(SigningErrorKind::RequestTarget),
            ErrorKind::Signing(SigningErrorKind::OutOfScope),
        ];
        assert!(kinds.contains(&error.kind()), "{url}: {error:?}");
        let text = format!("{error} {error:?}");
        assert!(
            !text.contains("secret") && !text.contains("somebody"),
            "{text}"
        );
    }
    // Longer than a URI can be.
    let long = format!(
        "https://sqs.us-east-1.amazonaws.com/?q={}",
        "x".repeat(70_000)
    );
    let mut request = client().get(long).build().unwrap();
    let error = sigv4_reqwest::sign(&authorizer, &mut request, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Url);
    assert!(error.to_string().len() < 300, "{error}");
    // Only when it is in canonical form.
    let long = format!(
        "https://sqs.us-east-1.amazonaws.com/?q={}",
        "@".repeat(40_000)
    );
    let mut request = client().get(long).build().unwrap();
    let error = sigv4_reqwest::sign(&authorizer, &mut request, None)
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Signing(SigningErrorKind::RequestTarget)
    );
}

#[tokio::test]
async fn an_execution_may_be_worth_another_attempt_where_nothing_was_sent() {
    let nobody = "127.0.0.1:1";
    let request = || get(format!("http://{nobody}/"));

    let authorizer_without = builder_with(Failing::always(), "sqs", nobody).build();
    let error = sigv4_reqwest::execute(&client(), &authorizer_without, request(), None).await;
    assert!(error.unwrap_err().is_retryable(), "no credentials");

    let unset = StickyChain::new::<&str>([]);
    let authorizer_unset = builder_with(unset, "sqs", nobody).build();
    let error = sigv4_reqwest::execute(&client(), &authorizer_unset, request(), None).await;
    assert!(!error.unwrap_err().is_retryable(), "none configured");

    let authorizer = authorizer("sqs", nobody);
    let error = sigv4_reqwest::execute(&client(), &authorizer, request(), None).await;
    assert!(error.unwrap_err().is_retryable(), "no connection");

    let elsewhere = get("https://elsewhere.example.com/");
    let error = sigv4_reqwest::execute(&client(), &authorizer, elsewhere, None).await;
    assert!(!error.unwrap_err().is_retryable(), "out of scope");
}

#[tokio::test]
async fn an_execution_says_no_link_that_was_signed_before() {
    let url = "http://127.0.0.1:1/queue?X-Amz-Signature=5d672d79c15b13162d9279b0855cfba6";
    let overrides = sigv4_core::SigningOverrides::new().do_not_sign();
    let authorizer = authorizer("sqs", "127.0.0.1:1");
    let sent = sigv4_reqwest::execute(&client(), &authorizer, get(url), Some(&overrides)).await;
    let error = sent.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("127.0.0.1:1/queue"), "{text}");
    assert!(!text.contains("5d672d79"), "{text}");
}
