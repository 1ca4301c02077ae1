//! Sources out of configuration files.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;

use super::CredentialSource;
use super::settings::AssumeRoleSource;
use super::settings::ChainSource;
use super::settings::ProfileSource;
use super::settings::StaticKeys;
use super::settings::WebIdentitySource;
use super::value::SecretText;

impl<'de> Deserialize<'de> for CredentialSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

/// Accepts a table. Whatever else stands in its place may be a secret that was put there by
/// mistake, and is not repeated in an error, as serde's own visitors would.
struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = CredentialSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with the field `type`")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Tagged::deserialize(MapAccessDeserializer::new(map)).map(Into::into)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(
            "expected a table with the field `type`, not a string",
        ))
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tagged {
    Default(Nothing),
    Profile(ProfileSource),
    Static(StaticKeys),
    Environment(Nothing),
    AssumeRole(Box<AssumeRoleSource>),
    WebIdentity(WebIdentitySource),
    Container(Nothing),
    InstanceMetadata(Nothing),
    Chain(ChainSource),
}

/// No field beside the type. A variant without content would let any pass.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl From<Tagged> for CredentialSource {
    fn from(tagged: Tagged) -> Self {
        match tagged {
            Tagged::Default(Nothing {}) => Self::Default,
            Tagged::Profile(profile) => Self::Profile(profile),
            Tagged::Static(keys) => Self::Static(keys),
            Tagged::Environment(Nothing {}) => Self::Environment,
            Tagged::AssumeRole(role) => Self::AssumeRole(role),
            Tagged::WebIdentity(identity) => Self::WebIdentity(identity),
            Tagged::Container(Nothing {}) => Self::Container,
            Tagged::InstanceMetadata(Nothing {}) => Self::InstanceMetadata,
            Tagged::Chain(chain) => Self::Chain(chain),
        }
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// Accepts a string, and says nothing of the value of anything else: a secret key without quotes
/// may well be a number.
struct ValueVisitor;

impl ValueVisitor {
    fn refuse<E: de::Error>() -> E {
        E::custom("access keys and tokens must be strings; put the value in quotes")
    }
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = SecretText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<SecretText, E> {
        Ok(SecretText::new(value))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<SecretText, E> {
        Ok(SecretText::new(value))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<SecretText, E> {
        Err(Self::refuse())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretText, E> {
        Err(Self::refuse())
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<SecretText, E> {
        Err(Self::refuse())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<SecretText, E> {
        Err(Self::refuse())
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<SecretText, E> {
        Err(Self::refuse())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretText, E> {
        Err(Self::refuse())
    }

    fn visit_bytes<E: de::Error>(self, _: &[u8]) -> Result<SecretText, E> {
        Err(Self::refuse())
    }
}
