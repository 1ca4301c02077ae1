//! Sending a request for credentials: where to, how long, how often.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::Uri;
use http::request;
use http::uri::PathAndQuery;
use zeroize::Zeroize;

use super::context::Context;
use super::error::FetchError;
use super::error::FetchErrorKind;
use crate::runtime::http_send::MAX_ANSWER;
use crate::runtime::task::within;

/// How one source is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    pub(super) provider: &'static str,
    /// Where plain http may go.
    pub(super) plain: PlainHttp,
    /// How long one attempt may take, from the connection to the end of the answer.
    pub(super) attempt: Duration,
}

/// The hosts that may be asked over plain http, beside those on this machine. Whoever else is on
/// the way could read the credentials, or hand out others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlainHttp {
    /// None.
    Loopback,
    /// The agents of ECS and EKS, which are on the same machine.
    Container,
    /// The metadata service of an instance, which is on the same machine.
    Metadata,
}

/// How often a source is asked within one fetch.
const ATTEMPTS: u32 = 3;
/// The longest pause before the second attempt. It doubles before each further one.
const PAUSE: Duration = Duration::from_millis(200);

const ECS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2));
const EKS_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23));
const EKS_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23));
const EC2_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));
const EC2_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254));

impl Exchange {
    /// Sends what `make` makes until `judge` is content with an answer, or does not think that the
    /// next attempt could bring a better one.
    pub(super) async fn run<T>(
        &self,
        context: &Context,
        mut make: impl FnMut() -> Result<Request<Bytes>, FetchError> + Send,
        mut judge: impl FnMut(&Response<Bytes>) -> Result<T, FetchError> + Send,
    ) -> Result<T, FetchError> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match self.attempt(context, make()?, &mut judge).await {
                Err(error) if error.is_retryable() => {}
                result => return result,
            }
            // Those that failed together shall not come back together.
            context
                .sleep(pause.mul_f64(0.5 + context.chance() / 2.0))
                .await;
            pause *= 2;
        }
        self.attempt(context, make()?, &mut judge).await
    }

    /// Completes a request.
    pub(super) fn ready(
        &self,
        request: request::Builder,
        body: Bytes,
    ) -> Result<Request<Bytes>, FetchError> {
        request
            .body(body)
            .map_err(|error| not_requestable(self.provider, error))
    }

    async fn attempt<T>(
        &self,
        context: &Context,
        request: Request<Bytes>,
        judge: &mut (impl FnMut(&Response<Bytes>) -> Result<T, FetchError> + Send),
    ) -> Result<T, FetchError> {
        self.plain.check(self.provider, request.uri())?;
        let unavailable =
            |message| FetchError::new(FetchErrorKind::Unavailable, self.provider, message);
        let sent = context.http().send(request);
        let answer = match within(pin!(sent), || context.sleep(self.attempt)).await {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => return Err(unavailable("there was no answer").because(error)),
            None => return Err(unavailable("there was no answer in time")),
        };
        let judged = if answer.body().len() > MAX_ANSWER {
            Err(FetchError::malformed(
                self.provider,
                "the answer is too long",
            ))
        } else {
            judge(&answer)
        };
        wipe(answer.into_body());
        judged
    }
}

impl PlainHttp {
    /// Refuses a destination to which credentials, or what they are got with, must not go.
    pub(super) fn check(self, provider: &'static str, uri: &Uri) -> Result<(), FetchError> {
        let refused = |message| Err(FetchError::configuration(provider, message));
        let Some(authority) = uri.authority() else {
            return refused("the endpoint has no host");
        };
        if authority.as_str().contains('@') {
            return refused("the endpoint holds a user name, which does not belong there");
        }
        let behind_bracket = authority.as_str().rsplit_once(']').map(|(_, rest)| rest);
        if behind_bracket.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(':')) {
            return refused("the endpoint has something behind its address");
        }
        match uri.scheme_str() {
            Some("https") => Ok(()),
            Some("http") if self.allows(authority.host()) => Ok(()),
            Some("http") => refused(match self {
                Self::Loopback => {
                    "the endpoint is plain http to another machine; use https, or a loopback \
                     address"
                }
                Self::Container => {
                    "the endpoint is plain http to a host that is neither a loopback address nor \
                     an agent of ECS or EKS (169.254.170.2, 169.254.170.23, fd00:ec2::23); use \
                     https"
                }
                Self::Metadata => {
                    "the endpoint is plain http to a host that is neither a loopback address nor \
                     the metadata service (169.254.169.254, fd00:ec2::254)"
                }
            }),
            _ => refused("the endpoint is neither https nor http"),
        }
    }

    /// Names are not resolved here, so that `localhost` is the only one of which it is known where
    /// it leads.
    fn allows(self, host: &str) -> bool {
        if host.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let address = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let Ok(address) = address.parse::<IpAddr>() else {
            return false;
        };
        address.is_loopback()
            || match self {
                Self::Loopback => false,
                Self::Container => [ECS, EKS_V4, EKS_V6].contains(&address),
                Self::Metadata => [EC2_V4, EC2_V6].contains(&address),
            }
    }
}

