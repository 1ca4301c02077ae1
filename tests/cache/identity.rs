//! The source returns credentials of somebody else.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use sigv4_core::runtime::Clock;
use sigv4_core::runtime::CredentialsCache;
use sigv4_core::runtime::IdentityPolicy;

use crate::fixture::Log;
use crate::fixture::Reply;
use crate::fixture::Source;
use crate::fixture::TestTime;
use crate::fixture::builder;
use crate::fixture::request;
use crate::fixture::settle;

#[tokio::test(start_paused = true)]
async fn another_account_or_kind_of_source_is_not_used() {
    for (name, other) in [
        ("account", Reply::OtherAccount(3600.0)),
        ("kind", Reply::OtherKind(3600.0)),
    ] {
        let time = TestTime::start();
        let source = Source::new(&time, move |at, _| match at.as_secs() {
            10..200 => other.clone(),
            _ => Reply::New(60.0),
        });
        let log = Log::default();
        let cache = builder(&time, &source).on_event(log.hook()).build();
        for second in 0..60 {
            time.reaches(f64::from(second)).await;
            assert_eq!(request(&cache, &time).await.unwrap().generation(), 1);
            settle().await;
        }
        assert!(log.take().contains(&"IdentityChanged".to_owned()), "{name}");
        // Not even when there are no others.
        time.reaches(100.0).await;
        let error = request(&cache, &time).await.unwrap_err();
        let cause = std::error::Error::source(error.credentials_outage().unwrap()).unwrap();
        assert!(
            cause.to_string().contains("IdentityPolicy::Follow"),
            "{name}"
        );
        time.reaches(201.0).await;
        assert_eq!(
            request(&cache, &time).await.unwrap().generation(),
            2,
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn unless_that_is_wanted() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::New(60.0), Reply::OtherAccount(60.0)]);
    let cache = builder(&time, &source)
        .identity(IdentityPolicy::Follow)
        .build();
    cache.get().await.unwrap();
    time.reaches(61.0).await;
    assert_eq!(request(&cache, &time).await.unwrap().generation(), 2);
}

/// Hands out these, one after the other, and then the last one.
#[derive(Debug)]
struct Listed {
    credentials: Vec<Credentials>,
    asked: AtomicUsize,
}

impl Listed {
    fn new(credentials: Vec<Credentials>) -> Self {
        Self {
            credentials,
            asked: AtomicUsize::new(0),
        }
    }
}

impl ProvideCredentials for Listed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let at = asked.min(self.credentials.len() - 1);
        future::ProvideCredentials::ready(Ok(self.credentials[at].clone()))
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_differ_in_any_part_are_new_ones() {
    let time = TestTime::start();
    let end = time.now() + Duration::from_secs(60);
    let make = |id: &str, secret: &str, token: &str, end| {
        Credentials::new(id, secret, Some(token.to_owned()), Some(end), "listed")
    };
    let one = make("AKID", "secret", "token", end);
    for (name, other, generation) in [
        ("nothing", one.clone(), 1),
        ("the id", make("AKIE", "secret", "token", end), 2),
        ("the secret", make("AKID", "secreu", "token", end), 2),
        ("the token", make("AKID", "secret", "tokeo", end), 2),
        (
            "the end",
            make("AKID", "secret", "token", end + Duration::from_secs(1)),
            2,
        ),
    ] {
        let time = TestTime::start();
        let cache = CredentialsCache::builder(Listed::new(vec![one.clone(), other]))
            .clock(time.clone())
            .random(|| 0.0)
            .build();
        cache.get().await.unwrap();
        time.reaches(time.elapsed().as_secs_f64() + 40.0).await;
        request(&cache, &time).await.unwrap();
        settle().await;
        assert_eq!(cache.last().unwrap().generation(), generation, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_of_two_does_not_tell_is_no_difference() {
    let time = TestTime::start();
    let end = time.now() + Duration::from_secs(60);
    let silent = |id: &str| Credentials::new(id, "secret", None, Some(end), "listed");
    let telling = |id: &str| {
        let mut credentials = Credentials::builder()
            .access_key_id(id)
            .secret_access_key("secret")
            .account_id("123456789012")
            .provider_name("listed");
        credentials.set_expiry(Some(end));
        let mut credentials = credentials.build();
        credentials.set_property(vec![AwsCredentialFeature::CredentialsImds]);
        credentials
    };
    for listed in [
        [silent("AKID0"), telling("AKID1")],
        [telling("AKID0"), silent("AKID1")],
    ] {
        let time = TestTime::start();
        let cache = CredentialsCache::builder(Listed::new(listed.to_vec()))
            .clock(time.clone())
            .build();
        cache.get().await.unwrap();
        time.reaches(50.0).await;
        request(&cache, &time).await.unwrap();
        settle().await;
        assert_eq!(cache.last().unwrap().generation(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cache_hands_out_all_that_its_own_source_has_told() {
    let time = TestTime::start();
    let source = Source::replying(&time, [Reply::OtherKind(3600.0), Reply::Fails]);
    let cache = builder(&time, &source).grace(Duration::ZERO).build();
    let shared = cache.provide_credentials().await.unwrap();
    assert_eq!(
        shared.expiry(),
        Some(time.now() + Duration::from_secs(3600))
    );
    let account = shared.account_id().map(|account| account.as_str());
    assert_eq!(account, Some("123456789012"));
    assert_eq!(
        shared.get_property::<Vec<AwsCredentialFeature>>(),
        Some(&vec![AwsCredentialFeature::CredentialsImds])
    );
    time.reaches(3600.0).await;
    let error = cache.provide_credentials().await.unwrap_err();
    assert!(
        matches!(error, CredentialsError::ProviderError(_)),
        "{error:?}"
    );
}
