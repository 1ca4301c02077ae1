//! The object store.

use std::io;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;

use crate::server::respond;

/// The object store.
#[derive(Debug)]
#[non_exhaustive]
pub struct S3 {}

impl S3 {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
        let target = request.uri().path().to_owned();
        respond(StatusCode::NOT_FOUND, "text/plain", target)
    }
}
