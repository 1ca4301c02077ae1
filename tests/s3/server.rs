//! An S3 server for one test: one bucket in a temporary folder, and the fixture's credentials.

use std::convert::Infallible;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::StatusCode;
use http::request::Parts;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::S3Service;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use sigv4_core::Credentials;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_tests::secrets;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

pub(crate) const BUCKET: &str = "bucket";

/// The server, and a client of it.
pub(crate) struct Server {
    authority: String,
    client: Client<HttpConnector, Full<Bytes>>,
    heads: Arc<Mutex<Vec<Parts>>>,
    task: JoinHandle<()>,
    _folder: TempDir,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Returns the code of an error of S3.
    pub(crate) fn code(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.body);
        let (_, rest) = text.split_once("<Code>")?;
        let (code, _) = rest.split_once("</Code>")?;
        Some(code.to_owned())
    }

    /// Tells whether the request was refused before anyone looked for the object.
    pub(crate) fn is_refused(&self) -> bool {
        self.status == StatusCode::FORBIDDEN
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        let (id, secret) = (secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
        builder.set_auth(SimpleAuth::from_single(id, secret));
        let service = builder.build();

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let heads = Arc::default();
        let task = tokio::spawn(accept(listener, service, Arc::clone(&heads)));
        Self {
            authority,
            client: Client::builder(TokioExecutor::new()).build(connector()),
            heads,
            task,
            _folder: folder,
        }
    }

    /// Returns the host and port.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Makes a request for a path and query, in the spelling of the test.
    pub(crate) fn request(&self, method: &str, target: &str, body: &str) -> Request<Bytes> {
        Request::builder()
            .method(method)
            .uri(format!("http://{}{target}", self.authority))
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Answer {
        let response = self.client.request(request.map(Full::new)).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    /// Signs a request in its headers and sends it.
    pub(crate) async fn send_signed(&self, mut request: Request<Bytes>) -> Answer {
        sign(&mut request);
        self.send(request).await
    }

    /// Presigns a request, and sends what the holder of the URL would send.
    pub(crate) async fn send_presigned(&self, request: Request<Bytes>) -> Answer {
        self.send(presigned(&request)).await
    }

    /// Returns the head of the latest request.
    pub(crate) fn head(&self) -> Parts {
        let heads = self.heads.lock().unwrap();
        heads.last().unwrap().clone()
    }

    /// Returns the path and query of the latest request, as they arrived.
    pub(crate) fn target(&self) -> String {
        let target = self.head().uri;
        target.path_and_query().unwrap().as_str().to_owned()
    }

    /// Returns the path of the latest request, as it arrived.
    pub(crate) fn path(&self) -> String {
        let target = self.target();
        let (path, _) = target.split_once('?').unwrap_or((&target, ""));
        path.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connector that does not wait for more to send.
pub(crate) fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector
}

pub(crate) fn signer() -> Signer {
    Signer::builder("s3", "us-east-1").build().unwrap()
}

pub(crate) fn credentials() -> Credentials {
    secrets::credentials()
}

/// The server has a clock of its own.
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

pub(crate) fn sign(request: &mut Request<Bytes>) {
    let body = request.body().clone();
    signer()
        .sign(request, Payload::Bytes(&body), &credentials(), now())
        .unwrap();
}

pub(crate) fn presigned(request: &Request<Bytes>) -> Request<Bytes> {
    let presigned = signer()
        .presign(request, Duration::from_secs(60), &credentials(), now())
        .unwrap();
    let mut sent = Request::builder()
        .method(presigned.method())
        .uri(presigned.uri())
        .body(request.body().clone())
        .unwrap();
    *sent.headers_mut() = presigned.headers().clone();
    sent
}

async fn accept(listener: TcpListener, s3: S3Service, heads: Arc<Mutex<Vec<Parts>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        let (s3, heads) = (s3.clone(), Arc::clone(&heads));
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let (head, body) = request.into_parts();
            heads.lock().unwrap().push(head.clone());
            let (s3, request) = (s3.clone(), Request::from_parts(head, Body::from(body)));
            async move { Ok::<_, Infallible>(s3.call(request).await.unwrap()) }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
