//! Which services take which bodies: one row for each that has rules of its own, and errors that
//! say what to do instead.

use http::Method;
use http::Request;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::ChunkedBodies;
use sigv4_core::EcdsaBackend;
use sigv4_core::ErrorKind;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::SigningRules;
use sigv4_tests::oracle::Body;
use sigv4_tests::secrets::credentials;

use crate::fixture::REGION;
use crate::fixture::now;
use crate::fixture::signer;
use crate::fixture::verified_with;

/// What a service takes beside a hash of the whole body: chunks of `PUT` requests, events, and
/// bodies that are not covered.
type Takes = (bool, bool, bool);

const SERVICES: [(&str, Takes); 26] = [
    ("s3", (true, false, true)),
    ("s3-outposts", (true, false, true)),
    ("s3express", (true, false, true)),
    ("s3-object-lambda", (false, false, true)),
    ("glacier", (false, false, false)),
    ("aoss", (false, false, true)),
    ("vpc-lattice-svcs", (false, false, true)),
    ("execute-api", (false, false, false)),
    ("lambda", (false, false, false)),
    ("iotdevicegateway", (false, false, false)),
    ("ebs", (false, false, true)),
    ("mediastore", (false, false, true)),
    ("omics", (false, false, true)),
    ("lex", (false, true, true)),
    ("bedrock", (false, true, false)),
    ("health-agent", (false, true, false)),
    ("polly", (false, true, false)),
    ("qbusiness", (false, true, false)),
    ("sagemaker", (false, true, false)),
    ("transcribe", (false, true, false)),
    ("kms", (false, false, false)),
    ("sts", (false, false, false)),
    ("es", (false, false, false)),
    ("dynamodb", (false, false, false)),
    ("sqs", (false, false, false)),
    ("a-service-of-tomorrow", (false, false, false)),
];

const CHUNKED: &str = "the service does not decode aws-chunked bodies; hash the body, \
                       or allow them in the signing rules of the service";
const NO_UPLOAD: &str =
    "only uploads (PutObject, UploadPart) may have an aws-chunked body; hash this one";
const NO_LENGTH: &str = "the service wants to know the length of an aws-chunked body beforehand; \
                         declare it by Content-Length, or upload in parts of known length \
                         (multipart upload)";
const NO_STREAM: &str = "the body of a GET or HEAD request must have a known length, or clients \
                         leave it out; declare it by Content-Length, or use another method";
const EVENTS: &str = "the service takes no stream of events; send a body of known length, \
                      or allow it in the signing rules of the service";
const EVENTS_OF_SIGV4A: &str =
    "a stream of events cannot be signed with SigV4A; use a signer of SigV4";
const UNSIGNED: &str = "the service does not accept an unsigned payload; hash the body, \
                        or allow it in the signing rules of the service";

const fn chunked(encoding: AwsChunked, length: Option<u64>) -> Payload<'static> {
    Payload::AwsChunked { encoding, length }
}

/// Signs, has what was signed judged, and tells why it was not. What was not signed is unchanged.
fn result(
    signer: &Signer,
    method: &Method,
    payload: Payload<'_>,
    body: Body<'_>,
) -> Option<String> {
    let mut request = Request::builder()
        .method(method)
        .uri("https://host.amazonaws.com/key")
        .header("content-encoding", "gzip")
        .header("content-length", "12")
        .body(())
        .unwrap();
    let before = request.headers().clone();
    let traced = signer.trace(&request, payload, &credentials(), now());
    match signer.sign(&mut request, payload, &credentials(), now()) {
        Ok(_) => {
            verified_with(&request, body);
            traced.unwrap();
            None
        }
        Err(error) => {
            let kind = match error.to_string().as_str() {
                NO_LENGTH | NO_STREAM => ErrorKind::LengthRequired,
                _ => ErrorKind::Payload,
            };
            assert_eq!(error.kind(), kind);
            assert!(!error.is_retryable());
            assert_eq!(traced.unwrap_err().to_string(), error.to_string());
            assert_eq!(*request.headers(), before);
            Some(error.to_string())
        }
    }
}

