//! Tests of `sigv4-reqwest` through its public face: over wiremock for what is signed, over a
//! server of our own for the bytes. Every signature is judged by the crate `aws-sigv4`, from what
//! arrived.

#[cfg(test)]
mod atomicity;
#[cfg(test)]
mod authorization;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod body_length;
#[cfg(test)]
mod body_limit;
#[cfg(test)]
mod cancellation;
#[cfg(test)]
mod chunked_bodies;
#[cfg(test)]
mod chunked_flows;
#[cfg(test)]
mod default_headers;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod event_streams;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod host_on_the_wire;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod path_on_the_wire;
#[cfg(test)]
mod query_on_the_wire;
#[cfg(test)]
mod query_placement;
#[cfg(test)]
mod receipt;
#[cfg(test)]
mod recover;
#[cfg(test)]
mod redirects;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod scope;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
#[path = "../tower/shared/mod.rs"]
mod shared;
#[cfg(test)]
mod sigv4a;
