//! The answer of the upstream passes through a proxy as it comes.

use std::net::Ipv4Addr;

use sigv4_tests::patience::soon;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::UpstreamLayer;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::fixture::authorizer;
use crate::fixture::verified;
use crate::gateway::Gateway;

#[tokio::test]
async fn the_first_piece_is_there_before_the_last_one_was_made() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (go_on, is_read) = oneshot::channel();
    let upstream = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
        }
        let first = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        stream.write_all(first).await.unwrap();
        is_read.await.unwrap();
        stream.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
    });

    let layer = UpstreamLayer::new(&format!("http://{host}")).unwrap();
    let gateway = Gateway::start(layer, authorizer("bedrock", &host)).await;
    let mut stream = gateway.connect().await;
    let request = b"GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();

    // A proxy that gathers the answer would wait for ever.
    let read = async {
        let mut answer = Vec::new();
        while !answer.ends_with(b"first\r\n") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
        assert!(!answer.windows(4).any(|piece| piece == b"last"));
        go_on.send(()).unwrap();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.ends_with(b"4\r\nlast\r\n0\r\n\r\n"));
    };
    soon("the answer passes", read).await;
    upstream.await.unwrap();
}

#[tokio::test]
async fn the_length_that_an_answer_to_head_announces_is_kept() {
    let server = WireServer::start(|_| WireResponse::new(200).body("12345")).await;
    let layer = UpstreamLayer::new(&server.url()).unwrap();
    let gateway = Gateway::start(layer, authorizer("s3", &server.authority())).await;
    let request = "HEAD /bucket/key HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = gateway.exchange(request).await;
    assert!(answer.0.contains("\r\ncontent-length: 5\r\n"), "{answer:?}");
    assert!(answer.0.ends_with("\r\n\r\n"), "{answer:?}");
    verified(&server.only_request(), b"");
}