/// Puts a path behind that of an endpoint.
pub(super) fn joined(
    provider: &'static str,
    endpoint: &Uri,
    path: &str,
) -> Result<Uri, FetchError> {
    let mut parts = endpoint.clone().into_parts();
    let path = format!("{}{path}", endpoint.path().trim_end_matches('/'));
    let path = PathAndQuery::from_maybe_shared(path)
        .map_err(|error| not_requestable(provider, error.into()))?;
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|error| not_requestable(provider, error.into()))
}

fn not_requestable(provider: &'static str, error: http::Error) -> FetchError {
    FetchError::configuration(provider, "the endpoint cannot be requested").because(error)
}

/// Overwrites the body of an answer that held secrets, unless somebody else holds it too.
pub(super) fn wipe(body: Bytes) {
    if let Ok(mut body) = body.try_into_mut() {
        body.as_mut().zeroize();
    }
}

/// Makes the error of an answer whose status says that there is nothing in it.
pub(super) fn refusal(
    provider: &'static str,
    what: &str,
    answer: &Response<Bytes>,
    detail: Option<String>,
) -> FetchError {
    let status = answer.status();
    let transient = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
    let kind = if transient {
        FetchErrorKind::Unavailable
    } else {
        FetchErrorKind::Refused
    };
    let detail = detail.map(|detail| format!(": {detail}"));
    let message = format!(
        "{what} was answered with status {}{}",
        status.as_u16(),
        detail.as_deref().unwrap_or_default()
    );
    FetchError::new(kind, provider, message).with_status(status.as_u16())
}

/// Prepares what a service says about an error for people to read: one line, not too long, and
/// without what it was sent in confidence, should it repeat that.
pub(super) fn presentable(text: &str, secrets: &[&str]) -> String {
    let mut line = text.lines().next().unwrap_or_default().trim().to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        line = line.replace(*secret, "(redacted)");
    }
    let mut shown: String = line.chars().filter(|char| !char.is_control()).collect();
    if shown.chars().count() > LONGEST_MESSAGE {
        shown = shown.chars().take(LONGEST_MESSAGE).collect();
        shown.push('…');
    }
    shown
}

