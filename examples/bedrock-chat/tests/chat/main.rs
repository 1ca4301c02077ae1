//! The client and the program, with services that check every signature.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fixture;
mod models;
mod program;
#[cfg(unix)]
mod readme;
mod recovery;
mod refusals;
mod retries;
mod secrecy;
mod streams;
