//! The keys.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::StatusCode;
use p256::ecdsa::Signature;
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::elliptic_curve::Generate;
use p256::pkcs8::EncodePublicKey;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

use crate::server::Call;
use crate::server::respond;

/// KMS with one key on the curve P-256, which is made anew at each start: Sign, Verify and
/// GetPublicKey.
///
/// What is wrong with a request it says as KMS does, in the same order: first the operation, then
/// the JSON, the members, the key, the algorithm.
#[derive(Debug)]
#[non_exhaustive]
pub struct Kms {
    key: SigningKey,
    is_wrong: AtomicBool,
}

/// An answer, or what is said instead.
type Answered = Result<Value, Fault>;

/// An error as the services with JSON say it.
#[derive(Debug)]
struct Fault {
    code: &'static str,
    message: Option<String>,
}

impl Kms {
    /// The id of the key.
    pub const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
    /// Another name of the key.
    pub const ALIAS: &str = "alias/orders";

    pub(crate) fn new() -> Self {
        Self {
            key: SigningKey::generate(),
            is_wrong: AtomicBool::new(false),
        }
    }

    /// Signs another message than it is asked to from now on, and says nothing of it.
    pub fn sign_wrongly(&self) {
        self.is_wrong.store(true, Ordering::Relaxed);
    }

    pub(crate) fn answer(&self, call: &Call) -> Response {
        let answered = self.operate(&call.head.headers, &call.body, &call.verified.region);
        let (status, body) = match answered {
            Ok(body) => (StatusCode::OK, body),
            Err(fault) => (StatusCode::BAD_REQUEST, fault.into_body()),
        };
        respond(status, "application/x-amz-json-1.1", body.to_string())
    }

    fn operate(&self, headers: &HeaderMap, body: &[u8], region: &str) -> Answered {
        let target = headers
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok());
        let operation = match target.and_then(|target| target.strip_prefix("TrentService.")) {
            Some("Sign") => Self::sign,
            Some("Verify") => Self::verify,
            Some("GetPublicKey") => Self::public_key,
            _ => return Err(Fault::bare("UnknownOperationException")),
        };
        let body = serde_json::from_slice(body).map_err(|_| Fault::bare("SerializationException"));
        operation(self, &Members(body?), region)
    }

    fn sign(&self, members: &Members, region: &str) -> Answered {
        let key = members.required("KeyId", "keyId")?;
        let digest = members.digest()?;
        let algorithm = members.required("SigningAlgorithm", "signingAlgorithm")?;
        let key = find_key(&key, region)?;
        check_algorithm(&algorithm)?;
        let mut digest = digest.of(&algorithm)?;
        if self.is_wrong.load(Ordering::Relaxed) {
            digest.reverse();
        }
        let signature: Signature = self
            .key
            .sign_prehash(&digest)
            .map_err(|_| Fault::bare("KMSInternalException"))?;
        Ok(json!({
            "KeyId": key,
            "Signature": BASE64_STANDARD.encode(signature.to_der()),
            "SigningAlgorithm": algorithm,
        }))
    }

    fn verify(&self, members: &Members, region: &str) -> Answered {
        let key = members.required("KeyId", "keyId")?;
        let digest = members.digest()?;
        let algorithm = members.required("SigningAlgorithm", "signingAlgorithm")?;
        let signature = decode(&members.required("Signature", "signature")?)?;
        let key = find_key(&key, region)?;
        check_algorithm(&algorithm)?;
        let digest = digest.of(&algorithm)?;
        let is_valid = Signature::from_der(&signature).is_ok_and(|signature| {
            let verifying = self.key.verifying_key();
            verifying.verify_prehash(&digest, &signature).is_ok()
        });
        if !is_valid {
            return Err(Fault::bare("KMSInvalidSignatureException"));
        }
        Ok(json!({"KeyId": key, "SignatureValid": true, "SigningAlgorithm": algorithm}))
    }

    fn public_key(&self, members: &Members, region: &str) -> Answered {
        let key = find_key(&members.required("KeyId", "keyId")?, region)?;
        let public = self
            .key
            .verifying_key()
            .to_public_key_der()
            .map_err(|_| Fault::bare("KMSInternalException"))?;
        Ok(json!({
            "CustomerMasterKeySpec": SPEC,
            "KeyId": key,
            "KeySpec": SPEC,
            "KeyUsage": "SIGN_VERIFY",
            "PublicKey": BASE64_STANDARD.encode(public.as_bytes()),
            "SigningAlgorithms": [ALGORITHM],
        }))
    }
}

/// What a request consists of.
struct Members(Value);

