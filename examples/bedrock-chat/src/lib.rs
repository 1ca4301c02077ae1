//! A client for Amazon Bedrock without an AWS SDK, and the chat that is made with it.
//!
//! [`client`] is a folder that others can lift out: it needs `sigv4-core`, `sigv4-reqwest`, reqwest
//! and serde_json, and nothing of the rest of this package.

pub mod client;
