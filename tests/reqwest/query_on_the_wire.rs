//! The query that arrives is the canonical one, byte for byte, and the signature is over it.

use sigv4_core::ErrorKind;
use sigv4_core::PlusPolicy;
use sigv4_core::Signer;
use sigv4_core::SigningOverrides;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::REGION;
use crate::fixture::WAYS;
use crate::fixture::authorizer;
use crate::fixture::client;
use crate::fixture::get;
use crate::fixture::signed_by;
use crate::fixture::signing;
use crate::fixture::signing_kind;
use crate::fixture::verified;

#[tokio::test]
async fn arrives_encoded_and_sorted() {
    for service in ["execute-api", "s3"] {
        let server = WireServer::start(|_| WireResponse::new(200)).await;
        let authorizer = authorizer(service, &server.authority());
        for (given, sent) in [
            ("a=1&b=2", "a=1&b=2"),
            ("b=2&a=1", "a=1&b=2"),
            ("acl", "acl="),
            ("a=2&a&a=1&a=", "a=&a=&a=1&a=2"),
            ("a=1&&b=2&", "a=1&b=2"),
            ("a=b=c", "a=b%3Dc"),
            ("prefix=a/b:c@d", "prefix=a%2Fb%3Ac%40d"),
            ("a=%7e%2f%41", "a=~%2FA"),
            ("q=a b", "q=a%20b"),
            ("q=a%20b", "q=a%20b"),
            ("q=a%2Bb", "q=a%2Bb"),
            ("q='{x}|y", "q=%27%7Bx%7D%7Cy"),
            ("q=100%", "q=100%25"),
            ("q=é", "q=%C3%A9"),
            ("a=1#b=2", "a=1"),
        ] {
            for way in WAYS {
                let request = get(format!("{}/path?{given}", server.url()));
                way.send(&authorizer, request, None).await.unwrap();
                let arrived = server.requests().pop().unwrap();
                assert_eq!(arrived.query().as_deref(), Some(sent), "{service}: {given}");
                verified(&arrived, b"");
            }
        }
    }
}

#[tokio::test]
async fn what_the_builder_writes_arrives_as_it_was_meant() {
    for service in ["execute-api", "s3"] {
        let server = WireServer::start(|_| WireResponse::new(200)).await;
        let authorizer = authorizer(service, &server.authority());
        let pairs = [
            ("q", "a b"),
            ("plus", "1+1"),
            ("é", "&=?#/%"),
            ("empty", ""),
        ];
        let plain = client().get(server.url()).query(&pairs).build().unwrap();
        assert!(
            plain.url().query().unwrap().contains("q=a+b"),
            "reqwest writes it so"
        );
        for way in WAYS {
            way.send(&authorizer, plain.try_clone().unwrap(), None)
                .await
                .unwrap();
        }
        signing(authorizer)
            .get(server.url())
            .query(&pairs)
            .send()
            .await
            .unwrap();

        let sent = "%C3%A9=%26%3D%3F%23%2F%25&empty=&plus=1%2B1&q=a%20b";
        for arrived in server.requests() {
            assert_eq!(arrived.query().as_deref(), Some(sent), "{service}");
            verified(&arrived, b"");
        }
        assert_eq!(server.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_raw_plus_is_what_the_builder_or_the_overrides_say() {
    use PlusPolicy::Literal;
    use PlusPolicy::Space;

    let server = WireServer::start(|_| WireResponse::new(200)).await;
    for (service, of_signer, of_request, sent) in [
        ("execute-api", None, None, "q=a%20b"),
        ("s3", None, None, "q=a%20b"),
        ("execute-api", Some(Literal), None, "q=a%2Bb"),
        ("s3", Some(Literal), None, "q=a%2Bb"),
        ("s3", Some(Space), None, "q=a%20b"),
        ("s3", None, Some(Literal), "q=a%2Bb"),
        ("s3", Some(Space), Some(Literal), "q=a%2Bb"),
        ("s3", Some(Literal), Some(Space), "q=a%20b"),
    ] {
        let mut signer = Signer::builder(service, REGION);
        if let Some(policy) = of_signer {
            signer = signer.plus(policy);
        }
        let signer = signer.build().unwrap();
        let authorizer = signed_by(signer, secrets::credentials(), &server.authority()).build();
        for way in WAYS {
            let overrides = of_request.map(|policy| SigningOverrides::new().plus(policy));
            let request = get(format!("{}/?q=a+b", server.url()));
            way.send(&authorizer, request, overrides).await.unwrap();
            let arrived = server.requests().pop().unwrap();
            let name = format!("{service} {of_signer:?} {of_request:?}");
            assert_eq!(arrived.query().as_deref(), Some(sent), "{name}");
            verified(&arrived, b"");
        }
    }
}

#[tokio::test]
async fn overrides_of_something_else_do_not_change_what_a_plus_is() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = authorizer("execute-api", &server.authority());
    for way in WAYS {
        let overrides = SigningOverrides::new().service("s3").unwrap();
        let request = get(format!("{}/?q=a+b", server.url()));
        way.send(&authorizer, request, Some(overrides))
            .await
            .unwrap();
        let arrived = server.requests().pop().unwrap();
        assert_eq!(arrived.query().as_deref(), Some("q=a%20b"));
        verified(&arrived, b"");
    }
}

#[tokio::test]
async fn a_raw_plus_can_be_refused() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let signer = Signer::builder("s3", REGION)
        .plus(PlusPolicy::Reject)
        .build()
        .unwrap();
    let authorizer = signed_by(signer, secrets::credentials(), &server.authority()).build();
    for way in WAYS {
        let request = get(format!("{}/?q=a+b", server.url()));
        let error = way.send(&authorizer, request, None).await.unwrap_err();
        assert_eq!(signing_kind(&error), ErrorKind::AmbiguousPlus);
    }
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn loses_an_earlier_signature() {
    let server = WireServer::start(|_| WireResponse::new(200)).await;
    let authorizer = authorizer("s3", &server.authority());
    for way in WAYS {
        let stale = "X-Amz-Signature=00&x-amz-security-token=old&a=1&X%2DAmz-Credential=b";
        let request = get(format!("{}/?{stale}", server.url()));
        way.send(&authorizer, request, None).await.unwrap();
        let arrived = server.requests().pop().unwrap();
        assert_eq!(arrived.target(), "/?a=1");
        verified(&arrived, b"");
    }
}
