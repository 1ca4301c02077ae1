//! Paths that are one route to the gateway, and would be another to the upstream.

use http::Method;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;

use crate::fixture::bearer;
use crate::fixture::caller;
use crate::fixture::config;
use crate::fixture::connect;
use crate::fixture::exchange;
use crate::fixture::route_at;
use crate::fixture::start;
use crate::fixture::upstream;
use crate::fixture::with_hosts;
use crate::fixture::with_methods;

#[tokio::test]
async fn an_escape_does_not_lead_around_the_routes_of_a_caller_a_method_or_a_host() {
    let server = upstream("fine").await;
    let mut routes = vec![
        route_at("private", "/private", &server.url()),
        with_methods(
            route_at("readable", "/readable", &server.url()),
            &[Method::GET],
        ),
        with_hosts(
            route_at("hosted", "/hosted", &server.url()),
            &["other.internal"],
        ),
        route_at("all", "/", &server.url()),
    ];
    for route in &mut routes {
        route.signer = Signer::builder("s3", "us-east-1").build().unwrap();
        route.payload = PayloadMode::Unsigned;
        route.layer = route.layer.clone().allow_empty_segments();
    }
    let mut config = config(routes);
    config.callers = vec![caller(
        "guest",
        bearer("of-guest"),
        Some(&["all", "readable"]),
    )];
    let gateway = start(config).await;
    for (method, host, target, status) in [
        ("GET", "localhost", "/public/k", 200),
        ("GET", "localhost", "/a%2Fb%3Dc", 200),
        ("GET", "localhost", "/a//%6b", 200),
        // Another caller's.
        ("GET", "localhost", "/private/k", 403),
        ("GET", "localhost", "/%70rivate/k", 400),
        ("GET", "localhost", "/privat%65", 400),
        ("GET", "localhost", "/private%2Fk", 400),
        ("GET", "localhost", "/private%2fk", 400),
        ("GET", "localhost", "/%2Fprivate/k", 400),
        ("GET", "localhost", "/%2f%70rivate/k", 400),
        ("GET", "localhost", "//private/k", 400),
        ("GET", "localhost", "/private%252Fk", 200),
        // Another method's.
        ("GET", "localhost", "/readable", 200),
        ("GET", "localhost", "/read%61ble", 400),
        ("DELETE", "localhost", "/read%61ble", 200),
        // Another host's.
        ("GET", "other.internal", "/hosted", 403),
        ("GET", "other.internal", "/%68osted", 400),
        ("GET", "localhost", "/%68osted", 200),
    ] {
        let before = server.requests().len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Authorization: Bearer of-guest\r\n\r\n"
        );
        let answer = exchange(connect(&gateway).await, &request).await;
        assert_eq!(answer.status(), status, "{method} {host} {target}");
        let forwarded = server.requests().len() - before;
        assert_eq!(forwarded == 1, status == 200, "{method} {host} {target}");
    }
}
