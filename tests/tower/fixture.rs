//! What most of these tests begin with: an authorizer, a client, a verdict.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use aws_credential_types::provider::ProvideCredentials;
use bytes::Bytes;
use http::Request;
use http::Uri;
use http_body_util::Empty;
use hyper::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::AuthorizerBuilder;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Verified;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tower::BoxError;
use sigv4_tower::SigV4;
use sigv4_tower::SignedBody;
use tokio::net::TcpStream;
use tower::Service;
use tower::ServiceExt;

use crate::shared::clock::TestClock;

pub(crate) const REGION: &str = "us-east-1";

/// Makes an authorizer for one host, with the credentials of a user and a clock that stands still.
pub(crate) fn authorizer(service: &str, host: &str) -> Authorizer {
    builder(service, host).build()
}

pub(crate) fn builder(service: &str, host: &str) -> AuthorizerBuilder {
    builder_with(secrets::credentials(), service, host)
}

pub(crate) fn builder_with(
    provider: impl ProvideCredentials + 'static,
    service: &str,
    host: &str,
) -> AuthorizerBuilder {
    let signer = Signer::builder(service, REGION).build().unwrap();
    let scope = HostScope::exact([host]).unwrap();
    Authorizer::builder(signer, CredentialsCache::new(provider), scope).clock(TestClock::new())
}

/// The client that most programs with hyper have.
pub(crate) type HyperClient<B> = Client<HttpConnector, SignedBody<B>>;

pub(crate) fn hyper_client<B>() -> HyperClient<B>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    Client::builder(TokioExecutor::new()).build_http()
}

/// A hyper client behind a signer.
pub(crate) fn signing<B>(authorizer: Authorizer) -> SigV4<HyperClient<B>>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    SigV4::new(hyper_client(), authorizer)
}

/// Connects to one address, whatever the URI says, and speaks plain text there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dial(pub(crate) SocketAddr);

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let address = self.0;
        Box::pin(async move { TcpStream::connect(address).await.map(TokioIo::new) })
    }
}

/// Waits until a service is ready and sends it a request.
pub(crate) async fn send<S, B>(
    service: &mut S,
    request: Request<B>,
) -> Result<S::Response, S::Error>
where
    S: Service<Request<B>>,
{
    service.ready().await?.call(request).await
}

/// Makes a GET request without a body.
pub(crate) fn get(uri: impl AsRef<str>) -> Request<Empty<Bytes>> {
    Request::get(uri.as_ref()).body(Empty::new()).unwrap()
}

/// Has a request judged as it arrived, with a body that the signature is to cover.
#[track_caller]
pub(crate) fn verified<'a>(request: &WireRequest, body: impl Into<oracle::Body<'a>>) -> Verified {
    let head = request.head();
    let body: oracle::Body<'a> = body.into();
    oracle::verify(&head, body, secrets::SECRET_ACCESS_KEY).unwrap()
}

/// Finds the error of the signer in whatever a client has wrapped it into.
#[track_caller]
pub(crate) fn signing_error(error: &BoxError) -> &sigv4_core::Error {
    let outermost: &(dyn StdError + 'static) = &**error;
    std::iter::successors(Some(outermost), |&error| error.source())
        .find_map(|error| error.downcast_ref())
        .unwrap_or_else(|| panic!("{error:?} holds no error of sigv4-core"))
}
