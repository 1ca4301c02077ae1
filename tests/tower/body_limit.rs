//! A body that is to be hashed is held up to the limit and not a byte beyond it.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::SigningOverrides;
use sigv4_tower::SigV4;
use tower::ServiceExt;

use crate::doubles::Recorder;
use crate::fixture::builder;
use crate::fixture::signing_error;
use crate::shared::body::Pieces;
use crate::shared::body::Step;

const HOST: &str = "bucket.s3.us-east-1.amazonaws.com";

/// Signs a body with a limit of ten bytes.
async fn signed(request: Request<Pieces>) -> Result<(), ErrorKind> {
    let client = Recorder::new();
    let authorizer = builder("s3", HOST).body_limit(10).build();
    let answer = SigV4::new(client.clone(), authorizer)
        .oneshot(request)
        .await;
    assert_eq!(client.calls(), usize::from(answer.is_ok()));
    answer
        .map(drop)
        .map_err(|error| signing_error(&error).kind())
}

fn put(body: Pieces) -> Request<Pieces> {
    Request::put(format!("https://{HOST}/key"))
        .body(body)
        .unwrap()
}

#[tokio::test]
async fn takes_as_many_bytes_as_the_limit_says_and_none_more() {
    for (pieces, result) in [
        (&["0123456789"][..], Ok(())),
        (&["01234", "56789", ""], Ok(())),
        (&["0123456789a"], Err(ErrorKind::BodyTooLarge)),
        (&["0123456789", "a"], Err(ErrorKind::BodyTooLarge)),
    ] {
        assert_eq!(
            signed(put(Pieces::of(pieces.iter().copied()))).await,
            result,
            "{pieces:?}"
        );
    }
}

#[tokio::test]
async fn does_not_begin_to_read_what_is_known_to_be_too_long() {
    let never_read = Pieces::default().then(Step::Failure);
    for body in [
        never_read.clone().announcing(11),
        never_read.clone().announcing_at_least(11),
    ] {
        assert_eq!(signed(put(body)).await, Err(ErrorKind::BodyTooLarge));
    }

    let mut declared = put(never_read);
    declared
        .headers_mut()
        .insert("content-length", "11".parse().unwrap());
    assert_eq!(signed(declared).await, Err(ErrorKind::BodyTooLarge));
}

#[tokio::test]
async fn stops_reading_at_the_limit() {
    let more = Pieces::of(["0123456789", "a"]).then(Step::Failure);
    assert_eq!(signed(put(more)).await, Err(ErrorKind::BodyTooLarge));
}

#[tokio::test]
async fn lets_a_body_pass_that_is_not_hashed() {
    for mode in [PayloadMode::Unsigned, PayloadMode::Sha256([7; 32])] {
        let mut request = put(Pieces::of(["0123456789", "a"]));
        request
            .extensions_mut()
            .insert(SigningOverrides::new().payload(mode));
        assert_eq!(signed(request).await, Ok(()), "{mode:?}");
    }
}

#[tokio::test]
async fn is_ten_mebibytes_unless_told_otherwise() {
    const LIMIT: usize = 10 * 1024 * 1024;
    for (length, kind) in [(LIMIT, None), (LIMIT + 1, Some(ErrorKind::BodyTooLarge))] {
        let body = Full::new(Bytes::from(vec![0; length]));
        let request = Request::put(format!("https://{HOST}/key"))
            .body(body)
            .unwrap();
        let client = SigV4::new(Recorder::new(), builder("s3", HOST).build());
        let answer = client.oneshot(request).await;
        assert_eq!(answer.err().map(|error| signing_error(&error).kind()), kind);
    }
}
