//! The parts of the gateway, to be put together by its program and by its tests.
//!
//! A request takes this way: [`server`] accepts its connection, [`gateway`] asks [`callers`] and
//! `BrowserGuard` who may call, [`route`] where it goes and [`admission`] whether there is room, and
//! sends it through the layers of [`stack`] to the upstream's [`client`]. What is not forwarded
//! gets one of the answers of [`refusal`]. [`config`] says what all of them do, [`credentials`]
//! where keys come from; [`stats`], [`log`](mod@log) and [`admin`] tell how it goes.

#![expect(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "the parts of one program, which change together"
)]

pub mod admin;
pub mod admission;
pub mod args;
pub mod body;
pub mod callers;
pub mod client;
pub mod config;
pub mod credentials;
pub mod fault;
pub mod gateway;
pub mod log;
mod passage;
mod record;
pub mod refusal;
pub mod route;
pub mod server;
pub mod stack;
pub mod state;
pub mod stats;