impl Members {
    /// Returns the text of a member; messages write its name with a small letter.
    fn optional(&self, name: &str) -> Result<Option<String>, Fault> {
        match &self.0[name] {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            other => {
                let kind = match other {
                    Value::Bool(true) => "TRUE_VALUE",
                    Value::Bool(false) => "FALSE_VALUE",
                    Value::Number(_) => "NUMBER_VALUE",
                    _ => return Err(Fault::bare("SerializationException")),
                };
                let message = format!("{kind} can not be converted to a String");
                Err(Fault::new("SerializationException", message))
            }
        }
    }

    fn required(&self, name: &str, shown: &str) -> Result<String, Fault> {
        let null = || Fault::constraint(&format!("Value at '{shown}'"), "Member must not be null");
        self.optional(name)?.ok_or_else(null)
    }

    fn digest(&self) -> Result<Message, Fault> {
        let message = decode(&self.required("Message", "message")?)?;
        let bound = match message.len() {
            0 => Some("greater than or equal to 1"),
            1..=LONGEST => None,
            _ => Some("less than or equal to 4096"),
        };
        if let Some(bound) = bound {
            let constraint = format!("Member must have length {bound}");
            return Err(Fault::constraint("Value at 'message'", &constraint));
        }
        match self.optional("MessageType")?.as_deref() {
            None | Some("RAW") => Ok(Message::Raw(message)),
            Some("DIGEST") => Ok(Message::Digest(message)),
            Some(other) => Err(Fault::constraint(
                &format!("Value '{other}' at 'messageType'"),
                "Member must satisfy enum value set: [RAW, DIGEST, EXTERNAL_MU]",
            )),
        }
    }
}

enum Message {
    Raw(Vec<u8>),
    Digest(Vec<u8>),
}

impl Message {
    fn of(self, algorithm: &str) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Raw(message) => Ok(Sha256::digest(message).to_vec()),
            Self::Digest(digest) if digest.len() == 32 => Ok(digest),
            Self::Digest(_) => Err(Fault::new(
                "ValidationException",
                format!("Digest is invalid length for algorithm {algorithm}."),
            )),
        }
    }
}

impl Fault {
    /// What the front of the service refuses has no message.
    const fn bare(code: &'static str) -> Self {
        Self {
            code,
            message: None,
        }
    }

    const fn new(code: &'static str, message: String) -> Self {
        Self {
            code,
            message: Some(message),
        }
    }

    fn constraint(value: &str, constraint: &str) -> Self {
        let message = format!(
            "1 validation error detected: {value} failed to satisfy constraint: {constraint}"
        );
        Self::new("ValidationException", message)
    }

    fn into_body(self) -> Value {
        match self.message {
            Some(message) => json!({"__type": self.code, "message": message}),
            None => json!({"__type": self.code}),
        }
    }
}

/// Returns the ARN of the key by its id, its ARN, its alias or the ARN of that.
fn find_key(given: &str, region: &str) -> Result<String, Fault> {
    let prefix = format!("arn:aws:kms:{region}:{ACCOUNT}:");
    let resource = given.strip_prefix(&prefix).unwrap_or(given);
    let id = resource.strip_prefix("key/").unwrap_or(resource);
    if id == Kms::KEY_ID || resource == Kms::ALIAS {
        return Ok(format!("{prefix}key/{}", Kms::KEY_ID));
    }
    let message = if let Some(arn) = resource.strip_prefix("arn:aws:kms:") {
        let region = arn.split(':').next().unwrap_or_default();
        format!("Invalid arn {region}")
    } else if resource.starts_with("alias/") {
        format!("Alias {prefix}{resource} is not found.")
    } else if id.len() == Kms::KEY_ID.len() {
        format!("Key '{prefix}key/{id}' does not exist")
    } else {
        format!("Invalid keyId '{given}'")
    };
    Err(Fault::new("NotFoundException", message))
}

fn check_algorithm(algorithm: &str) -> Result<(), Fault> {
    if algorithm == ALGORITHM {
        return Ok(());
    }
    if ALGORITHMS.contains(&algorithm) {
        let message = format!("Algorithm {algorithm} is incompatible with key spec {SPEC}.");
        return Err(Fault::new("InvalidKeyUsageException", message));
    }
    let constraint = format!(
        "Member must satisfy enum value set: [{}]",
        ALGORITHMS.join(", ")
    );
    let value = format!("Value '{algorithm}' at 'signingAlgorithm'");
    Err(Fault::constraint(&value, &constraint))
}

fn decode(text: &str) -> Result<Vec<u8>, Fault> {
    let decoded = BASE64_STANDARD.decode(text);
    decoded.map_err(|_| Fault::bare("SerializationException"))
}

