//! The recipes of `docs/recipes`, each loaded as it stands there and run, against an upstream that
//! recomputes what was signed.
//!
//! What was tried is what people paste: a test changes addresses, files and keys in the text, each of
//! which has to be there once, and nothing else.

mod api_gateway;
mod apigee;
mod aws_sigv4_proxy;
mod azure;
mod deployment;
mod envoy;
mod mulesoft;
mod page;
mod sdk_clients;
mod sdk_requests;
