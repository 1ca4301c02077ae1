//! Where requests go.

use std::collections::BTreeSet;
use std::time::Duration;

use http::HeaderMap;
use http::HeaderValue;
use http::Uri;
use http::header;
use sigv4_core::runtime::HostScope;
use sigv4_tower::UpstreamConfigError;
use sigv4_tower::UpstreamLayer;

use super::check_unique;
use super::credentials::Sources;
use super::duration;
use super::label;
use super::listeners;
use super::matching;
use super::signing::Signing;
use crate::config::Match;
use crate::config::Protocol;
use crate::config::Route;
use crate::config::Timeouts;
use crate::config::errors::Faults;
use crate::config::file;
use crate::config::file::File;
use crate::config::file::TrailingSlash;
use crate::config::node::Node;
use crate::config::node::Path;
use crate::config::units::ShowSize;
use crate::config::units::ShowTime;
use crate::config::units::Size;

/// 10 MiB, as the libraries have it.
const DEFAULT_BODY_LIMIT: Size = Size(10 * 1024 * 1024);

/// The settings of a route, for people.
pub(super) type Described = Vec<(&'static str, String)>;

pub(super) fn routes(
    file: &File,
    root: &Node,
    path: &Path,
    sources: &mut Sources,
    faults: &mut Faults,
) -> Vec<Route> {
    let path = path.field("routes");
    if file.routes.is_empty() {
        faults.add(
            path.clone(),
            "is empty, so that nothing is forwarded; list at least one route",
        );
    }
    let written: Vec<(Path, String, &file::Route)> = file
        .routes
        .iter()
        .enumerate()
        .map(|(index, route)| (path.item(index), matching::name(route), route))
        .collect();
    let names = written
        .iter()
        .map(|(path, name, _)| (&**name, path.field("name")));
    check_unique(names, "a route", faults);

    let matches: Vec<(Path, String, Match)> = written
        .iter()
        .map(|(path, name, route)| {
            let matches = matching::matches(&route.matches, &path.field("match"), faults);
            (path.clone(), name.clone(), matches)
        })
        .collect();
    matching::check_overlaps(&matches, faults);
    // Those that cannot be listened on have been said.
    let listeners = listeners::listeners(file, &Path::default(), &mut Faults::default());
    matching::check_hosts(&matches, &listeners, !file.callers.is_empty(), faults);

    let nodes = root.get("routes").map_or(&[][..], Node::items);
    let each = written.into_iter().zip(matches).zip(nodes);
    each.filter_map(|(((path, name, written), (_, _, matches)), node)| {
        let place = Place {
            written,
            node,
            path,
        };
        place.route(&name, matches, sources, faults)
    })
    .collect()
}

/// A route as it is written, and where.
pub(super) struct Place<'a> {
    pub(super) written: &'a file::Route,
    pub(super) node: &'a Node,
    pub(super) path: Path,
}

