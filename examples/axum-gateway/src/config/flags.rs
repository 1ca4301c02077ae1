//! A configuration out of flags: what a file with one route would say.

use super::Config;
use super::ConfigErrors;
use super::node::Node;
use crate::args::Flags;

/// Where the value of a flag stands in the configuration. The longest that fits counts.
const FLAGS: [(&str, &str); 12] = [
    ("listeners", "--listen"),
    ("listeners[0].hosts", "--allow-host"),
    ("admin", "--admin"),
    ("admin.hosts", "--allow-host"),
    ("routes[0].match", "--strip-prefix"),
    ("routes[0].upstream", "--upstream"),
    ("routes[0].service", "--service"),
    ("routes[0].region", "--region"),
    ("routes[0].payload", "--unsigned-payload"),
    ("routes[0].headers", "--allow-amz-header"),
    ("routes[0].credentials", "--profile"),
    ("routes[0].credentials.role_arn", "--role-arn"),
];

impl Config {
    /// Checks what flags say.
    pub(crate) fn from_flags(flags: &Flags) -> Result<Self, ConfigErrors> {
        let text = |text: &Option<String>| Node::from(text.clone());
        let list = |items: &[String]| Node::list(items.iter().map(String::as_str));
        let admin = flags
            .admin
            .as_deref()
            .map(|address| Node::table([("tcp", address.into()), ("hosts", list(&flags.hosts))]));
        let headers = Node::table([("allow", list(&flags.allowed_headers))]);
        let payload = flags.unsigned_payload.then_some("unsigned");
        let route = Node::table([
            ("match", text(&flags.strip_prefix)),
            ("upstream", text(&flags.upstream)),
            ("service", text(&flags.service)),
            ("region", text(&flags.region)),
            ("payload", payload.into()),
            ("headers", headers),
            ("credentials", credentials(flags)),
        ]);
        let listener = Node::table([
            ("tcp", flags.listen.as_str().into()),
            ("hosts", list(&flags.hosts)),
        ]);
        let root = Node::table([
            ("listeners", Node::list([listener])),
            ("admin", admin.into()),
            ("routes", Node::list([route])),
        ]);
        Self::of(&root, "the command line").map_err(|mut errors| {
            errors.rename(flag);
            errors
        })
    }
}

/// The default chain, a profile, or a role that is assumed with one of these.
fn credentials(flags: &Flags) -> Node {
    let profile = flags
        .profile
        .as_deref()
        .map(|name| Node::table([("type", "profile".into()), ("name", name.into())]));
    match &flags.role_arn {
        None => profile.into(),
        Some(role) => Node::table([
            ("type", "assume_role".into()),
            ("role_arn", role.as_str().into()),
            ("source", profile.into()),
        ]),
    }
}

/// Returns the flag that a field came from.
fn flag(field: &str) -> Option<String> {
    let fits = FLAGS.iter().filter(|(path, _)| {
        let rest = field.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    });
    let (_, flag) = fits.max_by_key(|(path, _)| path.len())?;
    Some((*flag).to_owned())
}
