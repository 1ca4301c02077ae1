//! What is sent is what was signed, and that is what the client meant.

use sigv4_tests::wire::WireServer;

use super::config;
use super::head;
use super::route;
use super::send;
use super::serve;
use super::verified;
use super::with_body;
use crate::fixture::get;
use crate::fixture::start;
use crate::fixture::upstream;

/// The latest request that has arrived.
fn latest(server: &WireServer) -> sigv4_tests::wire::WireRequest {
    server.requests().pop().unwrap()
}

#[tokio::test]
async fn queries_arrive_with_all_that_is_in_them() {
    let server = upstream("fine").await;
    let routes = ["s3", "execute-api"].map(|service| route(service, &server.url(), ""));
    let gateway = serve(&routes.concat()).await;
    for (given, sent) in [
        ("a=1&b=2", "a=1&b=2"),
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=1&a=2", "a=1&a=2&a=2"),
        ("a=2&a&a=", "a=&a=&a=2"),
        ("acl", "acl="),
        ("a=", "a="),
        ("=a", "=a"),
        ("", ""),
        ("&&", ""),
        ("a=1&&b=2&", "a=1&b=2"),
        ("a=b=c", "a=b%3Dc"),
        ("q=a%20b", "q=a%20b"),
        ("q=a%2Bb", "q=a%2Bb"),
        ("q=a%2bb", "q=a%2Bb"),
        ("q=%zz", "q=%25zz"),
        ("q=%", "q=%25"),
        ("q=%2", "q=%252"),
        ("q=100%25", "q=100%25"),
        ("a=%7e%2f%41", "a=~%2FA"),
        ("prefix=a/b:c@d;e,f", "prefix=a%2Fb%3Ac%40d%3Be%2Cf"),
        ("a?b=c?d", "a%3Fb=c%3Fd"),
        ("%61=1&a=0", "a=0&a=1"),
        ("b=1&B=1&a-=1&a=1", "B=1&a=1&a-=1&b=1"),
        ("q=%c3%a9", "q=%C3%A9"),
    ] {
        for service in ["s3", "execute-api"] {
            let answer = get(&gateway, &format!("/{service}/p?{given}"), "").await;
            assert_eq!(answer.status(), 200, "{service} {given}: {answer:?}");
            let request = latest(&server);
            let query = request.query().unwrap_or_default();
            assert_eq!(query, sent, "{service} {given}");
            verified(&request, b"");
        }
    }
    // A plus is one to S3, and a space to those who read forms.
    for (service, sent) in [("s3", "q=a%2Bb"), ("execute-api", "q=a%20b")] {
        get(&gateway, &format!("/{service}/p?q=a+b"), "").await;
        let request = latest(&server);
        assert_eq!(request.query().as_deref(), Some(sent), "{service}");
        verified(&request, b"");
    }
}

#[tokio::test]
async fn a_raw_plus_is_read_as_the_route_says() {
    let server = upstream("fine").await;
    for (plus, status, sent) in [
        ("literal", 200, "q=a%2Bb"),
        ("space", 200, "q=a%20b"),
        ("reject", 400, ""),
    ] {
        for service in ["s3", "execute-api"] {
            let gateway = serve(&route(service, &server.url(), &format!("plus: {plus}"))).await;
            let before = server.requests().len();
            let answer = get(&gateway, &format!("/{service}/p?q=a+b"), "").await;
            assert_eq!(answer.status(), status, "{service} {plus}: {answer:?}");
            if status == 200 {
                assert_eq!(latest(&server).query().as_deref(), Some(sent));
                verified(&latest(&server), b"");
            } else {
                assert_eq!(server.requests().len(), before);
            }
        }
    }
}

