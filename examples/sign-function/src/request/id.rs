//! What an answer is recognised by.

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::Error;
use serde_json::value::RawValue;

/// A string or a number that comes with a request and goes back with its answer.
///
/// It is kept as it was written: no digit of a number is lost, however long it is.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Id(Box<RawValue>);

impl Id {
    /// Returns it as it was written in JSON, a string with its quotes.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl Eq for Id {}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(from)?;
        let is_either = match json.get().as_bytes().first() {
            // Half of a surrogate pair is JSON, and no text: many could not read the answer.
            Some(b'"') => serde_json::from_str::<String>(json.get()).is_ok(),
            Some(b'-' | b'0'..=b'9') => true,
            _ => false,
        };
        is_either
            .then_some(Self(json))
            .ok_or_else(|| D::Error::custom("neither a string nor a number"))
    }
}
