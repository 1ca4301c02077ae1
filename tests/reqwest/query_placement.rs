//! Signatures that are placed in the query, both ways: they verify, each attempt has its own, and no
//! error shows the URL.

use std::time::Duration;

use sigv4_core::runtime::Placement;
use sigv4_tests::secrets;
use sigv4_tests::wire::WireResponse;
use sigv4_tests::wire::WireServer;

use crate::fixture::WAYS;
use crate::fixture::builder;
use crate::fixture::builder_with;
use crate::fixture::client;
use crate::fixture::signing;
use crate::fixture::verified;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_arrives_verifies() {
    for (service, body) in [("s3", "body"), ("sqs", "body"), ("sqs", "")] {
        for way in WAYS {
            let server = WireServer::start(|_| WireResponse::new(200)).await;
            let credentials = secrets::temporary_credentials();
            let authorizer = builder_with(credentials, service, &server.authority());
            let authorizer = authorizer.placement(Placement::query(MINUTE)).build();
            let stale = "X-Amz-Date=stale&X-Amz-Signature=00";
            let request = client().put(format!("{}/key?b=1&a&{stale}", server.url()));
            let request = request.body(body).build().unwrap();
            way.send(&authorizer, request, None).await.unwrap();

            let arrived = server.only_request();
            assert_eq!(arrived.body(), body.as_bytes());
            assert_eq!(arrived.header("authorization"), None);
            let verified = verified(&arrived, body);
            assert_eq!(verified.expires_in, Some(MINUTE));
            assert_eq!(verified.token.as_deref(), Some(secrets::SESSION_TOKEN));
        }
    }
}

#[tokio::test]
async fn a_recovered_request_has_a_url_of_its_own() {
    let server = WireServer::start(|request| {
        if request.target().contains("X-Amz-Date=20150830T1236") {
            let answer = WireResponse::new(403).header("date", "Sun, 30 Aug 2015 12:46:00 GMT");
            answer.body(r#"{"__type":"RequestTimeTooSkewed"}"#)
        } else {
            WireResponse::new(200)
        }
    })
    .await;
    let authorizer = builder("sqs", &server.authority()).placement(Placement::query(MINUTE));
    let request = signing(authorizer.build()).post(server.url()).body("body");
    assert_eq!(request.send().await.unwrap().status(), 200);
    let requests = server.requests();
    let dates = requests
        .iter()
        .map(|request| verified(request, "body").date);
    let dates: Vec<_> = dates.collect();
    assert_eq!(dates, ["20150830T123600Z", "20150830T124600Z"]);
}

#[tokio::test]
async fn an_error_of_the_client_does_not_show_the_url() {
    // Nobody listens there any more.
    let host = WireServer::start(|_| WireResponse::new(200))
        .await
        .authority();
    for (placement, shows_query) in [
        (Placement::query(MINUTE), false),
        (Placement::default(), true),
    ] {
        let credentials = secrets::temporary_credentials();
        let authorizer = builder_with(credentials, "sqs", &host).placement(placement);
        let request = signing(authorizer.build()).get(format!("http://{host}/path?q=1"));
        let error = request.send().await.unwrap_err();
        let text = format!("{error} {error:#?}");
        assert!(text.contains("/path"), "{text}");
        assert_eq!(text.contains("q=1"), shows_query, "{text}");
        assert!(!text.contains("X-Amz"), "{text}");
        secrets::assert_no_secret(&text);
    }
}
