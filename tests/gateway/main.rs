//! The gateway as its clients, its upstreams and its operators see it: on the wire.

mod callers;
mod credentials_outage;
mod drain;
mod fixture;
mod http2;
mod hygiene;
mod outages;
mod patience;
mod recovery;
mod refusals;
mod reload;
mod routes;
mod streaming;
mod tls;
mod unix;
