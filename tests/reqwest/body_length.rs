//! A body that is longer or shorter than was said never goes out as a valid request.

use reqwest::Body;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::SigningOverrides;

use crate::fixture::WAYS;
use crate::fixture::Way;
use crate::fixture::authorizer;
use crate::fixture::client;
use crate::fixture::signing_kind;
use crate::shared::body::Pieces;
use crate::shared::body::Step;
use crate::shared::body::wrong_bodies;
use crate::shared::peer::Peer;
use crate::shared::peer::Received;

/// Sends a body to S3 and returns why that failed, and what came over the wire all the same.
async fn refused(
    way: Way,
    declared: Option<&str>,
    mode: PayloadMode,
    body: Body,
) -> (Result<(), ErrorKind>, Vec<Received>) {
    let peer = Peer::start().await;
    let authority = peer.authority();
    let sent = async move {
        let mut request = client().put(format!("http://{authority}/bucket/key"));
        if let Some(declared) = declared {
            request = request.header("content-length", declared);
        }
        let request = request.body(body).build().unwrap();
        let overrides = SigningOverrides::new().payload(mode);
        let answer = way
            .send(&authorizer("s3", &authority), request, Some(overrides))
            .await;
        answer.map(drop).map_err(|error| signing_kind(&error))
    };
    peer.observe(sent).await
}

#[tokio::test]
async fn nothing_is_sent_of_a_body_that_was_read_to_be_hashed() {
    for way in WAYS {
        for (name, body) in wrong_bodies() {
            let body = Body::wrap(body);
            let (answer, received) = refused(way, Some("5"), PayloadMode::Hashed, body).await;
            assert_eq!(answer, Err(ErrorKind::BodyLength), "{name}");
            assert_eq!(received, [], "{name}");
        }
        for body in ["", "hell", "hello!"] {
            let (answer, received) =
                refused(way, Some("5"), PayloadMode::Hashed, body.into()).await;
            assert_eq!(answer, Err(ErrorKind::BodyLength), "{body}");
            assert_eq!(received, [], "{body}");
        }
    }
}

#[tokio::test]
async fn a_stream_is_broken_off() {
    let hash = Sha256::digest(b"hello").into();
    for way in WAYS {
        for mode in [PayloadMode::Unsigned, PayloadMode::Sha256(hash)] {
            for (name, body) in wrong_bodies() {
                let silent = Body::wrap(body.clone());
                let (answer, received) = refused(way, Some("5"), mode, silent).await;
                assert_eq!(answer, Err(ErrorKind::BodyLength), "{name}");
                assert!(
                    !received.iter().any(Received::is_whole),
                    "{name}: {received:?}"
                );

                for declared in [Some("5"), None] {
                    let announcing = Body::wrap(body.clone().announcing(5));
                    let (answer, received) = refused(way, declared, mode, announcing).await;
                    assert_eq!(answer, Err(ErrorKind::BodyLength), "{name}, announced");
                    assert!(
                        !received.iter().any(Received::is_whole),
                        "{name}: {received:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_body_of_which_it_is_said_that_there_is_none_is_not_left_out() {
    for way in WAYS {
        for mode in [PayloadMode::Hashed, PayloadMode::Unsigned] {
            for body in [
                Pieces::of(["hello"]),
                Pieces::of(["hello"]).announcing(0),
                Pieces::default()
                    .then(Step::Pause)
                    .then(Step::Data("hello".into())),
            ] {
                let (answer, received) = refused(way, Some("0"), mode, Body::wrap(body)).await;
                assert_eq!(answer, Err(ErrorKind::BodyLength), "{mode:?}");
                assert!(
                    !received.iter().any(Received::is_whole),
                    "{mode:?}: {received:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_where_header_and_body_contradict_each_other() {
    for way in WAYS {
        for mode in [PayloadMode::Hashed, PayloadMode::Unsigned] {
            for (declared, body) in [
                ("6", Body::from("hello")),
                ("6", Body::wrap(Pieces::of(["hello"]).announcing(5))),
                ("5, 6", Body::from("hello")),
                ("five", Body::from("hello")),
            ] {
                let (answer, received) = refused(way, Some(declared), mode, body).await;
                assert_eq!(answer, Err(ErrorKind::BodyLength), "{declared} {mode:?}");
                assert_eq!(received, [], "{declared} {mode:?}");
            }
        }
    }
}

#[tokio::test]
async fn trailers_are_refused() {
    for way in WAYS {
        let body = || Body::wrap(Pieces::of(["hello"]).then(Step::Trailers));
        let (answer, received) = refused(way, None, PayloadMode::Hashed, body()).await;
        assert_eq!(answer, Err(ErrorKind::Trailers));
        assert_eq!(received, []);

        let (answer, received) = refused(way, None, PayloadMode::Unsigned, body()).await;
        assert_eq!(answer, Err(ErrorKind::Trailers));
        assert!(!received.iter().any(Received::is_whole), "{received:?}");
    }
}

#[tokio::test]
async fn a_body_that_fails_is_not_sent() {
    for way in WAYS {
        let body = Body::wrap(Pieces::of(["hello"]).then(Step::Failure));
        let (answer, received) = refused(way, None, PayloadMode::Hashed, body).await;
        assert_eq!(answer, Err(ErrorKind::BodyRead));
        assert_eq!(received, []);
    }
}

/// Clients of HTTP/1.1 leave such a body out, and the request would go out as a whole one.
#[tokio::test]
async fn a_stream_under_get_has_a_known_length() {
    let hash = Sha256::digest("hello").into();
    for way in WAYS {
        for mode in [PayloadMode::Unsigned, PayloadMode::Sha256(hash)] {
            let peer = Peer::start().await;
            let authority = peer.authority();
            let body = Body::wrap(Pieces::of(["hello"]));
            let request = client().get(format!("http://{authority}/bucket/key"));
            let request = request.body(body).build().unwrap();
            let overrides = SigningOverrides::new().payload(mode);
            let authorizer = authorizer("s3", &authority);
            let (answer, received) = peer
                .observe(way.send(&authorizer, request, Some(overrides)))
                .await;
            let kind = signing_kind(&answer.unwrap_err());
            assert_eq!(kind, ErrorKind::LengthRequired, "{mode:?}");
            assert_eq!(received, []);
        }
    }
}
