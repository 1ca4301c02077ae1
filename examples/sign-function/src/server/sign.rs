//! From a request over HTTP to an answer.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use http::request::Parts;
use http_body_util::BodyExt;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use serde_json::json;
use sigv4_core::Credentials;
use sigv4_core::ErrorKind;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tower::BrowserGuard;
use tokio::sync::Semaphore;

use crate::azure;
use crate::azure::Inner;
use crate::azure::Invocation;
use crate::callers::Caller;
use crate::callers::Callers;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::log::Entry;
use crate::request::Id;
use crate::request::SignRequest;
use crate::server::Front;
use crate::server::Patience;
use crate::server::reply::Reply;
use crate::signing;

/// What all requests share.
pub(crate) struct SignService {
    callers: Callers,
    limits: Limits,
    credentials: CredentialsCache,
    front: Front,
    bodies: Semaphore,
    body_patience: Duration,
    longest_body: usize,
}

impl SignService {
    pub(super) fn new(
        callers: Callers,
        limits: Limits,
        credentials: CredentialsCache,
        front: Front,
        patience: &Patience,
    ) -> Self {
        // Room for a body in base64, and for what is around it.
        let longest_body = limits.max_body.saturating_add(2) / 3 * 4;
        Self {
            callers,
            limits,
            credentials,
            front,
            bodies: Semaphore::new(patience.bodies),
            body_patience: patience.body,
            longest_body: longest_body.saturating_add(64 * 1024),
        }
    }

    pub(crate) const fn front(&self) -> Front {
        self.front
    }

    /// Answers what was posted.
    ///
    /// What the host of Azure Functions has wrapped is told by its form, and only where that host
    /// posts it: at the name of the function. Whichever form it is, the same keys are asked for in
    /// the headers of the request that came from the caller, and the same lists hold.
    async fn answer(&self, head: &Parts, body: Body, entry: &mut Entry) -> Result<Reply, Reply> {
        self.keep_pages_out(head)?;
        if let Front::Functions { .. } = self.front
            && head.uri.path() == "/sign"
        {
            let _place = self.bodies.acquire().await;
            let json = self.read(&head.headers, body).await?;
            if let Some(inner) = Invocation::read(&json) {
                let reply = self.answer_inner(&inner, entry).await;
                let reply = reply.unwrap_or_else(|refused| refused);
                note(entry, &reply);
                return Ok(azure::wrap(reply, Some(entry.to_string())));
            }
            let caller = self.identify(&head.headers, entry)?;
            return self.sign(caller, &json, entry).await;
        }
        let caller = self.identify(&head.headers, entry)?;
        let _place = self.bodies.acquire().await;
        let json = self.read(&head.headers, body).await?;
        self.sign(caller, &json, entry).await
    }

    async fn answer_inner(&self, inner: &Inner, entry: &mut Entry) -> Result<Reply, Reply> {
        let headers = inner.headers().ok_or_else(|| {
            let fault = Fault::new("headers", "of the wrapped request are no headers");
            Reply::refused(StatusCode::BAD_REQUEST, None, fault)
        })?;
        check_page(&headers)?;
        if inner.method != "POST" {
            let fault = Fault::new("method", "of the wrapped request must be POST");
            return Err(Reply::refused(StatusCode::METHOD_NOT_ALLOWED, None, fault));
        }
        let caller = self.identify(&headers, entry)?;
        check_content_type(&headers)?;
        let json = inner.body.as_deref().unwrap_or_default();
        self.sign(caller, json.as_bytes(), entry).await
    }

    /// Refuses what a web page has sent; where no key is needed, also what names another host than
    /// this machine.
    fn keep_pages_out(&self, head: &Parts) -> Result<(), Reply> {
        check_page(&head.headers)?;
        if self.front == Front::Nobody && self.callers.allow_anyone() {
            let known = BrowserGuard::new().check_host(&head.uri, &head.headers);
            known.map_err(|error| {
                let fault = Fault::new("host", error.to_string());
                Reply::refused(StatusCode::MISDIRECTED_REQUEST, None, fault)
            })?;
        }
        Ok(())
    }

    fn identify(&self, headers: &HeaderMap, entry: &mut Entry) -> Result<&Caller, Reply> {
        let caller = self.callers.identify(headers).map_err(|_| {
            let fault = Fault::new(
                "authorization",
                "must be `Bearer` and the key of a caller; or send the key as `x-api-key`",
            );
            let challenge = HeaderValue::from_static("Bearer");
            Reply::refused(StatusCode::UNAUTHORIZED, None, fault)
                .with(header::WWW_AUTHENTICATE, challenge)
        })?;
        entry.caller(&caller.name);
        Ok(caller)
    }

