//! The gateway while the service that hands out its credentials is away.
//!
//! Credentials live for 12 s. Their endpoint answers 500 from the 5th to the 30th second. Time
//! passes when the test says so; requests, answers and refreshes go over real connections.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use axum_gateway::server;
use axum_gateway::state::NamedCache;
use axum_gateway::stats::Stats;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::CredentialsEvent;
use sigv4_core::runtime::Runtime;
use sigv4_core::runtime::Task;
use sigv4_core::runtime::TokioRuntime;
use sigv4_core::runtime::light;
use sigv4_tests::fake_aws::FakeContainer;
use sigv4_tests::fake_aws::Handout;
use sigv4_tests::fake_aws::Script;
use sigv4_tests::fake_aws::Step;
use sigv4_tests::oracle;
use sigv4_tower::ServiceSend;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::fixture::config;
use crate::fixture::route_at;

const LIFE: f64 = 12.0;
const OUTAGE: std::ops::Range<f64> = 5.0..30.0;
const POISONED: &str = "no test has panicked while it held the lock";

/// A clock that the test moves.
#[derive(Clone, Debug)]
struct TestTime {
    start: SystemTime,
    millis: Arc<AtomicU64>,
}

impl TestTime {
    fn start() -> Self {
        // Expirations are written in whole seconds.
        let now = SystemTime::now();
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let fraction = since.expect("it is after 1970").subsec_nanos();
        Self {
            start: now - Duration::from_nanos(u64::from(fraction)),
            millis: Arc::default(),
        }
    }

    fn seconds(&self) -> f64 {
        self.monotonic().as_secs_f64()
    }
}

impl Clock for TestTime {
    fn now(&self) -> SystemTime {
        self.start + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.millis.load(Ordering::SeqCst))
    }
}

/// Does not wait between attempts, and never runs out of patience.
#[derive(Debug)]
struct NoWaiting;

impl Runtime for NoWaiting {
    fn spawn(&self, task: Task) {
        TokioRuntime::new().spawn(task);
    }

    fn sleep(&self, duration: Duration) -> Task {
        if duration < Duration::from_secs(1) {
            Box::pin(tokio::task::yield_now())
        } else {
            Box::pin(std::future::pending())
        }
    }
}

/// What the upstream makes of requests: the secrets of the credentials and when they end.
#[derive(Clone, Default)]
struct Upstream {
    known: Arc<Mutex<HashMap<String, (String, f64)>>>,
    time: Arc<Mutex<Option<TestTime>>>,
    accepted: Arc<AtomicU64>,
    refused: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    fn judge(&self, request: &http::request::Parts, body: &[u8]) -> Result<(), String> {
        let authorization = request.headers.get("authorization");
        let authorization = authorization.ok_or("unsigned")?;
        let text = authorization.to_str().map_err(|error| error.to_string())?;
        let id = text.split("Credential=").nth(1).ok_or("no credential")?;
        let id = id.split('/').next().ok_or("no credential")?;
        let known = self.known.lock().expect(POISONED);
        let (secret, end) = known.get(id).ok_or_else(|| format!("unknown key {id}"))?;
        let time = self.time.lock().expect(POISONED);
        let now = time.as_ref().expect("the test has begun").seconds();
        if now >= *end {
            return Err(format!("{id} ended at {end}, and it is {now}"));
        }
        oracle::verify(request, body, secret).map(drop)
    }
}

