//! Bodies in `aws-chunked` on the wire: what the head says of them, and each signature. And which
//! bodies are not sent so.

use bytes::Bytes;
use http::Method;
use http::Request;
use http::request::Builder;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_core::runtime::Authorizer;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::HostScope;
use sigv4_tests::oracle;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use tower::ServiceExt;

use crate::fixture::builder;
use crate::fixture::signing;
use crate::fixture::signing_error;
use crate::fixture::verified;
use crate::shared::body::Pieces;
use crate::shared::body::Step;
use crate::shared::body::wrong_bodies;
use crate::shared::chunked::CHUNK;
use crate::shared::chunked::KINDS;
use crate::shared::chunked::data;
use crate::shared::chunked::judged;
use crate::shared::chunked::lenient;
use crate::shared::chunked::pieces;
use crate::shared::chunked::signed;
use crate::shared::chunked::small;
use crate::shared::clock::TestClock;
use crate::shared::peer::Peer;
use crate::shared::peer::Received;

fn authorizer(signer: Signer, host: &str, mode: PayloadMode) -> Authorizer {
    let scope = HostScope::exact([host]).unwrap();
    Authorizer::builder(signer, CredentialsCache::new(secrets::credentials()), scope)
        .clock(TestClock::new())
        .payload(mode)
        .build()
}

fn s3() -> Signer {
    Signer::builder("s3", "us-east-1").build().unwrap()
}

/// Sends a request to a path of the server and returns what arrived, or why nothing did.
async fn send(
    signer: Signer,
    mode: PayloadMode,
    method: Method,
    make: impl FnOnce(Builder) -> Builder,
    body: Pieces,
) -> Result<WireRequest, ErrorKind> {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let uri = format!("{}/bucket/a%20key", server.url());
    let request = make(Request::builder().method(method).uri(uri));
    let client = signing(authorizer(signer, &server.authority(), mode));
    match client.oneshot(request.body(body).unwrap()).await {
        Ok(answer) => {
            assert_eq!(answer.status(), 200);
            Ok(server.only_request())
        }
        Err(error) => {
            assert_eq!(server.requests(), []);
            Err(signing_error(&error).kind())
        }
    }
}

async fn put(mode: PayloadMode, body: Pieces) -> WireRequest {
    let sent = send(s3(), mode, Method::PUT, |request| request, body).await;
    sent.unwrap()
}

#[tokio::test]
async fn have_a_head_that_says_what_they_are() {
    for (encoding, kind, trailer) in KINDS {
        for length in [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5] {
            let data = data(length);
            let body = pieces(&data).announcing(length as u64);
            let request = put(small(encoding), body).await;
            let (verified, decoded) = judged(&request);
            assert!(decoded.data() == data, "{kind} {length}");
            assert_eq!(decoded.chunks.len(), length.div_ceil(CHUNK), "{kind}");

            let has = |name: &str, value: Option<&str>| {
                assert_eq!(request.header(name).as_deref(), value, "{kind}: {name}");
            };
            has("content-encoding", Some("aws-chunked"));
            has("content-length", Some(&request.body().len().to_string()));
            has("x-amz-decoded-content-length", Some(&length.to_string()));
            has("x-amz-content-sha256", Some(kind));
            has("x-amz-trailer", trailer);
            has("transfer-encoding", None);
            has("trailer", None);
            let signs = |name| verified.signed_headers.iter().any(|signed| signed == name);
            assert!(signs("x-amz-decoded-content-length"));
            assert_eq!(signs("x-amz-trailer"), trailer.is_some());
        }
    }
}

/// The examples of the documentation of S3: 65 KiB in chunks of 64 KiB, which are the default.
#[tokio::test]
async fn have_the_length_of_the_documentation() {
    for (encoding, length) in [
        (AwsChunked::signed(), "66824"),
        (AwsChunked::signed().trailer(Checksum::Crc32c), "66946"),
    ] {
        let body = pieces(&data(66_560)).announcing(66_560);
        let request = put(PayloadMode::AwsChunked(encoding), body).await;
        judged(&request);
        assert_eq!(request.header("content-length").as_deref(), Some(length));
    }
}

