//! Dependencies that readers copy: cargo resolves them, against the crates as they are here.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::page::pages;

#[test]
fn are_there_with_the_features_that_they_name() {
    let mut blocks = 0;
    for page in pages() {
        for block in page.blocks_in("toml") {
            blocks += 1;
            let resolved = resolve(block);
            assert_eq!(resolved, Ok(()), "{}\n{block}", page.name());
        }
    }
    assert!(blocks > 5, "only {blocks} blocks were found");
}

#[test]
fn that_are_not_there_are_found() {
    for (wrong, because) in [
        (
            "sigv4-core = { version = \"0.1\", features = [\"lite\"] }",
            "`lite`",
        ),
        ("sigv4-core = \"7\"", "^7"),
        ("sigv4-rewest = \"0.1\"", "sigv4-rewest"),
        (
            "tower = { version = \"0.5\", features = [\"utils\"] }",
            "`utils`",
        ),
        ("tower = 0.5", "expected"),
    ] {
        let error = resolve(wrong).expect_err(wrong);
        assert!(error.contains(because), "{wrong}: {error}");
    }
}

/// Has cargo choose the versions of all dependencies, out of those that are locked here.
fn resolve(block: &str) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let dependencies = block.replace("[dependencies]\n", "");
    let mut manifest = format!(
        "[workspace]\n\n[package]\nname = \"reader\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n{dependencies}\n[patch.crates-io]\n"
    );
    // Not made canonical: what Windows makes of it is no path to others.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for name in ["sigv4-core", "sigv4-tower", "sigv4-reqwest"] {
        let folder = root.join(name);
        if dependencies.contains(name) || name == "sigv4-core" {
            manifest += &format!("{name} = {{ path = {:?} }}\n", folder.display().to_string());
        }
    }
    fs::write(path.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("Cargo.lock"), path.join("Cargo.lock")).unwrap();
    fs::create_dir(path.join("src")).unwrap();
    fs::write(path.join("src/lib.rs"), "").unwrap();
    choose(path)
}

fn choose(folder: &Path) -> Result<(), String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(["tree", "--offline", "--quiet", "--depth=0"])
        .output()
        .unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
