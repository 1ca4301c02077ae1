//! Listeners with certificates.

use std::path::Path;
use std::sync::Arc;

use axum_gateway::config::CallerKey;
use axum_gateway::config::Config;
use axum_gateway::config::Tls;
use axum_gateway::server::Running;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::IsCa;
use rcgen::KeyPair;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use sigv4_tests::patience::soon;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fixture::Standstill;
use crate::fixture::bearer;
use crate::fixture::caller;
use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::exchange;
use crate::fixture::exchange_and_stay;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::upstream;

pub(crate) type Issuer = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn issuer(name: &str) -> Issuer {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a name, and its key, in PEM.
pub(crate) fn certificate(issuer: &Issuer, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn write(
    directory: &Path,
    (certificate, key): &(String, String),
    client_ca: Option<&Issuer>,
) -> Tls {
    let file = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    Tls {
        certificate: file("certificate.pem", certificate),
        key: file("key.pem", key),
        client_ca: client_ca.map(|issuer| file("clients.pem", &issuer.pem())),
    }
}

pub(crate) fn client(
    trusted: &Issuer,
    own: Option<&(String, String)>,
    alpn: &[&str],
) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

pub(crate) async fn dial(
    gateway: &Running,
    client: &TlsConnector,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("gateway.internal").unwrap();
    let stream = connect(gateway).await;
    soon("the handshake ends", client.connect(name, stream)).await
}

async fn get(gateway: &Running, client: &TlsConnector, lines: &str) -> u16 {
    let request =
        format!("GET /sqs HTTP/1.1\r\nHost: gateway.internal\r\nConnection: close\r\n{lines}\r\n");
    match dial(gateway, client).await {
        Ok(stream) => exchange_or_nothing(stream, &request).await,
        Err(_) => 0,
    }
}

/// A server that wants no part of a client says so after the handshake of TLS 1.3.
async fn exchange_or_nothing(mut stream: TlsStream<TcpStream>, request: &str) -> u16 {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    let mut answer = Vec::new();
    let _ = stream.write_all(request.as_bytes()).await;
    let _ = soon("the connection ends", stream.read_to_end(&mut answer)).await;
    crate::fixture::Answer(String::from_utf8(answer).unwrap()).status()
}

fn with_tls(upstream: &str, tls: Tls) -> Config {
    let mut config = config(vec![route("sqs", upstream)]);
    config.listeners[0].hosts = vec!["gateway.internal".to_owned()];
    config.listeners[0].tls = Some(tls);
    config
}

#[tokio::test]
async fn requests_come_over_tls_and_only_so() {
    let server = upstream("fine").await;
    let directory = TempDir::new().unwrap();
    let ca = issuer("ca");
    let tls = write(
        directory.path(),
        &certificate(&ca, "gateway.internal"),
        None,
    );
    let gateway = start(with_tls(&server.url(), tls)).await;
    assert_eq!(get(&gateway, &client(&ca, None, &[]), "").await, 200);
    let h2 = dial(&gateway, &client(&ca, None, &["h2", "http/1.1"]))
        .await
        .unwrap();
    assert_eq!(h2.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let plain = "GET /sqs HTTP/1.1\r\nHost: gateway.internal\r\nConnection: close\r\n\r\n";
    let answer = exchange_raw(&gateway, plain).await;
    assert!(!answer.contains("200 OK"), "{answer}");
}

async fn exchange_raw(gateway: &Running, request: &str) -> String {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    let mut stream = connect(gateway).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = soon("the connection ends", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_handshake_that_does_not_end_holds_nobody_up() {
    let server = upstream("fine").await;
    let directory = TempDir::new().unwrap();
    let ca = issuer("ca");
    let tls = write(
        directory.path(),
        &certificate(&ca, "gateway.internal"),
        None,
    );
    let mut config = with_tls(&server.url(), tls);
    config.limits.head_timeout = std::time::Duration::from_millis(200);
    let gateway = start(config).await;
    // However long a handshake really takes.
    let clock = Standstill::begin();
    let silent = connect(&gateway).await;
    assert_eq!(get(&gateway, &client(&ca, None, &[]), "").await, 200);
    drop(clock);
    assert_eq!(exchange(silent, "").await.status(), 0);
}

#[tokio::test]
async fn certificates_of_clients_are_keys_of_callers() {
    let server = upstream("fine").await;
    let directory = TempDir::new().unwrap();
    let (ca, other) = (issuer("ca"), issuer("other"));
    let tls = write(
        directory.path(),
        &certificate(&ca, "gateway.internal"),
        Some(&ca),
    );
    let mut config = with_tls(&server.url(), tls);
    config.routes.push(route("bedrock", &server.url()));
    let named = |name: &str| CallerKey::Certificate {
        dns_name: name.to_owned(),
    };
    config.callers = vec![
        caller("orders", named("orders.internal"), Some(&["sqs"])),
        caller("models", named("models.internal"), Some(&["bedrock"])),
        caller("a", named("a.of.internal"), None),
    ];
    let gateway = start(config).await;
    let own = |issuer, name| Some(certificate(issuer, name));
    for (name, certificate, expected) in [
        ("of a caller", own(&ca, "orders.internal"), 200),
        (
            "of a caller for another route",
            own(&ca, "models.internal"),
            403,
        ),
        ("of nobody", own(&ca, "nobody.internal"), 401),
        (
            "of a caller by its own name",
            own(&ca, "a.of.internal"),
            200,
        ),
        ("of all names", own(&ca, "*.of.internal"), 401),
        (
            "of a caller, by somebody else",
            own(&other, "orders.internal"),
            0,
        ),
        ("none", None, 0),
    ] {
        let client = client(&ca, certificate.as_ref(), &[]);
        assert_eq!(get(&gateway, &client, "").await, expected, "{name}");
    }
}

#[tokio::test]
async fn who_has_another_key_needs_no_certificate() {
    let server = upstream("fine").await;
    let directory = TempDir::new().unwrap();
    let ca = issuer("ca");
    let tls = write(
        directory.path(),
        &certificate(&ca, "gateway.internal"),
        Some(&ca),
    );
    let mut config = with_tls(&server.url(), tls);
    let dns_name = "orders.internal".to_owned();
    config.callers = vec![
        caller("orders", CallerKey::Certificate { dns_name }, None),
        caller("batch", bearer("token"), None),
    ];
    let gateway = start(config).await;
    let client = client(&ca, None, &[]);
    assert_eq!(get(&gateway, &client, "").await, 401);
    let lines = "Authorization: Bearer token\r\n";
    assert_eq!(get(&gateway, &client, lines).await, 200);
}

#[tokio::test]
async fn a_reload_reads_the_certificate_again() {
    let server = upstream("fine").await;
    let directory = TempDir::new().unwrap();
    let (old, new) = (issuer("old"), issuer("new"));
    let name = "gateway.internal";
    let tls = write(directory.path(), &certificate(&old, name), None);
    let gateway = start(with_tls(&server.url(), tls.clone())).await;
    let (trusts_old, trusts_new) = (client(&old, None, &[]), client(&new, None, &[]));
    assert_eq!(get(&gateway, &trusts_new, "").await, 0);

    let _ = write(directory.path(), &certificate(&new, name), None);
    gateway
        .reload(with_tls(&server.url(), tls.clone()))
        .await
        .unwrap();
    assert_eq!(get(&gateway, &trusts_new, "").await, 200);
    assert_eq!(get(&gateway, &trusts_old, "").await, 0);

    std::fs::write(&tls.certificate, "no certificate").unwrap();
    let error = gateway
        .reload(with_tls(&server.url(), tls))
        .await
        .unwrap_err();
    let message = axum_gateway::log::chain(&error);
    assert!(message.contains("certificate.pem"), "{message}");
    assert_eq!(
        get(&gateway, &trusts_new, "").await,
        200,
        "the old one serves"
    );
}

#[tokio::test]
async fn a_certificate_ends_with_its_issuer_on_open_connections_too() {
    let server = upstream("fine").await;
    let directory = TempDir::new().unwrap();
    let (ca, other) = (issuer("ca"), issuer("other"));
    let own = certificate(&ca, "gateway.internal");
    let tls = write(directory.path(), &own, Some(&ca));
    let config = || {
        let mut config = with_tls(&server.url(), tls.clone());
        let dns_name = "orders.internal".to_owned();
        config.callers = vec![caller("orders", CallerKey::Certificate { dns_name }, None)];
        config
    };
    let gateway = start(config()).await;
    let orders = certificate(&ca, "orders.internal");
    let client = client(&ca, Some(&orders), &[]);
    let mut open = dial(&gateway, &client).await.unwrap();
    let request = "GET /sqs HTTP/1.1\r\nHost: gateway.internal\r\n\r\n";
    assert_eq!(exchange_and_stay(&mut open, request).await.status(), 200);
    gateway.reload(config()).await.unwrap();
    assert_eq!(exchange_and_stay(&mut open, request).await.status(), 200);

    let _ = write(directory.path(), &own, Some(&other));
    gateway.reload(config()).await.unwrap();
    assert_eq!(exchange_and_stay(&mut open, request).await.status(), 401);
}
