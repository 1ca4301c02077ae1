//! From Envoy's message to a route of ours.

use super::super::flex::ENVOY_EXCLUDES;
use super::super::node::Node;
use super::find::Found;
use super::find::camel;
use super::find::field;

/// What is being imported.
pub(super) struct Translation<'a> {
    upstream: Option<&'a str>,
    are_several: bool,
    routes: usize,
    inline_keys: usize,
    pub(super) warnings: Vec<String>,
}

const FIELDS: [&str; 10] = [
    "@type",
    "service_name",
    "region",
    "host_rewrite",
    "use_unsigned_payload",
    "match_excluded_headers",
    "match_included_headers",
    "signing_algorithm",
    "query_string",
    "credential_provider",
];
const PROVIDERS: [&str; 10] = [
    "inline_credential",
    "environment_credential_provider",
    "credentials_file_provider",
    "assume_role_credential_provider",
    "iam_roles_anywhere_credential_provider",
    "assume_role_with_web_identity_provider",
    "container_credential_provider",
    "instance_profile_credential_provider",
    "config_credential_provider",
    "custom_credential_provider_chain",
];

impl<'a> Translation<'a> {
    pub(super) const fn new(upstream: Option<&'a str>, are_several: bool) -> Self {
        Self {
            upstream,
            are_several,
            routes: 0,
            inline_keys: 0,
            warnings: Vec::new(),
        }
    }

    /// Makes a route of a filter.
    pub(super) fn route(&mut self, found: &Found<'_>) -> Node {
        self.routes += 1;
        let message = found.message;
        self.check_fields(message, "", &FIELDS);
        let host = text(message, "host_rewrite");
        let algorithm = text(message, "signing_algorithm");
        let is_sigv4a = algorithm.is_some_and(|name| name.ends_with("SIGV4A"));
        let region = text(message, "region").unwrap_or_else(|| {
            self.warn("region is not said; it is that of the environment variable AWS_REGION then");
            "env:AWS_REGION"
        });
        let (name, path) = self.name_and_path(found);
        let upstream = self.upstream(host);
        let other_host = host.filter(|host| upstream != format!("https://{host}"));
        let unsigned = bool(message, "use_unsigned_payload").then_some("unsigned");
        Node::table([
            ("name", name.into()),
            ("match", path.into()),
            ("upstream", upstream.into()),
            ("host", other_host.into()),
            ("strip_prefix", Node::from(false)),
            ("service", text(message, "service_name").into()),
            (
                if is_sigv4a { "region_set" } else { "region" },
                region.into(),
            ),
            ("payload", unsigned.into()),
            ("headers", self.headers(message)),
            ("placement", self.placement(message)),
            ("credentials", self.credentials(message)),
        ])
    }

    fn warn(&mut self, warning: impl AsRef<str>) {
        let warning = warning.as_ref();
        self.warnings.push(if self.are_several {
            format!("filter {}: {warning}", self.routes)
        } else {
            warning.to_owned()
        });
    }

    /// Says which fields have no meaning here.
    fn check_fields(&mut self, node: &Node, around: &str, known: &[&str]) {
        for (key, _) in node.fields() {
            let is_known = |name: &&str| *name == key.name || camel(name) == key.name;
            if !known.iter().any(is_known) {
                self.warn(format!(
                    "{around}{} has no meaning here; it is left out",
                    key.name
                ));
            }
        }
    }

    fn name_and_path(&mut self, found: &Found<'_>) -> (Option<String>, String) {
        if let Some(path) = found.path {
            return (found.stat_prefix.map(str::to_owned), path.to_owned());
        }
        if self.routes == 1 {
            return (found.stat_prefix.map(str::to_owned), "/".to_owned());
        }
        let path = format!("/route-{}", self.routes);
        self.warn(format!(
            "which requests it takes is not said; `match` is {path}, change that"
        ));
        (found.stat_prefix.map(str::to_owned), path)
    }

    fn upstream(&mut self, host: Option<&str>) -> String {
        match (self.upstream, host) {
            (Some(upstream), _) => upstream.trim_end_matches('/').to_owned(),
            (None, Some(host)) => format!("https://{host}"),
            (None, None) => {
                self.warn(
                    "where the requests go is said in a cluster of Envoy; set `upstream`, or give \
                     --upstream",
                );
                "https://SET-UPSTREAM.invalid".to_owned()
            }
        }
    }

