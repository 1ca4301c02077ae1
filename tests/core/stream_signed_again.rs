//! Signing again, with other kinds of bodies: what an earlier signature said of a body that was
//! signed as it passed is gone, and what the request said itself is there again.

use std::time::Duration;

use http::HeaderMap;
use http::Request;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::ChunkedBodies;
use sigv4_core::Credentials;
use sigv4_core::EcdsaBackend;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::PresignOptions;
use sigv4_core::Signer;
use sigv4_core::SigningRules;
use sigv4_tests::oracle::Body;
use sigv4_tests::secrets::credentials;
use sigv4_tests::secrets::temporary_credentials;

use crate::fixture::REGION;
use crate::fixture::now;
use crate::fixture::verified_with;

const TEXT: &[u8; 12] = b"Hello world!";

/// A signer of S3 that takes streams of events, too, as no service does.
fn signer(backend: Option<EcdsaBackend>) -> Signer {
    let rules = SigningRules::for_service("s3").event_streams(true);
    let builder = Signer::builder("s3", REGION).rules(rules);
    let builder = match backend {
        Some(backend) => builder.sigv4a(backend),
        None => builder,
    };
    builder.build().unwrap()
}

/// Every kind of body, and what is announced of it where it is not hashed.
fn payloads() -> [(&'static str, Payload<'static>, Body<'static>); 7] {
    let chunked = |encoding| Payload::AwsChunked {
        encoding,
        length: Some(TEXT.len() as u64),
    };
    [
        ("bytes", Payload::Bytes(TEXT), Body::Bytes(TEXT)),
        ("unsigned", Payload::Unsigned, Body::Unsigned),
        ("empty", Payload::EMPTY, Body::Bytes(b"")),
        (
            "chunks",
            chunked(AwsChunked::signed()),
            Body::Announced("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ),
        (
            "chunks and trailer",
            chunked(AwsChunked::signed().trailer(Checksum::Crc32)),
            Body::Announced("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        ),
        (
            "trailer",
            chunked(AwsChunked::unsigned(Checksum::Sha256)),
            Body::Announced("STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ),
        (
            "events",
            Payload::Events,
            Body::Announced("STREAMING-AWS4-HMAC-SHA256-EVENTS"),
        ),
    ]
}

/// Requests with other codings, in one header or several, and with a length or without.
fn requests() -> Vec<Request<()>> {
    let codings: [&[&str]; 4] = [&[], &["gzip"], &["gzip,br"], &["x-a,gzip"]];
    let lengths = [None, Some(TEXT.len())];
    let mut requests = Vec::new();
    for codings in codings {
        for length in lengths {
            let mut request = Request::put("https://bucket.s3.amazonaws.com/key")
                .header("content-type", "text/plain")
                .header("x-amz-acl", "private")
                .body(())
                .unwrap();
            let headers = request.headers_mut();
            for coding in codings {
                headers.append("content-encoding", coding.parse().unwrap());
            }
            if let Some(length) = length {
                headers.insert("content-length", length.into());
            }
            requests.push(request);
        }
    }
    requests
}

fn sign(signer: &Signer, request: &mut Request<()>, payload: Payload<'_>, by: &Credentials) {
    signer.sign(request, payload, by, now()).unwrap();
}

/// The headers, without a length that nobody has to say of a body that is there.
fn state(request: &Request<()>, says_length: bool) -> HeaderMap {
    let mut headers = request.headers().clone();
    if !says_length {
        headers.remove("content-length");
    }
    headers
}

#[test]
fn is_signing_once() {
    let mut compared = 0;
    for request in requests() {
        for (first_name, first, _) in payloads() {
            for (name, payload, body) in payloads() {
                let has_length = request.headers().contains_key("content-length");
                let says_length = match (first_name, name) {
                    // It was right for another body, which the signer does not see.
                    (_, "empty") | ("empty", _) => false,
                    // An event stream has none, and nobody knows what it was.
                    ("events", "bytes" | "unsigned") => false,
                    (_, "bytes" | "unsigned") => has_length,
                    _ => true,
                };
                for backend in [None, Some(EcdsaBackend::P256)] {
                    if backend.is_some() && first_name == "events" {
                        continue;
                    }
                    let mut twice = request.clone();
                    sign(
                        &signer(backend),
                        &mut twice,
                        first,
                        &temporary_credentials(),
                    );
                    sign(&signer(None), &mut twice, payload, &credentials());
                    let mut once = request.clone();
                    sign(&signer(None), &mut once, payload, &credentials());
                    assert_eq!(
                        state(&twice, says_length),
                        state(&once, says_length),
                        "{first_name}, then {name}: {request:?}"
                    );
                    verified_with(&twice, body);
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 8 * (7 * 7 * 2 - 7));
}

/// The other way round the signatures are never the same, but everything else is.
#[test]
fn by_sigv4a_is_signing_once() {
    for request in requests() {
        for (first_name, first, _) in payloads() {
            for (name, payload, _) in payloads() {
                if name == "events" {
                    continue;
                }
                let mut twice = request.clone();
                sign(&signer(None), &mut twice, first, &temporary_credentials());
                let mut once = request.clone();
                for request in [&mut twice, &mut once] {
                    sign(
                        &signer(Some(EcdsaBackend::Ring)),
                        request,
                        payload,
                        &credentials(),
                    );
                    let authorization = request.headers_mut().remove("authorization").unwrap();
                    assert!(authorization.as_bytes().starts_with(b"AWS4-ECDSA-"));
                    assert_eq!(request.headers()["x-amz-region-set"], REGION);
                }
                assert_eq!(
                    state(&twice, false),
                    state(&once, false),
                    "{first_name}, then {name}"
                );
            }
        }
    }
}

/// What the length of an encoded body was is not that of the body: a server would wait for the
/// rest, or take the next request for it.
#[test]
fn the_length_is_that_of_the_plain_body_again() {
    let chunked = Payload::AwsChunked {
        encoding: AwsChunked::signed(),
        length: Some(12),
    };
    for (name, payload, expected) in [
        ("bytes", Payload::Bytes(TEXT), Some("12")),
        ("other bytes", Payload::Bytes(b"Hello"), Some("5")),
        ("none", Payload::EMPTY, Some("0")),
        ("unsigned", Payload::Unsigned, Some("12")),
        ("hashed elsewhere", Payload::Sha256([7; 32]), Some("12")),
        ("events", Payload::Events, None),
    ] {
        let mut request = Request::put("https://bucket.s3.amazonaws.com/key")
            .body(())
            .unwrap();
        sign(&signer(None), &mut request, chunked, &credentials());
        // `c;chunk-signature=…CRLF`, the bytes, `CRLF`, `0;chunk-signature=…CRLF`, `CRLF`.
        assert_eq!(request.headers()["content-length"], "184");
        sign(&signer(None), &mut request, payload, &credentials());
        let length = request.headers().get("content-length");
        let length = length.map(|length| length.to_str().unwrap());
        assert_eq!(length, expected, "{name}");
    }
}

#[test]
fn codings_in_several_headers_are_there_again_in_one() {
    let mut request = Request::put("https://bucket.s3.amazonaws.com/key")
        .header("content-encoding", "gzip")
        .header("content-encoding", "br, x-a")
        .body(())
        .unwrap();
    let found = |request: &Request<()>| {
        let codings = request.headers().get_all("content-encoding").iter();
        let codings = codings.map(|coding| coding.to_str().unwrap().to_owned());
        codings.collect::<Vec<_>>()
    };
    // A signature that does not change them leaves them as they are.
    for payload in [Payload::Events, Payload::EMPTY] {
        sign(&signer(None), &mut request, payload, &credentials());
        assert_eq!(found(&request), ["gzip", "br, x-a"]);
    }
    let chunked = Payload::AwsChunked {
        encoding: AwsChunked::signed(),
        length: Some(1),
    };
    sign(&signer(None), &mut request, chunked, &credentials());
    assert_eq!(found(&request), ["aws-chunked,gzip,br,x-a"]);
    sign(&signer(None), &mut request, Payload::EMPTY, &credentials());
    assert_eq!(found(&request), ["gzip,br,x-a"]);
}

/// What no earlier signature added is none of the signer's business.
#[test]
fn headers_of_the_same_names_that_no_signature_added_stay() {
    let mut request = Request::put("https://bucket.s3.amazonaws.com/key")
        .header("content-encoding", "aws-chunked")
        .header("content-length", "184")
        .header("x-amz-decoded-content-length", "12")
        .header("x-amz-trailer", "x-amz-checksum-crc32")
        .body(())
        .unwrap();
    let before = request.headers().clone();
    sign(
        &signer(None),
        &mut request,
        Payload::Unsigned,
        &credentials(),
    );
    for (name, value) in &before {
        assert_eq!(request.headers()[name], value, "{name}");
    }
    let signed = verified_with(&request, Body::Unsigned).signed_headers;
    assert!(signed.iter().any(|name| name == "x-amz-trailer"));
}

#[test]
fn an_error_changes_nothing() {
    let refusing = Signer::builder("sqs", REGION).build().unwrap();
    for request in requests() {
        for (first_name, first, _) in payloads() {
            let mut signed = request.clone();
            sign(&signer(None), &mut signed, first, &temporary_credentials());
            let before = signed.headers().clone();
            for (name, payload, _) in payloads() {
                let result = refusing.sign(&mut signed, payload, &credentials(), now());
                if matches!(name, "bytes" | "empty") {
                    // The service takes these. Begin again.
                    result.unwrap();
                    *signed.headers_mut() = before.clone();
                } else {
                    result.unwrap_err();
                    assert_eq!(*signed.headers(), before, "{first_name}, then {name}");
                }
            }
        }
    }
}

/// A URL is made for the plain request: nobody who holds it encodes anything.
#[test]
fn a_url_says_nothing_of_an_encoding() {
    let url = "https://bucket.s3.us-east-1.amazonaws.com/key";
    for hoists in [false, true] {
        let make = || Request::put(url).header("x-amz-acl", "private").body(());
        let options = PresignOptions::expires_in(Duration::from_secs(900));
        let options = if hoists {
            options.hoist_headers()
        } else {
            options
        };
        let sign = |request: &Request<()>| {
            let presigned = signer(None).presign(request, options.clone(), &credentials(), now());
            let presigned = presigned.unwrap();
            (presigned.uri().clone(), presigned.headers().clone())
        };
        let mut request = make().unwrap();
        let expected = sign(&request);
        // The content type of events stays: it may be the caller's.
        let payloads = payloads()
            .into_iter()
            .filter(|(name, ..)| *name != "events");
        for (name, payload, _) in payloads {
            signer(None)
                .sign(&mut request, payload, &credentials(), now())
                .unwrap();
            request.headers_mut().remove("authorization");
            assert_eq!(sign(&request), expected, "{name}");
            request = make().unwrap();
        }
    }
}

/// Where the rules sign the codings of a body, the holder of a URL has to send them.
#[test]
fn a_url_keeps_the_other_codings() {
    let signer = Signer::builder("s3", REGION).headers(HeaderRules::all_but_never_signed());
    let signer = signer.build().unwrap();
    let url = "https://bucket.s3.us-east-1.amazonaws.com/key";
    let mut request = Request::put(url)
        .header("content-encoding", "gzip")
        .body(())
        .unwrap();
    let hour = Duration::from_secs(3600);
    let sign = |request: &Request<()>| {
        signer
            .presign(request, hour, &credentials(), now())
            .unwrap()
    };
    let expected = sign(&request);
    let chunks = Payload::AwsChunked {
        encoding: AwsChunked::signed(),
        length: Some(12),
    };
    signer
        .sign(&mut request, chunks, &credentials(), now())
        .unwrap();
    for name in ["authorization", "content-length"] {
        request.headers_mut().remove(name);
    }
    let again = sign(&request);
    assert_eq!(again.headers()["content-encoding"], "gzip");
    assert_eq!(
        (again.uri(), again.headers()),
        (expected.uri(), expected.headers())
    );
}

#[test]
fn one_framing_remains() {
    for (length, expected) in [(Some(12), None), (None, Some("chunked"))] {
        let rules = SigningRules::for_service("s3").chunked_bodies(ChunkedBodies::Any);
        let signer = Signer::builder("s3", REGION).rules(rules).build().unwrap();
        let request = Request::put("https://bucket.s3.us-east-1.amazonaws.com/key");
        let mut request = request
            .header("transfer-encoding", "chunked")
            .body(())
            .unwrap();
        let encoding = AwsChunked::signed();
        let payload = Payload::AwsChunked { encoding, length };
        signer
            .sign(&mut request, payload, &credentials(), now())
            .unwrap();
        let coding = request.headers().get("transfer-encoding");
        assert_eq!(coding.map(|coding| coding.to_str().unwrap()), expected);
        let has_length = request.headers().contains_key("content-length");
        assert_eq!(has_length, length.is_some());
    }
}
