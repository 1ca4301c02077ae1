//! Where clients and operators come in.

use std::net::SocketAddr;
use std::path::Path as FilePath;
use std::path::PathBuf;

use super::check_guessing;
use super::hosts;
use super::reasons;
use crate::config::Address;
use crate::config::Admin;
use crate::config::Listener;
use crate::config::Secret;
use crate::config::Tls;
use crate::config::errors::Faults;
use crate::config::file;
use crate::config::file::File;
use crate::config::node::Path;

/// Where there are none.
const DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
/// Its owner alone.
const DEFAULT_MODE: u32 = 0o600;

pub(super) fn listeners(file: &File, path: &Path, faults: &mut Faults) -> Vec<Listener> {
    let path = path.field("listeners");
    let has_callers = !file.callers.is_empty();
    let Some(written) = &file.listeners else {
        return vec![Listener {
            address: Address::Tcp(DEFAULT),
            tls: None,
            hosts: Vec::new(),
            anonymous: !has_callers,
        }];
    };
    if written.is_empty() {
        faults.add(
            path.clone(),
            "is empty; list one, or leave it out for 127.0.0.1:8080",
        );
    }
    let each = written.iter().enumerate();
    each.filter_map(|(index, written)| listener(written, has_callers, &path.item(index), faults))
        .collect()
}

fn listener(
    written: &file::Listener,
    has_callers: bool,
    path: &Path,
    faults: &mut Faults,
) -> Option<Listener> {
    let anonymous = written.anonymous.unwrap_or(!has_callers);
    if !anonymous && !has_callers {
        let message = "is false, but there are no `callers`, so that nobody could call; add some";
        faults.add(path.field("anonymous"), message);
    }
    let hosts = hosts(&written.hosts, &path.field("hosts"), faults);
    let address = address(
        written.tcp.as_deref(),
        written.unix.as_deref(),
        written.mode.as_deref(),
        path,
        faults,
    )?;
    if !address.is_private() {
        if !has_callers {
            let message = "can be reached from outside of this machine, and whoever reaches it can \
                           have requests signed; add `callers`, or listen on loopback or on a Unix \
                           socket";
            faults.add(path.field("tcp"), message);
        } else if anonymous {
            let message = "is for loopback and Unix sockets; this listener can be reached from \
                           outside of this machine";
            faults.add(path.field("anonymous"), message);
        }
    }
    if matches!(address, Address::Unix { .. }) && written.tls.is_some() {
        faults.add(
            path.field("tls"),
            "goes with `tcp`; leave it out for a Unix socket",
        );
    }
    Some(Listener {
        address,
        tls: written.tls.as_ref().map(|tls| Tls {
            certificate: tls.certificate.clone(),
            key: tls.key.clone(),
            client_ca: tls.client_ca.clone(),
        }),
        hosts,
        anonymous,
    })
}

pub(super) fn admin(
    written: Option<&file::Admin>,
    path: &Path,
    faults: &mut Faults,
) -> Option<Admin> {
    let written = written?;
    let hosts = hosts(&written.hosts, &path.field("hosts"), faults);
    let token = written
        .token
        .as_ref()
        .map(|token| match token.read("token") {
            Ok(token) => {
                check_guessing(&token, &path.field("token"), faults);
                Secret::new(token)
            }
            Err(error) => {
                faults.add(path.field("token"), reasons(&error));
                Secret::new("")
            }
        });
    let address = address(
        written.tcp.as_deref(),
        written.unix.as_deref(),
        written.mode.as_deref(),
        path,
        faults,
    )?;
    if token.is_none() && !address.is_private() {
        let message = "can be reached from outside of this machine; add a `token`, or listen on \
                       loopback or on a Unix socket";
        faults.add(path.field("tcp"), message);
    }
    Some(Admin {
        address,
        token,
        hosts,
    })
}

fn address(
    tcp: Option<&str>,
    unix: Option<&FilePath>,
    mode: Option<&str>,
    path: &Path,
    faults: &mut Faults,
) -> Option<Address> {
    match (tcp, unix) {
        (Some(tcp), None) => {
            if mode.is_some() {
                faults.add(path.field("mode"), "is that of a Unix socket; leave it out");
            }
            let Ok(address) = tcp.parse() else {
                let rule =
                    "must be an address and a port, such as `127.0.0.1:8080` or `[::1]:8080`";
                faults.add(path.field("tcp"), rule);
                return None;
            };
            Some(Address::Tcp(address))
        }
        (None, Some(unix)) => {
            if unix.as_os_str().is_empty() {
                faults.add(path.field("unix"), "is empty; give the path of the socket");
            }
            if !cfg!(unix) {
                let message =
                    "is for systems with Unix sockets; use `tcp` with an address of loopback";
                faults.add(path.field("unix"), message);
            }
            Some(Address::Unix {
                path: PathBuf::from(unix),
                mode: mode.map_or(DEFAULT_MODE, |mode| file_mode(mode, path, faults)),
            })
        }
        (None, None) => {
            faults.add(path.clone(), "needs `tcp` or `unix`");
            None
        }
        (Some(_), Some(_)) => {
            faults.add(
                path.field("unix"),
                "stands beside `tcp`; list them one by one",
            );
            None
        }
    }
}

fn file_mode(mode: &str, path: &Path, faults: &mut Faults) -> u32 {
    match u32::from_str_radix(mode, 8) {
        Ok(mode) if mode <= 0o777 => mode,
        _ => {
            faults.add(
                path.field("mode"),
                "must be permissions in octal, such as \"0660\"",
            );
            DEFAULT_MODE
        }
    }
}

/// No address is listened on twice.
pub(super) fn check_addresses(
    listeners: &[Listener],
    admin: Option<&Admin>,
    path: &Path,
    faults: &mut Faults,
) {
    let is_same = |one: &Address, other: &Address| match (one, other) {
        // Port 0 is any that is free.
        (Address::Tcp(one), Address::Tcp(other)) => one == other && one.port() != 0,
        (Address::Unix { path: one, .. }, Address::Unix { path: other, .. }) => one == other,
        _ => false,
    };
    for (index, listener) in listeners.iter().enumerate() {
        let before = &listeners[..index];
        if before
            .iter()
            .any(|other| is_same(&other.address, &listener.address))
        {
            let path = path.field("listeners").item(index);
            faults.add(path, "listens where one before does; take another address");
        }
        if admin.is_some_and(|admin| is_same(&admin.address, &listener.address)) {
            faults.add(
                path.field("admin"),
                "listens where clients come in; take another address",
            );
        }
    }
}
