//! Who may call.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::HeaderName;
use http::HeaderValue;
use http::header;
use sigv4_core::runtime::SecretText;

use super::check_guessing;
use super::check_unique;
use super::is_host;
use super::label;
use super::matching;
use super::reasons;
use crate::config::Caller;
use crate::config::CallerKey;
use crate::config::Secret;
use crate::config::errors::Faults;
use crate::config::file;
use crate::config::file::File;
use crate::config::node::Path;

pub(super) fn callers(written: &[file::Caller], path: &Path, faults: &mut Faults) -> Vec<Caller> {
    let names = written.iter().enumerate();
    let names = names.map(|(index, caller)| (&*caller.name, path.item(index).field("name")));
    check_unique(names, "a caller", faults);
    let each = written.iter().enumerate();
    let callers = each.filter_map(|(index, written)| {
        let path = path.item(index);
        let name = label(&written.name, path.field("name"), faults);
        let routes = written.routes.as_ref().map(|routes| {
            if routes.is_empty() {
                let remedy = "is empty, so that it may use none; leave it out for all";
                faults.add(path.field("routes"), remedy);
            }
            routes
                .iter()
                .map(|route| Arc::from(route.as_str()))
                .collect()
        });
        let key = key(written, &path, faults)?;
        Some((path, Caller { name, key, routes }))
    });
    let callers: Vec<(Path, Caller)> = callers.collect();
    check_keys(&callers, faults);
    callers.into_iter().map(|(_, caller)| caller).collect()
}

fn key(written: &file::Caller, path: &Path, faults: &mut Faults) -> Option<CallerKey> {
    match (&written.bearer, &written.header, &written.certificate) {
        (Some(bearer), None, None) => {
            secret(bearer, &path.field("bearer"), faults).map(CallerKey::Bearer)
        }
        (None, Some(header), None) => {
            let name = key_header(&header.name, &path.field("header.name"), faults);
            let value = secret(&header.value, &path.field("header.value"), faults);
            Some(CallerKey::Header {
                name: name?,
                value: value?,
            })
        }
        (None, None, Some(name)) => {
            let path = path.field("certificate");
            if !is_host(name) {
                faults.add(
                    path,
                    "must be the DNS name in the certificate of the caller",
                );
                return None;
            }
            Some(CallerKey::Certificate {
                dns_name: name.to_ascii_lowercase(),
            })
        }
        (None, None, None) => {
            let remedy = "has no key; give it one of `bearer`, `header` and `certificate`";
            faults.add(path.clone(), remedy);
            None
        }
        _ => {
            let remedy = "has several keys; write one caller for each";
            faults.add(path.clone(), remedy);
            None
        }
    }
}

/// Reads what a caller has to send.
fn secret(text: &SecretText, path: &Path, faults: &mut Faults) -> Option<Secret> {
    let text = match text.read("value") {
        Ok(text) => text,
        Err(error) => {
            faults.add(path.clone(), reasons(&error));
            return None;
        }
    };
    if !check_guessing(&text, path, faults) {
        return None;
    }
    let is_sent_as_it_is = HeaderValue::from_str(&text).is_ok() && text.trim() == text;
    if !is_sent_as_it_is || !text.is_ascii() {
        let rule = "cannot be sent in a header; it must be visible ASCII, without blanks around it";
        faults.add(path.clone(), rule);
        return None;
    }
    Some(Secret::new(text))
}

fn key_header(name: &str, path: &Path, faults: &mut Faults) -> Option<HeaderName> {
    let Ok(header) = HeaderName::try_from(name) else {
        faults.add(path.clone(), "must be the name of a header");
        return None;
    };
    if header == header::AUTHORIZATION {
        let remedy = "is not for keys of other kinds; use `bearer`, which is sent in this header";
        faults.add(path.clone(), remedy);
        return None;
    }
    const TAKEN: [HeaderName; 6] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::HOST,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    if TAKEN.contains(&header) {
        faults.add(
            path.clone(),
            "is a header that HTTP itself needs; take another",
        );
        return None;
    }
    Some(header)
}

/// Two callers with one key could not be told apart.
fn check_keys(callers: &[(Path, Caller)], faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for (path, caller) in callers {
        let (kind, value) = match &caller.key {
            CallerKey::Bearer(secret) => ("bearer", secret.expose()),
            CallerKey::Header { name, value } => (name.as_str(), value.expose()),
            CallerKey::Certificate { dns_name } => ("certificate", dns_name.as_str()),
        };
        if !seen.insert((kind, value)) {
            let message = "has the same key as a caller before; give each its own";
            faults.add(path.clone(), message);
        }
    }
}

/// Callers may use routes that there are.
pub(super) fn check_routes(file: &File, path: &Path, faults: &mut Faults) {
    let names: BTreeSet<String> = file.routes.iter().map(matching::name).collect();
    for (index, caller) in file.callers.iter().enumerate() {
        let path = path.field("callers").item(index).field("routes");
        for (index, route) in caller.routes.iter().flatten().enumerate() {
            if !names.contains(route) {
                let known: Vec<&str> = names.iter().map(String::as_str).collect();
                let message = format!("there is no such route; there are: {}", known.join(", "));
                faults.add(path.item(index), message);
            }
        }
    }
}

/// A caller with a certificate needs a listener that asks for one.
pub(super) fn check_certificates(file: &File, path: &Path, faults: &mut Faults) {
    let listeners = file.listeners.iter().flatten();
    let mut tls = listeners.filter_map(|listener| listener.tls.as_ref());
    if tls.any(|tls| tls.client_ca.is_some()) {
        return;
    }
    for (index, caller) in file.callers.iter().enumerate() {
        if caller.certificate.is_some() {
            let path = path.field("callers").item(index).field("certificate");
            let remedy = "is asked for by no listener; add `client_ca` to the `tls` of one";
            faults.add(path, remedy);
        }
    }
}
