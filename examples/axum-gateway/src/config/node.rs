//! [`Node`]: what a configuration says before it means anything, with the place of each value.
//!
//! Everything that becomes a configuration is one of these first: a YAML file, the flags, a policy
//! of another gateway, an import. So there is one set of checks for all of them, and one path and
//! line for each value.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_saphyr::Spanned;
use sha2::Digest;
use sha2::Sha256;

/// A value, and where it stands.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    place: Option<Place>,
}

/// A value. There is no `Debug`: it may be secret.
#[derive(Clone)]
pub(super) enum Value {
    Nothing,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Table(Vec<(Key, Node)>),
}

/// The name of a field, and where it stands.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) name: String,
    place: Option<Place>,
}

/// A place in a file. Both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

impl Node {
    /// Reads YAML.
    pub(super) fn parse(text: &str) -> Result<Self, serde_saphyr::Error> {
        serde_saphyr::from_str::<Spanned<Raw<true>>>(text).map(Into::into)
    }

    /// Makes a table of fields; those that are nothing are left out.
    pub(super) fn table<const N: usize>(fields: [(&str, Self); N]) -> Self {
        let mut table = Self::from(Value::Table(Vec::new()));
        for (name, value) in fields {
            table.set(name, value);
        }
        table
    }

    /// Makes a list.
    pub(super) fn list(items: impl IntoIterator<Item: Into<Self>>) -> Self {
        Value::List(items.into_iter().map(Into::into).collect()).into()
    }

    /// Says nothing.
    pub(super) fn nothing() -> Self {
        Value::Nothing.into()
    }

    /// Adds a field to a table, unless it is nothing.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Self>) {
        let value = value.into();
        if let (Value::Table(fields), false) = (&mut self.value, value.is_nothing()) {
            let key = Key {
                name: name.to_owned(),
                place: None,
            };
            fields.push((key, value));
        }
    }

    /// Returns a field of a table.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.fields()
            .iter()
            .find_map(|(key, value)| (key.name == name).then_some(value))
    }

    /// Returns the fields of a table; none of anything else.
    pub(super) fn fields(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Table(fields) => fields,
            _ => &[],
        }
    }

    /// Returns the items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) const fn is_true(&self) -> bool {
        matches!(self.value, Value::Bool(true))
    }

    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self.value, Value::Nothing)
    }

    /// Returns the place of a field, or of the innermost value around it that there is.
    pub(super) fn place_of(&self, path: &Path) -> Option<Place> {
        let mut here = self;
        let mut place = self.place;
        for step in &path.0 {
            let found = match step {
                Step::Field(name) => here
                    .fields()
                    .iter()
                    .find(|(key, _)| key.name == *name)
                    .map(|(key, value)| (value, key.place)),
                Step::Item(index) => here.items().get(*index).map(|item| (item, item.place)),
            };
            let Some((value, at)) = found else { break };
            here = value;
            place = at.or(place);
        }
        place
    }

    /// Returns a digest of what is said, wherever it stands.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.add_to(&mut hash);
        hash.finalize().into()
    }

    /// Everything begins with its kind and its length, so that no two values give the same bytes.
    fn add_to(&self, hash: &mut Sha256) {
        let mut add = |kind: u8, bytes: &[u8]| {
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        match &self.value {
            Value::Nothing => add(0, &[]),
            Value::Bool(yes) => add(1, &[u8::from(*yes)]),
            Value::Unsigned(number) => add(2, &number.to_be_bytes()),
            Value::Signed(number) => add(3, &number.to_be_bytes()),
            Value::Float(number) => add(4, &number.to_be_bytes()),
            Value::Text(text) => add(5, text.as_bytes()),
            Value::List(items) => {
                add(6, &(items.len() as u64).to_be_bytes());
                items.iter().for_each(|item| item.add_to(hash));
            }
            Value::Table(fields) => {
                add(7, &(fields.len() as u64).to_be_bytes());
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
                for (key, value) in fields {
                    Self::from(key.name.as_str()).add_to(hash);
                    value.add_to(hash);
                }
            }
        }
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Self { value, place: None }
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned()).into()
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Value::Text(text).into()
    }
}

impl From<bool> for Node {
    fn from(yes: bool) -> Self {
        Value::Bool(yes).into()
    }
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Value::Unsigned(number).into()
    }
}

impl<T: Into<Self>> From<Option<T>> for Node {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(Self::nothing, Into::into)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Raw::<false>::deserialize(deserializer).map(|raw| raw.0.into())
    }
}

/// A value out of YAML, where the parser says the places; or out of another value, which is looked
/// up by its path.
struct Raw<const PLACED: bool>(Value);

impl From<Spanned<Raw<true>>> for Node {
    fn from(spanned: Spanned<Raw<true>>) -> Self {
        Self {
            place: place(&spanned),
            value: spanned.value.0,
        }
    }
}

fn place<T>(spanned: &Spanned<T>) -> Option<Place> {
    let (line, column) = (spanned.referenced.line(), spanned.referenced.column());
    (line > 0).then_some(Place { line, column })
}

impl<'de, const PLACED: bool> Deserialize<'de> for Raw<PLACED> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(ValueVisitor::<PLACED>)
            .map(Self)
    }
}

struct ValueVisitor<const PLACED: bool>;

impl<'de, const PLACED: bool> Visitor<'de> for ValueVisitor<PLACED> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Raw::<PLACED>::deserialize(deserializer).map(|raw| raw.0)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(u64::try_from(value).map_or(Value::Signed(value), Value::Unsigned))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        if PLACED {
            while let Some(item) = list.next_element::<Spanned<Raw<true>>>()? {
                items.push(item.into());
            }
        } else {
            while let Some(item) = list.next_element()? {
                items.push(item);
            }
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        if PLACED {
            while let Some(key) = table.next_key::<Spanned<String>>()? {
                let key = Key {
                    place: place(&key),
                    name: key.value,
                };
                let value = table.next_value::<Spanned<Raw<true>>>()?;
                fields.push((key, value.into()));
            }
        } else {
            while let Some(name) = table.next_key()? {
                fields.push((Key { name, place: None }, table.next_value()?));
            }
        }
        Ok(Value::Table(fields))
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Nothing => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Unsigned(value) => serializer.serialize_u64(*value),
            Value::Signed(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::List(items) => serializer.collect_seq(items),
            Value::Table(fields) => {
                serializer.collect_map(fields.iter().map(|(key, value)| (&key.name, value)))
            }
        }
    }
}

/// The way to a value: `routes[1].upstream`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(pub(super) Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Item(usize),
}

impl Path {
    /// Goes on to a field, or along several with dots between them.
    pub(super) fn field(&self, names: &str) -> Self {
        let mut path = self.clone();
        let steps = names.split('.').map(|name| Step::Field(name.to_owned()));
        path.0.extend(steps);
        path
    }

    /// Goes on to a field whose name may have dots in it.
    pub(super) fn key(&self, name: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Field(name.to_owned()));
        path
    }

    /// Goes on to an item of a list.
    pub(super) fn item(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Item(index));
        path
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if index == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}