const ACCOUNT: &str = "123456789012";
const SPEC: &str = "ECC_NIST_P256";
const ALGORITHM: &str = "ECDSA_SHA_256";
/// How long a message may be.
const LONGEST: usize = 4096;
const ALGORITHMS: [&str; 9] = [
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    ALGORITHM,
    "ECDSA_SHA_384",
    "ECDSA_SHA_512",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(kms: &Kms, target: &'static str, body: &str) -> Answered {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", target.parse().unwrap());
        kms.operate(&headers, body.as_bytes(), "us-east-1")
    }

    fn signing(key: &str, message: &[u8], more: &str) -> String {
        let message = BASE64_STANDARD.encode(message);
        format!(r#"{{"KeyId":"{key}","Message":"{message}",{more}}}"#)
    }

    const EC: &str = r#""SigningAlgorithm":"ECDSA_SHA_256""#;

    #[test]
    fn signs_and_verifies() {
        let kms = Kms::new();
        let arn = format!("arn:aws:kms:us-east-1:123456789012:key/{}", Kms::KEY_ID);
        let alias = "arn:aws:kms:us-east-1:123456789012:alias/orders";
        for key in [Kms::KEY_ID, &arn, Kms::ALIAS, alias] {
            let signed = ask(&kms, "TrentService.Sign", &signing(key, b"abc", EC)).unwrap();
            assert_eq!(signed["KeyId"], *arn, "{key}");
            let more = format!(r#"{EC},"Signature":{}"#, signed["Signature"]);
            let digest = format!(r#"{more},"MessageType":"DIGEST""#);
            let body = signing(key, &Sha256::digest(b"abc"), &digest);
            let verified = ask(&kms, "TrentService.Verify", &body).unwrap();
            assert_eq!(verified["SignatureValid"], true, "{key}");
            let other = signing(key, b"abd", &more);
            let fault = ask(&kms, "TrentService.Verify", &other).unwrap_err();
            assert_eq!(fault.code, "KMSInvalidSignatureException", "{key}");
        }
    }

    #[test]
    fn says_what_is_wrong_as_kms_does() {
        let kms = Kms::new();
        let (sign, id) = ("TrentService.Sign", Kms::KEY_ID);
        let long = vec![0; 4097];
        let rsa = r#""SigningAlgorithm":"RSASSA_PSS_SHA_256""#;
        let digest = format!(r#"{EC},"MessageType":"DIGEST""#);
        for (name, target, body, code, message) in [
            (
                "another operation",
                "TrentService.Encrypt",
                "{}".to_owned(),
                "UnknownOperationException",
                "",
            ),
            (
                "the target of another service",
                "DynamoDB_20120810.Sign",
                "{}".to_owned(),
                "UnknownOperationException",
                "",
            ),
            (
                "no JSON",
                sign,
                "{".to_owned(),
                "SerializationException",
                "",
            ),
            (
                "a number",
                sign,
                r#"{"KeyId":7}"#.to_owned(),
                "SerializationException",
                "NUMBER_VALUE can not be converted to a String",
            ),
            (
                "no key",
                sign,
                "{}".to_owned(),
                "ValidationException",
                "Value at 'keyId' failed to satisfy constraint: Member must not be null",
            ),
            (
                "a long message",
                sign,
                signing(id, &long, EC),
                "ValidationException",
                "Member must have length less than or equal to 4096",
            ),
            (
                "a digest that is none",
                sign,
                signing(id, b"abc", &digest),
                "ValidationException",
                "Digest is invalid length for algorithm ECDSA_SHA_256.",
            ),
            (
                "another key",
                sign,
                signing("00000000-12ab-34cd-56ef-1234567890ab", b"abc", EC),
                "NotFoundException",
                "Key 'arn:aws:kms:us-east-1:123456789012:key/00000000-12ab-34cd-56ef-1234567890ab' \
                 does not exist",
            ),
            (
                "another alias",
                sign,
                signing("alias/x", b"abc", EC),
                "NotFoundException",
                "Alias arn:aws:kms:us-east-1:123456789012:alias/x is not found.",
            ),
            (
                "another region",
                sign,
                signing("arn:aws:kms:eu-west-1:123456789012:key/x", b"abc", EC),
                "NotFoundException",
                "Invalid arn eu-west-1",
            ),
            (
                "an algorithm of other keys",
                sign,
                signing(id, b"abc", rsa),
                "InvalidKeyUsageException",
                "Algorithm RSASSA_PSS_SHA_256 is incompatible with key spec ECC_NIST_P256.",
            ),
            (
                "no algorithm at all",
                sign,
                signing(id, b"abc", r#""SigningAlgorithm":"ES256""#),
                "ValidationException",
                "Value 'ES256' at 'signingAlgorithm' failed to satisfy constraint: Member must \
                 satisfy enum value set: [RSASSA_PSS_SHA_256, ",
            ),
        ] {
            let fault = ask(&kms, target, &body).unwrap_err();
            assert_eq!(fault.code, code, "{name}");
            let said = fault.message.unwrap_or_default();
            assert!(said.contains(message), "{name}: {said}");
            assert_eq!(said.is_empty(), message.is_empty(), "{name}: {said}");
        }
    }
}
