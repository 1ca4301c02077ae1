//! A clock on tokio's time, and a source of credentials that does what a script says.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use sigv4_core::runtime::CachedCredentials;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::CredentialsCacheBuilder;
use sigv4_core::runtime::CredentialsEvent;
use sigv4_tests::secrets;
use sigv4_tests::time;
use tokio::time::Instant;

/// The time of a test: it passes when tokio says so, and the time of day can be set.
#[derive(Clone, Debug)]
pub(crate) struct TestTime {
    start: Instant,
    /// How far the time of day has been moved, in milliseconds.
    moved: Arc<Mutex<i64>>,
}

impl TestTime {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            moved: Arc::default(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Sets the time of day forward or back; no time passes.
    pub(crate) fn set_by(&self, seconds: i64) {
        *self.moved.lock().unwrap() += seconds * 1000;
    }

    /// Lets time pass until so long after the start.
    pub(crate) async fn reaches(&self, seconds: f64) {
        tokio::time::sleep_until(self.start + Duration::from_secs_f64(seconds)).await;
    }
}

impl Clock for TestTime {
    fn now(&self) -> SystemTime {
        let moved = *self.moved.lock().unwrap();
        let by = Duration::from_millis(moved.unsigned_abs());
        let real = time::of_the_suite() + self.elapsed();
        if moved < 0 { real - by } else { real + by }
    }

    fn monotonic(&self) -> Duration {
        self.elapsed()
    }
}

/// What a source does when it is asked.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// New credentials with so many seconds of life.
    New(f64),
    /// New credentials without an end.
    Endless,
    /// The same credentials as the last time.
    Same,
    /// New credentials of another account.
    OtherAccount(f64),
    /// New credentials from another kind of source.
    OtherKind(f64),
    /// Credentials that ended a second ago.
    Ended,
    Fails,
    Panics,
    /// Never answers.
    Hangs,
    /// Answers after so many seconds.
    After(f64, Box<Self>),
}

impl Reply {
    pub(crate) fn after(self, seconds: f64) -> Self {
        Self::After(seconds, Box::new(self))
    }
}

/// One time that the source was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Duration,
    /// When it had answered; `None` if nobody waited for it to.
    pub(crate) answered: Option<Duration>,
}

type Script = Box<dyn Fn(Duration, usize) -> Reply + Send + Sync>;

/// A source of credentials. Clones are the same source.
#[derive(Clone)]
pub(crate) struct Source {
    inner: Arc<Inner>,
}

struct Inner {
    time: TestTime,
    script: Script,
    asked: Mutex<Vec<Asked>>,
    last: Mutex<Option<Credentials>>,
}

impl Source {
    /// A source that does what the script says, by the time since the start and the number of times
    /// that it was asked before.
    pub(crate) fn new(
        time: &TestTime,
        script: impl Fn(Duration, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let inner = Inner {
            time: time.clone(),
            script: Box::new(script),
            asked: Mutex::default(),
            last: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A source that replies in this order, and goes on with the last reply.
    pub(crate) fn replying<const N: usize>(time: &TestTime, replies: [Reply; N]) -> Self {
        Self::new(time, move |_, asked| replies[asked.min(N - 1)].clone())
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().clone()
    }

    pub(crate) fn times_asked(&self) -> usize {
        self.asked().len()
    }

    async fn reply(&self, number: usize, reply: Reply) -> Result<Credentials, CredentialsError> {
        let now = self.inner.time.now();
        let in_seconds = |seconds| Some(now + Duration::from_secs_f64(seconds));
        let mut made = match reply {
            Reply::New(life) => credentials(number, in_seconds(life)).build(),
            Reply::Endless => credentials(number, None).build(),
            Reply::Same => {
                let last = self.inner.last.lock().unwrap();
                last.clone().expect("the script replied before")
            }
            Reply::OtherAccount(life) => credentials(number, in_seconds(life))
                .account_id("999999999999")
                .build(),
            Reply::OtherKind(life) => {
                let mut other = credentials(number, in_seconds(life)).build();
                other.set_property(vec![AwsCredentialFeature::CredentialsImds]);
                other
            }
            Reply::Ended => credentials(number, Some(now - Duration::from_secs(1))).build(),
            Reply::Fails => return Err(CredentialsError::provider_error("the script says so")),
            Reply::Panics => panic!("the script says so"),
            Reply::Hangs => std::future::pending().await,
            Reply::After(seconds, reply) => {
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
                return Box::pin(self.reply(number, *reply)).await;
            }
        };
        if made.get_property::<Vec<AwsCredentialFeature>>().is_none() {
            made.set_property(vec![AwsCredentialFeature::CredentialsStsAssumeRole]);
        }
        *self.inner.last.lock().unwrap() = Some(made.clone());
        Ok(made)
    }
}

fn credentials(number: usize, end: Option<SystemTime>) -> aws_credential_types::CredentialsBuilder {
    let mut builder = Credentials::builder()
        .access_key_id(format!("AKID{number}"))
        .secret_access_key(secrets::SECRET_ACCESS_KEY)
        .account_id("123456789012")
        .provider_name("script");
    builder.set_expiry(end);
    builder
}

impl ProvideCredentials for Source {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let at = self.inner.time.elapsed();
            let number = {
                let mut asked = self.inner.asked.lock().unwrap();
                asked.push(Asked { at, answered: None });
                asked.len() - 1
            };
            let _note = Note {
                source: self,
                number,
            };
            self.reply(number, (self.inner.script)(at, number)).await
        })
    }
}

/// Notes when the source has answered, or was no longer listened to.
struct Note<'a> {
    source: &'a Source,
    number: usize,
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        let inner = &self.source.inner;
        inner.asked.lock().unwrap()[self.number].answered = Some(inner.time.elapsed());
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source")
    }
}

/// A cache of this source on this time, without chance: windows and pauses are as long as they can
/// be.
pub(crate) fn builder(time: &TestTime, source: &Source) -> CredentialsCacheBuilder {
    CredentialsCache::builder(source.clone())
        .name("the script")
        .clock(time.clone())
        .random(|| 0.0)
}

pub(crate) fn cache(time: &TestTime, source: &Source) -> CredentialsCache {
    builder(time, source).build()
}

/// Asks for credentials as a request does: without waiting if possible.
pub(crate) async fn request(
    cache: &CredentialsCache,
    time: &TestTime,
) -> Result<Arc<CachedCredentials>, sigv4_core::Error> {
    match cache.peek(time.now()) {
        Some(_) => Ok(cache.last().expect("there are some")),
        None => cache.get().await,
    }
}

/// Lets tasks that are ready run, without letting time pass.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Writes down what happens in a cache.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    events: Arc<Mutex<Vec<CredentialsEvent>>>,
}

impl Log {
    pub(crate) fn hook(&self) -> impl Fn(&CredentialsEvent) + Send + Sync + 'static {
        let events = Arc::clone(&self.events);
        move |event| events.lock().unwrap().push(event.clone())
    }

    /// The names of what happened since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        let name = |event: CredentialsEvent| {
            let text = format!("{event:?}");
            let end = text.find(' ').unwrap_or(text.len());
            text[..end].to_owned()
        };
        events.into_iter().map(name).collect()
    }
}
