//! The API.

use axum::response::Response;
use http::StatusCode;

use crate::server::Call;
use crate::server::respond;

/// The API.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ExecuteApi {}

impl ExecuteApi {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn answer(&self, call: &Call) -> Response {
        let target = call.head.uri.path().to_owned();
        respond(StatusCode::NOT_FOUND, "text/plain", target)
    }
}
