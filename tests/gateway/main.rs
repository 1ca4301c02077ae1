//! The gateway as its clients, its upstreams and its operators see it: on the wire.

mod callers;
mod drain;
mod fixture;
mod hygiene;
mod outages;
mod patience;
mod reload;
mod routes;
mod streaming;
mod tls;
mod unix;
