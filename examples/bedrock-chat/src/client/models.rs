//! Which models there are.

use serde_json::Value;

use super::json::FromJson;
use super::json::Mismatch;
use super::json::field;

/// A model, as the list of a region has it.
///
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_FoundationModelSummary.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundationModel {
    /// The id, which requests name.
    pub model_id: String,
    /// The ARN.
    pub model_arn: String,
    /// The name, for people.
    pub model_name: String,
    /// Who made it.
    pub provider_name: String,
    /// What it understands, such as `TEXT` and `IMAGE`.
    pub input_modalities: Vec<String>,
    /// What it makes.
    pub output_modalities: Vec<String>,
    /// Whether it can answer while it is thinking.
    pub response_streaming_supported: bool,
    /// How it can be asked: `ON_DEMAND`, `PROVISIONED`, or only through an inference profile
    /// (`INFERENCE_PROFILE`).
    pub inference_types_supported: Vec<String>,
}

impl FromJson for FoundationModel {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        Ok(Self {
            model_id: field(json, "modelId")?,
            model_arn: field(json, "modelArn")?,
            model_name: field(json, "modelName")?,
            provider_name: field(json, "providerName")?,
            input_modalities: field(json, "inputModalities")?,
            output_modalities: field(json, "outputModalities")?,
            response_streaming_supported: field(json, "responseStreamingSupported")?,
            inference_types_supported: field(json, "inferenceTypesSupported")?,
        })
    }
}
