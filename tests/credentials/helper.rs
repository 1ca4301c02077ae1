//! Fetches credentials, or the region, in a process of its own with a cleared environment.
//!
//! The process is this test binary once more, of which it runs one test that is left out otherwise.
//! A program beside it would have to be built with what only tests need.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::Providers;
use sigv4_tests::fake_aws::LoopbackHttp;
use tokio::process::Command;

/// What the process is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// `light`, `aws-config` or `local`.
    pub(crate) providers: String,
    /// `credentials` or `region`.
    pub(crate) what: String,
    /// The source, as JSON.
    pub(crate) source: String,
    /// Services that are to be found on loopback.
    pub(crate) hosts: HashMap<String, SocketAddr>,
}

impl Order {
    /// Does it with these variables and no others, and returns what came of it.
    pub(crate) async fn run(&self, home: &Path, variables: &HashMap<String, String>) -> Value {
        let order = serde_json::to_string(self).expect("an order is JSON");
        let answer = home.join(".answer");
        let mut command = Command::new(env::current_exe().expect("this is a program"));
        command
            .args(["helper::fetch", "--exact", "--ignored", "--nocapture"])
            .env_clear()
            .envs(variables)
            .env("HOME", home)
            .env(ORDER, order)
            .env(ANSWER, &answer)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let limit = Duration::from_secs(60);
        let output = tokio::time::timeout(limit, command.output()).await;
        let output: Output = output
            .expect("the helper comes to an end")
            .expect("the helper starts");
        assert!(output.status.success(), "{self:?}: {output:?}");
        let answer = fs::read(answer).expect("the helper leaves an answer");
        serde_json::from_slice(&answer).expect("the answer is JSON")
    }
}

#[tokio::test]
#[ignore = "is started by the other tests, each time in an environment of its own"]
async fn fetch() {
    let (Ok(order), Ok(answer)) = (env::var(ORDER), env::var(ANSWER)) else {
        return;
    };
    let order: Order = serde_json::from_str(&order).unwrap();
    let http = order.hosts.into_iter();
    let http = http.fold(LoopbackHttp::new(), |http, (host, at)| http.map(host, at));
    let providers = match &*order.providers {
        "light" => Providers::light(http),
        "aws-config" => Providers::aws_config(http),
        "local" => Providers::local(),
        other => panic!("there are no providers {other}"),
    };
    let source = serde_json::from_str(&order.source).unwrap();
    let outcome = match &*order.what {
        "credentials" => credentials(&source, &providers).await,
        "region" => region(&source, &providers).await,
        other => panic!("{other} cannot be fetched"),
    };
    fs::write(answer, outcome.to_string()).unwrap();
}

async fn credentials(source: &CredentialSource, providers: &Providers) -> Value {
    let provider = match source.load(providers) {
        Ok(provider) => provider,
        Err(error) => return json!({ "class": "load", "text": chain(&error) }),
    };
    match provider.provide_credentials().await {
        Ok(found) => {
            let expiry = found
                .expiry()
                .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            // The only way to the name of a provider.
            let name = format!("{found:?}");
            let name = name.split('"').nth(1);
            json!({
                "id": found.access_key_id(),
                "secret": sha256(found.secret_access_key()),
                "token": found.session_token().map(sha256),
                "expiry": expiry.map(|expiry| expiry.as_secs()),
                "account": found.account_id().map(|id| id.as_str()),
                "provider": name,
            })
        }
        Err(error) => json!({
            "class": class(&error),
            "text": chain(&error),
            "debug": format!("{error:?}"),
        }),
    }
}

async fn region(source: &CredentialSource, providers: &Providers) -> Value {
    match source.region(providers).await {
        Ok(region) => json!({ "id": region }),
        Err(error) => json!({ "class": error.field(), "text": chain(&error) }),
    }
}

/// What a chain of providers, or a cache, makes of an error: it goes on, it gives up, it tries
/// again.
fn class(error: &CredentialsError) -> &'static str {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => "not loaded",
        CredentialsError::InvalidConfiguration(_) => "configuration",
        _ => "failed",
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

fn sha256(secret: &str) -> String {
    let digest = Sha256::digest(secret);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

const ORDER: &str = "SIGV4_TESTS_ORDER";
const ANSWER: &str = "SIGV4_TESTS_ANSWER";
