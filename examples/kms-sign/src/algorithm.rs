//! [`Algorithm`]: what KMS signs with, and what checks it here.

use std::fmt;
use std::str::FromStr;

use rustls_pki_types::SignatureVerificationAlgorithm;
use sha2::Digest;
use sha2::Sha256;
use sha2::Sha384;
use sha2::Sha512;
use webpki::ring;

/// A signing algorithm of KMS whose signatures can be checked here.
///
/// Those that `ring` does not know are missing: the curves P-521 and secp256k1, Ed25519ph, ML-DSA and
/// SM2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// `ECDSA_SHA_256`, of keys `ECC_NIST_P256`.
    EcdsaSha256,
    /// `ECDSA_SHA_384`, of keys `ECC_NIST_P384`.
    EcdsaSha384,
    /// `RSASSA_PSS_SHA_256`, of RSA keys.
    RsaPssSha256,
    /// `RSASSA_PSS_SHA_384`, of RSA keys.
    RsaPssSha384,
    /// `RSASSA_PSS_SHA_512`, of RSA keys.
    RsaPssSha512,
    /// `RSASSA_PKCS1_V1_5_SHA_256`, of RSA keys.
    RsaPkcs1Sha256,
    /// `RSASSA_PKCS1_V1_5_SHA_384`, of RSA keys.
    RsaPkcs1Sha384,
    /// `RSASSA_PKCS1_V1_5_SHA_512`, of RSA keys.
    RsaPkcs1Sha512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::EcdsaSha256,
        Self::EcdsaSha384,
        Self::RsaPssSha256,
        Self::RsaPssSha384,
        Self::RsaPssSha512,
        Self::RsaPkcs1Sha256,
        Self::RsaPkcs1Sha384,
        Self::RsaPkcs1Sha512,
    ];

    /// Returns its name in KMS.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaSha256 => "ECDSA_SHA_256",
            Self::EcdsaSha384 => "ECDSA_SHA_384",
            Self::RsaPssSha256 => "RSASSA_PSS_SHA_256",
            Self::RsaPssSha384 => "RSASSA_PSS_SHA_384",
            Self::RsaPssSha512 => "RSASSA_PSS_SHA_512",
            Self::RsaPkcs1Sha256 => "RSASSA_PKCS1_V1_5_SHA_256",
            Self::RsaPkcs1Sha384 => "RSASSA_PKCS1_V1_5_SHA_384",
            Self::RsaPkcs1Sha512 => "RSASSA_PKCS1_V1_5_SHA_512",
        }
    }

    /// Returns the digest that it signs.
    #[must_use]
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::EcdsaSha256 | Self::RsaPssSha256 | Self::RsaPkcs1Sha256 => {
                Sha256::digest(message).to_vec()
            }
            Self::EcdsaSha384 | Self::RsaPssSha384 | Self::RsaPkcs1Sha384 => {
                Sha384::digest(message).to_vec()
            }
            Self::RsaPssSha512 | Self::RsaPkcs1Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    pub(crate) fn verifier(self) -> &'static dyn SignatureVerificationAlgorithm {
        match self {
            Self::EcdsaSha256 => ring::ECDSA_P256_SHA256,
            Self::EcdsaSha384 => ring::ECDSA_P384_SHA384,
            // KMS tells keys for PSS by the object identifier of RSA in general.
            Self::RsaPssSha256 => ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
            Self::RsaPssSha384 => ring::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
            Self::RsaPssSha512 => ring::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
            Self::RsaPkcs1Sha256 => ring::RSA_PKCS1_2048_8192_SHA256,
            Self::RsaPkcs1Sha384 => ring::RSA_PKCS1_2048_8192_SHA384,
            Self::RsaPkcs1Sha512 => ring::RSA_PKCS1_2048_8192_SHA512,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == name);
        found.ok_or(UnknownAlgorithm(()))
    }
}

/// A name that is no [`Algorithm`]'s.
#[derive(Clone, Copy, Debug)]
pub struct UnknownAlgorithm(());

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the algorithm is not one of")?;
        for algorithm in Algorithm::ALL {
            write!(f, " {algorithm}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownAlgorithm {}
