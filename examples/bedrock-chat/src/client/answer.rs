//! What a model answers, as a whole.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::json::FromJson;
use super::json::Mismatch;
use super::json::field;
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl FromJson for ConverseAnswer {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        let Output { message } = field(json, "output")?;
        let nothing = || Message::new(Role::Assistant, []);
        Ok(Self {
            message: message.unwrap_or_else(nothing),
            stop_reason: field(json, "stopReason")?,
            usage: field(json, "usage")?,
            metrics: field(json, "metrics")?,
        })
    }
}

/// What an answer has its message in.
#[derive(Default)]
struct Output {
    message: Option<Message>,
}

impl FromJson for Output {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        let message = field(json, "message")?;
        Ok(Self { message })
    }
}

impl FromJson for Usage {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        Ok(Self {
            input_tokens: field(json, "inputTokens")?,
            output_tokens: field(json, "outputTokens")?,
            total_tokens: field(json, "totalTokens")?,
            cache_read_input_tokens: field(json, "cacheReadInputTokens")?,
            cache_write_input_tokens: field(json, "cacheWriteInputTokens")?,
        })
    }
}

impl FromJson for Metrics {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        let latency_ms = field(json, "latencyMs")?;
        Ok(Self { latency_ms })
    }
}

impl FromJson for StopReason {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        String::from_json(json).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn passes_over_what_it_does_not_know() {
        let answer = ConverseAnswer::from_json(&json!({
            "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}], "x": 1}},
            "stopReason": "model_context_window_exceeded",
            "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7, "serverToolUsage": {}},
            "metrics": {"latencyMs": 42, "x": []},
            "trace": {"guardrail": {}},
        }))
        .unwrap();
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
        let answer = ConverseAnswer::from_json(&json!({})).unwrap();
        assert_eq!(answer.message, Message::new(Role::Assistant, []));
        assert_eq!(answer.stop_reason.to_string(), "unknown");
        assert_eq!(answer.usage, Usage::default());
    }
}
