//! The query that arrives is the canonical one, byte for byte, and the signature is over it.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use sigv4_core::ErrorKind;
use sigv4_core::PlusPolicy;
use sigv4_core::SigningOverrides;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;
use tower::ServiceExt;

use crate::fixture::authorizer;
use crate::fixture::get;
use crate::fixture::send;
use crate::fixture::signing;
use crate::fixture::signing_error;
use crate::fixture::verified;

#[tokio::test]
async fn arrives_encoded_and_sorted() {
    for service in ["execute-api", "s3"] {
        let server = WireServer::start(|_| WireResponse::new(200)).await;
        let mut client = signing(authorizer(service, &server.authority()));
        for (given, sent) in [
            ("a=1&b=2", "a=1&b=2"),
            ("b=2&a=1", "a=1&b=2"),
            ("acl", "acl="),
            ("a=2&a&a=1&a=", "a=&a=&a=1&a=2"),
            ("a=1&&b=2&", "a=1&b=2"),
            ("a=b=c", "a=b%3Dc"),
            ("prefix=a/b:c@d", "prefix=a%2Fb%3Ac%40d"),
            ("a=%7e%2f%41", "a=~%2FA"),
            ("q=a%20b", "q=a%20b"),
            ("q=a%2Bb", "q=a%2Bb"),
            ("q={x}|y", "q=%7Bx%7D%7Cy"),
            ("q=100%", "q=100%25"),
            ("q=é", "q=%C3%A9"),
            ("b=1&B=1&a-=1&a=1", "B=1&a=1&a-=1&b=1"),
        ] {
            let request = get(format!("{}/path?{given}", server.url()));
            send(&mut client, request).await.unwrap();
            let arrived = server.requests().pop().unwrap();
            assert_eq!(arrived.query().as_deref(), Some(sent), "{service}: {given}");
            verified(&arrived, b"");
        }
    }
}

#[tokio::test]
async fn loses_an_earlier_signature() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let stale = "X-Amz-Signature=00&x-amz-security-token=old&a=1&X%2DAmz-Credential=b";
    let request = get(format!("{}/?{stale}", server.url()));
    let client = signing(authorizer("s3", &server.authority()));
    client.oneshot(request).await.unwrap();
    let arrived = server.only_request();
    assert_eq!(arrived.target(), "/?a=1");
    verified(&arrived, b"");
}

#[tokio::test]
async fn writes_a_raw_plus_as_it_is_read() {
    use PlusPolicy::Literal;
    use PlusPolicy::Space;

    let server = WireServer::start(|_| WireResponse::new(200)).await;
    for (service, policy, sent) in [
        ("execute-api", None, "q=a%20b"),
        ("execute-api", Some(Literal), "q=a%2Bb"),
        ("execute-api", Some(Space), "q=a%20b"),
        ("s3", None, "q=a%2Bb"),
        ("s3", Some(Literal), "q=a%2Bb"),
        ("s3", Some(Space), "q=a%20b"),
    ] {
        let mut request = get(format!("{}/?q=a+b", server.url()));
        if let Some(policy) = policy {
            request
                .extensions_mut()
                .insert(SigningOverrides::new().plus(policy));
        }
        let client = signing(authorizer(service, &server.authority()));
        client.oneshot(request).await.unwrap();
        let arrived = server.requests().pop().unwrap();
        assert_eq!(
            arrived.query().as_deref(),
            Some(sent),
            "{service} {policy:?}"
        );
        verified(&arrived, b"");
    }
}

#[tokio::test]
async fn refuses_a_raw_plus_where_it_is_told_to() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let request = Request::get(format!("{}/?q=a+b", server.url()))
        .extension(SigningOverrides::new().plus(PlusPolicy::Reject))
        .body(Empty::<Bytes>::new())
        .unwrap();
    let client = signing(authorizer("s3", &server.authority()));
    let error = client.oneshot(request).await.unwrap_err();
    assert_eq!(signing_error(&error).kind(), ErrorKind::AmbiguousPlus);
    assert!(server.requests().is_empty());
}
