//! Event streams that are signed as they pass, judged by `aws-sigv4` and `aws-smithy-eventstream`.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use aws_sigv4::event_stream;
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_types::event_stream::Header;
use aws_smithy_types::event_stream::Message;
use bytes::Bytes;
use http_body::Body;
use proptest::collection::vec;
use proptest::prelude::*;
use sigv4_core::Error;
use sigv4_core::ErrorKind;
use sigv4_core::EventError;
use sigv4_core::EventErrorKind;
use sigv4_core::EventMessage;
use sigv4_core::EventSigner;
use sigv4_core::SignedEvents;
use sigv4_core::Signer;
use sigv4_tests::secrets;

use crate::event_pieces::BoxError;
use crate::event_pieces::Piece;
use crate::event_pieces::Pieces;
use crate::event_pieces::cases;
use crate::event_pieces::cut;
use crate::event_pieces::lengths;
use crate::event_pieces::message;
use crate::event_pieces::ours;
use crate::event_pieces::read;
use crate::event_pieces::written;
use crate::fixture::REGION;

const SERVICE: &str = "transcribe";
const SEED: &str = "e1d8e8c8815e60969f2a34765c9a15945ffc0badbaa4b7e3b163ea19131e949b";

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn what_passes_is_signed_as_aws_sigv4_signs_it(
        messages in vec(message(), 0..6),
        lengths in lengths(),
        times in vec(times(), 1..7),
    ) {
        let octets: Vec<u8> = messages.iter().flat_map(written).collect();
        let (envelopes, error) = all(body(cut(octets.into(), &lengths), times.clone()));
        prop_assert!(error.is_none(), "{:?}", error);
        prop_assert_eq!(envelopes.len(), messages.len() + 1, "one for each and the end");

        let identity = identity();
        let mut previous = SEED.to_owned();
        for (at, envelope) in envelopes.iter().enumerate() {
            let params = v4::SigningParams::builder()
                .identity(&identity)
                .region(REGION)
                .name(SERVICE)
                .time(times[at % times.len()])
                .settings(())
                .build()
                .unwrap();
            let expected = match messages.get(at) {
                Some(message) => event_stream::sign_message(message, &previous, &params),
                None => event_stream::sign_empty_message(&previous, &params),
            };
            let (expected, signature) = expected.unwrap().into_parts();
            let envelope = read(envelope);
            prop_assert_eq!(sorted(&envelope), sorted(&expected));
            prop_assert_eq!(envelope.payload(), expected.payload());
            if let Some(message) = messages.get(at) {
                prop_assert_eq!(&read(envelope.payload()), message);
            }
            previous = signature;
        }
    }

    #[test]
    fn a_message_is_written_and_read_as_by_aws_smithy_eventstream(message in message()) {
        let encoded = written(&message);
        prop_assert_eq!(ours(&message).encode().unwrap(), &encoded);
        prop_assert_eq!(&read(&ours(&message).encode().unwrap()), &message);
        prop_assert_eq!(EventMessage::decode(encoded).unwrap(), ours(&message));
    }
}

/// Instants around midnights, in any order.
fn times() -> impl Strategy<Value = SystemTime> {
    (16_000..16_003_u64, -3..3_i64, 0..1000_u64).prop_map(|(day, seconds, millis)| {
        let midnight = UNIX_EPOCH + Duration::from_secs(day * 86_400);
        let moved = Duration::from_secs(seconds.unsigned_abs());
        let time = if seconds < 0 {
            midnight - moved
        } else {
            midnight + moved
        };
        time + Duration::from_millis(millis)
    })
}

#[test]
fn a_message_is_passed_on_before_there_is_more() {
    let (first, second) = (encoded("first"), encoded("second"));
    let half = second.len() / 2;
    let pieces = [
        Piece::Data(first.slice(..5)),
        Piece::Later,
        Piece::Data(first.slice(5..)),
        Piece::Data(second.slice(..half)),
        Piece::Later,
        Piece::Data(Bytes::from([&second[half..], &first, &second].concat())),
    ];
    let mut body = body(pieces, vec![UNIX_EPOCH]);
    // `None` where there is nothing yet, and how often the body inside was asked by then.
    assert!(polled(&mut body).is_none());
    assert_eq!(body_asked(), 2);
    assert_eq!(polled(&mut body), Some(first.clone()));
    assert_eq!(body_asked(), 3, "not asked beyond the first message");
    assert!(polled(&mut body).is_none());
    assert_eq!(body_asked(), 5);
    for message in [&second, &first, &second] {
        assert_eq!(polled(&mut body).as_ref(), Some(message));
        assert_eq!(body_asked(), 6, "one at a time");
        assert!(!body.is_end_stream());
    }
    assert_eq!(polled(&mut body), Some(Bytes::new()), "the end");
    assert!(body.is_end_stream());
    assert_eq!(
        (body.size_hint().lower(), body.size_hint().upper()),
        (0, None)
    );
}

