//! What event streams do through an adapter, over real connections. Both adapters are put through
//! it.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future;
use bytes::Bytes;
use http::Request;
use http::Response;
use http::Version;
use http_body_util::combinators::BoxBody;
use sigv4_core::EcdsaBackend;
use sigv4_core::ErrorKind;
use sigv4_core::EventErrorKind;
use sigv4_core::EventMessage;
use sigv4_core::EventStream;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::AuthorizerBuilder;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_core::runtime::SigningReceipt;
use sigv4_tests::patience::soon;
use sigv4_tests::patience::until;
use sigv4_tests::secrets;
use sigv4_tests::time;
use tokio::sync::mpsc::UnboundedSender;

use crate::shared::body::Live;
use crate::shared::clock::DATE;
use crate::shared::clock::TestClock;
use crate::shared::event_server::EventServer;
use crate::shared::event_server::Manner;
use crate::shared::event_server::Told;
use crate::shared::event_server::secret_of;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;
pub(crate) type Answer = Response<BoxBody<Bytes, BoxError>>;
pub(crate) type Sending = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;
type Producer = UnboundedSender<io::Result<Bytes>>;

/// A client that signs, and recovers.
pub(crate) trait Client {
    fn version(&self) -> Version;

    /// Sends a request. Its overrides, if there are any, are among its extensions.
    fn send(&self, authorizer: &Authorizer, request: Request<Live>) -> Sending;
}

/// A date as the services below say it, while the clock of the tests has not been moved.
const ON_TIME: &str = "Sun, 30 Aug 2015 12:36:00 GMT";
const TEN_MINUTES_AHEAD: &str = "Sun, 30 Aug 2015 12:46:00 GMT";

const TALKS: &[Manner] = &[Manner::Talks];

fn builder(server: &EventServer, service: &str) -> AuthorizerBuilder {
    let signer = Signer::builder(service, "us-east-1").build().unwrap();
    let cache = CredentialsCache::new(secrets::credentials());
    signed_by(signer, cache, server).clock(TestClock::new())
}

fn signed_by(signer: Signer, cache: CredentialsCache, server: &EventServer) -> AuthorizerBuilder {
    let scope = HostScope::exact([server.authority()]).unwrap();
    Authorizer::builder(signer, cache, scope).payload(PayloadMode::Events)
}

fn open(server: &EventServer) -> (Producer, Request<Live>) {
    let (say, body) = Live::new();
    let url = format!("http://{}/stream-transcription", server.authority());
    (say, Request::post(url).body(body).unwrap())
}

pub(crate) fn event(text: &'static str) -> Bytes {
    EventMessage::new(text)
        .with_header(":message-type", "event")
        .with_header(":event-type", "AudioEvent")
        .encode()
        .unwrap()
}

fn say(producer: &Producer, text: &'static str) {
    producer.send(Ok(event(text))).unwrap();
}

fn after(seconds: u64) -> SystemTime {
    time::of_the_suite() + Duration::from_secs(seconds)
}

type Reader = EventStream<BoxBody<Bytes, BoxError>>;

async fn next(answer: &mut Reader) -> Option<String> {
    let message = soon("an event comes", answer.next()).await.unwrap()?;
    assert_eq!(message.event_type(), Some("Heard"));
    Some(String::from_utf8(message.payload().to_vec()).unwrap())
}

#[track_caller]
fn signing_error(error: &BoxError) -> &sigv4_core::Error {
    let outermost: &(dyn StdError + 'static) = &**error;
    std::iter::successors(Some(outermost), |&error| error.source())
        .find_map(|error| error.downcast_ref())
        .unwrap_or_else(|| panic!("{error:?} holds no error of sigv4-core"))
}

/// The answer begins before there is an event, and each event arrives, and is answered, before the
/// next is there.
pub(crate) async fn both_sides_talk_at_once(client: &impl Client) {
    let mut server = EventServer::start(client.version(), TALKS).await;
    let authorizer = builder(&server, "transcribe").build();
    let (producer, request) = open(&server);
    let answer = soon("an answer begins", client.send(&authorizer, request))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.extensions().get::<SigningReceipt>().is_some());
    let (by, over) = server.opened().await;
    assert_eq!(over, client.version());
    assert_eq!((&*by.service, &*by.date), ("transcribe", DATE));
    assert_eq!(by.unsigned_amz_headers, [""; 0]);

    let mut answer = EventStream::new(answer.into_body());
    for text in ["first", "second", "third"] {
        assert!(server.told_already().is_none());
        say(&producer, text);
        assert_eq!(server.heard().await, (text.to_owned(), after(0)));
        assert_eq!(next(&mut answer).await.as_deref(), Some(text));
    }

    // In whatever pieces: two at once, and one in halves.
    let (fourth, fifth, sixth) = (event("fourth"), event("fifth"), event("sixth"));
    let half = sixth.len() / 2;
    let pieces = [&fourth[..], &fifth, &sixth[..half]].concat();
    producer.send(Ok(pieces.into())).unwrap();
    for text in ["fourth", "fifth"] {
        assert_eq!(server.heard().await.0, text);
        assert_eq!(next(&mut answer).await.as_deref(), Some(text));
    }
    producer.send(Ok(sixth.slice(half..))).unwrap();
    assert_eq!(server.heard().await.0, "sixth");
    assert_eq!(next(&mut answer).await.as_deref(), Some("sixth"));

    drop(producer);
    assert_eq!(server.ended().await, after(0));
    assert_eq!(next(&mut answer).await, None);
}

