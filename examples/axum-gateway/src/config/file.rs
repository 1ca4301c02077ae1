//! A configuration as people write it: one type for each table, whose fields have the names of the
//! file. What a value means is decided in [`check`](super::check).

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;
use sigv4_core::runtime::SecretText;

use super::flex::Policy;
use super::node::Node;
use super::units::Size;
use super::units::Time;

/// The whole file.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table of `listeners`, `routes` and the like"
)]
#[derive(Default)]
pub(super) struct File {
    pub(super) listeners: Option<Vec<Listener>>,
    pub(super) admin: Option<Admin>,
    pub(super) callers: Vec<Caller>,
    pub(super) credentials: BTreeMap<String, Node>,
    pub(super) routes: Vec<Route>,
    pub(super) limits: Limits,
    pub(super) log: Log,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with `tcp` or `unix`"
)]
pub(super) struct Listener {
    pub(super) tcp: Option<String>,
    pub(super) unix: Option<PathBuf>,
    pub(super) mode: Option<String>,
    pub(super) tls: Option<Tls>,
    pub(super) hosts: Vec<String>,
    pub(super) anonymous: Option<bool>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with `certificate` and `key`"
)]
pub(super) struct Tls {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) client_ca: Option<PathBuf>,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with `tcp` or `unix`"
)]
pub(super) struct Admin {
    pub(super) tcp: Option<String>,
    pub(super) unix: Option<PathBuf>,
    pub(super) mode: Option<String>,
    pub(super) token: Option<SecretText>,
    pub(super) hosts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `name` and a key")]
pub(super) struct Caller {
    pub(super) name: String,
    pub(super) bearer: Option<SecretText>,
    pub(super) header: Option<KeyHeader>,
    pub(super) certificate: Option<String>,
    pub(super) routes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `name` and `value`")]
pub(super) struct KeyHeader {
    pub(super) name: String,
    pub(super) value: SecretText,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with `upstream`, `service`, `region`"
)]
pub(super) struct Route {
    pub(super) name: Option<String>,
    #[serde(rename = "match", deserialize_with = "text_or_table")]
    pub(super) matches: Match,
    pub(super) upstream: Option<String>,
    pub(super) host: Option<String>,
    pub(super) strip_prefix: Option<bool>,
    pub(super) path: Option<String>,
    pub(super) trailing_slash: TrailingSlash,
    pub(super) service: Option<String>,
    pub(super) region: Option<SecretText>,
    pub(super) region_set: Option<SecretText>,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) payload: Option<Payload>,
    pub(super) body_limit: Option<Size>,
    pub(super) headers: Headers,
    pub(super) query: Query,
    pub(super) empty_segments: Option<bool>,
    pub(super) placement: Placement,
    pub(super) content_sha256: Option<ContentSha256>,
    pub(super) session_token: Option<SessionToken>,
    pub(super) plus: Option<Plus>,
    pub(super) credentials: Option<Node>,
    pub(super) timeouts: Timeouts,
    pub(super) protocol: Option<Protocol>,
    pub(super) danger_allow_http: bool,
    pub(super) policies: Vec<Policy>,
}

/// Which requests a route takes; as a text, by their path alone.
#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a path, or a table with `path`"
)]
pub(super) struct Match {
    pub(super) path: Option<String>,
    pub(super) methods: Vec<String>,
    pub(super) hosts: Vec<String>,
    #[serde(skip)]
    pub(super) is_text: bool,
}

impl From<String> for Match {
    fn from(path: String) -> Self {
        Self {
            path: Some(path),
            is_text: true,
            ..Self::default()
        }
    }
}

#[derive(Clone, Copy, Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum TrailingSlash {
    #[default]
    Keep,
    Add,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Algorithm {
    Sigv4,
    Sigv4a,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Payload {
    Hashed,
    Unsigned,
    Client,
    AwsChunked(Chunked),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with `checksum` and the like"
)]
pub(super) struct Chunked {
    pub(super) checksum: Option<Checksum>,
    pub(super) signed: bool,
    pub(super) chunk_size: Option<Size>,
}

impl Default for Chunked {
    fn default() -> Self {
        Self {
            checksum: None,
            signed: true,
            chunk_size: None,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Checksum {
    Crc32,
    Crc32c,
    Crc64nvme,
    Sha1,
    Sha256,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with `sign`, `allow` and the like"
)]
pub(super) struct Headers {
    pub(super) sign: Option<SignedSet>,
    pub(super) include: Vec<Pattern>,
    pub(super) exclude: Vec<Pattern>,
    pub(super) allow: Vec<String>,
    pub(super) remove: Vec<String>,
    pub(super) set: BTreeMap<String, SecretText>,
    pub(super) remove_from_answer: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum SignedSet {
    Minimal,
    All,
}

/// A pattern for names of headers; as a text, the name itself.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PatternTable {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Regex(String),
}

pub(super) enum Pattern {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Regex(String),
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = text_or_table::<_, PatternTable>(deserializer)?;
        Ok(match table {
            PatternTable::Exact(text) => Self::Exact(text),
            PatternTable::Prefix(text) => Self::Prefix(text),
            PatternTable::Suffix(text) => Self::Suffix(text),
            PatternTable::Contains(text) => Self::Contains(text),
            PatternTable::Regex(text) => Self::Regex(text),
        })
    }
}

impl From<String> for PatternTable {
    fn from(name: String) -> Self {
        Self::Exact(name)
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, expecting = "a table with `allow`")]
pub(super) struct Query {
    pub(super) allow: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub(super) enum Placement {
    #[default]
    Headers,
    Query(InQuery),
}

#[derive(Clone, Copy, Deserialize, Default)]
#[serde(deny_unknown_fields, default, expecting = "a table with `expires_in`")]
pub(super) struct InQuery {
    pub(super) expires_in: Option<Time>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ContentSha256 {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SessionToken {
    Signed,
    Appended,
    Omitted,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Plus {
    Literal,
    Space,
    Reject,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with `connect`, `answer`, `idle` and `upload`"
)]
pub(super) struct Timeouts {
    pub(super) connect: Option<Time>,
    pub(super) answer: Option<Time>,
    pub(super) idle: Option<Time>,
    pub(super) upload: Option<Time>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Protocol {
    Negotiated,
    Http1,
    Http2,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with `concurrency` and the like"
)]
pub(super) struct Limits {
    pub(super) concurrency: Option<u64>,
    pub(super) held_bytes: Option<Size>,
    pub(super) head_timeout: Option<Time>,
    pub(super) keep_alive: Option<Time>,
    pub(super) drain_delay: Option<Time>,
    pub(super) drain: Option<Time>,
}

#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table with `format` and `requests`"
)]
pub(super) struct Log {
    pub(super) format: LogFormat,
    pub(super) requests: LoggedRequests,
}

#[derive(Clone, Copy, Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum LogFormat {
    #[default]
    Json,
    Text,
}

#[derive(Clone, Copy, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub(super) enum LoggedRequests {
    #[default]
    Refused,
    All,
    None,
}

/// Reads a table, or a text that stands for one.
pub(super) fn text_or_table<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + From<String>,
{
    struct TextOrTable<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de> + From<String>> Visitor<'de> for TextOrTable<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or a table")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            Ok(text.to_owned().into())
        }

        fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(table))
        }
    }

    deserializer.deserialize_any(TextOrTable(PhantomData))
}
