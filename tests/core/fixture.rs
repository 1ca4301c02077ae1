//! What most of these tests begin with: a request, a signer, an instant, a verdict.

use std::time::Duration;
use std::time::SystemTime;

use http::Request;
use sigv4_core::EcdsaBackend;
use sigv4_core::Presigned;
use sigv4_core::Signer;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Body;
use sigv4_tests::oracle::Verified;
use sigv4_tests::secrets;
use sigv4_tests::time;

pub(crate) const REGION: &str = "us-east-1";

/// 2015-08-30, 12:36:00 UTC.
pub(crate) fn now() -> SystemTime {
    time::of_the_suite()
}

pub(crate) fn hour() -> Duration {
    Duration::from_secs(3600)
}

pub(crate) fn signer(service: &str) -> Signer {
    Signer::builder(service, REGION).build().unwrap()
}

pub(crate) const BACKENDS: [EcdsaBackend; 2] = [EcdsaBackend::P256, EcdsaBackend::Ring];

/// Makes a signer of SigV4A for a set of regions.
pub(crate) fn sigv4a(service: &str, regions: &str, backend: EcdsaBackend) -> Signer {
    let builder = Signer::builder(service, regions).sigv4a(backend);
    builder.build().unwrap()
}

pub(crate) fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

/// Has a request judged whose body is empty.
#[track_caller]
pub(crate) fn verified<B>(request: &Request<B>) -> Verified {
    verified_with(request, b"")
}

/// Has a request judged together with its body.
#[track_caller]
pub(crate) fn verified_with<'a, B>(request: &'a Request<B>, body: impl Into<Body<'a>>) -> Verified {
    oracle::verify(request, body, secrets::SECRET_ACCESS_KEY).unwrap()
}

/// Makes the request that the holder of a presigned URL sends.
pub(crate) fn sent(presigned: &Presigned) -> Request<()> {
    let mut request = Request::builder()
        .method(presigned.method())
        .uri(presigned.uri())
        .body(())
        .unwrap();
    *request.headers_mut() = presigned.headers().clone();
    request
}
