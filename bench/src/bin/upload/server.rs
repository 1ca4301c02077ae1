//! A server that reads what comes, and keeps none of it.

use std::net::Ipv4Addr;

use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::BoxError;
use crate::judge::Judge;

pub(crate) struct Server {
    host: String,
}

impl Server {
    /// Begins to listen, for as long as the runtime is there.
    pub(crate) async fn start(verifies: bool) -> Result<Self, BoxError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let host = listener.local_addr()?.to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service_fn(move |request| answer(request, verifies));
                let connection = http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { host })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

type Answer = Response<Full<bytes::Bytes>>;

/// Answers with the number of bytes that there were before they were encoded.
async fn answer(request: Request<Incoming>, verifies: bool) -> Result<Answer, BoxError> {
    let (head, mut body) = request.into_parts();
    let header = |name: &str| -> Result<String, BoxError> {
        let value = head.headers.get(name).ok_or(format!("{name} is missing"))?;
        Ok(value.to_str()?.to_owned())
    };
    let encoded: u64 = header("content-length")?.parse()?;
    let decoded: u64 = header("x-amz-decoded-content-length")?.parse()?;
    let mut judge = verifies.then(|| Judge::new(&head)).transpose()?;
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        let data = frame?.into_data().map_err(|_| "trailers")?;
        received += data.len() as u64;
        if let Some(judge) = &mut judge {
            judge.take(&data)?;
        }
    }
    if received != encoded {
        return Err(format!("{received} came of {encoded}").into());
    }
    if let Some(judge) = judge {
        let found = judge.finish()?;
        if found != decoded {
            return Err(format!("{found} were in it, of {decoded}").into());
        }
    }
    Ok(Response::new(Full::from(decoded.to_string())))
}
