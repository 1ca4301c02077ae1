//! The client, what it checks, the mistakes, and the program, against a KMS that checks signatures
//! with another implementation.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod mistakes;
mod program;
mod public_key;
mod vectors;

use local_aws::LocalAws;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::secrets;

fn credentials() -> CredentialsCache {
    CredentialsCache::new(secrets::credentials())
}

fn client(aws: &LocalAws) -> kms_sign::KmsClient {
    kms_sign::KmsClient::with_endpoint(&aws.url(), "us-east-1", credentials()).unwrap()
}
