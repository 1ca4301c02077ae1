//! Clients that have signed their requests themselves, with credentials that stand for nothing, and
//! send them to a proxy that signs anew: what becomes of the body, by what they said of it.

use std::fmt::Write;
use std::time::SystemTime;

use bytes::Bytes;
use http::Request;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::Credentials;
use sigv4_core::ErrorKind;
use sigv4_core::Payload;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_tests::oracle;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use sigv4_tower::SigV4Layer;
use sigv4_tower::UpstreamLayer;
use tower::ServiceBuilder;
use tower::ServiceExt;

use crate::fixture::authorizer;
use crate::fixture::builder;
use crate::fixture::hyper_client;
use crate::fixture::signing_error;
use crate::fixture::verified;
use crate::gateway::Answer;
use crate::gateway::Gateway;
use crate::shared::body::Pieces;
use crate::shared::body::Step;
use crate::shared::chunked::data;
use crate::shared::chunked::judged;
use crate::shared::peer::Peer;
use crate::shared::peer::Received;

/// What an SDK sends, over https, for an upload of `hello`.
const HELLO: &str = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
const OF_HELLO: [(&str, &str); 6] = [
    ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
    ("content-encoding", "aws-chunked"),
    ("x-amz-decoded-content-length", "5"),
    ("x-amz-trailer", "x-amz-checksum-crc32"),
    ("x-amz-sdk-checksum-algorithm", "CRC32"),
    ("content-length", "46"),
];

fn upstream(url: &str) -> UpstreamLayer {
    UpstreamLayer::new(url).unwrap().follow_client_payload()
}

