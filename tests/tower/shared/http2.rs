//! A server that speaks HTTP/2 only, on loopback.

use std::net::Ipv4Addr;
use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sigv4_tests::patience::soon;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::sync::mpsc::UnboundedReceiver;

/// Serves one connection: answers each request that arrives whole with 200 and tells of it.
pub(crate) async fn server() -> (SocketAddr, UnboundedReceiver<Request<Bytes>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let answer = service_fn(move |request: Request<Incoming>| {
            let tell = tell.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = soon("the rest of a request", body.collect())
                    .await?
                    .to_bytes();
                tell.send(Request::from_parts(head, body)).unwrap();
                Ok::<_, hyper::Error>(Response::new(Full::<Bytes>::default()))
            }
        });
        http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), answer)
            .await
    });
    (address, told)
}
