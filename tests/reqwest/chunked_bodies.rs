//! Bodies in `aws-chunked` on the wire: what the head says of them, and each signature. And which
//! bodies are not sent so.

use bytes::Bytes;
use http::Method;
use http_body_util::Empty;
use http_body_util::Full;
use reqwest::Body;
use reqwest::RequestBuilder;
use sigv4_core::AwsChunked;
use sigv4_core::Checksum;
use sigv4_core::ErrorKind;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_tests::oracle;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireRequest;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::WAYS;
use crate::fixture::Way;
use crate::fixture::authorizer;
use crate::fixture::client;
use crate::fixture::find;
use crate::fixture::signed_by;
use crate::fixture::signing_kind;
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
use crate::shared::peer::Peer;
use crate::shared::peer::Received;

fn s3() -> Signer {
    Signer::builder("s3", "us-east-1").build().unwrap()
}

/// Sends a request and returns what arrived, or why nothing did.
async fn send(
    way: Way,
    signer: Signer,
    mode: PayloadMode,
    method: Method,
    make: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> Result<WireRequest, ErrorKind> {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let request = client().request(method, format!("{}/bucket/a%20key", server.url()));
    let request = make(request).build().unwrap();
    let authorizer = signed_by(signer, secrets::credentials(), &server.authority())
        .payload(mode)
        .build();
    match way.send(&authorizer, request, None).await {
        Ok(answer) => {
            assert_eq!(answer.status(), 200);
            Ok(server.only_request())
        }
        Err(error) => {
            assert_eq!(server.requests(), []);
            Err(signing_kind(&error))
        }
    }
}

async fn put(way: Way, mode: PayloadMode, body: Body) -> WireRequest {
    let sent = send(way, s3(), mode, Method::PUT, |request| request.body(body)).await;
    sent.unwrap()
}

/// What there is to send, in memory and as streams.
fn bodies(data: &Bytes) -> [(&'static str, Body); 4] {
    let length = data.len() as u64;
    [
        ("bytes", Body::from(data.clone())),
        ("a vector", Body::from(data.to_vec())),
        ("a stream of one", Body::wrap(Full::new(data.clone()))),
        ("pieces", Body::wrap(pieces(data).announcing(length))),
    ]
}

#[tokio::test]
async fn have_a_head_that_says_what_they_are() {
    for (encoding, kind, trailer) in KINDS {
        for length in [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5] {
            let data = data(length);
            for (way, (name, body)) in WAYS.into_iter().cycle().zip(bodies(&data)) {
                let request = put(way, small(encoding), body).await;
                let (verified, decoded) = judged(&request);
                assert!(decoded.data() == data, "{kind} {length} {name}");
                assert_eq!(decoded.chunks.len(), length.div_ceil(CHUNK), "{kind}");

                let has = |header: &str, value: Option<&str>| {
                    let sent = request.header(header);
                    assert_eq!(sent.as_deref(), value, "{kind} {name}: {header}");
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
}

/// A body that was encoded before passes as it is, and one that was hashed is compared.
#[tokio::test]
async fn that_are_encoded_or_hashed_by_somebody_else_are_signed_so() {
    let body = Bytes::from("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    for (way, (name, sent)) in WAYS.into_iter().cycle().zip(bodies(&body)) {
        let make = |request: RequestBuilder| {
            request
                .header("x-amz-decoded-content-length", "5")
                .header("x-amz-trailer", "x-amz-checksum-crc32")
                .header("content-encoding", "aws-chunked")
                .body(sent)
        };
        let request = send(way, s3(), PayloadMode::PreChunked, Method::PUT, make).await;
        let request = request.unwrap();
        assert_eq!(judged(&request).1.data(), b"hello", "{name}");
        assert_eq!(request.body(), body, "{name}");
    }
    let hash = |data: &[u8]| {
        let hash = ring::digest::digest(&ring::digest::SHA256, data);
        PayloadMode::HashedAs(hash.as_ref().try_into().unwrap())
    };
    for (way, (name, sent)) in WAYS.into_iter().cycle().zip(bodies(&body)) {
        verified(&put(way, hash(&body), sent).await, &body);
        let (_, sent) = bodies(&body)
            .into_iter()
            .find(|(same, _)| *same == name)
            .unwrap();
        let make = |request: RequestBuilder| request.body(sent);
        let refused = send(way, s3(), hash(b"other"), Method::PUT, make).await;
        assert_eq!(refused.unwrap_err(), ErrorKind::PayloadHash, "{name}");
    }
}

/// The examples of the documentation of S3: 65 KiB in chunks of 64 KiB, which are the default.
#[tokio::test]
async fn have_the_length_of_the_documentation() {
    for (encoding, length) in [
        (AwsChunked::signed(), "66824"),
        (AwsChunked::signed().trailer(Checksum::Crc32c), "66946"),
    ] {
        for way in WAYS {
            let body = Body::from(data(66_560));
            let request = put(way, PayloadMode::AwsChunked(encoding), body).await;
            judged(&request);
            assert_eq!(request.header("content-length").as_deref(), Some(length));
        }
    }
}

#[tokio::test]
async fn take_the_length_that_is_declared() {
    let data = data(20_000);
    for way in WAYS {
        let sent = send(way, s3(), signed(), Method::PUT, |request| {
            let request = request.header("transfer-encoding", "chunked");
            let request = request.header("content-length", "20000");
            request.body(Body::wrap(pieces(&data)))
        });
        let request = sent.await.unwrap();
        assert!(judged(&request).1.data() == data);
        assert_eq!(request.header("transfer-encoding"), None);
    }
}

#[tokio::test]
async fn keep_the_other_codings() {
    for way in WAYS {
        let sent = send(way, s3(), signed(), Method::PUT, |request| {
            let request = request.header("content-encoding", "deflate");
            request.header("content-encoding", "gzip").body("body")
        });
        let request = sent.await.unwrap();
        judged(&request);
        let codings = request.header("content-encoding");
        assert_eq!(codings.as_deref(), Some("aws-chunked,deflate,gzip"));
    }
}

#[tokio::test]
async fn of_unknown_length_are_sent_only_where_the_rules_allow_that() {
    let data = data(20_000);
    let body = |request: RequestBuilder| request.body(Body::wrap(pieces(&data)));
    for (encoding, kind, _) in KINDS {
        for way in WAYS {
            let mode = small(encoding);
            let refused = send(way, s3(), mode, Method::PUT, body).await;
            assert_eq!(refused.unwrap_err(), ErrorKind::LengthRequired, "{kind}");

            let sent = send(way, lenient("s3"), mode, Method::PUT, body).await;
            let request = sent.unwrap();
            assert!(judged(&request).1.data() == data, "{kind}");
            let framing = request.header("transfer-encoding");
            assert_eq!(framing.as_deref(), Some("chunked"), "{kind}");
            assert_eq!(request.header("content-length"), None, "{kind}");
            assert_eq!(request.header("x-amz-decoded-content-length"), None);
        }
    }
}

#[tokio::test]
async fn are_refused_where_nobody_decodes_them() {
    let stream = || Body::wrap(Pieces::of(["body"]).announcing(4));
    for (encoding, kind, _) in KINDS {
        for (way, body) in [
            (Way::Middleware, (|| Body::from("body")) as fn() -> Body),
            (Way::Function, || Body::from("body")),
            (Way::Middleware, stream),
            (Way::Function, stream),
        ] {
            let mode = small(encoding);
            let body = |request: RequestBuilder| request.body(body());
            for service in ["sqs", "s3-object-lambda", "lambda"] {
                let signer = Signer::builder(service, "us-east-1").build().unwrap();
                let sent = send(way, signer, mode, Method::PUT, body).await;
                assert_eq!(sent.unwrap_err(), ErrorKind::Payload, "{service} {kind}");
            }
            let sent = send(way, s3(), mode, Method::POST, body).await;
            assert_eq!(sent.unwrap_err(), ErrorKind::Payload, "{kind}");
            judged(
                &send(way, lenient("sqs"), mode, Method::POST, body)
                    .await
                    .unwrap(),
            );
        }
    }
}

/// What is refused is not touched either.
#[tokio::test]
async fn that_are_refused_are_as_they_were() {
    let authorizer = authorizer("sqs", "sqs.us-east-1.amazonaws.com");
    let url = "https://sqs.us-east-1.amazonaws.com/";
    let overrides = SigningOverrides::new().payload(signed());
    let request = client().put(url).header("content-encoding", "gzip");
    let mut request = request.body("body").build().unwrap();
    let before = (request.url().clone(), request.headers().clone());
    let refused = sigv4_reqwest::sign(&authorizer, &mut request, Some(&overrides)).await;
    assert!(find::<sigv4_core::Error>(&refused.unwrap_err()).is_some());
    assert_eq!((request.url(), request.headers()), (&before.0, &before.1));
    assert_eq!(request.body().unwrap().as_bytes(), Some(&b"body"[..]));
}

#[tokio::test]
async fn that_are_empty_are_hashed_unless_a_checksum_is_wanted() {
    type Make = fn(RequestBuilder) -> RequestBuilder;
    let silent = || Pieces::default().then(Step::Pause);
    for (encoding, kind, _) in KINDS {
        for method in [Method::PUT, Method::POST, Method::GET, Method::DELETE] {
            for (way, make) in WAYS.into_iter().cycle().zip([
                (|request| request) as Make,
                |request| request,
                |request| request.body(""),
                |request| request.body(""),
                |request| request.body(Body::wrap(Empty::<Bytes>::new())),
                |request| request.body(Body::wrap(Empty::<Bytes>::new())),
            ]) {
                let sent = send(way, s3(), small(encoding), method.clone(), make).await;
                is_right_for_nothing(&sent.unwrap(), &method, encoding, kind);
            }
            for way in WAYS {
                let sent = send(way, s3(), small(encoding), method.clone(), |request| {
                    let request = request.header("content-length", "0");
                    request.body(Body::wrap(silent()))
                });
                is_right_for_nothing(&sent.await.unwrap(), &method, encoding, kind);
            }
        }
    }
}

#[track_caller]
fn is_right_for_nothing(request: &WireRequest, method: &Method, encoding: AwsChunked, kind: &str) {
    if *method == Method::PUT && encoding.checksum().is_some() {
        assert!(judged(request).1.data().is_empty(), "{kind}");
        return;
    }
    verified(request, b"");
    let suggests_body = *method == Method::PUT || *method == Method::POST;
    let length = suggests_body.then_some("0");
    assert_eq!(request.header("content-length").as_deref(), length);
    for name in ["content-encoding", "x-amz-trailer", "transfer-encoding"] {
        assert_eq!(request.header(name), None, "{kind} {method}");
    }
}

#[tokio::test]
async fn that_are_encoded_already_are_refused() {
    for (name, value) in [
        ("content-encoding", "aws-chunked"),
        ("content-encoding", "gzip, AWS-Chunked"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
    ] {
        for mode in [signed(), PayloadMode::Hashed, PayloadMode::Unsigned] {
            for way in WAYS {
                let make = |request: RequestBuilder| request.header(name, value).body("body");
                let sent = send(way, s3(), mode, Method::PUT, make).await;
                assert_eq!(sent.unwrap_err(), ErrorKind::Payload, "{value} {mode:?}");
            }
        }
    }
}

/// The function has encoded it: neither it nor the middleware does so again.
#[tokio::test]
async fn are_not_encoded_twice() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = signed_by(s3(), secrets::credentials(), &server.authority());
    let authorizer = authorizer.payload(signed()).build();
    let mut request = client().put(server.url()).body("body").build().unwrap();
    let sign = sigv4_reqwest::sign(&authorizer, &mut request, None).await;
    assert!(sign.unwrap().is_some());
    let again = sigv4_reqwest::sign(&authorizer, &mut request, None).await;
    let kind = find::<sigv4_core::Error>(&again.unwrap_err())
        .unwrap()
        .kind();
    assert_eq!(kind, ErrorKind::Payload);
    // It is still what was signed first.
    client().execute(request).await.unwrap();
    assert_eq!(judged(&server.only_request()).1.data(), b"body");
}

#[tokio::test]
async fn follow_the_overrides_of_the_request() {
    let data = data(20_000);
    let send = async |way: Way, usual: PayloadMode, overrides: SigningOverrides| {
        let server = WireServer::start(|_| WireResponse::new(200)).await;
        let request = client().put(server.url()).body(data.clone()).build();
        let authorizer = signed_by(s3(), secrets::credentials(), &server.authority());
        let authorizer = authorizer.payload(usual).build();
        let sent = way.send(&authorizer, request.unwrap(), Some(overrides));
        sent.await.unwrap();
        server.only_request()
    };
    let overrides = SigningOverrides::new;
    for (way, (encoding, kind, _)) in WAYS.into_iter().cycle().zip(KINDS.repeat(2)) {
        for usual in [PayloadMode::Hashed, PayloadMode::Unsigned, signed()] {
            let request = send(way, usual, overrides().payload(small(encoding))).await;
            assert!(judged(&request).1.data() == data);
            let said = request.header("x-amz-content-sha256");
            assert_eq!(said.as_deref(), Some(kind));
        }
        let usual = small(encoding);
        let request = send(way, usual, overrides().payload(PayloadMode::Hashed)).await;
        verified(&request, &data);
        let request = send(way, usual, overrides().payload(PayloadMode::Unsigned)).await;
        verified(&request, oracle::Body::Unsigned);
        let request = send(way, usual, overrides().region("eu-west-3").unwrap()).await;
        assert_eq!(judged(&request).0.region, "eu-west-3");
        let request = send(way, usual, overrides().do_not_sign()).await;
        assert!(request.body() == data);
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("content-encoding"), None);
    }
}

/// Sends a body of a length that is declared or announced and returns what came of it.
async fn broken_off(
    way: Way,
    mode: PayloadMode,
    declared: Option<u64>,
    body: Pieces,
) -> Vec<Received> {
    let peer = Peer::start().await;
    let authority = peer.authority();
    let sent = async move {
        let mut request = client().put(format!("http://{authority}/bucket/key"));
        if let Some(declared) = declared {
            request = request.header("content-length", declared);
        }
        let request = request.body(Body::wrap(body)).build().unwrap();
        let overrides = SigningOverrides::new().payload(mode);
        let authorizer = authorizer("s3", &authority);
        let answer = way.send(&authorizer, request, Some(overrides)).await;
        signing_kind(&answer.unwrap_err())
    };
    let (kind, received) = peer.observe(sent).await;
    assert_eq!(kind, ErrorKind::BodyLength);
    received
}

#[tokio::test]
async fn of_another_length_are_broken_off() {
    let declared = 2 * CHUNK as u64;
    let at_the_edge = [
        ("a byte less", pieces(&data(2 * CHUNK - 1))),
        ("a chunk less", pieces(&data(CHUNK))),
        ("a byte more", pieces(&data(2 * CHUNK + 1))),
        (
            "a piece more, after a while",
            Pieces::of([data(2 * CHUNK)])
                .then(Step::Pause)
                .then(Step::Data("!".into())),
        ),
    ];
    let of_five = wrong_bodies().map(|(name, body)| (name, body, 5));
    let of_chunks = at_the_edge.map(|(name, body)| (name, body, declared));
    let ways = &mut WAYS.into_iter().cycle();
    for (encoding, kind, _) in KINDS {
        for (name, body, length) in of_five.clone().into_iter().chain(of_chunks.clone()) {
            let silent = body.clone();
            let announcing = body.announcing(length);
            for (declared, body) in [
                (Some(length), silent),
                (Some(length), announcing.clone()),
                (None, announcing),
            ] {
                let way = ways.next().unwrap();
                let received = broken_off(way, small(encoding), declared, body).await;
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
    for declared in ["6", "0", "5, 6", "5x"] {
        for way in WAYS {
            for body in [
                Body::from("hello"),
                Body::wrap(Pieces::of(["hello"]).announcing(5)),
            ] {
                let sent = send(way, s3(), signed(), Method::PUT, |request| {
                    request.header("content-length", declared).body(body)
                });
                assert_eq!(sent.await.unwrap_err(), ErrorKind::BodyLength, "{declared}");
            }
        }
    }
}

#[tokio::test]
async fn that_have_trailers_are_broken_off() {
    for way in WAYS {
        let peer = Peer::start().await;
        let authority = peer.authority();
        let body = Pieces::of([data(CHUNK), data(CHUNK)]).then(Step::Trailers);
        let sent = async move {
            let request = client().put(format!("http://{authority}/bucket/key"));
            let body = Body::wrap(body.announcing(2 * CHUNK as u64));
            let overrides = SigningOverrides::new().payload(signed());
            let request = request.body(body).build().unwrap();
            let authorizer = authorizer("s3", &authority);
            let answer = way.send(&authorizer, request, Some(overrides)).await;
            signing_kind(&answer.unwrap_err())
        };
        let (kind, received) = peer.observe(sent).await;
        assert_eq!(kind, ErrorKind::Trailers);
        assert!(!received.iter().any(Received::is_whole), "{received:?}");
    }
}
