//! What is signed for another service or another region for one request is so to the last chunk and
//! the last event.

use aws_sigv4::event_stream;
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use http::HeaderName;
use http::Request;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::EcdsaBackend;
use sigv4_core::ErrorKind;
use sigv4_core::EventMessage;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_tests::aws_chunked::Announced;
use sigv4_tests::aws_chunked::Chain;
use sigv4_tests::aws_chunked::decode;
use sigv4_tests::oracle::Body;
use sigv4_tests::secrets;
use sigv4_tests::secrets::credentials;

use crate::aws_chunked::encode_by;
use crate::event_pieces;
use crate::fixture::hour;
use crate::fixture::now;
use crate::fixture::signer;
use crate::fixture::verified_with;

/// Services and regions that are said for one request, and what they come to.
fn overrides(service: &str) -> [(SigningOverrides, &str, &'static str); 3] {
    let region = || SigningOverrides::new().region("eu-central-1").unwrap();
    [
        (SigningOverrides::new(), "", "us-east-1"),
        (region(), "", "eu-central-1"),
        (region().service(service).unwrap(), service, "eu-central-1"),
    ]
}

#[test]
fn reach_every_chunk() {
    let encoding = AwsChunked::signed().trailer(Checksum::Crc32);
    let encoding = encoding.chunk_size(8192).unwrap();
    let body: Vec<u8> = (0..=250).cycle().take(20_000).collect();
    for (overrides, service, region) in overrides("s3express") {
        let service = if service.is_empty() { "s3" } else { service };
        let mut request = Request::put("https://host.amazonaws.com/key")
            .body(())
            .unwrap();
        let payload = Payload::AwsChunked {
            encoding,
            length: Some(20_000),
        };
        let signed = signer("s3")
            .sign_with(&mut request, payload, &credentials(), now(), &overrides)
            .unwrap();
        let verified = verified_with(
            &request,
            Body::Announced("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        );
        assert_eq!((&*verified.service, &*verified.region), (service, region));

        let wire = encode_by(signed.chunk_encoder().unwrap(), [body.clone().into()]);
        let trailer = encoding.checksum().map(Checksum::header_name);
        let announced = Announced {
            signed: true,
            trailer: trailer.as_ref().map(HeaderName::as_str),
        };
        let decoded = decode(&wire, announced).unwrap();
        assert_eq!(decoded.chunks.len(), 3);
        let chain = Chain {
            secret: secrets::SECRET_ACCESS_KEY,
            region,
            service,
            time: now(),
            seed: &verified.signature,
        };
        decoded.verify(chain).unwrap();
        for wrong in [
            Chain {
                region: "us-west-2",
                ..chain
            },
            Chain {
                service: "sqs",
                ..chain
            },
            Chain {
                time: now() + hour(),
                ..chain
            },
        ] {
            decoded.verify(wrong).unwrap_err();
        }
    }
}

#[test]
fn reach_every_event() {
    for (overrides, service, region) in overrides("bedrock") {
        let service = if service.is_empty() { "lex" } else { service };
        let mut request = Request::post("https://host.amazonaws.com/")
            .body(())
            .unwrap();
        let signed = signer("lex")
            .sign_with(
                &mut request,
                Payload::Events,
                &credentials(),
                now(),
                &overrides,
            )
            .unwrap();
        let verified = verified_with(
            &request,
            Body::Announced("STREAMING-AWS4-HMAC-SHA256-EVENTS"),
        );
        assert_eq!((&*verified.service, &*verified.region), (service, region));

        let (id, secret) = (secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
        let identity: Identity =
            aws_credential_types::Credentials::new(id, secret, None, None, "judge").into();
        let mut events = signed.event_signer().unwrap();
        let mut previous = verified.signature;
        // The second is signed on the next day.
        for (hours, payload) in [(0, "first"), (24, "second")] {
            let time = now() + hours * hour();
            let params = v4::SigningParams::builder()
                .identity(&identity)
                .region(region)
                .name(service)
                .time(time)
                .settings(())
                .build()
                .unwrap();
            let message = EventMessage::new(payload).encode().unwrap();
            let expected =
                event_stream::sign_message(&event_pieces::read(&message), &previous, &params);
            let (expected, signature) = expected.unwrap().into_parts();
            let found = events.sign_message(&message, time).unwrap();
            let found = event_pieces::read(&found);
            assert_eq!(found.payload(), expected.payload());
            for header in expected.headers() {
                assert!(found.headers().contains(header), "{header:?}");
            }
            previous = signature;
        }
    }
}

#[test]
fn a_service_that_takes_no_such_body_takes_none_by_overrides() {
    let chunked = Payload::AwsChunked {
        encoding: AwsChunked::signed(),
        length: Some(1),
    };
    for (from, to, payload) in [
        ("s3", "s3-object-lambda", chunked),
        ("transcribe", "sqs", Payload::Events),
    ] {
        let mut request = Request::put("https://host.amazonaws.com/key")
            .body(())
            .unwrap();
        let overrides = SigningOverrides::new().service(to).unwrap();
        let error = signer(from)
            .sign_with(&mut request, payload, &credentials(), now(), &overrides)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Payload);
        assert!(request.headers().is_empty());
        // And one that does takes one.
        let overrides = SigningOverrides::new().service(from).unwrap();
        signer(to)
            .sign_with(&mut request, payload, &credentials(), now(), &overrides)
            .unwrap();
    }
}

/// The scope of SigV4A names no region; what names them is signed in the head.
#[test]
fn a_set_of_regions_is_that_of_the_request() {
    let signer = Signer::builder("s3", "us-east-1")
        .sigv4a(EcdsaBackend::P256)
        .build()
        .unwrap();
    let mut request = Request::put("https://host.amazonaws.com/key")
        .body(())
        .unwrap();
    let overrides = SigningOverrides::new()
        .region_set("eu-*,us-west-2")
        .unwrap();
    let payload = Payload::AwsChunked {
        encoding: AwsChunked::signed(),
        length: Some(1),
    };
    let signed = signer
        .sign_with(&mut request, payload, &credentials(), now(), &overrides)
        .unwrap();
    assert_eq!(request.headers()["x-amz-region-set"], "eu-*,us-west-2");
    let wire = encode_by(signed.chunk_encoder().unwrap(), ["a".into()]);
    assert_eq!(request.headers()["content-length"], *wire.len().to_string());
}
