//! A stream that is to be hashed is held up to the limit and not a byte beyond it.

use reqwest::Body;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::SigningOverrides;
use sigv4_reqwest::ErrorKind as ReqwestErrorKind;

use crate::fixture::builder;
use crate::fixture::client;
use crate::shared::body::Pieces;
use crate::shared::body::Step;

const HOST: &str = "s3.us-east-1.amazonaws.com";

/// Signs a body with a limit of ten bytes.
async fn signed(
    body: impl Into<Body>,
    declared: Option<&str>,
    mode: PayloadMode,
) -> Result<(), ErrorKind> {
    let mut request = client().put(format!("https://{HOST}/key"));
    if let Some(declared) = declared {
        request = request.header("content-length", declared);
    }
    let mut request = request.body(body).build().unwrap();
    let authorizer = builder("s3", HOST).body_limit(10).build();
    let overrides = SigningOverrides::new().payload(mode);
    let signed = sigv4_reqwest::sign(&authorizer, &mut request, Some(&overrides)).await;
    signed.map(drop).map_err(|error| match error.kind() {
        ReqwestErrorKind::Signing(kind) => kind,
        kind => panic!("{kind:?} is none of signing"),
    })
}

#[tokio::test]
async fn takes_as_many_bytes_as_the_limit_says_and_none_more() {
    for (pieces, result) in [
        (&["0123456789"][..], Ok(())),
        (&["01234", "56789", ""], Ok(())),
        (&["0123456789a"], Err(ErrorKind::BodyTooLarge)),
        (&["0123456789", "a"], Err(ErrorKind::BodyTooLarge)),
    ] {
        let body = Body::wrap(Pieces::of(pieces.iter().copied()));
        assert_eq!(
            signed(body, None, PayloadMode::Hashed).await,
            result,
            "{pieces:?}"
        );
    }
}

#[tokio::test]
async fn does_not_begin_to_read_what_is_known_to_be_too_long() {
    let never_read = || Pieces::default().then(Step::Failure);
    for body in [
        never_read().announcing(11),
        never_read().announcing_at_least(11),
    ] {
        let result = signed(Body::wrap(body), None, PayloadMode::Hashed).await;
        assert_eq!(result, Err(ErrorKind::BodyTooLarge));
    }
    let declared = Body::wrap(never_read());
    let result = signed(declared, Some("11"), PayloadMode::Hashed).await;
    assert_eq!(result, Err(ErrorKind::BodyTooLarge));
}

#[tokio::test]
async fn stops_reading_at_the_limit() {
    let more = Body::wrap(Pieces::of(["0123456789", "a"]).then(Step::Failure));
    let result = signed(more, None, PayloadMode::Hashed).await;
    assert_eq!(result, Err(ErrorKind::BodyTooLarge));
}

#[tokio::test]
async fn concerns_neither_what_is_in_memory_nor_what_is_not_hashed() {
    assert_eq!(
        signed("0123456789a", None, PayloadMode::Hashed).await,
        Ok(())
    );
    let stream = Body::wrap(Pieces::of(["0123456789a"]));
    assert_eq!(signed(stream, None, PayloadMode::Unsigned).await, Ok(()));
}
