//! An HTTP client that finds the fakes under the names of the services.

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::Uri;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sigv4_core::runtime::HttpFuture;
use sigv4_core::runtime::HttpResult;
use sigv4_core::runtime::HttpSend;
use sigv4_core::runtime::MAX_ANSWER;
use tokio::net::TcpStream;

/// Sends plain HTTP/1.1, one connection a request, to loopback only.
///
/// A host that was mapped is looked for at its address whatever the scheme, and its name stays in
/// the Host header; any other host that is not loopback does not answer.
#[derive(Clone, Debug, Default)]
pub struct LoopbackHttp {
    hosts: HashMap<String, SocketAddr>,
}

impl LoopbackHttp {
    /// Makes a client that knows loopback only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds a host at this address.
    #[must_use]
    pub fn map(mut self, host: impl Into<String>, address: SocketAddr) -> Self {
        self.hosts.insert(host.into(), address);
        self
    }

    fn address(&self, uri: &Uri) -> Result<SocketAddr, Box<dyn Error + Send + Sync>> {
        let host = uri.host().ok_or("the URI names no host")?;
        if let Some(address) = self.hosts.get(host) {
            return Ok(*address);
        }
        let authority = uri.authority().ok_or("the URI names no host")?;
        let address: SocketAddr = authority.as_str().parse().map_err(|_| UNREACHABLE)?;
        if !address.ip().is_loopback() {
            return Err(UNREACHABLE.into());
        }
        Ok(address)
    }

    async fn exchange(&self, mut request: Request<Bytes>) -> HttpResult {
        let stream = TcpStream::connect(self.address(request.uri())?).await?;
        if !request.headers().contains_key(header::HOST) {
            let authority = request.uri().authority().ok_or("the URI names no host")?;
            let host = HeaderValue::from_str(authority.as_str())?;
            request.headers_mut().insert(header::HOST, host);
        }
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", |target| target.as_str());
        *request.uri_mut() = target.parse()?;

        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let sending = async {
            let response = sender.send_request(request.map(Full::new)).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
            Ok(http::Response::from_parts(parts, body))
        };
        // Driven together, so that dropping this breaks the exchange off.
        let mut sending = std::pin::pin!(sending);
        tokio::select! {
            biased;
            answer = &mut sending => answer,
            _ = connection => sending.await,
        }
    }
}

impl HttpSend for LoopbackHttp {
    fn send(&self, request: Request<Bytes>) -> HttpFuture<'_> {
        Box::pin(self.exchange(request))
    }
}

const UNREACHABLE: &str = "connecting failed: only loopback can be reached";
