//! The server, over HTTP.

mod allowed;
mod azure;
mod callers;
mod config;
mod fixture;
mod limits;
mod openapi;
mod program;
