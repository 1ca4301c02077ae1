//! The calls of S3 that an upload takes, typed, one request each.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::header;
use reqwest::Url;
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::ClientWithMiddleware;
use reqwest_middleware::RequestBuilder;
use serde::Deserialize;
use serde::Serialize;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::PayloadMode;
use sigv4_core::PresignOptions;
use sigv4_core::Presigned;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_reqwest::SigV4Middleware;

use crate::checksum::Crc64;
use crate::environment::prepare_tls;
use crate::error::Error;
use crate::plan::MAX_PARTS;
use crate::target::Endpoint;
use crate::target::Target;
use crate::xml;

/// A client of S3 for one object.
///
/// Each call is one request. Whether to repeat what has failed is up to the caller, whom
/// [`Error::is_retryable`] tells whether that makes sense.
///
/// ```no_run
/// # use sigv4_core::runtime::CredentialsCache;
/// use s3_upload::{Endpoint, S3Client, Target};
///
/// # async fn run(credentials: CredentialsCache) -> Result<(), Box<dyn std::error::Error>> {
/// let target: Target = "s3://bucket/key".parse()?;
/// let endpoint = Endpoint::aws("eu-central-1")?;
/// let client = S3Client::new(&target, &endpoint, "eu-central-1", credentials)?;
/// let stored = client.put_object(reqwest::Body::from("a few bytes").into()).await?;
/// println!("{}", stored.tag);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct S3Client {
    http: ClientWithMiddleware,
    authorizer: Authorizer,
    url: Url,
}

/// What is uploaded by one request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Content {
    /// A stream of known length, which is signed chunk by chunk as it passes, with its checksum
    /// behind it.
    Stream(reqwest::Body),
    /// Bytes whose hash is signed, and their checksum.
    Bytes(Bytes, Crc64),
    /// A stream of known length whose hash is known, too, and signed.
    Hashed {
        /// What is streamed.
        body: reqwest::Body,
        /// The hash of all of it.
        sha256: [u8; 32],
        /// Its checksum.
        checksum: Crc64,
    },
}

/// What S3 says of what one request has uploaded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Receipt {
    /// The entity tag, in its quotes.
    pub tag: String,
    /// The checksum that S3 has computed; other stores may not.
    pub checksum: Option<Crc64>,
}

/// A part that is at S3, as an upload is completed with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a part of an upload is this")]
pub struct Stored {
    /// Its number.
    pub number: u16,
    /// Its entity tag, in its quotes.
    pub tag: String,
    /// Its checksum.
    pub checksum: Crc64,
    /// How long it is.
    pub length: u64,
}

/// A part as `ListParts` has it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListedPart {
    /// Its number.
    pub number: u16,
    /// How long it is.
    pub size: u64,
    /// Its entity tag, in its quotes.
    pub tag: String,
    /// The checksum that S3 has computed.
    pub checksum: Option<Crc64>,
}

/// An object that has been put together.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Completed {
    /// Its entity tag, in its quotes.
    pub tag: String,
    /// The checksum of the whole object.
    pub checksum: Option<Crc64>,
}

impl From<reqwest::Body> for Content {
    fn from(body: reqwest::Body) -> Self {
        match body.as_bytes() {
            Some(bytes) => {
                let bytes = Bytes::copy_from_slice(bytes);
                let checksum = Crc64::of(&bytes);
                Self::Bytes(bytes, checksum)
            }
            None => Self::Stream(body),
        }
    }
}

impl S3Client {
    /// Makes a client.
    ///
    /// # Errors
    ///
    /// When the object has no URL, or TLS cannot be set up.
    pub fn new(
        target: &Target,
        endpoint: &Endpoint,
        region: &str,
        credentials: CredentialsCache,
    ) -> Result<Self, Error> {
        let url = endpoint.object(target)?;
        let config = |error: sigv4_core::ConfigError| Error::usage(error.to_string());
        let signer = Signer::builder("s3", region).build().map_err(config)?;
        let host = url.host_str().unwrap_or_default();
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let scope = HostScope::exact([host]).map_err(config)?;
        let authorizer = Authorizer::builder(signer, credentials, scope).build();
        prepare_tls();
        let mut http = reqwest::Client::builder()
            .redirect(sigv4_reqwest::redirect_policy())
            .connect_timeout(CONNECT)
            .tcp_keepalive(KEEPALIVE);
        #[cfg(target_os = "linux")]
        {
            http = http.tcp_user_timeout(UNACKNOWLEDGED);
        }
        if endpoint.is_loopback() {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| Error::Request(error.into()))?;
        Ok(Self {
            http: ClientBuilder::new(http)
                .with(SigV4Middleware::new(authorizer.clone()))
                .build(),
            authorizer,
            url,
        })
    }

