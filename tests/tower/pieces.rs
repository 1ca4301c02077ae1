//! A body that was read to be hashed goes on in the pieces in which it came.

use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use http::Request;
use http::Response;
use hyper::body::Body;
use sigv4_tower::BoxError;
use sigv4_tower::SigV4;
use sigv4_tower::SignedBody;
use tower::ServiceExt;
use tower::service_fn;

use crate::fixture::authorizer;
use crate::shared::body::Pieces;
use crate::shared::body::next_frame;

const HOST: &str = "sqs.us-east-1.amazonaws.com";

/// Returns the pieces that the client gets of a body, after a look at what it says of its length.
async fn passed_on(body: Pieces) -> Vec<Bytes> {
    let pieces = Arc::new(Mutex::new(Vec::new()));
    let client = service_fn(|request: Request<SignedBody<Pieces>>| {
        let pieces = Arc::clone(&pieces);
        async move {
            let mut body = request.into_body();
            let mut left = body.size_hint().exact().unwrap();
            while let Some(frame) = next_frame(&mut body).await {
                let piece = frame?.into_data().unwrap();
                left -= piece.len() as u64;
                assert_eq!(body.size_hint().exact(), Some(left));
                assert_eq!(body.is_end_stream(), left == 0);
                pieces.lock().unwrap().push(piece);
            }
            Ok::<_, BoxError>(Response::new(()))
        }
    });
    let request = Request::post(format!("https://{HOST}/"))
        .body(body)
        .unwrap();
    SigV4::new(client, authorizer("sqs", HOST))
        .oneshot(request)
        .await
        .unwrap();
    let pieces = pieces.lock().unwrap();
    pieces.clone()
}

#[tokio::test]
async fn they_are_not_copied() {
    let given: Vec<Bytes> = (0..20).map(|at| Bytes::from(vec![at; 16 * 1024])).collect();
    let passed = passed_on(Pieces::of(given.clone())).await;
    let place = |piece: &Bytes| (piece.as_ptr(), piece.len());
    let places: Vec<_> = passed.iter().map(place).collect();
    assert_eq!(places, given.iter().map(place).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_small_body_in_one_piece_is_not_copied_either() {
    let given = Bytes::from(b"{}".to_vec());
    let passed = passed_on(Pieces::of([given.clone()])).await;
    assert_eq!(passed.len(), 1);
    assert_eq!(passed[0].as_ptr(), given.as_ptr());
}

#[tokio::test]
async fn many_small_ones_are_gathered() {
    let passed = passed_on(Pieces::of(std::iter::repeat_n("x", 100_000))).await;
    assert!(passed.len() < 50, "{} pieces", passed.len());
    assert_eq!(passed.concat(), "x".repeat(100_000).as_bytes());
}
