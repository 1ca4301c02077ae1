//! What operators see of the gateway, and who is one.

mod busy;
mod endpoints;
mod fixture;
mod page;
