//! Tests of `sigv4-tower` through its public face: over wiremock for what is signed, over a server
//! of our own for the bytes, over doubles for the rest. Every signature is judged by the crate
//! `aws-sigv4`, from what arrived.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod body_length;
#[cfg(test)]
mod body_limit;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod cancellation;
#[cfg(test)]
mod chunked_bodies;
#[cfg(test)]
mod chunked_flows;
#[cfg(test)]
mod chunked_sigv4a;
#[cfg(test)]
mod client_payload;
#[cfg(test)]
mod doubles;
#[cfg(test)]
mod event_streams;
#[cfg(test)]
mod fail_closed;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod host_on_the_wire;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod no_waiting;
#[cfg(test)]
mod path_on_the_wire;
#[cfg(test)]
mod pieces;
#[cfg(test)]
mod proxy_hygiene;
#[cfg(test)]
mod proxy_streaming;
#[cfg(test)]
mod proxy_targets;
#[cfg(test)]
mod query_on_the_wire;
#[cfg(test)]
mod query_placement;
#[cfg(test)]
mod readiness;
#[cfg(test)]
mod receipt;
#[cfg(test)]
mod recover;
#[cfg(test)]
mod redirects;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod sigv4a;
