//! What a model answers, as a whole.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::message::Message;
use super::message::Role;

/// The answer of a model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConverseAnswer {
    /// What the model says.
    pub message: Message,
    /// Why it says no more.
    pub stop_reason: StopReason,
    /// What it counts as.
    pub usage: Usage,
    /// How long it took.
    pub metrics: Metrics,
}

/// How many tokens a turn counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Usage {
    /// Those of the request: the whole conversation so far.
    pub input_tokens: u64,
    /// Those of the answer.
    pub output_tokens: u64,
    /// All of them.
    pub total_tokens: u64,
    /// Those of the request that were read from a cache of prompts.
    pub cache_read_input_tokens: u64,
    /// Those of the request that were written into a cache of prompts.
    pub cache_write_input_tokens: u64,
}

/// How long a turn took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Metrics {
    /// By the clock of the service, in milliseconds.
    pub latency_ms: u64,
}

impl Metrics {
    /// Returns how long it took, by the clock of the service.
    #[must_use]
    pub const fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
#[non_exhaustive]
pub enum StopReason {
    /// All is said.
    EndTurn,
    /// There may not be more tokens.
    MaxTokens,
    /// One of the texts came up that end an answer.
    StopSequence,
    /// The model wants a tool to be used.
    ToolUse,
    /// A guardrail stepped in.
    GuardrailIntervened,
    /// The content was filtered.
    ContentFiltered,
    /// A reason that this client does not know.
    Other(String),
}

impl From<String> for StopReason {
    fn from(text: String) -> Self {
        match &*text {
            "end_turn" => Self::EndTurn,
            "max_tokens" => Self::MaxTokens,
            "stop_sequence" => Self::StopSequence,
            "tool_use" => Self::ToolUse,
            "guardrail_intervened" => Self::GuardrailIntervened,
            "content_filtered" => Self::ContentFiltered,
            _ => Self::Other(text),
        }
    }
}

/// Says it as AWS does.
impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndTurn => "end_turn",
            Self::MaxTokens => "max_tokens",
            Self::StopSequence => "stop_sequence",
            Self::ToolUse => "tool_use",
            Self::GuardrailIntervened => "guardrail_intervened",
            Self::ContentFiltered => "content_filtered",
            Self::Other(text) => text,
        })
    }
}

/// What has no reason has none that is known.
impl Default for StopReason {
    fn default() -> Self {
        Self::Other("unknown".to_owned())
    }
}

/// An answer as it arrives. What is not known of it is passed over, what is missing is empty.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct WireAnswer {
    output: WireOutput,
    stop_reason: StopReason,
    usage: Usage,
    metrics: Metrics,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireOutput {
    message: Option<Message>,
}

impl From<WireAnswer> for ConverseAnswer {
    fn from(wire: WireAnswer) -> Self {
        let nothing = || Message::new(Role::Assistant, []);
        Self {
            message: wire.output.message.unwrap_or_else(nothing),
            stop_reason: wire.stop_reason,
            usage: wire.usage,
            metrics: wire.metrics,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: serde_json::Value) -> ConverseAnswer {
        serde_json::from_value::<WireAnswer>(value).unwrap().into()
    }

    #[test]
    fn passes_over_what_it_does_not_know() {
        let answer = read(json!({
            "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}], "x": 1}},
            "stopReason": "model_context_window_exceeded",
            "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7, "serverToolUsage": {}},
            "metrics": {"latencyMs": 42, "x": []},
            "trace": {"guardrail": {}},
        }));
        assert_eq!(answer.message.text(), "Hi");
        assert_eq!(
            answer.stop_reason.to_string(),
            "model_context_window_exceeded"
        );
        assert_eq!(
            (answer.usage.input_tokens, answer.usage.total_tokens),
            (3, 7)
        );
        assert_eq!(answer.metrics.latency(), Duration::from_millis(42));
    }

    #[test]
    fn does_without_what_is_missing() {
        let answer = read(json!({}));
        assert_eq!(answer.message.content, []);
        assert_eq!(answer.usage, Usage::default());
    }
}
