//! What is said to a model.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use serde_json::json;

use super::json::FromJson;
use super::json::Mismatch;
use super::json::field;
use super::json::required;

/// A request to a model: [`converse`](super::BedrockClient::converse) and
/// [`converse_stream`](super::BedrockClient::converse_stream) take it.
///
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>
#[derive(Clone, Debug)]
#[must_use]
pub struct ConverseRequest<'a> {
    /// It stands in the path.
    model: String,
    messages: Cow<'a, [Message]>,
    system: Vec<ContentBlock>,
    inference_config: Option<InferenceConfig>,
    additional_model_request_fields: Option<Value>,
}

impl<'a> ConverseRequest<'a> {
    /// Makes a request to a model: its id, or the id or ARN of an inference profile. The messages are
    /// a `Vec`, or a slice of a conversation that goes on.
    ///
    /// The request goes to the region of the client, also where an ARN names another: there AWS
    /// answers that it does not know the profile.
    pub fn new(model: impl Into<String>, messages: impl Into<Cow<'a, [Message]>>) -> Self {
        Self {
            model: model.into(),
            messages: messages.into(),
            system: Vec::new(),
            inference_config: None,
            additional_model_request_fields: None,
        }
    }

    /// Sets what the model is told to be or to do.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = vec![ContentBlock::text(text)];
        self
    }

    /// Sets how the model chooses its words, and how many.
    pub fn inference_config(mut self, config: InferenceConfig) -> Self {
        self.inference_config = Some(config);
        self
    }

    /// Sets parameters that only this model has.
    pub fn additional_fields(mut self, fields: Value) -> Self {
        self.additional_model_request_fields = Some(fields);
        self
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// Returns what is set of the request, and nothing else.
    pub(super) fn to_json(&self) -> Value {
        let mut json = json!({});
        json["messages"] = self.messages.iter().map(Message::to_json).collect();
        if !self.system.is_empty() {
            json["system"] = self.system.iter().map(ContentBlock::to_json).collect();
        }
        if let Some(config) = &self.inference_config {
            json["inferenceConfig"] = config.to_json();
        }
        if let Some(fields) = &self.additional_model_request_fields {
            json["additionalModelRequestFields"] = fields.clone();
        }
        json
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: Vec<ContentBlock>,
}

impl Message {
    /// Makes a message of these blocks.
    pub fn new(role: Role, content: impl Into<Vec<ContentBlock>>) -> Self {
        let content = content.into();
        Self { role, content }
    }

    /// Makes a message of the user's.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, [ContentBlock::text(text)])
    }

    /// Makes a message of the model's.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, [ContentBlock::text(text)])
    }

    /// Returns the text of all blocks that are text.
    #[must_use]
    pub fn text(&self) -> String {
        self.content
            .iter()
            .filter_map(ContentBlock::as_text)
            .collect()
    }

    fn to_json(&self) -> Value {
        let content: Value = self.content.iter().map(ContentBlock::to_json).collect();
        json!({"role": self.role.to_string(), "content": content})
    }
}

impl FromJson for Message {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        Ok(Self {
            role: required(json, "role")?,
            content: field(json, "content")?,
        })
    }
}

/// Who says a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A role that this client does not know.
    Other(String),
}

impl From<String> for Role {
    fn from(text: String) -> Self {
        match &*text {
            "user" => Self::User,
            "assistant" => Self::Assistant,
            _ => Self::Other(text),
        }
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.to_string()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Other(text) => text,
        })
    }
}

impl FromJson for Role {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        String::from_json(json).map(Self::from)
    }
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ContentBlock {
    /// A text.
    Text {
        /// The text.
        text: String,
    },
    /// Anything else, as it is: a picture, the use of a tool, a line of reasoning. It is sent back
    /// unchanged with the conversation.
    Other(Value),
}

impl ContentBlock {
    /// Makes a block of a text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// Returns the text, of a block that is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            Self::Other(_) => None,
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Text { text } => json!({"text": text}),
            Self::Other(json) => json.clone(),
        }
    }
}

impl FromJson for ContentBlock {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        let text = json.get("text").and_then(Value::as_str);
        Ok(text.map_or_else(|| Self::Other(json.clone()), Self::text))
    }
}

/// How a model chooses its words, and how many. What is not set is up to the model.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct InferenceConfig {
    max_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    stop_sequences: Vec<String>,
}

impl InferenceConfig {
    /// Leaves everything to the model.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many tokens an answer may have.
    pub const fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Sets how much is left to chance, from 0 to 1.
    pub const fn temperature(mut self, temperature: f32) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets out of which share of the most likely words the next one is chosen, from 0 to 1.
    pub const fn top_p(mut self, share: f32) -> Self {
        self.top_p = Some(share);
        self
    }

    /// Sets the texts that end an answer.
    pub fn stop_sequences<T: Into<String>>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        self.stop_sequences = texts.into_iter().map(Into::into).collect();
        self
    }

    fn to_json(&self) -> Value {
        let mut json = json!({});
        if let Some(tokens) = self.max_tokens {
            json["maxTokens"] = tokens.into();
        }
        if let Some(temperature) = self.temperature {
            json["temperature"] = decimal(temperature);
        }
        if let Some(share) = self.top_p {
            json["topP"] = decimal(share);
        }
        if !self.stop_sequences.is_empty() {
            json["stopSequences"] = self.stop_sequences.clone().into();
        }
        json
    }
}

/// Returns a number as people write it: as a `f64` right away, 0.7 would be 0.699999988079071. What
/// is no number is null.
fn decimal(number: f32) -> Value {
    number.to_string().parse::<f64>().ok().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_set_and_nothing_else() {
        let bare = ConverseRequest::new("m", vec![Message::user("Hello")]);
        let hello = json!([{"role": "user", "content": [{"text": "Hello"}]}]);
        assert_eq!(bare.to_json(), json!({"messages": hello}));

        let config = InferenceConfig::new()
            .max_tokens(7)
            .temperature(0.5)
            .top_p(0.25);
        let full = bare
            .system("Be brief.")
            .inference_config(config.stop_sequences(["END"]))
            .additional_fields(json!({"top_k": 3}));
        let expected = json!({
            "messages": hello,
            "system": [{"text": "Be brief."}],
            "inferenceConfig":
                {"maxTokens": 7, "temperature": 0.5, "topP": 0.25, "stopSequences": ["END"]},
            "additionalModelRequestFields": {"top_k": 3},
        });
        assert_eq!(full.to_json(), expected);
    }

    #[test]
    fn numbers_are_sent_as_they_are_written() {
        for (number, expected) in [
            (0.7, "0.7"),
            (0.1, "0.1"),
            (1.0, "1.0"),
            (0.0, "0.0"),
            (1e-7, "1e-7"),
            (f32::NAN, "null"),
            (f32::INFINITY, "null"),
        ] {
            assert_eq!(decimal(number).to_string(), expected);
        }
    }

    #[test]
    fn a_block_that_is_not_known_comes_back_as_it_was() {
        let told = json!({"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
            {"text": {"new": 1}},
            "new",
            {"text": "Blue"},
            {"text": " sky"},
        ]});
        let message = Message::from_json(&told).unwrap();
        assert_eq!(message.text(), "Blue sky");
        assert_eq!(message.to_json(), told);
    }

    #[test]
    fn roles_that_are_not_known_come_back_too() {
        for name in ["user", "assistant", "critic"] {
            let told = json!({"role": name, "content": []});
            assert_eq!(Message::from_json(&told).unwrap().to_json(), told);
        }
    }
}
