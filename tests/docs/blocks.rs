//! Each block of code on a page is one that something checks, and the rest is read here.

use axum_gateway::config::Config;
use axum_gateway::config::envoy;
use serde_json::Value;

use crate::page::Block;
use crate::page::Page;
use crate::page::pages;

/// A block in another language than these would be checked by nobody.
#[test]
fn are_in_languages_that_are_checked() {
    for page in pages() {
        for block in &page.blocks {
            let first = block.language.split(',').next().unwrap_or_default();
            let is_checked = match first {
                // By rustdoc, where the page is a part of a documentation.
                "" | "rust" | "no_run" => is_compiled(&page),
                // By the programs' own tests, which run them.
                "console" => page.name().starts_with("examples/"),
                // Here.
                "sh" | "toml" | "yaml" => true,
                // By the tests of the recipes, as far as a test can.
                "http" | "xml" | "python" => page.name().starts_with("docs/recipes/"),
                // Drawings, what is printed, and programs for other libraries.
                "text" => true,
                _ => false,
            };
            let name = page.name();
            assert!(is_checked, "{name}: `{first}`\n{}", block.text);
        }
    }
}

/// Tells whether rustdoc compiles the programs of a page.
fn is_compiled(page: &Page) -> bool {
    let name = page.name();
    let is_guide = name.starts_with("docs/") && name.matches('/').count() == 1;
    is_guide || name == "./README.md"
}

#[test]
fn of_yaml_are_what_a_program_reads() {
    let mut read = 0;
    for page in pages() {
        for Block { text, .. } in page.blocks.iter().filter(|block| block.language == "yaml") {
            let error = error_of(text);
            assert_eq!(error, None, "{}\n{text}", page.name());
            read += 1;
        }
    }
    assert!(read > 10, "only {read} blocks were found");
}

#[test]
fn of_yaml_that_are_wrong_are_found() {
    let route = "routes: [{ match: /, upstream: https://sqs.us-east-1.amazonaws.com, \
                 service: sqs, region: us-east-1 }]\n";
    assert_eq!(error_of(&format!("# gateway.yaml\n{route}")), None);
    for wrong in [
        format!("# gateway.yaml\nlistener: []\n{route}"),
        format!("# gateway.yaml\n{}", route.replace("service: sqs, ", "")),
        "# envoy.yaml\nname: another.filter\n".to_owned(),
        "containers:\n  - name: a\n args: []\n".to_owned(),
        "anything: else\n".to_owned(),
    ] {
        assert!(error_of(&wrong).is_some(), "{wrong}");
    }
}

/// Says what is wrong with a configuration, which is known by its first line.
fn error_of(text: &str) -> Option<String> {
    match text.lines().next().unwrap_or_default() {
        "# gateway.yaml" => {
            // Secrets are read with the file.
            let words = text.split_inclusive([' ', '\n', ',', '}']);
            let words = words.map(|word| match word.strip_prefix("env:") {
                Some(name) => {
                    let end = name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
                    format!("a-secret-of-this-test{end}")
                }
                None => word.to_owned(),
            });
            let parsed = Config::parse(&words.collect::<String>(), "gateway.yaml");
            parsed.err().map(|errors| errors.to_string())
        }
        // The second one is how the filter stands in a list of filters.
        "# envoy.yaml" | "name: envoy.filters.http.aws_request_signing" => {
            let upstream = Some("https://bucket.s3.us-west-2.amazonaws.com");
            let imported = envoy::import_text(text, "envoy.yaml", upstream);
            imported.err().map(|error| error.to_string())
        }
        // Parsed by the tests of sign-function.
        "# sign.yaml" => None,
        // A part of a manifest for Kubernetes.
        "containers:" => {
            let parsed: Result<Value, _> = serde_saphyr::from_str(text);
            parsed.err().map(|error| error.to_string())
        }
        other => Some(format!("no program reads what begins with {other}")),
    }
}
