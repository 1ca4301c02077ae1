//! From a configuration as it is written to one that can be served. Everything that is wrong is
//! collected, and said with its place and the remedy.
//!
//! What a library checks when its types are made is not checked here: its error gets the place.

mod callers;
mod credentials;
mod listeners;
mod matching;
mod routes;
mod signing;

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use sigv4_core::ConfigError;
use sigv4_core::PayloadMode;
use sigv4_tower::BrowserGuard;

use self::credentials::Sources;
use super::Config;
use super::ConfigErrors;
use super::Limits;
use super::Log;
use super::LogRequests;
use super::Route;
use super::errors::Faults;
use super::file;
use super::file::File;
use super::node::Node;
use super::node::Path;
use super::units::ShowSize;
use super::units::Size;
use super::units::Time;

/// Makes a configuration of what `root` says.
pub(super) fn config(root: &Node, name: &str) -> Result<Config, ConfigErrors> {
    let mut faults = Faults::default();
    let file = match File::deserialize(root) {
        Ok(file) => file,
        Err(error) => {
            let (path, message) = error.into_parts();
            faults.add(path, message);
            return Err(faults.located(root, name));
        }
    };
    let path = Path::default();
    let mut sources = Sources::new(&file.credentials, &path.field("credentials"), &mut faults);
    let listeners = listeners::listeners(&file, &path, &mut faults);
    let admin = listeners::admin(file.admin.as_ref(), &path.field("admin"), &mut faults);
    let callers = callers::callers(&file.callers, &path.field("callers"), &mut faults);
    let routes = routes::routes(&file, root, &path, &mut sources, &mut faults);
    callers::check_routes(&file, &path, &mut faults);
    callers::check_certificates(&file, &path, &mut faults);
    listeners::check_addresses(&listeners, admin.as_ref(), &path, &mut faults);
    let limits = limits(&file.limits, &path.field("limits"), &mut faults);
    check_room(&routes, &limits, &path.field("limits"), &mut faults);
    if !faults.is_empty() {
        return Err(faults.located(root, name));
    }
    Ok(Config {
        listeners,
        admin,
        callers,
        credentials: sources.used(),
        routes: matching::most_specific_first(routes),
        limits,
        log: log(&file.log),
    })
}

fn limits(limits: &file::Limits, path: &Path, faults: &mut Faults) -> Limits {
    let mut time = |name, time: Option<Time>, default| {
        duration(time, Duration::from_secs(default), path.field(name), faults)
    };
    let head_timeout = time("head_timeout", limits.head_timeout, 10);
    let keep_alive = time("keep_alive", limits.keep_alive, 75);
    let drain = time("drain", limits.drain, 30);
    let concurrency = usize::try_from(limits.concurrency.unwrap_or(1024)).unwrap_or(usize::MAX);
    if concurrency == 0 {
        let remedy = "is 0, so that every request would get 503; say how many there may be at once";
        faults.add(path.field("concurrency"), remedy);
    }
    let Size(held_bytes) = limits.held_bytes.unwrap_or(DEFAULT_HELD_BYTES);
    Limits {
        concurrency,
        held_bytes,
        head_timeout,
        keep_alive,
        drain_delay: limits.drain_delay.map_or(Duration::ZERO, |time| time.0),
        drain,
    }
}

const DEFAULT_HELD_BYTES: Size = Size(256 << 20);

/// Sees to it that there is room for the longest body that a route takes.
fn check_room(routes: &[Route], limits: &Limits, path: &Path, faults: &mut Faults) {
    let is_held = |route: &&Route| matches!(route.payload, PayloadMode::Hashed);
    let longest = routes.iter().filter(is_held).max_by_key(|it| it.body_limit);
    if let Some(route) = longest.filter(|route| route.body_limit > limits.held_bytes) {
        let remedy = format!(
            "is less than the `body_limit` of route `{}`, {}; raise it, or lower that",
            route.name,
            ShowSize(route.body_limit)
        );
        faults.add(path.field("held_bytes"), remedy);
    }
}

const fn log(log: &file::Log) -> Log {
    Log {
        json: matches!(log.format, file::LogFormat::Json),
        requests: match log.requests {
            file::LoggedRequests::All => LogRequests::All,
            file::LoggedRequests::Refused => LogRequests::Refused,
            file::LoggedRequests::None => LogRequests::None,
        },
    }
}

/// Reads a duration, which must not be nothing.
fn duration(time: Option<Time>, default: Duration, path: Path, faults: &mut Faults) -> Duration {
    let duration = time.map_or(default, |time| time.0);
    if duration.is_zero() {
        faults.add(path, "is 0; say how long, or leave it out");
    }
    duration
}

/// Reads the name of a caller, of a route or of credentials, which is a label of metrics.
fn label(name: &str, path: Path, faults: &mut Faults) -> Arc<str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) {
        faults.add(
            path,
            "must be a name of 1 to 64 letters, digits, `.`, `_` and `-`",
        );
    }
    name.into()
}

/// Tells whether a key or a token is long enough, and says so if not.
fn check_guessing(secret: &str, path: &Path, faults: &mut Faults) -> bool {
    if secret.is_empty() {
        faults.add(
            path.clone(),
            "is empty; give it a value that cannot be guessed",
        );
    } else if secret.chars().count() < SHORTEST_SECRET {
        let remedy = format!(
            "has fewer than {SHORTEST_SECRET} characters, which can be guessed; take random ones, \
             such as those of `openssl rand -hex 32`"
        );
        faults.add(path.clone(), remedy);
    } else {
        return true;
    }
    false
}

const SHORTEST_SECRET: usize = 16;

/// Says which names stand there before.
fn check_unique<'a>(names: impl Iterator<Item = (&'a str, Path)>, what: &str, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for (name, path) in names {
        if !seen.insert(name) {
            faults.add(
                path,
                format!("`{name}` is the name of {what} before; give it another"),
            );
        }
    }
}

/// Reads names of hosts, without ports.
fn hosts(hosts: &[String], path: &Path, faults: &mut Faults) -> Vec<String> {
    for (index, host) in hosts.iter().enumerate() {
        if !is_host(host) {
            faults.add(path.item(index), "must be a host without a port");
        }
    }
    hosts.iter().map(|host| host.to_ascii_lowercase()).collect()
}

/// Tells whether it is a host without a port.
fn is_host(text: &str) -> bool {
    BrowserGuard::new().allow_hosts([text]).is_ok()
}

/// What a library says of a value, with its causes. The field is named by its place.
fn reasons(error: &ConfigError) -> String {
    let mut reasons = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        reasons.push(error.to_string());
        next = error.source();
    }
    let text = reasons.join(": ");
    let prefix = format!("{}: ", error.field());
    text.strip_prefix(&prefix).unwrap_or(&text).to_owned()
}
