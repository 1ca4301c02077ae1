//! The API.

use axum::response::Response;
use http::Method;
use http::StatusCode;
use serde_json::json;

use crate::refusal::Refusal;
use crate::server::Call;
use crate::server::respond;

/// An API behind API Gateway that tells who called, and what it was asked.
///
/// Its routes are `GET /whoami`, and `/orders` and what is below with every method; each also with
/// one segment before it, as the stage of an API is: `/prod/orders/7`. It answers 200, or 201 where
/// something was posted, with
///
/// ```json
/// {"access_key_id":"AKIDEXAMPLE","body_length":0,"method":"GET","path":"/whoami","query":""}
/// ```
///
/// Asked for anything else it says what API Gateway says then, which misleads many: `Missing
/// Authentication Token`.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ExecuteApi {}

impl ExecuteApi {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn answer(&self, call: &Call) -> Response {
        let (method, path) = (&call.head.method, call.head.uri.path());
        if !has_route(method, path) {
            return Refusal::unsigned().answer(&call.verified.service);
        }
        let status = if method == Method::POST {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        let body = json!({
            "access_key_id": call.verified.access_key_id,
            "body_length": call.body.len(),
            "method": method.as_str(),
            "path": path,
            "query": call.head.uri.query().unwrap_or_default(),
        });
        respond(status, "application/json", body.to_string())
    }
}

fn has_route(method: &Method, path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    let behind_stage = path.split_once('/').map(|(_, resource)| resource);
    [Some(path), behind_stage]
        .into_iter()
        .flatten()
        .any(|resource| match resource.split('/').next() {
            Some("whoami") => resource == "whoami" && method == Method::GET,
            Some("orders") => true,
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_routes_that_it_says() {
        for (method, path, exists) in [
            (Method::GET, "/whoami", true),
            (Method::GET, "/prod/whoami", true),
            (Method::POST, "/whoami", false),
            (Method::GET, "/whoami/x", false),
            (Method::POST, "/orders", true),
            (Method::POST, "/v1/orders", true),
            (Method::DELETE, "/orders/a%20b", true),
            (Method::GET, "/a/b/orders", false),
            (Method::GET, "/", false),
        ] {
            assert_eq!(has_route(&method, path), exists, "{method} {path}");
        }
    }
}
