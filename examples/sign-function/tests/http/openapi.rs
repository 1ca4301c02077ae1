//! The description of the service says what the types say, and what is sent and answered fits it,
//! as a validator judges that knows neither.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use boon::Compiler;
use boon::Draft;
use boon::SchemaIndex;
use boon::Schemas;
use http::StatusCode;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Visitor;
use serde::de::value::Error;
use serde_json::Value;
use serde_json::json;
use sign_function::Algorithm;
use sign_function::ContentSha256;
use sign_function::PathRules;
use sign_function::Placement;
use sign_function::RequestCredentials;
use sign_function::SessionToken;
use sign_function::SignRequest;
use sign_function::openapi::document;
use sign_function::server::Front;

use crate::fixture::KEY;
use crate::fixture::Served;
use crate::fixture::config;
use crate::fixture::credentials;
use crate::fixture::request;
use crate::fixture::send;
use crate::fixture::with;

fn definition(name: &str) -> Value {
    document(None, "/openapi.json", Front::Nobody)["definitions"][name].clone()
}

/// A request that has every field that there is, each with a value that may be.
fn full() -> Value {
    with(json!({
        "headers": [["content-type", "text/plain"], ["x-a", ""]],
        "body": "text",
        "body_base64": "dGV4dA==",
        "algorithm": "sigv4a",
        "placement": "query",
        "expires_in": 60,
        "payload": "unsigned",
        "content_sha256": "never",
        "sign_headers": ["x-a"],
        "path": {"double_encode": true, "normalize": false},
        "session_token": "append",
        "time": "2026-11-22T10:00:00.5+01:00",
        "credentials": {
            "access_key_id": "AKIDEXAMPLE", "secret_access_key": "secret", "session_token": "token",
        },
    }))
}