const LONGEST_MESSAGE: usize = 400;

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    const ASKED: Exchange = Exchange {
        provider: "Test",
        plain: PlainHttp::Loopback,
        attempt: Duration::from_secs(1),
    };

    fn request() -> Result<Request<Bytes>, FetchError> {
        Ok(Request::get("http://127.0.0.1/")
            .body(Bytes::new())
            .unwrap())
    }

    fn judge(answer: &Response<Bytes>) -> Result<usize, FetchError> {
        if answer.status().is_success() {
            Ok(answer.body().len())
        } else {
            Err(refusal("Test", "the request", answer, None))
        }
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        use PlainHttp::Container;
        use PlainHttp::Loopback;
        use PlainHttp::Metadata;
        for (uri, plain, allowed) in [
            ("https://example.com/", Loopback, true),
            ("http://example.com/", Loopback, false),
            ("http://127.0.0.1:8080/", Loopback, true),
            ("http://127.1.2.3/", Loopback, true),
            ("http://[::1]/", Loopback, true),
            ("http://[::1]:8080/", Loopback, true),
            ("http://[::1]evil.com/", Loopback, false),
            ("http://localhost/", Loopback, true),
            ("http://LOCALHOST:1/", Loopback, true),
            ("http://localhost.example.com/", Loopback, false),
            ("http://127.0.0.1.example.com/", Loopback, false),
            ("http://127.0.0.1@example.com/", Loopback, false),
            ("https://127.0.0.1@example.com/", Loopback, false),
            ("http://0.0.0.0/", Loopback, false),
            ("http://169.254.170.2/", Loopback, false),
            ("http://169.254.170.2/", Container, true),
            ("http://169.254.170.23/", Container, true),
            ("http://[fd00:ec2::23]/", Container, true),
            ("http://[FD00:EC2:0:0::23]/", Container, true),
            ("http://169.254.170.3/", Container, false),
            ("http://169.254.169.254/", Container, false),
            ("http://[fd00:ec2::254]/", Container, false),
            ("http://169.254.169.254/", Metadata, true),
            ("http://[fd00:ec2::254]/", Metadata, true),
            ("http://169.254.170.2/", Metadata, false),
            ("http://10.0.0.1/", Metadata, false),
            ("ftp://127.0.0.1/", Metadata, false),
            ("/relative", Metadata, false),
        ] {
            let checked = plain.check("Test", &uri.parse().unwrap());
            assert_eq!(checked.is_ok(), allowed, "{uri} {plain:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_sent_to_a_refused_destination() {
        let fake = Fake::new();
        let elsewhere = || {
            let request = Request::get("http://example.com/").body(Bytes::new());
            Ok(request.unwrap())
        };
        let error = ASKED.run(&fake.context(&[]), elsewhere, judge).await;
        assert_eq!(error.unwrap_err().kind(), FetchErrorKind::Configuration);
        assert_eq!(fake.requests().len(), 0);
    }

    #[tokio::test]
    async fn asks_again_after_what_may_pass() {
        let fake = Fake::new().answer(503, "").hang().answer(200, "ok");
        assert_eq!(
            ASKED.run(&fake.context(&[]), request, judge).await.unwrap(),
            2
        );
        assert_eq!(fake.requests().len(), 3);
    }

    #[tokio::test]
    async fn asks_three_times_at_most() {
        for (name, fake) in [
            (
                "errors",
                Fake::new().answer(500, "").answer(429, "").answer(503, ""),
            ),
            ("no answers", Fake::new().refuse().refuse().refuse()),
            ("no answers in time", Fake::new().hang().hang().hang()),
        ] {
            let error = ASKED.run(&fake.context(&[]), request, judge).await;
            assert_eq!(
                error.unwrap_err().kind(),
                FetchErrorKind::Unavailable,
                "{name}"
            );
            assert_eq!(fake.requests().len(), 3, "{name}");
        }
    }

    #[tokio::test]
    async fn pauses_between_attempts_for_a_random_while() {
        let fake = Fake::new().refuse().refuse().answer(200, "");
        let context = fake.context(&[]).random(|| 0.5);
        ASKED.run(&context, request, judge).await.unwrap();
        let pauses = [Duration::from_millis(150), Duration::from_millis(300)];
        assert_eq!(fake.sleeps(), pauses);
    }

    #[tokio::test]
    async fn does_not_ask_again_after_a_refusal() {
        let fake = Fake::new().answer(403, "");
        let error = ASKED.run(&fake.context(&[]), request, judge).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::Refused);
        assert_eq!(error.status(), Some(403));
        assert_eq!(
            error.to_string(),
            "Test: the request was answered with status 403"
        );
    }

    #[tokio::test]
    async fn refuses_an_answer_that_is_too_long() {
        let long = "x".repeat(MAX_ANSWER + 1);
        let fake = Fake::new()
            .answer(200, &long)
            .answer(200, &long)
            .answer(200, &long);
        let error = ASKED.run(&fake.context(&[]), request, judge).await;
        assert_eq!(error.unwrap_err().kind(), FetchErrorKind::Malformed);
    }

    #[test]
    fn shows_of_a_message_what_is_fit_to_be_read() {
        for (text, shown) in [
            ("plain", "plain"),
            ("one\ntwo", "one"),
            ("a tok-en b tok-en", "a (redacted) b (redacted)"),
            ("bell\u{7}", "bell"),
        ] {
            assert_eq!(presentable(text, &["tok-en", ""]), shown);
        }
        let long = presentable(&"ä".repeat(1000), &[]);
        assert_eq!(long.chars().count(), LONGEST_MESSAGE + 1);
    }
}
