//! A gateway in the middle of its work, as its operators see it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use aws_credential_types::Credentials as Provided;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use axum::Router;
use axum::body::Body;
use axum_gateway::admin;
use axum_gateway::config::Address;
use axum_gateway::config::Admin;
use axum_gateway::config::Config;
use axum_gateway::config::Credentials;
use axum_gateway::config::Limits;
use axum_gateway::config::Listener;
use axum_gateway::config::Log;
use axum_gateway::config::LogRequests;
use axum_gateway::config::Match;
use axum_gateway::config::Protocol;
use axum_gateway::config::Route;
use axum_gateway::config::Secret;
use axum_gateway::config::Timeouts;
use axum_gateway::state::NamedCache;
use axum_gateway::state::ReloadFailure;
use axum_gateway::state::Serving;
use axum_gateway::state::State;
use axum_gateway::stats::Stats;
use http::HeaderMap;
use http::Method;
use http::Request;
use http::StatusCode;
use http_body_util::BodyExt;
use sigv4_core::EcdsaBackend;
use sigv4_core::PayloadMode;
use sigv4_core::Signer;
use sigv4_core::runtime::AssumeRoleSource;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::CredentialsCache;
use sigv4_tests::secrets;
use sigv4_tower::UpstreamLayer;
use tower::ServiceExt;

pub(crate) const TOKEN: &str = "an-admin-token";

/// A route for a test: under this name, with these credentials.
pub(crate) fn route(name: &str, path: &str, credentials: &str) -> Route {
    let upstream = "https://bedrock-runtime.us-east-1.amazonaws.com";
    let layer = UpstreamLayer::new(upstream).unwrap();
    Route {
        name: name.into(),
        matches: Match {
            path: path.to_owned(),
            methods: Vec::new(),
            hosts: Vec::new(),
        },
        upstream: upstream.to_owned(),
        scope: layer.host_scope(),
        layer,
        signer: Signer::builder("bedrock", "us-east-1").build().unwrap(),
        payload: PayloadMode::Hashed,
        body_limit: 10 << 20,
        in_query: None,
        credentials: credentials.into(),
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(300),
            idle: Duration::from_secs(300),
            upload: Duration::from_secs(3600),
        },
        protocol: Protocol::Negotiated,
        described: Vec::new(),
    }
}

/// Routes of several kinds.
pub(crate) fn routes() -> Vec<Route> {
    let bedrock = route("bedrock", "/bedrock", "main");
    let mut uploads = route("uploads", "/uploads", "storage");
    uploads.matches.methods = vec![Method::PUT, Method::POST];
    uploads.matches.hosts = vec!["uploads.gateway.internal".to_owned()];
    uploads.upstream = "https://my-bucket.s3.eu-central-1.amazonaws.com".to_owned();
    uploads.signer = Signer::builder("s3", "eu-central-1").build().unwrap();
    uploads.payload = PayloadMode::Unsigned;
    let mut links = route("links", "/links", "storage");
    links.upstream = "https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com".to_owned();
    let signer = Signer::builder("s3", "us-east-1,eu-central-1");
    links.signer = signer.sigv4a(EcdsaBackend::P256).build().unwrap();
    links.in_query = Some(Duration::from_secs(60));
    let mut keys = route("kms-sign", "/kms", "signing-keys");
    keys.matches.methods = vec![Method::POST];
    keys.upstream = "https://kms.eu-central-1.amazonaws.com".to_owned();
    keys.signer = Signer::builder("kms", "eu-central-1").build().unwrap();
    keys.body_limit = 64 << 10;
    keys.layer = keys.layer.follow_client_payload();
    vec![bedrock, uploads, links, keys]
}

