//! The metrics, by name.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use prometheus_client::registry::Unit;

use super::durations::Durations;

/// The metrics that have labels. Looking one up takes a lock and allocates: who counts asks once.
#[derive(Clone, Debug, Default)]
pub(super) struct Families {
    requests: Family<RequestLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    sign_seconds: Family<RouteLabels, Durations>,
    request_bytes: Family<RouteLabels, Counter>,
    answer_bytes: Family<RouteLabels, Counter>,
    refreshes: Family<RefreshLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    outcome: String,
    reason: String,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    route: String,
    cause: String,
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefreshLabels {
    credentials: String,
    outcome: String,
}

impl Families {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "sigv4_requests",
            "Requests by what became of them; the route is empty where none was found",
            self.requests.clone(),
        );
        registry.register(
            "sigv4_upstream_refusals",
            "Answers in which AWS says why it refused, by its code and the likely cause",
            self.refusals.clone(),
        );
        registry.register_with_unit(
            "sigv4_sign",
            "How long a signature took to make, without the reading of the body",
            Unit::Seconds,
            self.sign_seconds.clone(),
        );
        registry.register_with_unit(
            "sigv4_request_body",
            "Bytes of request bodies that were read",
            Unit::Bytes,
            self.request_bytes.clone(),
        );
        registry.register_with_unit(
            "sigv4_answer_body",
            "Bytes of answer bodies that were passed on",
            Unit::Bytes,
            self.answer_bytes.clone(),
        );
        registry.register(
            "sigv4_credentials_refresh",
            "Refreshes of credentials",
            self.refreshes.clone(),
        );
    }

    pub(super) fn requests(
        &self,
        route: &str,
        outcome: &str,
        reason: &str,
        status: &str,
    ) -> Counter {
        self.requests.get_or_create_owned(&RequestLabels {
            route: route.to_owned(),
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            status: status.to_owned(),
        })
    }

    pub(super) fn refusals(&self, route: &str, cause: &str, code: &str) -> Counter {
        self.refusals.get_or_create_owned(&RefusalLabels {
            route: route.to_owned(),
            cause: cause.to_owned(),
            code: code.to_owned(),
        })
    }

    pub(super) fn sign_seconds(&self, route: &str) -> Durations {
        self.sign_seconds.get_or_create_owned(&labels(route))
    }

    pub(super) fn request_bytes(&self, route: &str) -> Counter {
        self.request_bytes.get_or_create_owned(&labels(route))
    }

    pub(super) fn answer_bytes(&self, route: &str) -> Counter {
        self.answer_bytes.get_or_create_owned(&labels(route))
    }

    pub(super) fn refreshes(&self, credentials: &Arc<str>, outcome: &str) -> Counter {
        self.refreshes.get_or_create_owned(&RefreshLabels {
            credentials: credentials.to_string(),
            outcome: outcome.to_owned(),
        })
    }
}

fn labels(route: &str) -> RouteLabels {
    RouteLabels {
        route: route.to_owned(),
    }
}