#[test]
fn an_empty_body_is_an_empty_stream() {
    let body = body([], vec![UNIX_EPOCH]);
    assert!(!body.is_end_stream(), "a client would send nothing at all");
    let (envelopes, error) = all(body);
    assert!(error.is_none());
    assert_eq!(envelopes.len(), 1);
    assert!(read(&envelopes[0]).payload().is_empty());
}

#[test]
fn nothing_comes_behind_an_error() {
    let good = encoded("good");
    let mut tampered = good.to_vec();
    tampered[20] ^= 1;
    let bad = Bytes::from(tampered);
    let data = |bytes: &Bytes| Piece::Data(bytes.clone());
    let (event, checksum) = (ErrorKind::EventStream, EventErrorKind::Checksum);
    for (name, pieces, passed, kind, cause) in [
        (
            "tampered with",
            vec![data(&good), data(&bad), data(&good)],
            1,
            event,
            Some(checksum),
        ),
        (
            "not a message",
            vec![
                data(&good),
                Piece::Data("POST / HTTP/1.1".into()),
                data(&good),
            ],
            1,
            event,
            Some(EventErrorKind::Prelude),
        ),
        (
            "cut off",
            vec![data(&good), Piece::Data(good.slice(..good.len() - 1))],
            1,
            event,
            Some(EventErrorKind::Truncated),
        ),
        (
            "cut off early",
            vec![Piece::Data(good.slice(..1))],
            0,
            event,
            Some(EventErrorKind::Truncated),
        ),
        (
            "beyond the limit",
            vec![data(&encoded(&"a".repeat(200))), data(&good)],
            0,
            event,
            Some(EventErrorKind::TooLarge),
        ),
        (
            "with trailers",
            vec![data(&good), Piece::Trailers],
            1,
            ErrorKind::Trailers,
            None,
        ),
    ] {
        let body = body(pieces, vec![UNIX_EPOCH]).message_limit(150);
        let (envelopes, error) = all(body);
        assert_eq!(envelopes.len(), passed, "{name}");
        assert!(
            envelopes.iter().all(|it| !read(it).payload().is_empty()),
            "{name}"
        );
        let error = error.unwrap();
        let error = error.downcast_ref::<Error>().unwrap();
        assert_eq!(error.kind(), kind, "{name}");
        let source = std::error::Error::source(error);
        let source = source.and_then(|source| source.downcast_ref::<EventError>());
        assert_eq!(source.map(EventError::kind), cause, "{name}");
    }
}

#[test]
fn the_error_of_the_body_is_passed_on() {
    let pieces = [
        Piece::Data(encoded("good")),
        Piece::Fails,
        Piece::Data(encoded("good")),
    ];
    let (envelopes, error) = all(body(pieces, vec![UNIX_EPOCH]));
    assert_eq!(envelopes.len(), 1);
    assert_eq!(error.unwrap().to_string(), "the connection broke");
}

#[test]
fn a_clock_before_1970_is_an_error() {
    let before = UNIX_EPOCH - Duration::from_secs(1);
    for (pieces, times, passed) in [
        (vec![Piece::Data(encoded("message"))], vec![before], 0),
        // The end has a date, too.
        (
            vec![Piece::Data(encoded("message"))],
            vec![UNIX_EPOCH, before],
            1,
        ),
    ] {
        let (envelopes, error) = all(body(pieces, times));
        assert_eq!(envelopes.len(), passed);
        let error = error.unwrap();
        let error = error.downcast_ref::<Error>().unwrap();
        assert_eq!(error.kind(), ErrorKind::Time);
    }
}

