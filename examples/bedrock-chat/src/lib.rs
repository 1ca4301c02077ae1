//! A client for Amazon Bedrock without an AWS SDK, and the chat that is made with it.
//!
//! [`client`] is a folder that others can lift out: it needs the dependencies of this package but
//! `futures-util` and `lexopt`, and nothing of its code.

pub mod client;
