//! What a configuration was understood to be, for `check-config`. No secrets.

use std::fmt;

use super::Address;
use super::Admin;
use super::Caller;
use super::CallerKey;
use super::Config;
use super::Credentials;
use super::Listener;
use super::LogRequests;
use super::Match;
use super::units::ShowSize;
use super::units::ShowTime;

/// Says what was understood: each setting with its value, defaults too.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for listener in &self.listeners {
            writeln!(f, "{listener}")?;
        }
        match &self.admin {
            Some(admin) => writeln!(f, "{admin}")?,
            None => writeln!(f, "admin: nowhere")?,
        }
        for caller in &self.callers {
            writeln!(f, "{caller}")?;
        }
        if self.callers.is_empty() {
            writeln!(f, "callers: whoever reaches a listener")?;
        }
        for credentials in &self.credentials {
            let Credentials { name, source, .. } = credentials;
            writeln!(f, "credentials {name}: {source}")?;
        }
        for route in &self.routes {
            writeln!(f, "route {}: {}", route.name, route.matches)?;
            for (name, value) in &route.described {
                writeln!(f, "  {name}: {value}")?;
            }
        }
        let limits = &self.limits;
        writeln!(
            f,
            "limits: concurrency {}, held_bytes {}, head_timeout {}, keep_alive {}, drain_delay {}, \
             drain {}",
            limits.concurrency,
            ShowSize(limits.held_bytes),
            ShowTime(limits.head_timeout),
            ShowTime(limits.keep_alive),
            ShowTime(limits.drain_delay),
            ShowTime(limits.drain)
        )?;
        let format = if self.log.json { "json" } else { "text" };
        let requests = match self.log.requests {
            LogRequests::All => "all",
            LogRequests::Refused => "refused",
            LogRequests::None => "none",
        };
        writeln!(f, "log: format {format}, requests {requests}")?;
        let mut warnings = self.warnings().into_iter();
        warnings.try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix { path, mode } => write!(f, "{} (mode {mode:04o})", path.display()),
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listener {}", self.address)?;
        if let Some(tls) = &self.tls {
            write!(f, ", TLS with {}", tls.certificate.display())?;
            if let Some(ca) = &tls.client_ca {
                write!(f, ", client certificates of {}", ca.display())?;
            }
        }
        let anonymous = if self.anonymous { "taken" } else { "refused" };
        write!(f, ", requests without a key {anonymous}, hosts: loopback")?;
        self.hosts.iter().try_for_each(|host| write!(f, ", {host}"))
    }
}

impl fmt::Display for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = if self.token.is_some() {
            "a token"
        } else {
            "no token"
        };
        write!(f, "admin {}, {token}, hosts: loopback", self.address)?;
        self.hosts.iter().try_for_each(|host| write!(f, ", {host}"))
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "caller {}: ", self.name)?;
        match &self.key {
            CallerKey::Bearer(_) => f.write_str("a bearer token")?,
            CallerKey::Header { name, .. } => write!(f, "a key in the header {name}")?,
            CallerKey::Certificate { dns_name } => write!(f, "a certificate of {dns_name}")?,
        }
        match &self.routes {
            Some(routes) => write!(f, ", routes: {}", routes.join(", ")),
            None => f.write_str(", all routes"),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_all = |list: Vec<&str>| match list.is_empty() {
            true => "all".to_owned(),
            false => list.join(", "),
        };
        let methods = self.methods.iter().map(http::Method::as_str).collect();
        let hosts = self.hosts.iter().map(String::as_str).collect();
        let (methods, hosts) = (or_all(methods), or_all(hosts));
        write!(f, "path {}, methods {methods}, hosts {hosts}", self.path)
    }
}
