//! A client for the services of a test, without chance and without waiting.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use bedrock_chat::client::BedrockClient;
use bedrock_chat::client::BedrockClientBuilder;
use bedrock_chat::client::ConverseRequest;
use bedrock_chat::client::ConverseStream;
use bedrock_chat::client::Endpoints;
use bedrock_chat::client::Error;
use bedrock_chat::client::Message;
use bedrock_chat::client::StreamEvent;
use local_aws::LocalAws;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::Runtime;
use sigv4_core::runtime::Task;
use sigv4_tests::secrets;
use tokio::sync::Notify;

/// Longer than any wait between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(100);
pub(crate) const MODEL: &str = "amazon.nova-lite-v1:0";
/// What the model says to `Why?`.
pub(crate) const ANSWER: &str = "You asked \"Why?\", and that was question 1.";

pub(crate) fn builder(url: &str) -> BedrockClientBuilder {
    builder_with(url, CredentialsCache::new(secrets::credentials()))
}

pub(crate) fn builder_with(url: &str, credentials: CredentialsCache) -> BedrockClientBuilder {
    let endpoints = Endpoints::of_region("us-east-1").runtime(url).control(url);
    BedrockClient::builder("us-east-1", credentials).endpoints(endpoints)
}

pub(crate) fn client(aws: &LocalAws) -> BedrockClient {
    builder(&aws.url())
        .runtime(Pauses::default())
        .build()
        .unwrap()
}

pub(crate) fn question() -> ConverseRequest<'static> {
    ConverseRequest::new(MODEL, vec![Message::user("Why?")])
}

/// Reads a stream to its end, or to its error.
pub(crate) async fn read(stream: &mut ConverseStream) -> (String, Result<(), Error>) {
    let mut text = String::new();
    loop {
        match stream.next().await {
            Ok(Some(StreamEvent::Text { text: words, .. })) => text += &words,
            Ok(Some(_)) => {}
            Ok(None) => return (text, Ok(())),
            Err(error) => return (text, Err(error)),
        }
    }
}

/// Lets no time pass, and remembers how much should have. What is longer than a pause is a limit:
/// its time comes when the test says so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pauses {
    pauses: Arc<Mutex<Vec<Duration>>>,
    limits: Arc<Mutex<Vec<Duration>>>,
    reached: Arc<Notify>,
}

impl Pauses {
    pub(crate) fn all(&self) -> Vec<Duration> {
        self.pauses.lock().unwrap().clone()
    }

    /// Returns how long was last to be waited at most.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limits.lock().unwrap().last().copied()
    }

    pub(crate) fn forget(&self) {
        self.limits.lock().unwrap().clear();
    }

    /// Lets those be over that are waited for now.
    pub(crate) fn reach_limit(&self) {
        self.reached.notify_waiters();
    }
}

impl Runtime for Pauses {
    fn spawn(&self, task: Task) {
        tokio::spawn(task);
    }

    fn sleep(&self, duration: Duration) -> Task {
        if duration > LONGEST_PAUSE {
            self.limits.lock().unwrap().push(duration);
            let reached = Arc::clone(&self.reached);
            return Box::pin(async move { reached.notified().await });
        }
        self.pauses.lock().unwrap().push(duration);
        Box::pin(async {})
    }
}

/// Is a second further each time it is asked.
#[derive(Debug, Default)]
pub(crate) struct Ticking {
    seconds: AtomicU64,
}

impl Clock for Ticking {
    fn now(&self) -> SystemTime {
        let seconds = self.seconds.fetch_add(1, Ordering::SeqCst);
        SystemTime::now() - Duration::from_secs(60) + Duration::from_secs(seconds)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::SeqCst))
    }
}

/// Waits until something has come about elsewhere.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("{what} should have come about");
}
