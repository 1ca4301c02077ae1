//! What is asked, and what becomes of the answers.

use std::error::Error;
use std::time::Duration;
use std::time::SystemTime;

use kms_sign::Algorithm;
use kms_sign::ErrorKind;
use kms_sign::KmsClient;
use local_aws::Kms;
use local_aws::LocalAws;
use serde_json::Value;
use sigv4_core::Credentials;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::fake_aws::Handout;
use sigv4_tests::secrets;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::client;
use crate::credentials;

const EC: Algorithm = Algorithm::EcdsaSha256;

#[tokio::test]
async fn gets_a_signature_that_holds() {
    let aws = LocalAws::start().await.unwrap();
    let kms = client(&aws);
    for (length, message_type) in [(0, "DIGEST"), (1, "RAW"), (4096, "RAW"), (4097, "DIGEST")] {
        let message = vec![b'x'; length];
        let signed = kms.sign(Kms::ALIAS, &message, EC).await.unwrap();
        assert!(signed.key_id.starts_with("arn:aws:kms:us-east-1:"));
        assert!(signed.key_id.ends_with(Kms::KEY_ID));
        assert_eq!(signed.message_type, message_type, "{length}");
        let key = kms.public_key(&signed.key_id).await.unwrap();
        key.verify(EC, &message, &signed.signature).unwrap();
        let other = vec![b'y'; length + 1];
        let error = key.verify(EC, &other, &signed.signature).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongSignature, "{length}");
    }

    let seen = aws.seen();
    assert!(seen.iter().all(|request| request.refused.is_none()));
    let sign = &seen[2];
    assert_eq!((sign.method.as_str(), &*sign.target), ("POST", "/"));
    assert_eq!(sign.headers["x-amz-target"], "TrentService.Sign");
    assert_eq!(sign.headers["content-type"], "application/x-amz-json-1.1");
    let signed = sign.headers["authorization"].to_str().unwrap();
    let names = "SignedHeaders=content-type;host;x-amz-date;x-amz-target,";
    assert!(signed.contains(names), "{signed}");
    let body: Value = serde_json::from_slice(&sign.body).unwrap();
    assert_eq!(body["MessageType"], "RAW");
}

#[tokio::test]
async fn signs_with_the_credentials_of_a_role() {
    let aws = LocalAws::start().await.unwrap();
    let role = Handout::new("signer");
    aws.trust(&role);
    let credentials = Credentials::new(role.access_key_id(), role.secret_access_key()).unwrap();
    let credentials = credentials
        .with_session_token(role.session_token())
        .unwrap();
    let credentials = CredentialsCache::new(credentials);
    let kms = KmsClient::with_endpoint(&aws.url(), "us-east-1", credentials).unwrap();
    kms.sign(Kms::KEY_ID, b"message", EC).await.unwrap();
}

#[tokio::test]
async fn learns_the_time_from_kms() {
    let aws = LocalAws::start().await.unwrap();
    let slow = SystemTime::now() - Duration::from_secs(600);
    let credentials = CredentialsCache::builder(secrets::credentials())
        .clock(slow)
        .build();
    let kms = KmsClient::with_endpoint(&aws.url(), "us-east-1", credentials).unwrap();
    kms.sign(Kms::KEY_ID, b"message", EC).await.unwrap();
    kms.sign(Kms::KEY_ID, b"message", EC).await.unwrap();
    let refused = aws.seen().into_iter().map(|seen| seen.refused.is_some());
    assert_eq!(refused.collect::<Vec<_>>(), [true, false, false]);
}

#[tokio::test]
async fn says_what_kms_said() {
    let aws = LocalAws::start().await.unwrap();
    let kms = client(&aws);
    for (name, key, algorithm, code, shown) in [
        (
            "an alias that is none",
            "alias/order",
            EC,
            "NotFoundException",
            "KMS says 400 NotFoundException: Alias \
             arn:aws:kms:us-east-1:123456789012:alias/order is not found.",
        ),
        (
            "a key of another kind",
            Kms::KEY_ID,
            Algorithm::RsaPssSha256,
            "InvalidKeyUsageException",
            "KMS says 400 InvalidKeyUsageException: Algorithm RSASSA_PSS_SHA_256 is incompatible \
             with key spec ECC_NIST_P256.",
        ),
    ] {
        let error = kms.sign(key, b"message", algorithm).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{name}");
        let refusal = error.refusal().unwrap();
        assert_eq!(refusal.code(), Some(code), "{name}");
        assert_eq!(refusal.advice(), None, "{name}: the message says it");
        assert_eq!(error.to_string(), shown, "{name}");
    }

    let wrong = Credentials::new(secrets::ACCESS_KEY_ID, "wrong").unwrap();
    let wrong = CredentialsCache::new(wrong);
    let kms = KmsClient::with_endpoint(&aws.url(), "us-east-1", wrong).unwrap();
    let error = kms.public_key(Kms::KEY_ID).await.unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.code(), Some("InvalidSignatureException"));
    let advice = refusal.advice().unwrap();
    assert!(advice.starts_with("the secret key is wrong"), "{advice}");
}

#[tokio::test]
async fn says_when_there_is_no_answer_of_kms() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        let page = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>";
        stream.write_all(page.as_bytes()).await.unwrap();
        // A connection that is closed before all was read is reset, and the page with it.
        while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
    });
    for (name, endpoint, kind) in [
        ("a page", &*here, ErrorKind::Answer),
        ("nobody", "http://127.0.0.1:1", ErrorKind::Transport),
        ("plain http", "http://kms.example.com", ErrorKind::Transport),
    ] {
        let kms = KmsClient::with_endpoint(endpoint, "us-east-1", credentials()).unwrap();
        let error = kms.public_key(Kms::KEY_ID).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}");
        assert!(error.source().is_some(), "{name}");
        secrets::assert_no_secret(&format!("{error:?} {kms:?}"));
    }
    for (endpoint, region) in [("kms", "us-east-1"), ("https://kms.example.com", "us east")] {
        let error = KmsClient::with_endpoint(endpoint, region, credentials()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{endpoint} {region}");
    }
}

#[test]
fn knows_the_endpoints_of_all_partitions() {
    for (region, endpoint) in [
        ("eu-central-1", "https://kms.eu-central-1.amazonaws.com"),
        ("cn-north-1", "https://kms.cn-north-1.amazonaws.com.cn"),
    ] {
        assert_eq!(KmsClient::endpoint_of(region), endpoint);
    }
}