#[test]
fn each_service_takes_what_its_row_says() {
    let trailer = AwsChunked::unsigned(Checksum::Crc32c);
    for (service, (chunks, events, unsigned)) in SERVICES {
        let signer = signer(service);
        let expect = |method: Method, payload, body, expected: Option<&str>| {
            let found = result(&signer, &method, payload, body);
            assert_eq!(found.as_deref(), expected, "{service} {method} {payload:?}");
        };
        let or = |takes: bool, error| (!takes).then_some(error);
        for (encoding, announced) in [
            (AwsChunked::signed(), "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            (trailer, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ] {
            let body = Body::Announced(announced);
            let known = chunked(encoding, Some(12));
            expect(Method::PUT, known, body, or(chunks, CHUNKED));
            for method in [Method::POST, Method::GET, Method::DELETE, Method::PATCH] {
                let error = if chunks { NO_UPLOAD } else { CHUNKED };
                expect(method, known, body, Some(error));
            }
            let error = if chunks { NO_LENGTH } else { CHUNKED };
            expect(Method::PUT, chunked(encoding, None), body, Some(error));
        }
        let body = Body::Announced("STREAMING-AWS4-HMAC-SHA256-EVENTS");
        expect(Method::POST, Payload::Events, body, or(events, EVENTS));
        let error = or(unsigned, UNSIGNED);
        expect(Method::POST, Payload::Unsigned, Body::Unsigned, error);
        // Every service takes a hash, but for one that takes nothing else than none.
        let body = match service {
            "vpc-lattice-svcs" => Body::Unsigned,
            _ => Body::Bytes(b"Hello world!"),
        };
        expect(Method::POST, Payload::Bytes(b"Hello world!"), body, None);
    }
}

#[test]
fn the_rules_can_say_otherwise() {
    let signed = AwsChunked::signed();
    let body = Body::Announced("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    for (taken, method, length, expected) in [
        (ChunkedBodies::Refused, Method::PUT, Some(12), Some(CHUNKED)),
        (ChunkedBodies::Uploads, Method::PUT, Some(12), None),
        (ChunkedBodies::Uploads, Method::PUT, Some(0), None),
        (ChunkedBodies::Uploads, Method::PUT, None, Some(NO_LENGTH)),
        (
            ChunkedBodies::Uploads,
            Method::POST,
            Some(12),
            Some(NO_UPLOAD),
        ),
        (ChunkedBodies::Any, Method::PUT, None, None),
        (ChunkedBodies::Any, Method::POST, Some(12), None),
        (ChunkedBodies::Any, Method::POST, None, None),
        (ChunkedBodies::Any, Method::GET, Some(12), None),
        (ChunkedBodies::Any, Method::GET, None, Some(NO_STREAM)),
        (ChunkedBodies::Any, Method::HEAD, None, Some(NO_STREAM)),
    ] {
        let signer = Signer::builder("storage", REGION)
            .rules(SigningRules::standard().chunked_bodies(taken))
            .build()
            .unwrap();
        let found = result(&signer, &method, chunked(signed, length), body);
        assert_eq!(found.as_deref(), expected, "{taken:?} {method} {length:?}");
    }
    for (service, taken, expected) in [("demo", true, None), ("bedrock", false, Some(EVENTS))] {
        let signer = Signer::builder(service, REGION)
            .rules(SigningRules::for_service(service).event_streams(taken))
            .build()
            .unwrap();
        let body = Body::Announced("STREAMING-AWS4-HMAC-SHA256-EVENTS");
        let found = result(&signer, &Method::POST, Payload::Events, body);
        assert_eq!(found.as_deref(), expected, "{service}");
    }
}

/// Clients of HTTP/1.1 would send the head alone.
#[test]
fn events_need_a_method_that_has_a_body() {
    for method in [Method::GET, Method::HEAD] {
        let body = Body::Announced("STREAMING-AWS4-HMAC-SHA256-EVENTS");
        let found = result(&signer("transcribe"), &method, Payload::Events, body);
        assert_eq!(found.as_deref(), Some(NO_STREAM), "{method}");
    }
}

#[test]
fn there_are_no_event_streams_under_sigv4a() {
    for backend in [EcdsaBackend::P256, EcdsaBackend::Ring] {
        for (service, expected) in [("transcribe", EVENTS_OF_SIGV4A), ("sqs", EVENTS)] {
            let signer = Signer::builder(service, "*").sigv4a(backend);
            let signer = signer.build().unwrap();
            let found = result(&signer, &Method::POST, Payload::Events, Body::Unsigned);
            assert_eq!(found.as_deref(), Some(expected), "{service}");
        }
    }
}

/// What a query names beside a part is no object, and S3 wants a hash of it.
#[test]
fn only_objects_and_parts_are_uploaded_in_chunks() {
    for (query, is_upload) in [
        ("", true),
        ("?", true),
        ("?partNumber=1&uploadId=a", true),
        ("?x-id=UploadPart&partNumber=1&uploadId=a", true),
        ("?x-id=PutObject", true),
        ("?tagging", false),
        ("?acl=", false),
        ("?partNumber=1&uploadId=a&tagging", false),
        ("?partnumber=1", false),
    ] {
        let uri = format!("https://bucket.s3.us-east-1.amazonaws.com/key{query}");
        let mut request = Request::put(uri).body(()).unwrap();
        let payload = chunked(AwsChunked::signed(), Some(12));
        let signed = signer("s3").sign(&mut request, payload, &credentials(), now());
        let error = signed.err().map(|error| error.to_string());
        assert_eq!(
            error.as_deref(),
            (!is_upload).then_some(NO_UPLOAD),
            "{query}"
        );
    }
}
