//! The server, over HTTP.

mod allowed;
mod azure;
mod callers;
mod config;
mod fixture;
mod ids;
mod limits;
mod logic_app;
mod openapi;
mod program;