    /// Reads a body of JSON, as much as may be and for as long as it may take.
    pub(crate) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Reply> {
        check_content_type(headers)?;
        let too_long = || {
            let most = self.limits.max_body;
            let remedy = format!(
                "is too long: {most} bytes may be signed; send the hash as `payload` instead"
            );
            Reply::refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                None,
                Fault::new("body", remedy),
            )
        };
        let length = headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > self.longest_body) {
            return Err(too_long());
        }
        let reading = Limited::new(body, self.longest_body).collect();
        match tokio::time::timeout(self.body_patience, reading).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
            Ok(Err(_)) => {
                let fault = Fault::new("request", "did not come whole");
                Err(Reply::refused(StatusCode::BAD_REQUEST, None, fault))
            }
            Err(_) => {
                let fault = Fault::new("request", "took too long to come");
                Err(Reply::refused(StatusCode::REQUEST_TIMEOUT, None, fault))
            }
        }
    }

    async fn sign(&self, caller: &Caller, json: &[u8], entry: &mut Entry) -> Result<Reply, Reply> {
        let bad = |id: Option<Id>| {
            move |fault| Reply::refused(StatusCode::BAD_REQUEST, id.clone(), fault)
        };
        let request = SignRequest::parse(json).map_err(|(id, fault)| bad(id)(fault))?;
        entry.request(&request);
        let id = || request.id.clone();
        let forbidden = |fault| Reply::refused(StatusCode::FORBIDDEN, id(), fault);
        signing::check_form(&request).map_err(bad(id()))?;
        caller.allow.check(&request).map_err(forbidden)?;
        let now = SystemTime::now();
        self.limits.check(&request, now).map_err(bad(id()))?;
        let signed = match request.credentials().map_err(bad(id()))? {
            Some(own) => signing::sign(&request, &own, now),
            None => {
                let sign = |credentials: &Credentials| signing::sign(&request, credentials, now);
                self.with_credentials(&request, now, sign).await?
            }
        };
        let signed = signed.map_err(bad(id()))?;
        caller
            .allow
            .check_signed(&request, &signed)
            .map_err(forbidden)?;
        Ok(Reply::signed(&signed))
    }

    async fn with_credentials<T>(
        &self,
        request: &SignRequest,
        now: SystemTime,
        sign: impl FnOnce(&Credentials) -> T,
    ) -> Result<T, Reply> {
        // A link is to hold for as long as it says, so its credentials have to.
        let begin = request.time.unwrap_or(now);
        let end = request
            .lifetime()
            .and_then(|lifetime| begin.checked_add(lifetime));
        let found = match end {
            Some(end) => self.credentials.get_valid_until(end).await,
            None => self.credentials.get().await,
        };
        match found {
            Ok(cached) => Ok(sign(cached.credentials())),
            Err(error) if error.kind() == ErrorKind::Expiry => {
                let fault = Fault::new(
                    "expires_in",
                    "is longer than the credentials last that sign here; ask for less",
                );
                let id = request.id.clone();
                Err(Reply::refused(StatusCode::BAD_REQUEST, id, fault))
            }
            Err(error) => {
                let outage = error.credentials_outage();
                let wait = outage.map_or(1, |outage| outage.next_attempt_in().as_secs() + 1);
                crate::log::outage(&error);
                let fault = Fault::new("request", "cannot be signed now: there are no credentials");
                let id = request.id.clone();
                Err(Reply::refused(StatusCode::SERVICE_UNAVAILABLE, id, fault)
                    .with(header::RETRY_AFTER, wait))
            }
        }
    }
}

/// Answers `POST /sign`.
pub(super) async fn take(State(service): State<Arc<SignService>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut entry = Entry::default();
    let reply = service.answer(&head, body, &mut entry).await;
    let reply = reply.unwrap_or_else(|refused| refused);
    // What is wrapped has been noted with the status inside.
    if entry.is_open() {
        note(&mut entry, &reply);
    }
    crate::log::write(&entry);
    reply.into_response()
}

fn note(entry: &mut Entry, reply: &Reply) {
    entry.outcome(reply.status.as_u16(), reply.field.as_deref());
}

/// Answers `GET /healthz`: the program runs.
pub(super) async fn health() -> Response {
    Reply::json(StatusCode::OK, &json!({"status": "ok"})).into_response()
}

pub(super) async fn unknown_path() -> Response {
    let fault = Fault::new("path", "is none of /sign, /openapi.json and /healthz");
    Reply::refused(StatusCode::NOT_FOUND, None, fault).into_response()
}

/// The answer also names the methods that are there, as HTTP wants it.
pub(super) async fn other_method() -> Response {
    let fault = Fault::new("method", "is not what this path is asked with");
    Reply::refused(StatusCode::METHOD_NOT_ALLOWED, None, fault).into_response()
}

fn check_page(headers: &HeaderMap) -> Result<(), Reply> {
    BrowserGuard::check_page(headers).map_err(|error| {
        let fault = Fault::new("origin", error.to_string());
        Reply::refused(StatusCode::FORBIDDEN, None, fault)
    })
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Reply> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = |value: &HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        let kind = text.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/json")
    };
    match (values.next(), values.next()) {
        (Some(value), None) if is_json(value) => Ok(()),
        _ => {
            let fault = Fault::new("content-type", "must be application/json");
            Err(Reply::refused(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                None,
                fault,
            ))
        }
    }
}