/// Writes a request of a client that signed it, as one on the wire.
fn text(method: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} /bucket/key?x-id=PutObject HTTP/1.1\r\nHost: gateway\r\n");
    head.push_str("Authorization: AWS4-HMAC-SHA256 Credential=DUMMY/evil\r\n");
    head.push_str("X-Amz-Date: 19990101T000000Z\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// Sends a request through a proxy for a service, and returns the answer and what arrived.
async fn send(
    service: &str,
    mode: PayloadMode,
    method: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (Answer, Vec<WireRequest>) {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = builder(service, &server.authority()).payload(mode).build();
    let gateway = Gateway::start(upstream(&server.url()), authorizer).await;
    let answer = gateway.exchange(text(method, headers, body)).await;
    (answer, server.requests())
}

#[track_caller]
fn arrived((answer, requests): (Answer, Vec<WireRequest>)) -> WireRequest {
    assert_eq!(answer.status(), 200, "{answer:?}");
    let [request] = &requests[..] else {
        panic!("{} requests arrived", requests.len())
    };
    assert_ne!(
        request.header("x-amz-date").as_deref(),
        Some("19990101T000000Z")
    );
    request.clone()
}

/// Replaces a header, or leaves it out.
fn of_hello<'a>(name: &str, value: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let headers = OF_HELLO.into_iter();
    headers
        .filter_map(|(given, usual)| {
            let value = if given == name { value } else { Some(usual) };
            value.map(|value| (given, value))
        })
        .collect()
}

#[tokio::test]
async fn in_unsigned_chunks_passes_as_it_is_below_another_head() {
    for mode in [
        PayloadMode::Hashed,
        PayloadMode::Unsigned,
        PayloadMode::AwsChunked(AwsChunked::signed()),
    ] {
        let request = arrived(send("s3", mode, "PUT", &OF_HELLO, HELLO.as_bytes()).await);
        let (verified, decoded) = judged(&request);
        assert_eq!(decoded.data(), b"hello");
        assert_eq!(request.body(), HELLO.as_bytes());
        let signed = [
            "host",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-decoded-content-length",
            "x-amz-sdk-checksum-algorithm",
            "x-amz-trailer",
        ];
        assert_eq!(verified.signed_headers, signed);
        for (name, value) in OF_HELLO {
            assert_eq!(request.values(name), [value], "{name}");
        }
        assert_eq!(request.header("transfer-encoding"), None);
    }
}

/// Longer ones, encoded by a signer of the client's own.
#[tokio::test]
async fn in_unsigned_chunks_passes_at_any_length() {
    for (length, checksum) in [
        (0, Checksum::Sha256),
        (1, Checksum::Crc32c),
        (1_000_000, Checksum::Crc64Nvme),
    ] {
        let data = data(length);
        let mut request = Request::put("http://gateway/bucket/key").body(()).unwrap();
        let payload = Payload::AwsChunked {
            encoding: AwsChunked::unsigned(checksum),
            length: Some(length as u64),
        };
        let dummy = Credentials::new("DUMMY", "dummy").unwrap();
        let signer = Signer::builder("s3", "aws-global").build().unwrap();
        let signed = signer.sign(&mut request, payload, &dummy, SystemTime::now());
        let mut encoder = signed.unwrap().chunk_encoder().unwrap();
        encoder.push(data.clone()).unwrap();
        encoder.finish().unwrap();
        let mut body = Vec::new();
        while let Some(piece) = encoder.pull().unwrap() {
            body.extend_from_slice(&piece);
        }
        let headers: Vec<_> = request
            .headers()
            .iter()
            .filter(|(name, _)| *name != "authorization" && *name != "x-amz-date")
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        let sent = send("s3", PayloadMode::Hashed, "PUT", &headers, &body).await;
        let request = arrived(sent);
        assert!(request.body() == body, "{length}");
        assert!(judged(&request).1.data() == data, "{length}");
    }
}

/// botocore puts the coding behind the others, and minio-go leaves it out.
#[tokio::test]
async fn in_unsigned_chunks_keeps_the_codings_that_the_client_named() {
    for coding in [Some("gzip,aws-chunked"), Some("aws-chunked,gzip"), None] {
        let headers = of_hello("content-encoding", coding);
        let sent = send("s3", PayloadMode::Hashed, "PUT", &headers, HELLO.as_bytes()).await;
        let request = arrived(sent);
        assert_eq!(request.header("content-encoding").as_deref(), coding);
        verified(&request, oracle::Body::Announced(OF_HELLO[0].1));
    }
}

#[tokio::test]
async fn in_unsigned_chunks_is_refused_where_its_head_does_not_fit() {
    let (hashed, body) = (PayloadMode::Hashed, HELLO.as_bytes());
    for (name, value, status) in [
        ("x-amz-decoded-content-length", None, 400),
        ("x-amz-decoded-content-length", Some("five"), 400),
        ("x-amz-decoded-content-length", Some("+5"), 400),
        ("x-amz-decoded-content-length", Some("46"), 400),
        ("x-amz-trailer", None, 400),
        ("x-amz-trailer", Some("x-amz-acl"), 400),
        ("x-amz-trailer", Some("x-amz-checksum-"), 400),
        (
            "x-amz-trailer",
            Some("x-amz-checksum-crc32,x-amz-checksum-sha1"),
            400,
        ),
        ("content-encoding", Some("aws-chunked,aws-chunked"), 400),
    ] {
        let headers = of_hello(name, value);
        let (answer, requests) = send("s3", hashed, "PUT", &headers, body).await;
        assert_eq!(answer.status(), status, "{name} {value:?} {answer:?}");
        assert_eq!(requests, [], "{name} {value:?}");
    }
    for (service, method) in [("sqs", "PUT"), ("s3", "POST"), ("s3-object-lambda", "PUT")] {
        let (answer, requests) = send(service, hashed, method, &OF_HELLO, body).await;
        assert_eq!(answer.status(), 400, "{service} {method} {answer:?}");
        assert_eq!(requests, [], "{service} {method}");
    }
}

/// As boto3 sends them over https, and the SDK for JavaScript sends streams.
#[tokio::test]
async fn in_unsigned_chunks_may_leave_its_end_to_the_transfer_coding() {
    let mut unknown = of_hello("content-length", None);
    unknown.push(("transfer-encoding", "chunked"));
    let body = format!("{:x}\r\n{HELLO}\r\n0\r\n\r\n", HELLO.len());
    let hashed = PayloadMode::Hashed;
    let (answer, requests) = send("s3", hashed, "PUT", &unknown, body.as_bytes()).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let (_, decoded) = judged(&requests[0]);
    assert_eq!(decoded.data(), b"hello"[..]);
    assert_eq!(requests[0].header("content-length"), None);
    let coding = requests[0].header("transfer-encoding");
    assert_eq!(coding.as_deref(), Some("chunked"));
}

#[tokio::test]
async fn in_unsigned_chunks_is_broken_off_where_it_ends_early() {
    for (name, body) in [
        ("cut off", Pieces::of(["5\r\nhello\r\n0\r\n"])),
        ("failed", Pieces::of(["5\r\nhel"]).then(Step::Failure)),
        ("longer", Pieces::of([HELLO, "!"])),
        ("with trailers", Pieces::of([HELLO]).then(Step::Trailers)),
    ] {
        let peer = Peer::start().await;
        let authority = peer.authority();
        let client = async move {
            let mut request = Request::put("/bucket/key");
            for (name, value) in OF_HELLO {
                request = request.header(name, value);
            }
            let proxy = ServiceBuilder::new()
                .layer(upstream(&format!("http://{authority}")))
                .layer(SigV4Layer::new(authorizer("s3", &authority)))
                .service(hyper_client());
            proxy.oneshot(request.body(body).unwrap()).await.map(drop)
        };
        let (result, received) = peer.observe(client).await;
        assert!(result.is_err(), "{name}");
        assert!(
            !received.iter().any(Received::is_whole),
            "{name} {received:?}"
        );
    }
}

#[tokio::test]
async fn with_a_hash_is_hashed_again_and_compared() {
    let hex = |body: &str| {
        Sha256::digest(body)
            .iter()
            .fold(String::new(), |text, octet| format!("{text}{octet:02x}"))
    };
    let unsigned = PayloadMode::Unsigned;
    for (service, method, body) in [
        ("s3", "PUT", "hello"),
        ("s3", "PUT", ""),
        ("s3", "GET", ""),
        ("sqs", "POST", "hello"),
    ] {
        let hash = hex(body);
        let length = body.len().to_string();
        let headers = [
            ("x-amz-content-sha256", &*hash),
            ("content-length", &*length),
        ];
        let mode = if service == "s3" {
            unsigned
        } else {
            PayloadMode::Hashed
        };
        let request = arrived(send(service, mode, method, &headers, body.as_bytes()).await);
        verified(&request, body.as_bytes());
        assert_eq!(request.body(), body.as_bytes());

        let other = hex("hellp");
        let headers = [
            ("x-amz-content-sha256", &*other),
            ("content-length", &*length),
        ];
        let (answer, requests) = send(service, mode, method, &headers, body.as_bytes()).await;
        assert_eq!(answer.status(), 400, "{service} {method} {body}");
        assert!(answer.0.contains("another SHA-256"), "{answer:?}");
        assert!(!answer.0.contains(&other), "{answer:?}");
        assert_eq!(requests, [], "{service} {method} {body}");
    }
}

#[tokio::test]
async fn that_is_unsigned_stays_so_where_the_service_takes_that() {
    let headers = [
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("content-length", "5"),
    ];
    let sent = send("s3", PayloadMode::Hashed, "PUT", &headers, b"hello").await;
    verified(&arrived(sent), oracle::Body::Unsigned);
    let sent = send("s3", PayloadMode::Hashed, "GET", &headers[..1], b"").await;
    verified(&arrived(sent), oracle::Body::Unsigned);

    let (answer, requests) = send("sqs", PayloadMode::Hashed, "POST", &headers, b"hello").await;
    assert_eq!(answer.status(), 400, "{answer:?}");
    assert_eq!(requests, []);
}

#[tokio::test]
async fn without_a_word_on_its_hash_is_covered_as_the_proxy_does() {
    let headers = [("content-length", "5")];
    let sent = send("s3", PayloadMode::Hashed, "PUT", &headers, b"hello").await;
    verified(&arrived(sent), b"hello");
    let sent = send("s3", PayloadMode::Unsigned, "PUT", &headers, b"hello").await;
    verified(&arrived(sent), oracle::Body::Unsigned);
}

#[tokio::test]
async fn that_is_signed_as_it_passes_is_refused() {
    for kind in [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-EVENTS",
        "STREAMING-SOMETHING-NEW",
    ] {
        let headers = of_hello("x-amz-content-sha256", Some(kind));
        let sent = send("s3", PayloadMode::Hashed, "PUT", &headers, HELLO.as_bytes()).await;
        assert_eq!(sent.0.status(), 400, "{kind} {:?}", sent.0);
        assert_eq!(sent.1, [], "{kind}");
    }
}

/// A proxy that is not told to follow clients lets none of these through.
#[tokio::test]
async fn in_chunks_is_refused_where_it_is_not_followed() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let upstream = UpstreamLayer::new(&server.url()).unwrap();
    let gateway = Gateway::start(upstream, authorizer("s3", &server.authority())).await;
    let answer = gateway
        .exchange(text("PUT", &OF_HELLO, HELLO.as_bytes()))
        .await;
    assert_eq!(answer.status(), 400, "{answer:?}");
    assert_eq!(server.requests(), []);
}

/// The same without a proxy: a program that has such a body says so itself.
#[tokio::test]
async fn in_unsigned_chunks_can_be_signed_by_the_layer_alone() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let request = |mode| {
        let overrides = SigningOverrides::new().payload(mode);
        let mut request = Request::put(server.url()).extension(overrides);
        for (name, value) in OF_HELLO {
            request = request.header(name, value);
        }
        request.body(Pieces::of([Bytes::from(HELLO)])).unwrap()
    };
    let client = || {
        ServiceBuilder::new()
            .layer(SigV4Layer::new(authorizer("s3", &server.authority())))
            .service(hyper_client())
    };
    client()
        .oneshot(request(PayloadMode::PreChunked))
        .await
        .unwrap();
    judged(&server.only_request());
    for mode in [PayloadMode::Hashed, PayloadMode::Unsigned] {
        let refused = client().oneshot(request(mode)).await.map(drop);
        let error = refused.unwrap_err();
        assert_eq!(signing_error(&error).kind(), ErrorKind::Payload);
    }
}
