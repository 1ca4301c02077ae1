//! The cases of AWS's official test suite, from the folder inside the package `aws-sigv4`.
//!
//! The package is a pinned dependency, so that the folder is on every machine that can build the
//! tests, and always the same.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::time::SystemTime;

use http::Request;
use http::Uri;
use serde::Deserialize;

use crate::oracle_v4a::PublicKey;
use crate::time;

/// The version of `aws-sigv4` whose suite is read: the one that the workspace pins.
const VERSION: &str = "1.6.4";
const FOLDER: &str = "aws-signing-test-suite";

/// Returns the cases of the suite of SigV4, sorted by name.
///
/// # Panics
///
/// When the folder is not there or a file in it cannot be read, which no test should pass over.
#[must_use]
pub fn v4() -> Vec<Case> {
    cases("v4")
}

/// Returns the cases of the suite of SigV4A, sorted by name.
///
/// # Panics
///
/// When the folder is not there or a file in it cannot be read.
#[must_use]
pub fn v4a() -> Vec<Case> {
    cases("v4a")
}

fn cases(version: &str) -> Vec<Case> {
    let folder = folder().join(version);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of the suite can be listed")
        .map(|entry| entry.expect("its entries can be read").path())
        .collect();
    paths.sort();
    paths.iter().map(|path| Case::read(path)).collect()
}

/// Returns the folder of the suite.
///
/// # Panics
///
/// When cargo does not know the package, or the package has no such folder.
#[must_use]
pub fn folder() -> PathBuf {
    // Offline first: the package was fetched when this was built.
    let metadata = metadata(&["--offline"]).or_else(|_| metadata(&[]));
    let metadata = metadata.expect("cargo tells where the packages of the workspace are");
    let package = metadata
        .packages
        .iter()
        .find(|package| package.name == "aws-sigv4" && package.version == VERSION)
        .expect("the workspace depends on the pinned aws-sigv4");
    let folder = package.manifest_path.with_file_name(FOLDER);
    assert!(folder.is_dir(), "aws-sigv4 {VERSION} has a folder {FOLDER}");
    folder
}

fn metadata(arguments: &[&str]) -> Result<Metadata, String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .args(arguments)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

/// A case of the suite.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// The name of its folder.
    pub name: String,
    /// How it is to be signed. Two cases that the suite took over from elsewhere do not say.
    pub context: Option<Context>,
    /// What is to be signed.
    pub request: RawRequest,
    /// What is expected of a signature in the header.
    pub header: Expected,
    /// What is expected of a signature in the query.
    pub query: Expected,
    /// What the signatures are verified with. Each case of SigV4A has it.
    pub public_key: Option<PublicKey>,
}

/// What a case expects. Each is there for every case that has a context.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Expected {
    /// The canonical request.
    pub canonical_request: Option<String>,
    /// The string to sign.
    pub string_to_sign: Option<String>,
    /// The signature in hex.
    pub signature: Option<String>,
    /// The request as it goes out.
    pub signed_request: Option<RawRequest>,
}

impl Expected {
    /// Puts together what is expected.
    #[must_use]
    pub const fn new(
        canonical_request: Option<String>,
        string_to_sign: Option<String>,
        signature: Option<String>,
        signed_request: Option<RawRequest>,
    ) -> Self {
        Self {
            canonical_request,
            string_to_sign,
            signature,
            signed_request,
        }
    }
}

/// `context.json` of a case.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Context {
    /// Who signs.
    pub credentials: ContextCredentials,
    /// The lifetime of the presigned URL in seconds.
    pub expiration_in_seconds: u64,
    /// Whether the path is normalised.
    pub normalize: bool,
    /// The region.
    pub region: String,
    /// The service.
    pub service: String,
    /// Whether the body is hashed and `x-amz-content-sha256` sent. Otherwise the signature covers
    /// an empty body, whatever the body is.
    pub sign_body: bool,
    /// Whether the session token is added after the signature was made.
    #[serde(default)]
    pub omit_session_token: bool,
    timestamp: String,
}

impl Context {
    /// Returns the signing time.
    ///
    /// # Panics
    ///
    /// When the case names none.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        time::parse(&self.timestamp).expect("the timestamp of a case is a date")
    }

    /// Returns the lifetime of the presigned URL.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        Duration::from_secs(self.expiration_in_seconds)
    }
}

/// `public-key.json` of a case.
#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Coordinates {
    x: String,
    y: String,
}

/// The credentials of a case.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ContextCredentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token.
    pub token: Option<String>,
}

