//! A gateway to which everything has happened, for the status page.

use std::sync::Arc;
use std::time::Duration;

use axum_gateway::log::RequestId;
use axum_gateway::state::State;
use axum_gateway::stats::Rejection;
use axum_gateway::stats::Stats;
use http::HeaderMap;
use http::StatusCode;
use sigv4_core::runtime::AwsRefusal;
use sigv4_core::runtime::Readiness;
use sigv4_tests::patience;

use crate::fixture;
use crate::fixture::Source;
use crate::fixture::cache;

/// Makes one.
pub(crate) async fn gateway() -> Arc<State> {
    let stats = Stats::new();
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let main = cache("main", "default", Source::keys(Some(hours(6))), &stats).await;
    let ends_soon = Source::failing_after(1, Duration::from_secs(200));
    let storage = cache("storage", "assume_role", ends_soon, &stats).await;
    // AWS refuses them, and the refresh for that reason fails. It begins a second after the first.
    patience::until("a refresh fails", || {
        storage.cache.invalidate(1);
        stats.refreshes("storage").failure.is_some()
    })
    .await;
    assert_eq!(storage.cache.readiness(), Readiness::Degraded);
    let never = Source::failing_after(0, hours(1));
    let keys = cache("signing-keys", "web_identity", never, &stats).await;
    let unused = cache("left-over", "static", Source::keys(None), &stats).await;
    happen(&stats);
    let caches = vec![main, storage, keys, unused];
    let state = fixture::state(fixture::routes(), caches, stats);
    fixture::fail_reload(
        &state,
        "/etc/gateway/gateway.yaml:41:15: routes[3].upstream: plain http is signed for on loopback \
         alone: use https, or set danger_allow_http\n/etc/gateway/gateway.yaml:52:5: \
         routes[4].regoin: unknown field, did you mean `region`?\n",
    );
    state
}

fn happen(stats: &Stats) {
    Box::leak(Box::new(stats.connection()));
    Box::leak(Box::new(stats.request()));
    let bedrock = stats.route("bedrock");
    for _ in 0..148_230 {
        bedrock.forwarded(StatusCode::OK);
    }
    for _ in 0..37 {
        bedrock.forwarded(StatusCode::TOO_MANY_REQUESTS);
        bedrock.signing_took(Duration::from_micros(7));
    }
    let id = RequestId::random;
    for _ in 0..34 {
        bedrock.refused(&throttled(), &id());
    }
    bedrock.request_bytes(1_482_300_000);
    bedrock.answer_bytes(9_482_300_000);
    bedrock.rejected("body_too_large", StatusCode::PAYLOAD_TOO_LARGE, &id());
    let uploads = stats.route("uploads");
    for _ in 0..912 {
        uploads.forwarded(StatusCode::OK);
    }
    for _ in 0..3 {
        uploads.forwarded(StatusCode::FORBIDDEN);
        uploads.refused(&signature(), &id());
    }
    uploads.rejected("upload_stalled", StatusCode::REQUEST_TIMEOUT, &id());
    let keys = stats.route("kms-sign");
    for _ in 0..5 {
        keys.rejected("credentials", StatusCode::SERVICE_UNAVAILABLE, &id());
    }
    let rejection = |reason, status| Rejection {
        reason,
        status,
        request_id: id(),
    };
    stats.rejected(rejection("no_route", StatusCode::NOT_FOUND));
    stats.rejected(rejection("wrong_key", StatusCode::UNAUTHORIZED));
    stats.rejected(rejection("web_page", StatusCode::FORBIDDEN));
}

fn throttled() -> AwsRefusal {
    read(StatusCode::TOO_MANY_REQUESTS, "ThrottlingException")
}

fn signature() -> AwsRefusal {
    read(StatusCode::FORBIDDEN, "SignatureDoesNotMatch")
}

/// What the library makes of an answer with this code.
pub(crate) fn read(status: StatusCode, code: &str) -> AwsRefusal {
    let mut headers = HeaderMap::new();
    headers.insert("x-amzn-errortype", code.parse().unwrap());
    AwsRefusal::read(status, &headers, b"").unwrap()
}
