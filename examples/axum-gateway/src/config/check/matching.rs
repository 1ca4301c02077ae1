//! Which requests a route takes, and which route goes first.

use std::cmp::Reverse;

use http::Method;
use sigv4_tower::BrowserGuard;
use sigv4_tower::UpstreamLayer;

use super::hosts;
use super::is_host;
use crate::config::Listener;
use crate::config::Match;
use crate::config::Route;
use crate::config::errors::Faults;
use crate::config::file;
use crate::config::node::Path;

/// Returns the name of a route: the one it has, or one made of what it takes.
pub(super) fn name(route: &file::Route) -> String {
    if let Some(name) = &route.name {
        return name.clone();
    }
    let path = route.matches.path.as_deref().unwrap_or("/");
    let path = path.split('/').filter(|segment| !segment.is_empty());
    let methods = route.matches.methods.iter().map(String::as_str);
    let hosts = route.matches.hosts.iter().map(String::as_str);
    let parts: Vec<&str> = hosts.chain(path).chain(methods).collect();
    if parts.is_empty() {
        return "all".to_owned();
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name = parts.join("-");
    name.chars()
        .map(|c| {
            if allowed(c) {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(64)
        .collect()
}

pub(super) fn matches(written: &file::Match, path: &Path, faults: &mut Faults) -> Match {
    let prefix = written.path.as_deref().unwrap_or("/");
    // What the upstream's layer would refuse in a path could be matched by no request.
    let below_a_host = UpstreamLayer::new(&format!("https://host{prefix}"));
    if !prefix.starts_with('/') || prefix.contains('%') || below_a_host.is_err() {
        let rule = "must be a path such as `/bedrock`, without escapes (`%2F`), dot segments, \
                    empty segments and a query";
        let field = if written.is_text {
            path.clone()
        } else {
            path.field("path")
        };
        faults.add(field, rule);
    }
    let methods = written.methods.iter().enumerate();
    let methods = methods.filter_map(|(index, text)| {
        let path = path.field("methods").item(index);
        let method = Method::from_bytes(text.as_bytes()).ok();
        match method.filter(|method| method.as_str() == text.to_ascii_uppercase()) {
            None => faults.add(
                path,
                "must be the name of a method in capitals, such as `GET`",
            ),
            Some(Method::TRACE | Method::CONNECT) => {
                faults.add(path, "is never forwarded; leave it out");
            }
            Some(method) => return Some(method),
        }
        None
    });
    let methods = methods.collect();
    Match {
        path: match prefix.trim_end_matches('/') {
            "" => "/".to_owned(),
            prefix => prefix.to_owned(),
        },
        methods,
        hosts: hosts(&written.hosts, &path.field("hosts"), faults),
    }
}

/// Puts a route that says a host before those that say none, a longer path before a shorter one, and
/// one that says a method before those that say none.
pub(super) fn most_specific_first(mut routes: Vec<Route>) -> Vec<Route> {
    routes.sort_by_key(|route| rank(&route.matches));
    routes
}

fn rank(matches: &Match) -> (bool, Reverse<usize>, bool) {
    (
        matches.hosts.is_empty(),
        Reverse(matches.path.len()),
        matches.methods.is_empty(),
    )
}

/// Finds requests that two routes of one rank take: of these the second would get none. A route is
/// never hidden by one of another rank, which takes less, or has a path that is not around its own.
pub(super) fn check_overlaps(routes: &[(Path, String, Match)], faults: &mut Faults) {
    for (index, (path, _, matches)) in routes.iter().enumerate() {
        let others = routes[..index].iter();
        let mut same = others.filter(|(_, _, other)| {
            rank(other) == rank(matches)
                && other.path == matches.path
                && share(&other.hosts, &matches.hosts)
                && share(&other.methods, &matches.methods)
        });
        if let Some((_, name, _)) = same.next() {
            let message = format!(
                "takes requests that the route `{name}` takes, so that it never gets them; give \
                 the two other paths, methods or hosts"
            );
            faults.add(path.field("match"), message);
        }
    }
}

fn share<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    (one.is_empty() && other.is_empty()) || one.iter().any(|item| other.contains(item))
}

/// Finds hosts that no listener takes requests for. Those of callers with a key are taken for all.
pub(super) fn check_hosts(
    routes: &[(Path, String, Match)],
    listeners: &[Listener],
    has_callers: bool,
    faults: &mut Faults,
) {
    if has_callers {
        return;
    }
    let names = listeners.iter().flat_map(|listener| &listener.hosts);
    // What is no host has been said.
    let names = names.filter(|name| is_host(name));
    let guard = BrowserGuard::new().allow_hosts(names).unwrap_or_default();
    for (path, _, matches) in routes {
        for (index, host) in matches.hosts.iter().enumerate() {
            if is_host(host) && !guard.knows(host) {
                let path = path.field("match.hosts").item(index);
                let remedy = "is a name under which no listener takes requests; add it to the \
                              `hosts` of one";
                faults.add(path, remedy);
            }
        }
    }
}
