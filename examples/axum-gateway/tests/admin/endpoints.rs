//! What each address answers, and to whom.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum_gateway::state::State;
use axum_gateway::stats::Stats;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::StatusCode;
use sigv4_tests::secrets;

use crate::busy;
use crate::fixture;
use crate::fixture::Source;
use crate::fixture::TOKEN;
use crate::fixture::ask;
use crate::fixture::router;
use crate::fixture::send;

const PATHS: [&str; 5] = ["/", "/healthz", "/readyz", "/metrics", "/elsewhere"];
const FOREIGN: [(&str, &str); 1] = [("host", "evil.example")];

#[tokio::test]
async fn only_operators_see_more_than_a_word() {
    let bearer = format!("Bearer {TOKEN}");
    let other_case = format!("bearer {TOKEN}");
    let longer = format!("Bearer {TOKEN}x");
    let shorter = format!("Bearer {}", &TOKEN[1..]);
    let basic = format!("Basic {TOKEN}");
    let as_password = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let password = as_password(&format!("anybody:{TOKEN}"));
    let nobodys = as_password(&format!(":{TOKEN}"));
    let as_user = as_password(&format!("{TOKEN}:"));
    let without_user = as_password(TOKEN);
    let wrong = as_password(&format!("anybody:{TOKEN}x"));
    let state = fixture::ready().await;
    let with_token = router(&state, &fixture::admin_with_token());
    let without = router(&state, &fixture::admin());
    for (name, router, headers, statuses) in [
        (
            "the token",
            &with_token,
            vec![("authorization", &*bearer)],
            [200, 200, 404],
        ),
        (
            "the token, other case",
            &with_token,
            vec![("authorization", &other_case)],
            [200, 200, 404],
        ),
        (
            "the token, other host",
            &with_token,
            vec![("authorization", &bearer), FOREIGN[0]],
            [200, 200, 404],
        ),
        ("no token", &with_token, vec![], [401; 3]),
        (
            "a longer token",
            &with_token,
            vec![("authorization", &longer)],
            [401; 3],
        ),
        (
            "a shorter token",
            &with_token,
            vec![("authorization", &shorter)],
            [401; 3],
        ),
        (
            "an empty token",
            &with_token,
            vec![("authorization", "Bearer ")],
            [401; 3],
        ),
        (
            "another scheme",
            &with_token,
            vec![("authorization", &basic)],
            [401; 3],
        ),
        (
            "as a password",
            &with_token,
            vec![("authorization", &password)],
            [200, 200, 404],
        ),
        (
            "as the password of nobody",
            &with_token,
            vec![("authorization", &nobodys)],
            [200, 200, 404],
        ),
        (
            "as a user",
            &with_token,
            vec![("authorization", &as_user)],
            [401; 3],
        ),
        (
            "as both",
            &with_token,
            vec![("authorization", &without_user)],
            [401; 3],
        ),
        (
            "a wrong password",
            &with_token,
            vec![("authorization", &wrong)],
            [401; 3],
        ),
        (
            "two tokens",
            &with_token,
            vec![("authorization", &bearer), ("authorization", &bearer)],
            [401; 3],
        ),
        ("loopback", &without, vec![], [200, 200, 404]),
        (
            "IPv6 loopback",
            &without,
            vec![("host", "[::1]:9901")],
            [200, 200, 404],
        ),
        (
            "a name of ours",
            &without,
            vec![("host", "Admin.internal:9901")],
            [200, 200, 404],
        ),
        ("a foreign name", &without, FOREIGN.to_vec(), [421; 3]),
        (
            "a name that begins like ours",
            &without,
            vec![("host", "127.0.0.1.evil.example")],
            [421; 3],
        ),
        (
            "two names",
            &without,
            vec![("host", "localhost"), FOREIGN[0]],
            [421; 3],
        ),
        (
            "a page",
            &without,
            vec![("origin", "http://127.0.0.1:9901")],
            [403; 3],
        ),
        (
            "a page of no origin",
            &without,
            vec![("origin", "null")],
            [403; 3],
        ),
        (
            "a page, as Fetch says",
            &without,
            vec![("sec-fetch-site", "cross-site")],
            [403; 3],
        ),
        (
            "a user's own address bar",
            &without,
            vec![("sec-fetch-site", "none")],
            [200, 200, 404],
        ),
    ] {
        let is_operator = statuses[0] == 200;
        for (path, status) in [
            ("/", statuses[0]),
            ("/metrics", statuses[1]),
            ("/elsewhere", statuses[2]),
        ] {
            let answer = ask(router, path, &headers).await;
            assert_eq!(answer.status.as_u16(), status, "{name}: {path}");
            let challenges = answer.headers.get_all("www-authenticate").iter();
            let schemes = challenges.map(|it| it.to_str().unwrap().split(' ').next());
            let schemes: Vec<_> = schemes.flatten().collect();
            let expected = if status == 401 {
                &["Bearer", "Basic"][..]
            } else {
                &[]
            };
            assert_eq!(schemes, expected, "{name}: {path}");
        }
        // Probes come by address and have no token.
        let answer = ask(router, "/healthz", &headers).await;
        assert_eq!(
            (answer.status, &*answer.text),
            (StatusCode::OK, "ok\n"),
            "{name}"
        );
        let answer = ask(router, "/readyz", &headers).await;
        let expected = if is_operator {
            "ready\ncredentials main: ready\n"
        } else {
            "ready\n"
        };
        assert_eq!(
            (answer.status, &*answer.text),
            (StatusCode::OK, expected),
            "{name}"
        );
    }
}

