//! With credentials at hand and nothing to be read, a request is on its way before its future is
//! polled for the first time.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use sigv4_core::PayloadMode;
use sigv4_core::SigningOverrides;
use sigv4_tower::BoxError;
use sigv4_tower::SigV4;
use tower::Service;

use crate::doubles::Recorder;
use crate::fixture::authorizer;
use crate::fixture::get;
use crate::shared::body::Pieces;
use crate::shared::body::Step;

const HOST: &str = "s3.us-east-1.amazonaws.com";
const URI: &str = "https://s3.us-east-1.amazonaws.com/key";

/// Calls the signer without polling what it returns; says how far it got and how often the client
/// was called.
async fn called<B>(has_credentials: bool, request: Request<B>) -> (String, usize)
where
    B: hyper::body::Body<Error: Into<BoxError>>,
{
    let client = Recorder::new();
    let authorizer = authorizer("s3", HOST);
    if has_credentials {
        authorizer.credentials().await.unwrap();
    }
    let mut signer = SigV4::new(client.clone(), authorizer);
    // The client is always ready.
    let future = signer.call(request);
    (format!("{future:?}"), client.calls())
}

fn put(mode: PayloadMode, body: Pieces) -> Request<Pieces> {
    let overrides = SigningOverrides::new().payload(mode);
    Request::put(URI).extension(overrides).body(body).unwrap()
}

#[tokio::test]
async fn for_an_empty_body() {
    let (state, calls) = called(true, get(URI)).await;
    assert_eq!((&*state, calls), (r#"ResponseFuture("Sending")"#, 1));
}

#[tokio::test]
async fn for_a_body_that_is_not_covered() {
    for mode in [PayloadMode::Unsigned, PayloadMode::Sha256([7; 32])] {
        let never_ready = Pieces::default().then(Step::Hang);
        let (state, calls) = called(true, put(mode, never_ready)).await;
        assert_eq!(
            (&*state, calls),
            (r#"ResponseFuture("Sending")"#, 1),
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn for_a_request_that_is_not_to_be_signed() {
    let mut request = Request::get(URI).body(Empty::<Bytes>::new()).unwrap();
    request
        .extensions_mut()
        .insert(SigningOverrides::new().do_not_sign());
    let (state, calls) = called(false, request).await;
    assert_eq!((&*state, calls), (r#"ResponseFuture("Sending")"#, 1));
}

#[tokio::test]
async fn but_not_before_the_body_was_read() {
    let body = put(PayloadMode::Hashed, Pieces::of(["body"]));
    let (state, calls) = called(true, body).await;
    assert_eq!((&*state, calls), (r#"ResponseFuture("Reading")"#, 0));
}

#[tokio::test]
async fn and_not_without_credentials() {
    let (state, calls) = called(false, get(URI)).await;
    assert_eq!((&*state, calls), (r#"ResponseFuture("Waiting")"#, 0));
}
