//! From an answer to what is to be done about it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::pin::pin;
use std::time::Duration;
use std::time::SystemTime;

use http::Extensions;
use http::HeaderMap;
use http::StatusCode;
use http::header;

use crate::runtime::Authorizer;
use crate::runtime::SigningReceipt;
use crate::runtime::recovery::code::Code;
use crate::runtime::recovery::code::Report;
use crate::runtime::recovery::date;
use crate::runtime::recovery::runtime;
use crate::runtime::recovery::skew::Exchange;
use crate::runtime::recovery::skew::Skew;
use crate::runtime::task::within;

/// Looks into an answer that may say why a signature was refused.
pub struct Inquiry {
    pub(super) authorizer: Authorizer,
    receipt: SigningReceipt,
    received: SystemTime,
    /// The skew that the answer shows, where it is another than was applied and one that may be
    /// learnt.
    measured: Option<Skew>,
    code: Option<Code>,
    blames_time: bool,
}

/// From which difference on the time is the likely reason for a signature not to match: AWS lets
/// five minutes pass, S3 fifteen.
const EVIDENT: Duration = Duration::from_secs(4 * 60);
/// How long an answer waits for other credentials. A source that works answers in less.
const RENEWAL: Duration = Duration::from_secs(3);
/// How close to their end credentials may be taken for ended.
const ENDING: Duration = Duration::from_secs(5 * 60);

impl Inquiry {
    /// Looks at the head of an answer that has just come. `None` where nothing can be learnt,
    /// whatever its body says.
    ///
    /// The errors in question are answered with 400 (S3, the JSON protocols), 401 (EC2) or 403.
    pub fn of(
        authorizer: &Authorizer,
        status: StatusCode,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Option<Self> {
        if !matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) {
            return None;
        }
        let receipt = extensions.get::<SigningReceipt>()?;
        let subjects = receipt.circumstances().subjects;
        if !subjects.are_any() {
            return None;
        }
        let mut inquiry = Self {
            authorizer: authorizer.clone(),
            receipt: receipt.clone(),
            received: authorizer.now(),
            measured: None,
            code: Code::in_headers(headers),
            blames_time: false,
        };
        inquiry.measured = inquiry.measure(headers);
        let (clock, credentials) = (inquiry.measured.is_some(), subjects.credentials);
        let has_coding = headers.contains_key(header::CONTENT_ENCODING);
        let may_teach = match inquiry.code {
            // What is compressed is not read.
            None => !has_coding && (clock || credentials),
            Some(Code::Credentials) => credentials,
            Some(Code::Clock) => clock,
            Some(Code::Signature) => clock && (inquiry.is_evident() || !has_coding),
            Some(Code::Expired) => clock || credentials,
            Some(Code::Other) => false,
        };
        may_teach.then_some(inquiry)
    }

    fn measure(&self, headers: &HeaderMap) -> Option<Skew> {
        let circumstances = self.receipt.circumstances();
        // The date of an answer out of a cache is that of another answer.
        if !circumstances.subjects.clock
            || !circumstances.is_trusted
            || headers.contains_key(header::AGE)
        {
            return None;
        }
        let exchange = Exchange {
            signed: circumstances.signed,
            answered: self.received,
            date: date::of(headers)?,
        };
        let measured = exchange.measure(circumstances.skew)?;
        (measured.size() <= self.authorizer.learning().max_skew).then_some(measured)
    }

    fn is_evident(&self) -> bool {
        let applied = self.receipt.circumstances().skew;
        self.measured
            .is_some_and(|measured| measured.apart_from(applied) > EVIDENT)
    }

    /// Tells whether the body has to say more.
    #[must_use]
    pub fn wants_body(&self) -> bool {
        match self.code {
            None => true,
            Some(Code::Signature) => {
                self.measured.is_some() && !self.blames_time && !self.is_evident()
            }
            Some(_) => false,
        }
    }

    /// Looks at as much of the body as has come. Returns whether that is enough.
    pub(super) fn read(&mut self, body: &[u8]) -> bool {
        let report = Report::read(body);
        self.code = if report.has_expired && self.receipt.circumstances().in_query {
            Some(Code::Clock)
        } else {
            self.code.or(report.code)
        };
        self.blames_time |= report.blames_time;
        !self.wants_body() || (self.code.is_some() && report.has_message)
    }

    /// Ends the inquiry. A clock that is wrong is corrected with that.
    #[must_use]
    pub fn settle(self) -> Remedy {
        match self.code {
            Some(Code::Credentials) => self.replace_credentials(),
            Some(Code::Clock) => self.correct_clock(),
            Some(Code::Signature) if self.blames_time || self.is_evident() => self.correct_clock(),
            Some(Code::Expired) if self.is_evident() => self.correct_clock(),
            Some(Code::Expired) if self.credentials_end() => self.replace_credentials(),
            _ => Remedy::Nothing,
        }
    }