pub(crate) fn config(routes: Vec<Route>) -> Config {
    Config {
        listeners: vec![Listener {
            address: Address::Tcp("127.0.0.1:8080".parse().unwrap()),
            tls: None,
            hosts: Vec::new(),
            anonymous: false,
        }],
        admin: Some(admin()),
        callers: Vec::new(),
        credentials: vec![
            Credentials {
                name: "main".into(),
                source: CredentialSource::Default,
                fingerprint: [0; 32],
            },
            Credentials {
                name: "storage".into(),
                source: AssumeRoleSource::new("arn:aws:iam::123456789012:role/storage").into(),
                fingerprint: [1; 32],
            },
        ],
        routes,
        limits: Limits {
            concurrency: 1024,
            held_bytes: 256 << 20,
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            drain_delay: Duration::ZERO,
            drain: Duration::from_secs(30),
        },
        log: Log {
            json: true,
            requests: LogRequests::All,
        },
    }
}

pub(crate) fn admin() -> Admin {
    Admin {
        address: Address::Tcp("127.0.0.1:9901".parse().unwrap()),
        token: None,
        hosts: vec!["admin.internal".to_owned()],
    }
}

pub(crate) fn admin_with_token() -> Admin {
    Admin {
        token: Some(Secret::new(TOKEN)),
        ..admin()
    }
}

pub(crate) fn state(routes: Vec<Route>, credentials: Vec<NamedCache>, stats: Stats) -> Arc<State> {
    let now = SystemTime::now();
    Arc::new(State {
        serving: ArcSwap::from_pointee(Serving {
            config: Arc::new(config(routes)),
            credentials,
            since: now - Duration::from_secs(3 * 3600),
        }),
        reload_failure: ArcSwap::from_pointee(None),
        draining: AtomicBool::new(false),
        stats,
    })
}

/// A gateway with one route that can sign.
pub(crate) async fn ready() -> Arc<State> {
    let stats = Stats::new();
    let cache = cache("main", "default", Source::keys(None), &stats).await;
    state(
        vec![route("bedrock", "/bedrock", "main")],
        vec![cache],
        stats,
    )
}

/// A cache that has asked its source once.
pub(crate) async fn cache(
    name: &str,
    kind: &'static str,
    source: Source,
    stats: &Stats,
) -> NamedCache {
    let cache = CredentialsCache::builder(source)
        .name(kind)
        .on_event(stats.credentials(name))
        .build();
    let _ = cache.get().await;
    NamedCache {
        name: name.into(),
        kind,
        cache,
        fingerprint: [0; 32],
    }
}

/// Hands out credentials for so many times, and fails from then on.
#[derive(Debug)]
pub(crate) struct Source {
    expires_in: Option<Duration>,
    times: u64,
    asked: AtomicU64,
}

impl Source {
    pub(crate) fn keys(expires_in: Option<Duration>) -> Self {
        Self {
            expires_in,
            times: u64::MAX,
            asked: AtomicU64::new(0),
        }
    }

    pub(crate) fn failing_after(times: u64, expires_in: Duration) -> Self {
        Self {
            times,
            ..Self::keys(Some(expires_in))
        }
    }
}

impl ProvideCredentials for Source {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= self.times {
            let error = CredentialsError::provider_error("STS answered 503: SlowDown");
            return future::ProvideCredentials::ready(Err(error));
        }
        future::ProvideCredentials::ready(Ok(Provided::new(
            "ASIAIOSFODNN7EXAMPLE",
            secrets::SECRET_ACCESS_KEY,
            Some(secrets::SESSION_TOKEN.to_owned()),
            self.expires_in.map(|left| SystemTime::now() + left),
            "fixture",
        )))
    }
}

/// What the admin surface answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// Asks the admin surface as a program on the same machine does.
pub(crate) async fn ask(router: &Router, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    send(router, Method::GET, path, headers).await
}

pub(crate) async fn send(
    router: &Router,
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:9901");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

pub(crate) fn router(state: &Arc<State>, admin: &Admin) -> Router {
    admin::router(state.clone(), admin)
}

/// Sets why the latest reload changed nothing.
pub(crate) fn fail_reload(state: &State, message: &str) {
    state.stats.reload(false);
    state.reload_failure.store(Arc::new(Some(ReloadFailure {
        at: SystemTime::now() - Duration::from_secs(7 * 60),
        message: message.to_owned(),
    })));
}
