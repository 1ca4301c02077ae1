//! One request more than the gateway works on at once.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::BoxError;
use crate::exchange::Connection;
use crate::gateway::CONCURRENCY;
use crate::gateway::Gateway;

/// Begins as many uploads as there is room for, has one request more refused, and then ends the
/// uploads, which are answered as if nothing had been.
pub(crate) async fn try_one_too_many(gateway: &Gateway) -> Result<(), BoxError> {
    let address = gateway.address();
    let upload = format!("POST /held HTTP/1.1\r\nhost: {address}\r\ncontent-length: 1\r\n\r\n");
    let mut held = Vec::new();
    for _ in 0..CONCURRENCY {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(upload.as_bytes()).await?;
        held.push(stream);
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let begun = gateway.sample().await?.requests_in_flight;
        if begun >= CONCURRENCY as u64 {
            break;
        }
        if Instant::now() > deadline {
            return Err(format!("{begun} of {CONCURRENCY} uploads have begun").into());
        }
        sleep(Duration::from_millis(10)).await;
    }
    let request = format!("GET /one-more HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let more = Connection::open(address).await?;
    let (answer, _) = more.exchange(request.as_bytes()).await?;
    if answer.status != 503 {
        return Err(format!("one request too many: answered with {}", answer.status).into());
    }
    for stream in held {
        let (answer, _) = Connection::from(stream).exchange(b"x").await?;
        if answer.status != 200 {
            return Err(format!("an upload that was held: answered with {}", answer.status).into());
        }
    }
    println!("{CONCURRENCY} requests at once: 200, one more: 503");
    Ok(())
}
