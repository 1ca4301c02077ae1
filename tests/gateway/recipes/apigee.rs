//! Apigee calling KMS.

use axum_gateway::server::Running;
use sigv4_tests::patience::soon;
use sigv4_tests::wire::WireServer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

use crate::fixture::start;
use crate::recipes::page::Recipe;
use crate::recipes::page::blocks;
use crate::recipes::page::judge;
use crate::recipes::page::signed_headers;
use crate::recipes::page::with_keys_of_the_environment;
use crate::tls::Issuer;
use crate::tls::certificate;
use crate::tls::client;
use crate::tls::dial;
use crate::tls::issuer;

const PAGE: &str = include_str!("../../../docs/recipes/apigee-kms.md");

struct Recited {
    gateway: Running,
    server: Issuer,
    apigee: Issuer,
    kms: WireServer,
    _recipe: Recipe,
}

async fn recited() -> Recited {
    let (server, apigee, kms) = (issuer("ca"), issuer("ca-of-apigee"), judge().await);
    let (chain, key) = certificate(&server, "gateway.internal");
    let recipe = Recipe::of_page(PAGE, 0)
        .with("0.0.0.0:8443", "127.0.0.1:0")
        .with_file("/etc/gateway/tls.pem", &chain)
        .with_file("/etc/gateway/tls.key", &key)
        .with_file("/etc/gateway/apigee-ca.pem", &apigee.pem())
        .with("https://kms.eu-central-1.amazonaws.com", &kms.url());
    Recited {
        gateway: start(with_keys_of_the_environment(recipe.config())).await,
        server,
        apigee,
        kms,
        _recipe: recipe,
    }
}

impl Recited {
    fn client(&self, issuer: &Issuer, name: &str) -> TlsConnector {
        client(&self.server, Some(&certificate(issuer, name)), &[])
    }

    /// Returns the status; 0, if the server wants no part of the client.
    async fn status(&self, client: &TlsConnector, request: &[u8]) -> u16 {
        let Ok(mut stream) = dial(&self.gateway, client).await else {
            return 0;
        };
        let mut answer = Vec::new();
        let _ = stream.write_all(request).await;
        let _ = soon("the connection ends", stream.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        crate::fixture::Answer(answer).status()
    }
}

/// A request of the recipe, as Apigee's target endpoint sends it.
fn request(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\n\
         Host: gateway.example.com:8443\r\n\
         Content-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: TrentService.Sign\r\n\
         X-Amz-Date: 20200101T000000Z\r\n\
         X-Amz-Security-Token: of-the-client\r\n\
         Authorization: Basic dXNlcjpwYXNz\r\n\
         Cookie: session=1\r\n\
         X-Forwarded-For: 203.0.113.7\r\n\
         Via: 1.1 google\r\n\
         Connection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn body_of_the_page() -> &'static str {
    let request = blocks(PAGE, "http")[0];
    request.split_once("\n\n").unwrap().1.trim_end()
}

#[tokio::test]
async fn the_operation_is_signed_and_bodies_are_sent_as_they_are() {
    let it = recited().await;
    let client = it.client(&it.apigee, "apigee.example.com");
    let binary: Vec<u8> = (0..=255).collect();
    let spaced = b"{ \"KeyId\" : \"alias/orders\",\r\n\t\"Message\":\"aGVsbG8=\" }\n";
    for (name, path, body) in [
        ("that of the page", "/kms", body_of_the_page().as_bytes()),
        ("formatted otherwise", "/kms", &spaced[..]),
        ("binary", "/kms", &binary),
        ("below the path", "/kms/anything", b"{}"),
    ] {
        assert_eq!(
            it.status(&client, &request(path, body)).await,
            200,
            "{name}"
        );
        let arrived = it.kms.requests().pop().unwrap();
        assert_eq!(arrived.request_line(), "POST / HTTP/1.1", "{name}");
        assert_eq!(arrived.body(), body, "{name}");
        let target = arrived.header("x-amz-target");
        assert_eq!(target.as_deref(), Some("TrentService.Sign"), "{name}");
        let kind = arrived.header("content-type");
        assert_eq!(kind.as_deref(), Some("application/x-amz-json-1.1"));
        assert_ne!(
            arrived.header("x-amz-date").as_deref(),
            Some("20200101T000000Z")
        );
        for gone in ["cookie", "x-amz-security-token"] {
            assert_eq!(arrived.header(gone), None, "{name}: {gone}");
        }
    }
    assert_eq!(
        signed_headers(&it.kms),
        ["content-type", "host", "x-amz-date", "x-amz-target"]
    );
}

#[tokio::test]
async fn a_query_is_a_part_of_what_is_signed() {
    let it = recited().await;
    let client = it.client(&it.apigee, "apigee.example.com");
    let request = request("/kms?b=2&a=1%20x", b"{}");
    assert_eq!(it.status(&client, &request).await, 200);
    let target = it.kms.only_request().target().into_owned();
    assert!(target.starts_with("/?"), "{target}");
}

#[tokio::test]
async fn others_are_refused() {
    let it = recited().await;
    let apigee = it.client(&it.apigee, "apigee.example.com");
    let get = b"GET /kms HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n".to_vec();
    let (post, elsewhere) = (request("/kms", b"{}"), request("/sts", b"{}"));
    for (name, client, request, expected) in [
        (
            "another name",
            it.client(&it.apigee, "other.example.com"),
            &post,
            401,
        ),
        (
            "another issuer",
            it.client(&it.server, "apigee.example.com"),
            &post,
            0,
        ),
        ("no certificate", client(&it.server, None, &[]), &post, 0),
        ("another method", apigee.clone(), &get, 405),
        ("another path", apigee, &elsewhere, 404),
    ] {
        assert_eq!(it.status(&client, request).await, expected, "{name}");
    }
    assert!(it.kms.requests().is_empty());
}
