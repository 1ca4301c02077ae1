//! A store, a file, and an uploader between them.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc::CRC_64_NVME;
use crc::Crc;
use crc::Table;
use http::Method;
use local_aws::BUCKET;
use local_aws::LocalAws;
use local_aws::Seen;
use s3_upload::Crc64;
use s3_upload::Endpoint;
use s3_upload::Error;
use s3_upload::Options;
use s3_upload::Progress;
use s3_upload::Retry;
use s3_upload::S3Client;
use s3_upload::Slot;
use s3_upload::Source;
use s3_upload::States;
use s3_upload::Target;
use s3_upload::Uploaded;
use s3_upload::Uploader;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::secrets;
use tempfile::TempDir;

pub(crate) const MIB: usize = 1 << 20;
/// The least that S3 takes.
pub(crate) const PART: usize = 5 * MIB;

/// How long a test waits for what is to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Fixture {
    pub(crate) aws: LocalAws,
    pub(crate) options: Options,
    folder: TempDir,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        Self {
            aws: LocalAws::start().await.unwrap(),
            options: Options {
                part_size: PART as u64,
                threshold: MIB as u64,
                parallel: 2,
                retry: Retry::attempts(3).base(Duration::from_millis(1)),
                bytes_per_second: None,
                stall: Duration::from_secs(60),
            },
            folder: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    pub(crate) fn write(&self, content: &[u8]) -> Source {
        fs::write(self.path(), content).unwrap();
        Source::open(&self.path()).unwrap()
    }

    pub(crate) fn client(&self, key: &str) -> S3Client {
        let endpoint = Endpoint::custom(&self.aws.url()).unwrap();
        let credentials = CredentialsCache::new(secrets::credentials());
        S3Client::new(&target(key), &endpoint, "us-east-1", credentials).unwrap()
    }

    pub(crate) fn uploader(&self, key: &str) -> Uploader {
        let client = self.client(key);
        Uploader::new(target(key), client, self.options, Progress::hidden()).unwrap()
    }

    pub(crate) fn state_folder(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn slot(&self, key: &str) -> Slot {
        let states = States::in_folder(self.state_folder());
        states.slot(self.client(key).url()).unwrap()
    }

    pub(crate) async fn upload(&self, source: &Source, key: &str) -> Result<Uploaded, Error> {
        let slot = self.slot(key);
        self.uploader(key).file(source, &slot).await
    }

    /// Returns the requests with this method and something in their target.
    pub(crate) fn seen(&self, method: &Method, text: &str) -> Vec<Seen> {
        let mut seen = self.aws.seen();
        seen.retain(|seen| seen.method == *method && seen.target.contains(text));
        seen
    }

    /// Returns the numbers of the parts that were sent, in order.
    pub(crate) fn parts_sent(&self) -> Vec<u16> {
        let number = |seen: &Seen| {
            let (_, rest) = seen.target.split_once("partNumber=").unwrap();
            rest.split('&').next().unwrap().parse().unwrap()
        };
        let seen = self.seen(&Method::PUT, "partNumber=");
        let mut numbers: Vec<u16> = seen.iter().map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Waits until the store has seen so many uploads of objects or parts.
    pub(crate) async fn wait_for_uploads(&self, count: usize) {
        self.wait_until(|| self.seen(&Method::PUT, "").len() >= count)
            .await;
    }

    /// Returns which parts are in the state.
    pub(crate) fn saved(&self) -> Vec<u16> {
        let text = state_file(&self.state_folder()).map(fs::read_to_string);
        let text = text.and_then(Result::ok).unwrap_or_default();
        let number = |line: &str| {
            let line = line.strip_suffix("}\n")?;
            let (number, _) = line.strip_prefix("{\"number\":")?.split_once(',')?;
            number.parse().ok()
        };
        text.split_inclusive('\n').filter_map(number).collect()
    }

    /// Waits until so many parts are in the state.
    pub(crate) async fn wait_for_saved(&self, count: usize) {
        self.wait_until(|| self.saved().len() >= count).await;
    }

    pub(crate) async fn wait_until(&self, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            let (sent, saved) = (self.parts_sent(), self.saved());
            assert!(begun.elapsed() < PATIENCE, "{sent:?} sent, {saved:?} saved");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub(crate) fn target(key: &str) -> Target {
    format!("s3://{BUCKET}/{key}").parse().unwrap()
}

/// Returns the file with the state, if there is one.
pub(crate) fn state_file(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.find(|path| path.extension().is_some_and(|end| end == "json"))
}

/// Data in which no two parts are alike.
pub(crate) fn data(length: usize) -> Vec<u8> {
    let octet = |at: usize| (at ^ (at >> 8) ^ (at >> 15) ^ (at >> 21)).to_le_bytes()[0];
    (0..length).map(octet).collect()
}

/// The checksum by another implementation.
pub(crate) fn checksum(data: &[u8]) -> Crc64 {
    let sum = Crc::<u64, Table<16>>::new(&CRC_64_NVME).checksum(data);
    Crc64::parse(&BASE64_STANDARD.encode(sum.to_be_bytes())).unwrap()
}
