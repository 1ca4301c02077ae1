//! Where the credentials of routes come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Request;
use serde::Deserialize;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::HttpFuture;
use sigv4_core::runtime::HttpSend;
use sigv4_core::runtime::Providers;

use super::label;
use super::reasons;
use crate::config::Credentials;
use crate::config::errors::Faults;
use crate::config::node::Node;
use crate::config::node::Path;
use crate::config::node::Value;

/// The name of the credentials of a route that names none.
const DEFAULT: &str = "default";

/// All sources of credentials, by their names.
pub(super) struct Sources {
    sources: BTreeMap<String, Source>,
}

struct Source {
    /// `None`, if it cannot be used; that has been said.
    credentials: Option<Credentials>,
    is_used: bool,
}

impl Sources {
    /// Begins with those that have a name.
    pub(super) fn new(written: &BTreeMap<String, Node>, path: &Path, faults: &mut Faults) -> Self {
        let mut all = Self {
            sources: BTreeMap::new(),
        };
        for (name, node) in written {
            let path = path.key(name);
            label(name, path.clone(), faults);
            all.add(name, node, &path, faults);
        }
        if !written.contains_key(DEFAULT) {
            let node = Node::table([("type", DEFAULT.into())]);
            all.add(DEFAULT, &node, path, faults);
        }
        all
    }

    /// Returns the name of the credentials of a route: what it names, or else what stands in it,
    /// which gets the route's name.
    pub(super) fn of_route(
        &mut self,
        route: &str,
        written: Option<&Node>,
        path: &Path,
        faults: &mut Faults,
    ) -> Arc<str> {
        match written.map(|node| (node, &node.value)) {
            None => self.use_named(DEFAULT, path, faults),
            Some((_, Value::Text(name))) => self.use_named(name, path, faults),
            Some((node, _)) => {
                if self.sources.contains_key(route) {
                    let message = format!(
                        "would be called `{route}` as the route is, which others are already; give \
                         the route another name"
                    );
                    faults.add(path.clone(), message);
                } else {
                    self.add(route, node, path, faults);
                }
                self.use_named(route, path, faults)
            }
        }
    }

    /// Returns those that routes use.
    pub(super) fn used(self) -> Vec<Credentials> {
        let used = self.sources.into_values().filter(|source| source.is_used);
        used.filter_map(|source| source.credentials).collect()
    }

    fn use_named(&mut self, name: &str, path: &Path, faults: &mut Faults) -> Arc<str> {
        match self.sources.get_mut(name) {
            Some(source) => source.is_used = true,
            // The name may be a secret that was put here by mistake.
            None => faults.add(
                path.clone(),
                "names credentials that are not in `credentials`; add them there, or write a table \
                 with `type` here",
            ),
        }
        name.into()
    }

    fn add(&mut self, name: &str, node: &Node, path: &Path, faults: &mut Faults) {
        let credentials = source(node, path, faults).map(|source| Credentials {
            name: name.into(),
            source,
            fingerprint: node.digest(),
        });
        let source = Source {
            credentials,
            is_used: false,
        };
        self.sources.insert(name.to_owned(), source);
    }
}

fn source(node: &Node, path: &Path, faults: &mut Faults) -> Option<CredentialSource> {
    let source = match CredentialSource::deserialize(node) {
        Ok(source) => source,
        Err(error) => {
            let (way, message) = error.into_parts();
            faults.add(Path([path.0.clone(), way.0].concat()), message);
            return None;
        }
    };
    // The provider is made again where it is served from, with a client that reaches somebody.
    match source.load(&Providers::light(Nowhere)) {
        Ok(_) => Some(source),
        Err(error) => {
            faults.add(path.field(error.field()), reasons(&error));
            None
        }
    }
}

/// Sends nothing: making a provider asks nobody.
#[derive(Debug)]
struct Nowhere;

impl HttpSend for Nowhere {
    fn send(&self, _: Request<bytes::Bytes>) -> HttpFuture<'_> {
        Box::pin(async { Err("a configuration is checked without asking anybody".into()) })
    }
}
