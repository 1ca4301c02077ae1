//! Stub.
use crate::config::Admin;
use crate::state::State;
use axum::Router;
use std::sync::Arc;
pub fn router(_: Arc<State>, _: &Admin) -> Router {
    Router::new()
}