#[test]
fn the_adapters_go_wherever_their_bodies_go() {
    fn check<T: Send + Sync + Unpin + 'static>() {}
    check::<EventSigner>();
    check::<SignedEvents<Pieces>>();
    check::<sigv4_core::EventStream<Pieces>>();
}

#[test]
fn shows_no_secret() {
    let mut signer = signer();
    let envelope = signer.sign_message(&encoded("said"), UNIX_EPOCH).unwrap();
    let message = EventMessage::decode(envelope).unwrap();
    let body = SignedEvents::new(Pieces::new([]), signer, || UNIX_EPOCH);
    let signature = read(&message.encode().unwrap()).headers()[1]
        .value()
        .clone();
    let signature = signature.as_byte_array().unwrap().clone();
    let hex = signature.iter().map(|byte| format!("{byte:02x}"));
    let headers: Vec<_> = message.headers().collect();
    let text = format!("{body:?} {message:?} {headers:?}");
    secrets::assert_no_secret_nor(&text, &[&hex.collect::<String>(), SEED]);
    let shown: Vec<_> = headers.iter().map(|it| format!("{it:?}")).collect();
    assert_eq!(
        shown,
        [
            r#"(":date", Timestamp(0))"#,
            r#"(":chunk-signature", Bytes(32 bytes))"#
        ]
    );
    let said = EventMessage::new("said").with_header("who", "a user");
    let text = format!("{said:?} {:?}", said.header("who"));
    assert_eq!(
        text,
        r#"EventMessage { headers: ["who"], payload: 4 bytes } Some(String(6 bytes))"#
    );
}

fn encoded(payload: &str) -> Bytes {
    EventMessage::new(payload.to_owned())
        .with_header(":event-type", "AudioEvent")
        .encode()
        .unwrap()
}

fn signer() -> EventSigner {
    let signer = Signer::builder(SERVICE, REGION).build().unwrap();
    EventSigner::new(&signer, &secrets::credentials(), SEED).unwrap()
}

/// A body of signed events that have these dates in turn.
fn body(pieces: impl IntoIterator<Item = Piece>, times: Vec<SystemTime>) -> SignedEvents<Counted> {
    ASKED.with(|asked| asked.store(0, Ordering::Relaxed));
    let turn = AtomicUsize::new(0);
    let now = move || times[turn.fetch_add(1, Ordering::Relaxed) % times.len()];
    SignedEvents::new(Counted(Pieces::new(pieces)), signer(), now)
}

thread_local! {
    static ASKED: AtomicUsize = const { AtomicUsize::new(0) };
}

/// How often the body inside has been asked, of the body that this thread made last.
fn body_asked() -> usize {
    ASKED.with(|asked| asked.load(Ordering::Relaxed))
}

struct Counted(Pieces);

impl Body for Counted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        ASKED.with(|asked| asked.fetch_add(1, Ordering::Relaxed));
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}

/// Asks a body once; gives the payload of the envelope.
fn polled(body: &mut SignedEvents<Counted>) -> Option<Bytes> {
    let mut cx = Context::from_waker(Waker::noop());
    match Pin::new(body).poll_frame(&mut cx) {
        Poll::Pending => None,
        Poll::Ready(frame) => {
            let data = frame.unwrap().unwrap().into_data().unwrap();
            Some(read(&data).payload().clone())
        }
    }
}

/// Reads a body to its end, which is behind its first error.
fn all(mut body: SignedEvents<Counted>) -> (Vec<Bytes>, Option<BoxError>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut envelopes = Vec::new();
        let mut next = async || poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let error = loop {
            match next().await {
                Some(Ok(frame)) => envelopes.push(frame.into_data().unwrap()),
                Some(Err(error)) => break Some(error),
                None => break None,
            }
        };
        assert!(next().await.is_none());
        assert!(body.is_end_stream());
        (envelopes, error)
    })
}

fn identity() -> Identity {
    let (id, secret) = (secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
    aws_credential_types::Credentials::new(id, secret, None, None, "tests").into()
}

/// The headers of an envelope; their order is up to the sender.
fn sorted(message: &Message) -> Vec<Header> {
    let mut headers = message.headers().to_vec();
    headers.sort_by(|a, b| a.name().as_str().cmp(b.name().as_str()));
    headers
}
