//! What is asked of which model, and where.

use std::time::Duration;

use bedrock_chat::client::BedrockClient;
use bedrock_chat::client::ConverseRequest;
use bedrock_chat::client::Endpoints;
use bedrock_chat::client::Error;
use bedrock_chat::client::InferenceConfig;
use bedrock_chat::client::InvokeRequest;
use bedrock_chat::client::Message;
use bedrock_chat::client::StopReason;
use local_aws::LocalAws;
use serde_json::Value;
use serde_json::json;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::secrets;

use crate::fixture::ANSWER;
use crate::fixture::MODEL;
use crate::fixture::client;
use crate::fixture::question;

const PROFILE: &str = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/\
                       us.anthropic.claude-3-5-sonnet-20241022-v2:0";

#[tokio::test]
async fn every_kind_of_id_goes_out_as_one_segment_and_verifies() {
    let aws = LocalAws::start().await.unwrap();
    let client = client(&aws);
    for (model, segment) in [
        (MODEL, "amazon.nova-lite-v1%3A0"),
        (
            "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
            "us.anthropic.claude-3-5-sonnet-20241022-v2%3A0",
        ),
        (
            PROFILE,
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2F\
             us.anthropic.claude-3-5-sonnet-20241022-v2%3A0",
        ),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Famazon.nova-lite-v1%3A0",
        ),
    ] {
        let request = ConverseRequest::new(model, vec![Message::user("Why?")]);
        let invoke = InvokeRequest::json(model, &json!({"prompt": "Why?"}));
        client.converse(&request).await.unwrap();
        client.converse_stream(&request).await.unwrap();
        client.invoke_model(&invoke).await.unwrap();
        client
            .invoke_model_with_response_stream(&invoke)
            .await
            .unwrap();
        let seen = aws.seen();
        let seen = &seen[seen.len() - 4..];
        let operations = [
            "converse",
            "converse-stream",
            "invoke",
            "invoke-with-response-stream",
        ];
        for (seen, operation) in seen.iter().zip(operations) {
            assert_eq!(seen.target, format!("/model/{segment}/{operation}"));
            assert_eq!(seen.refused, None, "{model}");
        }
    }
}

#[tokio::test]
async fn the_region_of_the_client_decides_whatever_an_arn_says() {
    let aws = LocalAws::start().await.unwrap();
    let endpoints = Endpoints::of_region("eu-west-1").runtime(aws.url());
    let credentials = CredentialsCache::new(secrets::credentials());
    let client = BedrockClient::builder("eu-west-1", credentials).endpoints(endpoints);
    let request = ConverseRequest::new(PROFILE, vec![Message::user("Why?")]);
    client.build().unwrap().converse(&request).await.unwrap();
    let scope = aws.seen()[0].headers["authorization"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(scope.contains("/eu-west-1/bedrock/aws4_request"), "{scope}");
}

#[tokio::test]
async fn a_model_without_a_name_is_not_asked() {
    let aws = LocalAws::start().await.unwrap();
    for model in ["", ".", ".."] {
        let request = ConverseRequest::new(model, vec![Message::user("Why?")]);
        let error = client(&aws).converse(&request).await.unwrap_err();
        assert!(matches!(error, Error::Request(_)), "{model}");
    }
    assert!(aws.seen().is_empty());
}

#[tokio::test]
async fn an_answer_in_one_piece_has_all_that_belongs_to_it() {
    let aws = LocalAws::start().await.unwrap();
    let request = ConverseRequest::new(
        MODEL,
        vec![
            Message::user("Why?"),
            Message::assistant("Because."),
            Message::user("Why not?"),
        ],
    );
    let request = request
        .system("Be brief.")
        .inference_config(InferenceConfig::new().max_tokens(5).temperature(0.5));
    let answer = client(&aws).converse(&request).await.unwrap();
    assert_eq!(answer.message.text(), "You asked \"Why not?\", and ");
    assert_eq!(answer.stop_reason, StopReason::MaxTokens);
    assert_eq!(
        (answer.usage.input_tokens, answer.usage.output_tokens),
        (6, 5)
    );
    assert_eq!(answer.metrics.latency(), Duration::from_millis(42));
    let sent: Value = serde_json::from_slice(&aws.seen()[0].body).unwrap();
    assert_eq!(
        sent["inferenceConfig"],
        json!({"maxTokens": 5, "temperature": 0.5})
    );
    assert_eq!(sent["system"], json!([{"text": "Be brief."}]));
    assert_eq!(sent["messages"][1]["role"], "assistant");
}

#[tokio::test]
async fn a_model_is_asked_in_its_own_format() {
    let aws = LocalAws::start().await.unwrap();
    let client = client(&aws);
    let request = InvokeRequest::json(MODEL, &json!({"prompt": "Why so?"}));
    let answer = client.invoke_model(&request).await.unwrap();
    let body: Value = answer.json().unwrap();
    assert_eq!(body, json!({"completion": "You asked \"Why so?\"."}));
    assert_eq!(
        (answer.input_tokens, answer.output_tokens),
        (Some(2), Some(4))
    );
    assert_eq!(answer.latency, Some(Duration::from_millis(42)));
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));

    let mut stream = client
        .invoke_model_with_response_stream(&request)
        .await
        .unwrap();
    assert!(stream.request_id().is_some());
    let mut said = String::new();
    while let Some(piece) = stream.next().await.unwrap() {
        let piece: Value = serde_json::from_slice(&piece).unwrap();
        said += piece["completion"].as_str().unwrap();
    }
    assert_eq!(said, "You asked \"Why so?\".");
}

#[tokio::test]
async fn the_models_are_listed_at_the_other_address() {
    let (runtime, control) = (
        LocalAws::start().await.unwrap(),
        LocalAws::start().await.unwrap(),
    );
    let endpoints = Endpoints::of_region("us-east-1");
    let endpoints = endpoints.runtime(runtime.url()).control(control.url());
    let credentials = CredentialsCache::new(secrets::credentials());
    let client = BedrockClient::builder("us-east-1", credentials).endpoints(endpoints);
    let client = client.build().unwrap();
    let models = client.list_foundation_models().await.unwrap();
    let model = models.iter().find(|model| model.model_id == MODEL).unwrap();
    assert_eq!(
        (&*model.model_name, &*model.provider_name),
        ("Nova Lite", "Amazon")
    );
    assert_eq!(model.inference_types_supported, ["ON_DEMAND"]);
    assert!(model.response_streaming_supported);
    let answer = client.converse(&question()).await.unwrap();
    assert_eq!(answer.message.text(), ANSWER);
    assert_eq!(control.seen()[0].target, "/foundation-models");
    assert_eq!((runtime.seen().len(), control.seen().len()), (1, 1));
}

#[tokio::test]
async fn nothing_is_signed_for_plain_http_to_another_machine() {
    let credentials = CredentialsCache::new(secrets::credentials());
    let endpoints = Endpoints::of_region("us-east-1").runtime("http://192.0.2.1");
    let client = BedrockClient::builder("us-east-1", credentials).endpoints(endpoints);
    let error = client
        .build()
        .unwrap()
        .converse(&question())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Signing(_)), "{error:?}");
}