/// A stream without events has its signed end.
pub(crate) async fn a_stream_without_events_has_an_end(client: &impl Client) {
    let mut server = EventServer::start(client.version(), TALKS).await;
    let authorizer = builder(&server, "bedrock").build();
    let (producer, request) = open(&server);
    drop(producer);
    let answer = soon("an answer begins", client.send(&authorizer, request))
        .await
        .unwrap();
    server.opened().await;
    server.ended().await;
    assert_eq!(next(&mut EventStream::new(answer.into_body())).await, None);
}

/// The service must not take what was broken off for what has ended.
pub(crate) async fn a_stream_that_breaks_off_has_no_end(client: &impl Client) {
    let disk = || Err(io::Error::other("the microphone is gone"));
    for last in [
        disk(),
        Ok(event("cut off").slice(..20)),
        Ok("no message".into()),
    ] {
        let mut server = EventServer::start(client.version(), TALKS).await;
        let authorizer = builder(&server, "transcribe").build();
        let (producer, request) = open(&server);
        let answer = soon("an answer begins", client.send(&authorizer, request))
            .await
            .unwrap();
        server.opened().await;
        let mut answer = EventStream::new(answer.into_body());
        say(&producer, "first");
        assert_eq!(server.heard().await.0, "first");
        assert_eq!(next(&mut answer).await.as_deref(), Some("first"));
        producer.send(last).unwrap();
        drop(producer);
        assert!(matches!(server.told().await, Told::BrokenOff));
        soon("an event comes", answer.next()).await.unwrap_err();
        assert!(server.told_already().is_none(), "and is not sent again");
    }
}

/// A length that a request declares is that of the plain messages. What they become is longer.
pub(crate) async fn a_stream_is_as_long_as_it_declared(client: &impl Client) {
    let length = event("first").len();
    for (declared, is_whole) in [(length, true), (length + 1, false)] {
        let mut server = EventServer::start(client.version(), TALKS).await;
        let authorizer = builder(&server, "transcribe").build();
        let (producer, mut request) = open(&server);
        let headers = request.headers_mut();
        headers.insert("content-length", declared.into());
        let answer = soon("an answer begins", client.send(&authorizer, request))
            .await
            .unwrap();
        server.opened().await;
        let _answer = answer;
        say(&producer, "first");
        if is_whole {
            // What completes it waits for its end.
            drop(producer);
            assert_eq!(server.heard().await.0, "first");
            server.ended().await;
        } else {
            assert_eq!(server.heard().await.0, "first");
            drop(producer);
            assert!(matches!(server.told().await, Told::BrokenOff));
        }
    }
}

