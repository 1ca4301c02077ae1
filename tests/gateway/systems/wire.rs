//! Requests that two servers would read differently, octet for octet, and what answers lose.

use std::convert::Infallible;

use bytes::Bytes;
use http::Request;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use super::head;
use super::route;
use super::send;
use super::serve;
use super::verified;
use super::with_body;
use crate::fixture::connect;
use crate::fixture::get;
use crate::fixture::upstream;

#[tokio::test]
async fn values_with_line_breaks_or_beyond_ascii_are_refused_and_not_repeated() {
    let server = upstream("never").await;
    let sign_all = "headers: { sign: all, allow: ['x-amz-*'] }";
    let routes = [
        route("sqs", &server.url(), ""),
        route("s3", &server.url(), sign_all),
    ];
    let gateway = serve(&routes.concat()).await;
    for name in ["X-A", "X-Amz-Meta-A", "Content-Type", "User-Agent"] {
        for value in [
            &b"hidden\rX-Evil: 1"[..],
            b"hidden\r X-Evil: 1",
            b"hidden\0",
            b"hidden\x01",
            b"hidden\x0b",
            b"hidden\x7f",
            b"hidden\x80",
            b"hidden\xe9",
            b"\xff",
            "hidden é".as_bytes(),
            "hidden \u{2028}".as_bytes(),
            // A line that goes on in the next one.
            b"hidden\r\n folded",
            b"hidden\r\n\tfolded",
        ] {
            for path in ["sqs", "s3"] {
                if (path, name) == ("sqs", "X-Amz-Meta-A")
                    && value.iter().any(|octet| *octet >= 0x80)
                {
                    // It is not forwarded there, and need not be read.
                    continue;
                }
                let mut request = format!(
                    "GET /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{name}: "
                )
                .into_bytes();
                request.extend_from_slice(value);
                request.extend_from_slice(b"\r\n\r\n");
                let answer = send(&gateway, request).await;
                let value = String::from_utf8_lossy(value);
                assert_eq!(answer.status(), 400, "{path} {name} {value:?}: {answer:?}");
                assert!(!answer.0.contains("hidden"), "{answer:?}");
            }
        }
    }
    assert_eq!(server.requests(), []);
    // A tab and a blank are white space, and nothing more.
    let fine = upstream("fine").await;
    let gateway = serve(&route("s3", &fine.url(), sign_all)).await;
    let lines = "X-Amz-Meta-A:  a \t b \r\nX-B:\r\nX-C: !~\r\n";
    let answer = send(&gateway, with_body("PUT /s3/key", lines, b"")).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    verified(&fine.only_request(), b"");
}

#[tokio::test]
async fn two_lengths_two_hosts_and_two_types_go_nowhere_or_go_as_one() {
    let server = upstream("fine").await;
    let routes = [
        route("sqs", &server.url(), ""),
        route("s3", &server.url(), "payload: unsigned"),
    ];
    let gateway = serve(&routes.concat()).await;
    for (name, lines, statuses) in [
        ("one", "Content-Length: 5\r\n", &[200][..]),
        (
            "two that are equal",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            &[200],
        ),
        ("a list of equals", "Content-Length: 5, 5\r\n", &[400]),
        (
            "two that differ",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            &[400],
        ),
        (
            "the longer one first",
            "Content-Length: 6\r\nContent-Length: 5\r\n",
            &[400],
        ),
        ("a list that differs", "Content-Length: 5, 6\r\n", &[400]),
        ("a sign", "Content-Length: +5\r\n", &[400]),
        ("a blank within", "Content-Length: 5 5\r\n", &[400]),
        ("hex", "Content-Length: 0x5\r\n", &[400]),
        ("nothing", "Content-Length:\r\n", &[400]),
        (
            "too long for a number",
            "Content-Length: 18446744073709551621\r\n",
            &[400],
        ),
        ("a blank before the colon", "Content-Length : 5\r\n", &[400]),
        (
            "another coding",
            "Transfer-Encoding: gzip, chunked\r\n",
            &[400, 501],
        ),
        (
            "another coding behind",
            "Transfer-Encoding: chunked, gzip\r\n",
            &[400, 501],
        ),
        (
            "two hosts",
            "Content-Length: 5\r\nHost: localhost\r\n",
            &[400],
        ),
        (
            "two types",
            "Content-Length: 5\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n",
            &[400],
        ),
        (
            "two other types",
            "Content-Length: 5\r\nContent-Type: a/b\r\ncontent-type: c/d\r\n",
            &[400],
        ),
    ] {
        for path in ["sqs", "s3"] {
            let before = server.requests().len();
            let request = format!(
                "POST /{path}/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\nhello"
            );
            let answer = send(&gateway, request).await;
            assert!(
                statuses.contains(&answer.status()),
                "{path} {name}: {answer:?}"
            );
            let arrived = server.requests().split_off(before);
            assert_eq!(
                arrived.len(),
                usize::from(answer.status() == 200),
                "{path} {name}"
            );
            for request in arrived {
                assert_eq!(request.values("content-length"), ["5"], "{path} {name}");
                assert_eq!(request.body(), b"hello", "{path} {name}");
            }
        }
    }
}

