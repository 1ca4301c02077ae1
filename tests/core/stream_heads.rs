//! The heads of requests whose bodies are signed as they pass: which headers come of the body, and
//! what is signed of them.

use std::time::SystemTime;

use bytes::Bytes;
use http::Request;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::ContentSha256;
use sigv4_core::EcdsaBackend;
use sigv4_core::ErrorKind;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::Signed;
use sigv4_core::Signer;
use sigv4_core::SigningRules;
use sigv4_tests::oracle::Body;
use sigv4_tests::secrets;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::aws_chunked::encode_by;
use crate::fixture::REGION;
use crate::fixture::now;
use crate::fixture::signer;
use crate::fixture::verified_with;

const KEY: &str = "https://bucket.s3.amazonaws.com/key";
const EVENTS: &str = "STREAMING-AWS4-HMAC-SHA256-EVENTS";

pub(crate) const fn chunked(encoding: AwsChunked, length: Option<u64>) -> Payload<'static> {
    Payload::AwsChunked { encoding, length }
}

#[test]
fn an_event_stream_says_its_type() {
    let events = "application/vnd.amazon.eventstream";
    for (given, expected) in [
        (None, events),
        (Some("application/x-other"), "application/x-other"),
    ] {
        let mut request = Request::post("https://host.amazonaws.com/")
            .body(())
            .unwrap();
        if let Some(given) = given {
            request
                .headers_mut()
                .insert("content-type", given.parse().unwrap());
        }
        let signer = signer("transcribe");
        let signed = signer.sign(&mut request, Payload::Events, &credentials(), now());
        assert_eq!(request.headers()["content-type"], expected);
        let verified = verified_with(&request, Body::Announced(EVENTS));
        assert_eq!(Some(&*verified.signature), signed.unwrap().signature());
        assert_eq!(
            verified.signed_headers,
            ["content-type", "host", "x-amz-content-sha256", "x-amz-date"]
        );
        assert_eq!(request.headers().len(), 4, "{given:?}");
    }
}

/// Whatever is configured: nobody would know what kind of body it is.
#[test]
fn the_kind_of_body_is_always_sent() {
    for content_sha256 in [
        ContentSha256::Auto,
        ContentSha256::Always,
        ContentSha256::Never,
    ] {
        for (service, payload, announced) in [
            (
                "s3",
                chunked(AwsChunked::signed(), Some(1)),
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            ),
            (
                "s3express",
                chunked(AwsChunked::unsigned(Checksum::Crc64Nvme), Some(1)),
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            ),
            ("bedrock", Payload::Events, EVENTS),
        ] {
            let signer = Signer::builder(service, REGION)
                .content_sha256(content_sha256)
                .build()
                .unwrap();
            let mut request = Request::put(KEY).body(()).unwrap();
            let temporary = temporary_credentials();
            signer
                .sign(&mut request, payload, &temporary, now())
                .unwrap();
            let verified = verified_with(&request, Body::Announced(announced));
            assert_eq!(verified.token.as_deref(), Some(secrets::SESSION_TOKEN));
            assert_eq!(verified.unsigned_amz_headers, [""; 0]);
        }
    }
}

/// Headers without a meaning of their own are signed whatever the rules say, for S3 refuses any
/// `x-amz-*` that is not.
#[test]
fn what_comes_of_the_body_is_signed_whatever_the_rules_say() {
    let nothing = HeaderRules::minimal().exclude(HeaderMatch::prefix("x-amz-").unwrap());
    let signer = Signer::builder("s3", REGION)
        .headers(nothing)
        .build()
        .unwrap();
    let mut request = Request::put(KEY).body(()).unwrap();
    let encoding = AwsChunked::unsigned(Checksum::Crc32);
    signer
        .sign(
            &mut request,
            chunked(encoding, Some(9)),
            &credentials(),
            now(),
        )
        .unwrap();
    let announced = Body::Announced("STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    assert_eq!(
        verified_with(&request, announced).signed_headers,
        [
            "host",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-decoded-content-length",
            "x-amz-trailer"
        ]
    );
}

#[test]
fn codings_that_are_there_go_behind_the_outermost() {
    for (codings, expected) in [
        (&[][..], "aws-chunked"),
        (&["gzip"], "aws-chunked,gzip"),
        (&["gzip, br"], "aws-chunked,gzip,br"),
        (&["gzip", "br"], "aws-chunked,gzip,br"),
        (&["", " ,", "gzip,"], "aws-chunked,gzip"),
        (&["aws-chunked"], "aws-chunked"),
        (&["AWS-Chunked , gzip"], "aws-chunked,gzip"),
        (&["gzip", "aws-chunked"], "aws-chunked,gzip"),
    ] {
        let mut request = Request::put(KEY).body(()).unwrap();
        for coding in codings {
            let value = coding.parse().unwrap();
            request.headers_mut().append("content-encoding", value);
        }
        let payload = chunked(AwsChunked::signed(), Some(9));
        signer("s3")
            .sign(&mut request, payload, &credentials(), now())
            .unwrap();
        let found = request.headers().get_all("content-encoding").iter();
        assert_eq!(found.collect::<Vec<_>>(), [expected], "{codings:?}");
    }
}