#[tokio::test]
async fn keys_of_s3_arrive_with_each_octet_encoded_once() {
    let server = upstream("fine").await;
    let routes = [
        route("s3", &server.url(), ""),
        route("s3express", &server.url(), ""),
    ];
    let gateway = serve(&routes.concat()).await;
    for (given, sent) in [
        ("a@b", "a%40b"),
        ("a+b", "a%2Bb"),
        ("a%2Bb", "a%2Bb"),
        ("a=b", "a%3Db"),
        ("a;b", "a%3Bb"),
        ("a:b", "a%3Ab"),
        ("a%20b", "a%20b"),
        ("a%2Fb", "a/b"),
        ("a%7Eb", "a~b"),
        ("a%41b", "aAb"),
        ("a~b", "a~b"),
        ("a//b", "a//b"),
        ("a///b//", "a///b//"),
        ("/a", "/a"),
        ("a/...", "a/..."),
        ("a/.b", "a/.b"),
        ("a%20b@c", "a%20b%40c"),
        ("a%20b+c", "a%20b%2Bc"),
        (
            "a%20b+c%2Bd=e@f;g:h~i%7Ej",
            "a%20b%2Bc%2Bd%3De%40f%3Bg%3Ah~i~j",
        ),
        ("%C3%A9;x", "%C3%A9%3Bx"),
        ("%c3%a9", "%C3%A9"),
        ("a:b%20c", "a%3Ab%20c"),
        ("a%2Fb@c//d%20e", "a/b%40c//d%20e"),
        ("a!b'c(d)e*f", "a%21b%27c%28d%29e%2Af"),
        ("a,b&c$d", "a%2Cb%26c%24d"),
        ("a%3Fb%23c", "a%3Fb%23c"),
        ("100%", "100%25"),
        ("%zz", "%25zz"),
        ("%25zz", "%25zz"),
        ("%00", "%00"),
    ] {
        for service in ["s3", "s3express"] {
            for method in ["GET", "PUT"] {
                let target = format!("{method} /{service}/bucket/{given}");
                let answer = send(&gateway, with_body(&target, "", b"body")).await;
                assert_eq!(answer.status(), 200, "{target}: {answer:?}");
                let request = latest(&server);
                assert_eq!(request.target(), format!("/bucket/{sent}"), "{target}");
                assert_eq!(verified(&request, b"body").service, service);
            }
        }
    }
    let count = server.requests().len();
    // These are other objects to S3, and other places to whatever is on the way to it.
    for given in [
        ".",
        "..",
        "a/.",
        "a/..",
        "a/./b",
        "a/../b",
        "%2e",
        "%2E%2e",
        "a%2F..%2Fb",
        "a/%2e%2e/b",
        "..;/b",
        "a%5C..%5Cb",
    ] {
        let answer = get(&gateway, &format!("/s3/bucket/{given}"), "").await;
        assert_eq!(answer.status(), 400, "{given}: {answer:?}");
    }
    assert_eq!(server.requests().len(), count);
}

#[tokio::test]
async fn paths_of_other_services_arrive_as_they_are_and_never_ambiguous() {
    let server = upstream("fine").await;
    let gateway = serve(&route("bedrock", &server.url(), "")).await;
    for path in [
        "/model/anthropic.claude-v2:0/converse",
        "/model/anthropic.claude-v2%3A0/converse",
        "/model/arn:aws:bedrock:us-east-1:123456789012:inference-profile%2Fa.b/converse",
        "/a%20b/c",
        "/a%2Bb+c",
        "/a%7Eb~c",
        "/a@b;c=d,e",
        "/",
        "/a/",
    ] {
        let answer = get(&gateway, &format!("/bedrock{path}"), "").await;
        assert_eq!(answer.status(), 200, "{path}: {answer:?}");
        assert_eq!(latest(&server).target(), path);
        verified(&latest(&server), b"");
    }
    let count = server.requests().len();
    for path in [
        "/a//b",
        "//a",
        "/../a",
        "/a/./b",
        "/%2e%2e/a",
        "/a/..",
        "/a%2f..%2fb",
    ] {
        let answer = get(&gateway, &format!("/bedrock{path}"), "").await;
        assert_eq!(answer.status(), 400, "{path}: {answer:?}");
    }
    assert_eq!(server.requests().len(), count);
}

#[tokio::test]
async fn bodies_arrive_to_the_last_octet_whatever_they_are() {
    let server = upstream("fine").await;
    let routes = ["s3", "sqs"].map(|service| route(service, &server.url(), ""));
    let gateway = serve(&routes.concat()).await;
    let every: Vec<u8> = (0..=255).collect();
    let bodies: [&[u8]; 7] = [
        b"",
        b"\0",
        b"\r\n\r\n",
        b"\xff\xfe\xc3\x28\x80",
        "\u{feff}é𝄞".as_bytes(),
        b"{ \"a\" :  1 }\n",
        &every,
    ];
    for service in ["s3", "sqs"] {
        for method in ["POST", "PUT", "GET", "DELETE", "PATCH"] {
            for body in bodies {
                let line = format!("{method} /{service}/x");
                let answer = send(&gateway, with_body(&line, "", body)).await;
                assert_eq!(answer.status(), 200, "{line} {body:?}: {answer:?}");
                let request = latest(&server);
                assert_eq!(request.body(), body, "{line}");
                verified(&request, body);
                assert!(request.is_whole());

                let mut chunked = format!(
                    "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                     Transfer-Encoding: chunked\r\n\r\n"
                )
                .into_bytes();
                for octet in body {
                    chunked.extend_from_slice(b"1\r\n");
                    chunked.extend_from_slice(&[*octet, b'\r', b'\n']);
                }
                chunked.extend_from_slice(b"0\r\n\r\n");
                let answer = send(&gateway, chunked).await;
                assert_eq!(answer.status(), 200, "{line} {body:?}: {answer:?}");
                let request = latest(&server);
                assert_eq!(request.body(), body, "{line}");
                assert_eq!(request.header("transfer-encoding"), None);
                verified(&request, body);
            }
        }
    }
}

