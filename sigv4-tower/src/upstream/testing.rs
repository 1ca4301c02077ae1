//! What the tests here have in common.

use std::convert::Infallible;

use http::Request;
use http::Response;
use tower::ServiceExt;
use tower::service_fn;
use tower_layer::Layer;

use crate::UpstreamLayer;
use crate::error::Error;
use crate::error::ErrorKind;

/// Returns the request that the upstream gets, or the kind of error.
pub(super) async fn directed(
    layer: UpstreamLayer,
    request: http::request::Builder,
) -> Result<Request<()>, ErrorKind> {
    let echo =
        service_fn(
            |request: Request<()>| async move { Ok::<_, Infallible>(Response::new(request)) },
        );
    let request = request.body(()).unwrap();
    let result = layer.layer(echo).oneshot(request).await;
    result
        .map(Response::into_body)
        .map_err(|error| error.downcast_ref::<Error>().unwrap().kind())
}

pub(super) fn layer() -> UpstreamLayer {
    UpstreamLayer::new("https://api.example.com")
        .unwrap()
        .strip_path_prefix("/bedrock/")
}
