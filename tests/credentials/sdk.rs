//! A client of the AWS SDK shares the cache, and the HTTP client, of the signer.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_config::identity::IdentityCache;
use sigv4_core::Payload;
use sigv4_core::Signer;
use sigv4_core::runtime::AssumeRoleSource;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::Providers;
use sigv4_core::runtime::SdkHttpClient;
use sigv4_core::runtime::StaticKeys;
use sigv4_tests::fake_aws::FakeSts;
use sigv4_tests::fake_aws::Handout;
use sigv4_tests::fake_aws::LoopbackHttp;
use sigv4_tests::fake_aws::Script;
use sigv4_tests::fake_aws::Step;
use sigv4_tests::oracle;
use sigv4_tests::secrets;

/// The clock of the system, so many seconds later.
#[derive(Clone, Debug, Default)]
struct MovedClock {
    ahead: Arc<AtomicU64>,
}

impl Clock for MovedClock {
    fn now(&self) -> SystemTime {
        SystemTime::now() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.ahead.load(Ordering::Relaxed))
    }
}

fn role(sts: &FakeSts) -> CredentialSource {
    let keys = StaticKeys::new(secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
    AssumeRoleSource::new("arn:aws:iam::123456789012:role/app")
        .region("us-east-1")
        .endpoint(sts.url())
        .source(keys)
        .into()
}

async fn client(sts: &FakeSts, credentials: CredentialsCache) -> aws_sdk_sts::Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(SdkHttpClient::new(LoopbackHttp::new()))
        .region(Region::new("us-east-1"))
        .endpoint_url(sts.url())
        .credentials_provider(credentials)
        // The credentials are in a cache already, which knows better when to replace them.
        .identity_cache(IdentityCache::no_cache())
        .load()
        .await;
    aws_sdk_sts::Client::new(&config)
}

/// Returns the access key id with which the SDK signed.
async fn caller(client: &aws_sdk_sts::Client) -> String {
    let identity = client.get_caller_identity().send().await.unwrap();
    identity.user_id().unwrap().to_owned()
}

fn fetches(sts: &FakeSts) -> usize {
    let requests = sts.requests();
    let is_fetch = |action: Option<String>| action.as_deref() == Some("AssumeRole");
    requests
        .iter()
        .filter(|request| is_fetch(request.form("Action")))
        .count()
}

#[tokio::test]
async fn shares_one_cache_with_a_client_of_the_sdk() {
    let sts = FakeSts::start().await;
    for providers in [
        Providers::light(LoopbackHttp::new()),
        Providers::aws_config(LoopbackHttp::new()),
    ] {
        sts.forget();
        sts.answer_with(Script::first([Step::Hand(Handout::new("first"))]));
        let clock = MovedClock::default();
        let cache = CredentialsCache::builder(role(&sts).load(&providers).unwrap())
            .clock(clock.clone())
            .build();
        let client = client(&sts, cache.clone()).await;
        for _ in 0..3 {
            assert_eq!(caller(&client).await, "ASIAFIRST", "{providers:?}");
        }
        assert_eq!(fetches(&sts), 1, "{providers:?}");

        // The signer uses the same ones.
        let current = cache.get().await.unwrap();
        let mut request = http::Request::get("https://sqs.us-east-1.amazonaws.com/")
            .body(())
            .unwrap();
        let signer = Signer::builder("sqs", "us-east-1").build().unwrap();
        let credentials = current.credentials();
        signer
            .sign(&mut request, Payload::EMPTY, credentials, SystemTime::now())
            .unwrap();
        let secret = Handout::new("first").secret_access_key().to_owned();
        let verified = oracle::verify(&request, b"", &secret).unwrap();
        assert_eq!(verified.access_key_id, "ASIAFIRST");

        // A second is the least that is between two fetches.
        clock.ahead.store(1, Ordering::Relaxed);
        // What the signer learns of them counts for the SDK with its next request.
        let replaced = cache.replace(current.generation()).await.unwrap();
        assert_eq!(replaced.credentials().access_key_id(), "ASIAAPP");
        assert_eq!(caller(&client).await, "ASIAAPP", "{providers:?}");
        assert_eq!(fetches(&sts), 2, "{providers:?}");
    }
}

#[tokio::test]
async fn tells_the_sdk_why_there_are_no_credentials() {
    let sts = FakeSts::start().await;
    sts.answer_with(Step::Status(
        403,
        "<Error><Code>AccessDenied</Code></Error>",
    ));
    let providers = Providers::light(LoopbackHttp::new());
    let cache = CredentialsCache::new(role(&sts).load(&providers).unwrap());
    let client = client(&sts, cache).await;
    let error = client.get_caller_identity().send().await.unwrap_err();
    let text = format!("{error:?}");
    assert!(text.contains("there are no usable credentials"), "{text}");
    secrets::assert_no_secret(&text);
    assert_eq!(
        fetches(&sts),
        sts.requests().len(),
        "nothing is sent without a signature"
    );
}
