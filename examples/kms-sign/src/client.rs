//! [`KmsClient`]: the two calls that signing needs.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::ClientWithMiddleware;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;
use sigv4_core::Signer;
use sigv4_core::dns_suffix;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::AuthorizerBuilder;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_reqwest::SigV4Middleware;
use sigv4_reqwest::redirect_policy;

use crate::Algorithm;
use crate::Message;
use crate::PublicKey;
use crate::Refusal;
use crate::error::Error;
use crate::error::ErrorKind;

/// Asks KMS for signatures and public keys. Clones share their connections and credentials.
#[derive(Clone, Debug)]
pub struct KmsClient {
    http: ClientWithMiddleware,
    endpoint: Url,
}

/// A signature, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signed {
    /// The ARN of the key, whatever it was called in the request.
    pub key_id: String,
    /// The signature: in DER for ECDSA.
    pub signature: Vec<u8>,
    /// Whether the message went to KMS as it is (`RAW`), or its digest (`DIGEST`).
    pub message_type: &'static str,
}

impl KmsClient {
    /// Makes a client for a region.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] where the region is none.
    pub fn new(region: &str, credentials: CredentialsCache) -> Result<Self, Error> {
        Self::with_endpoint(&Self::endpoint_of(region), region, credentials)
    }

    /// Returns the public endpoint of a region.
    #[must_use]
    pub fn endpoint_of(region: &str) -> String {
        format!("https://kms.{region}.{}", dns_suffix(region))
    }

    /// Makes a client for an endpoint of your own: one for a VPC, with FIPS, or for tests. Over
    /// plain http it has to be on this machine.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] where the endpoint or the region is none.
    pub fn with_endpoint(
        endpoint: &str,
        region: &str,
        credentials: CredentialsCache,
    ) -> Result<Self, Error> {
        let endpoint: Url = endpoint
            .parse()
            .map_err(|error| Error::caused(ErrorKind::Config, error))?;
        let authorizer = authorizer(&endpoint, region, credentials)?.build();
        let http = ClientBuilder::new(http_client()?)
            .with(SigV4Middleware::new(authorizer))
            .build();
        Ok(Self { http, endpoint })
    }

    /// Signs a message with a key, by its id, ARN, or alias (`alias/...`).
    ///
    /// Of a message of more than 4096 bytes the digest is sent, which is computed here.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`], with what KMS said; or where there is no answer, or not one of KMS.
    pub async fn sign(
        &self,
        key_id: &str,
        message: &[u8],
        algorithm: Algorithm,
    ) -> Result<Signed, Error> {
        let message = Message::new(message, algorithm);
        let request = sign_request(key_id, &message, algorithm);
        let answer: SignAnswer = self.call("Sign", &request).await?;
        Ok(Signed {
            key_id: answer.key_id,
            signature: decode(&answer.signature)?,
            message_type: message.message_type(),
        })
    }

    /// Fetches the public half of a key.
    ///
    /// # Errors
    ///
    /// As those of [`sign`](Self::sign).
    pub async fn public_key(&self, key_id: &str) -> Result<PublicKey, Error> {
        let request = json!({"KeyId": key_id});
        let answer: PublicKeyAnswer = self.call("GetPublicKey", &request).await?;
        Ok(PublicKey::from_der(decode(&answer.public_key)?))
    }

    async fn call<A: DeserializeOwned>(&self, operation: &str, body: &Value) -> Result<A, Error> {
        // All operations are at one path: the header tells which it is.
        let answer = self
            .http
            .post(self.endpoint.clone())
            .header("content-type", CONTENT_TYPE)
            .header("x-amz-target", format!("{SERVICE}.{operation}"))
            .body(body.to_string())
            .send()
            .await
            .map_err(|error| Error::caused(ErrorKind::Transport, error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer
            .bytes()
            .await
            .map_err(|error| Error::caused(ErrorKind::Transport, error))?;
        if !status.is_success() {
            return Err(Error::refused(Refusal::read(status, &headers, &body)));
        }
        serde_json::from_slice(&body).map_err(|error| Error::caused(ErrorKind::Answer, error))
    }
}

/// Makes the body of a request to sign.
pub(crate) fn sign_request(key_id: &str, message: &Message, algorithm: Algorithm) -> Value {
    json!({
        "KeyId": key_id,
        "Message": message.encoded(),
        "MessageType": message.message_type(),
        "SigningAlgorithm": algorithm.as_str(),
    })
}

pub(crate) fn authorizer(
    endpoint: &Url,
    region: &str,
    credentials: CredentialsCache,
) -> Result<AuthorizerBuilder, Error> {
    let config = |error| Error::caused(ErrorKind::Config, error);
    let signer = Signer::builder("kms", region).build().map_err(config)?;
    let scope = HostScope::exact([endpoint.authority()]).map_err(config)?;
    Ok(Authorizer::builder(signer, credentials, scope))
}

pub(crate) fn http_client() -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .redirect(redirect_policy())
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        .build()
        .map_err(|error| Error::caused(ErrorKind::Config, error))
}

fn decode(text: &str) -> Result<Vec<u8>, Error> {
    BASE64_STANDARD
        .decode(text)
        .map_err(|error| Error::caused(ErrorKind::Answer, error))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SignAnswer {
    key_id: String,
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PublicKeyAnswer {
    public_key: String,
}

pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// What KMS was called when it was made.
pub(crate) const SERVICE: &str = "TrentService";
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(30);
