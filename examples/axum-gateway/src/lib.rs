//! The parts of the gateway, to be put together by its program and by its tests.
//!
//! [`gateway`] is what to read first: the stack of layers. [`credentials`] says where they come
//! from, [`guard`] keeps web pages out.

#![expect(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "the parts of one program, which change together"
)]

pub mod admin;
pub mod admission;
pub mod body;
pub mod callers;
pub mod client;
pub mod config;
pub mod credentials;
pub mod fault;
pub mod gateway;
pub mod guard;
pub mod log;
pub mod refusal;
pub mod route;
pub mod server;
pub mod stack;
pub mod state;
pub mod stats;
