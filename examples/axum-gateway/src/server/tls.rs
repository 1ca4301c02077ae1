//! Certificates of the listeners.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use sha2::Digest;
use sha2::Sha256;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::config::Tls;

/// How a listener receives those who connect, with or without TLS.
#[derive(Clone, Default)]
pub(super) struct Reception {
    pub(super) acceptor: Option<TlsAcceptor>,
    trust: Trust,
}

/// By what clients are known: a digest of the authorities whose certificates count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Trust(Option<[u8; 32]>);

impl Reception {
    /// Reads the files of a listener, if it has any.
    pub(super) fn new(tls: Option<&Tls>, other_keys: bool) -> Result<Self, TlsError> {
        let Some(tls) = tls else {
            return Ok(Self::default());
        };
        let mut digest = Sha256::new();
        for certificate in tls.client_ca.iter().map(|path| certificates(path)) {
            certificate?
                .iter()
                .for_each(|certificate| digest.update(certificate));
        }
        Ok(Self {
            acceptor: Some(acceptor(tls, other_keys)?),
            trust: Trust(Some(digest.finalize().into())),
        })
    }

    /// Waits until those who were received like this would be received by other authorities: what
    /// their certificates proved does not count any more.
    pub(super) async fn is_over(&self, mut current: watch::Receiver<Self>) {
        let is_other = |current: &Self| current.trust != self.trust;
        if current.wait_for(is_other).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Reads the files of a TLS listener. Who has no certificate may connect if there are other keys.
fn acceptor(tls: &Tls, other_keys: bool) -> Result<TlsAcceptor, TlsError> {
    let chain = certificates(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| TlsError::new(&tls.key, "no private key can be read from", error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::new(&tls.certificate, "TLS cannot be set up for", error))?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let refuse = |error: &dyn fmt::Display| {
                TlsError::new(path, "clients cannot be checked by", error)
            };
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| refuse(&error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            let verifier = if other_keys {
                verifier.allow_unauthenticated()
            } else {
                verifier
            };
            let verifier = verifier.build().map_err(|error| refuse(&error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| TlsError::new(&tls.key, "the certificate does not fit", error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let refuse =
        |error: &dyn fmt::Display| TlsError::new(path, "no certificates can be read from", error);
    let found = CertificateDer::pem_file_iter(path).map_err(|error| refuse(&error))?;
    let found = found
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| refuse(&error))?;
    if found.is_empty() {
        return Err(refuse(&"there are none in it"));
    }
    Ok(found)
}

/// Says which file of a TLS listener is of no use.
#[derive(Debug)]
pub(super) struct TlsError(String);

impl TlsError {
    fn new(path: &Path, what: &str, error: impl fmt::Display) -> Self {
        Self(format!("{what} {}: {error}", path.display()))
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}
