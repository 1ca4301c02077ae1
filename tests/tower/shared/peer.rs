//! A server that keeps what came over each connection until its client closed it, so that requests
//! that were broken off can be told from those that were not sent, without waiting for either.

use std::future::Future;
use std::io;
use std::net::Ipv4Addr;

use sigv4_tests::patience::soon;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// A server for one client.
#[derive(Debug)]
pub(crate) struct Peer {
    listener: TcpListener,
}

/// What came over one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    octets: Vec<u8>,
}

impl Peer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self { listener }
    }

    pub(crate) fn authority(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    /// Runs a client, which has to be gone with its connections when the future ends, and returns
    /// what came of it. A whole request is answered with an empty 200.
    pub(crate) async fn observe<F: Future>(self, client: F) -> (F::Output, Vec<Received>) {
        let address = self.listener.local_addr().unwrap();
        let client = async {
            let output = client.await;
            // Connections are accepted in their order: none of the client's comes behind this one.
            let mut last = TcpStream::connect(address).await.unwrap();
            last.write_all(LAST).await.unwrap();
            output
        };
        let server = async {
            let mut all = Vec::new();
            loop {
                let (stream, _) = self.listener.accept().await.unwrap();
                let received = read(stream).await;
                if received.octets == LAST {
                    return all;
                }
                all.push(received);
            }
        };
        let both = async { tokio::join!(client, server) };
        soon("the client goes away", both).await
    }
}

/// What ends an observation.
const LAST: &[u8] = b"that was all";

impl Received {
    /// Tells whether this is a request that a server would take for a complete one.
    pub(crate) fn is_whole(&self) -> bool {
        let Some(end) = position(&self.octets, b"\r\n\r\n") else {
            return false;
        };
        let (head, body) = (&self.octets[..end], &self.octets[end + 4..]);
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        if head.contains("\r\ntransfer-encoding: chunked") {
            return position(body, b"0\r\n\r\n").is_some();
        }
        let length = head.split("\r\ncontent-length: ").nth(1);
        let length = length.and_then(|rest| rest.split("\r\n").next());
        body.len() >= length.map_or(0, |length| length.parse().unwrap())
    }

    /// Tells whether these octets are somewhere in it.
    pub(crate) fn contains(&self, part: &[u8]) -> bool {
        position(&self.octets, part).is_some()
    }
}

async fn read(mut stream: TcpStream) -> Received {
    let mut received = Received { octets: Vec::new() };
    let mut answered = false;
    // A client that resets its connection is gone as well.
    while let Ok(1..) = stream.read_buf(&mut received.octets).await {
        if !answered && received.is_whole() {
            answered = true;
            if answer(&mut stream).await.is_err() {
                break;
            }
        }
    }
    received
}

async fn answer(stream: &mut TcpStream) -> io::Result<()> {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(answer).await
}

fn position(octets: &[u8], part: &[u8]) -> Option<usize> {
    octets.windows(part.len()).position(|window| window == part)
}
