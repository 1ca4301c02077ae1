//! The path that arrives is the canonical one, byte for byte, and the signature is over it.

use sigv4_reqwest::ErrorKind;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::WAYS;
use crate::fixture::authorizer;
use crate::fixture::get;
use crate::fixture::our_error;
use crate::fixture::verified;

async fn assert_sends(service: &str, paths: &[(&str, &str)]) {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = authorizer(service, &server.authority());
    for (given, sent) in paths {
        for way in WAYS {
            let request = get(format!("{}{given}", server.url()));
            way.send(&authorizer, request, None).await.unwrap();
            let arrived = server.requests().pop().unwrap();
            assert_eq!(arrived.target(), *sent, "{service}: {given}");
            verified(&arrived, b"");
        }
    }
    assert_eq!(server.requests().len(), 2 * paths.len());
}

#[tokio::test]
async fn most_services_get_a_normalised_path_with_its_escapes_as_they_are() {
    let paths = [
        ("", "/"),
        ("/", "/"),
        ("?a=1", "/?a=1"),
        ("/#fragment", "/"),
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
        ("/a/%2e%2E/c", "/c"),
        ("/a//b///c", "/a/b/c"),
        ("/a/", "/a/"),
        ("/a/..", "/"),
        ("//", "/"),
        ("/a%2fb", "/a%2fb"),
        ("/a%2F..%2Fb", "/a%2F..%2Fb"),
        ("/%7Euser/~user", "/%7Euser/~user"),
        ("/{proxy}", "/%7Bproxy%7D"),
        ("/a|b^c", "/a%7Cb%5Ec"),
        ("/a b\"<>`", "/a%20b%22%3C%3E%60"),
        ("/100%", "/100%25"),
        ("/%zz", "/%25zz"),
        ("/é", "/%C3%A9"),
        ("/[a]", "/%5Ba%5D"),
        ("/a;b=c,d'e(f)*g@h&i$j!", "/a;b=c,d'e(f)*g@h&i$j!"),
    ];
    assert_sends("execute-api", &paths).await;
}

#[tokio::test]
async fn s3_gets_the_key_with_each_octet_encoded_once() {
    let paths = [
        ("/bucket/key", "/bucket/key"),
        ("/bucket//a///c", "/bucket//a///c"),
        ("//", "//"),
        ("/a b", "/a%20b"),
        ("/a%20b", "/a%20b"),
        ("/a+b", "/a%2Bb"),
        ("/a%2Bb", "/a%2Bb"),
        ("/a%2Fb%2fc", "/a/b/c"),
        ("/a:b@c=d;e,f", "/a%3Ab%40c%3Dd%3Be%2Cf"),
        ("/!$&'()*", "/%21%24%26%27%28%29%2A"),
        ("/%7Ea%41", "/~aA"),
        ("/{id}|^[]\"<>`", "/%7Bid%7D%7C%5E%5B%5D%22%3C%3E%60"),
        ("/100%", "/100%25"),
        ("/%c3%a9/é", "/%C3%A9/%C3%A9"),
        ("/a%3Fb%23c", "/a%3Fb%23c"),
        ("/-_.~", "/-_.~"),
        // To a URL these are dot segments whatever they are to S3: reqwest never sends them.
        ("/bucket/a/./b/../c", "/bucket/a/c"),
    ];
    assert_sends("s3", &paths).await;
}

#[tokio::test]
async fn a_key_that_a_url_cannot_hold_is_refused() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = authorizer("s3", &server.authority());
    for key in ["/a%2F..%2Fb", "/a%2F%2e%2e%2Fb", "/a%2F.", "/..%2Fb"] {
        for way in WAYS {
            let request = get(format!("{}/bucket{key}?secret=1", server.url()));
            let error = way.send(&authorizer, request, None).await.unwrap_err();
            let error = our_error(&error);
            assert_eq!(error.kind(), ErrorKind::Url, "{key}");
            let text = error.to_string();
            assert!(
                text.contains("/bucket") && !text.contains("secret"),
                "{text}"
            );
        }
    }
    assert_eq!(server.requests(), []);
}