#[test]
fn the_length_is_that_of_the_encoded_body_if_anybody_knows_it() {
    let rules = SigningRules::for_service("s3").chunked_bodies(sigv4_core::ChunkedBodies::Any);
    for (backend, encoding, length, expected) in [
        (None, AwsChunked::signed(), Some(66_560), Some("66824")),
        (
            Some(EcdsaBackend::P256),
            AwsChunked::signed(),
            Some(66_560),
            Some("67064"),
        ),
        (
            Some(EcdsaBackend::Ring),
            AwsChunked::signed().trailer(Checksum::Crc32c),
            Some(66_560),
            Some("67266"),
        ),
        // Of these the signature makes no difference: `9CRLF…CRLF`, `0CRLF`, the checksum, `CRLF`.
        (
            None,
            AwsChunked::unsigned(Checksum::Crc32),
            Some(9),
            Some("50"),
        ),
        (
            Some(EcdsaBackend::P256),
            AwsChunked::unsigned(Checksum::Crc32),
            Some(9),
            Some("50"),
        ),
        (None, AwsChunked::signed(), None, None),
    ] {
        let mut builder = Signer::builder("s3", REGION).rules(rules.clone());
        if let Some(backend) = backend {
            builder = builder.sigv4a(backend);
        }
        let mut request = Request::put(KEY)
            .header("content-length", "1")
            .body(())
            .unwrap();
        let payload = chunked(encoding, length);
        let signed = builder.build().unwrap();
        let signed = signed.sign(&mut request, payload, &credentials(), now());
        let headers = request.headers();
        let found = headers.get("content-length");
        assert_eq!(found.map(|value| value.to_str().unwrap()), expected);
        let decoded = headers.get("x-amz-decoded-content-length");
        assert_eq!(decoded.is_some(), length.is_some());

        let data = Bytes::from(vec![b'a'; usize::try_from(length.unwrap_or(5)).unwrap()]);
        let wire = encode_by(signed.unwrap().chunk_encoder().unwrap(), [data]);
        if let Some(expected) = expected {
            assert_eq!(wire.len().to_string(), expected);
        }
    }
}

#[test]
fn a_length_that_cannot_be_said_is_an_error() {
    let mut request = Request::put(KEY).body(()).unwrap();
    let before = request.headers().clone();
    let payload = chunked(AwsChunked::signed(), Some(u64::MAX));
    let error = signer("s3").sign(&mut request, payload, &credentials(), now());
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Payload);
    assert!(error.to_string().contains("correct the length"), "{error}");
    assert_eq!(*request.headers(), before);
}

/// The trace is for comparing with what a server expected, and is of the same text.
#[test]
fn the_trace_is_of_what_is_signed() {
    let canonical = |headers: &str, names: &str, announced: &str| {
        format!("PUT\n/key\n\n{headers}\n\n{names}\n{announced}")
    };
    let lines = "host:bucket.s3.amazonaws.com\nx-amz-content-sha256:";
    for (service, payload, expected) in [
        (
            "s3",
            chunked(AwsChunked::signed().trailer(Checksum::Sha1), Some(12)),
            canonical(
                &format!(
                    "{lines}STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\n\
                     x-amz-date:20150830T123600Z\nx-amz-decoded-content-length:12\n\
                     x-amz-trailer:x-amz-checksum-sha1"
                ),
                "host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-trailer",
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            ),
        ),
        (
            "lex",
            Payload::Events,
            canonical(
                &format!(
                    "content-type:application/vnd.amazon.eventstream\n\
                     {lines}{EVENTS}\nx-amz-date:20150830T123600Z"
                ),
                "content-type;host;x-amz-content-sha256;x-amz-date",
                EVENTS,
            ),
        ),
    ] {
        let mut request = Request::put(KEY)
            .header("content-encoding", "gzip")
            .body(())
            .unwrap();
        let before = request.headers().clone();
        let signer = signer(service);
        let trace = signer.trace(&request, payload, &credentials(), now());
        let trace = trace.unwrap();
        assert_eq!(*request.headers(), before, "{service}");
        assert_eq!(trace.canonical_request(), expected, "{service}");

        signer
            .sign(&mut request, payload, &credentials(), now())
            .unwrap();
        let again = signer.trace(&request, payload, &credentials(), now());
        assert_eq!(again.unwrap().canonical_request(), expected, "{service}");
    }
}

#[test]
fn shows_no_secret() {
    for payload in [chunked(AwsChunked::signed(), Some(1)), Payload::Events] {
        let signer = Signer::builder("s3", REGION)
            .rules(SigningRules::for_service("s3").event_streams(true))
            .build()
            .unwrap();
        let mut request = Request::put(KEY).body(()).unwrap();
        let signed = signer.sign(&mut request, payload, &temporary_credentials(), now());
        let signed = signed.unwrap();
        let shown = format!(
            "{signed:?} {:?} {:?} {payload:?}",
            signed.chunk_encoder(),
            signed.event_signer()
        );
        secrets::assert_no_secret_nor(&shown, &[signed.signature().unwrap()]);
    }
}

#[test]
fn holds_what_it_was_signed_with() {
    // The seed outlives everything that it was made of, on another thread.
    let signed: Signed = {
        let mut request = Request::put(KEY).body(()).unwrap();
        let payload = chunked(AwsChunked::signed(), Some(3));
        let signed = signer("s3").sign(&mut request, payload, &credentials(), now());
        signed.unwrap()
    };
    let expected = encode_by(signed.chunk_encoder().unwrap(), ["abc".into()]);
    let elsewhere = std::thread::spawn(move || {
        let time: SystemTime = signed.signing_time();
        assert_eq!(time, now());
        encode_by(signed.chunk_encoder().unwrap(), ["abc".into()])
    });
    assert!(elsewhere.join().unwrap() == expected);
}
