//! What operators see of the gateway, and who is one.

mod busy;
mod fixture;
mod page;