    /// Envoy signs all headers but some, or, where it is told which, these alone.
    fn headers(&mut self, message: &Node) -> Node {
        let included = self.patterns(message, "match_included_headers");
        let excluded = self.patterns(message, "match_excluded_headers");
        if !included.is_empty() {
            self.warn(
                "match_included_headers is `headers.include`; content-type, content-md5 and every \
                 x-amz-* are signed beside these",
            );
            if !excluded.is_empty() {
                self.warn(
                    "match_excluded_headers is left out: match_included_headers wins in Envoy",
                );
            }
            return Node::table([("include", Node::list(included))]);
        }
        self.warn(
            "x-amz-* and x-amzn-* headers of clients are removed here, except those in \
             `headers.allow`; Envoy signs and forwards them",
        );
        let defaults = ENVOY_EXCLUDES.into_iter().map(Node::from);
        let excluded = defaults.chain(excluded);
        Node::table([("sign", "all".into()), ("exclude", Node::list(excluded))])
    }

    fn patterns(&mut self, message: &Node, name: &str) -> Vec<Node> {
        let matchers = field(message, name).map_or(&[][..], Node::items);
        let mut patterns = Vec::new();
        for matcher in matchers {
            let simple = ["exact", "prefix", "suffix", "contains"]
                .into_iter()
                .find_map(|kind| {
                    let text = text(matcher, kind)?;
                    Some(Node::table([(kind, text.into())]))
                });
            let regex = field(matcher, "safe_regex").and_then(|regex| text(regex, "regex"));
            let regex = regex.map(|regex| Node::table([("regex", regex.into())]));
            match simple.or(regex) {
                Some(pattern) => patterns.push(pattern),
                None => self.warn(format!(
                    "a matcher of {name} is of a kind that is not known here; it is left out"
                )),
            }
        }
        patterns
    }

    fn placement(&mut self, message: &Node) -> Node {
        let Some(query) = field(message, "query_string") else {
            return Node::nothing();
        };
        let seconds = text(query, "expiration_time").and_then(|time| time.strip_suffix('s'));
        let whole = seconds.and_then(|seconds| seconds.split('.').next()?.parse::<u64>().ok());
        let expires = match whole {
            Some(seconds) => seconds.max(1),
            None => 5,
        };
        self.warn(
            "query_string: X-Amz-* parameters of a client are replaced here; Envoy leaves them \
             beside its own",
        );
        let expires = Node::table([("expires_in", format!("{expires}s").into())]);
        Node::table([("query", expires)])
    }

    fn credentials(&mut self, message: &Node) -> Node {
        let Some(provider) = field(message, "credential_provider") else {
            return Node::nothing();
        };
        self.provider(provider)
    }

    /// Envoy asks them in this order; where the chain is not a custom one, all others as well.
    fn provider(&mut self, provider: &Node) -> Node {
        self.check_fields(provider, "credential_provider.", &PROVIDERS);
        if let Some(inline) = field(provider, "inline_credential") {
            return self.inline(inline);
        }
        for (name, reason) in [
            (
                "iam_roles_anywhere_credential_provider",
                "is not available here; it is left out",
            ),
            (
                "config_credential_provider",
                "is used by no part of Envoy; it is left out",
            ),
        ] {
            if field(provider, name).is_some() {
                self.warn(format!("credential_provider.{name} {reason}"));
            }
        }
        let plain = |name: &str| Node::table([("type", name.into())]);
        let mut sources = Vec::new();
        if field(provider, "environment_credential_provider").is_some() {
            sources.push(plain("environment"));
        }
        if let Some(file) = field(provider, "credentials_file_provider") {
            sources.push(self.file(file));
        }
        if let Some(role) = field(provider, "assume_role_credential_provider") {
            sources.push(self.role(role));
        }
        if let Some(identity) = field(provider, "assume_role_with_web_identity_provider") {
            sources.push(self.web_identity(identity));
        }
        if field(provider, "container_credential_provider").is_some() {
            sources.push(plain("container"));
        }
        if field(provider, "instance_profile_credential_provider").is_some() {
            sources.push(plain("instance_metadata"));
        }
        let is_custom = bool(provider, "custom_credential_provider_chain");
        if sources.is_empty() {
            return Node::nothing();
        }
        if !is_custom {
            self.warn(
                "credential_provider: without custom_credential_provider_chain Envoy asks the \
                 others of its chain, too; here the default chain comes last",
            );
            sources.push(plain("default"));
        }
        if sources.len() == 1 {
            return sources.remove(0);
        }
        Node::table([("type", "chain".into()), ("sources", Node::list(sources))])
    }

