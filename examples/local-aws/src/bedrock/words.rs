//! What is said: something that is made of what was asked, always the same.

use serde_json::Value;
use serde_json::json;

use super::turn::Refusal;

/// How long everything takes, by the clock of the service.
pub(super) const LATENCY_MS: u64 = 42;

/// What is said, and what it counts as. A token is a word.
pub(super) struct Reply {
    pub(super) words: Vec<String>,
    input: usize,
    is_cut: bool,
}

impl Reply {
    /// Answers a conversation.
    pub(super) fn to(body: &Value, said: Option<&str>) -> Result<Self, Refusal> {
        let messages = body.get("messages").and_then(Value::as_array);
        let messages = messages.map(Vec::as_slice).unwrap_or_default();
        check(messages)?;
        let config = body.get("inferenceConfig").unwrap_or(&Value::Null);
        check_config(config)?;
        let question = messages.last().map(text).unwrap_or_default();
        let number = messages.len().div_ceil(2);
        let system = body.get("system").and_then(Value::as_array);
        let system = system.map(|blocks| text(&json!({"content": blocks})));
        let told = system
            .as_ref()
            .map(|system| format!(" I was told: {system}"));
        let told = told.unwrap_or_default();
        let made = format!("You asked \"{question}\", and that was question {number}.{told}");
        let spoken = messages.iter().map(text).chain(system);
        let input = spoken.map(|text| count(&text)).sum();
        let mut words = split(said.unwrap_or(&made));
        let most = config.get("maxTokens").and_then(Value::as_u64);
        let most = most
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(usize::MAX);
        let is_cut = words.len() > most;
        words.truncate(most);
        Ok(Self {
            words,
            input,
            is_cut,
        })
    }

    pub(super) const fn stop_reason(&self) -> &'static str {
        if self.is_cut {
            "max_tokens"
        } else {
            "end_turn"
        }
    }

    pub(super) fn usage(&self) -> Value {
        let (input, output) = (self.input, self.words.len());
        json!({"inputTokens": input, "outputTokens": output, "totalTokens": input + output})
    }
}

/// Cuts a text into words, each with the space behind it.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

pub(super) fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

fn check(messages: &[Value]) -> Result<(), Refusal> {
    let role = |message: &Value| message["role"].as_str().map(str::to_owned);
    if messages.first().and_then(role).as_deref() != Some("user") {
        return Err(Refusal::validation(
            "A conversation must start with a user message. Try again with a conversation that \
             starts with a user message.",
        ));
    }
    if messages
        .windows(2)
        .any(|two| role(&two[0]) == role(&two[1]))
    {
        return Err(Refusal::validation(
            "A conversation must alternate between user and assistant roles. Make sure the \
             conversation alternates between user and assistant roles and try again.",
        ));
    }
    for (index, message) in messages.iter().enumerate() {
        if text(message).trim().is_empty() {
            return Err(Refusal::validation(format!(
                "The text field in the ContentBlock object at messages.{index}.content.0 is blank. \
                 Add text to the text field, and try again."
            )));
        }
    }
    Ok(())
}

fn check_config(config: &Value) -> Result<(), Refusal> {
    let temperature = config.get("temperature").and_then(Value::as_f64);
    match temperature.filter(|temperature| *temperature > 1.0) {
        None => Ok(()),
        Some(temperature) => Err(Refusal::validation(format!(
            "1 validation error detected: Value '{temperature:?}' at 'inferenceConfig.temperature' \
             failed to satisfy constraint: Member must have value less than or equal to 1"
        ))),
    }
}

fn text(message: &Value) -> String {
    let blocks = message["content"].as_array();
    let blocks = blocks.map(Vec::as_slice).unwrap_or_default();
    blocks
        .iter()
        .filter_map(|block| block["text"].as_str())
        .collect()
}
