//! Versions in the guides: those that this workspace is tested with.

use crate::page::guides;
use crate::page::root;

#[test]
fn are_those_of_the_workspace() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut found = 0;
    for page in guides() {
        for block in page.text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            // What somebody comes from has versions of its own.
            if !block.contains("\nsigv4-") {
                continue;
            }
            for line in block.lines().filter(|line| line.contains(" = ")) {
                let (name, version) = dependency(line);
                let known = manifest
                    .lines()
                    .find(|line| line.starts_with(&format!("{name} = ")))
                    .map(dependency);
                assert_eq!(known, Some((name, version)), "{}: {line}", page.name());
                found += 1;
            }
        }
    }
    assert!(found > 10, "only {found} dependencies were found");
}

/// Returns the name and the version of `name = "version"` or `name = { version = "version", .. }`.
fn dependency(line: &str) -> (&str, &str) {
    let (name, value) = line.split_once(" = ").unwrap();
    let version = value
        .split_once("version = ")
        .map_or(value, |(_, rest)| rest);
    (name, version.split('"').nth(1).unwrap())
}

#[test]
fn of_rust_are_those_of_the_workspace() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let line = manifest
        .lines()
        .find(|line| line.starts_with("rust-version = "))
        .unwrap();
    let (_, version) = dependency(line);
    let page = guides()
        .into_iter()
        .find(|page| page.path.ends_with("which-crate.md"))
        .unwrap();
    let text = format!("`rust-version` is {version} for all three");
    assert!(page.text.contains(&text), "{text}");
}
