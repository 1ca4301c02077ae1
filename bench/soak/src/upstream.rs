//! An upstream that believes no signature that it has not recomputed, and that can be killed.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::StatusCode;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sigv4_tests::oracle;
use sigv4_tests::secrets;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

use crate::BoxError;

pub(crate) struct Upstream {
    listening: JoinHandle<()>,
}

impl Upstream {
    /// Listens, now.
    pub(crate) async fn start(address: SocketAddr) -> Result<Self, BoxError> {
        let listener = TcpListener::bind(address).await?;
        let listening = tokio::spawn(async move {
            // They end with this task.
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let connection = http1::Builder::new();
                let connection =
                    connection.serve_connection(TokioIo::new(stream), service_fn(answer));
                connections.spawn(connection);
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { listening })
    }

    /// Ends, in the middle of whatever there is.
    pub(crate) async fn kill(self) {
        self.listening.abort();
        // It was aborted: that is its error.
        let _ = self.listening.await;
    }
}

/// Says what arrived where its signature fits, and elsewhere why it does not.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let verdict = match body.collect().await {
        Ok(body) => {
            let body = body.to_bytes();
            let said = head.headers.get("x-amz-content-sha256");
            let covered = if said.is_some_and(|said| said == "UNSIGNED-PAYLOAD") {
                oracle::Body::Unsigned
            } else {
                oracle::Body::from(&body)
            };
            oracle::verify(&head, covered, secrets::SECRET_ACCESS_KEY)
                .map(|_| receipt(head.method.as_str(), number(head.uri.query()), &body))
        }
        // The gateway gave up: there is nobody to answer.
        Err(error) => Err(format!("the body has no end: {error}")),
    };
    let (status, text) = match verdict {
        Ok(receipt) => (StatusCode::OK, receipt),
        Err(reason) => (StatusCode::FORBIDDEN, reason),
    };
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    Ok(answer)
}

/// The number of a request, which its query has.
fn number(query: Option<&str>) -> u64 {
    let mut pairs = query.unwrap_or_default().split('&');
    let number = pairs.find_map(|pair| pair.strip_prefix("n=")?.parse().ok());
    number.unwrap_or_default()
}

/// What tells one request from another.
pub(crate) fn receipt(method: &str, number: u64, body: &[u8]) -> String {
    // FNV-1a: it is to find mistakes.
    let sum = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, octet| {
        (sum ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{method} {number} {} {sum:016x}", body.len())
}
