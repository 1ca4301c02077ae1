//! Which models there are.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::json;

use super::turn::Refusal;

/// A model: its id, its name, who made it, and whether it is asked by its id or through a profile.
struct Model {
    id: &'static str,
    name: &'static str,
    provider: &'static str,
    on_demand: bool,
}

const MODELS: [Model; 4] = [
    Model {
        id: "amazon.nova-lite-v1:0",
        name: "Nova Lite",
        provider: "Amazon",
        on_demand: true,
    },
    Model {
        id: "amazon.nova-micro-v1:0",
        name: "Nova Micro",
        provider: "Amazon",
        on_demand: true,
    },
    Model {
        id: "anthropic.claude-3-5-sonnet-20241022-v2:0",
        name: "Claude 3.5 Sonnet v2",
        provider: "Anthropic",
        on_demand: false,
    },
    Model {
        id: "meta.llama3-8b-instruct-v1:0",
        name: "Llama 3 8B Instruct",
        provider: "Meta",
        on_demand: true,
    },
];
/// How an inference profile of the account begins.
const PROFILE: &str = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/";
const FOUNDATION_MODEL: &str = "arn:aws:bedrock:us-east-1::foundation-model/";

/// Returns the list.
pub(super) fn list() -> Value {
    let summary = |model: &Model| {
        let kind = if model.on_demand {
            "ON_DEMAND"
        } else {
            "INFERENCE_PROFILE"
        };
        json!({
            "modelArn": format!("{FOUNDATION_MODEL}{}", model.id),
            "modelId": model.id,
            "modelName": model.name,
            "providerName": model.provider,
            "inputModalities": ["TEXT"],
            "outputModalities": ["TEXT"],
            "responseStreamingSupported": true,
            "customizationsSupported": [],
            "inferenceTypesSupported": [kind],
            "modelLifecycle": {"status": "ACTIVE"},
        })
    };
    json!({"modelSummaries": MODELS.iter().map(summary).collect::<Vec<_>>()})
}

/// Checks that a segment of a path names a model that can be asked.
pub(super) fn check(segment: &str) -> Result<(), Refusal> {
    let name = percent_decode_str(segment).decode_utf8_lossy();
    let profile = name.strip_prefix(PROFILE).unwrap_or(&name);
    let of_profile = profile.strip_prefix("us.");
    if MODELS.iter().any(|model| Some(model.id) == of_profile) {
        return Ok(());
    }
    let id = name.strip_prefix(FOUNDATION_MODEL).unwrap_or(&name);
    match MODELS.iter().find(|model| model.id == id) {
        Some(model) if model.on_demand => Ok(()),
        Some(model) => Err(Refusal::validation(format!(
            "Invocation of model ID {} with on-demand throughput isn\u{2019}t supported. Retry your \
             request with the ID or ARN of an inference profile that contains this model.",
            model.id
        ))),
        None => Err(Refusal::validation(
            "The provided model identifier is invalid.",
        )),
    }
}
