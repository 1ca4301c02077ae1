//! Answers of JSON, read without serde's derive: for these few types it would be two crates more,
//! one of them among the slowest to compile.

use std::error::Error as StdError;
use std::fmt;

use serde_json::Value;

use super::error::Error;

/// Something that is read out of JSON. What is not known of it is passed over.
pub(super) trait FromJson: Sized {
    fn from_json(json: &Value) -> Result<Self, Mismatch>;
}

/// Reads the JSON itself.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Answer(error.into()))
}

/// Returns a field of an object: its default, where it is missing or null.
pub(super) fn field<T: FromJson + Default>(
    object: &Value,
    name: &'static str,
) -> Result<T, Mismatch> {
    let found: Option<T> = required(object, name)?;
    Ok(found.unwrap_or_default())
}

/// Returns a field without which there is no object.
pub(super) fn required<T: FromJson>(object: &Value, name: &'static str) -> Result<T, Mismatch> {
    let fields = object.as_object().ok_or(Mismatch::new("object"))?;
    let found = fields.get(name).unwrap_or(&Value::Null);
    T::from_json(found).map_err(|mismatch| mismatch.inside(name))
}

impl FromJson for bool {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        json.as_bool().ok_or(Mismatch::new("truth value"))
    }
}

impl FromJson for u64 {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        json.as_u64().ok_or(Mismatch::new("count"))
    }
}

impl FromJson for String {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        let text = json.as_str().ok_or(Mismatch::new("string"))?;
        Ok(text.to_owned())
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        let items = json.as_array().ok_or(Mismatch::new("list"))?;
        items.iter().map(T::from_json).collect()
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        match json {
            Value::Null => Ok(None),
            json => T::from_json(json).map(Some),
        }
    }
}

/// Anything, as it is.
impl FromJson for Value {
    fn from_json(json: &Value) -> Result<Self, Mismatch> {
        Ok(json.clone())
    }
}

/// Says which part of an answer is not of its kind, and not what it is instead.
#[derive(Debug)]
pub(super) struct Mismatch {
    /// The names of the fields that lead there, the last one first.
    path: Vec<&'static str>,
    expected: &'static str,
}

impl Mismatch {
    const fn new(expected: &'static str) -> Self {
        let path = Vec::new();
        Self { path, expected }
    }

    fn inside(mut self, name: &'static str) -> Self {
        self.path.push(name);
        self
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, expected } = self;
        if path.is_empty() {
            return write!(f, "it is no {expected}");
        }
        let path: Vec<_> = path.iter().rev().copied().collect();
        write!(f, "its {} is no {expected}", path.join("."))
    }
}

impl StdError for Mismatch {}

impl From<Mismatch> for Error {
    fn from(mismatch: Mismatch) -> Self {
        Self::Answer(mismatch.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::answer::ConverseAnswer;
    use crate::client::models::FoundationModel;

    #[test]
    fn what_is_missing_or_null_has_its_default() {
        for (name, json) in [("missing", json!({})), ("null", json!({"x": null}))] {
            assert_eq!(field::<u64>(&json, "x").unwrap(), 0, "{name}");
            assert_eq!(field::<String>(&json, "x").unwrap(), "", "{name}");
            assert!(!field::<bool>(&json, "x").unwrap(), "{name}");
            let none: Vec<String> = field(&json, "x").unwrap();
            assert!(none.is_empty(), "{name}");
            let required = required::<String>(&json, "x").unwrap_err();
            assert_eq!(required.to_string(), "its x is no string", "{name}");
        }
    }

    #[test]
    fn says_what_is_not_of_its_kind_and_not_what_it_is() {
        for (json, expected) in [
            (json!(["a"]), "it is no object"),
            (json!("a"), "it is no object"),
            (json!({"output": "a"}), "its output is no object"),
            (
                json!({"output": {"message": 7}}),
                "its output.message is no object",
            ),
            (
                json!({"output": {"message": {"content": []}}}),
                "its output.message.role is no string",
            ),
            (
                json!({"output": {"message": {"role": "user", "content": "a"}}}),
                "its output.message.content is no list",
            ),
            (json!({"stopReason": 7}), "its stopReason is no string"),
            (json!({"usage": []}), "its usage is no object"),
            (
                json!({"usage": {"inputTokens": -1}}),
                "its usage.inputTokens is no count",
            ),
            (
                json!({"usage": {"inputTokens": 1.5}}),
                "its usage.inputTokens is no count",
            ),
            (
                json!({"metrics": {"latencyMs": "42"}}),
                "its metrics.latencyMs is no count",
            ),
        ] {
            let mismatch = ConverseAnswer::from_json(&json).unwrap_err();
            assert_eq!(mismatch.to_string(), expected, "{json}");
        }
        for (json, expected) in [
            (json!([{"modelId": 7}]), "its modelId is no string"),
            (
                json!([{"inputModalities": [7]}]),
                "its inputModalities is no string",
            ),
            (
                json!([{"responseStreamingSupported": "yes"}]),
                "its responseStreamingSupported is no truth value",
            ),
        ] {
            let mismatch = Vec::<FoundationModel>::from_json(&json).unwrap_err();
            assert_eq!(mismatch.to_string(), expected, "{json}");
        }
    }

    #[test]
    fn what_is_no_json_is_no_answer() {
        for text in ["", "{", "<html>", "{} {}"] {
            assert!(
                matches!(parse(text.as_bytes()), Err(Error::Answer(_))),
                "{text}"
            );
        }
    }
}
