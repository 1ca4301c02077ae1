//! The object store: `s3s-fs`, with what it does not do by itself.

mod checksum;
mod fault;
mod store;

use std::fs;
use std::io;
use std::path::Component;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::Method;
use http::StatusCode;
use s3s::S3Result;
use s3s::auth::S3Auth;
use s3s::auth::SecretKey;
use s3s::s3_error;
use s3s::service::S3Service;
use s3s::service::S3ServiceBuilder;
use sigv4_tests::secrets;
use tempfile::TempDir;
use tokio::sync::watch;

pub use self::fault::S3Fault;
use self::store::Store;
use crate::server::lock;

/// The object store: one bucket, [`BUCKET`], in a temporary folder.
///
/// It has uploads in one piece and in parts, with signed chunks and checksums of CRC-64/NVME, all
/// of which it checks as S3 does. Buckets are in the path of a URL.
#[derive(Debug)]
pub struct S3 {
    folder: TempDir,
    service: S3Service,
    keys: Arc<Keys>,
    faults: Mutex<Vec<S3Fault>>,
    /// How many more uploads may begin.
    gate: watch::Sender<Option<usize>>,
}

/// The name of the bucket that is there from the start.
pub const BUCKET: &str = "example-bucket";

impl S3 {
    pub(crate) fn new() -> io::Result<Self> {
        let folder = TempDir::new()?;
        fs::create_dir(folder.path().join(BUCKET))?;
        let keys = Arc::new(Keys::default());
        let id = secrets::ACCESS_KEY_ID.to_owned();
        let secret = secrets::SECRET_ACCESS_KEY.to_owned();
        lock(&keys.0).push((id, secret));
        let mut builder = S3ServiceBuilder::new(Store::new(folder.path())?);
        builder.set_auth(SharedKeys(Arc::clone(&keys)));
        Ok(Self {
            service: builder.build(),
            folder,
            keys,
            faults: Mutex::default(),
            gate: watch::Sender::new(None),
        })
    }

    /// Has the next request that it concerns fail in this way.
    pub fn next(&self, fault: S3Fault) {
        lock(&self.faults).push(fault);
    }

    /// Lets so many uploads of objects and parts begin, and holds all others, which nobody answers
    /// until they are [released](Self::release).
    pub fn hold_uploads_after(&self, uploads: usize) {
        self.gate.send_replace(Some(uploads));
    }

    /// Goes on with what was held.
    pub fn release(&self) {
        self.gate.send_replace(None);
    }

    /// Ends all uploads in parts that are not complete, as the rules of a bucket may.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn forget_uploads(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.folder.path())? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(".upload") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Returns how many uploads in parts are neither complete nor aborted.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn open_uploads(&self) -> io::Result<usize> {
        let entries = fs::read_dir(self.folder.path())?;
        let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
        Ok(names
            .filter(|name| {
                let name = name.to_string_lossy();
                name.starts_with(".upload") && name.ends_with(".json")
            })
            .count())
    }

    /// Returns what is in an object of [`BUCKET`], if there is one.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        let is_inside = Path::new(key).components().all(is_plain);
        let path = self.folder.path().join(BUCKET).join(key);
        is_inside.then(|| fs::read(path).ok()).flatten()
    }

    /// Knows these credentials, too.
    pub(crate) fn trust(&self, id: &str, secret: &str) {
        lock(&self.keys.0).push((id.to_owned(), secret.to_owned()));
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
        let query = request.uri().query().unwrap_or_default();
        let is_upload = request.method() == Method::PUT;
        let is_completion = request.method() == Method::POST && query.starts_with("uploadId=");
        if is_upload {
            self.wait_at_gate().await;
        }
        let fault = {
            let mut faults = lock(&self.faults);
            let at = faults
                .iter()
                .position(|fault| fault.concerns(is_upload, is_completion));
            at.map(|at| faults.remove(at))
        };
        match fault {
            Some(fault) if fault.is_carried_out() => {
                drop(self.call(request).await);
                fault.answer()
            }
            Some(fault) => {
                // Otherwise a client might see a broken connection instead of the answer.
                fault::read_to_end(request.into_body()).await;
                fault.answer()
            }
            None => self.call(request).await,
        }
    }

    async fn call(&self, request: Request) -> Response {
        let request = request.map(s3s::Body::http_body_unsync);
        match self.service.call(request).await {
            Ok(response) => response.map(Body::new),
            Err(error) => {
                let text = format!("{error:?}");
                crate::server::respond(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", text)
            }
        }
    }

    /// Waits until one more upload may begin.
    async fn wait_at_gate(&self) {
        let mut gate = self.gate.subscribe();
        loop {
            let mut is_open = false;
            self.gate.send_if_modified(|left| {
                is_open = *left != Some(0);
                *left = left.map(|left| left.saturating_sub(1));
                false
            });
            // An error would say that the store is gone, and this with it.
            if is_open || gate.changed().await.is_err() {
                return;
            }
        }
    }
}

/// The secrets of the access keys that are known.
#[derive(Debug, Default)]
struct Keys(Mutex<Vec<(String, String)>>);

struct SharedKeys(Arc<Keys>);

#[async_trait::async_trait]
impl S3Auth for SharedKeys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let keys = lock(&self.0.0);
        let found = keys.iter().find(|(id, _)| id == access_key);
        found
            .map(|(_, secret)| SecretKey::from(secret.as_str()))
            .ok_or_else(|| s3_error!(InvalidAccessKeyId))
    }
}
