//! Test cases that the SDKs share, from the packages that ship them.

use std::env;
use std::fs;
use std::process::Command;

use serde_json::Value;

/// Reads a file out of the folder `test-data` of the package `aws-runtime`.
///
/// The workspace depends on it through `aws-config`, in its tests.
pub(super) fn read(file: &str) -> Value {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let metadata = |arguments: &[&str]| {
        Command::new(&cargo)
            .args(["metadata", "--format-version", "1", "--manifest-path"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
            .args(arguments)
            .output()
            .unwrap()
    };
    // Offline first: the package was fetched when this was built.
    let mut output = metadata(&["--offline"]);
    if !output.status.success() {
        output = metadata(&[]);
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == "aws-runtime");
    let manifest = package.unwrap()["manifest_path"].as_str().unwrap();
    let path = std::path::Path::new(manifest)
        .with_file_name("test-data")
        .join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap()
}
