//! What AWS refuses, in its words.

use bedrock_chat::client::ConverseRequest;
use bedrock_chat::client::Message;
use local_aws::LocalAws;
use local_aws::bedrock::Turn;
use sigv4_core::Credentials;
use sigv4_core::runtime::CredentialsCache;

use crate::fixture::builder_with;
use crate::fixture::client;
use crate::fixture::question;

#[tokio::test]
async fn what_aws_says_is_said_as_it_worded_it() {
    let aws = LocalAws::start().await.unwrap();
    let client = client(&aws);
    aws.bedrock().next(Turn::access_denied());
    let error = client.converse_stream(&question()).await.unwrap_err();
    let told = error.service().unwrap();
    assert_eq!(told.code(), Some("AccessDeniedException"));
    assert_eq!(told.status(), 403);
    assert_eq!(
        told.request_id(),
        Some("00000000-0000-4000-8000-000000000001")
    );
    assert!(!told.is_in_stream());
    assert_eq!(
        error.to_string(),
        "AccessDeniedException: You don't have access to the model with the specified model ID."
    );

    let unknown = ConverseRequest::new("no.such-model-v1:0", vec![Message::user("Why?")]);
    for error in [
        client.converse(&unknown).await.unwrap_err(),
        client.converse_stream(&unknown).await.unwrap_err(),
    ] {
        let expected = "ValidationException: The provided model identifier is invalid.";
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_once() {
    let aws = LocalAws::start().await.unwrap();
    let credentials = Credentials::new("AKIDEXAMPLE", "another secret key").unwrap();
    let client = builder_with(&aws.url(), CredentialsCache::new(credentials))
        .build()
        .unwrap();
    let error = client.converse(&question()).await.unwrap_err();
    let told = error.service().unwrap();
    assert_eq!(told.code(), Some("InvalidSignatureException"));
    assert!(aws.seen()[0].refused.is_some());
}
