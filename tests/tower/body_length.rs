//! A body that is longer or shorter than was said never goes out as a valid request.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::Method;
use http::Request;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::AwsChunked;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::SigningOverrides;
use tower::ServiceExt;

use crate::fixture::authorizer;
use crate::fixture::signing;
use crate::fixture::signing_error;
use crate::shared::body::Pieces;
use crate::shared::body::Step;
use crate::shared::body::wrong_bodies;
use crate::shared::peer::Peer;
use crate::shared::peer::Received;

/// Sends a body to S3 and returns why that failed, and what came over the wire all the same.
async fn refused(
    declared: Option<&str>,
    mode: PayloadMode,
    body: Pieces,
) -> (Result<(), ErrorKind>, Vec<Received>) {
    let peer = Peer::start().await;
    let authority = peer.authority();
    let client = async move {
        let mut request = Request::put(format!("http://{authority}/bucket/key"));
        if let Some(declared) = declared {
            request = request.header("content-length", declared);
        }
        let request = request
            .extension(SigningOverrides::new().payload(mode))
            .body(body)
            .unwrap();
        let client = signing(authorizer("s3", &authority));
        let answer = client.oneshot(request).await;
        answer
            .map(drop)
            .map_err(|error| signing_error(&error).kind())
    };
    peer.observe(client).await
}

#[tokio::test]
async fn nothing_is_sent_of_a_body_that_was_read_to_be_hashed() {
    for (name, body) in wrong_bodies() {
        let (answer, received) = refused(Some("5"), PayloadMode::Hashed, body).await;
        assert_eq!(answer, Err(ErrorKind::BodyLength), "{name}");
        assert_eq!(received, [], "{name}");
    }
}

#[tokio::test]
async fn nothing_is_read_beyond_what_was_declared() {
    let body = Pieces::of(["hello", "!"]).then(Step::Failure);
    let (answer, received) = refused(Some("5"), PayloadMode::Hashed, body).await;
    assert_eq!(answer, Err(ErrorKind::BodyLength));
    assert_eq!(received, []);
}

#[tokio::test]
async fn a_stream_is_broken_off() {
    let hash = Sha256::digest(b"hello").into();
    for mode in [PayloadMode::Unsigned, PayloadMode::Sha256(hash)] {
        for (name, body) in wrong_bodies() {
            for body in [body.clone(), body.announcing(5)] {
                let (answer, received) = refused(Some("5"), mode, body.clone()).await;
                assert_eq!(answer, Err(ErrorKind::BodyLength), "{name}");
                assert!(
                    !received.iter().any(Received::is_whole),
                    "{name}: {received:?}"
                );

                let (answer, received) = refused(None, mode, body.announcing(5)).await;
                assert_eq!(answer, Err(ErrorKind::BodyLength), "{name}, announced");
                assert!(
                    !received.iter().any(Received::is_whole),
                    "{name}: {received:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_body_of_which_it_is_said_that_there_is_none_is_not_left_out() {
    for mode in [PayloadMode::Hashed, PayloadMode::Unsigned] {
        for body in [
            Pieces::of(["hello"]),
            Pieces::of(["hello"]).announcing(0),
            Pieces::default()
                .then(Step::Pause)
                .then(Step::Data("hello".into())),
        ] {
            let (answer, received) = refused(Some("0"), mode, body).await;
            assert_eq!(answer, Err(ErrorKind::BodyLength), "{mode:?}");
            assert!(
                !received.iter().any(Received::is_whole),
                "{mode:?}: {received:?}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_where_header_and_body_contradict_each_other() {
    for mode in [PayloadMode::Hashed, PayloadMode::Unsigned] {
        for (declared, body) in [
            ("6", Pieces::of(["hello"]).announcing(5)),
            ("5, 6", Pieces::of(["hello"])),
            ("five", Pieces::of(["hello"])),
            ("+5", Pieces::of(["hello"])),
            ("", Pieces::of(["hello"])),
        ] {
            let (answer, received) = refused(Some(declared), mode, body).await;
            assert_eq!(answer, Err(ErrorKind::BodyLength), "{declared} {mode:?}");
            assert_eq!(received, [], "{declared} {mode:?}");
        }
    }
}

#[tokio::test]
async fn trailers_are_refused() {
    for body in [
        Pieces::of(["hello"]).then(Step::Trailers),
        Pieces::default().then(Step::Trailers),
        Pieces::of(["hello"])
            .then(Step::Pause)
            .then(Step::Trailers)
            .announcing(5),
    ] {
        let (answer, received) = refused(None, PayloadMode::Hashed, body.clone()).await;
        assert_eq!(answer, Err(ErrorKind::Trailers));
        assert_eq!(received, []);

        let (answer, received) = refused(None, PayloadMode::Unsigned, body).await;
        assert_eq!(answer, Err(ErrorKind::Trailers));
        assert!(!received.iter().any(Received::is_whole), "{received:?}");
    }
}

#[tokio::test]
async fn a_body_that_fails_is_not_sent() {
    let body = Pieces::of(["hello"]).then(Step::Failure);
    let (answer, received) = refused(None, PayloadMode::Hashed, body).await;
    assert_eq!(answer, Err(ErrorKind::BodyRead));
    assert_eq!(received, []);
}

/// Clients of HTTP/1.1 leave such a body out, and the request would go out as a whole one.
#[tokio::test]
async fn a_stream_under_get_has_a_known_length() {
    let hash = Sha256::digest("hello").into();
    for method in [Method::GET, Method::HEAD] {
        for mode in [PayloadMode::Unsigned, PayloadMode::Sha256(hash)] {
            let peer = Peer::start().await;
            let authority = peer.authority();
            let request = Request::builder()
                .method(&method)
                .uri(format!("http://{authority}/bucket/key"))
                .extension(SigningOverrides::new().payload(mode))
                .body(Pieces::of(["hello"]))
                .unwrap();
            let client = signing(authorizer("s3", &authority));
            let (answer, received) = peer.observe(client.oneshot(request)).await;
            let kind = signing_error(&answer.unwrap_err()).kind();
            assert_eq!(kind, ErrorKind::LengthRequired, "{method} {mode:?}");
            assert_eq!(received, []);
        }
    }
}

/// Says that it has ended, and how long it is.
struct Contradiction;

impl Body for Contradiction {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data("hello".into()))))
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(5)
    }
}

#[tokio::test]
async fn a_body_that_contradicts_itself_is_refused() {
    let chunks = PayloadMode::AwsChunked(AwsChunked::signed());
    for mode in [PayloadMode::Hashed, PayloadMode::Unsigned, chunks] {
        let peer = Peer::start().await;
        let authority = peer.authority();
        let request = Request::put(format!("http://{authority}/bucket/key"))
            .extension(SigningOverrides::new().payload(mode))
            .body(Contradiction)
            .unwrap();
        let client = signing(authorizer("s3", &authority));
        let (answer, received) = peer.observe(client.oneshot(request)).await;
        let kind = signing_error(&answer.unwrap_err()).kind();
        assert_eq!(kind, ErrorKind::BodyLength, "{mode:?}");
        assert_eq!(received, []);
    }
}