    fn credentials_end(&self) -> bool {
        let circumstances = self.receipt.circumstances();
        let now = circumstances.skew.correct(self.received);
        circumstances.ends.is_some_and(|end| {
            end.duration_since(now).is_ok_and(|left| left <= ENDING) || end < now
        })
    }

    fn correct_clock(&self) -> Remedy {
        let Some(measured) = self.measured else {
            return Remedy::Nothing;
        };
        let skews = &self.authorizer.learning().skews;
        skews.learn(self.receipt.host(), measured);
        Remedy::SendAgain
    }

    fn replace_credentials(self) -> Remedy {
        if !self.receipt.circumstances().subjects.credentials {
            return Remedy::Nothing;
        }
        Remedy::ReplaceCredentials(Replacement {
            generation: self.receipt.credential_generation(),
            authorizer: self.authorizer,
        })
    }
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry")
            .field("code", &self.code)
            .field("measured", &self.measured)
            .finish_non_exhaustive()
    }
}

/// What is to be done about an answer.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the adapters of this family have to do each of them"
)]
pub enum Remedy {
    /// Nothing: it is passed on.
    Nothing,
    /// The clock is right now: the request may be sent once more.
    SendAgain,
    /// The request may be sent once more with other credentials, if there are any.
    ReplaceCredentials(Replacement),
}

/// Credentials that AWS refused, to be replaced.
pub struct Replacement {
    authorizer: Authorizer,
    generation: u64,
}

impl Replacement {
    /// Waits for other credentials, for some seconds: the answer waits, too. Returns whether there
    /// are any.
    #[must_use]
    pub fn wait(self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        Box::pin(async move {
            let cache = self.authorizer.cache();
            let replaced = pin!(cache.replace(self.generation));
            let replaced = within(replaced, || runtime(&self.authorizer).sleep(RENEWAL)).await;
            replaced.flatten().is_some()
        })
    }

    /// Has them replaced for the requests that come later.
    pub fn begin(self) {
        self.authorizer.cache().invalidate(self.generation);
    }
}

