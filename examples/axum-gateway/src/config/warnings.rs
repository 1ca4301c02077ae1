//! What a configuration may say, and whoever runs it should know.

use std::fmt;

use super::Address;
use super::CallerKey;
use super::Config;

/// Something that is allowed, and weakens what protects the keys of callers and operators.
#[derive(Clone, Debug)]
pub struct Warning(String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Config {
    /// Says what is allowed and still not safe by itself. No secrets.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let sends_keys = |key: &CallerKey| !matches!(key, CallerKey::Certificate { .. });
        let has_keys = self.callers.iter().any(|caller| sends_keys(&caller.key));
        let plain = self.listeners.iter().filter(|listener| {
            has_keys && listener.tls.is_none() && !listener.address.is_private()
        });
        let listeners = plain.map(|listener| {
            Warning(format!(
                "the listener {} is beyond loopback and without TLS: keys of callers come in clear \
                 text; add `tls`, or let in only what something in front has encrypted",
                listener.address
            ))
        });
        let admin = self.admin.iter().filter(|admin| {
            let has_token = admin.token.is_some();
            has_token && !admin.address.is_private()
        });
        let admin = admin.map(|admin| {
            Warning(format!(
                "the admin listener {} is beyond loopback and has no TLS: its token comes in clear \
                 text; listen on loopback, or let in only the network of operators",
                admin.address
            ))
        });
        listeners.chain(admin).collect()
    }
}

impl Address {
    /// Tells whether only this machine gets there.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix { .. } => true,
        }
    }
}
