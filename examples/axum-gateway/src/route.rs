//! Which route takes a request.

use http::HeaderValue;
use http::Method;
use percent_encoding::percent_decode_str;

use crate::config::Match;

/// What was found for a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// The route with this index.
    Route(usize),
    /// Routes of this path and host, but none of this method: those that there are.
    OtherMethods(Vec<Method>),
    /// Nothing.
    Nothing,
    /// The path leads to another route when it is read as other servers read it: with its escapes
    /// decoded, or `//` as `/`.
    Ambiguous,
}

/// Finds the first route that takes a request: whole segments of the path, as they are written.
///
/// Signers and servers decode what is escaped, so that `/%6bms` may be `/kms` to the upstream. Were
/// it another route here, a caller could go around the routes that it may use: such a path leads
/// nowhere. Dot segments are not looked for here, since every route refuses them.
pub fn find<'a, M>(matches: &M, method: &Method, host: Option<&str>, path: &str) -> Found
where
    M: Iterator<Item = &'a Match> + Clone,
{
    let found = first(matches.clone(), method, host, path);
    let leads_elsewhere = |path: &str| first(matches.clone(), method, host, path) != found;
    let collapsed_leads_elsewhere =
        |path: &str| path.contains("//") && leads_elsewhere(&collapse(path));
    if collapsed_leads_elsewhere(path) {
        return Found::Ambiguous;
    }
    if path.contains('%') {
        // The paths of routes have no escapes, so that it does not matter which these are.
        let decoded = percent_decode_str(path).decode_utf8_lossy();
        if leads_elsewhere(&decoded) || collapsed_leads_elsewhere(&decoded) {
            return Found::Ambiguous;
        }
    }
    found
}

fn first<'a>(
    matches: impl Iterator<Item = &'a Match>,
    method: &Method,
    host: Option<&str>,
    path: &str,
) -> Found {
    let mut others = Vec::new();
    for (index, route) in matches.enumerate() {
        if !is_below(path, &route.path) || !is_for(host, &route.hosts) {
            continue;
        }
        if route.methods.is_empty() || route.methods.contains(method) {
            return Found::Route(index);
        }
        others.extend(route.methods.iter().cloned());
    }
    if others.is_empty() {
        return Found::Nothing;
    }
    others.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    others.dedup();
    Found::OtherMethods(others)
}

/// Tells whether a path is this one or below it.
fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_for(host: Option<&str>, hosts: &[String]) -> bool {
    hosts.is_empty()
        || host.is_some_and(|host| hosts.iter().any(|own| own.eq_ignore_ascii_case(host)))
}

fn collapse(path: &str) -> String {
    let mut collapsed = String::with_capacity(path.len());
    for octet in path.chars() {
        if octet != '/' || !collapsed.ends_with('/') {
            collapsed.push(octet);
        }
    }
    collapsed
}

/// Returns the methods as the header `Allow` lists them.
#[must_use]
pub fn allow(methods: &[Method]) -> Option<HeaderValue> {
    let names: Vec<_> = methods.iter().map(Method::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<Match> {
        let route = |path: &str, methods: &[Method], hosts: &[&str]| Match {
            path: path.to_owned(),
            methods: methods.to_vec(),
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        };
        vec![
            route("/kms", &[Method::POST], &["keys.internal"]),
            route("/bedrock/agent", &[], &[]),
            route("/bedrock", &[Method::GET, Method::POST], &[]),
            route("/only", &[Method::GET], &[]),
            route("/only", &[Method::PUT, Method::GET], &[]),
            route("/", &[], &["s3.internal"]),
        ]
    }

    #[test]
    fn finds_the_first_that_takes_a_request() {
        use Found::Ambiguous;
        use Found::Nothing;
        use Found::Route;
        let other = |methods: &[Method]| Found::OtherMethods(methods.to_vec());
        for (method, host, path, expected) in [
            (Method::POST, "keys.internal", "/kms", Route(0)),
            (Method::POST, "KEYS.internal", "/kms/", Route(0)),
            (
                Method::GET,
                "keys.internal",
                "/kms/",
                other(&[Method::POST]),
            ),
            (Method::POST, "localhost", "/kms", Nothing),
            (Method::GET, "localhost", "/bedrock", Route(2)),
            (Method::GET, "localhost", "/bedrock/agents", Route(2)),
            (Method::DELETE, "localhost", "/bedrock/agent", Route(1)),
            (Method::DELETE, "localhost", "/bedrock/agent/x", Route(1)),
            (Method::GET, "localhost", "/bedrockx", Nothing),
            (Method::GET, "localhost", "/Bedrock", Nothing),
            (Method::GET, "localhost", "/%62edrock", Ambiguous),
            (Method::GET, "localhost", "/bedrock%2Fagent", Ambiguous),
            (Method::GET, "localhost", "/bedrock/%61gent", Ambiguous),
            (Method::GET, "localhost", "/bedrock%2fagents", Ambiguous),
            (Method::GET, "localhost", "/bedrock/a%3Ab%2Fc%zz%", Route(2)),
            (Method::GET, "localhost", "/bedrock/%2561gent", Route(2)),
            (Method::GET, "localhost", "/bedrock/%2Fagent", Ambiguous),
            (Method::GET, "localhost", "/bedrock%ff", Nothing),
            (Method::POST, "keys.internal", "/k%6Ds", Ambiguous),
            (Method::POST, "localhost", "/k%6Ds", Nothing),
            (Method::GET, "s3.internal", "/k%6Ds", Route(5)),
            (Method::GET, "s3.internal", "/%62edrock/x", Ambiguous),
            (Method::PUT, "localhost", "/%6Fnly", Ambiguous),
            (
                Method::DELETE,
                "localhost",
                "/only",
                other(&[Method::GET, Method::PUT]),
            ),
            (Method::DELETE, "s3.internal", "/only", Route(5)),
            (Method::GET, "s3.internal", "/key//x", Route(5)),
            (Method::GET, "s3.internal", "//key", Route(5)),
            (Method::GET, "s3.internal", "//bedrock/x", Ambiguous),
            (Method::GET, "localhost", "/bedrock//agent", Ambiguous),
            (Method::GET, "localhost", "/bedrock//x", Route(2)),
            (Method::GET, "localhost", "*", Nothing),
            (Method::GET, "localhost", "", Nothing),
        ] {
            let found = find(&table().iter(), &method, Some(host), path);
            assert_eq!(found, expected, "{method} {host} {path}");
        }
        let nameless = find(&table().iter(), &Method::GET, None, "/x");
        assert_eq!(nameless, Nothing);
    }
}
