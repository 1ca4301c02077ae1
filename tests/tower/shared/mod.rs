//! Doubles that both adapters are tried with.

pub(crate) mod body;
pub(crate) mod chunked;
pub(crate) mod clock;
pub(crate) mod credentials;
pub(crate) mod event_scenarios;
pub(crate) mod event_server;
pub(crate) mod http2;
pub(crate) mod peer;
