//! What is sent: requests that must be signed, and requests that must not reach anybody.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::gateway::BODY_LIMIT;
use crate::gateway::PASSING;
use crate::random::Random;
use crate::upstream;

/// A request whose answer is 200, and the body of that answer.
pub(crate) struct Good {
    pub(crate) octets: Vec<u8>,
    pub(crate) receipt: String,
}

/// Makes a request of one of several shapes that are all in order.
pub(crate) fn good(random: &mut Random, gateway: SocketAddr, number: u64) -> Good {
    let (method, body, is_chunked) = match random.below(8) {
        0..=3 => ("GET", 0, false),
        4 => ("DELETE", 0, false),
        5 => ("POST", random.below(300), false),
        6 => ("PUT", random.below(64 << 10), false),
        _ => ("POST", 1 + random.below(64 << 10), true),
    };
    let body = octets(random, body);
    let paths = [
        "/",
        "/model/a.b-v1:0/converse",
        "/a%20b/%C3%A9",
        "/x/y/",
        "/~u/a+b",
    ];
    let path = paths[random.below(paths.len())];
    let queries = ["", "&b=2&a=1", "&q=a%2Fb&q=", "&flag&=x"];
    // Some pass as they come, and their signatures do not cover the body.
    let route = if random.below(3) == 0 { PASSING } else { "" };
    let query = queries[random.below(queries.len())];
    let target = format!("{route}{path}?n={number}{query}");
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {gateway}\r\n");
    match random.below(4) {
        // What an SDK with keys of its own sends: it is replaced.
        0 => head.push_str(
            "authorization: AWS4-HMAC-SHA256 \
             Credential=AKIDOTHER/20200101/us-east-1/s3/aws4_request, \
             SignedHeaders=host, Signature=00\r\nx-amz-date: 20200101T000000Z\r\n\
             x-amz-security-token: stale\r\n",
        ),
        1 => head.push_str("connection: keep-alive, x-hop\r\nx-hop: 1\r\naccept: */*\r\n"),
        2 => head.push_str("x-forwarded-for: 192.0.2.1\r\nuser-agent: soak\r\n"),
        _ => {}
    }
    let mut octets;
    if is_chunked {
        head.push_str("content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
        octets = head.into_bytes();
        for piece in body.chunks(1 + random.below(20_000)) {
            octets.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            octets.extend_from_slice(piece);
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(b"0\r\n\r\n");
    } else {
        if method.starts_with('P') {
            let length = body.len();
            write!(
                head,
                "content-type: application/json\r\ncontent-length: {length}\r\n"
            )
            .expect("a string takes everything");
        }
        head.push_str("\r\n");
        octets = head.into_bytes();
        octets.extend_from_slice(&body);
    }
    Good {
        octets,
        receipt: upstream::receipt(method, number, &body),
    }
}

fn octets(random: &mut Random, length: usize) -> Vec<u8> {
    let mut octets = Vec::with_capacity(length + 8);
    while octets.len() < length {
        octets.extend_from_slice(&random.next().to_le_bytes());
    }
    octets.truncate(length);
    octets
}

/// A kind of request that is malformed, too large or never whole.
pub(crate) struct Bad {
    pub(crate) name: &'static str,
    /// The documented answer; `None` where the client does not wait for one.
    pub(crate) status: Option<u16>,
    pub(crate) make: fn(&mut Random, SocketAddr) -> Vec<u8>,
}

const fn bad(name: &'static str, status: u16, make: fn(&mut Random, SocketAddr) -> Vec<u8>) -> Bad {
    Bad {
        name,
        status: Some(status),
        make,
    }
}

const fn cut_off(name: &'static str, make: fn(&mut Random, SocketAddr) -> Vec<u8>) -> Bad {
    Bad {
        name,
        status: None,
        make,
    }
}

/// The last one is as large as it says; the load sends one of it at a time.
pub(crate) const BAD: &[Bad] = &[
    bad("no request line", 400, |_, _| {
        b"\x16\x03\x01 what?\r\n\r\n".to_vec()
    }),
    bad("space in the target", 400, |_, at| {
        format!("GET /a b HTTP/1.1\r\nhost: {at}\r\n\r\n").into_bytes()
    }),
    bad("header without a colon", 400, |_, at| {
        with(at, "GET / HTTP/1.1", "no colon here\r\n")
    }),
    bad("no Host", 421, |_, _| b"GET / HTTP/1.1\r\n\r\n".to_vec()),
    bad("foreign Host", 421, |_, _| {
        b"GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n".to_vec()
    }),
    bad("two Hosts", 400, |_, at| {
        with(at, "GET / HTTP/1.1", &format!("host: {at}\r\n"))
    }),
    bad("request of a web page", 403, |_, at| {
        with(at, "GET / HTTP/1.1", "origin: https://evil.example\r\n")
    }),
    bad("dot segments", 400, |_, at| {
        with(at, "GET /a/../b HTTP/1.1", "")
    }),
    bad("encoded dot segments", 400, |_, at| {
        with(at, "GET /a/%2e%2E/b HTTP/1.1", "")
    }),
    bad("empty segment", 400, |_, at| {
        with(at, "GET /a//b HTTP/1.1", "")
    }),
    bad("TRACE", 405, |_, at| with(at, "TRACE / HTTP/1.1", "")),
    bad("Content-Length of letters", 400, |_, at| {
        with(at, "POST / HTTP/1.1", "content-length: ten\r\n")
    }),
    bad("two Content-Lengths", 400, |_, at| {
        with(
            at,
            "POST / HTTP/1.1",
            "content-length: 5\r\ncontent-length: 6\r\n",
        )
    }),
    bad("negative Content-Length", 400, |_, at| {
        with(at, "POST / HTTP/1.1", "content-length: -1\r\n")
    }),
    bad("transfer coding that is not chunked", 501, |_, at| {
        let mut octets = with(
            at,
            "POST / HTTP/1.1",
            "transfer-encoding: gzip, chunked\r\n",
        );
        octets.extend_from_slice(b"0\r\n\r\n");
        octets
    }),
    bad("chunk without a size", 400, |_, at| {
        let mut octets = with(at, "POST / HTTP/1.1", "transfer-encoding: chunked\r\n");
        octets.extend_from_slice(b"zz\r\nabc\r\n");
        octets
    }),
    bad("too many headers", 431, |_, at| {
        with(at, "GET / HTTP/1.1", &"x-many: 1\r\n".repeat(200))
    }),
    bad("value that is not ASCII", 400, |_, at| {
        with(at, "GET / HTTP/1.1", "x-name: J\u{f6}rg\r\n")
    }),
    bad("two Content-Types", 400, |_, at| {
        with(
            at,
            "POST / HTTP/1.1",
            "content-type: application/json\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n",
        )
    }),
    bad("WebSocket", 501, |_, at| {
        with(
            at,
            "GET / HTTP/1.1",
            "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        )
    }),
    bad("body over the limit, announced", 413, |_, at| {
        let length = BODY_LIMIT + 1;
        with(
            at,
            "POST / HTTP/1.1",
            &format!("content-length: {length}\r\n"),
        )
    }),
    cut_off("cut off in the head", |random, at| {
        let mut octets = with(at, "GET /cut HTTP/1.1", "x-long: 0123456789\r\n");
        octets.truncate(1 + random.below(octets.len() - 3));
        octets
    }),
    cut_off("cut off in a body", |random, at| {
        let mut octets = with(at, "POST /cut HTTP/1.1", "content-length: 50000\r\n");
        octets.resize(octets.len() + random.below(49_999), b'x');
        octets
    }),
    cut_off("cut off in a chunk", |random, at| {
        let mut octets = with(at, "POST /cut HTTP/1.1", "transfer-encoding: chunked\r\n");
        octets.extend_from_slice(b"3\r\nabc\r\nffff\r\n");
        octets.resize(octets.len() + random.below(60_000), b'x');
        octets
    }),
    cut_off("cut off in an upload that passes", |random, at| {
        let line = format!("PUT {PASSING}/cut HTTP/1.1");
        let mut octets = with(at, &line, "content-length: 50000\r\n");
        octets.resize(octets.len() + random.below(49_999), b'x');
        octets
    }),
    cut_off("gone before the answer", |random, at| {
        good(random, at, 0).octets
    }),
    bad("body over the limit, not announced", 413, |_, at| {
        let mut octets = with(at, "POST / HTTP/1.1", "transfer-encoding: chunked\r\n");
        let length = BODY_LIMIT + 1;
        octets.extend_from_slice(format!("{length:x}\r\n").as_bytes());
        octets.resize(octets.len() + length, b'x');
        octets.extend_from_slice(b"\r\n0\r\n\r\n");
        octets
    }),
];

fn with(gateway: SocketAddr, line: &str, headers: &str) -> Vec<u8> {
    format!("{line}\r\nhost: {gateway}\r\n{headers}\r\n").into_bytes()
}