/// A service that fails says so within its answer, which began with 200.
pub(crate) async fn an_exception_is_an_error(client: &impl Client) {
    let mut server = EventServer::start(client.version(), TALKS).await;
    let authorizer = builder(&server, "lex").build();
    let (producer, request) = open(&server);
    let answer = soon("an answer begins", client.send(&authorizer, request))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let mut answer = EventStream::new(answer.into_body());
    server.opened().await;
    say(&producer, "first");
    assert_eq!(next(&mut answer).await.as_deref(), Some("first"));
    say(&producer, "fail");
    let error = soon("an event comes", answer.next()).await.unwrap_err();
    assert_eq!(error.kind(), EventErrorKind::Exception);
    assert_eq!(error.exception_type(), Some("LimitExceededException"));
    let payload = error.payload().unwrap();
    assert_eq!(payload, r#"{"Message":"You said too much."}"#);
    assert!(
        soon("an event comes", answer.next())
            .await
            .unwrap()
            .is_none()
    );
}

/// Each event has its own date, and the key of its own day.
pub(crate) async fn midnight_passes(client: &impl Client) {
    let mut server = EventServer::start(client.version(), TALKS).await;
    let clock = TestClock::new();
    let authorizer = builder(&server, "polly").clock(clock.clone()).build();
    let (producer, request) = open(&server);
    let answer = soon("an answer begins", client.send(&authorizer, request))
        .await
        .unwrap();
    server.opened().await;
    let mut answer = EventStream::new(answer.into_body());
    // From 12:36:00 to 23:59:59, and on.
    let mut passed = 0;
    for seconds in [0, 41_039, 1, 86_400] {
        clock.advance(seconds);
        passed += seconds;
        say(&producer, "said");
        assert_eq!(server.heard().await.1, after(passed));
        assert_eq!(next(&mut answer).await.as_deref(), Some("said"));
    }
    clock.advance(86_400);
    drop(producer);
    assert_eq!(server.ended().await, after(passed + 86_400));
}

/// What an answer taught of the clock of a host holds for the events as well.
pub(crate) async fn the_clock_of_the_host_is_that_of_the_events(client: &impl Client) {
    const MANNERS: &[Manner] = &[
        Manner::Refuses("RequestTimeTooSkewed", TEN_MINUTES_AHEAD),
        Manner::Talks,
    ];
    let mut server = EventServer::start(client.version(), MANNERS).await;
    let clock = TestClock::new();
    let authorizer = builder(&server, "transcribe").clock(clock.clone()).build();
    let (producer, request) = open(&server);
    let answer = soon("an answer begins", client.send(&authorizer, request))
        .await
        .unwrap();
    assert_eq!(answer.status(), 403);
    assert_eq!(server.opened().await.0.time, after(0));
    // What was being said is not said again.
    assert!(server.told_already().is_none());
    drop((producer, answer));
    while !matches!(server.told().await, Told::Closed | Told::BrokenOff) {}

    let (producer, request) = open(&server);
    let answer = soon("an answer begins", client.send(&authorizer, request))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(server.opened().await.0.time, after(600));
    say(&producer, "first");
    assert_eq!(server.heard().await.1, after(600));
    clock.advance(60);
    say(&producer, "second");
    assert_eq!(server.heard().await.1, after(660));
    drop(producer);
    assert_eq!(server.ended().await, after(660));
}

/// Hands out other credentials each time it is asked, and takes two seconds for it: a cache does not
/// ask more often than once a second.
#[derive(Clone, Debug)]
struct Rotating {
    calls: Arc<AtomicU64>,
    clock: TestClock,
}

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let id = format!("AKID{}", self.calls.fetch_add(1, Ordering::SeqCst) + 1);
        self.clock.advance(2);
        let secret = secret_of(&id);
        future::ProvideCredentials::ready(Ok(aws_credential_types::Credentials::new(
            id, secret, None, None, "rotating",
        )))
    }
}

/// Makes an authorizer whose credentials, in the cache beside it, can be replaced.
pub(crate) fn rotating(server: &EventServer) -> (Authorizer, CredentialsCache) {
    let rotating = Rotating {
        calls: Arc::default(),
        clock: TestClock::new(),
    };
    let clock = rotating.clock.clone();
    let cache = CredentialsCache::builder(rotating).clock(clock).build();
    let signer = Signer::builder("transcribe", "us-east-1").build().unwrap();
    let authorizer = signed_by(signer, cache.clone(), server).build();
    (authorizer, cache)
}

/// A stream goes on with the credentials that it began with, whatever becomes of them elsewhere.
pub(crate) async fn credentials_stay_for_the_whole_stream(client: &impl Client) {
    let mut server = EventServer::start(client.version(), TALKS).await;
    let (authorizer, cache) = rotating(&server);

    let (producer, request) = open(&server);
    let _answer = soon("an answer begins", client.send(&authorizer, request))
        .await
        .unwrap();
    assert_eq!(server.opened().await.0.access_key_id, "AKID1");
    say(&producer, "first");
    assert_eq!(server.heard().await.0, "first");

    let generation = cache.last().unwrap().generation();
    let replaced = cache.replace(generation).await.unwrap();
    assert_eq!(replaced.credentials().access_key_id(), "AKID2");
    say(&producer, "second");
    assert_eq!(server.heard().await.0, "second");
    drop(producer);
    server.ended().await;

    let (producer, request) = open(&server);
    let _answer = soon("an answer begins", client.send(&authorizer, request))
        .await
        .unwrap();
    assert_eq!(server.opened().await.0.access_key_id, "AKID2");
    say(&producer, "first of these");
    assert_eq!(server.heard().await.0, "first of these");
}

