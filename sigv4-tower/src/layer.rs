//! [`SigV4Layer`].

use sigv4_core::runtime::Authorizer;
use tower_layer::Layer;

use crate::service::SigV4;

/// Signs the requests that pass through a stack, last of all.
///
/// Put it directly around the HTTP client: whatever changes the URI, the body or a signed header
/// must stand outside of it, and so must retries, so that each attempt is signed anew.
///
/// Around an axum `Router` or any other server it would sign the *inbound* request, which is of no
/// use: the place for it is the client side of a proxy.
///
/// ```
/// use sigv4_core::{Credentials, Signer};
/// use sigv4_core::runtime::{Authorizer, CredentialsCache, HostScope};
/// use sigv4_tower::{SigV4Layer, SignedBody};
/// use tower::{ServiceBuilder, ServiceExt};
/// # use http_body_util::Empty;
/// # use bytes::Bytes;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sigv4_tower::BoxError> {
/// let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// let signer = Signer::builder("sqs", "us-east-1").build()?;
/// let scope = HostScope::exact(["sqs.us-east-1.amazonaws.com"])?;
/// let authorizer = Authorizer::builder(signer, CredentialsCache::new(credentials), scope).build();
///
/// # let client = tower::service_fn(|request: http::Request<SignedBody<Empty<Bytes>>>| async move {
/// #     assert!(request.headers().contains_key("authorization"));
/// #     Ok::<_, std::convert::Infallible>(http::Response::new(()))
/// # });
/// let client = ServiceBuilder::new()
///     .layer(SigV4Layer::new(authorizer))
///     .service(client); // e.g. a hyper_util::client::legacy::Client
///
/// # let body = Empty::<Bytes>::new();
/// let request = http::Request::get("https://sqs.us-east-1.amazonaws.com/").body(body)?;
/// let response = client.oneshot(request).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Bodies
///
/// A body is read into memory to be hashed, up to a limit, unless the authorizer or the request says
/// otherwise; see [`PayloadMode`](sigv4_core::PayloadMode). An upload to S3, signed in chunks as it
/// passes:
///
/// ```
/// use sigv4_core::{AwsChunked, PayloadMode, SigningOverrides};
///
/// # fn upload<B: http_body::Body>(body: B) -> Result<http::Request<B>, http::Error> {
/// let chunks = PayloadMode::AwsChunked(AwsChunked::signed());
/// let request = http::Request::put("https://bucket.s3.us-east-1.amazonaws.com/key")
///     .extension(SigningOverrides::new().payload(chunks))
///     .body(body)?;
/// # Ok(request)
/// # }
/// ```
///
/// The body has to know its length then ([`Body::size_hint`](http_body::Body::size_hint)), or the
/// request to declare it.
#[derive(Clone, Debug)]
#[must_use]
pub struct SigV4Layer {
    authorizer: Authorizer,
}

impl SigV4Layer {
    /// Makes a layer that signs by this authorizer.
    pub const fn new(authorizer: Authorizer) -> Self {
        Self { authorizer }
    }
}

impl<S> Layer<S> for SigV4Layer {
    type Service = SigV4<S>;

    fn layer(&self, inner: S) -> SigV4<S> {
        SigV4::new(inner, self.authorizer.clone())
    }
}