#[tokio::test]
async fn are_encoded_with_each_checksum() {
    for checksum in [
        Checksum::Crc32,
        Checksum::Crc32c,
        Checksum::Crc64Nvme,
        Checksum::Sha1,
        Checksum::Sha256,
    ] {
        for encoding in [
            AwsChunked::signed().trailer(checksum),
            AwsChunked::unsigned(checksum),
        ] {
            let data = data(10_000);
            let body = pieces(&data).announcing(10_000);
            let request = put(small(encoding), body).await;
            let (_, decoded) = judged(&request);
            assert!(decoded.data() == data);
            assert_eq!(
                request.header("x-amz-trailer").as_deref(),
                Some(checksum.header_name().as_str())
            );
        }
    }
}

/// How long a body is may be told by its `Content-Length` alone.
#[tokio::test]
async fn take_the_length_that_is_declared() {
    for name in ["content-length", "Content-Length"] {
        let make = |request: Builder| {
            request
                .header(name, "20000")
                .header("transfer-encoding", "chunked")
        };
        let data = data(20_000);
        let request = send(s3(), signed(), Method::PUT, make, pieces(&data)).await;
        let request = request.unwrap();
        assert!(judged(&request).1.data() == data);
        assert_eq!(request.header("transfer-encoding"), None);
        let decoded = request.header("x-amz-decoded-content-length");
        assert_eq!(decoded.as_deref(), Some("20000"));
    }
}

#[tokio::test]
async fn keep_the_other_codings() {
    for (given, sent) in [
        (&["gzip"][..], "aws-chunked,gzip"),
        (&["deflate, gzip"], "aws-chunked,deflate,gzip"),
        (&["deflate", "gzip"], "aws-chunked,deflate,gzip"),
        (&[" ", "br"], "aws-chunked,br"),
    ] {
        let make = |request: Builder| {
            let add = |request: Builder, coding: &&str| request.header("content-encoding", *coding);
            given.iter().fold(request, add)
        };
        let body = Pieces::of(["body"]).announcing(4);
        let request = send(s3(), signed(), Method::PUT, make, body).await;
        let request = request.unwrap();
        judged(&request);
        assert_eq!(request.header("content-encoding").as_deref(), Some(sent));
    }
}

#[tokio::test]
async fn of_unknown_length_are_sent_only_where_the_rules_allow_that() {
    let data = data(20_000);
    for (encoding, kind, _) in KINDS {
        let mode = small(encoding);
        let refused = send(s3(), mode, Method::PUT, |request| request, pieces(&data)).await;
        assert_eq!(refused.unwrap_err(), ErrorKind::LengthRequired, "{kind}");

        let make = |request: Builder| request.header("transfer-encoding", "chunked");
        let sent = send(lenient("s3"), mode, Method::PUT, make, pieces(&data)).await;
        let request = sent.unwrap();
        assert!(judged(&request).1.data() == data, "{kind}");
        let framing = request.header("transfer-encoding");
        assert_eq!(framing.as_deref(), Some("chunked"), "{kind}");
        assert_eq!(request.header("content-length"), None, "{kind}");
        assert_eq!(request.header("x-amz-decoded-content-length"), None);
    }
}

#[tokio::test]
async fn are_refused_where_nobody_decodes_them() {
    let body = || Pieces::of(["body"]).announcing(4);
    for (encoding, kind, _) in KINDS {
        for service in [
            "sqs",
            "s3-object-lambda",
            "glacier",
            "execute-api",
            "lambda",
        ] {
            let signer = Signer::builder(service, "us-east-1").build().unwrap();
            let sent = send(signer, small(encoding), Method::PUT, |r| r, body()).await;
            assert_eq!(sent.unwrap_err(), ErrorKind::Payload, "{service} {kind}");
        }
        for method in [Method::POST, Method::DELETE, Method::GET] {
            let sent = send(s3(), small(encoding), method.clone(), |r| r, body()).await;
            assert_eq!(sent.unwrap_err(), ErrorKind::Payload, "{method} {kind}");

            let sent = send(lenient("sqs"), small(encoding), method, |r| r, body()).await;
            judged(&sent.unwrap());
        }
    }
}