#[test]
fn has_the_fields_of_the_types() {
    for (name, of_the_type) in [
        ("SignRequest", names_of::<SignRequest>()),
        ("PathRules", names_of::<PathRules>()),
        ("RequestCredentials", names_of::<RequestCredentials>()),
    ] {
        let definition = definition(name);
        assert_eq!(keys(&definition["properties"]), of_the_type, "{name}");
        assert_eq!(definition["additionalProperties"], json!(false), "{name}");
    }
    let properties = &definition("SignRequest")["properties"];
    for (name, of_the_type) in [
        ("algorithm", names_of::<Algorithm>()),
        ("placement", names_of::<Placement>()),
        ("content_sha256", names_of::<ContentSha256>()),
        ("session_token", names_of::<SessionToken>()),
    ] {
        let words = properties[name]["enum"].as_array().unwrap().iter();
        let words: BTreeSet<String> = words
            .map(|word| word.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(words, of_the_type, "{name}");
    }
}

#[test]
fn requires_what_the_types_require() {
    assert_eq!(
        keys(&full()),
        names_of::<SignRequest>(),
        "the sample is whole"
    );
    for (name, pointer) in [
        ("SignRequest", ""),
        ("PathRules", "/path"),
        ("RequestCredentials", "/credentials"),
    ] {
        let definition = definition(name);
        for (field, schema) in definition["properties"].as_object().unwrap() {
            let mut lacking = full();
            let object = lacking
                .pointer_mut(pointer)
                .unwrap()
                .as_object_mut()
                .unwrap();
            object.remove(field).unwrap();
            let is_needed = SignRequest::parse(lacking.to_string().as_bytes()).is_err();
            let object = lacking.pointer_mut(pointer).unwrap();
            object[field] = Value::Null;
            let is_not_null = SignRequest::parse(lacking.to_string().as_bytes()).is_err();
            let required = definition["required"]
                .as_array()
                .is_some_and(|required| required.contains(&json!(field)));
            assert_eq!(is_needed, required, "{name}.{field}");
            // A reference has nothing beside it that counts.
            let schema = match schema["$ref"].as_str() {
                Some(target) => &self::definition(target.rsplit('/').next().unwrap()),
                None => schema,
            };
            let may_be_null = schema["x-nullable"] == true;
            assert_eq!(is_not_null, !may_be_null, "null for {name}.{field}");
        }
    }
}

/// Values of other types than the description has are refused by the program, too.
#[test]
fn has_the_types_of_the_types() {
    let (schemas, index) = schema("SignRequest");
    for field in names_of::<SignRequest>() {
        for value in [
            json!(null),
            json!(7),
            json!("no word"),
            json!({}),
            json!([]),
            json!([["a"]]),
            json!(true),
        ] {
            let mut changed = full();
            changed[&field] = value.clone();
            let fits = schemas.validate(&changed, index).is_ok();
            let parsed = SignRequest::parse(changed.to_string().as_bytes()).is_ok();
            // Of these four a schema of this version says less.
            let says_less = ["id", "payload", "sign_headers", "time"].contains(&&*field);
            assert!(
                fits == parsed || (says_less && fits),
                "{field}: {value}: {fits} {parsed}"
            );
        }
    }
}

#[tokio::test]
async fn fits_what_is_sent_and_answered() {
    let served = Served::start(&config()).await;
    let mut link = with(json!({"placement": "query", "expires_in": 60}));
    link["id"] = json!("a link");
    let set = with(json!({"algorithm": "sigv4a", "region": "eu-west-1,us-east-1"}));
    for (name, request, status) in [
        ("headers", request(), StatusCode::OK),
        ("a link", link, StatusCode::OK),
        ("a set of regions", set, StatusCode::OK),
        (
            "forbidden",
            with(json!({"service": "iam"})),
            StatusCode::FORBIDDEN,
        ),
        (
            "at fault",
            with(json!({"expires_in": 60})),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        assert_fits("SignRequest", &request, name);
        let answer = served.sign(&request).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.json);
        let definition = match status {
            StatusCode::OK => "Signed",
            _ => "Refused",
        };
        assert_fits(definition, &answer.json, name);
        // All have an id, and so every field that there is.
        assert_eq!(
            keys(&answer.json),
            keys(&self::definition(definition)["properties"]),
            "{name}"
        );
    }
    let stranger = send(served.post("/sign").json(&request())).await;
    assert_fits("Refused", &stranger.json, "a stranger");
}

/// A status that the program has a word for is in the description, and no other is.
#[test]
fn has_the_statuses_of_the_program() {
    let constant = |status: StatusCode| {
        let reason = status.canonical_reason()?.to_ascii_uppercase();
        Some(reason.replace([' ', '-'], "_"))
    };
    let text = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mut answered: BTreeSet<String> = (100..600)
        .filter_map(|code| StatusCode::from_u16(code).ok())
        .filter(|&status| {
            constant(status).is_some_and(|name| text.contains(&format!("StatusCode::{name}")))
        })
        .map(|status| status.as_str().to_owned())
        .collect();
    // Other paths have that; a test sees to it that JSON can be written; the HTTP library refuses heads.
    assert!(answered.remove("404"), "{answered:?}");
    assert!(answered.remove("500"), "{answered:?}");
    answered.insert("431".to_owned());
    let mut described = keys(&responses());
    described.remove("default");
    assert_eq!(described, answered);
}

/// Returns all sources below a folder.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

/// A refusal of each status that a request can bring about by itself at once.
#[tokio::test]
async fn describes_each_refusal() {
    let served = Served::start(&config()).await;
    let anyone = "anyone: { services: ['*'], regions: ['*'], methods: ['*'], \
                  hosts: [api.example.com] }";
    let open = Served::start(&format!("listen: 127.0.0.1:0\n{anyone}\n{}", credentials())).await;
    let post = || served.post("/sign").bearer_auth(KEY);
    let long = "x".repeat(20_000_000);
    let many = (0..101).fold(post(), |post, index| post.header(format!("x-{index}"), "x"));
    for (status, asked) in [
        (400, post().json(&json!({"id": 7}))),
        (401, served.post("/sign").json(&request())),
        (403, post().json(&with(json!({"service": "iam"})))),
        (405, served.get("/sign").bearer_auth(KEY)),
        (413, post().json(&with(json!({"body": long})))),
        (415, post().body(request().to_string())),
        (
            421,
            open.post("/sign")
                .header("host", "attacker.example")
                .json(&request()),
        ),
        (431, many.json(&request())),
    ] {
        let answer = send(asked).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.json);
        let described = &responses()[answer.status.as_str()];
        assert!(described.is_object(), "{status}");
        match described["schema"]["$ref"].as_str() {
            Some(target) => {
                assert_eq!(target, "#/definitions/Refused");
                assert_fits("Refused", &answer.json, &status.to_string());
            }
            None => assert_eq!(answer.json, json!(""), "{status}"),
        }
    }
}

