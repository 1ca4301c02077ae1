//! The heads of requests whose bodies are signed as they pass, and the bodies that come of them.
//! Published signatures, as facts; the judge is `aws-sigv4` elsewhere.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::ContentSha256;
use sigv4_core::Credentials;
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

use crate::aws_chunked::SECRET;
use crate::aws_chunked::day;
use crate::aws_chunked::encode_by;
use crate::event_pieces;
use crate::fixture::REGION;
use crate::fixture::now;
use crate::fixture::signer;
use crate::fixture::verified_with;

const KEY: &str = "https://bucket.s3.amazonaws.com/key";
const EVENTS: &str = "STREAMING-AWS4-HMAC-SHA256-EVENTS";

/// Signs the request of the documentation of S3 for these headers beside the usual ones.
fn sign_the_example(encoding: AwsChunked, signed: &[&str]) -> (Signed, HeaderMap) {
    let exact = |name: &&str| HeaderMatch::exact(name).unwrap();
    let rules = signed.iter().map(exact);
    let signer = Signer::builder("s3", "us-east-1")
        .headers(rules.fold(HeaderRules::minimal(), HeaderRules::include))
        .build()
        .unwrap();
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", SECRET).unwrap();
    let mut request = Request::put("https://s3.amazonaws.com/examplebucket/chunkObject.txt")
        .header("x-amz-storage-class", "REDUCED_REDUNDANCY")
        .body(())
        .unwrap();
    let payload = chunked(encoding, Some(66_560));
    let signed = signer.sign(&mut request, payload, &credentials, day());
    (signed.unwrap(), request.headers().clone())
}

const fn chunked(encoding: AwsChunked, length: Option<u64>) -> Payload<'static> {
    Payload::AwsChunked { encoding, length }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
#[test]
fn signs_the_example_of_the_documentation() {
    let named = ["content-encoding", "content-length"];
    let (signed, headers) = sign_the_example(AwsChunked::signed(), &named);
    assert_eq!(
        headers["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
         x-amz-decoded-content-length;x-amz-storage-class, \
         Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    );
    for (name, expected) in [
        ("content-encoding", "aws-chunked"),
        ("content-length", "66824"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("x-amz-decoded-content-length", "66560"),
    ] {
        assert_eq!(headers[name], expected, "{name}");
    }
    assert!(!headers.contains_key("x-amz-trailer"));

    let data = Bytes::from(vec![b'a'; 66_560]);
    let expected = [
        b"10000;chunk-signature=\
          ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n",
        &data[..65_536],
        b"\r\n400;chunk-signature=\
          0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n",
        &data[65_536..],
        b"\r\n0;chunk-signature=\
          b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
    ];
    // As often as it is asked for, from the beginning.
    for _ in 0..2 {
        let wire = encode_by(signed.chunk_encoder().unwrap(), [data.clone()]);
        assert!(wire == expected.concat());
    }
    assert!(signed.event_signer().is_none());
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>
#[test]
fn signs_the_example_with_a_trailer() {
    let encoding = AwsChunked::signed().trailer(Checksum::Crc32c);
    let (signed, headers) = sign_the_example(encoding, &["content-encoding"]);
    assert_eq!(
        signed.signature(),
        Some("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e")
    );
    for (name, expected) in [
        ("content-encoding", "aws-chunked"),
        ("content-length", "66946"),
        (
            "x-amz-content-sha256",
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        ),
        ("x-amz-decoded-content-length", "66560"),
        ("x-amz-trailer", "x-amz-checksum-crc32c"),
    ] {
        assert_eq!(headers[name], expected, "{name}");
    }

    let data = Bytes::from(vec![b'a'; 66_560]);
    let wire = encode_by(signed.chunk_encoder().unwrap(), [data.clone()]);
    let expected = [
        b"10000;chunk-signature=\
          b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n",
        &data[..65_536],
        b"\r\n400;chunk-signature=\
          1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n",
        &data[65_536..],
        b"\r\n0;chunk-signature=\
          2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n\
          x-amz-checksum-crc32c:sOO8/Q==\r\n\
          x-amz-trailer-signature:\
          d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
    ];
    assert!(wire == expected.concat());
}

/// The request and the events of aws-c-auth, `tests/test_event_signing.c`.
#[test]
fn signs_the_event_stream_of_aws_c_auth() {
    // The example has no type, so that the signature must not cover the one that is added.
    let without_type =
        HeaderRules::all_but_never_signed().exclude(HeaderMatch::exact("content-type").unwrap());
    let signer = Signer::builder("demo", "us-east-1")
        .rules(SigningRules::standard().event_streams(true))
        .headers(without_type)
        .build()
        .unwrap();
    let credentials = Credentials::new("access", "secret").unwrap();
    // 1981-01-16, 06:30:00 UTC.
    let start = UNIX_EPOCH + Duration::from_secs(348_474_600);
    let mut request = Request::post("https://demo.us-east-1.amazonaws.com/streaming")
        .header("content-encoding", "application/vnd.amazon.eventstream")
        .body(())
        .unwrap();
    let signed = signer.sign(&mut request, Payload::Events, &credentials, start);
    let signed = signed.unwrap();
    assert_eq!(
        request.headers()["authorization"],
        "AWS4-HMAC-SHA256 Credential=access/19810116/us-east-1/demo/aws4_request, \
         SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date, \
         Signature=e1d8e8c8815e60969f2a34765c9a15945ffc0badbaa4b7e3b163ea19131e949b"
    );
    assert_eq!(request.headers()["x-amz-content-sha256"], EVENTS);

    let mut events = signed.event_signer().unwrap();
    let signature_of = |envelope: &[u8]| {
        let envelope = event_pieces::read(envelope);
        let header = envelope.headers().iter();
        let mut header = header.filter(|header| header.name().as_str() == ":chunk-signature");
        let signature = header.next().unwrap().value().as_byte_array().unwrap();
        let digits = signature.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<String>()
    };
    let at = |seconds| start + Duration::from_secs(seconds);
    for (seconds, payload, expected) in [
        (
            1,
            "A",
            "7aabf85b765e6a4d0d500b6e968657b14726fa3e1eb7e839302728ffd77629a5",
        ),
        (
            2,
            "B",
            "f72aa9642f571d24a6e1ae42f10f073ad9448d8a028b6bcd82da081335adda02",
        ),
        (
            3,
            "C",
            "632af120435b57ec241d8bfbb12e496dfd5e2730a1a02ac0ab6eaa230ae02e9a",
        ),
    ] {
        let envelope = events.sign_message(payload.as_bytes(), at(seconds));
        assert_eq!(signature_of(&envelope.unwrap()), expected);
    }
    assert_eq!(
        signature_of(&events.end(at(4)).unwrap()),
        "c6f679ddb3af68f5e82f0cf6761244cb2338cf11e7d01a24130aea1b7c17e53e"
    );
    assert!(signed.chunk_encoder().is_none());
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
