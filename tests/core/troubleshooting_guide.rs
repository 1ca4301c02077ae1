//! The guide to troubleshooting names everything that can go wrong: a new kind of error, a new cause
//! or a new code that it does not name is a failure here.
//!
//! Kinds and codes are read out of the sources, since an enumeration that is not exhaustive cannot be
//! enumerated from outside.

use http::HeaderMap;
use http::StatusCode;
use sigv4_core::runtime::AwsRefusal;

const GUIDE: &str = include_str!("../../docs/troubleshooting.md");
const REFUSAL: &str = include_str!("../../sigv4-core/src/runtime/refusal.rs");
const RECOVERY: &str = include_str!("../../sigv4-core/src/runtime/recovery/code.rs");

/// Enumerations: their name in the guide, their source, and one variant that is there for certain.
const KINDS: &[(&str, &str, &str, &str)] = &[
    (
        "sigv4_core::ErrorKind",
        "ErrorKind",
        include_str!("../../sigv4-core/src/error.rs"),
        "OutOfScope",
    ),
    (
        "sigv4_tower::ErrorKind",
        "ErrorKind",
        include_str!("../../sigv4-tower/src/error.rs"),
        "WebPage",
    ),
    (
        "sigv4_reqwest::ErrorKind",
        "ErrorKind",
        include_str!("../../sigv4-reqwest/src/error.rs"),
        "Signing",
    ),
    (
        "EventErrorKind",
        "EventErrorKind",
        include_str!("../../sigv4-core/src/stream/event/error.rs"),
        "Truncated",
    ),
    (
        "FetchErrorKind",
        "FetchErrorKind",
        include_str!("../../sigv4-core/src/runtime/credentials/light/error.rs"),
        "Refused",
    ),
];

/// Returns what stands between the first `begin` and the next `end`.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let found = text.split_once(begin).map(|(_, rest)| rest);
    let found = found.and_then(|rest| rest.split_once(end));
    found.map_or("", |(found, _)| found)
}

/// Returns the section of the guide under a heading, up to the next one of its kind or above.
fn section(heading: &str) -> &'static str {
    let begin = format!("\n### `{heading}`\n");
    let rest = GUIDE.split_once(&*begin).map_or("", |(_, rest)| rest);
    let end = rest.find("\n## ").into_iter().chain(rest.find("\n### "));
    &rest[..end.min().unwrap_or(rest.len())]
}

/// Returns the variants of an enumeration in a source.
fn variants<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
    let body = between(source, &format!("pub enum {name} {{\n"), "\n}\n");
    let lines = body.lines().map(str::trim);
    let names = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    names
        .filter_map(|line| line.split([',', '(', ' ']).next())
        .collect()
}

/// Returns the texts in quotes.
fn quoted(source: &str) -> Vec<&str> {
    source.split('"').skip(1).step_by(2).collect()
}

#[test]
fn every_kind_of_error_has_a_row() {
    for (heading, name, source, known) in KINDS {
        let variants = variants(source, name);
        assert!(variants.contains(known), "{heading}: {variants:?}");
        let section = section(heading);
        for variant in variants {
            let row = format!("\n| `{variant}` |");
            assert!(section.contains(&row), "{heading}: no row for {variant}");
        }
    }
}

#[test]
fn no_row_is_about_a_kind_that_is_not_there() {
    for (heading, name, source, _) in KINDS {
        let variants = variants(source, name);
        for row in section(heading).split("\n| `").skip(1) {
            let kind = row.split('`').next().unwrap_or_default();
            assert!(variants.contains(&kind), "{heading}: there is no {kind}");
        }
    }
}

#[test]
fn every_cause_of_a_refusal_has_a_section() {
    let causes = variants(REFUSAL, "RefusalCause");
    assert!(causes.contains(&"CredentialScope"), "{causes:?}");
    for cause in causes {
        assert!(section(cause).len() > 50, "no section for {cause}");
        let link = format!("[`{cause}`](#{})", cause.to_lowercase());
        assert!(GUIDE.contains(&link), "the codes do not lead to {cause}");
    }
}

/// What the guide says of a message is what the crate makes of it.
#[test]
fn every_message_leads_to_its_cause() {
    let rows = between(GUIDE, "\n## Words of AWS\n", "\n## ").lines();
    let rows: Vec<_> = rows.filter(|line| line.starts_with("| `")).collect();
    assert!(rows.len() > 20, "only {} rows", rows.len());
    for row in rows {
        let [words, codes, cause] = row.trim_matches('|').split(" | ").collect::<Vec<_>>()[..]
        else {
            unreachable!("{row}");
        };
        let message = between(words, "`", "`");
        for code in codes.split(", ").map(|code| code.trim().trim_matches('`')) {
            let mut headers = HeaderMap::new();
            headers.insert("x-amzn-errortype", code.parse().unwrap());
            let body = format!(r#"{{"message":"{message}."}}"#);
            let refusal = AwsRefusal::read(StatusCode::FORBIDDEN, &headers, body.as_bytes());
            let found = refusal.map(|refusal| format!("{:?}", refusal.cause()));
            assert_eq!(found.as_deref(), Some(between(cause, "[`", "`]")), "{row}");
        }
    }
}

#[test]
fn every_code_that_is_known_is_in_the_index() {
    let index = between(GUIDE, "\n## Codes of AWS\n", "\n### ");
    let causes = between(REFUSAL, "fn of_code(", "_ => Self::Request");
    let recovery = between(RECOVERY, "fn of(name: &str)", "_ => Self::Other");
    let of_causes = quoted(causes.split_once("{\n").map_or("", |(_, body)| body));
    let of_causes = of_causes.into_iter().filter(|code| *code != "Exception");
    let codes: Vec<_> = of_causes.chain(quoted(recovery)).collect();
    assert!(codes.len() > 50, "{codes:?}");
    for code in codes {
        assert!(index.contains(&format!("`{code}`")), "no row for {code}");
    }
}