#[tokio::test]
async fn a_content_type_is_not_touched() {
    for sign in ["minimal", "all"] {
        let server = upstream("fine").await;
        let settings = format!("headers: {{ sign: {sign} }}");
        let gateway = serve(&route("sqs", &server.url(), &settings)).await;
        for kind in [
            "application/json; charset=UTF-8",
            "application/json;charset=UTF-8",
            "Text/Plain; Charset=\"UTF-8\"",
            "multipart/form-data; boundary=----WebKitFormBoundaryAbC",
            "application/x-amz-json-1.1",
        ] {
            let lines = format!("Content-Type: {kind}\r\n");
            let answer = send(&gateway, with_body("POST /sqs", &lines, b"body")).await;
            assert_eq!(answer.status(), 200, "{kind}: {answer:?}");
            let request = latest(&server);
            assert_eq!(request.values("content-type"), [kind]);
            let signed = verified(&request, b"body").signed_headers;
            assert_eq!(signed[0], "content-type", "{kind}: {}", head(&request));
        }
    }
}

#[tokio::test]
async fn the_host_is_that_of_the_route_whatever_port_the_client_names() {
    let server = upstream("fine").await;
    for (settings, host) in [
        (String::new(), server.authority()),
        (
            "host: 'sqs.us-east-1.amazonaws.com'".into(),
            "sqs.us-east-1.amazonaws.com".into(),
        ),
        // What is written out is sent as it is written, and signed so.
        (
            "host: 'sqs.us-east-1.amazonaws.com:80'".into(),
            "sqs.us-east-1.amazonaws.com:80".into(),
        ),
        (
            "host: 'sqs.us-east-1.amazonaws.com:443'".into(),
            "sqs.us-east-1.amazonaws.com:443".into(),
        ),
        ("host: 'SQS.example'".into(), "SQS.example".into()),
        ("host: 'sqs.example:8443'".into(), "sqs.example:8443".into()),
    ] {
        let gateway = serve(&route("sqs", &server.url(), &settings)).await;
        for named in [
            "localhost",
            "localhost:443",
            "localhost:80",
            "127.0.0.1:8443",
        ] {
            let answer = get(&gateway, "/sqs", &format!("Host: {named}\r\n")).await;
            assert_eq!(answer.status(), 200, "{settings} {named}: {answer:?}");
            assert_eq!(
                latest(&server).values("host"),
                [&*host],
                "{settings} {named}"
            );
            verified(&latest(&server), b"");
        }
    }
}

/// What is sent then is in `host_on_the_wire` of the libraries: nobody listens on such a port here.
#[tokio::test]
async fn an_upstream_may_be_written_with_the_port_of_its_scheme() {
    for (upstream, host, expected) in [
        (
            "https://sqs.us-east-1.amazonaws.com:443",
            "",
            "sqs.us-east-1.amazonaws.com",
        ),
        (
            "https://SQS.us-east-1.amazonaws.com",
            "",
            "sqs.us-east-1.amazonaws.com",
        ),
        ("https://sqs.example:8443", "", "sqs.example:8443"),
        ("https://sqs.example:80", "", "sqs.example:80"),
        ("http://127.0.0.1:80", "", "127.0.0.1"),
        (
            "https://sqs.example:8443",
            "host: sqs.internal",
            "sqs.internal",
        ),
    ] {
        let config = config(&route("sqs", upstream, host));
        let shown = config.to_string();
        let line = format!("  host: {expected}\n");
        assert!(shown.contains(&line), "{upstream}: {shown}");
        drop(start(config).await);
    }
}
