//! One upload, and the memory of its process.

use std::fs;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use http::Request;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sigv4_core::Credentials;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_reqwest::SigV4Middleware;
use sigv4_tower::RecoverLayer;
use sigv4_tower::SigV4Layer;
use tower::Layer;
use tower::ServiceExt;

use crate::BoxError;
use crate::ID;
use crate::REGION;
use crate::SECRET;
use crate::by_name;

/// In kibibytes: a fraction of any body that is worth to be streamed.
const MOST_GROWTH: u64 = 16 * 1024;

pub(crate) async fn upload(
    adapter: &str,
    encoding: &str,
    length: u64,
    host: &str,
) -> Result<(), BoxError> {
    let credentials = CredentialsCache::new(Credentials::new(ID, SECRET)?);
    let signer = Signer::builder("s3", REGION).build()?;
    let authorizer = Authorizer::builder(signer, credentials, HostScope::exact([host])?)
        .payload(PayloadMode::AwsChunked(by_name(encoding)?))
        .build();
    let url = format!("http://{host}/bucket/key");
    let (before, start) = (kibibytes("VmRSS:")?, Instant::now());
    let received = send(adapter, &authorizer, &url, length).await?;
    let (most, seconds) = (kibibytes("VmHWM:")?, start.elapsed().as_secs_f64());
    if received != length.to_string() {
        return Err(format!("the server says {received:?} of {length}").into());
    }
    let growth = most - before;
    println!("| {adapter} | {encoding} | {before} | {most} | {growth} | {seconds:.1} |");
    if growth > MOST_GROWTH {
        return Err(format!("it grew by more than {MOST_GROWTH} KiB").into());
    }
    Ok(())
}

/// Puts a body and returns what the server says.
async fn send(
    adapter: &str,
    authorizer: &Authorizer,
    url: &str,
    length: u64,
) -> Result<String, BoxError> {
    let body = Generated::new(length);
    let answer = if adapter == "tower" {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let client = SigV4Layer::new(authorizer.clone()).layer(client);
        let client = RecoverLayer::new(authorizer.clone()).layer(client);
        let request = Request::put(url).body(body)?;
        let answer = client.oneshot(request).await?;
        http_body_util::BodyExt::collect(answer.into_body())
            .await?
            .to_bytes()
    } else {
        let client = reqwest::Client::builder().redirect(sigv4_reqwest::redirect_policy());
        let client = reqwest_middleware::ClientBuilder::new(client.no_proxy().build()?)
            .with(SigV4Middleware::new(authorizer.clone()))
            .build();
        let body = reqwest::Body::wrap(body);
        client.put(url).body(body).send().await?.bytes().await?
    };
    Ok(String::from_utf8(answer.to_vec())?)
}

/// A line of what Linux tells of this process.
fn kibibytes(name: &str) -> Result<u64, BoxError> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("the kernel does not say")?.parse()?)
}

/// A body that is made as it goes, in pieces of odd sizes, and that nobody can rewind.
struct Generated {
    left: u64,
    state: u64,
}

impl Generated {
    const fn new(length: u64) -> Self {
        Self {
            left: length,
            state: 0x9e37_79b9_7f4a_7c15,
        }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

impl Body for Generated {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        // From one byte to somewhat more than a chunk.
        let size = (1 + self.next() % 70_000).min(self.left);
        self.left -= size;
        let mut piece = Vec::new();
        while (piece.len() as u64) < size {
            piece.extend_from_slice(&self.next().to_le_bytes());
        }
        piece.truncate(usize::try_from(size).expect("it is small"));
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
