//! Says what happens, one line each, as JSON or for people.
//!
//! Every line that the program writes is made here, and of these fields alone: `request_id`,
//! `route`, `method`, `status`, `reason`, `error`, `code`, `cause`, `advice`, `took_ms`; and
//! `credentials`, `generation`, `failures`, `address`, `routes`, `connections` where no request is
//! involved. No function here takes a URL, a header or a body, so none can get into a line. What
//! libraries would log is left out as a whole: they know URLs, and that of a request whose
//! signature is in its query is a credential.

mod request_id;

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use http::Method;
use http::StatusCode;
use sigv4_core::runtime::AwsRefusal;
use sigv4_core::runtime::CredentialsEvent;
use tracing::Metadata;
use tracing::Subscriber;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

pub use self::request_id::RequestId;
use crate::config::Log;
use crate::config::LogRequests;
use crate::config::Warning;

/// Has lines written to the standard error output, from now on and for the whole program.
///
/// # Errors
///
/// When something else in the process has claimed that already.
pub fn init(log: &Log) -> Result<(), SetGlobalDefaultError> {
    if log.json {
        tracing::subscriber::set_global_default(json(io::stderr))
    } else {
        tracing::subscriber::set_global_default(text(io::stderr))
    }
}

/// A request that was answered, as far as a line may tell.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// Which one.
    pub request_id: &'a RequestId,
    /// The name of its route; empty where there was none.
    pub route: &'a str,
    /// Its method. One that is not common is not written: it is a client's text.
    pub method: &'a Method,
    /// What the client got.
    pub status: StatusCode,
    /// From the end of its head to the head of its answer.
    pub took: Duration,
}

/// A request was signed, and answered by the upstream.
pub fn forwarded(which: LogRequests, answered: &Answered<'_>) {
    if which == LogRequests::All {
        tracing::info!(
            target: TARGET,
            request_id = answered.request_id.as_str(),
            route = answered.route,
            method = method(answered.method),
            status = answered.status.as_u16(),
            took_ms = milliseconds(answered.took),
            "forwarded"
        );
    }
}

/// A request was answered by the gateway.
pub fn rejected(
    which: LogRequests,
    answered: &Answered<'_>,
    reason: &'static str,
    error: Option<&(dyn Error + 'static)>,
) {
    if which == LogRequests::None {
        return;
    }
    let error = error.map(chain);
    tracing::warn!(
        target: TARGET,
        request_id = answered.request_id.as_str(),
        route = answered.route,
        method = method(answered.method),
        status = answered.status.as_u16(),
        reason,
        error,
        took_ms = milliseconds(answered.took),
        "rejected"
    );
}

/// A request was forwarded, or as good as, and came to no answer, or to no end of it.
pub fn broken_off(
    which: LogRequests,
    answered: &Answered<'_>,
    reason: &'static str,
    error: Option<&(dyn Error + 'static)>,
) {
    if which == LogRequests::None {
        return;
    }
    let error = error.map(chain);
    tracing::warn!(
        target: TARGET,
        request_id = answered.request_id.as_str(),
        route = answered.route,
        method = method(answered.method),
        status = answered.status.as_u16(),
        reason,
        error,
        took_ms = milliseconds(answered.took),
        "broken off"
    );
}

/// AWS said why it refused a request.
pub fn refused(which: LogRequests, request_id: &RequestId, route: &str, refusal: &AwsRefusal) {
    if which == LogRequests::None {
        return;
    }
    tracing::warn!(
        target: TARGET,
        request_id = request_id.as_str(),
        route,
        status = refusal.status().as_u16(),
        code = refusal.code(),
        cause = refusal.cause().as_str(),
        advice = refusal.cause().advice(),
        "refused by AWS"
    );
}

/// Something happened in a cache of credentials. What happens with every request has no line.
pub fn credentials(name: &str, event: &CredentialsEvent) {
    match event {
        CredentialsEvent::RefreshSucceeded {
            generation, took, ..
        } => tracing::info!(
            target: TARGET,
            credentials = name,
            generation,
            took_ms = milliseconds(*took),
            "credentials refreshed"
        ),
        CredentialsEvent::RefreshFailed {
            error,
            failures,
            took,
            ..
        } => tracing::warn!(
            target: TARGET,
            credentials = name,
            failures,
            error = chain(error),
            took_ms = milliseconds(*took),
            "credentials not refreshed"
        ),
        CredentialsEvent::Invalidated { generation, .. } => tracing::warn!(
            target: TARGET,
            credentials = name,
            generation,
            "AWS says that the credentials have ended"
        ),
        CredentialsEvent::IdentityChanged { accepted, .. } => tracing::warn!(
            target: TARGET,
            credentials = name,
            reason = if *accepted { "accepted" } else { "not accepted" },
            "the source returned credentials of somebody else"
        ),
        _ => {}
    }
}

/// A listener is open.
pub fn listening(address: impl Display) {
    tracing::info!(target: TARGET, %address, "listening");
}

/// Something is wrong with a listener, or with a connection before there was a request on it.
pub fn connection_failed(
    address: impl Display,
    reason: &'static str,
    error: &(dyn Error + 'static),
) {
    tracing::warn!(target: TARGET, %address, reason, error = chain(error), "connection failed");
}

/// Another configuration is served, but for what the advice says.
pub fn reloaded(routes: usize, advice: Option<&'static str>) {
    tracing::info!(target: TARGET, routes, advice, "configuration reloaded");
}

/// The configuration was not reloaded; the old one is served. The message is that of the errors of
/// the configuration, which hold no values.
pub fn reload_failed(message: &str) {
    let error = in_one_line(message);
    tracing::error!(target: TARGET, error, "configuration not reloaded, the old one is served");
}

/// The program was told to end.
pub fn draining(connections: i64) {
    tracing::info!(target: TARGET, connections, "draining");
}

/// The program ends. So many connections were cut off.
pub fn ended(connections: i64) {
    tracing::info!(target: TARGET, connections, "ended");
}

/// Something in the configuration is allowed, and not safe by itself.
pub fn warned(warning: &Warning) {
    let error = in_one_line(&warning.to_string());
    tracing::warn!(target: TARGET, error, "the configuration is not safe by itself");
}

/// An error with its causes, in one line.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    in_one_line(&texts.join(": "))
}

/// Texts of other programs may hold anything; a line stays a line.
pub(crate) fn in_one_line(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(LONGEST_ERROR).map(printable).collect()
}

fn method(method: &Method) -> &str {
    let common = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    if common.contains(method) {
        method.as_str()
    } else {
        "other"
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

fn json<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_current_span(false)
        .with_writer(writer);
    lines.finish().with(ours())
}

fn text<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_target(false)
        .with_writer(writer);
    lines.finish().with(ours())
}

/// `Targets` would let targets pass that only begin like ours.
fn ours() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    FilterFn::new(|line| line.target() == TARGET)
}

const TARGET: &str = "gateway";
const LONGEST_ERROR: usize = 1024;

#[cfg(test)]
mod tests;
