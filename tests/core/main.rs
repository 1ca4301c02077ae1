//! Tests of `sigv4-core` through its public face. Expected signatures come from AWS's test suite,
//! from AWS's documentation, from the generators of tokens that AWS publishes, and from the crate
//! `aws-sigv4`.

#[cfg(test)]
mod authorization;
#[cfg(test)]
mod awkward_requests;
#[cfg(test)]
mod aws_chunked;
#[cfg(test)]
mod aws_chunked_limits;
#[cfg(test)]
mod aws_docs;
#[cfg(test)]
mod chunked_vectors;
#[cfg(test)]
mod event_answers;
#[cfg(test)]
mod event_limits;
#[cfg(test)]
mod event_pieces;
#[cfg(test)]
mod event_stream;
#[cfg(test)]
mod event_vectors;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod header_rules;
#[cfg(test)]
mod idempotence;
#[cfg(test)]
mod official_suite;
#[cfg(test)]
mod payload_literal;
#[cfg(test)]
mod presign;
#[cfg(test)]
mod presign_anywhere;
#[cfg(test)]
mod property;
#[cfg(test)]
mod published_vectors;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod session_token;
#[cfg(test)]
mod sigv4a;
#[cfg(test)]
mod sigv4a_keys;
#[cfg(test)]
mod sigv4a_regions;
#[cfg(test)]
mod stream_facts;
#[cfg(test)]
mod stream_heads;
#[cfg(test)]
mod stream_overrides;
#[cfg(test)]
mod stream_property;
#[cfg(test)]
mod stream_refusals;
#[cfg(test)]
mod stream_signed_again;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod token_facts;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod troubleshooting_guide;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod websocket;
#[cfg(test)]
mod wire_form;
