//! The description of the service, for programs that call it.
//!
//! It is OpenAPI 2.0, since the action *HTTP + Swagger* of Logic Apps takes no other, and custom
//! connectors take that one, too. The action also wants an `operationId` for each operation, and
//! CORS: the designer reads the document in a browser.
//!
//! See <https://learn.microsoft.com/azure/connectors/connectors-native-http-swagger>.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::Uri;
use http::header;
use http::uri::Authority;
use serde_json::Value;
use serde_json::json;

use crate::azure;
use crate::azure::Invocation;
use crate::fault::Fault;
use crate::server::Front;
use crate::server::Reply;
use crate::server::SignService;

/// Returns the document, for callers who reach the service at this host, if that is known, and get
/// the document at this path: what stands before its name, the host of Azure Functions calls its
/// `routePrefix`.
///
/// # Panics
///
/// Never: the document is a part of the program, and a test reads it.
#[must_use]
pub fn document(host: Option<&str>, path: &str, front: Front) -> Value {
    let mut document: Value =
        serde_json::from_str(DOCUMENT).expect("the document in this program is JSON");
    if let Some(host) = host {
        document["host"] = json!(host);
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let is_here = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
        document["schemes"] = json!([if is_here { "http" } else { "https" }]);
    }
    if let Some((base, _)) = path.rsplit_once('/').filter(|(base, _)| !base.is_empty()) {
        document["basePath"] = json!(base);
    }
    if let Front::Functions { .. } = front {
        // Custom connectors know one security definition; the key of the host comes beside it.
        if let Value::Array(parameters) = &mut document["paths"]["/sign"]["post"]["parameters"] {
            parameters.insert(
                0,
                json!({
                    "name": "x-functions-key",
                    "in": "header",
                    "type": "string",
                    // Only the host knows: its `authLevel` may ask for none, or for the key that
                    // stands in the query. Where one is to be filled in, it is seen at once.
                    "required": false,
                    "x-ms-visibility": "important",
                    "x-ms-summary": "Function key",
                    "description": "The key of the function, where its host asks for one."
                }),
            );
        }
        if let Value::Object(paths) = &mut document["paths"] {
            paths.remove("/healthz");
        }
    }
    document
}

/// Answers `GET /openapi.json`.
pub(crate) async fn answer(State(service): State<Arc<SignService>>, request: Request) -> Response {
    let host = requested(request.uri(), request.headers());
    reply(host.as_deref(), request.uri().path(), service.front()).into_response()
}

/// Answers the same where the host of Azure Functions has wrapped it.
pub(crate) async fn answer_wrapped(
    State(service): State<Arc<SignService>>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let json = match service.read(&head.headers, body).await {
        Ok(json) => json,
        Err(reply) => return reply.into_response(),
    };
    let Some(inner) = Invocation::read(&json) else {
        let fault = Fault::new("request", "is none that Azure Functions wrap");
        return Reply::refused(StatusCode::BAD_REQUEST, None, fault).into_response();
    };
    let headers = inner.headers().unwrap_or_default();
    let uri: Uri = inner.url.parse().unwrap_or_default();
    let host = requested(&uri, &headers);
    let reply = reply(host.as_deref(), uri.path(), service.front());
    azure::wrap(reply, None).into_response()
}

fn reply(host: Option<&str>, path: &str, front: Front) -> Reply {
    // There is nothing secret in it, and the page that reads it is Azure's.
    let everybody = HeaderValue::from_static("*");
    Reply::json(StatusCode::OK, &document(host, path, front))
        .with(header::ACCESS_CONTROL_ALLOW_ORIGIN, everybody)
}

/// Returns the host that a request names, with its port.
fn requested(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let header = headers.get(header::HOST);
    let header = header.and_then(|value| Authority::try_from(value.as_bytes()).ok());
    let authority = header.or_else(|| uri.authority().cloned())?;
    let is_plain = !authority.as_str().contains('@');
    is_plain.then(|| authority.as_str().to_ascii_lowercase())
}

const DOCUMENT: &str = include_str!("openapi.json");
