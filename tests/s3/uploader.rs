//! The ways to upload: through either adapter.

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use reqwest_middleware::ClientBuilder;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::PayloadMode;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_reqwest::SigV4Middleware;
use sigv4_tower::BoxError;
use sigv4_tower::SigV4;
use tower::ServiceExt;

use crate::server::Answer;
use crate::server::connector;
use crate::server::credentials;
use crate::server::signer;
use crate::source::Source;

pub(crate) const CHECKSUMS: [Checksum; 5] = [
    Checksum::Crc32,
    Checksum::Crc32c,
    Checksum::Crc64Nvme,
    Checksum::Sha1,
    Checksum::Sha256,
];

/// What signs a request and sends it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Uploader {
    Tower,
    Middleware,
    Function,
}

pub(crate) const UPLOADERS: [Uploader; 3] =
    [Uploader::Tower, Uploader::Middleware, Uploader::Function];

/// What is uploaded, and how.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) data: Bytes,
    pub(crate) source: Source,
    pub(crate) encoding: AwsChunked,
    pub(crate) headers: HeaderMap,
}

impl Upload {
    pub(crate) fn new(data: Bytes, source: Source, encoding: AwsChunked) -> Self {
        let mut headers = HeaderMap::new();
        if source.is_silent() {
            headers.insert("content-length", data.len().into());
        }
        // Without it, which S3 does, `s3s-fs` would not compute the checksum of a trailer.
        if let Some(checksum) = encoding.checksum().filter(|_| !data.is_empty()) {
            let name = checksum.header_name();
            let algorithm = name.as_str().rsplit('-').next().unwrap().to_uppercase();
            headers.insert("x-amz-sdk-checksum-algorithm", algorithm.parse().unwrap());
        }
        Self {
            data,
            source,
            encoding,
            headers,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }
}

impl Uploader {
    /// Puts an object at this path of this host.
    pub(crate) async fn put(self, host: &str, path: &str, upload: &Upload) -> Answer {
        self.try_put(host, path, upload).await.unwrap()
    }

    pub(crate) async fn try_put(
        self,
        host: &str,
        path: &str,
        upload: &Upload,
    ) -> Result<Answer, BoxError> {
        let scope = HostScope::exact([host])?;
        let authorizer = Authorizer::builder(signer(), CredentialsCache::new(credentials()), scope)
            .payload(PayloadMode::AwsChunked(upload.encoding))
            .build();
        let url = format!("http://{host}{path}");
        match self {
            Self::Tower => {
                let mut request = Request::put(url).body(upload.source.body(&upload.data))?;
                request.headers_mut().extend(upload.headers.clone());
                let client = Client::builder(TokioExecutor::new()).build(connector());
                let answer = SigV4::new(client, authorizer).oneshot(request).await?;
                read(answer).await
            }
            Self::Middleware => {
                let client = client()?;
                let client = ClientBuilder::new(client.clone())
                    .with(SigV4Middleware::new(authorizer))
                    .build();
                let answer = client.execute(reqwest_request(&url, upload)?).await?;
                read(answer.into()).await
            }
            Self::Function => {
                let mut request = reqwest_request(&url, upload)?;
                sigv4_reqwest::sign(&authorizer, &mut request, None).await?;
                read(client()?.execute(request).await?.into()).await
            }
        }
    }
}

fn client() -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder().redirect(sigv4_reqwest::redirect_policy());
    builder.no_proxy().build()
}

fn reqwest_request(url: &str, upload: &Upload) -> Result<reqwest::Request, BoxError> {
    let body = match upload.source {
        Source::Memory => reqwest::Body::from(upload.data.clone()),
        source => reqwest::Body::wrap(source.body(&upload.data)),
    };
    let request = client()?.put(url).headers(upload.headers.clone());
    Ok(request.body(body).build()?)
}

async fn read<B>(answer: Response<B>) -> Result<Answer, BoxError>
where
    B: hyper::body::Body<Error: Into<BoxError>>,
{
    let (head, body) = answer.into_parts();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: body.collect().await.map_err(Into::into)?.to_bytes(),
    })
}
