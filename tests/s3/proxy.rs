//! A hop on the way that changes one octet of what passes.

use std::net::Ipv4Addr;

use tokio::io;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A proxy that is running. It stops when it is dropped.
pub(crate) struct Proxy {
    authority: String,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Passes on what comes to `upstream`, but for the octet of the first body that `place` finds,
    /// if it does.
    pub(crate) async fn start(upstream: &str, place: Place) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let upstream = upstream.to_owned();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&upstream).await.unwrap();
                tokio::spawn(pass(client, server, place));
            }
        });
        Self { authority, task }
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Finds the octet to be changed in the body of a request.
pub(crate) type Place = fn(&[u8]) -> Option<usize>;

/// Reads one request whole, passes it on with one octet changed, and then whatever comes.
async fn pass(mut client: TcpStream, mut server: TcpStream, place: Place) -> io::Result<()> {
    let mut octets = Vec::new();
    let (start, end) = loop {
        if let Some(range) = body(&octets).filter(|&(_, end)| octets.len() >= end) {
            break range;
        }
        if client.read_buf(&mut octets).await? == 0 {
            return Ok(());
        }
    };
    if let Some(at) = place(&octets[start..end]) {
        // A digit becomes another one.
        octets[start + at] ^= 1;
    }
    server.write_all(&octets).await?;
    io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// Returns where a body of declared length begins and ends.
fn body(octets: &[u8]) -> Option<(usize, usize)> {
    let end = octets.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&octets[..end]).to_lowercase();
    let length = head.split("\r\ncontent-length: ").nth(1).unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    Some((end + 4, end + 4 + length))
}