/// A request as the suite writes it, which may be more than `http` can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawRequest {
    /// The method.
    pub method: String,
    /// The request target, blanks and all.
    pub target: String,
    /// The headers in their order. A folded value holds its line breaks.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl RawRequest {
    /// Makes a request from its parts.
    #[must_use]
    pub const fn new(
        method: String,
        target: String,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Self {
        Self {
            method,
            target,
            headers,
            body,
        }
    }

    /// Reads the text of a request: a request line, headers, and a body behind an empty line.
    ///
    /// # Errors
    ///
    /// When the text is no request.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let line = lines.next().ok_or("there is no request line")?;
        let line = line.strip_suffix(" HTTP/1.1").unwrap_or(line);
        let (method, target) = line.split_once(' ').ok_or("there is no request target")?;
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            match (line.strip_prefix([' ', '\t']), headers.last_mut()) {
                (Some(_), Some((_, value))) => {
                    value.push('\n');
                    value.push_str(line);
                }
                _ => {
                    let (name, value) = line.split_once(':').ok_or("a header has no colon")?;
                    headers.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        Ok(Self::new(
            method.to_owned(),
            target.to_owned(),
            headers,
            body.as_bytes().to_vec(),
        ))
    }

    /// Makes the request with its target in origin form and its Host header.
    ///
    /// # Errors
    ///
    /// When the types of `http` cannot hold it.
    pub fn to_origin_form(&self) -> Result<Request<Vec<u8>>, http::Error> {
        self.to_http(self.target.parse::<Uri>()?, |_| true)
    }

    /// Makes the request with an absolute `https` URI in place of its Host header.
    ///
    /// # Errors
    ///
    /// When the types of `http` cannot hold it.
    pub fn to_absolute_form(&self) -> Result<Request<Vec<u8>>, http::Error> {
        let host = self.header("host").unwrap_or_default();
        let uri = format!("https://{host}{}", self.target).parse::<Uri>()?;
        self.to_http(uri, |name| !name.eq_ignore_ascii_case("host"))
    }

    /// Returns the first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let is_named = |(header, _): &&(String, String)| header.eq_ignore_ascii_case(name);
        let found = self.headers.iter().find(is_named);
        found.map(|(_, value)| value.trim())
    }

    /// Returns the headers with their names in lower case and their values trimmed, sorted.
    #[must_use]
    pub fn sorted_headers(&self) -> Vec<(String, String)> {
        let normal =
            |(name, value): &(String, String)| (name.to_ascii_lowercase(), value.trim().to_owned());
        let mut headers: Vec<_> = self.headers.iter().map(normal).collect();
        headers.sort();
        headers
    }

    fn to_http(
        &self,
        uri: Uri,
        keeps: impl Fn(&str) -> bool,
    ) -> Result<Request<Vec<u8>>, http::Error> {
        let mut builder = Request::builder().method(self.method.as_str()).uri(uri);
        for (name, value) in self.headers.iter().filter(|(name, _)| keeps(name)) {
            builder = builder.header(name, value);
        }
        builder.body(self.body.clone())
    }
}

impl Case {
    fn read(folder: &Path) -> Self {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let files: BTreeMap<String, String> = fs::read_dir(folder)
            .expect("the folder of a case can be listed")
            .map(|entry| {
                let path = entry.expect("its entries can be read").path();
                let text = fs::read_to_string(&path).expect("its files are text");
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                (name.into_owned(), text)
            })
            .collect();
        let request = |file: &str| {
            let text = files.get(file)?;
            Some(RawRequest::parse(text).expect("a request of the suite can be read"))
        };
        let expected = |placement: &str| {
            let text = |what: &str| files.get(&format!("{placement}-{what}.txt")).cloned();
            Expected {
                canonical_request: text("canonical-request"),
                string_to_sign: text("string-to-sign").map(|text| text.trim_end().to_owned()),
                signature: text("signature"),
                signed_request: request(&format!("{placement}-signed-request.txt")),
            }
        };
        Self {
            context: files
                .get("context.json")
                .map(|text| serde_json::from_str(text).expect("the context of a case can be read")),
            request: request("request.txt").expect("a case has a request"),
            header: expected("header"),
            query: expected("query"),
            public_key: files.get("public-key.json").map(|text| {
                let key: Coordinates = serde_json::from_str(text).expect("a key can be read");
                PublicKey::new(&key.x, &key.y).expect("its coordinates are in hex")
            }),
            name: name.into_owned(),
        }
    }
}
