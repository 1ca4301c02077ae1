//! How many crates each feature costs, as `which-crate.md` says it.

use std::collections::BTreeSet;
use std::process::Command;

use crate::page::Page;
use crate::page::root;

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn have_as_many_crates_as_the_guide_says() {
    let page = Page::read("docs/which-crate.md");
    let mut wrong = Vec::new();
    for package in ["sigv4-core", "sigv4-tower", "sigv4-reqwest"] {
        let (_, section) = page.text.split_once(&format!("### {package}\n")).unwrap();
        let section = section.split("\n#").next().unwrap();
        let rows: Vec<_> = section.lines().filter_map(row).collect();
        let described: BTreeSet<_> = rows.iter().map(|(feature, _)| feature.clone()).collect();
        assert_eq!(described, features(package), "{package}");
        for (feature, said) in rows {
            let counted = crates(package, &feature);
            if said != counted {
                wrong.push(format!("{package} {feature}: {counted}, and not {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn have_the_features_that_the_readmes_of_the_crates_say() {
    for package in ["sigv4-core", "sigv4-tower", "sigv4-reqwest"] {
        let page = Page::read(format!("{package}/README.md"));
        let (_, table) = page.text.split_once("\n| feature |").unwrap();
        let rows = table.split("\n\n").next().unwrap().lines().skip(2);
        let mut said: BTreeSet<_> = rows
            .map(|row| row.split('`').nth(1).unwrap().to_owned())
            .collect();
        said.insert("none".to_owned());
        assert_eq!(said, features(package), "{package}");
    }
}

/// Returns the feature and the number of a row of a table; the feature `none` is no feature.
fn row(line: &str) -> Option<(String, usize)> {
    let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [feature, _, crates] = cells[..] else {
        return None;
    };
    let feature = feature.split(' ').next()?.trim_matches('`');
    Some((feature.to_owned(), crates.parse().ok()?))
}

fn features(package: &str) -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
    let (_, features) = manifest.split_once("[features]\n").unwrap();
    let features = features.split("\n[").next().unwrap();
    let names = features
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name);
    let mut names: BTreeSet<_> = names.map(str::to_owned).collect();
    names.remove("default");
    names.insert("none".to_owned());
    names
}

/// Counts what cargo compiles for a package beside itself.
fn crates(package: &str, feature: &str) -> usize {
    let mut command = Command::new(env!("CARGO"));
    // Not offline: who has only built the tests lacks the crates of features that they do not use.
    command.current_dir(root()).args([
        "tree",
        "--locked",
        "--package",
        package,
        "--no-default-features",
        "--edges=normal,build",
        "--prefix=none",
        "--format={p}",
    ]);
    if feature != "none" {
        command.args(["--features", feature]);
    }
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let crates: BTreeSet<_> = lines
        .lines()
        .filter_map(|line| line.split(" (").next())
        .filter(|line| !line.is_empty())
        .collect();
    crates.len() - 1
}