#[tokio::test]
async fn readiness_is_that_of_the_credentials_that_routes_use() {
    let hour = Duration::from_secs(3600);
    for (name, source, credentials_of_route, status, report) in [
        (
            "usable",
            Source::keys(Some(hour)),
            "main",
            200,
            "ready\ncredentials main: ready\n",
        ),
        (
            "none",
            Source::failing_after(0, hour),
            "main",
            503,
            "unavailable\ncredentials main: unavailable\n",
        ),
        (
            "none, and no route needs any",
            Source::failing_after(0, hour),
            "",
            200,
            "ready\ncredentials main: unavailable (no route uses them)\n",
        ),
        (
            "another name",
            Source::keys(None),
            "other",
            503,
            "unavailable\ncredentials main: ready (no route uses them)\ncredentials other: missing\n",
        ),
    ] {
        let stats = Stats::new();
        let cache = fixture::cache("main", "default", source, &stats).await;
        let routes = match credentials_of_route {
            "" => Vec::new(),
            credentials => vec![fixture::route("bedrock", "/", credentials)],
        };
        let state = fixture::state(routes, vec![cache], stats);
        let answer = ask(&router(&state, &fixture::admin()), "/readyz", &[]).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.text),
            (status, report),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_program_that_drains_is_alive_but_not_ready() {
    let state = fixture::ready().await;
    state.draining.store(true, Ordering::Relaxed);
    let router = router(&state, &fixture::admin());
    assert_eq!(ask(&router, "/healthz", &[]).await.status, StatusCode::OK);
    let answer = ask(&router, "/readyz", &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text.starts_with("draining\n"), "{}", answer.text);
    let answer = ask(&router, "/readyz", &FOREIGN).await;
    assert_eq!(answer.text, "draining\n");
}

#[tokio::test]
async fn a_failed_reload_is_shown_and_changes_nothing() {
    let state = fixture::ready().await;
    fixture::fail_reload(&state, "gateway.yaml:3:5: routes[0]: no\nsecond line\n");
    let router = router(&state, &fixture::admin());
    let answer = ask(&router, "/readyz", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let last = answer.text.lines().last().unwrap();
    assert!(last.starts_with("reload failed at 2"), "{last}");
    assert!(
        last.ends_with("gateway.yaml:3:5: routes[0]: no second line"),
        "{last}"
    );
    let metrics = ask(&router, "/metrics", &[]).await.text;
    assert!(metrics.contains("\nsigv4_gateway_reload_failed 1\n"));
}

#[tokio::test]
async fn nothing_can_be_changed() {
    let state = fixture::ready().await;
    let router = router(&state, &fixture::admin());
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
    ] {
        for path in &PATHS[..4] {
            let answer = send(&router, method.clone(), path, &[]).await;
            assert_eq!(
                answer.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert_eq!(answer.headers["allow"], "GET,HEAD");
        }
    }
    for path in &PATHS[..4] {
        let answer = send(&router, Method::HEAD, path, &[]).await;
        assert_eq!(
            (answer.status, &*answer.text),
            (StatusCode::OK, ""),
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_answer_is_locked_down() {
    let state = fixture::ready().await;
    for admin in [fixture::admin(), fixture::admin_with_token()] {
        let router = router(&state, &admin);
        for path in PATHS {
            for method in [Method::GET, Method::HEAD, Method::POST] {
                let headers = send(&router, method, path, &[]).await.headers;
                assert_eq!(headers["cache-control"], "no-store", "{path}");
                assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
                assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
                let policy = headers["content-security-policy"].to_str().unwrap();
                let begin = "default-src 'none'; style-src 'sha256-";
                assert!(policy.starts_with(begin), "{path}: {policy}");
                let end = "='; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
                assert!(policy.ends_with(end), "{path}: {policy}");
            }
        }
    }
}

#[tokio::test]
async fn metrics_are_in_the_format_of_openmetrics() {
    let state = busy::gateway().await;
    let answer = ask(&router(&state, &fixture::admin()), "/metrics", &[]).await;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.headers["content-type"], media_type);
    assert!(answer.text.ends_with("# EOF\n"));
    let age = "sigv4_credentials_age_seconds{credentials=\"main\"}";
    assert!(answer.text.contains(age), "{}", answer.text);
}

#[tokio::test]
async fn no_answer_holds_a_secret() {
    let state = busy::gateway().await;
    let router = router(&state, &fixture::admin_with_token());
    let bearer = format!("Bearer {TOKEN}");
    for headers in [&[("authorization", &*bearer)][..], &[]] {
        for path in PATHS {
            let answer = ask(&router, path, headers).await;
            let text = format!("{:?}{}", answer.headers, answer.text);
            secrets::assert_no_secret(&text);
            assert!(!text.contains(TOKEN), "{path}");
        }
    }
    let state: &State = &state;
    secrets::assert_no_secret(&format!("{state:?}"));
}
