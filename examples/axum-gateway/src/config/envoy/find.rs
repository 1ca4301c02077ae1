//! Finds the filter in a configuration of Envoy.

use super::super::node::Node;

/// A message `AwsRequestSigning`, and what stands around it.
pub(super) struct Found<'a> {
    pub(super) message: &'a Node,
    /// How the statistics of a route are called.
    pub(super) stat_prefix: Option<&'a str>,
    /// The path that the route around it takes.
    pub(super) path: Option<&'a str>,
}

/// Returns the messages, in the order of the document.
pub(super) fn filters(root: &Node) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    // Without a type around it, the fields say what it is.
    if let Some(message) = field(root, "aws_request_signing") {
        found.push(Found {
            message,
            stat_prefix: field(root, "stat_prefix").and_then(Node::text),
            path: None,
        });
    } else if type_of(root).is_none() && field(root, "service_name").is_some() {
        found.push(Found {
            message: root,
            stat_prefix: None,
            path: None,
        });
    } else {
        search(root, None, &mut found);
    }
    found
}

fn search<'a>(node: &'a Node, path: Option<&'a str>, found: &mut Vec<Found<'a>>) {
    match type_of(node) {
        Some("AwsRequestSigning") => found.push(Found {
            message: node,
            stat_prefix: None,
            path,
        }),
        Some("AwsRequestSigningPerRoute") => found.push(Found {
            message: field(node, "aws_request_signing").unwrap_or(node),
            stat_prefix: field(node, "stat_prefix").and_then(Node::text),
            path,
        }),
        _ => {
            let own = field(node, "match").and_then(|matches| {
                let names = ["prefix", "path", "path_separated_prefix"];
                names.iter().find_map(|name| field(matches, name)?.text())
            });
            let path = own.or(path);
            node.items()
                .iter()
                .for_each(|item| search(item, path, found));
            let fields = node.fields().iter();
            fields.for_each(|(_, value)| search(value, path, found));
        }
    }
}

/// Returns the last part of `@type`.
fn type_of(node: &Node) -> Option<&str> {
    let name = node.get("@type")?.text()?;
    let is_ours = name.contains(".aws_request_signing.");
    name.rsplit('.').next().filter(|_| is_ours)
}

/// Returns a field by its name in the protocol or in JSON: `service_name` or `serviceName`.
pub(super) fn field<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    node.get(name).or_else(|| node.get(&camel(name)))
}

pub(super) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut text, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        text.push_str(&head.to_ascii_uppercase());
        text.push_str(tail);
        text
    })
}
