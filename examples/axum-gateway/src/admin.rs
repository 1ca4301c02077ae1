//! What operators see: health checks, metrics and a status page, on a listener of their own.
//!
//! | path | answer | for whom |
//! |---|---|---|
//! | `/healthz` | 200 as long as the program serves, also while it drains | everybody |
//! | `/readyz` | 200 if every route can sign, 503 if not or while it drains | everybody: a word; operators: why |
//! | `/metrics` | the metrics, in the text format of OpenMetrics | operators |
//! | `/` | the status page | operators |
//!
//! An operator is who has the token; or, where none is set, whoever asks under a name of this
//! listener and is not a web page.

mod access;
mod html;
mod page;
mod readiness;

use std::sync::Arc;
use std::time::SystemTime;

use axum::Extension;
use axum::Router;
use axum::extract::Request;
use axum::extract::State as Shared;
use axum::middleware;
use axum::middleware::Next;
use axum::response::Html;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use http::HeaderValue;
use http::StatusCode;
use http::header;

use self::access::Access;
use self::readiness::Health;
use crate::config;
use crate::state::State;

/// Makes the router of the admin listener. Who may ask is decided in it.
pub fn router(state: Arc<State>, admin: &config::Admin) -> Router {
    let access = Access::new(admin);
    Router::new()
        .route("/", get(status))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing here\n") })
        .with_state(state)
        .layer(middleware::from_fn_with_state(access, admit))
        .layer(middleware::map_response_with_state(page::csp(), secure))
}

/// Whether who asks is an operator, or just a probe.
#[derive(Clone, Copy)]
struct IsOperator(bool);

async fn admit(Shared(access): Shared<Access>, mut request: Request, next: Next) -> Response {
    let verdict = access.verdict(request.uri(), request.headers());
    match verdict {
        Err(refusal) if !PROBED.contains(&request.uri().path()) => refusal.into_response(),
        _ => {
            let is_operator = IsOperator(verdict.is_ok());
            request.extensions_mut().insert(is_operator);
            next.run(request).await
        }
    }
}

async fn secure(Shared(csp): Shared<HeaderValue>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, csp);
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn ready(
    Shared(state): Shared<Arc<State>>,
    Extension(IsOperator(is_operator)): Extension<IsOperator>,
) -> impl IntoResponse {
    let health = Health::of(&state);
    let status = if health.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let text = if is_operator {
        health.report()
    } else {
        format!("{}\n", health.word())
    };
    (status, text)
}

async fn metrics(Shared(state): Shared<Arc<State>>) -> Response {
    match state.stats.encode() {
        Ok(metrics) => ([(header::CONTENT_TYPE, OPENMETRICS)], metrics).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn status(Shared(state): Shared<Arc<State>>) -> Response {
    match page::render(&state, SystemTime::now()) {
        Ok(page) => Html(page).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What probes ask for. They come by address, and have no token.
const PROBED: [&str; 2] = ["/healthz", "/readyz"];
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
