//! From [`Node`] to the types of a configuration.
//!
//! What serde says of a value of the wrong type has the value in it, and that may be a secret that
//! was put into the wrong place. Here an error has the way to the value, what it should have been,
//! and nothing of what it is.

use std::fmt;

use serde::Deserializer;
use serde::de;
use serde::de::DeserializeSeed;
use serde::de::EnumAccess;
use serde::de::Expected;
use serde::de::IntoDeserializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Unexpected;
use serde::de::VariantAccess;
use serde::de::Visitor;
use serde::de::value::StrDeserializer;
use serde::forward_to_deserialize_any;

use super::node::Key;
use super::node::Node;
use super::node::Path;
use super::node::Step;
use super::node::Value;

/// A value that is not of its type.
#[derive(Debug)]
pub(super) struct TypeError {
    message: String,
    /// The way to the value, from its end.
    way: Vec<Step>,
}

impl TypeError {
    /// Returns what is wrong, and where.
    pub(super) fn into_parts(mut self) -> (Path, String) {
        self.way.reverse();
        (Path(self.way), self.message)
    }

    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            way: Vec::new(),
        }
    }

    fn at(mut self, step: Step) -> Self {
        self.way.push(step);
        self
    }
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TypeError {}

impl de::Error for TypeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let (found, is_scalar) = match found {
            Unexpected::Bool(_) => ("a truth value", true),
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => {
                ("a number", true)
            }
            Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::Bytes(_) => ("a text", false),
            Unexpected::Unit | Unexpected::Option => ("nothing", false),
            Unexpected::Seq => ("a list", false),
            Unexpected::Map => ("a table", false),
            _ => ("something else", false),
        };
        let remedy = if is_scalar && expected.contains("string") {
            "; put it in quotes"
        } else {
            ""
        };
        Self::new(format!("must be {expected}, and not {found}{remedy}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("must be {expected}"))
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        let nearest = nearest(variant, known);
        let nearest = nearest.map_or_else(String::new, |name| format!("; is `{name}` meant?"));
        Self::new(format!("must be {}{nearest}", one_of(known)))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let remedy = match nearest(field, known) {
            Some(name) => format!("is `{name}` meant?"),
            None if known.is_empty() => "there is none here".to_owned(),
            None => format!("known are {}", one_of(known)),
        };
        let error = Self::new(format!("is not a field here; {remedy}"));
        error.at(Step::Field(if is_name(field) {
            field.to_owned()
        } else {
            "(a field)".to_owned()
        }))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("is missing; it has no default").at(Step::Field(field.to_owned()))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new("stands here twice; keep one").at(Step::Field(field.to_owned()))
    }
}

/// Tells whether it looks like the name of a field, and not like a value that has become one.
fn is_name(text: &str) -> bool {
    text.len() <= 32
        && text
            .bytes()
            .all(|b| b.is_ascii_alphabetic() || b"_-@".contains(&b))
}

fn one_of(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// Returns the name that somebody may have meant, if one is near.
pub(super) fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
    let written = plain(written);
    let distance = |name: &&'a str| distance(&written, &plain(name));
    let near = known.iter().map(|name| (distance(name), *name));
    let (distance, name) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2 && distance < name.len().div_ceil(2)).then_some(name)
}

/// Levenshtein's distance.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let cost = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

impl<'de> IntoDeserializer<'de, TypeError> for &'de Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = TypeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match &self.value {
            Value::Nothing => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Unsigned(value) => visitor.visit_u64(*value),
            Value::Signed(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(value) => visitor.visit_borrowed_str(value),
            Value::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Value::Table(fields) => visitor.visit_map(Fields { fields, next: 0 }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        if self.is_nothing() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        visitor.visit_newtype_struct(self)
    }

    /// A table whose fields are all commented out is an empty one.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        match &self.value {
            Value::Nothing => visitor.visit_map(NO_FIELDS),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match &self.value {
            Value::Nothing => visitor.visit_seq(Items {
                items: &[],
                next: 0,
            }),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        match &self.value {
            Value::Text(name) => visitor.visit_enum(Choice {
                name,
                content: None,
            }),
            Value::Table(fields) => match &fields[..] {
                [(key, content)] => visitor.visit_enum(Choice {
                    name: &key.name,
                    content: Some(content),
                }),
                _ => Err(TypeError::new(format!(
                    "must be a table with one field: {}",
                    one_of(known)
                ))),
            },
            _ => Err(TypeError::new(format!("must be {}", one_of(known)))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

struct Items<'de> {
    items: &'de [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = TypeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, TypeError> {
        let Some(item) = self.items.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        let step = Step::Item(self.next - 1);
        seed.deserialize(item)
            .map(Some)
            .map_err(|error| error.at(step))
    }
}

struct Fields<'de> {
    fields: &'de [(Key, Node)],
    next: usize,
}

const NO_FIELDS: Fields<'static> = Fields {
    fields: &[],
    next: 0,
};

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = TypeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, TypeError> {
        match self.fields.get(self.next) {
            Some((key, _)) => seed.deserialize(StrDeserializer::new(&key.name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, TypeError> {
        let (key, value) = &self.fields[self.next];
        self.next += 1;
        let step = || Step::Field(key.name.clone());
        seed.deserialize(value).map_err(|error| error.at(step()))
    }
}

/// One of several, by its name alone or as the only field of a table.
struct Choice<'de> {
    name: &'de str,
    content: Option<&'de Node>,
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = TypeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), TypeError> {
        let name = StrDeserializer::new(self.name);
        seed.deserialize(name).map(|variant| (variant, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = TypeError;

    fn unit_variant(self) -> Result<(), TypeError> {
        match self.content {
            Some(content) if !content.is_nothing() => {
                Err(TypeError::new("has nothing more to say").at(Step::Field(self.name.to_owned())))
            }
            _ => Ok(()),
        }
    }

    /// By its name alone, all of it has its defaults.
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, TypeError> {
        match self.content {
            Some(content) => seed
                .deserialize(content)
                .map_err(|error| error.at(Step::Field(self.name.to_owned()))),
            None => seed.deserialize(de::value::MapAccessDeserializer::new(NO_FIELDS)),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, TypeError> {
        Err(TypeError::new("must be a table"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        match self.content {
            Some(content) => content.deserialize_any(visitor),
            None => visitor.visit_map(NO_FIELDS),
        }
    }
}
