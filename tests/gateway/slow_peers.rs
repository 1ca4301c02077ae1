//! Clients and upstreams that are slow, and what that does to others: nothing.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum_gateway::config::Protocol;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use http_body::Frame;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::get;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::upstream;

/// A body of this many pieces of 64 KiB, which counts those that were taken.
struct Pieces {
    left: usize,
    taken: Arc<AtomicUsize>,
}

impl Pieces {
    fn endless(taken: &Arc<AtomicUsize>) -> Self {
        Self {
            left: usize::MAX,
            taken: Arc::clone(taken),
        }
    }

    fn of(number: usize) -> Self {
        Self {
            left: number,
            taken: Arc::default(),
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static PIECE: [u8; 1 << 16] = [b'x'; 1 << 16];
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE)))))
    }
}

/// Waits until something has begun and goes on no more.
async fn stopped(count: &AtomicUsize) {
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = count.load(Ordering::Relaxed);
        if now > 0 && now == before {
            return;
        }
        before = now;
    }
}

/// An upstream over HTTP/2 whose answers to `/slow` do not end.
async fn endless(taken: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let taken = Arc::clone(&taken);
            let answer = service_fn(move |request: Request<Incoming>| {
                let body = match request.uri().path() {
                    "/slow" => Pieces::endless(&taken),
                    _ => Pieces::of(1),
                };
                async { Ok::<_, Infallible>(Response::new(body)) }
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), answer));
        }
    });
    url
}

#[tokio::test]
async fn clients_that_read_slowly_do_not_stop_others_of_the_same_upstream() {
    let taken = Arc::default();
    let mut route = route("sqs", &endless(Arc::clone(&taken)).await);
    route.protocol = Protocol::Http2;
    let gateway = start(config(vec![route])).await;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&gateway).await;
        let request = b"GET /sqs/slow HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
        slow.push(stream);
    }
    stopped(&taken).await;
    let fast = get(&gateway, "/sqs/fast", "");
    let answer = tokio::time::timeout(Duration::from_secs(5), fast).await;
    assert_eq!(answer.expect("it does not wait").status(), 200);
}

#[tokio::test]
async fn an_upload_that_its_upstream_does_not_take_does_not_stop_others_of_the_same_client() {
    // It accepts, and reads nothing.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stuck = route("stuck", &format!("http://{}", deaf.local_addr().unwrap()));
    stuck.signer = Signer::builder("s3", "us-east-1").build().unwrap();
    stuck.payload = PayloadMode::Unsigned;
    let server = upstream("fine").await;
    let mut fine = route("fine", &server.url());
    fine.signer = Signer::builder("s3", "us-east-1").build().unwrap();
    fine.payload = PayloadMode::Unsigned;
    let gateway = start(config(vec![stuck, fine])).await;

    let io = TokioIo::new(connect(&gateway).await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let taken = Arc::default();
    let put = |name, body| {
        let request = Request::put(format!("http://localhost/{name}/bucket/key"));
        request.body(body).unwrap()
    };
    let waiting = sender.send_request(put("stuck", Pieces::endless(&taken)));
    stopped(&taken).await;
    let answer = sender.send_request(put("fine", Pieces::of(2)));
    let answer = tokio::time::timeout(Duration::from_secs(5), answer).await;
    let answer = answer.expect("it does not wait").unwrap();
    assert_eq!(answer.status(), 200);
    drop(waiting);
}
