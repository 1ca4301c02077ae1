//! Published requests with bodies that are signed as they pass, as facts: their heads, and the bodies
//! that come of them.

use std::time::Duration;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::Credentials;
use sigv4_core::EcdsaBackend;
use sigv4_core::HeaderMatch;
use sigv4_core::HeaderRules;
use sigv4_core::Payload;
use sigv4_core::Signed;
use sigv4_core::Signer;
use sigv4_core::SigningRules;
use sigv4_tests::aws_chunked::Announced;
use sigv4_tests::aws_chunked::ChainV4a;
use sigv4_tests::aws_chunked::decode;

use crate::aws_chunked::SECRET;
use crate::aws_chunked::day;
use crate::aws_chunked::encode_by;
use crate::event_pieces;
use crate::stream_heads::chunked;

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

/// The public key is that of aws-c-auth, `tests/test_chunked_signing.c`, for the same access key.
#[test]
fn signs_the_example_by_sigv4a() {
    const PUBLIC_KEY: [[u8; 32]; 2] = [
        [
            0x18, 0xb7, 0xd0, 0x46, 0x43, 0x35, 0x9f, 0x6e, 0xc2, 0x70, 0xdc, 0xba, 0xb8, 0xdc,
            0xe6, 0xd1, 0x69, 0xd6, 0x6d, 0xdc, 0x97, 0x78, 0xc7, 0x5c, 0xfb, 0x08, 0xdf, 0xdb,
            0x70, 0x16, 0x37, 0xab,
        ],
        [
            0xfa, 0x36, 0xb3, 0x5e, 0x4f, 0xe6, 0x7e, 0x31, 0x12, 0x26, 0x1d, 0x2e, 0x17, 0xa9,
            0x56, 0xef, 0x85, 0xb0, 0x6e, 0x44, 0x71, 0x2d, 0x28, 0x50, 0xbc, 0xd3, 0xc2, 0x16,
            0x1e, 0x99, 0x93, 0xf2,
        ],
    ];
    let public_key = [&[4], PUBLIC_KEY.as_flattened()].concat();
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", SECRET).unwrap();
    for backend in [EcdsaBackend::P256, EcdsaBackend::Ring] {
        for checksum in [None, Some(Checksum::Crc32c)] {
            let encoding = AwsChunked::signed();
            let encoding = checksum.map_or(encoding, |checksum| encoding.trailer(checksum));
            let signer = Signer::builder("s3", "us-east-1").sigv4a(backend);
            let mut request =
                Request::put("https://s3.amazonaws.com/examplebucket/chunkObject.txt")
                    .body(())
                    .unwrap();
            let payload = chunked(encoding, Some(66_560));
            let signer = signer.build().unwrap();
            let signed = signer.sign(&mut request, payload, &credentials, day());
            let signed = signed.unwrap();
            let data = Bytes::from(vec![b'a'; 66_560]);
            let wire = encode_by(signed.chunk_encoder().unwrap(), [data]);
            assert_eq!(request.headers()["content-length"], *wire.len().to_string());

            let announced = Announced {
                signed: true,
                trailer: checksum.map(|_| "x-amz-checksum-crc32c"),
            };
            let decoded = decode(&wire, announced).unwrap();
            assert_eq!(decoded.chunks.len(), 2);
            let chain = ChainV4a {
                public_key: &public_key,
                date: "20130524T000000Z",
                scope: "20130524/s3/aws4_request",
                seed: signed.signature().unwrap(),
            };
            decoded.verify_v4a(chain).unwrap();
            let another = ChainV4a {
                seed: "30",
                ..chain
            };
            decoded.verify_v4a(another).unwrap_err();
        }
    }
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
    assert_eq!(
        request.headers()["x-amz-content-sha256"],
        "STREAMING-AWS4-HMAC-SHA256-EVENTS"
    );

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
