//! Commands that readers copy: the packages, features, files and options that they name.
//!
//! The options of an example are held against its `--help` by its own test of its README.

use std::collections::BTreeMap;
use std::fs;

use axum_gateway::args::Args;
use clap::Parser;
use serde_json::Value;

use crate::page::Page;
use crate::page::examples;
use crate::page::pages;
use crate::page::root;

/// Returns the commands of a page: of a terminal too, and with lines that go on put together.
fn commands(page: &Page) -> Vec<String> {
    let mut commands = Vec::new();
    for text in page.blocks_in("sh").chain(page.blocks_in("console")) {
        let text = text.replace("\\\n> ", " ").replace("\\\n", " ");
        for line in text.lines() {
            let line = line
                .strip_prefix("$ ")
                .or_else(|| line.strip_prefix("> "))
                .unwrap_or(line);
            let line = line.split(" # ").next().unwrap_or_default();
            commands.extend(
                line.split(['|', ';', '&'])
                    .map(|part| part.trim().to_owned()),
            );
        }
    }
    commands
}

/// Returns the names and features of the packages here.
fn packages() -> BTreeMap<String, Vec<String>> {
    let mut folders = ["sigv4-core", "sigv4-tower", "sigv4-reqwest", "tests"]
        .map(str::to_owned)
        .to_vec();
    folders.extend(examples());
    let mut packages = BTreeMap::new();
    for folder in folders {
        let manifest = root().join(folder).join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        let name = manifest.split('"').nth(1).unwrap();
        let (_, features) = manifest.split_once("[features]\n").unwrap_or_default();
        let features = features.split("\n[").next().unwrap_or_default().lines();
        let features = features.filter_map(|line| line.split_once(" = "));
        let features = features.map(|(feature, _)| feature.to_owned()).collect();
        packages.insert(name.to_owned(), features);
    }
    packages
}

#[test]
fn of_cargo_name_packages_and_features_that_are_there() {
    let packages = packages();
    let mut found = 0;
    // Those two are workspaces of their own.
    let pages = pages().into_iter();
    let pages =
        pages.filter(|page| !page.path.starts_with("bench") && !page.path.starts_with("fuzz"));
    for page in pages {
        for command in commands(&page) {
            let words: Vec<_> = command.split_whitespace().collect();
            let fault = words.windows(2).find_map(|pair| match *pair {
                ["-p" | "--package", name] => {
                    found += 1;
                    (!packages.contains_key(name)).then(|| format!("no package {name}"))
                }
                ["--features", _] if !words.contains(&"-p") => Some("for no package".to_owned()),
                _ => None,
            });
            let fault = fault.or_else(|| missing_feature(&packages, &words));
            assert_eq!(fault, None, "{}: {command}", page.name());
        }
    }
    assert!(found > 40, "only {found} packages were found");
}

/// Also those that are named in the text, `--features a,b/c` behind a `-p PACKAGE`.
#[test]
fn have_features_that_are_there_in_the_text_too() {
    let packages = packages();
    let mut found = 0;
    for page in pages() {
        for part in page.text.split("`--features ").skip(1) {
            let (features, rest) = part.split_once('`').unwrap();
            let (_, rest) = rest.split_once("`-p ").unwrap();
            let package = rest.split('`').next().unwrap();
            let words = ["-p", package, "--features", features];
            assert_eq!(missing_feature(&packages, &words), None, "{}", page.name());
            found += 1;
        }
    }
    assert!(found > 0);
    let wrong = ["-p", "bedrock-chat", "--features", "sigv4-core/sso"];
    assert!(missing_feature(&packages, &wrong).is_some());
}

fn missing_feature(packages: &BTreeMap<String, Vec<String>>, words: &[&str]) -> Option<String> {
    let behind = |option: &str| {
        let place = words.iter().position(|word| *word == option)?;
        words.get(place + 1).copied()
    };
    let (package, features) = (behind("-p")?, behind("--features")?);
    features.split(',').find_map(|feature| {
        let (package, feature) = feature.split_once('/').unwrap_or((package, feature));
        let is_there = packages.get(package)?.iter().any(|known| known == feature);
        (!is_there).then(|| format!("{package} has no feature {feature}"))
    })
}

#[test]
fn of_the_gateway_have_options_that_it_takes() {
    let mut found = 0;
    for page in pages() {
        for command in commands(&page) {
            let command = command.split(" > ").next().unwrap_or_default();
            let words = command.split_whitespace();
            let words: Vec<_> = if command.starts_with("axum-gateway") {
                words.collect()
            } else if command.contains("cargo run") && command.contains("-p axum-gateway") {
                let options = words.skip_while(|word| *word != "--").skip(1);
                ["axum-gateway"].into_iter().chain(options).collect()
            } else {
                continue;
            };
            let parsed = Args::try_parse_from(words);
            let error = parsed.err().map(|error| error.to_string());
            assert_eq!(error, None, "{}: {command}", page.name());
            found += 1;
        }
    }
    assert!(found > 8, "only {found} commands were found");
}

#[test]
fn name_files_of_the_repository_that_are_there() {
    let mut found = 0;
    for page in pages() {
        for command in commands(&page) {
            for word in command.split_whitespace() {
                let word = word.trim_matches(['"', '\'']);
                if word.starts_with("examples/") || word.starts_with("scripts/") {
                    assert!(root().join(word).exists(), "{}: {word}", page.name());
                    found += 1;
                }
            }
        }
    }
    assert!(found > 4, "only {found} files were found");
}

/// What curl posts, `-d '...'`.
#[test]
fn post_json() {
    let mut found = 0;
    for page in pages() {
        for text in page.blocks_in("sh") {
            for part in text.split("-d '").skip(1) {
                let json = part.split('\'').next().unwrap_or_default();
                let parsed: Result<Value, _> = serde_json::from_str(json);
                assert!(parsed.is_ok(), "{}: {json}", page.name());
                found += 1;
            }
        }
    }
    assert!(found > 2, "only {found} bodies were found");
}
