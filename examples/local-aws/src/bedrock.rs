//! The models.

use axum::response::Response;
use http::StatusCode;

use crate::server::Call;
use crate::server::respond;

/// The models.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Bedrock {}

impl Bedrock {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) async fn answer(&self, call: Call) -> Response {
        let target = call.head.uri.path().to_owned();
        respond(StatusCode::NOT_FOUND, "text/plain", target)
    }
}
