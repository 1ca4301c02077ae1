//! What the gateway itself answers to requests that it does not forward.

use std::error::Error;

use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;
use sigv4_tower::UpstreamLayer;

use crate::body::Answer;
use crate::fault::Fault;
use crate::route;

/// Why a request is not forwarded, and what its client is told.
#[derive(Debug)]
pub struct Refusal {
    kind: Kind,
    /// The methods that there are.
    allow: Option<HeaderValue>,
    route: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Kind {
    status: StatusCode,
    reason: &'static str,
    text: &'static str,
}

impl Refusal {
    /// The request names its host more than once.
    pub const TWO_HOSTS: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "ambiguous_host",
        "the request names more than one host; leave one",
    );
    /// No key was shown, and one is needed.
    pub const NO_KEY: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "no_key",
        "the request shows no key of a caller: a bearer token, a header of its own or a client \
         certificate",
    );
    /// A key was shown that is nobody's.
    pub const WRONG_KEY: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "wrong_key",
        "the key in the request is that of no caller, or there is more than one",
    );
    /// The caller may not use the route.
    pub const OTHER_ROUTE: Self = Self::new(
        StatusCode::FORBIDDEN,
        "route_not_allowed",
        "the caller may not use this route",
    );
    /// The Host header is not one of the listener's.
    pub const OTHER_HOST: Self = Self::new(
        StatusCode::MISDIRECTED_REQUEST,
        "unknown_host",
        "the Host header is neither loopback nor one of the listener's hosts",
    );
    /// A browser says that a page has made the request.
    pub const WEB_PAGE: Self = Self::new(
        StatusCode::FORBIDDEN,
        "web_page",
        "requests of web pages are not signed",
    );
    /// The target is no path.
    pub const NO_PATH: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "ambiguous_target",
        "the request target is no path; a tunnel or `*` cannot be forwarded",
    );
    /// The path may be read in more than one way.
    pub const AMBIGUOUS_PATH: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "ambiguous_target",
        "the path has empty segments, dot segments or escapes that servers read differently; leave \
         them out",
    );
    /// There are as many requests as there may be.
    pub const BUSY: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too_many_requests",
        "the gateway is working on as many requests as it may; try again",
    );
    const NO_ROUTE: Self = Self::new(
        StatusCode::NOT_FOUND,
        "no_route",
        "the path leads to no upstream",
    );
    const OTHER_METHODS: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "no route takes this method",
    );

    const fn new(status: StatusCode, reason: &'static str, text: &'static str) -> Self {
        Self {
            kind: Kind {
                status,
                reason,
                text,
            },
            allow: None,
            route: None,
        }
    }

    /// There is a route for this path, but not for the method.
    #[must_use]
    pub fn other_methods(methods: &[Method]) -> Self {
        Self {
            allow: route::allow(methods),
            ..Self::OTHER_METHODS
        }
    }

    /// There is no route for this path, which says nothing if the path may be read in two ways.
    #[must_use]
    pub fn no_route(path: &str) -> Self {
        match UpstreamLayer::check_path(path) {
            Ok(()) => Self::NO_ROUTE,
            Err(_) => Self::AMBIGUOUS_PATH,
        }
    }

    /// Says at which route the request was refused.
    #[must_use]
    pub fn of_route(self, index: usize) -> Self {
        let route = Some(index);
        Self { route, ..self }
    }

    /// Returns the route at which it was.
    #[must_use]
    pub const fn route(&self) -> Option<usize> {
        self.route
    }

    /// Returns its name, for metrics and logs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.kind.reason
    }

    /// Returns the status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.kind.status
    }

    /// Makes the answer.
    #[must_use]
    pub fn into_response(self) -> Response<Answer> {
        let Kind { status, text, .. } = self.kind;
        let mut response = Response::new(Answer::text(format!("{text}\n")));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let mut say = |name, value| drop(headers.insert(name, HeaderValue::from_static(value)));
        say(header::CONTENT_TYPE, "text/plain; charset=utf-8");
        say(header::CACHE_CONTROL, "no-store");
        match status {
            StatusCode::UNAUTHORIZED => say(header::WWW_AUTHENTICATE, "Bearer"),
            StatusCode::SERVICE_UNAVAILABLE => say(header::RETRY_AFTER, "1"),
            _ => {}
        }
        if let Some(methods) = self.allow {
            headers.insert(header::ALLOW, methods);
        }
        response
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::new(fault.status(), fault.as_str(), fault.text())
    }
}

/// Returns the name of an error, for metrics and logs.
#[must_use]
pub fn reason_of(error: &(dyn Error + 'static)) -> &'static str {
    if let Some(fault) = Fault::among_causes(error) {
        return fault.as_str();
    }
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    let found = causes.find_map(|cause| {
        let signing = cause.downcast_ref::<sigv4_core::Error>();
        let inbound = cause.downcast_ref::<sigv4_tower::Error>();
        let inbound = inbound.map(|error| error.kind().as_str());
        signing.map(|error| error.kind().as_str()).or(inbound)
    });
    found.unwrap_or(UNREACHABLE)
}

/// The reason of a request whose upstream could not be asked, or did not answer.
pub const UNREACHABLE: &str = "upstream_unreachable";