#[tokio::test]
async fn that_are_empty_are_hashed_unless_a_checksum_is_wanted() {
    let silent = || Pieces::default().then(Step::Pause);
    for (encoding, kind, _) in KINDS {
        for method in [Method::PUT, Method::POST, Method::GET, Method::DELETE] {
            for (body, declared) in [
                (Pieces::default().announcing(0), None),
                (silent().announcing(0), None),
                (silent(), Some("0")),
            ] {
                let make = |request: Builder| match declared {
                    Some(length) => request.header("content-length", length),
                    None => request,
                };
                let sent = send(s3(), small(encoding), method.clone(), make, body).await;
                let request = sent.unwrap();
                if method == Method::PUT && encoding.checksum().is_some() {
                    assert!(judged(&request).1.data().is_empty(), "{kind}");
                    continue;
                }
                verified(&request, b"");
                let suggests_body = method == Method::PUT || method == Method::POST;
                let length = suggests_body.then_some("0");
                assert_eq!(request.header("content-length").as_deref(), length);
                for name in ["content-encoding", "x-amz-trailer", "transfer-encoding"] {
                    assert_eq!(request.header(name), None, "{kind} {method}");
                }
            }
        }
    }
}

#[tokio::test]
async fn that_are_encoded_already_are_refused() {
    for (name, value) in [
        ("content-encoding", "aws-chunked"),
        ("content-encoding", "gzip, AWS-Chunked"),
        ("content-encoding", "aws-chunked,gzip"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-EVENTS"),
    ] {
        for mode in [signed(), PayloadMode::Hashed, PayloadMode::Unsigned] {
            let make = |request: Builder| request.header(name, value);
            let body = Pieces::of(["body"]).announcing(4);
            let sent = send(s3(), mode, Method::PUT, make, body).await;
            assert_eq!(sent.unwrap_err(), ErrorKind::Payload, "{value} {mode:?}");
        }
    }
}

#[tokio::test]
async fn follow_the_overrides_of_the_request() {
    let data = data(20_000);
    let send = async |usual: PayloadMode, overrides: SigningOverrides| {
        let make = |request: Builder| request.extension(overrides);
        let body = pieces(&data).announcing(20_000);
        let sent = send(s3(), usual, Method::PUT, make, body).await;
        let request = sent.unwrap();
        assert_eq!(request.header("transfer-encoding"), None);
        request
    };
    let overrides = SigningOverrides::new;
    for (encoding, kind, _) in KINDS {
        for usual in [PayloadMode::Hashed, PayloadMode::Unsigned, signed()] {
            let request = send(usual, overrides().payload(small(encoding))).await;
            assert!(judged(&request).1.data() == data);
            let said = request.header("x-amz-content-sha256");
            assert_eq!(said.as_deref(), Some(kind));
        }
        let usual = small(encoding);
        let request = send(usual, overrides().payload(PayloadMode::Hashed)).await;
        verified(&request, &data);
        let request = send(usual, overrides().payload(PayloadMode::Unsigned)).await;
        verified(&request, oracle::Body::Unsigned);
        assert!(request.body() == data);
        let request = send(usual, overrides().region("eu-west-3").unwrap()).await;
        assert_eq!(judged(&request).0.region, "eu-west-3");
        let request = send(usual, overrides().do_not_sign()).await;
        assert!(request.body() == data);
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("content-encoding"), None);
    }
}

/// Sends a body of a length that is declared or announced and returns why that failed.
async fn broken_off(mode: PayloadMode, declared: Option<u64>, body: Pieces) -> Vec<Received> {
    let peer = Peer::start().await;
    let authority = peer.authority();
    let client = async move {
        let mut request = Request::put(format!("http://{authority}/bucket/key"));
        if let Some(declared) = declared {
            request = request.header("content-length", declared);
        }
        let client = signing(builder("s3", &authority).payload(mode).build());
        let answer = client.oneshot(request.body(body).unwrap()).await;
        signing_error(&answer.map(drop).unwrap_err()).kind()
    };
    let (kind, received) = peer.observe(client).await;
    assert_eq!(kind, ErrorKind::BodyLength);
    received
}

