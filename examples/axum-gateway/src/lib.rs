//! The parts of the gateway, to be put together by its program and by its tests.
//!
//! [`gateway`] is what to read first: the stack of layers. [`credentials`] says where they come
//! from, [`guard`] keeps web pages out.

pub mod args;
pub mod config;
pub mod credentials;
pub mod gateway;
pub mod guard;
pub mod state;
pub mod stats;