    /// Keys are not copied: what is printed may end up in a repository.
    fn inline(&mut self, inline: &Node) -> Node {
        self.inline_keys += 1;
        if self.inline_keys == 1 {
            self.warn(
                "inline_credential: the keys are not copied; put them into the environment as \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN)",
            );
            return Node::table([("type", "environment".into())]);
        }
        let prefix = format!("ROUTE_{}_", self.routes);
        self.warn(format!(
            "inline_credential: the keys are not copied; put them into the environment as \
             {prefix}ACCESS_KEY_ID and {prefix}SECRET_ACCESS_KEY (and {prefix}SESSION_TOKEN)"
        ));
        let variable = |name: &str| Node::from(format!("env:{prefix}{name}"));
        let token = field(inline, "session_token").map(|_| variable("SESSION_TOKEN"));
        Node::table([
            ("type", "static".into()),
            ("access_key_id", variable("ACCESS_KEY_ID")),
            ("secret_access_key", variable("SECRET_ACCESS_KEY")),
            ("session_token", token.into()),
        ])
    }

    fn file(&mut self, provider: &Node) -> Node {
        let known = ["credentials_data_source", "profile"];
        self.check_fields(provider, "credentials_file_provider.", &known);
        let file = self.data_source(provider, "credentials_data_source");
        Node::table([
            ("type", "profile".into()),
            ("name", text(provider, "profile").into()),
            ("credentials_file", file.into()),
        ])
    }

    fn role(&mut self, provider: &Node) -> Node {
        let known = [
            "role_arn",
            "role_session_name",
            "external_id",
            "session_duration",
            "credential_provider",
        ];
        self.check_fields(provider, "assume_role_credential_provider.", &known);
        let seconds = text(provider, "session_duration").and_then(|time| time.strip_suffix('s'));
        let seconds = seconds.and_then(|seconds| seconds.split('.').next()?.parse::<u64>().ok());
        let source = field(provider, "credential_provider").map(|inner| self.provider(inner));
        Node::table([
            ("type", "assume_role".into()),
            ("role_arn", text(provider, "role_arn").into()),
            ("session_name", text(provider, "role_session_name").into()),
            ("external_id", text(provider, "external_id").into()),
            ("duration_seconds", seconds.into()),
            ("source", source.into()),
        ])
    }

    fn web_identity(&mut self, provider: &Node) -> Node {
        let known = [
            "web_identity_token_data_source",
            "role_arn",
            "role_session_name",
        ];
        self.check_fields(provider, "assume_role_with_web_identity_provider.", &known);
        let file = self.data_source(provider, "web_identity_token_data_source");
        Node::table([
            ("type", "web_identity".into()),
            ("token_file", file.into()),
            ("role_arn", text(provider, "role_arn").into()),
            ("session_name", text(provider, "role_session_name").into()),
        ])
    }

    /// Returns the file that data come out of.
    fn data_source(&mut self, provider: &Node, name: &str) -> Option<String> {
        let source = field(provider, name)?;
        if field(source, "watched_directory").is_some() {
            self.warn(format!(
                "{name}.watched_directory: files are looked at again every minute"
            ));
        }
        let file = text(source, "filename");
        if file.is_none() {
            self.warn(format!(
                "{name} is not a file; it is not copied, name the file here"
            ));
        }
        file.map(str::to_owned)
    }
}

fn text<'a>(node: &'a Node, name: &str) -> Option<&'a str> {
    field(node, name)?.text().filter(|text| !text.is_empty())
}

fn bool(node: &Node, name: &str) -> bool {
    field(node, name).is_some_and(Node::is_true)
}
