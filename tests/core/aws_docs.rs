//! The worked examples of AWS's documentation, with the signatures that it publishes.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use http::Request;
use sigv4_core::Credentials;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::Signer;

use crate::fixture::get;
use crate::fixture::now;
use crate::fixture::signer;

/// The credentials of the examples of S3. Their secret has a slash where that of IAM's has a plus.
fn credentials() -> Credentials {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    Credentials::new("AKIAIOSFODNN7EXAMPLE", secret).unwrap()
}

/// 2013-05-24, 00:00:00 UTC.
fn time() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_369_353_600)
}

fn including(names: &[&str]) -> Signer {
    let include =
        |rules: HeaderRules, name: &&str| rules.include(HeaderMatch::exact(name).unwrap());
    let rules = names.iter().fold(HeaderRules::minimal(), include);
    Signer::builder("s3", "us-east-1")
        .headers(rules)
        .build()
        .unwrap()
}

#[test]
fn get_object() {
    let mut request = Request::get("https://examplebucket.s3.amazonaws.com/test.txt")
        .header("range", "bytes=0-9")
        .body(())
        .unwrap();
    including(&["range"])
        .sign(&mut request, Payload::EMPTY, &credentials(), time())
        .unwrap();
    assert_eq!(
        request.headers()["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
         Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    );
    assert_eq!(
        request.headers()["x-amz-content-sha256"],
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(request.headers()["x-amz-date"], "20130524T000000Z");
}

#[test]
fn put_object() {
    let mut request = Request::put("https://examplebucket.s3.amazonaws.com/test$file.text")
        .header("date", "Fri, 24 May 2013 00:00:00 GMT")
        .header("x-amz-storage-class", "REDUCED_REDUNDANCY")
        .body("Welcome to Amazon S3.")
        .unwrap();
    let payload = Payload::Bytes(request.body().as_bytes());
    let signed = including(&["date"])
        .sign(&mut request, payload, &credentials(), time())
        .unwrap();
    assert_eq!(
        signed.signature(),
        Some("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
    );
    assert_eq!(request.uri().path(), "/test%24file.text");
    assert_eq!(
        request.headers()["x-amz-content-sha256"],
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
    );
}

#[test]
fn get_bucket_lifecycle_and_list_objects() {
    for (uri, expected) in [
        (
            "https://examplebucket.s3.amazonaws.com/?lifecycle",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let signed = signer("s3")
            .sign(&mut get(uri), Payload::EMPTY, &credentials(), time())
            .unwrap();
        assert_eq!(signed.signature(), Some(expected), "{uri}");
    }
}

#[test]
fn presigned_get_object() {
    let request = get("https://examplebucket.s3.amazonaws.com/test.txt");
    let presigned = signer("s3")
        .presign(
            &request,
            Duration::from_secs(86_400),
            &credentials(),
            time(),
        )
        .unwrap();
    assert_eq!(
        presigned.uri().to_string(),
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
         &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
}

#[test]
fn iam_list_users() {
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let credentials = Credentials::new("AKIDEXAMPLE", secret).unwrap();
    let mut request =
        Request::get("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08")
            .header(
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            )
            .body(())
            .unwrap();
    let signed = signer("iam")
        .sign(&mut request, Payload::EMPTY, &credentials, now())
        .unwrap();
    assert_eq!(
        signed.signature(),
        Some("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
    );
}
