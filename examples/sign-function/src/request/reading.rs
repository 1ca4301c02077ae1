//! Reads a request out of JSON, and says which field is at fault in words that hold no value.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;
use serde_path_to_error::Path;
use serde_path_to_error::Segment;
use serde_path_to_error::Track;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::fault::Fault;
use crate::request::Id;
use crate::request::SignHeaders;
use crate::request::SignRequest;

pub(super) fn parse(json: &[u8]) -> Result<SignRequest, (Option<Id>, Fault)> {
    let mut track = Track::new();
    let mut reader = serde_json::Deserializer::from_slice(json);
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    let request = object(tracked).and_then(|request| reader.end().map(|()| request));
    request.map_err(|error| {
        // What serde takes for an error of syntax may be one more value than it has a place for.
        let is_json = serde_json::from_slice::<IgnoredAny>(json).is_ok();
        let fault = if is_json {
            fault(&error, &track.path())
        } else {
            let (line, column) = (error.line(), error.column());
            let message = format!("must be one JSON object; look at line {line}, column {column}");
            Fault::new(WHOLE, message)
        };
        (id_of(json), fault)
    })
}

/// Puts what serde says into words that name the field and hold nothing of its value.
fn fault(error: &serde_json::Error, path: &Path) -> Fault {
    let field = field(path);
    // The names in these are those of the types; the paths end before them.
    let text = error.to_string();
    if let Some(missing) = quoted_behind(&text, "missing field ") {
        return Fault::new(joined(&field, missing), "is missing");
    }
    if let Some(repeated) = quoted_behind(&text, "duplicate field ") {
        return Fault::new(joined(&field, repeated), "is there twice; leave one");
    }
    if text.starts_with("unknown field ") {
        let among = match field.split_once('.') {
            Some(("path", _)) => "`double_encode` and `normalize`",
            Some(("credentials", _)) => "`access_key_id`, `secret_access_key` and `session_token`",
            _ => "those of a request, whose names are in the documentation",
        };
        return Fault::new(field, format!("is no field; there are {among}"));
    }
    let message = must_be(&field);
    Fault::new(field, message)
}

/// Returns a name in backquotes that follows on a text.
fn quoted_behind<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let quoted = text.strip_prefix(before)?.strip_prefix('`')?;
    quoted.split_once('`').map(|(name, _)| name)
}

fn joined(parent: &str, name: &str) -> String {
    if parent == WHOLE {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

/// Writes a path as callers know it: the parts of a header are its name and its value.
fn field(path: &Path) -> String {
    let mut field = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } if field.starts_with("headers[") => {
                field += if *index == 0 { ".name" } else { ".value" };
            }
            Segment::Seq { index } => field += &format!("[{index}]"),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if !field.is_empty() {
                    field.push('.');
                }
                // It may be anything, as long as nobody knows it.
                field.extend(key.chars().filter(|c| !c.is_control()).take(MAX_NAME));
            }
            Segment::Unknown => {}
        }
    }
    if field.is_empty() {
        field.push_str(WHOLE);
    }
    field
}

/// Says what a field has to be.
fn must_be(field: &str) -> &'static str {
    match field {
        "id" => "must be a string or a number",
        "headers" => "must be a list of headers, each a list of its name and its value",
        "algorithm" => "must be `sigv4` or `sigv4a`",
        "placement" => "must be `headers` or `query`",
        "expires_in" => "must be a whole number of seconds",
        "payload" => {
            "must be `signed`, `unsigned`, a SHA-256 in 64 lower-case hex digits, or one of the \
             names that AWS gives to other payloads, such as `UNSIGNED-PAYLOAD`"
        }
        "content_sha256" => "must be `always`, `auto` or `never`",
        "sign_headers" => "must be `minimal`, `all` or a list of names",
        "path" => "must be an object with `double_encode` and `normalize`",
        "path.double_encode" | "path.normalize" => "must be true or false",
        "session_token" => "must be `sign`, `append` or `omit`",
        "time" => "must be a time as RFC 3339 has it: 2015-08-30T12:36:00Z",
        "credentials" => "must be an object with `access_key_id` and `secret_access_key`",
        WHOLE => "must be a JSON object",
        _ if field.starts_with("headers[") && field.ends_with(']') => {
            "must be a list of two strings, the name and the value of a header"
        }
        _ => "must be a string",
    }
}

/// Reads an object, and not the list of values that serde takes for one, too.
pub(super) fn object<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    from.deserialize_map(Object(PhantomData))
}

/// A type that is read as an [`object`].
struct AsObject<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for AsObject<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        object(from).map(Self)
    }
}

/// Reads an object, or null in its place.
pub(super) fn optional_object<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::<AsObject<T>>::deserialize(from)?.map(|object| object.0))
}

/// Reads an object, or null in place of what is the default.
pub(super) fn object_or_default<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(optional_object(from)?.unwrap_or_default())
}

/// Reads what may be null in place of its default.
pub(super) fn or_default<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Reads a time of RFC 3339, with any offset.
pub(super) fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SystemTime>, D::Error> {
    let Some(text) = Option::<Cow<'de, str>>::deserialize(from)? else {
        return Ok(None);
    };
    let time = OffsetDateTime::parse(&text, &Rfc3339);
    let since = time.map_err(|_| de::Error::custom("no time"))? - OffsetDateTime::UNIX_EPOCH;
    // Not all that can be written is a time to every system: Windows begins in 1601.
    let time = if since.is_negative() {
        UNIX_EPOCH.checked_sub(since.unsigned_abs())
    } else {
        UNIX_EPOCH.checked_add(since.unsigned_abs())
    };
    time.map(Some).ok_or_else(|| de::Error::custom("no time"))
}

impl<'de> Deserialize<'de> for SignHeaders {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct WordOrNames;

        impl<'de> Visitor<'de> for WordOrNames {
            type Value = SignHeaders;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a list of names")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<SignHeaders, E> {
                match word {
                    "minimal" => Ok(SignHeaders::Minimal),
                    "all" => Ok(SignHeaders::All),
                    _ => Err(E::custom("no such word")),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<SignHeaders, A::Error> {
                let mut read = Vec::new();
                while let Some(name) = names.next_element()? {
                    read.push(name);
                }
                Ok(SignHeaders::Names(read))
            }
        }

        from.deserialize_any(WordOrNames)
    }
}

/// Returns the id of a request that is at fault, if it can be read.
fn id_of(json: &[u8]) -> Option<Id> {
    struct Fields<'a>(&'a RefCell<Option<Id>>);

    impl<'de> Visitor<'de> for Fields<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                if key == "id" {
                    *self.0.borrow_mut() = map.next_value()?;
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(())
        }
    }

    let id = RefCell::new(None);
    // What was read before a fault counts.
    let _ = serde_json::Deserializer::from_slice(json).deserialize_map(Fields(&id));
    // A number at the very end may be the beginning of another one.
    let may_go_on =
        |id: &Id| !id.as_json().ends_with('"') && json.ends_with(id.as_json().as_bytes());
    id.into_inner().filter(|id| !may_go_on(id))
}

/// What is at fault where no field is.
const WHOLE: &str = "request";
/// The most characters of an unknown name that are repeated to whoever sent it.
const MAX_NAME: usize = 64;
