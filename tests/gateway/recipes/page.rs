//! Configurations out of the pages, what a test changes in them, and upstreams that judge.

use std::fs;
use std::path::PathBuf;

use axum_gateway::config::Config;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::StaticKeys;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Verified;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use tempfile::TempDir;

/// Returns the blocks of a page that are in a language.
pub(super) fn blocks(page: &'static str, language: &str) -> Vec<&'static str> {
    let fence = format!("\n```{language}\n");
    let blocks = page.split(&*fence).skip(1);
    blocks
        .map(|rest| rest.split_once("```").expect("a block ends").0)
        .collect()
}

/// A configuration out of a page, in which a test changes no more than it has to.
pub(super) struct Recipe {
    text: String,
    directory: TempDir,
}

impl Recipe {
    /// Takes one of the configurations of a page.
    #[track_caller]
    pub(super) fn of_page(page: &'static str, index: usize) -> Self {
        let mut blocks = blocks(page, "yaml");
        blocks.retain(|block| block.starts_with("# gateway.yaml\n"));
        Self::of_text(blocks[index])
    }

    pub(super) fn of_text(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            directory: TempDir::new().unwrap(),
        }
    }

    /// Has something else where this stands, which is one place.
    #[track_caller]
    pub(super) fn with(mut self, written: &str, used: &str) -> Self {
        let count = self.text.matches(written).count();
        assert_eq!(count, 1, "{written:?} stands once in the recipe");
        self.text = self.text.replace(written, used);
        self
    }

    /// Has a value come from a file instead.
    #[track_caller]
    pub(super) fn with_secret(self, written: &str, value: &str) -> Self {
        let name = written.trim_start_matches("env:");
        let path = self.file(name, &format!("{value}\n"));
        self.with(written, &format!("file:{}", path.display()))
    }

    /// Has a file in place of this one, with this content.
    #[track_caller]
    pub(super) fn with_file(self, written: &str, content: &str) -> Self {
        let name = written.rsplit('/').next().expect("a path has a name");
        let path = self.file(name, content);
        self.with(written, &path.display().to_string())
    }

    /// Writes a file that lives as long as this.
    pub(super) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Returns a path that is for this test alone.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Loads it.
    #[track_caller]
    pub(super) fn config(&self) -> Config {
        match Config::parse(&self.text, "gateway.yaml") {
            Ok(config) => config,
            Err(errors) => unreachable!("the recipe is refused: {errors}\n{}", self.text),
        }
    }

    /// Loads it, with a free port for the listener that it leaves out.
    #[track_caller]
    pub(super) fn config_without_listener(&self) -> Config {
        assert!(!self.text.contains("listeners:"));
        let mut config = self.config();
        config.listeners = vec![crate::fixture::listener()];
        config
    }
}

/// Has the keys of the fixture where an environment would be searched for some.
#[track_caller]
pub(super) fn with_keys_of_the_environment(config: Config) -> Config {
    let keys = StaticKeys::new(secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
    with_keys(config, "default", keys)
}

/// The same with a session token, where AWS would be asked.
#[track_caller]
pub(super) fn with_keys_of_a_role(config: Config, kind: &str) -> Config {
    let keys = StaticKeys::new(secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
    with_keys(config, kind, keys.session_token(secrets::SESSION_TOKEN))
}

#[track_caller]
fn with_keys(mut config: Config, kind: &str, keys: StaticKeys) -> Config {
    let [credentials] = &mut config.credentials[..] else {
        unreachable!("the recipe has one source of credentials");
    };
    assert_eq!(credentials.source.kind(), kind);
    credentials.source = CredentialSource::from(keys);
    config
}

/// Starts an upstream that answers 200 to what is signed with the keys of the fixture, and 403 with
/// the reason to anything else.
pub(super) async fn judge() -> WireServer {
    judge_of(secrets::SECRET_ACCESS_KEY).await
}

/// The same for another secret.
pub(super) async fn judge_of(secret: &str) -> WireServer {
    let secret = secret.to_owned();
    WireServer::start(move |request| match verify(request, &secret) {
        Ok(_) => WireResponse::new(200).body("verified"),
        Err(reason) => WireResponse::new(403).body(reason),
    })
    .await
}

/// Judges a request as the service would, by what it says of its body.
pub(super) fn verify(request: &WireRequest, secret: &str) -> Result<Verified, String> {
    let announced = request.header("x-amz-content-sha256");
    let body = match announced.as_deref() {
        Some("UNSIGNED-PAYLOAD") => oracle::Body::Unsigned,
        Some(streamed) if streamed.starts_with("STREAMING-") => oracle::Body::Announced(streamed),
        None if is_link_to_s3(request) => oracle::Body::Unsigned,
        _ => oracle::Body::Bytes(request.body()),
    };
    oracle::verify(&request.head(), body, secret)
}

/// Tells whether this is a link to S3, whose signatures never cover a body.
fn is_link_to_s3(request: &WireRequest) -> bool {
    let query = request.query().unwrap_or_default();
    query.contains("X-Amz-Signature=") && query.contains("%2Fs3%2Faws4_request")
}

/// Returns the names of the headers that are signed, of the last request that arrived.
#[track_caller]
pub(super) fn signed_headers(server: &WireServer) -> Vec<String> {
    let requests = server.requests();
    let last = requests.last().expect("a request arrived");
    let verified = verify(last, secrets::SECRET_ACCESS_KEY);
    verified.expect("it is signed").signed_headers
}

/// Checks that none of these words is anywhere in a request that arrived.
#[track_caller]
pub(super) fn assert_none_arrived(server: &WireServer, words: &[&str]) {
    assert!(!server.requests().is_empty());
    for request in server.requests() {
        let lines = request.header_lines().iter();
        let mut lines = lines.map(|line| String::from_utf8_lossy(line).to_ascii_lowercase());
        let line = lines.find(|line| words.iter().any(|word| line.contains(word)));
        assert_eq!(line, None);
        let target = request.request_line().to_ascii_lowercase();
        assert!(!words.iter().any(|word| target.contains(word)), "{target}");
    }
}