/// For one request: events, another service and another region.
pub(crate) async fn overrides_reach_the_events(client: &impl Client) {
    let mut server = EventServer::start(client.version(), TALKS).await;
    let builder = builder(&server, "sqs").payload(PayloadMode::Hashed);
    let authorizer = builder.build();
    let (producer, mut request) = open(&server);
    let overrides = SigningOverrides::new()
        .service("transcribe")
        .and_then(|overrides| overrides.region("eu-central-1"))
        .unwrap()
        .payload(PayloadMode::Events);
    request.extensions_mut().insert(overrides);
    let answer = soon("an answer begins", client.send(&authorizer, request))
        .await
        .unwrap();
    let (by, _) = server.opened().await;
    assert_eq!((&*by.service, &*by.region), ("transcribe", "eu-central-1"));
    let mut answer = EventStream::new(answer.into_body());
    say(&producer, "said");
    assert_eq!(server.heard().await.0, "said");
    assert_eq!(next(&mut answer).await.as_deref(), Some("said"));
    drop(producer);
    server.ended().await;
}

/// Nothing goes out of what cannot be signed, nor of what is signed already.
pub(crate) async fn what_cannot_be_signed_is_not_sent(client: &impl Client) {
    let mut server = EventServer::start(client.version(), TALKS).await;
    let plain = |service: &str| Signer::builder(service, "us-east-1");
    let sigv4a = |backend| plain("transcribe").sigv4a(backend);
    for (name, signer, header, remedy) in [
        ("no such service", plain("sqs"), None, "signing rules"),
        (
            "nothing covered",
            plain("vpc-lattice-svcs"),
            None,
            "signing rules",
        ),
        (
            "p256",
            sigv4a(EcdsaBackend::P256),
            None,
            "a signer of SigV4",
        ),
        (
            "ring",
            sigv4a(EcdsaBackend::Ring),
            None,
            "a signer of SigV4",
        ),
        (
            "signed events",
            plain("transcribe"),
            Some(("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-EVENTS")),
            "send it plain",
        ),
        (
            "chunks",
            plain("transcribe"),
            Some(("content-encoding", "gzip, AWS-Chunked")),
            "send it plain",
        ),
    ] {
        let cache = CredentialsCache::new(secrets::credentials());
        let authorizer = signed_by(signer.build().unwrap(), cache, &server).build();
        let (producer, mut request) = open(&server);
        if let Some((name, value)) = header {
            let value = value.parse().unwrap();
            request.headers_mut().insert(name, value);
        }
        let error = soon("an answer begins", client.send(&authorizer, request))
            .await
            .unwrap_err();
        let error = signing_error(&error);
        assert_eq!(error.kind(), ErrorKind::Payload, "{name}");
        assert!(error.to_string().contains(remedy), "{name}: {error}");
        drop(producer);
    }
    assert!(server.told_already().is_none());
}

/// Neither while it is being produced, nor when it has all been said. What the refusal taught holds
/// for the next.
pub(crate) async fn a_refused_stream_is_not_sent_again(client: &impl Client) {
    const EARLY: &[Manner] = &[Manner::Refuses("ExpiredToken", ON_TIME), Manner::Talks];
    const LATE: &[Manner] = &[
        Manner::RefusesAtTheEnd("ExpiredToken", ON_TIME),
        Manner::Talks,
    ];
    for manners in [EARLY, LATE] {
        let mut server = EventServer::start(client.version(), manners).await;
        let (authorizer, cache) = rotating(&server);
        let (producer, request) = open(&server);
        say(&producer, "said once");
        let producer = Some(producer).filter(|_| manners == EARLY);
        let answer = soon("an answer begins", client.send(&authorizer, request))
            .await
            .unwrap();
        assert_eq!(answer.status(), 403, "and not that of a second request");
        assert_eq!(server.opened().await.0.access_key_id, "AKID1");
        drop((producer, answer));
        while !matches!(server.told().await, Told::Closed | Told::BrokenOff) {}

        let is_replaced = || cache.last().is_some_and(|last| last.generation() == 2);
        until("the credentials are replaced", is_replaced).await;
        let (producer, request) = open(&server);
        let answer = soon("an answer begins", client.send(&authorizer, request))
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(server.opened().await.0.access_key_id, "AKID2");
        say(&producer, "said");
        assert_eq!(server.heard().await.0, "said");
    }
}