#[tokio::test]
async fn of_another_length_are_broken_off() {
    let declared = 2 * CHUNK as u64;
    let at_the_edge = [
        ("a byte less", pieces(&data(2 * CHUNK - 1))),
        ("a chunk less", pieces(&data(CHUNK))),
        ("nothing", Pieces::default()),
        ("a byte more", pieces(&data(2 * CHUNK + 1))),
        (
            "a piece more",
            pieces(&data(2 * CHUNK)).then(Step::Data("!".into())),
        ),
        ("a chunk more", pieces(&data(3 * CHUNK))),
        (
            "a piece more, after a while",
            Pieces::of([data(2 * CHUNK)])
                .then(Step::Pause)
                .then(Step::Data("!".into())),
        ),
    ];
    let of_five = wrong_bodies().map(|(name, body)| (name, body, 5));
    let of_chunks = at_the_edge.map(|(name, body)| (name, body, declared));
    for (encoding, kind, _) in KINDS {
        for (name, body, length) in of_five.clone().into_iter().chain(of_chunks.clone()) {
            let silent = body.clone();
            let announcing = body.announcing(length);
            for (declared, body) in [
                (Some(length), silent),
                (Some(length), announcing.clone()),
                (None, announcing),
            ] {
                let received = broken_off(small(encoding), declared, body).await;
                for received in &received {
                    assert!(!received.is_whole(), "{name} {kind}");
                    // The chunk that says that all came before it.
                    assert!(!received.contains(b"\r\n0;chunk-signature="), "{name}");
                    assert!(!received.contains(b"\r\n0\r\n"), "{name} {kind}");
                }
            }
        }
    }
}

#[tokio::test]
async fn that_contradict_their_head_are_not_sent() {
    for (declared, announced) in [("6", 5), ("0", 5), ("5, 6", 5), ("5x", 5)] {
        let make = |request: Builder| request.header("content-length", declared);
        let body = Pieces::of(["hello"]).announcing(announced);
        let sent = send(s3(), signed(), Method::PUT, make, body).await;
        assert_eq!(sent.unwrap_err(), ErrorKind::BodyLength, "{declared}");
    }
}

#[tokio::test]
async fn that_fail_or_have_trailers_are_broken_off() {
    for (step, expected) in [
        (Step::Trailers, Some(ErrorKind::Trailers)),
        (Step::Failure, None),
    ] {
        let peer = Peer::start().await;
        let authority = peer.authority();
        let body = Pieces::of([data(CHUNK), data(CHUNK)]).then(step);
        let client = async move {
            let request = Request::put(format!("http://{authority}/bucket/key"));
            let body = body.announcing(2 * CHUNK as u64);
            let client = signing(builder("s3", &authority).payload(signed()).build());
            client.oneshot(request.body(body).unwrap()).await.err()
        };
        let (error, received) = peer.observe(client).await;
        let error = error.unwrap();
        match expected {
            Some(kind) => assert_eq!(signing_error(&error).kind(), kind),
            None => assert!(format!("{error:?}").contains("the disk is gone")),
        }
        assert!(!received.iter().any(Received::is_whole), "{received:?}");
    }
}

/// What a signature is over is not looked at where there is none to be made.
#[tokio::test]
async fn pass_as_they_are_where_they_are_not_signed() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let body = "5\r\nhello\r\n0\r\n\r\n";
    let request = Request::put(server.url())
        .header("content-encoding", "aws-chunked")
        .extension(SigningOverrides::new().do_not_sign())
        .body(Pieces::of([body]).announcing(body.len() as u64));
    let host = server.authority();
    let client = signing(authorizer(s3(), &host, signed()));
    client.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(server.only_request().body(), body.as_bytes());
}

/// A session token is one of the headers that the first signature covers.
#[tokio::test]
async fn are_signed_with_temporary_credentials() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let scope = HostScope::exact([server.authority()]).unwrap();
    let cache = CredentialsCache::new(secrets::temporary_credentials());
    let authorizer = Authorizer::builder(s3(), cache, scope).payload(signed());
    let request = Request::put(server.url()).body(Pieces::of([Bytes::from("body")]).announcing(4));
    let client = signing(authorizer.build());
    client.oneshot(request.unwrap()).await.unwrap();
    let (verified, _) = judged(&server.only_request());
    assert_eq!(verified.token.as_deref(), Some(secrets::SESSION_TOKEN));
}
