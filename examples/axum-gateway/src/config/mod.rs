//! What the gateway is to do, checked as a whole before anything of it is done.
//!
//! What is written becomes a tree of values with their places (`node`), then types with the fields
//! of the file (`file`), then, by `check`, a [`Config`]: values of the libraries, ready to be put
//! together. Whatever is wrong is said there, with the line and the field.

#![expect(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "it is the program's own, and nobody else depends on it"
)]

mod check;
mod de;
pub mod envoy;
mod errors;
mod file;
mod flags;
mod flex;
mod node;
mod print;
#[cfg(test)]
mod tests;
mod units;
mod warnings;

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::Method;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::HostScope;
use sigv4_tower::UpstreamLayer;
use zeroize::Zeroizing;

pub use self::errors::ConfigErrors;
pub use self::errors::Located;
use self::node::Node;
pub use self::warnings::Warning;

/// A configuration that has been checked.
#[derive(Debug)]
pub struct Config {
    /// Where clients come in; at least one.
    pub listeners: Vec<Listener>,
    /// Where health checks, metrics and the status page are, if anywhere.
    pub admin: Option<Admin>,
    /// Who may call. Where there is none, only loopback and Unix sockets may be listened on.
    pub callers: Vec<Caller>,
    /// The credentials that routes use, each once.
    pub credentials: Vec<Credentials>,
    /// The routes, the most specific first.
    pub routes: Vec<Route>,
    /// Bounds for the program as a whole.
    pub limits: Limits,
    /// What is logged.
    pub log: Log,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// All that is wrong with it; of what is not even YAML, or not of its type, the first.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let name = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &name),
            Err(error) => {
                let message = format!("cannot be read: {error}");
                Err(ConfigErrors::one(&name, None, message))
            }
        }
    }

    /// Checks a configuration in YAML. `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigErrors> {
        let root = Node::parse(text).map_err(|error| ConfigErrors::syntax(name, &error))?;
        Self::of(&root, name)
    }

    /// Checks a configuration.
    fn of(root: &Node, name: &str) -> Result<Self, ConfigErrors> {
        check::config(root, name)
    }
}

/// A place to accept connections.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Where.
    pub address: Address,
    /// With which certificate.
    pub tls: Option<Tls>,
    /// Under which names, besides those of loopback, requests without a caller's key are taken.
    pub hosts: Vec<String>,
    /// Whether requests without a caller's key are taken, although there are callers. Only on
    /// loopback and Unix sockets.
    pub anonymous: bool,
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A TCP port.
    Tcp(SocketAddr),
    /// A Unix socket, with the permissions of its file.
    Unix {
        /// The file.
        path: PathBuf,
        /// Its mode; 0600 unless said otherwise.
        mode: u32,
    },
}

/// The files of a TLS listener; they are read again on a reload.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
    /// Who signs the certificates of clients; they are asked for one then, and it is needed unless
    /// the caller has another key.
    pub client_ca: Option<PathBuf>,
}

/// The listener for operators.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Where.
    pub address: Address,
    /// The bearer token, needed anywhere but on loopback and Unix sockets.
    pub token: Option<Secret>,
    /// Under which names it may be asked, besides those of loopback.
    pub hosts: Vec<String>,
}

/// Somebody who may call.
#[derive(Clone, Debug)]
pub struct Caller {
    /// For logs and metrics.
    pub name: Arc<str>,
    /// How it proves that.
    pub key: CallerKey,
    /// The names of the routes it may use; all, if it is `None`.
    pub routes: Option<Vec<Arc<str>>>,
}

/// What a caller has to show.
#[derive(Clone, Debug)]
pub enum CallerKey {
    /// `Authorization: Bearer …`
    Bearer(Secret),
    /// A header of its own, as API Management sends.
    Header {
        /// Its name.
        name: HeaderName,
        /// Its value.
        value: Secret,
    },
    /// A client certificate with this DNS name, signed by the listener's `client_ca`.
    Certificate {
        /// The name.
        dns_name: String,
    },
}

/// A value that is never printed, and is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Makes one. Empty values are refused where they are read.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(value.into())))
    }

    /// Returns it, to be compared.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("** redacted **")
    }
}

/// Where credentials come from, under a name: routes that share it share one cache.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name; that of the route, where they stand in it.
    pub name: Arc<str>,
    /// From where.
    pub source: CredentialSource,
    /// Says whether two of them are the same, so that a reload keeps the cache: a digest of what
    /// was written.
    pub fingerprint: [u8; 32],
}

/// Requests that go to one upstream, signed in one way.
#[derive(Clone, Debug)]
pub struct Route {
    /// For logs, metrics and callers.
    pub name: Arc<str>,
    /// Which requests.
    pub matches: Match,
    /// Where to, for people: scheme, authority and path.
    pub upstream: String,
    /// What becomes of a request on the way there.
    pub layer: UpstreamLayer,
    /// What is signed for.
    pub scope: HostScope,
    /// How it is signed.
    pub signer: Signer,
    /// How bodies are covered.
    pub payload: PayloadMode,
    /// Up to how many bytes a body is held to be hashed.
    pub body_limit: u64,
    /// How long a signature in the URL holds; in headers, if it is `None`.
    pub in_query: Option<Duration>,
    /// The name of its credentials.
    pub credentials: Arc<str>,
    /// How long it waits.
    pub timeouts: Timeouts,
    /// How the upstream is spoken to.
    pub protocol: Protocol,
    /// What it was made of, for people: each setting with its value, defaults too. No secrets.
    pub described: Vec<(&'static str, String)>,
}

/// Which requests a route takes: those to which all of it applies.
#[derive(Clone, Debug)]
pub struct Match {
    /// The path, or one that the request's path is below: whole segments. `/` is every path.
    pub path: String,
    /// The methods; all, if there are none.
    pub methods: Vec<Method>,
    /// The hosts that the client named, in lower case and without a port; all, if there are none.
    pub hosts: Vec<String>,
}

/// How long a route waits for its upstream.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From the last byte of the request that the upstream took to the head of its answer.
    pub answer: Duration,
    /// For the next bytes of a body, in either direction.
    pub idle: Duration,
    /// For the whole body of a request, as its client sends it.
    pub upload: Duration,
}

/// How an upstream is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// What TLS negotiates; HTTP/1.1 without TLS.
    Negotiated,
    /// HTTP/1.1 alone; needed where the Host header differs from the upstream's authority.
    Http1,
    /// HTTP/2 alone, also without TLS.
    Http2,
}

/// Bounds for the program as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many requests are worked on at once; the next gets 503.
    pub concurrency: usize,
    /// How many bytes of bodies are held at once to be hashed; a request that needs more gets 503.
    pub held_bytes: u64,
    /// How long a client may take to send the head of a request.
    pub head_timeout: Duration,
    /// How long a connection may do nothing between requests.
    pub keep_alive: Duration,
    /// How long connections are still taken after the program was told to end.
    pub drain_delay: Duration,
    /// How long requests may go on after that.
    pub drain: Duration,
}

/// What is logged.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    /// As JSON, or for people.
    pub json: bool,
    /// Which requests get a line.
    pub requests: LogRequests,
}

/// Which requests get a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRequests {
    /// All.
    All,
    /// Those that were not forwarded, and those that the upstream answered with an error of AWS.
    Refused,
    /// None.
    None,
}
