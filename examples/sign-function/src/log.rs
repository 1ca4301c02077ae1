//! One line on standard error for each request: who, what for, and how it went.
//!
//! Never in it: keys, signatures, paths, queries, headers, bodies.

use std::error::Error;
use std::fmt;
use std::fmt::Write as _;
use std::io;
use std::io::Write as _;

use crate::request::SignRequest;

/// What is told of a request.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    caller: Option<String>,
    service: Option<String>,
    region: Option<String>,
    host: Option<String>,
    method: Option<String>,
    at_fault: Option<String>,
    status: u16,
}

impl Entry {
    pub(crate) fn caller(&mut self, name: &str) {
        self.caller = Some(name.to_owned());
    }

    /// Takes note of what is to be signed.
    pub(crate) fn request(&mut self, request: &SignRequest) {
        self.service = Some(request.service.clone());
        self.region = Some(request.region.clone());
        self.method = Some(request.method.clone());
        self.host = host(&request.url).map(str::to_owned);
    }

    /// Tells whether nothing is known of the outcome.
    pub(crate) const fn is_open(&self) -> bool {
        self.status == 0
    }

    pub(crate) fn outcome(&mut self, status: u16, field: Option<&str>) {
        self.status = status;
        self.at_fault = field.map(str::to_owned);
    }
}

/// Writes a line. Whoever read the log may be gone, and requests are answered all the same.
pub(crate) fn write(entry: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "sign-function: {entry}");
}

/// Says why there are no credentials. None of these errors holds one.
pub(crate) fn outage(error: &dyn Error) {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    let text = text.replace(char::is_control, " ");
    write(format_args!("no credentials: {text}"));
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status={}", self.status)?;
        for (name, value) in [
            ("caller", &self.caller),
            ("service", &self.service),
            ("region", &self.region),
            ("method", &self.method),
            ("host", &self.host),
            ("field", &self.at_fault),
        ] {
            if let Some(value) = value {
                write!(f, " {name}=")?;
                write_plain(f, value)?;
            }
        }
        Ok(())
    }
}

/// Writes what a caller has sent so that it is one word of a line.
fn write_plain(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:*[],".contains(c);
    for c in value.chars().take(LONGEST) {
        f.write_char(if plain(c) { c } else { '?' })?;
    }
    Ok(())
}

/// Returns the host of a URL, without a user before it.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    authority.rsplit('@').next()
}

const LONGEST: usize = 128;
