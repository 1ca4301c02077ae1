//! What other systems that sign got wrong, each with the test that stands for it. All go over the
//! wire, to a gateway whose configuration is the text that an operator writes.
//!
//! | rule | test |
//! |---|---|
//! | not an open relay | `relay`, `hygiene::where_a_request_goes_is_not_for_its_client_to_say` |
//! | who may call | `callers`, `relay::a_wrong_key_after_a_right_one_is_never_signed`, `relay::without_callers_nobody_outside_of_the_machine_can_reach_it` |
//! | without credentials nothing is sent, the client's `Authorization` least | `closed` |
//! | values with CR, LF, NUL or beyond ASCII; two lengths, hosts or types | `wire` |
//! | answers lose `x-amz-*` where that is said | `wire::an_answer_loses_the_headers_that_the_route_names` |
//! | no secret, signature or signed URL in texts for people | `secrecy` |
//! | URLs hold for 60 s, and nobody is told them | `links` |
//! | what a client said of the hash of its body | `payloads` |
//! | a failed refresh keeps what is valid | `credentials_outage` |
//! | many threads, two services, no bad signature | `threads` |
//! | what a client says of a signature is replaced, not joined | `replaced` |
//! | what `Connection` names is neither signed nor sent | `replaced` |
//! | queries, keys, types and bodies as they are | `canonical` |
//! | 413 one byte over the limit | `payloads::a_body_may_be_as_long_as_the_limit_and_no_longer` |
//! | the first event before the last one is made | `streaming` |
//! | a retry has a date of its own; answers are hints | `answers` |
//! | hosts with default ports | `canonical::an_upstream_may_be_written_with_the_port_of_its_scheme` |
//! | several regions with SigV4, links over seven days | `links::what_cannot_be_signed_is_refused` |

use axum_gateway::config::Config;
use axum_gateway::server;
use axum_gateway::server::Running;
use axum_gateway::state::NamedCache;
use axum_gateway::stats::Stats;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::oracle;
use sigv4_tests::oracle::Verified;
use sigv4_tests::patience::soon;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

use crate::fixture::Answer;
use crate::fixture::connect;

mod answers;
mod canonical;
mod closed;
mod links;
mod payloads;
mod relay;
mod replaced;
mod secrecy;
mod threads;
mod wire;

/// Reads a configuration with these routes, and with credentials of a role.
fn config(routes: &str) -> Config {
    let text = format!(
        "listeners: [{{ tcp: '127.0.0.1:0' }}]\n\
         credentials:\n  main:\n    type: static\n    access_key_id: {}\n    \
         secret_access_key: '{}'\n    session_token: '{}'\n\
         log: {{ requests: all }}\nroutes:\n{routes}",
        secrets::ACCESS_KEY_ID,
        secrets::SECRET_ACCESS_KEY,
        secrets::SESSION_TOKEN,
    );
    Config::parse(&text, "gateway.yaml").unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// Writes down a route below `/service`, with these settings beside.
fn route(service: &str, upstream: &str, settings: &str) -> String {
    let comma = if settings.is_empty() { "" } else { ", " };
    format!(
        "  - {{ name: {service}, match: /{service}, upstream: '{upstream}', service: {service}, \
         region: us-east-1, credentials: main{comma}{settings} }}\n"
    )
}

/// Starts a gateway with these routes.
async fn serve(routes: &str) -> Running {
    crate::fixture::start(config(routes)).await
}

/// The same, with credentials from this cache.
async fn serve_with(routes: &str, cache: CredentialsCache) -> Running {
    let cache = NamedCache {
        name: "main".into(),
        kind: "test",
        cache,
        fingerprint: [1; 32],
    };
    server::start_with(config(routes), Stats::new(), vec![cache])
        .await
        .unwrap()
}

/// Sends what it is given, and reads until the connection ends. What comes back holds no secret.
async fn send(gateway: &Running, request: impl AsRef<[u8]>) -> Answer {
    let answer = send_only(gateway, request).await;
    secrets::assert_no_secret(&answer.0);
    answer
}

/// The same, where the upstream may repeat what it was sent.
async fn send_only(gateway: &Running, request: impl AsRef<[u8]>) -> Answer {
    let mut stream = connect(gateway).await;
    stream.write_all(request.as_ref()).await.unwrap();
    let mut octets = Vec::new();
    let _ = soon("the connection ends", stream.read_to_end(&mut octets)).await;
    Answer(String::from_utf8_lossy(&octets).into_owned())
}

/// Writes a request with a body of declared length.
fn with_body(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\
         {headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Has a request judged as it arrived: the credentials are ours, and all that says so is there once.
#[track_caller]
fn verified<'a>(request: &WireRequest, body: impl Into<oracle::Body<'a>>) -> Verified {
    let verified = crate::fixture::verified(request, body);
    assert_eq!(verified.access_key_id, secrets::ACCESS_KEY_ID);
    assert_eq!(verified.token.as_deref(), Some(secrets::SESSION_TOKEN));
    assert_eq!(verified.unsigned_amz_headers, [""; 0]);
    for name in [
        "authorization",
        "x-amz-date",
        "x-amz-security-token",
        "host",
    ] {
        assert!(request.values(name).len() <= 1, "{name}");
    }
    verified
}

/// The head of a request as one text.
fn head(request: &WireRequest) -> String {
    let lines = request.header_lines().join(&b'\n');
    format!(
        "{}\n{}",
        request.request_line(),
        String::from_utf8_lossy(&lines)
    )
}
