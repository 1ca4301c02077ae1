//! What becomes of a request: counted once, and logged.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;

use crate::config::LogRequests;
use crate::fault::Fault;
use crate::log;
use crate::log::RequestId;
use crate::refusal::UNREACHABLE;
use crate::refusal::reason_of;
use crate::server::Exchange;
use crate::stack::Route;

/// A request, as far as it may be logged.
pub(crate) struct Begun {
    pub(crate) request_id: RequestId,
    pub(crate) log: LogRequests,
    method: Method,
    at: Instant,
}

impl Begun {
    pub(crate) fn new<B>(request: &Request<B>, log: LogRequests) -> Self {
        Self {
            request_id: RequestId::of(request.headers()),
            log,
            method: request.method().clone(),
            at: Instant::now(),
        }
    }

    pub(crate) fn answered<'a>(&'a self, route: &'a str, status: StatusCode) -> log::Answered<'a> {
        log::Answered {
            request_id: &self.request_id,
            route,
            method: &self.method,
            status,
            took: self.at.elapsed(),
        }
    }

    /// Says in an answer which request it belongs to, in the words of the log; what the upstream
    /// calls it has another name then. And that the connection ends, where it does since nobody
    /// reads the rest of the body.
    pub(crate) fn sign_off<B>(
        &self,
        mut response: Response<B>,
        exchange: &Exchange,
    ) -> Response<B> {
        let headers = response.headers_mut();
        if exchange.is_uploading() {
            headers.insert(header::CONNECTION, CLOSE);
        }
        let ours = self.request_id.header_value();
        let theirs = headers.insert(RequestId::HEADER, ours.clone());
        if let Some(theirs) = theirs.filter(|theirs| *theirs != ours) {
            headers.insert(UPSTREAM_REQUEST_ID, theirs);
        }
        response
    }
}

/// A request that was let in. What has become of it is counted when that is known; dropped before,
/// it was broken off.
pub(crate) struct Record {
    begun: Begun,
    route: Arc<Route>,
    exchange: Exchange,
    /// What the upstream has answered.
    status: Option<StatusCode>,
    is_ended: bool,
    is_counted: bool,
}

impl Record {
    pub(crate) const fn new(begun: Begun, route: Arc<Route>, exchange: Exchange) -> Self {
        Self {
            begun,
            route,
            exchange,
            status: None,
            is_ended: false,
            is_counted: false,
        }
    }

    pub(crate) const fn begun(&self) -> &Begun {
        &self.begun
    }

    pub(crate) const fn route(&self) -> &Arc<Route> {
        &self.route
    }

    pub(crate) const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(crate) const fn exchange_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    /// Takes note of the head of the upstream's answer.
    pub(crate) fn forward(&mut self, status: StatusCode) {
        self.status = Some(status);
        let answered = self.begun.answered(self.route.name(), status);
        log::forwarded(self.begun.log, &answered);
    }

    /// Takes note that the answer has come to its end. The client has yet to take the last of it.
    pub(crate) const fn end(&mut self) {
        self.is_ended = true;
    }

    /// Counts a request that is answered by the gateway: one that was not forwarded, or one that
    /// failed on the way.
    pub(crate) fn refuse(&mut self, status: StatusCode, error: &(dyn Error + 'static)) {
        let reason = reason_of(error);
        let is_failure = match Fault::among_causes(error) {
            Some(fault) => fault != Fault::TooManyBytes,
            None => reason == UNREACHABLE,
        };
        if is_failure {
            return self.fail(status, reason, Some(error));
        }
        self.is_counted = true;
        let Self { begun, route, .. } = &self;
        route.stats().rejected(reason, status, &begun.request_id);
        let answered = begun.answered(route.name(), status);
        log::rejected(begun.log, &answered, reason, Some(error));
    }

    /// Counts an answer that came to no end.
    pub(crate) fn break_off(&mut self, error: &(dyn Error + 'static)) {
        let reason = Fault::among_causes(error).map_or("answer_broken", Fault::as_str);
        let status = self.status.unwrap_or(StatusCode::BAD_GATEWAY);
        self.fail(status, reason, Some(error));
    }

    fn fail(
        &mut self,
        status: StatusCode,
        reason: &'static str,
        error: Option<&(dyn Error + 'static)>,
    ) {
        if self.is_counted {
            return;
        }
        self.is_counted = true;
        let Self { begun, route, .. } = &self;
        let is_noteworthy = reason != CLIENT_GONE;
        let stats = route.stats();
        stats.failed(reason, status, &begun.request_id, is_noteworthy);
        if is_noteworthy || begun.log == LogRequests::All {
            let answered = begun.answered(route.name(), status);
            log::broken_off(begun.log, &answered, reason, error);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.is_counted {
            return;
        }
        match (self.status, self.exchange.cut_off()) {
            (Some(status), None) if self.is_ended => self.route.stats().forwarded(status),
            (status, reason) => {
                self.fail(status.unwrap_or(GONE), reason.unwrap_or(CLIENT_GONE), None);
            }
        }
    }
}

const CLOSE: HeaderValue = HeaderValue::from_static("close");
const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");
const CLIENT_GONE: &str = "client_gone";

/// What is counted where there was no answer; it is nginx's, and nobody gets it.
const GONE: StatusCode = match StatusCode::from_u16(499) {
    Ok(status) => status,
    Err(_) => StatusCode::BAD_REQUEST,
};
