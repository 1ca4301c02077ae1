//! What the generators that AWS publishes make: `tests/vectors/tokens.md` has the recipe.

use serde_json::Value;
use sigv4_core::Credentials;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

/// The entries of what was made with long-term credentials, and of what with a session.
pub(crate) const LONG_TERM: &str = "long-term";
pub(crate) const SESSION: &str = "session";

pub(crate) fn fact(name: &str, credentials: &str) -> Value {
    let facts = include_str!("../vectors/tokens.json");
    let facts: Value = serde_json::from_str(facts).unwrap();
    let fact = &facts[name][credentials];
    assert!(!fact.is_null(), "there is no {name}, {credentials}");
    fact.clone()
}

pub(crate) fn text(name: &str, credentials: &str) -> String {
    fact(name, credentials).as_str().unwrap().to_owned()
}

/// The credentials of each entry of a fact.
pub(crate) fn both() -> [(&'static str, Credentials); 2] {
    [
        (LONG_TERM, credentials()),
        (SESSION, temporary_credentials()),
    ]
}
