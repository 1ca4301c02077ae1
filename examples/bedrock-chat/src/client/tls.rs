//! Which library does the cryptography of TLS.

/// Has TLS use `ring` in this process, unless another library was chosen already.
///
/// reqwest is built here without a library of its own choice, `aws-lc`, whose C code takes longer to
/// compile than all the rest. Call it before a client is built; the
/// [builder](super::BedrockClientBuilder::build) does.
pub fn use_ring() {
    // The error says that a provider is installed, which is as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
