//! Bodies of which a text says what they are, in place of their hash.

use std::time::Duration;

use http::Request;
use sigv4_core::ContentSha256;
use sigv4_core::Credentials;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::PayloadLiteral;
use sigv4_core::PresignOptions;
use sigv4_core::Signer;
use sigv4_tests::secrets;
use sigv4_tests::time;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The example of the documentation of S3 for uploads in chunks.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
#[test]
fn signs_the_head_of_the_upload_that_aws_publishes() {
    let mut request = Request::put("https://s3.amazonaws.com/examplebucket/chunkObject.txt")
        .header("x-amz-storage-class", "REDUCED_REDUNDANCY")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", 66_560)
        .header("content-length", 66_824)
        .body(())
        .unwrap();
    let headers = HeaderRules::minimal()
        .include(HeaderMatch::exact("content-encoding").unwrap())
        .include(HeaderMatch::exact("content-length").unwrap());
    let signer = Signer::builder("s3", "us-east-1").headers(headers);
    let signer = signer.build().unwrap();
    let credentials = Credentials::new(
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )
    .unwrap();
    let literal = PayloadLiteral::new("STREAMING-AWS4-HMAC-SHA256-PAYLOAD").unwrap();
    let at = time::parse("20130524T000000Z").unwrap();
    // What an earlier signature of this kind says of the body goes for this one, too.
    for time in ["once", "again"] {
        let payload = Payload::Literal(literal);
        let signed = signer
            .sign(&mut request, payload, &credentials, at)
            .unwrap();
        assert_eq!(
            signed.signature(),
            Some("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"),
            "{time}"
        );
    }
    assert_eq!(request.headers()["content-encoding"], "aws-chunked");
    assert_eq!(request.headers()["content-length"], "66824");
}

#[test]
fn is_the_last_line_whatever_the_service_takes() {
    for (service, text) in [
        ("sqs", "UNSIGNED-PAYLOAD"),
        ("sqs", "STREAMING-AWS4-HMAC-SHA256-EVENTS"),
        ("s3", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("vpc-lattice-svcs", EMPTY),
    ] {
        let signer = Signer::builder(service, "us-east-1");
        let signer = signer
            .content_sha256(ContentSha256::Always)
            .build()
            .unwrap();
        let literal = PayloadLiteral::new(text).unwrap();
        let mut request = Request::get("https://host.amazonaws.com/")
            .body(())
            .unwrap();
        let (credentials, at) = (secrets::credentials(), time::of_the_suite());
        let trace = signer.trace(&request, Payload::Literal(literal), &credentials, at);
        let trace = trace.unwrap();
        let name = format!("{service} {text}");
        assert!(
            trace.canonical_request().ends_with(&format!("\n{text}")),
            "{name}"
        );
        signer
            .sign(&mut request, Payload::Literal(literal), &credentials, at)
            .unwrap();
        assert_eq!(request.headers()["x-amz-content-sha256"], text, "{name}");
        assert_eq!(request.headers().len(), 3, "{name}");

        let options = PresignOptions::expires_in(Duration::from_secs(60));
        let options = options.payload_literal(literal);
        let request = Request::get("https://host.amazonaws.com/")
            .body(())
            .unwrap();
        let trace = signer
            .trace_presign(&request, options, &credentials, at)
            .unwrap();
        assert!(
            trace.canonical_request().ends_with(&format!("\n{text}")),
            "{name}"
        );
    }
}

#[test]
fn a_link_wants_the_hash_in_a_header_where_that_is_said() {
    let request = Request::get("https://host.amazonaws.com/")
        .body(())
        .unwrap();
    for (service, hash, content_sha256, is_sent) in [
        ("s3", None, ContentSha256::Auto, false),
        ("s3", None, ContentSha256::Always, true),
        ("s3", Some([7; 32]), ContentSha256::Auto, true),
        ("s3", Some([7; 32]), ContentSha256::Never, false),
        ("sqs", Some([7; 32]), ContentSha256::Auto, false),
        ("sqs", None, ContentSha256::Always, true),
        ("vpc-lattice-svcs", None, ContentSha256::Auto, true),
        ("vpc-lattice-svcs", None, ContentSha256::Never, false),
    ] {
        let signer = Signer::builder(service, "us-east-1").build().unwrap();
        let options = PresignOptions::expires_in(Duration::from_secs(60));
        let mut options = options.content_sha256(content_sha256);
        if let Some(hash) = hash {
            options = options.payload_sha256(hash);
        }
        let (credentials, at) = (secrets::credentials(), time::of_the_suite());
        let link = signer.presign(&request, options, &credentials, at).unwrap();
        let sent = link.headers().contains_key("x-amz-content-sha256");
        assert_eq!(sent, is_sent, "{service}, {hash:?}, {content_sha256:?}");
        let names = link.uri().query().unwrap();
        assert_eq!(names.contains("x-amz-content-sha256"), is_sent, "{names}");
    }
}

#[test]
fn refuses_what_stands_for_no_body() {
    for (name, text) in [
        ("nothing", String::new()),
        ("a hash in capitals", EMPTY.to_uppercase()),
        ("a short hash", EMPTY[1..].to_owned()),
        ("a long hash", format!("{EMPTY}0")),
        ("an unknown name", "STREAMING-PAYLOAD".to_owned()),
        ("a blank", "UNSIGNED-PAYLOAD ".to_owned()),
        ("small letters", "unsigned-payload".to_owned()),
    ] {
        let error = PayloadLiteral::new(&text).unwrap_err();
        assert_eq!(error.field(), "payload", "{name}");
    }
    let literal = PayloadLiteral::new(EMPTY).unwrap();
    assert!(literal.is_sha256());
    assert_eq!(format!("{literal:?}"), "Sha256");
    assert!(!PayloadLiteral::UNSIGNED.is_sha256());
}