async fn answer(State(upstream): State<Upstream>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("the body is small");
    match upstream.judge(&head, &body) {
        Ok(()) => {
            upstream.accepted.fetch_add(1, Ordering::SeqCst);
            "accepted".into_response()
        }
        Err(why) => {
            upstream.refused.lock().expect(POISONED).push(why.clone());
            (StatusCode::FORBIDDEN, why).into_response()
        }
    }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("there is a free port");
    let address = listener.local_addr().expect("a listener has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn of_the_credentials_fails_no_request_before_their_end_and_none_after_it_is_over() {
    let time = TestTime::start();
    let upstream = Upstream::default();
    *upstream.time.lock().unwrap() = Some(time.clone());

    let endpoint = FakeContainer::start().await;
    endpoint.answer_with(Script::by({
        let (time, known) = (time.clone(), Arc::clone(&upstream.known));
        move || {
            let now = time.seconds();
            if OUTAGE.contains(&now) {
                return Step::SERVER_ERROR;
            }
            // AWS writes whole seconds.
            let end = (now + LIFE).floor();
            let handout = Handout::new(&format!("at{}", time.monotonic().as_millis()));
            known.lock().unwrap().insert(
                handout.access_key_id().to_owned(),
                (handout.secret_access_key().to_owned(), end),
            );
            Step::Hand(handout.expiring_at(time.start + Duration::from_secs_f64(end)))
        }
    }));

    let context = light::Context::new(ServiceSend::<_, Full<Bytes>>::new(
        Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
    ));
    let context = context.clock(time.clone()).runtime(NoWaiting);
    let provider = light::Container::new(context).endpoint(endpoint.url().parse().unwrap());
    let (running, mut settled) = watch::channel(0_i64);
    let credentials = CredentialsCache::builder(provider)
        .clock(time.clone())
        .runtime(NoWaiting)
        .on_event(move |event| {
            let change = match event {
                CredentialsEvent::RefreshStarted { .. } => 1,
                CredentialsEvent::RefreshSucceeded { .. }
                | CredentialsEvent::RefreshUnchanged { .. }
                | CredentialsEvent::RefreshFailed { .. } => -1,
                _ => 0,
            };
            running.send_modify(|running| *running += change);
        })
        .build();

    let address = serve(Router::new().fallback(answer).with_state(upstream.clone())).await;
    let cache = NamedCache {
        name: "main".into(),
        kind: "container",
        cache: credentials,
        fingerprint: [1; 32],
    };
    let config = config(vec![route_at("sqs", "/", &format!("http://{address}"))]);
    let gateway = server::start_with(config, Stats::new(), vec![cache])
        .await
        .unwrap();
    let address = gateway.addresses()[0];

    let caller: Client<_, Body> = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let mut recovered = None;
    let mut refused = 0;
    let mut before = 0;
    for quarter in 0..200 {
        time.millis.store(quarter * 250, Ordering::SeqCst);
        let at = time.seconds();
        let request = Request::post(format!("http://{address}/queue"))
            .body(Body::from("Action=ReceiveMessage"))
            .unwrap();
        let response = caller.request(request).await.unwrap();
        match response.status() {
            StatusCode::OK if at < LIFE => before += 1,
            StatusCode::OK => {
                recovered.get_or_insert(at);
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                assert!(at >= LIFE, "refused at {at} s, before the end");
                assert_eq!(recovered, None, "refused at {at} s, after recovery");
                assert_eq!(response.headers()["retry-after"], "1");
                refused += 1;
            }
            status => panic!("{status} at {at} s: {:?}", upstream.refused.lock().unwrap()),
        }
        // What the request has started in the background ends in the same quarter of a second.
        settled.wait_for(|&running| running == 0).await.unwrap();
    }

    let recovered = recovered.expect("it recovers");
    assert!(
        (OUTAGE.end..=OUTAGE.end + 2.0).contains(&recovered),
        "{recovered}"
    );
    assert_eq!(before, 4 * 12);
    assert_eq!(*upstream.refused.lock().unwrap(), Vec::<String>::new());
    assert_eq!(upstream.accepted.load(Ordering::SeqCst), 200 - refused);
    // In 25 s: a handful while the credentials hold, one a second after that, each up to 3 times.
    let asked = endpoint.requests().len();
    assert!(asked < 3 * 30, "the endpoint was asked {asked} times");
}