fn responses() -> Value {
    let document = document(None, "/openapi.json", Front::Nobody);
    document["paths"]["/sign"]["post"]["responses"].clone()
}

/// What the designer of Logic Apps wants of it: version 2, for every page, a name for each
/// operation.
#[tokio::test]
async fn is_what_a_logic_app_reads() {
    let served = Served::start(&config()).await;
    let answer = send(
        served
            .get("/openapi.json")
            .header("origin", "https://portal.azure.com"),
    );
    let answer = answer.await;
    assert_eq!(answer.status, StatusCode::OK, "without a key");
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert_eq!(answer.json["swagger"], "2.0");
    assert_eq!(answer.json["host"], served.address().to_string());
    assert_eq!(answer.json["schemes"], json!(["http"]), "as it is loopback");
    for (path, operations) in answer.json["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(operation["operationId"].is_string(), "{method} {path}");
        }
    }
    let text = answer.json.to_string();
    for later in [
        "oneOf",
        "anyOf",
        "\"nullable\"",
        "components",
        "requestBody",
        "const",
    ] {
        assert!(!text.contains(later), "{later} is of a later version");
    }
    assert!(!text.contains(KEY));
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

fn schema(name: &str) -> (Schemas, SchemaIndex) {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.set_default_draft(Draft::V4);
    let url = "http://service.test/openapi.json";
    let mut document = document(None, "/openapi.json", Front::Nobody);
    let_be_null(&mut document);
    compiler.add_resource(url, document).unwrap();
    let location = format!("{url}#/definitions/{name}");
    let index = compiler.compile(&location, &mut schemas).unwrap();
    (schemas, index)
}

/// Says in the words of the validator what may be null: OpenAPI 2.0 itself has no word for it.
fn let_be_null(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("x-nullable") == Some(&json!(true)) {
                if let Some(known) = fields.get_mut("type") {
                    *known = json!([known, "null"]);
                }
                if let Some(Value::Array(words)) = fields.get_mut("enum") {
                    words.push(Value::Null);
                }
            }
            fields.values_mut().for_each(let_be_null);
        }
        Value::Array(items) => items.iter_mut().for_each(let_be_null),
        _ => {}
    }
}

fn assert_fits(definition: &str, value: &Value, name: &str) {
    let (schemas, index) = schema(definition);
    let judged = schemas.validate(value, index);
    let fault = judged.err().map(|error| error.to_string());
    assert_eq!(fault, None, "{name}");
}

/// Returns the names that a type tells serde it has: of its fields, or of its variants.
fn names_of<'de, T: Deserialize<'de>>() -> BTreeSet<String> {
    let names = RefCell::new(BTreeSet::new());
    assert!(
        T::deserialize(Listener(&names)).is_err(),
        "it is told nothing"
    );
    let names = names.into_inner();
    assert!(!names.is_empty(), "a type with names");
    names
}

/// Hears which names a type asks for, and has nothing to give.
struct Listener<'a>(&'a RefCell<BTreeSet<String>>);

impl Listener<'_> {
    fn hear(&self, names: &'static [&'static str]) -> Error {
        self.0
            .borrow_mut()
            .extend(names.iter().map(|&name| name.to_owned()));
        nothing()
    }
}

fn nothing() -> Error {
    serde::de::Error::custom("nothing is there")
}

impl<'de> Deserializer<'de> for Listener<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(nothing())
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(self.hear(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(self.hear(variants))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}
