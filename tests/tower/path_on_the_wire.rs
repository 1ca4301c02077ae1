//! The path that arrives is the canonical one, byte for byte, and the signature is over it.

use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::authorizer;
use crate::fixture::get;
use crate::fixture::send;
use crate::fixture::signing;
use crate::fixture::verified;

async fn assert_sends(service: &str, paths: &[(&str, &str)]) {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let mut client = signing(authorizer(service, &server.authority()));
    for (given, sent) in paths {
        let request = get(format!("{}{given}", server.url()));
        send(&mut client, request).await.unwrap();
        let arrived = server.requests().pop().unwrap();
        assert_eq!(arrived.target(), *sent, "{service}: {given}");
        verified(&arrived, b"");
    }
    assert_eq!(server.requests().len(), paths.len());
}

#[tokio::test]
async fn most_services_get_a_normalised_path_with_its_escapes_as_they_are() {
    let paths = [
        ("", "/"),
        ("/", "/"),
        ("?a=1", "/?a=1"),
        (
            "/model/amazon.nova-lite-v1:0/converse",
            "/model/amazon.nova-lite-v1:0/converse",
        ),
        (
            "/model/amazon.nova-lite-v1%3A0/converse",
            "/model/amazon.nova-lite-v1%3A0/converse",
        ),
        (
            "/model/arn%3Aaws%3Aprofile%2Fid",
            "/model/arn%3Aaws%3Aprofile%2Fid",
        ),
        ("/a/./b/../c", "/a/c"),
        ("/a//b///c", "/a/b/c"),
        ("/a/", "/a/"),
        ("/a/..", "/"),
        ("/../../etc", "/etc"),
        ("//", "/"),
        ("/a%2fb", "/a%2fb"),
        ("/%7Euser/~user", "/%7Euser/~user"),
        ("/{proxy}", "/%7Bproxy%7D"),
        ("/a|b", "/a%7Cb"),
        ("/a\"b", "/a%22b"),
        ("/100%", "/100%25"),
        ("/%zz", "/%25zz"),
        ("/é", "/%C3%A9"),
        ("/a;b=c,d'e(f)*g@h&i$j!", "/a;b=c,d'e(f)*g@h&i$j!"),
    ];
    assert_sends("execute-api", &paths).await;
}

#[tokio::test]
async fn s3_gets_the_key_with_each_octet_encoded_once() {
    let paths = [
        ("", "/"),
        ("/bucket/key", "/bucket/key"),
        ("/bucket//a/./b/../c", "/bucket//a/./b/../c"),
        ("//", "//"),
        ("/a%20b", "/a%20b"),
        ("/a+b", "/a%2Bb"),
        ("/a%2Bb", "/a%2Bb"),
        ("/a%2Fb%2fc", "/a/b/c"),
        ("/a:b@c=d;e,f", "/a%3Ab%40c%3Dd%3Be%2Cf"),
        ("/!$&'()*", "/%21%24%26%27%28%29%2A"),
        ("/%7Ea%41", "/~aA"),
        ("/{id}", "/%7Bid%7D"),
        ("/100%", "/100%25"),
        ("/%c3%a9/é", "/%C3%A9/%C3%A9"),
        ("/-_.~", "/-_.~"),
    ];
    assert_sends("s3", &paths).await;
}