    /// Returns the URL of the object, which nobody can use without a signature.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Uploads the object by one request: `PutObject`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn put_object(&self, content: Content) -> Result<Receipt, Error> {
        self.upload("", content).await
    }

    /// Begins an upload in parts, and returns its id: `CreateMultipartUpload`. S3 will keep a
    /// CRC-64/NVME of the whole object.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn create_multipart_upload(&self) -> Result<String, Error> {
        let request = self
            .request(Method::POST, "uploads=")
            .header("x-amz-checksum-algorithm", "CRC64NVME")
            .header("x-amz-checksum-type", "FULL_OBJECT");
        let (_, body) = self.send(request).await?;
        xml::upload_id(&body)
    }

    /// Uploads a part: `UploadPart`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn upload_part(
        &self,
        upload: &str,
        number: u16,
        content: Content,
    ) -> Result<Receipt, Error> {
        let query = format!("partNumber={number}&uploadId={}", escaped(upload));
        self.upload(&query, content).await
    }

    /// Returns the parts that are there: `ListParts`, all pages of it.
    ///
    /// # Errors
    ///
    /// See [`Error`]. The code is `NoSuchUpload` where it was completed or aborted.
    pub async fn list_parts(&self, upload: &str) -> Result<Vec<ListedPart>, Error> {
        let mut parts = Vec::new();
        let mut marker = 0;
        loop {
            let mut query = String::new();
            if marker > 0 {
                query = format!("part-number-marker={marker}&");
            }
            query += &format!("uploadId={}", escaped(upload));
            let (_, body) = self.send(self.request(Method::GET, &query)).await?;
            let page = xml::parts(&body)?;
            let is_empty = page.parts.is_empty();
            parts.extend(page.parts);
            // Each page leads on, and there is an end to them.
            let leads_on = |next| !is_empty && next > marker && u64::from(next) < MAX_PARTS;
            if parts.len() as u64 > MAX_PARTS || page.next.is_some_and(|next| !leads_on(next)) {
                return Err(Error::Answer(format!(
                    "S3 lists parts without end: an upload has {MAX_PARTS} at most"
                )));
            }
            let Some(next) = page.next else {
                return Ok(parts);
            };
            marker = next;
        }
    }

    /// Puts the object together: `CompleteMultipartUpload`. S3 compares the size and the checksum.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn complete_multipart_upload(
        &self,
        upload: &str,
        parts: &[Stored],
    ) -> Result<Completed, Error> {
        let length: u64 = parts.iter().map(|part| part.length).sum();
        let query = format!("uploadId={}", escaped(upload));
        let request = self
            .request(Method::POST, &query)
            .header(CHECKSUM, whole(parts).to_string())
            .header("x-amz-checksum-type", "FULL_OBJECT")
            .header("x-amz-mp-object-size", length)
            .header(header::CONTENT_TYPE, "application/xml")
            .body(xml::completion(parts));
        let (headers, body) = self.send(request).await?;
        xml::completed(&headers, &body)
    }

    /// Ends an upload and has S3 remove its parts: `AbortMultipartUpload`.
    ///
    /// # Errors
    ///
    /// See [`Error`]. The code is `NoSuchUpload` where it was completed or aborted.
    pub async fn abort_multipart_upload(&self, upload: &str) -> Result<(), Error> {
        let query = format!("uploadId={}", escaped(upload));
        self.send(self.request(Method::DELETE, &query)).await?;
        Ok(())
    }

    /// Returns the checksum of the object that is there: `HeadObject`.
    ///
    /// # Errors
    ///
    /// See [`Error`]. The status is 404 where there is none.
    pub async fn object_checksum(&self) -> Result<Option<Crc64>, Error> {
        let request = self.request(Method::HEAD, "");
        let (headers, _) = self
            .send(request.header("x-amz-checksum-mode", "ENABLED"))
            .await?;
        Ok(receipt(&headers).checksum)
    }

    /// Makes a link by which whoever has it can download the object for a while, but no longer than
    /// the credentials last.
    ///
    /// # Errors
    ///
    /// When it would last less than a second or more than seven days, or there are no credentials.
    pub async fn presign_get(&self, expires_in: Duration) -> Result<Presigned, Error> {
        let request = http::Request::get(self.url.as_str()).body(());
        let request = request.map_err(|error| Error::usage(error.to_string()))?;
        let options = PresignOptions::expires_in(expires_in).clamp_to_credentials();
        let link = self.authorizer.presign(&request, options).await;
        link.map_err(|error| Error::usage(format!("no link can be made: {error}")))
    }

    async fn upload(&self, query: &str, content: Content) -> Result<Receipt, Error> {
        let request = self.request(Method::PUT, query);
        let request = match content {
            Content::Stream(body) => {
                let chunks = AwsChunked::signed().trailer(Checksum::Crc64Nvme);
                let chunks = PayloadMode::AwsChunked(chunks);
                request
                    .with_extension(SigningOverrides::new().payload(chunks))
                    .body(body)
            }
            Content::Bytes(bytes, checksum) => {
                request.header(CHECKSUM, checksum.to_string()).body(bytes)
            }
            Content::Hashed {
                body,
                sha256,
                checksum,
            } => request
                .with_extension(SigningOverrides::new().payload(PayloadMode::Sha256(sha256)))
                .header(CHECKSUM, checksum.to_string())
                .body(body),
        };
        let (headers, _) = self.send(request).await?;
        let receipt = receipt(&headers);
        // A page to log in at, say: whatever else answers with 200 has stored nothing.
        if receipt.tag.is_empty() {
            return Err(Error::Answer(
                "what answered is not S3: it has no entity tag for what was uploaded".to_owned(),
            ));
        }
        Ok(receipt)
    }

    fn request(&self, method: Method, query: &str) -> RequestBuilder {
        let mut url = self.url.clone();
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        self.http.request(method, url)
    }

    /// Returns head and body of the answer, unless S3 refuses.
    async fn send(&self, request: RequestBuilder) -> Result<(HeaderMap, String), Error> {
        let without_url = |error: reqwest::Error| Error::Request(error.without_url().into());
        let mut answer = request.send().await.map_err(|error| match error {
            reqwest_middleware::Error::Reqwest(error) => without_url(error),
            error => Error::Request(error),
        })?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(without_url)? {
            if body.len() + piece.len() > MAX_ANSWER {
                return Err(Error::Answer("the answer of S3 is too long".to_owned()));
            }
            body.extend_from_slice(&piece);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        if status.is_success() {
            Ok((headers, body))
        } else {
            Err(Error::S3(xml::refusal(status, &headers, &body)))
        }
    }
}

/// Returns the checksum of an object of these parts.
#[must_use]
pub fn whole(parts: &[Stored]) -> Crc64 {
    let empty = Crc64::default();
    let join = |sum: Crc64, part: &Stored| sum.followed_by(part.checksum, part.length);
    parts.iter().fold(empty, join)
}

fn receipt(headers: &HeaderMap) -> Receipt {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    Receipt {
        tag: text("etag").unwrap_or_default().to_owned(),
        checksum: text(CHECKSUM).and_then(Crc64::parse),
    }
}

fn escaped(text: &str) -> impl std::fmt::Display + '_ {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
}

const CHECKSUM: &str = "x-amz-checksum-crc64nvme";
const CONNECT: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(30);
/// After what time a connection is given up on which nobody acknowledges what was sent.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);
/// A page of a thousand parts has a third of it.
const MAX_ANSWER: usize = 1 << 20;
