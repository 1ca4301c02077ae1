//! HTTP/2, from clients and to upstreams.

use std::convert::Infallible;

use axum_gateway::config::Protocol;
use bytes::Bytes;
use http::Request;
use http::Response;
use http::Version;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use sigv4_tests::oracle;
use sigv4_tests::secrets;
use tokio::net::TcpListener;

use crate::fixture::Standstill;
use crate::fixture::bearer;
use crate::fixture::caller;
use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::get;
use crate::fixture::route;
use crate::fixture::start;
use crate::fixture::upstream;
use crate::fixture::verified;

#[tokio::test]
async fn many_requests_come_over_one_connection_without_tls() {
    let server = upstream("fine").await;
    let mut config = config(vec![route("sqs", &server.url())]);
    config.callers = vec![caller("batch", bearer("token"), None)];
    config.limits.head_timeout = std::time::Duration::from_millis(100);
    let gateway = start(config).await;
    let io = TokioIo::new(connect(&gateway).await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut send = async |uri: &str, token: &str| {
        let request = Request::post(uri).header("authorization", token);
        let body = Full::new(Bytes::from_static(b"body"));
        let answer = sender
            .send_request(request.body(body).unwrap())
            .await
            .unwrap();
        let status = answer.status().as_u16();
        (
            status,
            answer.into_body().collect().await.unwrap().to_bytes(),
        )
    };
    let fine = (200, Bytes::from_static(b"fine"));
    assert_eq!(send("http://localhost/sqs/a", "Bearer token").await, fine);
    assert_eq!(send("http://localhost/sqs/a", "Bearer no").await.0, 401);
    // Longer than a head may take: a connection of HTTP/2 is not in the middle of one.
    let clock = Standstill::begin();
    clock.pass(std::time::Duration::from_millis(300)).await;
    drop(clock);
    assert_eq!(
        send("http://gateway.example/sqs/b", "Bearer token").await,
        fine
    );
    assert!(!connection.is_finished());
    for request in server.requests() {
        assert_eq!(request.header("host").unwrap(), server.authority());
        verified(&request, b"body");
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn upstreams_are_spoken_to_in_http2_where_the_route_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let judge = service_fn(|request: Request<Incoming>| async move {
                assert_eq!(request.version(), Version::HTTP_2);
                let verdict = oracle::verify(&request, b"", secrets::SECRET_ACCESS_KEY);
                let answer = verdict.map_or_else(|why| why, |_| "fits".to_owned());
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(answer))))
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), judge));
        }
    });
    let mut route = route("sqs", &url);
    route.protocol = Protocol::Http2;
    let gateway = start(config(vec![route])).await;
    for _ in 0..2 {
        let answer = get(&gateway, "/sqs/a?b=c", "").await;
        assert_eq!((answer.status(), answer.body()), (200, "fits"));
    }
}