impl Place<'_> {
    fn route(
        &self,
        name: &str,
        matches: Match,
        sources: &mut Sources,
        faults: &mut Faults,
    ) -> Option<Route> {
        let written = self.written;
        let label = label(name, self.path.field("name"), faults);
        let mut described = Described::new();
        // All parts are looked at, whatever is wrong with one of them.
        let upstream = self.upstream(&matches, &mut described, faults);
        let signing = Signing::new(self, name, sources, &mut described, faults);
        let timeouts = timeouts(&written.timeouts, &self.path.field("timeouts"), faults);
        let body_limit = self.body_limit(faults);
        described.push(("body_limit", ShowSize(body_limit).to_string()));
        let shown = format!(
            "connect {}, answer {}, idle {}, upload {}",
            ShowTime(timeouts.connect),
            ShowTime(timeouts.answer),
            ShowTime(timeouts.idle),
            ShowTime(timeouts.upload)
        );
        described.push(("timeouts", shown));

        let (mut upstream, signing) = (upstream?, signing?);
        if written
            .empty_segments
            .unwrap_or_else(|| !signing.signer.rules().normalizes_path())
        {
            upstream.layer = upstream.layer.allow_empty_segments();
            described.push(("empty_segments", "pass".to_owned()));
        } else {
            described.push(("empty_segments", "refused".to_owned()));
        }
        if signing.follows_client {
            upstream.layer = upstream.layer.follow_client_payload();
        }
        Some(Route {
            name: label,
            matches,
            upstream: written.upstream.clone()?,
            layer: upstream.layer,
            scope: upstream.scope,
            signer: signing.signer,
            payload: signing.payload,
            body_limit,
            in_query: signing.in_query,
            credentials: signing.credentials,
            timeouts,
            protocol: upstream.protocol,
            described,
        })
    }

    fn upstream(
        &self,
        matches: &Match,
        described: &mut Described,
        faults: &mut Faults,
    ) -> Option<Upstream> {
        let Some(upstream) = &self.written.upstream else {
            let remedy = "is missing; say where the requests go, such as \
                          `https://bedrock-runtime.us-east-1.amazonaws.com`";
            faults.add(self.path.field("upstream"), remedy);
            return None;
        };
        let layer = UpstreamLayer::new(upstream);
        let layer = self.taken("upstream", layer, faults)?;
        described.push(("upstream", upstream.clone()));
        let dialled = layer.authority().to_owned();
        let host = self.written.host.as_deref();
        let layer = match host {
            Some(host) => self.taken("host", layer.host(host), faults)?,
            None => layer,
        };
        let host = host.filter(|host| !host.eq_ignore_ascii_case(&dialled));
        let shown = host.map_or_else(|| as_sent(upstream, &dialled), str::to_owned);
        described.push(("host", shown));
        let scope = self.scope(&layer, upstream, faults)?;
        let protocol = self.protocol(host.is_some(), described, faults);
        let layer = self.directed(layer, matches, described, faults)?;
        let layer = self.cleaned(layer, described, faults)?;
        Some(Upstream {
            layer,
            scope,
            protocol,
        })
    }

    /// Plain http beyond loopback is never signed for; that is to be known at once.
    fn scope(
        &self,
        layer: &UpstreamLayer,
        upstream: &str,
        faults: &mut Faults,
    ) -> Option<HostScope> {
        let path = self.path.field("upstream");
        let mut scope = layer.host_scope();
        if self.written.danger_allow_http {
            scope = scope.danger_allow_http();
        }
        let uri: Uri = upstream.parse().ok()?;
        let mut headers = HeaderMap::new();
        if let Some(host) = &self.written.host {
            headers.insert(header::HOST, HeaderValue::from_str(host).ok()?);
        }
        match scope.check(&uri, &headers) {
            Ok(()) => Some(scope),
            Err(_) if uri.scheme_str() == Some("http") => {
                let message = "is plain http to a host that is not loopback: whoever is on the way \
                               could use the signatures; use https, or say `danger_allow_http: true` \
                               where something else protects the way";
                faults.add(path, message);
                None
            }
            Err(error) => faults.refuse(path, &error),
        }
    }

    fn protocol(
        &self,
        has_other_host: bool,
        described: &mut Described,
        faults: &mut Faults,
    ) -> Protocol {
        let written = self.written.protocol.map(|protocol| match protocol {
            file::Protocol::Negotiated => Protocol::Negotiated,
            file::Protocol::Http1 => Protocol::Http1,
            file::Protocol::Http2 => Protocol::Http2,
        });
        let protocol = match written {
            None if has_other_host => Protocol::Http1,
            None => Protocol::Negotiated,
            Some(protocol) => protocol,
        };
        if has_other_host && protocol != Protocol::Http1 {
            let message = "must be `http1` where `host` is another than that of `upstream`: HTTP/2 \
                           would send the latter, too; say so, or leave it out";
            faults.add(self.path.field("protocol"), message);
        }
        let shown = match (protocol, written) {
            (Protocol::Http1, None) => "http1, since `host` is another than that of `upstream`",
            (Protocol::Http1, _) => "http1",
            (Protocol::Http2, _) => "http2",
            (Protocol::Negotiated, _) => "negotiated",
        };
        described.push(("protocol", shown.to_owned()));
        protocol
    }

    /// Decides the path that is sent.
    fn directed(
        &self,
        mut layer: UpstreamLayer,
        matches: &Match,
        described: &mut Described,
        faults: &mut Faults,
    ) -> Option<UpstreamLayer> {
        let strips = self.written.strip_prefix.unwrap_or(true) && matches.path != "/";
        if strips {
            layer = layer.strip_path_prefix(&matches.path);
        }
        let mut shown = match (&self.written.path, strips) {
            (Some(path), _) => format!("always {path}"),
            (None, true) => format!("the client's without {}", matches.path),
            (None, false) => "the client's".to_owned(),
        };
        if let Some(path) = &self.written.path {
            if self.written.strip_prefix.is_some() {
                let remedy = "has no meaning beside `path`, which replaces all of the client's; \
                              leave it out";
                faults.add(self.path.field("strip_prefix"), remedy);
            }
            layer = self.taken("path", layer.path(path), faults)?;
        }
        if self.written.trailing_slash == TrailingSlash::Add {
            layer = layer.ensure_trailing_slash();
            shown.push_str(", with a slash at its end");
        }
        described.push(("path", shown));
        Some(layer)
    }

    /// Decides which headers and parameters get through.
    fn cleaned(
        &self,
        mut layer: UpstreamLayer,
        described: &mut Described,
        faults: &mut Faults,
    ) -> Option<UpstreamLayer> {
        let headers = &self.written.headers;
        let query = &self.written.query;
        for (field, names) in [
            ("headers.allow", &headers.allow),
            ("query.allow", &query.allow),
        ] {
            for (index, name) in names.iter().enumerate() {
                if !may_be_of_aws(name) {
                    let remedy = "has no effect: it lets names pass that begin with `x-amz-` or \
                                  `x-amzn-`, and all others pass without it; leave it out";
                    faults.add(self.path.field(field).item(index), remedy);
                }
            }
        }
        layer = layer
            .allow_amz_headers(&headers.allow)
            .allow_amz_parameters(&query.allow);
        layer = self.taken(
            "headers.remove",
            layer.remove_headers(&headers.remove),
            faults,
        )?;
        let mut set = BTreeSet::new();
        for (name, value) in &headers.set {
            let path = self.path.field("headers.set").key(name);
            if !set.insert(name.to_ascii_lowercase()) {
                let message = "stands here twice, since case makes no difference; leave one";
                faults.add(path, message);
                return None;
            }
            let value = match value.read("value") {
                Ok(value) => value,
                Err(error) => return faults.refuse(path, &error),
            };
            layer = match layer.set_header(name, &value) {
                Ok(layer) => layer,
                Err(error) => return faults.refuse(path, &error),
            };
        }
        let removed = layer.remove_answer_headers(&headers.remove_from_answer);
        layer = self.taken("headers.remove_from_answer", removed, faults)?;
        let set: Vec<String> = set.into_iter().collect();
        for (name, list) in [
            ("headers.allow", headers.allow.join(", ")),
            ("headers.remove", headers.remove.join(", ")),
            // Their values may be keys.
            ("headers.set", set.join(", ")),
            (
                "headers.remove_from_answer",
                headers.remove_from_answer.join(", "),
            ),
            ("query.allow", query.allow.join(", ")),
        ] {
            let shown = if list.is_empty() {
                "none".to_owned()
            } else {
                list
            };
            described.push((name, shown));
        }
        Some(layer)
    }

    fn body_limit(&self, faults: &mut Faults) -> u64 {
        let Size(limit) = self.written.body_limit.unwrap_or(DEFAULT_BODY_LIMIT);
        if limit == 0 {
            let remedy =
                "is 0, so that no body could be hashed; say up to how many bytes one is held";
            faults.add(self.path.field("body_limit"), remedy);
        }
        limit
    }

    /// Takes what a library made of a field, or gives its error the place of that.
    fn taken(
        &self,
        field: &str,
        made: Result<UpstreamLayer, UpstreamConfigError>,
        faults: &mut Faults,
    ) -> Option<UpstreamLayer> {
        match made {
            Ok(layer) => Some(layer),
            Err(error) => faults.refuse(self.path.field(field), &error),
        }
    }
}