impl fmt::Debug for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replacement")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::Extensions;
    use http::HeaderMap;
    use http::Request;

    use super::*;
    use crate::Payload;
    use crate::Signer;
    use crate::runtime::AuthorizerBuilder;
    use crate::runtime::CredentialsCache;
    use crate::runtime::HostScope;

    /// 2015-08-30, 12:36:00 UTC, to which `Date` is relative here.
    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
    }

    fn date(minutes: i64) -> String {
        let minutes = 12 * 60 + 36 + minutes;
        let (hour, minute) = (minutes / 60, minutes % 60);
        format!("Sun, 30 Aug 2015 {hour:02}:{minute:02}:00 GMT")
    }

    fn builder(service: &str, end: Option<SystemTime>) -> AuthorizerBuilder {
        let credentials =
            aws_credential_types::Credentials::new("AKID", "secret", None, end, "test");
        let scope = HostScope::danger_any_host().danger_allow_http();
        let cache = CredentialsCache::builder(credentials).clock(noon()).build();
        let signer = Signer::builder(service, "us-east-1").build().unwrap();
        Authorizer::builder(signer, cache, scope)
    }

    /// An answer, and what became of it.
    struct Answer {
        authorizer: Authorizer,
        uri: &'static str,
        status: u16,
        headers: HeaderMap,
        body: String,
    }

    fn answer(code: &str) -> Answer {
        Answer {
            authorizer: builder("sqs", None).build(),
            uri: "https://sqs.example.com/",
            status: 403,
            headers: HeaderMap::new(),
            body: format!(r#"{{"__type":"x#{code}","message":"text"}}"#),
        }
    }

    impl Answer {
        fn to(mut self, authorizer: AuthorizerBuilder) -> Self {
            self.authorizer = authorizer.build();
            self
        }

        fn with(mut self, name: &'static str, value: &str) -> Self {
            self.headers.append(name, value.parse().unwrap());
            self
        }

        fn dated(self, minutes: i64) -> Self {
            self.with("date", &date(minutes))
        }

        async fn extensions(&self) -> Extensions {
            let mut request = Request::get(self.uri).body(()).unwrap();
            let authorized = self.authorizer.authorize(&mut request, Payload::EMPTY);
            let mut extensions = Extensions::new();
            extensions.insert(authorized.await.unwrap().unwrap().into_receipt());
            extensions
        }

        async fn signed_at(&self) -> SystemTime {
            let extensions = self.extensions().await;
            extensions.get::<SigningReceipt>().unwrap().signed_at()
        }

        async fn remedy(&self) -> &'static str {
            let extensions = self.extensions().await;
            let status = StatusCode::from_u16(self.status).unwrap();
            let inquiry = Inquiry::of(&self.authorizer, status, &self.headers, &extensions);
            let Some(mut inquiry) = inquiry else {
                return "not asked";
            };
            let wants_body = inquiry.wants_body();
            if wants_body {
                inquiry.read(self.body.as_bytes());
            }
            match (inquiry.settle(), wants_body) {
                (Remedy::Nothing, _) => "nothing",
                (Remedy::SendAgain, true) => "clock",
                (Remedy::SendAgain, false) => "clock by its head",
                (Remedy::ReplaceCredentials(_), true) => "credentials",
                (Remedy::ReplaceCredentials(_), false) => "credentials by its head",
            }
        }
    }

    #[tokio::test]
    async fn each_code_has_its_remedy() {
        for (code, right, slightly_wrong, wrong) in [
            ("ExpiredToken", "credentials", "credentials", "credentials"),
            (
                "ExpiredTokenException",
                "credentials",
                "credentials",
                "credentials",
            ),
            ("InvalidToken", "credentials", "credentials", "credentials"),
            (
                "InvalidAccessKeyId",
                "credentials",
                "credentials",
                "credentials",
            ),
            (
                "InvalidClientTokenId",
                "credentials",
                "credentials",
                "credentials",
            ),
            (
                "UnrecognizedClientException",
                "credentials",
                "credentials",
                "credentials",
            ),
            ("RequestTimeTooSkewed", "nothing", "clock", "clock"),
            ("RequestInTheFuture", "nothing", "clock", "clock"),
            ("RequestExpired", "nothing", "nothing", "clock"),
            ("SignatureDoesNotMatch", "nothing", "nothing", "clock"),
            ("InvalidSignatureException", "nothing", "nothing", "clock"),
            ("AuthFailure", "nothing", "nothing", "clock"),
            ("AccessDenied", "nothing", "nothing", "nothing"),
            ("AccessDeniedException", "nothing", "nothing", "nothing"),
            (
                "MissingAuthenticationToken",
                "nothing",
                "nothing",
                "nothing",
            ),
            ("expiredtoken", "nothing", "nothing", "nothing"),
        ] {
            for (minutes, expected) in [
                (0, right),
                (3, slightly_wrong),
                (-3, slightly_wrong),
                (10, wrong),
                (-10, wrong),
            ] {
                let answer = answer(code).dated(minutes);
                assert_eq!(answer.remedy().await, expected, "{code}, {minutes} min");
                // A clock is corrected then and there, and nothing else corrects it.
                let by = answer.signed_at().await != noon();
                assert_eq!(by, expected == "clock", "{code}, {minutes} min");
            }
        }
    }

    #[tokio::test]
    async fn a_code_in_the_header_spares_the_body() {
        for (code, expected) in [
            (
                "ExpiredTokenException:http://internal.amazon.com/coral/",
                "credentials by its head",
            ),
            ("RequestTimeTooSkewed", "clock by its head"),
            ("InvalidSignatureException", "clock by its head"),
            ("AccessDeniedException", "not asked"),
        ] {
            let answer = answer("ExpiredToken").dated(10);
            let answer = answer.with("x-amzn-errortype", code);
            assert_eq!(answer.remedy().await, expected, "{code}");
        }
    }

    #[tokio::test]
    async fn a_message_about_the_time_is_evidence() {
        for (message, expected) in [
            (
                "Signature expired: 1 is now earlier than 2 (3 - 5 min.)",
                "clock",
            ),
            (
                "Signature not yet current: 3 is still later than 2 (1 + 5 min.)",
                "clock",
            ),
            (
                "The request signature we calculated does not match",
                "nothing",
            ),
        ] {
            for code_in_header in [false, true] {
                let mut answer = answer("InvalidSignatureException").dated(3);
                answer.body = answer.body.replace("text", message);
                if code_in_header {
                    answer = answer.with("x-amzn-errortype", "InvalidSignatureException");
                    answer.body = answer.body.replace("__type", "other");
                }
                assert_eq!(answer.remedy().await, expected, "{message}");
            }
        }
    }

    #[tokio::test]
    async fn only_a_date_that_can_be_relied_on_corrects_the_clock() {
        let answer = || answer("RequestTimeTooSkewed");
        for (name, answer, expected) in [
            ("no date", answer(), "nothing"),
            ("two dates", answer().dated(10).dated(10), "nothing"),
            (
                "out of a cache",
                answer().dated(10).with("age", "0"),
                "nothing",
            ),
            ("within the bound", answer().dated(15), "clock"),
            ("beyond the bound", answer().dated(16), "nothing"),
            ("beyond the bound, behind", answer().dated(-16), "nothing"),
            (
                "within another bound",
                answer()
                    .to(builder("sqs", None).max_skew(Duration::from_secs(3600)))
                    .dated(59),
                "clock",
            ),
            (
                "no bound",
                answer()
                    .to(builder("sqs", None).max_skew(Duration::MAX))
                    .dated(600),
                "clock",
            ),
        ] {
            assert_eq!(answer.remedy().await, expected, "{name}");
        }
        for (uri, expected) in [
            ("http://sqs.example.com/", "nothing"),
            ("http://127.0.0.1:8000/", "clock"),
            ("http://[::1]/", "clock"),
            ("http://localhost/", "clock"),
            ("https://sqs.example.com:8443/", "clock"),
        ] {
            let mut answer = answer().dated(10);
            answer.uri = uri;
            assert_eq!(answer.remedy().await, expected, "{uri}");
        }
    }

    #[tokio::test]
    async fn a_clock_that_was_put_right_is_seen() {
        let answer = answer("RequestTimeTooSkewed");
        let wrong = Answer {
            authorizer: answer.authorizer.clone(),
            ..answer
        }
        .dated(10);
        assert_eq!(wrong.remedy().await, "clock");
        assert_eq!(wrong.signed_at().await, noon() + Duration::from_secs(600));
        // The same again says nothing new.
        assert_eq!(wrong.remedy().await, "nothing");
        let right = Answer {
            headers: HeaderMap::new(),
            ..wrong
        }
        .dated(0);
        assert_eq!(right.remedy().await, "clock");
        assert_eq!(right.signed_at().await, noon());
    }

    #[tokio::test]
    async fn an_expired_request_concerns_credentials_that_are_about_to_end() {
        let minutes = |minutes: u64| Some(noon() + Duration::from_secs(60 * minutes));
        for (end, offset, expected) in [
            (None, 0, "nothing"),
            (minutes(6), 0, "nothing"),
            (minutes(4), 0, "credentials"),
            (minutes(4), 10, "clock"),
        ] {
            let answer = answer("RequestExpired").to(builder("sqs", end));
            assert_eq!(answer.dated(offset).remedy().await, expected, "{end:?}");
        }
    }

    #[tokio::test]
    async fn statuses_of_other_errors_are_not_looked_into() {
        for (status, expected) in [
            (200, "not asked"),
            (400, "credentials"),
            (401, "credentials"),
            (403, "credentials"),
            (404, "not asked"),
            (429, "not asked"),
            (500, "not asked"),
        ] {
            let mut answer = answer("ExpiredToken");
            answer.status = status;
            assert_eq!(answer.remedy().await, expected, "{status}");
        }
        let compressed = answer("ExpiredToken").with("content-encoding", "gzip");
        assert_eq!(compressed.remedy().await, "not asked");
    }

    #[tokio::test]
    async fn each_subject_is_learnt_where_it_should_be() {
        let both = ("credentials", "clock");
        for (name, builder, expected) in [
            ("sqs", builder("sqs", None), both),
            (
                "execute-api",
                builder("execute-api", None),
                ("not asked", "not asked"),
            ),
            (
                "lambda",
                builder("lambda", None),
                ("not asked", "not asked"),
            ),
            (
                "lattice",
                builder("vpc-lattice-svcs", None),
                ("not asked", "not asked"),
            ),
            (
                "lambda, turned on",
                builder("lambda", None)
                    .recover_credentials(true)
                    .correct_clock(true),
                both,
            ),
            (
                "lambda, the clock only",
                builder("lambda", None).correct_clock(true),
                ("nothing", "clock"),
            ),
            (
                "no credentials",
                builder("sqs", None).recover_credentials(false),
                ("nothing", "clock"),
            ),
            (
                "no clock",
                builder("sqs", None).correct_clock(false),
                ("credentials", "nothing"),
            ),
            (
                "no skew",
                builder("sqs", None).max_skew(Duration::ZERO),
                ("credentials", "nothing"),
            ),
        ] {
            let authorizer = builder.build();
            let mut remedies = [""; 2];
            for (remedy, code) in remedies
                .iter_mut()
                .zip(["ExpiredToken", "RequestTimeTooSkewed"])
            {
                let mut answer = answer(code).dated(10);
                answer.authorizer = authorizer.clone();
                *remedy = answer.remedy().await;
            }
            assert_eq!((remedies[0], remedies[1]), expected, "{name}");
        }
    }
}
