//! Which models there are.

use serde::Deserialize;

/// A model, as the list of a region has it.
///
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_FoundationModelSummary.html>
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
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

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireModels {
    model_summaries: Vec<FoundationModel>,
}

impl From<WireModels> for Vec<FoundationModel> {
    fn from(wire: WireModels) -> Self {
        wire.model_summaries
    }
}