/// Returns the host and port as they are sent.
fn as_sent(upstream: &str, authority: &str) -> String {
    let is_plain = upstream.to_ascii_lowercase().starts_with("http:");
    let port = if is_plain { ":80" } else { ":443" };
    let host = authority.strip_suffix(port).unwrap_or(authority);
    host.to_ascii_lowercase()
}

/// What becomes of a request on the way to its upstream.
struct Upstream {
    layer: UpstreamLayer,
    scope: HostScope,
    protocol: Protocol,
}

/// Tells whether a name, or one that ends in `*`, is of those that are removed unless they are allowed.
fn may_be_of_aws(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["x-amz-", "x-amzn-"].into_iter().any(|start| {
        let is_wide = |prefix: &str| start.starts_with(prefix);
        name.starts_with(start) || name.strip_suffix('*').is_some_and(is_wide)
    })
}

fn timeouts(timeouts: &file::Timeouts, path: &Path, faults: &mut Faults) -> Timeouts {
    let mut time = |name, time, default| {
        duration(time, Duration::from_secs(default), path.field(name), faults)
    };
    Timeouts {
        connect: time("connect", timeouts.connect, 5),
        answer: time("answer", timeouts.answer, 300),
        idle: time("idle", timeouts.idle, 300),
        upload: time("upload", timeouts.upload, 3600),
    }
}
