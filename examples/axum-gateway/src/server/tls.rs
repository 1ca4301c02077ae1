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
use rustls::server::danger::ClientCertVerifier;
use tokio_rustls::TlsAcceptor;

use crate::config::Tls;

/// What the files of a TLS listener make.
pub(super) struct Secured {
    pub(super) acceptor: TlsAcceptor,
    /// Who decides which certificates of clients are valid.
    pub(super) clients: Option<Arc<dyn ClientCertVerifier>>,
}

/// Reads the files of a TLS listener. Who has no certificate may connect if there are other keys.
pub(super) fn secure(tls: &Tls, other_keys: bool) -> Result<Secured, TlsError> {
    let chain = certificates(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| TlsError::new(&tls.key, "no private key can be read from", error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::new(&tls.certificate, "TLS cannot be set up for", error))?;
    let mut clients: Option<Arc<dyn ClientCertVerifier>> = None;
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
            clients = Some(verifier.clone());
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| TlsError::new(&tls.key, "the certificate does not fit", error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Ok(Secured { acceptor, clients })
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
