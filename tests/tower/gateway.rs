//! A proxy as a program would build it, with axum in front and hyper behind, on loopback.

use std::net::Ipv4Addr;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use sigv4_core::runtime::Authorizer;
use sigv4_tests::patience::soon;
use sigv4_tower::AnswerErrorsLayer;
use sigv4_tower::SigV4Layer;
use sigv4_tower::UpstreamLayer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tower::ServiceBuilder;

use crate::fixture::HyperClient;
use crate::fixture::hyper_client;

/// A proxy that is running. It stops when it is dropped.
pub(crate) struct Gateway {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Gateway {
    pub(crate) async fn start(upstream: UpstreamLayer, authorizer: Authorizer) -> Self {
        let client: HyperClient<Body> = hyper_client();
        let stack = ServiceBuilder::new()
            .layer(AnswerErrorsLayer::new())
            .layer(upstream)
            .layer(SigV4Layer::new(authorizer))
            .service(client);
        let router = Router::new().fallback_service(stack);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, task }
    }

    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request as it is written here and returns the answer as it comes. The request has to
    /// say that the connection ends with it.
    pub(crate) async fn exchange(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(request.as_ref()).await.unwrap();
        let mut octets = Vec::new();
        let read = stream.read_to_end(&mut octets);
        soon("the answer ends", read).await.unwrap();
        Answer(String::from_utf8(octets).unwrap())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer(pub(crate) String);

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        let status = self.0.split(' ').nth(1);
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}
