//! The status page.

use axum_gateway::admin;
use axum_gateway::stats::Stats;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::StatusCode;
use sha2::Digest;
use sha2::Sha256;
use sigv4_core::Signer;

use crate::busy;
use crate::fixture;
use crate::fixture::Source;
use crate::fixture::ask;
use crate::fixture::router;

#[tokio::test]
async fn answers_the_questions_of_an_operator() {
    let state = busy::gateway().await;
    let answer = ask(&router(&state, &fixture::admin()), "/", &[]).await;
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    let page = answer.text;
    let mut from = 0;
    // In this order.
    for expected in [
        "Not ready",
        "routes[4].regoin: unknown field, did you mean `region`?",
        "Credentials</h2>",
        "…MPLE",
        "5 h 59 min",
        "degraded",
        "assume_role arn:aws:iam::123456789012:role/storage, by (default)",
        "3 min",
        "STS answered 503: SlowDown",
        "no route uses them",
        "Routes</h2>",
        "148\u{202f}230</dt><dd>signed, answered 2xx",
        "34</dt><dd>of these refused by AWS: <code>ThrottlingException</code>",
        "SigV4A, in the query, for 60 s",
        "no requests yet",
        "body as the client signed it, else hashed, up to 64 KiB",
        "Latest refusals</h2>",
        "wrong_key",
        "more like it",
        "What the words mean</h2>",
    ] {
        let at = page[from..].find(expected);
        from += at.unwrap_or_else(|| panic!("no {expected} in its place:\n{page}"));
    }
    // The end of the access key id is enough.
    assert!(!page.contains("ASIAIOSFODNN7"));
}

#[tokio::test]
async fn names_are_text_and_no_markup() {
    const HOSTILE: &str = "<script>alert('1')</script>\"><img src=x onerror=alert(1)>&amp;";
    let stats = Stats::new();
    let cache = fixture::cache(HOSTILE, "default", Source::keys(None), &stats).await;
    let mut route = fixture::route(HOSTILE, &format!("/{HOSTILE}"), HOSTILE);
    route.upstream = format!("https://{HOSTILE}");
    route.matches.hosts = vec![HOSTILE.to_owned()];
    route.matches.methods = vec![Method::from_bytes(b"'GET'").unwrap()];
    route.signer = Signer::builder("bedrock", "us-east-1").build().unwrap();
    let id = axum_gateway::log::RequestId::random();
    let counts = stats.route(HOSTILE);
    counts.rejected(HOSTILE, StatusCode::BAD_REQUEST, &id);
    counts.refused(&busy::read(StatusCode::FORBIDDEN, "<b>'\"&"), &id);
    let state = fixture::state(vec![route], vec![cache], stats);
    fixture::fail_reload(&state, HOSTILE);

    let page = ask(&router(&state, &fixture::admin()), "/", &[]).await.text;
    for markup in ["<script", "<img", "alert('", "\"><", "'GET'", "<b>'"] {
        let is_ours =
            |at: usize| page[at..].starts_with("\"><") && !page[at..].starts_with("\"><img");
        let mut there = page.match_indices(markup).filter(|&(at, _)| !is_ours(at));
        assert_eq!(there.next(), None, "{markup}\n{page}");
    }
    let escaped = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&gt;&lt;img src=x \
                   onerror=alert(1)&gt;&amp;amp;";
    // As route, path, host, upstream, credentials of the route, reason and reload failure.
    assert!(page.matches(escaped).count() >= 9, "{page}");
}

#[tokio::test]
async fn needs_nothing_from_elsewhere() {
    let state = busy::gateway().await;
    let answer = ask(&router(&state, &fixture::admin()), "/", &[]).await;
    let page = answer.text;
    for loads in [
        "<script", "<link", "<img", "<iframe", "<form", "@import", "url(", " style=", "src=",
    ] {
        assert!(!page.contains(loads), "{loads}");
    }
    // Browsers hash what is between the tags, after having made line ends one character.
    let (_, style) = page.split_once("<style>").unwrap();
    let (style, _) = style.split_once("</style>").unwrap();
    assert!(!style.contains('\r'));
    let hash = STANDARD.encode(Sha256::digest(style));
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains(&format!("style-src 'sha256-{hash}';")),
        "{policy}"
    );
}

#[tokio::test]
async fn says_at_once_that_all_is_well() {
    let state = fixture::ready().await;
    let page = ask(&router(&state, &fixture::admin()), "/", &[]).await.text;
    assert!(
        page.contains("<title>Ready: signing gateway</title>"),
        "{page}"
    );
    assert!(page.contains("No request was refused so far."));
    assert!(!page.contains("role=\"alert\""));
}

/// For a browser: `cargo test -p axum-gateway --test admin -- --ignored --nocapture serves_the_page`
/// serves it at `$ADDRESS`, or at a port of its own choice that it prints.
#[tokio::test]
#[ignore = "it serves the page until it is ended"]
async fn serves_the_page() {
    let state = busy::gateway().await;
    let address = std::env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    eprintln!("http://{}/", listener.local_addr().unwrap());
    let router = admin::router(state, &fixture::admin());
    axum::serve(listener, router).await.unwrap();
}
