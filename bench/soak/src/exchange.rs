//! One connection of a client, on which anything at all can be written.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use crate::BoxError;

/// Longer than the gateway may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Connection {
    stream: TcpStream,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(gateway: SocketAddr) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(gateway).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// Writes a request and reads its answer. The connection is there to be used again, unless the
    /// answer says that it is not.
    pub(crate) async fn exchange(self, request: &[u8]) -> Result<(Answer, Option<Self>), BoxError> {
        let (mut reader, mut writer) = self.stream.into_split();
        // What is refused early is answered before all of it is written.
        let write = async {
            if writer.write_all(request).await.is_err() {
                // The reader knows why.
            }
            std::future::pending().await
        };
        let (answer, closes) = tokio::select! {
            answer = tokio::time::timeout(PATIENCE, read(&mut reader)) => {
                answer.map_err(|_| "there is no answer")??
            }
            never = write => never,
        };
        let stream = reader.reunite(writer)?;
        Ok((answer, (!closes).then_some(Self { stream })))
    }

    /// Writes something, and goes away without waiting.
    pub(crate) async fn cut_off(mut self, beginning: &[u8]) -> Result<(), BoxError> {
        // The gateway may have closed it before.
        let written = self.stream.write_all(beginning);
        let _ = tokio::time::timeout(PATIENCE, written).await?;
        Ok(())
    }
}

impl From<TcpStream> for Connection {
    fn from(stream: TcpStream) -> Self {
        Self { stream }
    }
}

async fn read(reader: &mut OwnedReadHalf) -> Result<(Answer, bool), BoxError> {
    let mut received = Vec::with_capacity(1024);
    let end = loop {
        if let Some(end) = received.windows(4).position(|at| at == b"\r\n\r\n") {
            break end + 4;
        }
        if reader.read_buf(&mut received).await? == 0 {
            return Err("it was closed without an answer".into());
        }
    };
    let head = std::str::from_utf8(&received[..end])?.to_ascii_lowercase();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status: u16 = status.ok_or("there is no status")?.parse()?;
    let mut length = None;
    let mut closes = false;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        match name {
            "content-length" => length = Some(value.trim().parse::<usize>()?),
            "connection" => closes = value.trim() == "close",
            _ => {}
        }
    }
    let length = length.ok_or("the answer does not say how long it is")?;
    while received.len() < end + length {
        if reader.read_buf(&mut received).await? == 0 {
            return Err("the answer has no end".into());
        }
    }
    let body = received.split_off(end);
    if body.len() != length {
        return Err("there is more than was asked for".into());
    }
    Ok((Answer { status, body }, closes))
}
