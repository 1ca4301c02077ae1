//! [`PublicKey`]: checks signatures without KMS.

use rustls_pki_types::SubjectPublicKeyInfoDer;
use webpki::RawPublicKeyEntity;

use crate::Algorithm;
use crate::error::Error;
use crate::error::ErrorKind;

/// The public half of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    der: Vec<u8>,
}

impl PublicKey {
    /// Takes a key as KMS gives it: a `SubjectPublicKeyInfo` in DER.
    #[must_use]
    pub fn from_der(der: impl Into<Vec<u8>>) -> Self {
        Self { der: der.into() }
    }

    /// Returns it as KMS gives it.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Checks that a signature is that of this message by this key. The signature is as KMS gives
    /// it: in DER for ECDSA.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongSignature`]; or [`ErrorKind::UnsuitableKey`] where that cannot be told,
    /// because the key is not one for the algorithm.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let unsuitable = |error| Error::caused(ErrorKind::UnsuitableKey, error);
        let der = SubjectPublicKeyInfoDer::from(self.der.as_slice());
        let key = RawPublicKeyEntity::try_from(&der).map_err(unsuitable)?;
        key.verify_signature(algorithm.verifier(), message, signature)
            .map_err(|error| match error {
                webpki::Error::InvalidSignatureForPublicKey => {
                    Error::new(ErrorKind::WrongSignature)
                }
                error => unsuitable(error),
            })
    }
}
