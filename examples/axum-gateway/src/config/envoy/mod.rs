//! Imports what Envoy's filter `aws_request_signing` is told, as far as it has a meaning here.

mod find;
mod translate;

use std::fs;
use std::path::Path;

use serde_saphyr::SerializeError;

use self::translate::Translation;
use super::ConfigErrors;
use super::node::Node;

/// What was imported.
#[derive(Debug)]
pub struct Imported {
    /// Our configuration, in YAML.
    pub yaml: String,
    /// What has no meaning here, or another one, and what is left to do.
    pub warnings: Vec<String>,
}

/// Imports the filters of a file: one route for each.
///
/// # Errors
///
/// When the file cannot be read, is not YAML, or has no such filter.
pub fn import(path: &Path, upstream: Option<&str>) -> Result<Imported, ConfigErrors> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|error| ConfigErrors::one(&name, None, format!("cannot be read: {error}")))?;
    import_text(&text, &name, upstream)
}

/// Imports the filters of a text in YAML or JSON. `name` is what errors call it.
///
/// # Errors
///
/// When it is not YAML, or has no such filter.
pub fn import_text(
    text: &str,
    name: &str,
    upstream: Option<&str>,
) -> Result<Imported, ConfigErrors> {
    let root = Node::parse(text).map_err(|error| ConfigErrors::syntax(name, &error))?;
    let found = find::filters(&root);
    if found.is_empty() {
        let message = "has no `AwsRequestSigning`: neither a message with `service_name`, nor one \
                       that its `@type` says it is";
        return Err(ConfigErrors::one(name, None, message));
    }
    let mut translation = Translation::new(upstream, found.len() > 1);
    let routes: Vec<Node> = found.iter().map(|found| translation.route(found)).collect();
    let config = Node::table([("routes", Node::list(routes))]);
    let yaml = serde_saphyr::to_string(&config).map_err(|error: SerializeError| {
        ConfigErrors::one(name, None, format!("cannot be written as YAML: {error}"))
    })?;
    Ok(Imported {
        yaml,
        warnings: translation.warnings,
    })
}