/// There the length is no framing, and comes as it was sent.
#[tokio::test]
async fn over_http2_two_lengths_go_nowhere_or_go_as_one() {
    let server = upstream("fine").await;
    let routes = [
        route("sqs", &server.url(), ""),
        route("s3", &server.url(), "payload: unsigned"),
    ];
    let gateway = serve(&routes.concat()).await;
    for (lengths, is_good) in [
        (&["5"][..], true),
        (&["5", "5"], true),
        (&["5", "6"], false),
        (&["6", "5"], false),
        (&["5, 6"], false),
    ] {
        for path in ["sqs", "s3"] {
            let io = TokioIo::new(connect(&gateway).await);
            let (mut sender, connection) =
                http2::handshake(TokioExecutor::new(), io).await.unwrap();
            tokio::spawn(connection);
            let before = server.requests().len();
            let mut request = Request::post(format!("http://localhost/{path}"));
            for length in lengths {
                request = request.header("content-length", *length);
            }
            // As a stream, so that no client corrects what it is told.
            let piece = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"hello")));
            let body = StreamBody::new(futures_util::stream::iter([piece]));
            let answer = sender.send_request(request.body(body).unwrap()).await;
            let status = answer.map_or(400, |answer| answer.status().as_u16());
            let expected = if is_good { &[200, 400][..] } else { &[400] };
            assert!(expected.contains(&status), "{path} {lengths:?}: {status}");
            let arrived = server.requests().split_off(before);
            assert_eq!(
                arrived.len(),
                usize::from(status == 200),
                "{path} {lengths:?}"
            );
            for request in arrived {
                assert_eq!(
                    request.values("content-length"),
                    ["5"],
                    "{path} {lengths:?}"
                );
            }
        }
    }
}

/// The length beside it says nothing then; that of the upstream is the one of the data.
#[tokio::test]
async fn a_length_beside_chunks_is_not_believed() {
    let server = upstream("fine").await;
    let gateway = serve(&route("sqs", &server.url(), "")).await;
    let request = "POST /sqs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                   Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let answer = send(&gateway, request).await;
    for request in server.requests() {
        assert_eq!(request.values("content-length"), ["5"]);
        assert_eq!(request.values("transfer-encoding"), [""; 0]);
        verified(&request, b"hello");
    }
    let forwarded = server.requests().len();
    assert_eq!(forwarded, usize::from(answer.status() == 200), "{answer:?}");
    assert!([200, 400].contains(&answer.status()), "{answer:?}");
}

#[tokio::test]
async fn an_answer_loses_the_headers_that_the_route_names() {
    let server = WireServer::start(|_| {
        WireResponse::new(200)
            .header("x-amz-request-id", "id")
            .header("X-Amz-Id-2", "id")
            .header("x-amzn-requestid", "id")
            .header("x-amzn-errortype", "id")
            .header("connection", "x-hop")
            .header("x-hop", "id")
            .header("etag", "kept")
            .body("body")
    })
    .await;
    for (settings, is_kept) in [
        (
            "headers: { remove_from_answer: ['x-amz-*', 'x-amzn-*'] }",
            false,
        ),
        ("", true),
    ] {
        let gateway = serve(&route("s3", &server.url(), settings)).await;
        let answer = get(&gateway, "/s3/key", "").await;
        assert_eq!((answer.status(), answer.body()), (200, "body"));
        for name in [
            "x-amz-request-id",
            "x-amz-id-2",
            "x-amzn-requestid",
            "x-amzn-errortype",
        ] {
            assert_eq!(answer.header(name).is_some(), is_kept, "{name}: {answer:?}");
        }
        assert_eq!(answer.header("etag"), Some("kept"));
        assert_eq!(answer.header("x-hop"), None);
    }
    assert!(!head(&server.requests()[0]).contains("x-hop"));
}
