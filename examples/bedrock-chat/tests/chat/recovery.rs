//! Credentials that end, and such as do not come.

use std::future::pending;
use std::future::ready;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use bedrock_chat::client::Error;
use local_aws::LocalAws;
use local_aws::bedrock::Turn;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::Runtime;
use sigv4_core::runtime::Task;
use sigv4_tests::fake_aws::Handout;
use sigv4_tests::secrets;

use crate::fixture::ANSWER;
use crate::fixture::Ticking;
use crate::fixture::builder_with;
use crate::fixture::question;
use crate::fixture::read;

/// Hands out other keys each time.
#[derive(Debug)]
struct Rotating {
    handouts: Vec<Handout>,
    fetched: Arc<AtomicUsize>,
}

impl Rotating {
    fn known_to(aws: &LocalAws) -> Self {
        let handouts: Vec<_> = ["first", "second"].map(Handout::new).into();
        for handout in &handouts {
            aws.trust(handout);
        }
        Self {
            handouts,
            fetched: Arc::default(),
        }
    }
}

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let fetched = self.fetched.fetch_add(1, Ordering::SeqCst);
        let handout = &self.handouts[fetched];
        let (id, secret) = (handout.access_key_id(), handout.secret_access_key());
        let token = Some(handout.session_token().to_owned());
        let end = SystemTime::now() + Duration::from_secs(3_600);
        let keys = Credentials::new(id, secret, token, Some(end), "test");
        future::ProvideCredentials::ready(Ok(keys))
    }
}

#[tokio::test]
async fn keys_that_have_ended_are_replaced() {
    let aws = LocalAws::start().await.unwrap();
    let provider = Rotating::known_to(&aws);
    let fetched = Arc::clone(&provider.fetched);
    let message = "The security token included in the request is expired";
    aws.bedrock()
        .next(Turn::refused(403, "ExpiredTokenException", message));
    // A cache asks once a second at most, and this one takes a second between any two looks.
    let cache = CredentialsCache::builder(provider).clock(Ticking::default());
    let client = builder_with(&aws.url(), cache.build()).build().unwrap();
    let mut stream = client.converse_stream(&question()).await.unwrap();
    assert_eq!(read(&mut stream).await.0, ANSWER);
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
    let seen = aws.seen();
    let [first, second] = &seen[..] else {
        unreachable!("it is asked twice: {seen:?}")
    };
    let header = "x-amz-security-token";
    assert_ne!(first.headers[header], second.headers[header]);
    assert_eq!((&first.refused, &second.refused), (&None, &None));
}

/// Fails so many times, and then has the keys.
#[derive(Debug)]
struct Failing {
    error: fn() -> CredentialsError,
    times: usize,
    fetched: Arc<AtomicUsize>,
}

impl ProvideCredentials for Failing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let fetched = self.fetched.fetch_add(1, Ordering::SeqCst);
        future::ProvideCredentials::ready(if fetched < self.times {
            Err((self.error)())
        } else {
            let (id, secret) = (secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
            Ok(Credentials::new(id, secret, None, None, "test"))
        })
    }
}

/// Time that passes only where somebody waits.
#[derive(Clone, Debug)]
struct Waited {
    begin: SystemTime,
    waited: Arc<Mutex<Vec<Duration>>>,
}

impl Waited {
    fn new() -> Self {
        let (begin, waited) = (SystemTime::now(), Arc::default());
        Self { begin, waited }
    }

    fn all(&self) -> Vec<Duration> {
        self.waited.lock().unwrap().clone()
    }
}

impl Clock for Waited {
    fn now(&self) -> SystemTime {
        self.begin + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.waited.lock().unwrap().iter().sum()
    }
}

impl Runtime for Waited {
    fn spawn(&self, task: Task) {
        tokio::spawn(task);
    }

    fn sleep(&self, duration: Duration) -> Task {
        // The limit of an answer.
        if duration == Duration::from_secs(120) {
            return Box::pin(pending());
        }
        self.waited.lock().unwrap().push(duration);
        Box::pin(ready(()))
    }
}

#[tokio::test]
async fn keys_that_may_come_later_are_asked_for_again() {
    let second = Duration::from_secs(1);
    for (name, error, times, attempts) in [
        (
            "out of order",
            (|| CredentialsError::provider_error("503")) as fn() -> _,
            1,
            2,
        ),
        (
            "too slow",
            || CredentialsError::provider_timed_out(Duration::ZERO),
            3,
            4,
        ),
        (
            "nonsense",
            || CredentialsError::unhandled("half an answer"),
            4,
            4,
        ),
        (
            "none",
            || CredentialsError::not_loaded("nothing is configured"),
            1,
            1,
        ),
        (
            "wrong",
            || CredentialsError::invalid_configuration("half a key"),
            1,
            1,
        ),
    ] {
        let (aws, time) = (LocalAws::start().await.unwrap(), Waited::new());
        let fetched = Arc::new(AtomicUsize::new(0));
        let provider = Failing {
            error,
            times,
            fetched: Arc::clone(&fetched),
        };
        let cache = CredentialsCache::builder(provider).clock(time.clone());
        let client = builder_with(&aws.url(), cache.build())
            .runtime(time.clone())
            .random(|| 0.0);
        let answer = client.build().unwrap().converse_stream(&question()).await;
        let is_answered = times < attempts;
        match answer {
            Ok(mut stream) => assert_eq!(read(&mut stream).await.0, ANSWER, "{name}"),
            Err(error) => {
                assert!(!is_answered, "{name}: {error:?}");
                assert!(matches!(error, Error::Signing(_)), "{name}: {error:?}");
            }
        }
        // As long as the cache takes to ask again, whatever chance says.
        assert_eq!(time.all(), vec![second; attempts - 1], "{name}");
        assert_eq!(fetched.load(Ordering::SeqCst), attempts, "{name}");
        assert_eq!(aws.seen().len(), usize::from(is_answered), "{name}");
    }
}

#[tokio::test]
async fn what_may_not_be_done_is_not_done_twice() {
    let aws = LocalAws::start().await.unwrap();
    let provider = Rotating::known_to(&aws);
    let fetched = Arc::clone(&provider.fetched);
    aws.bedrock().next(Turn::access_denied());
    let client = builder_with(&aws.url(), CredentialsCache::new(provider));
    client
        .build()
        .unwrap()
        .converse(&question())
        .await
        .unwrap_err();
    assert_eq!((aws.seen().len(), fetched.load(Ordering::SeqCst)), (1, 1));
}
